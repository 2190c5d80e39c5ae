"""Saved views over HTTP: one's own, shared ones, and the one to start with."""

from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from starlette.testclient import TestClient

from core.clock import MICROS, SimulatedClock
from core.db import Database
from core.people import Person, caller_for
from core.teams import Member
from tests.api.conftest import MakeUser, User
from tests.fixtures import NOON, SmallSite
from tests.threads import in_threads
from tests.workflows.conftest import employ
from workflows import saved_views

LATE = {"name": "Late repairs", "filters": {"view": "late", "kind": "repair"}}
VIEWS = "/api/v1/ticket-views"


def names(client: TestClient, user: User) -> list[str]:
    items = client.get(VIEWS, headers=user.headers).json()["items"]
    return [item["name"] for item in items]


def test_a_view_is_kept_once_read_changed_and_deleted(client: TestClient) -> None:
    key = {"Idempotency-Key": "one"}
    made = client.post(VIEWS, json=LATE, headers=key)
    assert made.status_code == 201, made.text
    assert client.post(VIEWS, json=LATE, headers=key).json() == made.json()
    one = f"{VIEWS}/{made.json()['id']}"
    read = client.get(one)
    assert read.json()["filters"] == {"view": "late", "kind": "repair"}
    change = {"name": "Late", "filters": {"view": "open", "q": "pump"}}
    assert client.patch(one, json=change).status_code == 428
    tag = {"If-Match": read.headers["ETag"]}
    changed = client.patch(one, json=change, headers=tag)
    assert (changed.json()["name"], changed.json()["filters"]["q"]) == ("Late", "pump")
    assert client.patch(one, json=change, headers=tag).status_code == 412
    assert client.delete(one).status_code == 204
    assert client.get(one).status_code == 404


def test_a_deleted_view_comes_back_for_a_quarter_of_an_hour(
    client: TestClient, clock: SimulatedClock
) -> None:
    one = f"{VIEWS}/{client.post(VIEWS, json=LATE).json()['id']}"
    client.delete(one)
    assert client.post(f"{one}/restore").json()["name"] == "Late repairs"
    client.delete(one)
    clock.advance_to(clock.micros() + 16 * 60 * MICROS)
    assert client.post(f"{one}/restore").status_code == 404
    # The next change forgets it for good.
    assert client.post(VIEWS, json=LATE).status_code == 201
    assert len(client.get(VIEWS).json()["items"]) == 1


def test_only_the_owner_changes_a_shared_view_and_only_its_place_sees_it(
    client: TestClient, make_user: MakeUser, site: SmallSite, other_site: UUID
) -> None:
    lead = make_user("supervisor", site.id)
    guard, stranger = make_user("guard", site.id), make_user("guard", other_site)
    shared = {**LATE, "node_id": str(site.id)}
    made = client.post(VIEWS, json=shared, headers=lead.headers)
    one = f"{VIEWS}/{made.json()['id']}"
    assert names(client, guard) == ["Late repairs"]
    assert names(client, stranger) == []
    assert client.get(one, headers=stranger.headers).status_code == 404
    refused = client.patch(one, json={"name": "x"}, headers={**guard.headers, "If-Match": "*"})
    assert refused.status_code == 403
    assert client.delete(one, headers=guard.headers).status_code == 403
    start = client.put(f"{one}/start", json={"start": True}, headers=guard.headers)
    assert start.json()["default"] is True
    assert client.get(one, headers=lead.headers).json()["default"] is False
    back = client.patch(one, json={"node_id": None}, headers={**lead.headers, "If-Match": "*"})
    assert back.json()["node_id"] is None
    assert names(client, guard) == []


def test_who_may_not_share_there_is_refused(
    client: TestClient, make_user: MakeUser, site: SmallSite, other_site: UUID
) -> None:
    shared = {**LATE, "node_id": str(site.id)}
    for user, status in ((make_user("guard", site.id), 403), (make_user("guard", other_site), 404)):
        assert client.post(VIEWS, json=shared, headers=user.headers).status_code == status
        assert names(client, user) == []


def test_a_view_takes_its_place(client: TestClient) -> None:
    ids = [client.post(VIEWS, json={"name": name}).json()["id"] for name in "abc"]
    client.patch(f"{VIEWS}/{ids[2]}", json={"position": 1}, headers={"If-Match": "*"})
    found = [item["id"] for item in client.get(VIEWS).json()["items"]]
    assert found == [ids[2], ids[0], ids[1]]


def test_what_is_no_list_is_refused(client: TestClient) -> None:
    for wrong in ({"name": " "}, {"filters": {"view": "none"}}, {"filters": {"colour": "red"}}):
        assert client.post(VIEWS, json={**LATE, **wrong}).status_code == 422


def test_a_view_is_shared_with_a_team_of_a_site(
    client: TestClient, make_user: MakeUser, site: SmallSite, other_site: UUID, database: Database
) -> None:
    lead, guard = make_user("supervisor", site.id), make_user("guard", site.id)
    with database.write() as session:
        row = Member(site_id=site.id, team="security", person_id=guard.person_id, skills=[])
        session.add(row)
    shared = {**LATE, "node_id": str(site.id), "team": "security"}
    made = client.post(VIEWS, json=shared, headers=lead.headers)
    assert (made.status_code, made.json()["team"]) == (201, "security")
    one = f"{VIEWS}/{made.json()['id']}"
    any_version = {**lead.headers, "If-Match": "*"}
    assert names(client, guard) == ["Late repairs"]
    other = make_user("technician", site.id)
    assert names(client, other) == []
    assert client.get(one, headers=other.headers).status_code == 404
    for wrong in ({"team": "security"}, {"node_id": str(site.id), "team": "nobody"}):
        assert client.patch(one, json=wrong, headers=any_version).status_code == 422
    for wrong in ({"team": "security"}, {"node_id": str(other_site), "team": "security"}):
        answer = client.post(VIEWS, json={**LATE, **wrong}, headers=lead.headers)
        assert answer.status_code in (404, 422)
    changed = client.patch(one, json={"node_id": str(site.id)}, headers=any_version)
    assert changed.json()["team"] is None
    assert names(client, other) == ["Late repairs"]


def test_two_who_change_or_begin_with_a_view_at_once_are_one_after_the_other(
    postgres_database: Database, postgres_site: SmallSite
) -> None:
    database = postgres_database
    person = employ(database, postgres_site.id, "guard")
    with database.write() as session:
        caller = caller_for(session, session.get_one(Person, person))
        view_id = saved_views.save_view(session, caller, "Late", {}, now=NOON).id

    def begin(_number: int) -> None:
        with database.write() as session:
            view = saved_views.find_view(session, caller, view_id)
            saved_views.begin_with(session, caller, view, begins=True, now=NOON)

    in_threads(4, begin)
    # Whoever is to change it waits for whoever is about to, and then reads their version.
    with database.write() as first, database.read() as second:
        saved_views.find_view(first, caller, view_id, own=True)
        second.execute(text("SET LOCAL lock_timeout = '1ms'"))
        with pytest.raises(OperationalError, match="lock timeout"):
            saved_views.find_view(second, caller, view_id, own=True)
