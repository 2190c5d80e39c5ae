"""`watchkeeper credentials`, as an installer uses it."""

import csv
import json
import stat
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from rich.console import Console
from typer.testing import CliRunner

from core.db import Database, sqlite_url
from core.device_credentials import Issued
from core.device_credentials.provisioning import address_of, broker_url, sheet
from core.errors import Invalid, NotFound, Refused, WatchkeeperError
from core.ids import new_id
from core.settings import load
from watchkeeper import credentials
from watchkeeper.cli import app

Run = Callable[..., str]


@pytest.fixture
def run(tmp_path: Path, file_with_site: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command on a data folder with the small site; an error of ours is raised."""
    (tmp_path / "watchkeeper.sqlite").write_bytes(file_with_site.read_bytes())
    monkeypatch.setenv("WATCHKEEPER_DATA_DIR", str(tmp_path))
    # A console looks for COLUMNS when it is made, which may be long before.
    monkeypatch.setattr(credentials, "console", Console(width=250))

    def command(*words: str) -> str:
        result = CliRunner().invoke(app, ["credentials", *words])
        if isinstance(result.exception, WatchkeeperError):
            raise result.exception
        assert result.exit_code == 0, result.output
        return result.output

    return command


def device_of(tmp_path: Path) -> str:
    """SITE/DEVICE of some device of the small site."""
    database = Database(sqlite_url(tmp_path / "watchkeeper.sqlite"))
    with database.engine.connect() as connection:
        row = connection.exec_driver_sql(
            "SELECT node.code, device.code FROM device JOIN node ON node.id = device.site_id "
            "ORDER BY device.code"
        ).first()
    database.close()
    assert row is not None
    return f"{row[0]}/{row[1]}"


def test_a_credential_is_made_replaced_listed_and_revoked(run: Run, tmp_path: Path) -> None:
    name = device_of(tmp_path)
    made = list(csv.DictReader(run("create", name).splitlines()))
    assert [(one["site"] + "/" + one["device"], one["topic"]) for one in made] == [
        (name, f"wk/v1/{name}/")
    ]
    secret, username = made[0]["secret"], made[0]["username"]
    listed = run("list")
    assert username in listed
    assert secret not in listed
    assert "not yet" in listed
    newer = next(csv.DictReader(run("rotate", name, "--overlap", "1").splitlines()))
    assert newer["secret"] != secret
    assert "leaving, until" in run("list", "--site", name.partition("/")[0])
    assert "2 revoked" in run("revoke", name)
    assert username not in run("list")
    with pytest.raises(NotFound):
        run("create", "nowhere/nothing")
    with pytest.raises(Invalid):
        run("create", "nothing")


def test_a_narrow_window_breaks_words_and_no_names(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = list(csv.DictReader(run("create", device_of(tmp_path)).splitlines()))
    monkeypatch.setattr(credentials, "console", Console(width=80))
    assert made[0]["username"] in run("list")


def test_a_site_s_credentials_are_written_down_once(run: Run, tmp_path: Path) -> None:
    site = device_of(tmp_path).partition("/")[0]
    out, codes = tmp_path / "out.csv", tmp_path / "codes"
    said = run("export", site, "--out", str(out), "--qr", str(codes))
    rows = list(csv.DictReader(out.read_text().splitlines()))
    assert said.startswith(f"{len(rows)} credentials are in ")
    assert rows
    assert {f"{row['username']}.svg" for row in rows} == {one.name for one in codes.iterdir()}
    assert all(one.stat().st_mode & 0o077 == 0 for one in codes.iterdir())
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    with pytest.raises(Refused, match="stands already"):
        run("export", site, "--out", str(out))
    run("export", site, "--out", str(tmp_path / "more.csv"))
    assert len((tmp_path / "more.csv").read_text().splitlines()) == 1


def test_mosquitto_s_first_file_is_written_once(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "dynamic-security.json"
    with pytest.raises(Invalid) as missing:
        run("init", "--file", str(file))
    assert len(missing.value.problems) == 4
    monkeypatch.setenv("WATCHKEEPER_MQTT_HOST", "mosquitto")
    for name in ("MQTT_ADMIN_USERNAME", "MQTT_ADMIN_PASSWORD", "MQTT_USERNAME", "MQTT_PASSWORD"):
        monkeypatch.setenv(f"WATCHKEEPER_{name}", f"our-{name.lower()}")
    run("init", "--file", str(file))
    text = file.read_text()
    assert "our-mqtt_password" not in text
    users = [one["username"] for one in json.loads(text)["clients"]]
    assert users == ["our-mqtt_admin_username", "our-mqtt_username"]
    assert "left as it is" in run("init", "--file", str(file))
    assert file.read_text() == text


def test_accounts_that_are_made_by_hand_are_left_to_those_hands(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WATCHKEEPER_MQTT_HOST", "broker.example")
    for words in (("create", device_of(tmp_path)), ("init",)):
        with pytest.raises(Refused) as told:
            run(*words)
        assert "admin_username" in told.value.advice.lower()


def test_what_installers_are_given_can_be_read_back() -> None:
    issued = Issued(new_id(), new_id(), "s", "=meter 1/北", "u:@/%", "p/?#")
    address = address_of(issued, "mqtts://broker.example:8883")
    parts = urlsplit(address)
    assert (parts.scheme, parts.hostname, parts.port) == ("mqtts", "broker.example", 8883)
    assert (unquote(parts.username or ""), unquote(parts.password or "")) == ("u:@/%", "p/?#")
    assert unquote(parts.path) == "/wk/v1/s/=meter 1/北/"
    # No spreadsheet takes a device's name for a formula.
    assert "'=meter" in sheet([issued], "mqtt://b")


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({}, "mqtt://127.0.0.1:1884"),
        (
            {"broker_host": "0.0.0.0", "device_broker": "mqtt://10.0.0.2:1883"},
            "mqtt://10.0.0.2:1883",
        ),
        (
            {"mqtt_host": "m.example", "mqtt_ca": "ca.pem", "mqtt_port": 8883},
            "mqtts://m.example:8883",
        ),
    ],
)
def test_how_devices_reach_the_broker(settings: dict[str, str], told: str, tmp_path: Path) -> None:
    (tmp_path / "broker.port").write_text("1884")
    assert broker_url(load(data_dir=tmp_path, **settings)) == told
