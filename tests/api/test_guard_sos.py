"""Calls for help and check-ins by a phone's own proof: never refused for want of a token."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx2
import pytest
from starlette.testclient import TestClient

from core import events
from core.accounts import keep_logins
from core.clock import SimulatedClock, to_micros
from core.db import Database
from core.ids import new_id
from core.people import Person
from tests.api.conftest import MakeUser
from tests.api.test_guard_phones import API, PIN, Shift, code_of
from tests.fixtures import NOON, SmallSite
from tests.guard_phone import GuardPhone
from tests.workflows.conftest import facts_of
from workflows.patrol import lone
from workflows.patrol.lone.model import LoneWatch
from workflows.patrol.phones.model import Phone

HERE = {"latitude": 30.25, "longitude": 120.16, "accuracy_m": 8.5, "age_s": 3}
MINUTE = timedelta(minutes=1)
# Where nothing differs between the engines.
ONE_ENGINE = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


@pytest.fixture
def started(
    anonymous: TestClient,
    clock: SimulatedClock,
    site: SmallSite,
    make_user: MakeUser,
    database: Database,
) -> Shift:
    """A phone of a post that is set up, and a guard who has signed in on it."""
    supervisor, guard = make_user("supervisor", site.id), make_user("guard", site.id)
    with database.write() as session:
        keep_logins(session, {guard.person_id: "liwei"}, now=clock.now())
    anonymous.put(f"{API}/me/pin", json={"pin": PIN}, headers=guard.headers)
    shift = Shift(anonymous, clock, site, supervisor, guard, GuardPhone())
    assert shift.enrol(shift.place()).status_code == 201
    assert shift.sign_in().status_code == 200
    shift.phone.sign_in(guard.person_id, clock.now())
    return shift


def press(shift: Shift, **said: Any) -> httpx2.Response:
    """The guard presses, on the phone."""
    body = {"id": str(new_id()), "person_id": str(shift.guard.person_id), **said}
    return shift.ask("POST", "/guard/sos", json=body)


def standing(shift: Shift) -> list[dict[str, Any]]:
    """What the supervisor is shown."""
    headers = shift.supervisor.headers
    items: list[dict[str, Any]] = shift.client.get(f"{API}/sos-standing", headers=headers).json()[
        "items"
    ]
    return items


def test_the_story_of_a_call_from_a_phone_whose_token_ended_long_ago(
    started: Shift, database: Database
) -> None:
    body = {"person_id": str(started.guard.person_id)}
    assert started.ask("POST", "/guard/sign-out", json=body).status_code == 204
    started.clock.advance_to(to_micros(NOON + timedelta(days=40)))
    press_id = str(new_id())
    first = press(started, id=press_id, place=HERE)
    assert first.status_code == 200, first.text
    assert press(started, id=press_id, place=HERE).json() == first.json()
    assert (first.json()["state"], first.json()["acknowledged_by"]) == ("received", None)
    [shown] = standing(started)
    assert (shown["id"], shown["phone"], shown["site_id"]) == (
        press_id,
        "Gate",
        str(started.site.id),
    )
    address, headers = f"{API}/sos/{press_id}", started.supervisor.headers
    moved = {"id": str(new_id()), "place": {**HERE, "latitude": 30.26}}
    assert started.ask("POST", f"/guard/sos/{press_id}/positions", json=moved).status_code == 200
    looked = started.client.post(f"{address}/look", headers=headers).json()["items"]
    assert [one["latitude"] for one in looked] == [30.26, 30.25]
    for what, state in (("see", "seen"), ("acknowledge", "acknowledged"), ("come", "coming")):
        started.client.post(f"{address}/{what}", headers=headers)
        told = started.ask("GET", f"/guard/sos/{press_id}").json()
        assert told["state"] == state
    assert (told["acknowledged_by"], told["coming_by"]) == ("A supervisor", "A supervisor")
    off = {"id": str(new_id()), "phrase": "blue heron"}
    same = started.ask("POST", f"/guard/sos/{press_id}/cancel", json=off)
    assert same.json() == told
    assert standing(started)[0]["cancel_proof"] == "none"
    assert len(facts_of(database, "sos.raise")) == 1


@ONE_ENGINE
def test_a_silent_call_names_nobody_to_its_phone(started: Shift) -> None:
    sent = press(started, kind="silent").json()
    headers = started.supervisor.headers
    started.client.post(f"{API}/sos/{sent['id']}/come", headers=headers)
    assert started.ask("GET", f"/guard/sos/{sent['id']}").json() == sent
    assert (sent["show"], sent["acknowledged_by"], sent["coming_by"]) == (False, None, None)
    [shown] = standing(started)
    assert (shown["kind"], shown["state"]) == ("silent", "coming")


@ONE_ENGINE
def test_a_lost_phone_calls_and_one_out_of_use_says_to_telephone(started: Shift) -> None:
    address = f"{API}/phones/{started.phone.id}"
    started.client.post(f"{address}/lose", headers=started.supervisor.headers)
    assert code_of(started.ask("GET", "/guard/plan")) == (403, "phone_lost")
    called = press(started)
    assert called.status_code == 200, called.text
    assert started.ask("GET", f"/guard/sos/{called.json()['id']}").status_code == 200
    started.client.post(f"{address}/retire", headers=started.supervisor.headers)
    assert code_of(press(started)) == (403, "phone_retired")


@ONE_ENGINE
def test_only_whoever_is_known_on_a_phone_calls_by_it(
    started: Shift, make_user: MakeUser, database: Database, site: SmallSite
) -> None:
    stranger = make_user("guard", site.id)
    assert press(started, person_id=str(stranger.person_id)).status_code == 403
    assert press(started, person_id=str(new_id())).status_code == 403
    assert press(started, person_id="").status_code == 422
    # A call of somebody else is none for this phone, whoever asks by it.
    said = {"id": str(new_id()), "site_id": str(site.id)}
    started.client.post(f"{API}/sos", json=said, headers=stranger.headers)
    moved = {"id": str(new_id()), "place": HERE}
    for method, path, body in (
        ("GET", "", None),
        ("POST", "/positions", moved),
        ("POST", "/cancel", moved),
    ):
        asked = started.ask(method, f"/guard/sos/{said['id']}{path}", json=body)
        assert asked.status_code == 404, path
    with database.write() as session:
        session.get_one(Person, started.guard.person_id).left_at = started.clock.now()
    refused = press(started)
    assert refused.status_code == 403
    assert refused.json()["advice"] == "Call the control room by telephone."


@ONE_ENGINE
def test_ones_own_phone_calls_before_anybody_signs_in_on_it(
    started: Shift, database: Database
) -> None:
    guard = started.guard.person_id
    started.phone = GuardPhone()
    assert started.enrol(started.place(kind="personal", person_id=str(guard))).status_code == 201
    assert press(started).status_code == 200
    with database.read() as session:
        assert session.get_one(Phone, started.phone.id).signed_in_id is None


@ONE_ENGINE
def test_a_check_in_counts_at_its_own_time_however_late_it_comes(
    started: Shift, database: Database
) -> None:
    guard: UUID = started.guard.person_id
    assert started.ask("GET", "/guard/lone-worker").json() == {"watch": None}
    with database.write() as session:
        draft = lone.LoneDraft("security", 30)
        plan = lone.create_lone_plan(session, started.site.id, draft, actor=events.SYSTEM, now=NOON)
        watch = LoneWatch(
            site_id=plan.site_id,
            plan_id=plan.id,
            person_id=guard,
            began_at=NOON,
            ends_at=NOON + timedelta(hours=8),
            heard_at=NOON,
            due_at=NOON + 30 * MINUTE,
        )
        session.add(watch)
    # Nobody is signed in as far as the journal tells.
    assert started.ask("GET", "/guard/lone-worker").json() == {"watch": None}
    started.hand_in()
    told = started.ask("GET", "/guard/lone-worker").json()["watch"]
    assert (told["person_id"], told["every_min"]) == (str(guard), 30)
    started.phone.note("check_in", NOON + 20 * MINUTE)
    started.clock.advance_to(to_micros(NOON + 28 * MINUTE))
    [verdict] = started.hand_in(2).json()["verdicts"]
    assert (verdict["kind"], verdict["verdict"]) == ("check_in", "kept")
    told = started.ask("GET", "/guard/lone-worker").json()["watch"]
    due = (NOON + 50 * MINUTE).isoformat()[:19]
    assert (told["heard_by"], told["due_at"][:19]) == ("journal", due)
