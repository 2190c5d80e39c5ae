"""The files of a Mosquitto of one's own: made once, kept, and refused where they would be wrong."""

import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from core.errors import Invalid, Refused
from core.settings import Settings, load
from watchkeeper.broker_files import PASSWORDS, RIGHTS, make_account, prepare

NOW = datetime(2026, 11, 30, 3, 0, tzinfo=UTC)


@pytest.fixture
def settings() -> Settings:
    """The product's own account."""
    return load(mqtt_username="watchkeeper", mqtt_password="a secret")


def certificate(path: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificates(path.read_bytes())[0]


def names(path: Path) -> list[str]:
    extension = certificate(path).extensions.get_extension_for_class(x509.SubjectAlternativeName)
    return extension.value.get_values_for_type(x509.DNSName)


def test_what_is_there_stays_and_accounts_of_devices_with_it(
    tmp_path: Path, settings: Settings
) -> None:
    prepare(tmp_path, settings, ["broker"], NOW)
    password = make_account(tmp_path, settings, "pump-7")
    kept = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    prepare(tmp_path, settings, ["broker"], NOW + timedelta(days=900))
    for name, content in kept.items():
        if name != PASSWORDS:
            assert (tmp_path / name).read_bytes() == content, name
    lines = (tmp_path / PASSWORDS).read_text().splitlines()
    assert sorted(line.split(":")[0] for line in lines) == ["pump-7", "watchkeeper"]
    assert password not in kept[PASSWORDS].decode()
    assert make_account(tmp_path, settings, "pump-7") != password
    assert len((tmp_path / PASSWORDS).read_text().splitlines()) == 2


def test_a_device_trusts_the_broker_as_long_as_its_authority_lasts(
    tmp_path: Path, settings: Settings
) -> None:
    prepare(tmp_path, settings, ["broker", "watch.example.com"], NOW)
    server, authority = tmp_path / "server.pem", tmp_path / "authority.pem"
    assert names(server) == ["broker", "localhost", "watch.example.com"]
    assert certificate(server).not_valid_after_utc == certificate(authority).not_valid_after_utc
    prepare(tmp_path, settings, ["broker", "other.example.com"], NOW)
    assert "other.example.com" in names(server)
    assert certificate(server).issuer == certificate(authority).subject


def test_the_group_reads_what_a_broker_needs_and_not_the_authoritys_key(
    tmp_path: Path, settings: Settings
) -> None:
    prepare(tmp_path, settings, [], NOW)
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()}
    assert modes["authority-key.pem"] == 0o600
    assert {modes[name] for name in ("server-key.pem", PASSWORDS, RIGHTS)} == {0o640}


@pytest.mark.parametrize("name", ["", "a b", "a/b", "a+", "#", "name:other", "x" * 65, "a\nuser b"])
def test_a_name_that_would_mean_something_else_is_refused(
    name: str, tmp_path: Path, settings: Settings
) -> None:
    prepare(tmp_path, settings, [], NOW)
    with pytest.raises(Invalid, match="can't be the name of an account"):
        make_account(tmp_path, settings, name)


def test_our_own_account_is_not_given_to_a_device(tmp_path: Path, settings: Settings) -> None:
    prepare(tmp_path, settings, [], NOW)
    with pytest.raises(Refused, match="Watchkeeper itself"):
        make_account(tmp_path, settings, "watchkeeper")


def test_accounts_come_after_the_files(tmp_path: Path, settings: Settings) -> None:
    with pytest.raises(Refused, match="holds no accounts"):
        make_account(tmp_path, settings, "pump-7")
    with pytest.raises(Refused, match="an account for Watchkeeper itself"):
        prepare(tmp_path, load(mqtt_username="watchkeeper"), [], NOW)
