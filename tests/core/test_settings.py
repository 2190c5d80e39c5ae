"""Settings: where each comes from, and every mistake at once."""

import os
from pathlib import Path

import pytest

from core.errors import Invalid
from core.settings import SECRETS, Settings, is_chosen, load, origins


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.startswith("WATCHKEEPER_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def write(text: str) -> None:
    Path("watchkeeper.toml").write_text(text, encoding="utf-8")


def test_without_anything_set_the_defaults_hold() -> None:
    settings = load()
    assert settings.http_port == 8080
    assert settings.sql_url == "sqlite+pysqlite:///var/watchkeeper.sqlite"
    assert {origin for _, _, origin in origins()} == {"default"}


def test_the_command_line_wins_over_the_environment_and_that_over_the_file(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    write('http_port = 1001\nshard = "north"\nlog_level = "debug"\n')
    assert load().http_port == 1001
    monkeypatch.setenv("WATCHKEEPER_HTTP_PORT", "1002")
    assert load().http_port == 1002
    settings = load(http_port=1003, shard=None)
    assert (settings.http_port, settings.shard, settings.log_level) == (1003, "north", "debug")


def test_every_setting_is_shown_with_where_it_came_from(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    write('shard = "north"\n')
    monkeypatch.setenv("WATCHKEEPER_HTTP_PORT", "1002")
    monkeypatch.setenv("WATCHKEEPER_WEBHOOK_SECRET", "s3cret")
    rows = {name: (shown, origin) for name, shown, origin in origins()}
    assert set(rows) == set(Settings.model_fields)
    assert rows["http_port"] == ("1002", "environment: WATCHKEEPER_HTTP_PORT")
    assert rows["shard"] == ("north", "file: watchkeeper.toml")
    assert rows["webhook_secret"] == ("•••", "environment: WATCHKEEPER_WEBHOOK_SECRET")
    assert rows["readings_days"] == ("", "default")


def test_no_secret_is_ever_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in SECRETS:
        monkeypatch.setenv(f"WATCHKEEPER_{name.upper()}", f"postgresql://s3cret/{'x' * 32}")
    monkeypatch.setenv("WATCHKEEPER_OIDC_ISSUER", "https://id.example")
    monkeypatch.setenv("WATCHKEEPER_OIDC_CLIENT_ID", "watchkeeper")
    # Its form is the provider's: 43 letters and digits.
    monkeypatch.setenv("WATCHKEEPER_WECOM_AES_KEY", f"s3cret{'x' * 37}")
    assert "s3cret" not in repr(origins())


def test_the_file_may_stand_elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    other = tmp_path / "other.toml"
    other.write_text("http_port = 7\n", encoding="utf-8")
    monkeypatch.setenv("WATCHKEEPER_CONFIG", str(other))
    assert load().http_port == 7
    monkeypatch.setenv("WATCHKEEPER_CONFIG", str(tmp_path / "none.toml"))
    with pytest.raises(Invalid, match="does not exist"):
        load()


def test_every_mistake_is_reported_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    write('http_port = "many"\ncolour = "red"\n')
    monkeypatch.setenv("WATCHKEEPER_SHARD", "Not A Shard")
    monkeypatch.setenv("WATCHKEEPER_WEBHOOK_URL", "ftp://x")
    monkeypatch.setenv("WATCHKEEPER_HTP_PORT", "1")
    with pytest.raises(Invalid) as caught:
        load()
    named = {problem.split(":")[0] for problem in caught.value.problems}
    assert named == {"http_port", "colour", "shard", "webhook_url", "WATCHKEEPER_HTP_PORT"}


def test_a_misspelt_variable_is_not_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATCHKEEPER_HTP_PORT", "1")
    with pytest.raises(Invalid) as caught:
        load()
    assert caught.value.problems == ("WATCHKEEPER_HTP_PORT: there is no such setting",)


@pytest.mark.parametrize("text", ["http_port = ", "\x00"])
def test_a_file_that_is_no_toml_says_so(text: str) -> None:
    write(text)
    with pytest.raises(Invalid, match=r"watchkeeper\.toml"):
        load()


def test_an_override_is_checked_like_the_rest() -> None:
    with pytest.raises(Invalid) as caught:
        load(http_port=70_000)
    assert caught.value.problems[0].startswith("http_port: ")


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"oidc_issuer": "https://id.example"}, "oidc_issuer and oidc_client_id are set together"),
        ({"oidc_client_id": "wk"}, "oidc_issuer and oidc_client_id are set together"),
        ({"oidc_client_secret": "s3cret"}, "oidc_client_secret needs oidc_issuer"),
        ({"oidc_issuer": "http://id.example", "oidc_client_id": "wk"}, "must begin with https://"),
        ({"oidc_issuer": "https://", "oidc_client_id": "wk"}, "must begin with https://"),
        ({"secret_key": "s3cret"}, "must have 32 characters or more; `openssl rand"),
        ({"require_second_factor": "some"}, "'nobody', 'administrators' or 'everyone'"),
    ],
)
def test_what_signing_in_needs_is_set_as_a_whole_and_safe(
    settings: dict[str, str], told: str
) -> None:
    with pytest.raises(Invalid) as caught:
        load(**settings)
    assert told in caught.value.problems[0]
    assert "s3cret" not in str(caught.value.problems)


def test_a_provider_on_this_machine_needs_no_tls() -> None:
    assert load(oidc_issuer="http://127.0.0.1:9000", oidc_client_id="wk").oidc_issuer


def test_a_secret_may_stand_in_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    write('mqtt_password = "of the settings file"\n')
    secret = tmp_path / "secret"
    secret.write_text("of its own file\n", encoding="utf-8")
    monkeypatch.setenv("WATCHKEEPER_MQTT_PASSWORD_FILE", str(secret))
    assert load().mqtt_password == "of its own file"
    assert is_chosen("mqtt_password")
    shown = {name: (value, origin) for name, value, origin in origins()}
    assert shown["mqtt_password"] == ("•••", f"file: {secret}")


def test_every_secret_may_stand_in_a_file_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "secret"
    file.write_text("postgresql://anybody/anything-long-enough-for-a-key", encoding="utf-8")
    # Its form is the provider's, and it goes with another setting.
    plain = SECRETS - {"wecom_aes_key", "wecom_token", "oidc_client_secret"}
    for name in plain:
        monkeypatch.setenv(f"WATCHKEEPER_{name.upper()}_FILE", str(file))
    settings = load()
    assert {getattr(settings, name) for name in plain} == {file.read_text(encoding="utf-8")}
    monkeypatch.setenv("WATCHKEEPER_SHARD_FILE", str(file))
    with pytest.raises(Invalid) as caught:
        load()
    assert caught.value.problems == ("WATCHKEEPER_SHARD_FILE: there is no such setting",)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, "can't be read: No such file or directory"),
        (b"\n", "is empty"),
        (b"\xff\xfe", "is not UTF-8"),
        (b"x" * 70_000, "is too large for a secret"),
    ],
)
def test_a_file_that_holds_no_secret_is_named(
    content: bytes | None, told: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "secret"
    if content is not None:
        file.write_bytes(content)
    monkeypatch.setenv("WATCHKEEPER_SECRET_KEY_FILE", str(file))
    with pytest.raises(Invalid) as caught:
        load()
    assert caught.value.problems == (f"WATCHKEEPER_SECRET_KEY_FILE: {file} {told}",)


def test_a_secret_that_is_given_twice_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("WATCHKEEPER_SECRET_KEY", "x" * 32)
    monkeypatch.setenv("WATCHKEEPER_SECRET_KEY_FILE", str(tmp_path / "secret"))
    with pytest.raises(Invalid) as caught:
        load()
    [problem] = caught.value.problems
    assert problem.startswith("WATCHKEEPER_SECRET_KEY_FILE: WATCHKEEPER_SECRET_KEY is set, too")


def test_the_password_of_the_database_stands_apart_from_its_address() -> None:
    address = "postgresql+psycopg://watchkeeper@postgres/watchkeeper"
    settings = load(database_url=address, database_password="a/b@c:d")
    assert settings.sql_url == address.replace("@postgres", ":a%2Fb%40c%3Ad@postgres")
    with pytest.raises(Invalid, match="not usable"):
        load(database_password="alone")


@pytest.mark.parametrize(
    ("machine", "pages"), [(1, 256), (4, 512), (8, 1024), (24, 1024)], ids=lambda size: f"{size}"
)
def test_readings_get_a_share_of_the_machine_unless_somebody_says_how_much(
    monkeypatch: pytest.MonkeyPatch, machine: int, pages: int
) -> None:
    """A mini-PC of 4 GB has more to do than to keep pages of readings."""
    monkeypatch.setattr("core.settings.memory_bytes", lambda: machine * 1024**3)
    assert load().telemetry_memory_bytes == pages * 1024**2
    monkeypatch.setenv("WATCHKEEPER_TELEMETRY_MEMORY_BYTES", str(300 * 1024**2))
    assert load().telemetry_memory_bytes == 300 * 1024**2
