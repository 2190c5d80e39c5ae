"""What needs somebody now: the first screen of those who work tickets."""

import re
from datetime import timedelta
from uuid import UUID

from fastapi.testclient import TestClient
from sqlalchemy import update

from core.teams import Member
from tests.web.conftest import signed_in
from tests.web.stage import OVERHEATING, Stage
from tests.web.test_notices import post
from workflows.dispatch import Handover, RosterGap
from workflows.tickets import Ticket

PUMP = "b1-pump-1"


def client_of(stage: Stage, role: str) -> tuple[TestClient, UUID]:
    person = stage.person(f"Somebody {role}", role, node=stage.site_id)
    return signed_in(stage, stage.secret(person, "session")), person


def titles(page: str) -> list[str]:
    return re.findall(r'<h2 class="card-title">([^<]+)</h2>', page)


def test_the_first_screen_of_field_and_desk_is_what_waits_and_of_managers_the_site(
    stage: Stage,
) -> None:
    stage.trip(PUMP, OVERHEATING)
    for role in ("guard", "technician", "service_desk", "safety_officer", "supervisor"):
        client, _ = client_of(stage, role)
        assert '<h1 class="page-title">For me</h1>' in client.get("/").text, role
        assert "Places and equipment" in client.get("/live").text, role
    for role in ("manager", "administrator", "auditor"):
        client, _ = client_of(stage, role)
        assert "Places and equipment" in client.get("/").text, role


def test_a_technician_sees_what_to_take_and_then_what_is_theirs(stage: Stage) -> None:
    client, _ = client_of(stage, "technician")
    assert "Nothing waits for you." in client.get("/").text
    number = stage.trip(PUMP, OVERHEATING)
    page = client.get("/").text
    assert titles(page) == ["To take"]
    version = stage.ticket(number).version
    assert post(client, f"/tickets/{number}/accept", version=version)[0] == 303
    page = client.get("/account/inbox/waiting").text
    assert titles(page) == ["My tickets"]
    assert f"#{number}" in page


def test_a_late_ticket_stands_once_where_it_needs_most(stage: Stage) -> None:
    desk, _ = client_of(stage, "service_desk")
    guard, _ = client_of(stage, "guard")
    number = stage.trip(PUMP, OVERHEATING)
    with stage.parts.database.write() as session:
        past = stage.parts.clock.now() - timedelta(hours=1)
        session.execute(update(Ticket).values(resolve_due=past))
    page = desk.get("/").text
    assert page.count(f'<span class="number">#{number}</span>') == 1
    assert "Late" not in titles(page)
    version = stage.ticket(number).version
    post(guard, f"/tickets/{number}/accept", version=version)
    assert "Late" in titles(desk.get("/").text)
    assert "Late" not in titles(guard.get("/").text)


def test_an_alarm_stands_alone_while_its_ticket_is_in_other_hands(stage: Stage) -> None:
    first, _ = client_of(stage, "technician")
    second, _ = client_of(stage, "technician")
    number = stage.trip(PUMP, OVERHEATING)
    version = stage.ticket(number).version
    assert post(first, f"/tickets/{number}/accept", version=version)[0] == 303
    assert titles(second.get("/").text) == []
    stage.clear(PUMP, OVERHEATING)
    stage.trip(PUMP, OVERHEATING)
    assert titles(second.get("/").text) == ["Unacknowledged alarms"]


def test_what_is_done_waits_for_who_verifies(stage: Stage) -> None:
    lead, _ = client_of(stage, "supervisor")
    doer, _ = client_of(stage, "technician")
    number = stage.trip(PUMP, OVERHEATING)
    for action, form in (("accept", {}), ("resolve", {"remark": "new bearing"})):
        version = stage.ticket(number).version
        assert post(doer, f"/tickets/{number}/{action}", version=version, **form)[0] == 303
    assert "To be verified" in titles(lead.get("/").text)
    assert "To be verified" not in titles(doer.get("/").text)


def test_a_handover_waits_for_the_team_and_passed_up_for_who_leads(stage: Stage) -> None:
    first, before = client_of(stage, "technician")
    second, after = client_of(stage, "technician")
    stranger, _ = client_of(stage, "technician")
    lead, _ = client_of(stage, "supervisor")
    with stage.parts.database.write() as session:
        for person in (before, after):
            session.add(Member(site_id=stage.site_id, team="maintenance", person_id=person))
    form = {"team": "maintenance", "note": "the pump is hot"}
    assert post(first, f"/teams/{stage.site_id}/hand-over", **form)[0] == 303
    assert "Shift hand-over" in titles(second.get("/").text)
    for other in (first, stranger, lead):
        assert "Shift hand-over" not in titles(other.get("/").text)
    with stage.parts.database.write() as session:
        session.execute(update(Handover).values(state="passed_up"))
    assert "the supervisor was told" in lead.get("/").text
    assert "Shift hand-over" not in titles(stranger.get("/").text)


def test_a_gap_in_the_roster_stands_before_who_makes_rosters(stage: Stage) -> None:
    lead, _ = client_of(stage, "supervisor")
    guard, _ = client_of(stage, "guard")
    now = stage.parts.clock.now()
    with stage.parts.database.write() as session:
        session.add(
            RosterGap(
                site_id=stage.site_id,
                team="maintenance",
                starts_at=now + timedelta(hours=4),
                ends_at=now + timedelta(hours=8),
            )
        )
    assert "Nobody is on duty from" in lead.get("/").text
    assert "Nobody is on duty from" not in guard.get("/").text


def test_a_part_that_is_ill_is_said_on_the_first_screen_too(stage: Stage) -> None:
    guard, _ = client_of(stage, "guard")
    stage.parts.health.report("broker", ok=False, detail="connection refused")
    page = guard.get("/").text
    assert "Message broker" in page
    assert "connection refused" not in page


def test_only_who_adopts_is_taught_about_sensors(stage: Stage) -> None:
    teaches = "send a reading of a sensor that nobody knows"
    manager, _ = client_of(stage, "manager")
    guard, _ = client_of(stage, "guard")
    assert teaches in manager.get("/live").text
    assert teaches not in guard.get("/live").text
