"""The bar on the page of a ticket that takes back what the reader just did to it."""

import re
from datetime import timedelta
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import update

from core.ids import new_id
from tests.web.conftest import client_of
from tests.web.stage import OVERHEATING, Stage
from tests.web.test_notices import post, tell
from tests.web.test_ticket_bulk import opened, read, send
from workflows.tickets import Ticket
from workflows.tickets.bulk import TicketBatch

UNDO = re.compile(r'action="(/tickets/bulk/[0-9a-f-]+/undo)"')


def take_back(client: TestClient, where: str, number: int) -> tuple[int, str]:
    """Press the bar of a page; where it leads."""
    found = UNDO.search(client.get(where).text)
    assert found is not None
    return post(client, found[1], ticket=str(number))


@pytest.mark.parametrize("locale", ["en", "zh"])
def test_an_assignment_on_the_page_is_taken_back(stage: Stage, locale: str) -> None:
    client, [ticket] = client_of(stage, "manager", locale), opened(stage, 1)
    person = stage.person("Bo Technician", "technician")
    address = f"/tickets/{ticket.number}"
    assert UNDO.search(client.get(address).text) is None
    form = {"version": ticket.version, "team": "security", "assignee": str(person)}
    status, where = post(client, f"{address}/assign", **form)
    assert status == 303
    page = client.get(where).text
    assert {"en": "possible for 15 minutes", "zh": "15 分钟内可撤销"}[locale] in page
    assert take_back(client, where, ticket.number) == (303, address)
    row = read(stage, ticket)
    assert (row.state, row.team, row.assignee_id) == ("open", "maintenance", None)
    assert UNDO.search(client.get(where).text) is None


def test_a_priority_is_changed_on_the_page_and_taken_back(stage: Stage, client: TestClient) -> None:
    [ticket] = opened(stage, 1)
    address = f"/tickets/{ticket.number}"
    assert f'action="{address}/priority"' in client.get(address).text
    form = {"version": ticket.version, "to_priority": "critical"}
    status, where = post(client, f"{address}/priority", **form)
    assert (status, read(stage, ticket).priority) == (303, "critical")
    assert "Change the priority: done." in client.get(where).text
    # Somebody else changed it meanwhile.
    assert post(client, f"{address}/priority", **form)[0] == 412
    assert take_back(client, where, ticket.number) == (303, address)
    assert read(stage, ticket).priority == "medium"
    version = read(stage, ticket).version
    for wrong in ("", "worst"):
        answer = post(client, f"{address}/priority", version=version, to_priority=wrong)
        assert answer[0] == 422
    same = post(client, f"{address}/priority", version=version, to_priority="medium")
    assert same[0] == 409


def test_who_may_not_change_a_priority_is_not_offered_it(stage: Stage) -> None:
    [ticket] = opened(stage, 1)
    auditor = client_of(stage, "auditor")
    address = f"/tickets/{ticket.number}"
    assert "/priority" not in auditor.get(address).text
    form = {"version": ticket.version, "to_priority": "low"}
    assert post(auditor, f"{address}/priority", **form)[0] == 403
    [ended] = opened(stage, 1, state="closed")
    manager = client_of(stage, "manager")
    assert "/priority" not in manager.get(f"/tickets/{ended.number}").text
    form = {"version": ended.version, "to_priority": "low"}
    assert post(manager, f"/tickets/{ended.number}/priority", **form)[0] == 409


def test_accepting_and_holding_are_taken_back(stage: Stage, client: TestClient) -> None:
    [ticket] = opened(stage, 1)
    address = f"/tickets/{ticket.number}"
    _, where = post(client, f"{address}/accept", version=ticket.version)
    assert read(stage, ticket).responded_at is not None
    take_back(client, where, ticket.number)
    row = read(stage, ticket)
    assert (row.state, row.assignee_id, row.responded_at) == ("open", None, None)
    post(client, f"{address}/accept", version=row.version)
    until = (stage.parts.clock.now() + timedelta(days=2)).strftime("%Y-%m-%dT09:00")
    version = read(stage, ticket).version
    _, where = post(client, f"{address}/hold", version=version, note="Parts", until=until)
    assert read(stage, ticket).state == "on_hold"
    take_back(client, where, ticket.number)
    assert (read(stage, ticket).state, read(stage, ticket).hold_until) == ("assigned", None)
    # What has no way back leads to the page as ever.
    version = read(stage, ticket).version
    assert post(client, f"{address}/start", version=version) == (303, address)


def test_a_ticket_that_is_given_back_is_told_to_its_team(stage: Stage) -> None:
    stage.person("Lin Hua", "supervisor")
    client = client_of(stage, "technician")
    tickets = opened(stage, 2)
    done = send(client, tickets, "accept")
    found = UNDO.search(client.get(done.headers["location"]).text)
    assert found is not None
    post(client, found[1])
    assert "tickets.release" in {notice.kind for notice in tell(stage)}


def test_what_changed_since_is_refused_and_named(stage: Stage, client: TestClient) -> None:
    [ticket] = opened(stage, 1)
    address = f"/tickets/{ticket.number}"
    _, where = post(client, f"{address}/accept", version=ticket.version)
    found = UNDO.search(client.get(where).text)
    assert found is not None
    with stage.parts.database.write() as session:
        session.execute(update(Ticket).where(Ticket.id == ticket.id).values(version=99))
    assert UNDO.search(client.get(where).text) is None
    _, there = post(client, found[1], ticket=str(ticket.number))
    assert "changed it meanwhile" in client.get(there).text


def test_the_bar_is_its_owners_and_ends(stage: Stage, client: TestClient) -> None:
    [ticket, other] = opened(stage, 2)
    address = f"/tickets/{ticket.number}"
    _, where = post(client, f"{address}/accept", version=ticket.version)
    batch = UUID(where.rpartition("=")[2])
    assert UNDO.search(client_of(stage, "manager").get(where).text) is None
    assert UNDO.search(client.get(f"/tickets/{other.number}?done={batch}").text) is None
    assert client.get(f"{address}?done={new_id()}").status_code == 200
    with stage.parts.database.write() as session:
        row = session.get_one(TicketBatch, batch)
        row.at -= timedelta(minutes=16)
    assert UNDO.search(client.get(where).text) is None


def test_whom_a_danger_to_life_was_given_stays_sent(stage: Stage, client: TestClient) -> None:
    number = stage.trip("b1-pump-1", OVERHEATING)
    ticket = stage.ticket(number)
    with stage.parts.database.write() as session:
        row = session.get_one(Ticket, ticket.id)
        row.life_safety = True
    _, where = post(client, f"/tickets/{number}/accept", version=ticket.version)
    assert UNDO.search(client.get(where).text) is None
