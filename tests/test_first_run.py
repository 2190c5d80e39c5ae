"""What a start makes for tools and for who only looks around."""

import stat
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update
from typer.testing import CliRunner

from core.clock import MICROS, SimulatedClock
from core.db import Database
from core.people import CREDENTIAL_LIFETIME, Credential, find_credential
from core.settings import Settings, load
from tests.fixtures import SmallSite
from watchkeeper import cli, installation
from watchkeeper.first_run import tool_token


def proved(database: Database, token: str | None, clock: SimulatedClock) -> bool:
    assert token
    with database.read() as session:
        return find_credential(session, token, "token", now=clock.now())[0].proved


def test_tools_on_this_machine_keep_a_token_that_no_second_factor_stops(
    database: Database, site: SmallSite, clock: SimulatedClock, tmp_path: Path
) -> None:
    del site
    token = tool_token(database, tmp_path, clock)
    assert proved(database, token, clock)
    assert tool_token(database, tmp_path, clock) == token
    assert stat.S_IMODE((tmp_path / "tool-token").stat().st_mode) == 0o600


def test_a_tools_token_that_has_ended_or_is_of_an_older_version_is_made_anew(
    database: Database, site: SmallSite, clock: SimulatedClock, tmp_path: Path
) -> None:
    del site
    old = tool_token(database, tmp_path, clock)
    with database.write() as session:
        session.execute(update(Credential).values(proved=False))
    new = tool_token(database, tmp_path, clock)
    assert new != old
    assert proved(database, new, clock)
    year = int(CREDENTIAL_LIFETIME["token"].total_seconds())
    clock.advance_to(clock.micros() + year * MICROS)
    assert tool_token(database, tmp_path, clock) != new


def test_without_a_company_there_is_no_token(
    database: Database, clock: SimulatedClock, tmp_path: Path
) -> None:
    assert tool_token(database, tmp_path, clock) is None
    assert list(tmp_path.glob("tool-token")) == []


@pytest.mark.parametrize(
    ("arguments", "chosen", "rule"),
    [
        (["up"], None, "administrators"),
        (["up", "--demo"], None, "nobody"),
        (["up", "--demo"], "everyone", "everyone"),
    ],
)
def test_the_demo_asks_for_no_second_factor_unless_it_is_set(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    arguments: list[str],
    chosen: str | None,
    rule: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    started: list[Settings] = []

    def run_up(settings: Settings, **_: Any) -> None:
        started.append(settings)

    monkeypatch.setattr(cli, "run_up", run_up)
    monkeypatch.setattr(cli, "set_up_logs", lambda _settings: None)
    if chosen:
        monkeypatch.setenv("WATCHKEEPER_REQUIRE_SECOND_FACTOR", chosen)
    done = CliRunner().invoke(cli.app, arguments)
    assert done.exit_code == 0, done.output
    assert [settings.require_second_factor for settings in started] == [rule]


def test_what_a_loss_of_power_left_empty_is_chosen_anew(tmp_path: Path) -> None:
    for name in ("broker.port", "owner"):
        (tmp_path / name).write_text("")
    settings = load(data_dir=tmp_path)
    port = installation.broker_port(settings, tmp_path)
    assert port >= installation.USUAL_PORT
    assert installation.broker_port(settings, tmp_path) == port
    owner = installation.owner_id(tmp_path)
    assert owner
    assert installation.owner_id(tmp_path) == owner
