"""Fire alarms and return visits over HTTP: the steps, who may take them, and what they answer."""

from typing import Any
from uuid import UUID

import pytest
from starlette.testclient import TestClient

from core import events
from core.clock import SimulatedClock
from core.db import Database
from tests.api.conftest import MakeUser, User
from tests.fixtures import SmallSite
from tests.pictures import photo
from workflows.tickets import Draft, open_ticket


@pytest.fixture
def guard(make_user: MakeUser, site: SmallSite) -> User:
    """Somebody who is sent to look."""
    return make_user("guard", site.id)


@pytest.fixture
def desk(make_user: MakeUser, site: SmallSite) -> User:
    """Somebody at the service desk."""
    return make_user("service_desk", site.id)


@pytest.fixture
def smoke(database: Database, site: SmallSite, clock: SimulatedClock) -> UUID:
    """A fire alarm that has just begun."""
    draft = Draft(
        site_id=site.id,
        kind="hazard",
        category="fire_alarm",
        life_safety=True,
        priority="critical",
        title={"en": "Smoke"},
        team="security",
        happened_at=clock.now(),
        learned_at=clock.now(),
    )
    with database.write() as session:
        return open_ticket(session, draft, actor=events.SYSTEM).id


def send(
    client: TestClient, user: User, address: str, body: Any = None, **more: Any
) -> tuple[int, Any]:
    """A POST of somebody; the status and what came."""
    answer = client.post(f"/api/v1{address}", headers=user.headers, json=body, **more)
    return answer.status_code, answer.json()


def test_a_fire_alarm_is_seen_and_found_to_be_none(
    anonymous: TestClient, guard: User, desk: User, smoke: UUID
) -> None:
    listed = anonymous.get("/api/v1/fire-alarms", headers=desk.headers).json()["items"]
    assert [(one["id"], one["state"]) for one in listed] == [(str(smoke), "unseen")]
    steps = f"/tickets/{smoke}/fire-alarm"
    status, ticket = send(anonymous, desk, f"{steps}/see", {"sent_id": str(guard.person_id)})
    assert (status, ticket["fire_alarm"]["state"]) == (200, "seen")
    assert ticket["assignee_id"] == ticket["fire_alarm"]["sent_id"] == str(guard.person_id)
    picture = anonymous.post(
        f"/api/v1/tickets/{smoke}/photos", headers=guard.headers, content=photo()
    ).json()
    photo_id = picture["photos"][-1]["id"]
    look = {"cause": "steam", "photo_id": photo_id, "note": "Shower"}
    # The desk did not take it.
    assert send(anonymous, desk, f"{steps}/clear", look)[0] == 422
    status, ticket = send(anonymous, guard, f"{steps}/clear", look)
    assert (status, ticket["state"], ticket["verdict_cause"]) == (200, "resolved", "steam")
    assert [one["kind"] for one in ticket["events"] if "fire" in one["kind"]] == [
        "fire_alarm.see",
        "fire_alarm.clear",
    ]
    assert send(anonymous, guard, f"{steps}/clear", look)[0] == 409


def test_fire_is_pressed_taken_on_and_called_off(
    anonymous: TestClient,
    guard: User,
    desk: User,
    smoke: UUID,
    make_user: MakeUser,
    site: SmallSite,
) -> None:
    steps = f"/tickets/{smoke}/fire-alarm"
    assert send(anonymous, desk, f"{steps}/answer")[0] == 409
    for _ in range(2):
        status, ticket = send(anonymous, guard, f"{steps}/fire")
        assert (status, ticket["fire_alarm"]["why"]) == (200, "pressed")
    assert (ticket["kind"], ticket["priority"]) == ("incident", "critical")
    act = f"/tickets/{smoke}/actions/cancel"
    officer = make_user("safety_officer", site.id)
    assert send(anonymous, officer, act, {"note": "Never mind"})[0] == 409
    assert send(anonymous, desk, f"{steps}/answer")[1]["fire_alarm"]["state"] == "answered"
    picture = anonymous.post(
        f"/api/v1/tickets/{smoke}/photos", headers=guard.headers, content=photo()
    ).json()
    photo_id = picture["photos"][-1]["id"]
    look = {"cause": "test", "photo_id": photo_id}
    assert send(anonymous, guard, f"{steps}/stand-down", look)[0] == 403
    status, ticket = send(anonymous, officer, f"{steps}/stand-down", look)
    assert (status, ticket["fire_alarm"]["cause"]) == (200, "test")


def test_people_open_fire_alarms_too_and_other_tickets_have_none(
    anonymous: TestClient, guard: User, site: SmallSite
) -> None:
    given = {"site_id": str(site.id), "title": "It burns"}
    status, plain = send(anonymous, guard, "/tickets", given)
    assert (status, plain["fire_alarm"]) == (201, None)
    assert send(anonymous, guard, f"/tickets/{plain['id']}/fire-alarm/fire")[0] == 409
    _, fire = send(anonymous, guard, "/tickets", {**given, "category": "fire_alarm"})
    assert (fire["life_safety"], fire["fire_alarm"]["state"]) == (True, "unseen")


def test_a_return_visit_is_due_made_and_counted(
    anonymous: TestClient, guard: User, desk: User, site: SmallSite
) -> None:
    given = {"site_id": str(site.id), "title": "The tap drips"}
    _, ticket = send(anonymous, desk, "/tickets", given)
    visits = f"/tickets/{ticket['id']}/return-visits"
    asked = {"way": "phone", "satisfied": True, "rating": 4, "words": "Fine"}
    assert send(anonymous, desk, visits, asked)[0] == 409
    for action in ("start", "resolve"):
        send(anonymous, guard, f"/tickets/{ticket['id']}/actions/{action}", {})
    due = anonymous.get("/api/v1/return-visits-due", headers=desk.headers).json()["items"]
    assert [one["ticket_id"] for one in due] == [ticket["id"]]
    assert send(anonymous, guard, visits, asked)[0] == 403
    status, made = send(anonymous, desk, visits, asked)
    assert (status, made["items"][0]["words"]) == (201, "Fine")
    shown = anonymous.get(f"/api/v1/tickets/{ticket['id']}", headers=desk.headers).json()
    assert shown["state"] == "verified"
    due = anonymous.get("/api/v1/return-visits-due", headers=desk.headers).json()["items"]
    assert due == []
