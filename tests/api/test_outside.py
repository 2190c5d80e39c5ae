"""Stickers, contractors' links and residents' reports over HTTP."""

from typing import Any

from starlette.testclient import TestClient

from core.clock import SimulatedClock
from core.db import Database
from tests.api.building import put_outside, put_ticket
from tests.api.conftest import MakeUser
from tests.fixtures import SmallSite

JOB: dict[str, Any] = {
    "contacts": [
        {"company": "Pumps Ltd", "name": "Li Na", "phone": "0574 8800"},
        {"company": "Second", "name": "Wang", "phone": "0574 9900"},
    ],
    "task": "Replace the bearing",
    "urgent": True,
    "answer_minutes": 30,
    "days": 2,
}


def test_a_sticker_is_made_once_listed_and_taken_back(
    anonymous: TestClient, make_user: MakeUser, site: SmallSite
) -> None:
    manager = make_user("manager", site.id)
    asset = f"/api/v1/assets/{site.assets['pump-1']}/sticker"
    made = anonymous.post(asset, headers=manager.headers)
    assert made.status_code == 200, made.text
    assert anonymous.post(asset, headers=manager.headers).json() == made.json()
    listed = anonymous.get(f"/api/v1/stickers?site={site.id}", headers=manager.headers)
    assert listed.json() == {"items": [made.json()], "next": None}
    revoke = f"/api/v1/stickers/{made.json()['id']}/revoke"
    assert anonymous.post(revoke, headers=manager.headers).status_code == 200
    assert anonymous.post(revoke, headers=manager.headers).status_code == 409
    assert anonymous.post(asset, headers=manager.headers).json()["code"] != made.json()["code"]


def test_a_ticket_is_handed_to_contractors_and_the_secret_is_shown_once(
    anonymous: TestClient,
    make_user: MakeUser,
    site: SmallSite,
    database: Database,
    clock: SimulatedClock,
) -> None:
    desk = make_user("service_desk", site.id)
    links = f"/api/v1/tickets/{put_ticket(database, site, clock.now())}/contractor-links"
    made = anonymous.post(links, headers=desk.headers, json=JOB)
    assert made.status_code == 201, made.text
    first, second = made.json()["items"]
    assert (first["state"], second["state"]) == ("offered", "waiting")
    assert first["path"].startswith("/c/wkc_")
    assert anonymous.post(links, headers=desk.headers, json=JOB).status_code == 409
    listed = anonymous.get(links, headers=desk.headers)
    assert [one["company"] for one in listed.json()["items"]] == ["Pumps Ltd", "Second"]
    assert "wkc_" not in listed.text
    revoke = f"/api/v1/contractor-links/{first['id']}/revoke"
    assert anonymous.post(revoke, headers=desk.headers).json()["state"] == "revoked"
    again = anonymous.get(links, headers=desk.headers).json()["items"]
    assert [one["state"] for one in again] == ["revoked", "offered"]
    guard = make_user("guard", site.id)
    assert anonymous.post(revoke, headers=guard.headers).status_code == 403


def test_only_who_works_the_ticket_reads_the_residents_phone(
    anonymous: TestClient,
    make_user: MakeUser,
    site: SmallSite,
    database: Database,
    clock: SimulatedClock,
) -> None:
    ticket_id = put_ticket(database, site, clock.now())
    report_id = put_outside(database, site, ticket_id, clock.now())["report_id"]
    reports = f"/api/v1/tickets/{ticket_id}/resident-reports"
    for role, phone in (("technician", "138 0013 8000"), ("auditor", None)):
        answer = anonymous.get(reports, headers=make_user(role, site.id).headers)
        assert [one["phone"] for one in answer.json()["items"]] == [phone]
    desk = make_user("service_desk", site.id)
    ended = anonymous.post(f"/api/v1/resident-reports/{report_id}/revoke", headers=desk.headers)
    assert ended.status_code == 204
    [left] = anonymous.get(reports, headers=desk.headers).json()["items"]
    assert left["phone"] is None


def test_a_note_says_whether_residents_read_it(
    anonymous: TestClient,
    make_user: MakeUser,
    site: SmallSite,
    database: Database,
    clock: SimulatedClock,
) -> None:
    ticket = f"/api/v1/tickets/{put_ticket(database, site, clock.now())}"
    lead = make_user("supervisor", site.id)
    for body in ({"body": "Ours"}, {"body": "For all", "public": True}):
        anonymous.post(f"{ticket}/notes", headers=lead.headers, json=body)
    cancel = {"note": "No budget", "public": True}
    answer = anonymous.post(f"{ticket}/actions/cancel", headers=lead.headers, json=cancel)
    notes = answer.json()["notes"]
    assert [(one["body"], one["public"]) for one in notes] == [
        ("Ours", False),
        ("For all", True),
        ("No budget", True),
    ]
