"""Rounds over HTTP: seen, begun, gone, called off, excused; who goes them, for who may see."""

from datetime import timedelta
from pathlib import Path
from typing import Any, get_args

import pytest
from starlette.testclient import TestClient

from api.patrol.round_shapes import PointState, RoundState, RoundWhole
from api.patrol.route_shapes import Order
from core import events
from core.clock import SimulatedClock, to_micros
from core.db import Database
from core.ids import new_id
from tests.api.conftest import MakeUser, User
from tests.api.guarded import put_checkpoints
from tests.fixtures import NOON, SITE_FILE, SmallSite
from watchkeeper.first_run import import_site_file
from workflows.patrol import rounds

API = "/api/v1"
TAGS = {"gate": "04BEEF", "roof": "04CAFE"}


@pytest.fixture
def gates(client: TestClient, database: Database, site: SmallSite) -> list[str]:
    """The ids of two checkpoints with a tag each."""
    made = put_checkpoints(database, site.id, *TAGS)
    for gate, uid in zip(made, TAGS.values(), strict=True):
        body = {"kind": "static_tag", "value": uid}
        assert client.post(f"{API}/checkpoints/{gate}/tokens", json=body).status_code == 201
    return [str(each) for each in made]


@pytest.fixture
def route(client: TestClient, site: SmallSite, gates: list[str]) -> str:
    """The id of a route through both, whose rounds begin at noon and at midnight, for an hour."""
    points = [{"checkpoint_id": gate} for gate in gates]
    body = {"site_id": str(site.id), "code": "night", "name": {"en": "Night"}, "points": points}
    made: str = client.post(f"{API}/routes", json=body).json()["id"]
    plan = {
        "route_id": made,
        "times": ["00:00", "12:05"],
        "team": "security",
        "duration_min": 55,
        "tolerance_min": 10,
    }
    answer = client.post(f"{API}/round-plans", json=plan)
    assert answer.status_code == 201, answer.text
    return made


@pytest.fixture
def ours(client: TestClient, route: str) -> list[str]:
    """Four rounds of the route in their order; the first is of now."""
    return [item["id"] for item in listed(client, route=route)][::-1]


@pytest.fixture
def guard(make_user: MakeUser, site: SmallSite) -> User:
    return make_user("guard", site.id)


def listed(client: TestClient, user: User | None = None, **query: str) -> list[dict[str, Any]]:
    headers = {} if user is None else user.headers
    answer = client.get(f"{API}/rounds", params=query, headers=headers)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


def read(client: TestClient, one: str, user: User | None = None) -> dict[str, Any]:
    answer = client.get(f"{API}/rounds/{one}", headers={} if user is None else user.headers)
    assert answer.status_code == 200, answer.text
    RoundWhole.model_validate(answer.json())
    found: dict[str, Any] = answer.json()
    return found


def do(client: TestClient, one: str, what: str, user: User | None = None, **body: Any) -> Any:
    headers = {} if user is None else user.headers
    return client.post(f"{API}/rounds/{one}/{what}", json=body or None, headers=headers)


def scan(client: TestClient, user: User, code: str, **more: Any) -> dict[str, Any]:
    body = {"id": str(new_id()), "occurred_at": NOON.isoformat(), "kind": "static_tag", **more}
    answer = client.post(f"{API}/scans", json={**body, "uid": TAGS[code]}, headers=user.headers)
    assert (answer.status_code, answer.json().get("verdict")) == (200, "accepted"), answer.text
    found: dict[str, Any] = answer.json()
    return found


def contact(client: TestClient, user: User, **body: Any) -> Any:
    return client.post(f"{API}/patrol-contact", json=body, headers=user.headers)


def test_words_of_the_reference_are_those_of_rounds() -> None:
    assert set(get_args(RoundState)) == set(rounds.STATES)
    assert get_args(PointState) == rounds.POINT_STATES
    assert get_args(Order) == rounds.ORDERS


def test_rounds_are_filtered_and_paged(
    client: TestClient, site: SmallSite, route: str, ours: list[str]
) -> None:
    items = listed(client)
    assert [item["id"] for item in items] == ours[::-1]
    starts = [item["planned_at"] for item in items]
    told = ["11-25T16:00", "11-25T04:05", "11-24T16:00", "11-24T04:05"]
    assert [start[5:16] for start in starts] == told
    counts = {"open": 2, "scanned": 0, "unknown": 0, "missed": 0, "excused": 0}
    assert items[0]["counts"] == counts
    assert (items[0]["route_code"], items[0]["route_id"]) == ("night", route)
    first = client.get(f"{API}/rounds?limit=2").json()
    rest = client.get(f"{API}/rounds", params={"limit": 5, "cursor": first["next"]}).json()
    assert [item["id"] for item in first["items"] + rest["items"]] == ours[::-1]
    assert rest["next"] is None
    assert len(listed(client, site=str(site.id))) == len(ours)
    assert listed(client, site=str(new_id())) == listed(client, route=str(new_id())) == []
    assert [item["id"] for item in listed(client, since=starts[2], until=starts[1])] == [ours[1]]
    do(client, ours[2], "cancel", reason="Flood")
    assert [item["id"] for item in listed(client, state="cancelled")] == [ours[2]]
    assert len(listed(client, state="open")) == len(ours) - 1
    for wrong in ("state=nice", "cursor=x", "since=2026-11-24T00:00:00", "person=x", "limit=0"):
        assert client.get(f"{API}/rounds?{wrong}").status_code == 422


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_site_of_another_time_zone_has_the_rounds_ahead_by_its_new_clock(
    client: TestClient, database: Database, ours: list[str], tmp_path: Path
) -> None:
    excused = do(client, ours[3], "points/0/excuse", reason="Flooded")
    assert excused.status_code == 200, excused.text

    def starts() -> list[str]:
        return [item["planned_at"][5:16] for item in listed(client)][::-1]

    tokyo = SITE_FILE.replace("Asia/Shanghai", "Asia/Tokyo")
    assert client.post(f"{API}/site-files", content=tokyo).status_code == 200
    # The first has opened already, and somebody excused a point of the last.
    ahead = ["11-24T15:00", "11-25T03:05", "11-25T15:00"]
    assert starts() == ["11-24T04:05", *ahead, "11-25T16:00"]
    assert [item["id"] for item in listed(client)][::-4] == [ours[0], ours[3]]
    # The command line does the same.
    path = tmp_path / "site.yaml"
    path.write_text(SITE_FILE, encoding="utf-8")
    assert import_site_file(database, path, NOON).startswith("site.yaml: changed 1 site")
    assert starts() == ["11-24T04:05", "11-24T16:00", "11-25T04:05", "11-25T16:00"]


def test_a_guard_begins_a_round_and_scans_it_to_its_end(
    client: TestClient, ours: list[str], guard: User, make_user: MakeUser, site: SmallSite
) -> None:
    one = ours[0]
    begun = do(client, one, "start", guard)
    assert begun.status_code == 200, begun.text
    assert (begun.json()["state"], begun.headers["ETag"]) == ("running", '"2"')
    assert begun.json()["person_id"] == str(guard.person_id)
    assert do(client, one, "start", guard).json() == begun.json()
    colleague = make_user("guard", site.id)
    assert do(client, one, "start", colleague).status_code == 409
    taken = scan(client, guard, "roof")
    shown = read(client, one)
    gate, roof = shown["points"]
    assert (roof["scan_id"], roof["state"], roof["grade"]) == (taken["id"], "scanned", "weak")
    assert (gate["state"], gate["position"], gate["scanned_at"]) == ("open", 0, None)
    assert roof["out_of_order"]
    assert (shown["counts"]["scanned"], shown["counts"]["open"]) == (1, 1)
    scan(client, guard, "gate")
    assert read(client, one)["state"] == "complete"
    assert do(client, one, "start", guard).status_code == 409


def test_who_goes_a_round_is_told_to_who_may_see_it(
    client: TestClient, ours: list[str], guard: User, make_user: MakeUser, site: SmallSite
) -> None:
    scan(client, guard, "gate")
    colleague, auditor = make_user("guard", site.id), make_user("auditor", site.id)
    person = str(guard.person_id)
    for user in (guard, auditor, None):
        assert read(client, ours[0], user)["person_name"] == "A guard"
        [item] = listed(client, user, person=person, why="quality")
        assert (item["id"], item["person_id"]) == (ours[0], person)
    hidden = read(client, ours[0], colleague)
    assert (hidden["person_id"], hidden["person_name"]) == (None, None)
    assert person not in str(listed(client, colleague))
    assert listed(client, colleague, person=person, why="quality") == []


def test_a_round_begins_not_before_it_opens_and_is_called_off_once(
    client: TestClient, ours: list[str], guard: User
) -> None:
    tomorrow = ours[1]
    early = do(client, tomorrow, "start", guard)
    assert (early.status_code, "It can from" in early.json()["advice"]) == (409, True)
    for reason in ("", "   ", "r" * 501, None):
        assert do(client, tomorrow, "cancel", reason=reason).status_code == 422
    assert do(client, tomorrow, "cancel").status_code == 422
    off = do(client, tomorrow, "cancel", reason="The site\n is flooded")
    assert off.status_code == 200, off.text
    assert (off.json()["state"], off.json()["reason"]) == ("cancelled", "The site is flooded")
    assert do(client, tomorrow, "cancel", reason="Again").status_code == 409
    assert do(client, tomorrow, "start", guard).status_code == 409
    assert do(client, tomorrow, "points/0/excuse", reason="Late").status_code == 409


def test_a_point_is_excused_with_a_reason(client: TestClient, ours: list[str], guard: User) -> None:
    one = ours[0]
    scan(client, guard, "gate")
    for reason in ("", "   ", "r" * 501, None):
        assert do(client, one, "points/1/excuse", reason=reason).status_code == 422
    assert do(client, one, "points/0/excuse", reason="Scanned").status_code == 409
    assert do(client, one, "points/2/excuse", reason="None").status_code == 404
    for nonsense in ("-1", "200", "x", str(2**80)):
        assert do(client, one, f"points/{nonsense}/excuse", reason="None").status_code == 422
    done = do(client, one, "points/1/excuse", reason="The lift stands")
    assert done.status_code == 200, done.text
    roof = done.json()["points"][1]
    assert (roof["state"], roof["reason"]) == ("excused", "The lift stands")
    # Nothing else of it was left.
    assert done.json()["state"] == "complete"
    assert do(client, one, "points/1/excuse", reason="Again").status_code == 409


def test_what_was_missed_is_known_when_the_phone_has_told_all(
    client: TestClient, ours: list[str], guard: User, clock: SimulatedClock, database: Database
) -> None:
    do(client, ours[0], "start", guard)
    over = NOON + timedelta(minutes=71)
    clock.advance_to(to_micros(over))
    look(database, ours[0], clock)
    shown = read(client, ours[0])
    assert {point["state"] for point in shown["points"]} == {"unknown"}
    assert shown["heard_at"] is None
    assert contact(client, guard).json() == {"heard_at": stamp(clock), "told_until": None}
    assert read(client, ours[0])["heard_at"] == stamp(clock)
    assert contact(client, guard, told_until=over.isoformat()).status_code == 200
    look(database, ours[0], clock)
    shown = read(client, ours[0])
    assert (shown["state"], shown["counts"]["missed"]) == ("incomplete", 2)
    # What another phone of theirs tells later is annexed.
    late = (NOON + timedelta(minutes=5)).isoformat()
    scan(client, guard, "gate", occurred_at=late, channel="sync")
    gate = read(client, ours[0])["points"][0]
    assert (gate["annexed"], gate["state"], gate["channel"]) == (True, "missed", "sync")


def look(database: Database, one: str, clock: SimulatedClock) -> None:
    with database.write() as session:
        [round_id] = [
            each
            for each in rounds.rounds_to_look_at(session, now=clock.now() + timedelta(minutes=1))
            if str(each) == one
        ]
        rounds.look_at(session, round_id, now=clock.now(), actor=events.SYSTEM)


def stamp(clock: SimulatedClock) -> str:
    return clock.now().strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def test_a_phone_never_knows_the_future_and_never_forgets(
    client: TestClient, guard: User, clock: SimulatedClock, database: Database
) -> None:
    before = events.newest(database)
    now = stamp(clock)
    ahead = contact(client, guard, told_until="2199-12-31T00:00:00Z")
    assert ahead.json() == {"heard_at": now, "told_until": now}
    clock.advance_to(clock.micros() + 60_000_000)
    earlier = contact(client, guard, told_until="2026-11-24T01:00:00+08:00")
    assert earlier.json() == {"heard_at": stamp(clock), "told_until": now}
    assert contact(client, guard, told_until=None).json()["told_until"] == now
    assert events.newest(database) == before


def test_only_who_scans_somewhere_has_a_phone_that_tells(
    client: TestClient, guard: User, auditor: User, ours: list[str], stranger: User
) -> None:
    assert contact(client, auditor).status_code == 403
    # Their contact is their own and says nothing of our guards.
    assert contact(client, stranger, told_until=NOON.isoformat()).status_code == 200
    do(client, ours[0], "start", guard)
    assert read(client, ours[0])["heard_at"] is None
    for wrong in ("2026-11-24T04:00:00", "yesterday", "1066-10-14T00:00:00Z", "9999-12-31", ""):
        assert contact(client, guard, told_until=wrong).status_code == 422
    assert contact(client, guard, person_id=str(guard.person_id)).status_code == 422


def test_strangers_know_of_no_round_and_the_wrong_right_changes_none(
    client: TestClient, ours: list[str], guard: User, auditor: User, stranger: User
) -> None:
    one = ours[0]
    assert client.get(f"{API}/rounds/{one}", headers=stranger.headers).status_code == 404
    assert do(client, one, "start", auditor).status_code == 403
    for what in ("cancel", "points/0/excuse"):
        assert do(client, one, what, guard, reason="No wish").status_code == 403
        assert do(client, one, what, stranger, reason="No wish").status_code == 404
        assert do(client, str(new_id()), what, reason="No wish").status_code == 404
    assert do(client, one, "start", stranger).status_code == 404
    assert read(client, one)["state"] == "planned"
