"""Credentials: tokens, the session cookie with its CSRF token, and how quickly they end."""

from collections.abc import Iterator

import pytest
from httpx2 import Headers
from sqlalchemy import delete, event, update
from starlette.testclient import TestClient

from api.deps import CSRF_FIELD, CSRF_HEADER, SESSION_COOKIE, csrf_token
from core.clock import MICROS, SimulatedClock
from core.db import Database
from core.people import CREDENTIAL_LIFETIME, Credential, Grant, Person, end_credential
from tests.api.conftest import MakeUser, User
from tests.fixtures import SmallSite


@pytest.fixture
def manager(make_user: MakeUser, site: SmallSite) -> User:
    return make_user("manager", site.id)


def may_read(client: TestClient, user: User) -> int:
    return client.get("/api/v1/tickets", headers=user.headers).status_code


@pytest.fixture
def statements(database: Database) -> Iterator[list[str]]:
    seen: list[str] = []

    def see(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        seen.append(statement)

    event.listen(database.engine, "before_cursor_execute", see)
    yield seen
    event.remove(database.engine, "before_cursor_execute", see)


def test_a_caller_is_remembered_for_a_moment(
    anonymous: TestClient, manager: User, statements: list[str]
) -> None:
    assert anonymous.get("/api/v1/me", headers=manager.headers).status_code == 200
    asked = len(statements)
    assert asked > 0
    assert anonymous.get("/api/v1/me", headers=manager.headers).status_code == 200
    assert len(statements) == asked


def test_an_ended_token_stops_working_at_once(
    anonymous: TestClient, manager: User, database: Database, clock: SimulatedClock
) -> None:
    assert may_read(anonymous, manager) == 200
    with database.write() as session:
        end_credential(session, manager.token, now=clock.now())
    assert may_read(anonymous, manager) == 401


def test_a_token_that_was_about_to_be_ended_still_works(
    anonymous: TestClient, manager: User, database: Database, clock: SimulatedClock
) -> None:
    assert may_read(anonymous, manager) == 200
    with database.write() as session:
        end_credential(session, manager.token, now=clock.now())
        session.rollback()
    assert may_read(anonymous, manager) == 200


def test_a_token_ends_at_its_time_even_while_remembered(
    anonymous: TestClient, manager: User, clock: SimulatedClock
) -> None:
    assert may_read(anonymous, manager) == 200
    life = int(CREDENTIAL_LIFETIME["token"].total_seconds()) * MICROS
    clock.advance_to(clock.micros() + life)
    assert may_read(anonymous, manager) == 401


def test_a_grant_taken_away_counts_at_once(
    anonymous: TestClient, manager: User, database: Database
) -> None:
    assert may_read(anonymous, manager) == 200
    with database.write() as session:
        session.execute(delete(Grant).where(Grant.person_id == manager.person_id))
    assert may_read(anonymous, manager) == 403


def test_who_has_left_is_out_at_once(
    anonymous: TestClient, manager: User, database: Database, clock: SimulatedClock
) -> None:
    assert may_read(anonymous, manager) == 200
    with database.write() as session:
        session.execute(
            update(Person).where(Person.id == manager.person_id).values(left_at=clock.now())
        )
    assert may_read(anonymous, manager) == 401


def test_a_session_is_no_bearer_token(
    anonymous: TestClient, make_user: MakeUser, site: SmallSite
) -> None:
    visitor = make_user("manager", site.id, kind="session")
    assert may_read(anonymous, visitor) == 401
    link = make_user("manager", site.id, kind="link")
    assert may_read(anonymous, link) == 401


@pytest.fixture
def browser_user(anonymous: TestClient, make_user: MakeUser, site: SmallSite) -> User:
    """Somebody signed in by cookie."""
    visitor = make_user("manager", site.id, kind="session")
    anonymous.cookies.set(SESSION_COOKIE, visitor.token)
    return visitor


def ticket(site: SmallSite) -> dict[str, str]:
    return {"site_id": str(site.id), "title": "It drips"}


def test_a_cookie_reads_without_further_proof(anonymous: TestClient, browser_user: User) -> None:
    assert anonymous.get("/api/v1/me").json()["id"] == str(browser_user.person_id)


def test_a_cookie_alone_changes_nothing(
    anonymous: TestClient, browser_user: User, site: SmallSite
) -> None:
    del browser_user
    for headers in ({}, {CSRF_HEADER: ""}, {CSRF_HEADER: "wrong"}, {CSRF_HEADER: "\xe9"}):
        answer = anonymous.post(
            "/api/v1/tickets", json=ticket(site), headers=Headers(headers, "latin-1")
        )
        assert answer.status_code == 403
    assert anonymous.get("/api/v1/tickets").json()["items"] == []


def test_a_cookie_with_its_csrf_token_changes_things(
    anonymous: TestClient, browser_user: User, site: SmallSite
) -> None:
    headers = {CSRF_HEADER: csrf_token(browser_user.token)}
    answer = anonymous.post("/api/v1/tickets", json=ticket(site), headers=headers)
    assert answer.status_code == 201


def test_a_form_carries_the_csrf_token_in_a_field(
    anonymous: TestClient, browser_user: User
) -> None:
    url = "/api/v1/alarms/0192f0c0-0000-7000-8000-000000000000/acknowledge"
    assert anonymous.post(url, data={CSRF_FIELD: "wrong"}).status_code == 403
    good = {CSRF_FIELD: csrf_token(browser_user.token)}
    assert anonymous.post(url, data=good).status_code == 404


def test_a_token_needs_no_csrf_even_beside_a_cookie(
    anonymous: TestClient, browser_user: User, manager: User, site: SmallSite
) -> None:
    del browser_user
    answer = anonymous.post("/api/v1/tickets", json=ticket(site), headers=manager.headers)
    assert answer.status_code == 201


def test_a_person_makes_and_ends_their_own_tokens(
    anonymous: TestClient, manager: User, stranger: User, database: Database
) -> None:
    made = anonymous.post("/api/v1/me/tokens", json={"label": "ci"}, headers=manager.headers)
    assert made.status_code == 201
    fresh = made.json()
    mine = {"Authorization": f"Bearer {fresh['secret']}"}
    assert anonymous.get("/api/v1/me", headers=mine).json()["id"] == str(manager.person_id)
    listed = anonymous.get("/api/v1/me/tokens", headers=manager.headers)
    assert fresh["id"] in listed.text
    assert fresh["secret"] not in listed.text
    url = f"/api/v1/me/tokens/{fresh['id']}"
    assert anonymous.delete(url, headers=stranger.headers).status_code == 404
    assert anonymous.delete(url, headers=manager.headers).status_code == 204
    assert anonymous.get("/api/v1/me", headers=mine).status_code == 401
    with database.read() as session:
        kept = [row.secret_hash for row in session.query(Credential)]
    assert fresh["secret"] not in kept


def test_a_token_may_no_more_than_its_scope(
    anonymous: TestClient, manager: User, site: SmallSite
) -> None:
    url, scope = "/api/v1/me/tokens", ["tickets.read", "tickets.create"]
    made = anonymous.post(url, json={"label": "kiosk", "scope": scope}, headers=manager.headers)
    assert made.status_code == 201
    assert made.json()["scope"] == sorted(scope)
    mine = {"Authorization": f"Bearer {made.json()['secret']}"}
    assert anonymous.get("/api/v1/tickets", headers=mine).status_code == 200
    assert anonymous.post("/api/v1/tickets", json=ticket(site), headers=mine).status_code == 201
    assert anonymous.get("/api/v1/alarms", headers=mine).status_code == 403
    assert anonymous.get("/api/v1/people", headers=mine).status_code == 403
    me = anonymous.get("/api/v1/me", headers=mine).json()
    assert set(me["sites"]) == set(scope)
    assert set(me["company_wide"]) <= set(scope)


def test_a_limited_token_makes_none_that_may_more(anonymous: TestClient, manager: User) -> None:
    url = "/api/v1/me/tokens"
    body = {"label": "report", "scope": ["tickets.read", "alarms.read"]}
    made = anonymous.post(url, json=body, headers=manager.headers).json()
    mine = {"Authorization": f"Bearer {made['secret']}"}
    for wider in (None, ["tickets.read", "tickets.work"]):
        refused = anonymous.post(url, json={"label": "more", "scope": wider}, headers=mine)
        assert refused.status_code == 403, wider
    narrower = anonymous.post(url, json={"label": "less", "scope": ["alarms.read"]}, headers=mine)
    assert narrower.status_code == 201


def test_what_a_limited_token_makes_ends_with_it(anonymous: TestClient, manager: User) -> None:
    url = "/api/v1/me/tokens"
    body = {"label": "report", "days": 1, "scope": ["tickets.read"]}
    made = anonymous.post(url, json=body, headers=manager.headers).json()
    mine = {"Authorization": f"Bearer {made['secret']}"}
    longer = anonymous.post(url, json={**body, "days": 730}, headers=mine).json()
    assert longer["ends_at"] == made["ends_at"]


@pytest.mark.parametrize("scope", [[], ["tickets.rule_the_world"]])
def test_a_scope_of_nothing_or_of_the_unknown_is_refused(
    anonymous: TestClient, manager: User, scope: list[str]
) -> None:
    answer = anonymous.post(
        "/api/v1/me/tokens", json={"label": "x", "scope": scope}, headers=manager.headers
    )
    assert answer.status_code == 422
    assert "scope" in answer.text
