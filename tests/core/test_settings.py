"""Settings: where each comes from, and every mistake at once."""

import os
from pathlib import Path

import pytest

from core.errors import Invalid
from core.settings import SECRETS, Settings, load, origins


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
