"""Calls for help over HTTP: sent until received, shown to each what is theirs, and answered."""

from typing import Any
from uuid import UUID

import pytest
from starlette.testclient import TestClient

from core.clock import SimulatedClock
from core.db import Database
from core.ids import new_id
from core.people import Person
from tests.api.conftest import MakeUser, User
from tests.fixtures import SmallSite
from tests.workflows.conftest import facts_of

HERE = {"latitude": 30.25, "longitude": 120.16, "accuracy_m": 8.5, "age_s": 3}
# Where nothing differs between the engines.
ONE_ENGINE = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
LINES = ("see", "acknowledge", "come")


@pytest.fixture
def guard(make_user: MakeUser, site: SmallSite) -> User:
    return make_user("guard", site.id)


@pytest.fixture
def supervisor(make_user: MakeUser, site: SmallSite) -> User:
    return make_user("supervisor", site.id)


def send(client: TestClient, user: User, path: str = "", **body: Any) -> Any:
    said = {"id": str(new_id()), **body}
    return client.post(f"/api/v1/sos{path}", json=said, headers=user.headers)


def test_the_story_of_a_call(
    anonymous: TestClient,
    guard: User,
    supervisor: User,
    site: SmallSite,
    clock: SimulatedClock,
    database: Database,
) -> None:
    said = {"id": str(new_id()), "site_id": str(site.id), "place": HERE, "phone": "post-1"}
    first = anonymous.post("/api/v1/sos", json=said, headers=guard.headers)
    again = anonymous.post("/api/v1/sos", json=said, headers=guard.headers)
    assert first.status_code == again.status_code == 200
    assert first.json() == again.json()
    assert first.json() | {"show": True, "aloud": True, "state": "received"} == first.json()
    address = f"/api/v1/sos/{said['id']}"
    for what, state in zip(LINES, ("seen", "acknowledged", "coming"), strict=True):
        answer = anonymous.post(f"{address}/{what}", headers=supervisor.headers)
        assert answer.json()["state"] == state
        assert anonymous.get(address, headers=guard.headers).json()["state"] == state
    # What one may only do for others, nobody does for themselves.
    for path, body in (("acknowledge", None), ("end", {"outcome": "false", "note": "Nothing"})):
        refused = anonymous.post(f"{address}/{path}", json=body, headers=guard.headers)
        assert refused.status_code == 404
    send(anonymous, guard, f"/{said['id']}/positions", place={**HERE, "latitude": 30.26})
    looked = anonymous.post(f"{address}/look", headers=supervisor.headers).json()["items"]
    assert [one["latitude"] for one in looked] == [30.26, 30.25]
    mate = anonymous.get(address, headers=supervisor.headers)
    assert mate.json()["coming_by"] == "A supervisor"
    ended = {"outcome": "real", "note": "Fell on the stairs; an ambulance came"}
    assert anonymous.post(f"{address}/end", json=ended, headers=supervisor.headers).is_success
    over = anonymous.get(address, headers=guard.headers).json()
    assert (over["over"], [one["by"] for one in over["looks"]]) == (True, ["A supervisor"])
    late = anonymous.post(f"{address}/come", headers=supervisor.headers)
    assert late.status_code == 409
    assert len(facts_of(database, "sos.raise")) == 1


@ONE_ENGINE
def test_no_call_is_refused_for_what_is_wrong_around_it(
    anonymous: TestClient, guard: User, supervisor: User
) -> None:
    wrong: list[dict[str, Any]] = [
        {"site_id": "", "phone": "p" * 65, "practice": None},
        {"occurred_at": "", "battery": 4},
        {"occurred_at": "9999-12-31T23:59:59-14:00"},
        {"occurred_at": "2026-11-24T02:10:00"},
        {"place": {}, "phone": None},
        {"place": {"latitude": None, "longitude": None}},
        {"place": {**HERE, "heading": None, "accuracy_m": "x", "age_s": None}},
    ]
    for number, said in enumerate(wrong, 1):
        answer = send(anonymous, guard, **said)
        assert (answer.status_code, answer.json().get("presses")) == (200, number), said
    for nonsense in ({"id": "x"}, {"kind": "loud"}):
        assert send(anonymous, guard, **nonsense).status_code == 422
    path = f"/api/v1/sos/{answer.json()['id']}/look"
    [place] = anonymous.post(path, headers=supervisor.headers).json()["items"]
    assert (place["latitude"], place["accuracy_m"]) == (30.25, None)


def test_a_silent_call_shows_nothing_to_its_phone(
    anonymous: TestClient, guard: User, supervisor: User, make_user: MakeUser, site: SmallSite
) -> None:
    sent = send(anonymous, guard, kind="silent", place=HERE).json()
    anonymous.post(f"/api/v1/sos/{sent['id']}/come", headers=supervisor.headers)
    now = anonymous.get(f"/api/v1/sos/{sent['id']}", headers=guard.headers).json()
    assert now == sent
    assert (now["show"], now["aloud"], now["state"]) == (False, False, "received")
    mate = make_user("guard", site.id)
    for user in (guard, mate):
        standing = anonymous.get("/api/v1/sos-standing", headers=user.headers).json()
        assert standing["items"] == []
        assert anonymous.get("/api/v1/tickets", headers=user.headers).json()["items"] == []
        ticket = anonymous.get(f"/api/v1/tickets/{sent['id']}", headers=user.headers)
        assert ticket.status_code == 404
    [shown] = anonymous.get("/api/v1/sos-standing", headers=supervisor.headers).json()["items"]
    assert (shown["kind"], shown["state"]) == ("silent", "coming")


@pytest.mark.parametrize(
    ("phrase", "proof"), [("Blue  heron", "phrase"), ("red heron", "wrong"), ("", "none")]
)
def test_calling_off_tells_the_phone_nothing_of_the_phrase(
    anonymous: TestClient, guard: User, supervisor: User, phrase: str, proof: str
) -> None:
    set_it = {"phrase": "blue heron"}
    answer = anonymous.put("/api/v1/me/sos-phrase", json=set_it, headers=guard.headers)
    assert answer.status_code == 204
    short = anonymous.put("/api/v1/me/sos-phrase", json={"phrase": "abc"}, headers=guard.headers)
    assert short.json()["problems"] == ["phrase: 4 to 100 characters"]
    sent = send(anonymous, guard).json()
    answered = send(anonymous, guard, f"/{sent['id']}/cancel", phrase=phrase).json()
    assert answered == sent
    [shown] = anonymous.get("/api/v1/sos-standing", headers=supervisor.headers).json()["items"]
    assert (shown["state"], shown["cancel_proof"]) == ("received", proof)


def test_nobody_adds_to_or_looks_at_what_is_not_theirs(
    anonymous: TestClient,
    guard: User,
    stranger: User,
    auditor: User,
    make_user: MakeUser,
    site: SmallSite,
    database: Database,
) -> None:
    sent = send(anonymous, guard, place=HERE).json()
    mate = make_user("guard", site.id)
    for path in ("/positions", "/cancel"):
        refused = send(anonymous, mate, f"/{sent['id']}{path}", place=HERE)
        assert refused.status_code == 404
    # A colleague in the field may come, and need not know where the phone is.
    assert anonymous.post(f"/api/v1/sos/{sent['id']}/come", headers=mate.headers).is_success
    assert anonymous.post(f"/api/v1/sos/{sent['id']}/look", headers=mate.headers).status_code == 403
    for user in (stranger, auditor):
        answer = anonymous.get(f"/api/v1/sos/{sent['id']}", headers=user.headers)
        assert answer.status_code in (403, 404)
    with database.read() as session:
        name = session.get_one(Person, UUID(sent["person_id"])).name
    listed = anonymous.get("/api/v1/sos", headers=mate.headers).json()["items"]
    assert [one["person_name"] for one in listed] == [name]
