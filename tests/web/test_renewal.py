"""The cookie of a session is renewed with any answer; open pages and streams go on."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlalchemy.exc import OperationalError

from api.deps import CSRF_HEADER, SESSION_COOKIE, SESSION_SECONDS, csrf_token
from core import sessions
from core.clock import MICROS, SimulatedClock
from core.events import Actor
from core.invitations import add_grant
from core.people import RENEWED_AFTER
from tests.web.conftest import signed_in
from tests.web.stage import Stage, build
from tests.web.test_people import GOOD, csrf_of, sign_in, with_password
from tests.web.test_sign_in import visitor

HOUR = int(RENEWED_AFTER.total_seconds())


@pytest.fixture
def clock() -> SimulatedClock:
    return SimulatedClock(1_795_000_000 * MICROS)


@pytest.fixture
def stage(foundation: Path, tmp_path: Path, clock: SimulatedClock) -> Iterator[Stage]:
    """The demo compound under a clock of the test's."""
    shutil.copytree(foundation, tmp_path, dirs_exist_ok=True)
    stage = build(tmp_path, clock)
    yield stage
    stage.live.stop()
    stage.parts.telemetry.close()
    stage.parts.database.close()


def pass_seconds(clock: SimulatedClock, seconds: int) -> None:
    clock.advance_to(clock.micros() + seconds * MICROS)


def manager(stage: Stage) -> TestClient:
    return signed_in(stage, stage.secret(stage.person("Wei Chen", "manager"), "session"))


@pytest.mark.parametrize("address", ["/", "/account", "/api/v1/me", "/nowhere/at/all"])
def test_an_hour_of_use_renews_the_cookie_with_any_answer_to_who_is_signed_in(
    stage: Stage, clock: SimulatedClock, address: str
) -> None:
    client = manager(stage)
    assert "set-cookie" not in client.get(address).headers
    pass_seconds(clock, HOUR)
    answer = client.get(address)
    if address.startswith("/nowhere"):
        # Nobody was asked who they are.
        assert "set-cookie" not in answer.headers
        return
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith(f"{SESSION_COOKIE}=wks_")
    assert f"Max-Age={SESSION_SECONDS}" in cookie
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "set-cookie" not in client.get(address).headers


def test_a_tab_that_was_open_before_still_sends_its_forms(
    stage: Stage, clock: SimulatedClock
) -> None:
    client = manager(stage)
    shown = csrf_of(client, "/account")
    pass_seconds(clock, HOUR)
    old = client.cookies[SESSION_COOKIE]
    client.get("/account")
    assert client.cookies[SESSION_COOKIE] != old
    form = {"csrf": shown, "name": "Wei", "locale": "en"}
    assert client.post("/account", data=form).status_code == 303


def test_requests_on_their_way_with_the_old_cookie_get_in_for_a_minute(
    stage: Stage, clock: SimulatedClock
) -> None:
    client = manager(stage)
    slow = signed_in(stage, client.cookies[SESSION_COOKIE])
    pass_seconds(clock, HOUR)
    client.get("/account")
    assert "set-cookie" not in slow.get("/account").headers
    client.get("/account")
    assert slow.get("/account").status_code == 200
    pass_seconds(clock, 60)
    assert slow.get("/account").headers["location"] == "/sign-in"
    assert client.get("/account").status_code == 200


def test_a_changed_role_renews_the_cookie_at_the_next_answer(stage: Stage) -> None:
    person = stage.person("Wei Chen", "guard")
    client = signed_in(stage, stage.secret(person, "session"))
    assert "set-cookie" not in client.get("/account").headers
    with stage.parts.database.write() as session:
        now = stage.parts.clock.now()
        actor = Actor.person(person)
        add_grant(session, person, stage.site_id, "supervisor", actor=actor, now=now)
    assert "set-cookie" in client.get("/account").headers
    assert "set-cookie" not in client.get("/account").headers


def test_a_new_password_renews_the_cookie_with_the_very_answer(stage: Stage) -> None:
    with_password(stage)
    client = visitor(stage)
    assert sign_in(client, "wei", GOOD) == 303
    old = client.cookies[SESSION_COOKIE]
    form = {"csrf": csrf_of(client, "/account"), "login": "wei", "present": GOOD}
    done = client.post("/account/password", data={**form, "password": "five loud valves"})
    assert done.headers["location"] == "/account?done=password"
    assert client.cookies[SESSION_COOKIE] != old
    assert client.get("/account").status_code == 200


def test_signing_out_gives_no_new_cookie(stage: Stage, clock: SimulatedClock) -> None:
    client = manager(stage)
    csrf = csrf_of(client, "/account")
    pass_seconds(clock, HOUR)
    left = client.post("/sign-out", data={"csrf": csrf})
    assert "wks_" not in left.headers["set-cookie"]


def test_a_program_with_a_token_gets_no_cookie(stage: Stage, clock: SimulatedClock) -> None:
    token = stage.secret(stage.person("Wei Chen", "manager"), "token")
    program = TestClient(stage.app, headers={"Authorization": f"Bearer {token}"})
    pass_seconds(clock, HOUR)
    assert "set-cookie" not in program.get("/api/v1/me").headers


def test_a_change_through_the_api_renews_too(stage: Stage, clock: SimulatedClock) -> None:
    client = manager(stage)
    headers = {CSRF_HEADER: csrf_token(client.cookies[SESSION_COOKIE])}
    pass_seconds(clock, HOUR)
    made = client.post("/api/v1/me/tokens", json={"label": "display"}, headers=headers)
    assert made.status_code == 201
    assert "set-cookie" in made.headers


def test_while_the_database_cannot_write_the_old_cookie_goes_on(
    stage: Stage, clock: SimulatedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = manager(stage)
    pass_seconds(clock, HOUR)

    def away(*_: object, **__: object) -> None:
        raise OperationalError("UPDATE", {}, Exception("disk I/O error"))

    monkeypatch.setattr(sessions, "renew", away)
    answer = client.get("/account")
    assert answer.status_code == 200
    assert "set-cookie" not in answer.headers
