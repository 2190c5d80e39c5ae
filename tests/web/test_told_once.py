"""One message of many tickets: its line in the inbox, its link, and its button."""

from datetime import date
from uuid import UUID

import pytest
from fastapi.testclient import TestClient

from core.ids import new_id
from core.people import Person, caller_for
from core.teams import Certificate
from tests.web.conftest import client_of, signed_in
from tests.web.stage import Stage
from tests.web.test_notices import guest, post, tell
from tests.web.test_ticket_bulk import opened, read
from web.pages.notices import respond
from workflows.alarms import accept_tickets
from workflows.notifications import Notice
from workflows.tickets import Ticket
from workflows.tickets.bulk import Order, Wanted


@pytest.fixture
def worker(stage: Stage) -> UUID:
    """To whom the tickets are handed."""
    return stage.person("Bo Technician", "technician")


@pytest.fixture
def own(stage: Stage, worker: UUID) -> TestClient:
    """Their browser."""
    return signed_in(stage, stage.secret(worker, "session"))


def handed_out(stage: Stage, worker: UUID, count: int = 3) -> tuple[list[Ticket], Notice]:
    """Tickets that a supervisor handed to somebody at once, and what they are told of it."""
    tickets = opened(stage, count)
    supervisor = stage.person("Lin Hua", "supervisor")
    order = Order(new_id(), "assign", [Wanted(one.id) for one in tickets], assignee_id=worker)
    with stage.parts.database.write() as session:
        caller = caller_for(session, session.get_one(Person, supervisor))
        accept_tickets(session, caller, order, now=stage.parts.clock.now())
    [notice] = [one for one in tell(stage) if one.kind == "tickets.assign"]
    return tickets, notice


def test_one_line_in_the_inbox_accepts_them_all(
    stage: Stage, own: TestClient, worker: UUID
) -> None:
    tickets, notice = handed_out(stage, worker)
    page = own.get("/account/inbox").text
    assert '<a href="/tickets?view=mine">3 tickets are yours</a>' in page
    assert "The most urgent:" in page
    # The list of them stands beside it.
    assert page.count(f'href="/tickets/{tickets[0].number}"') == 2
    status, there = post(own, f"/account/inbox/{notice.id}/answer")
    assert (status, there) == (303, "/tickets?view=mine")
    assert all(read(stage, one).responded_at for one in tickets)
    assert "You were told" not in own.get("/account/inbox").text


def test_accepting_them_one_by_one_empties_the_line(
    stage: Stage, own: TestClient, worker: UUID
) -> None:
    tickets, _ = handed_out(stage, worker)
    for left, ticket in zip((2, 1, 0), tickets, strict=True):
        post(own, f"/tickets/{ticket.number}/accept", version=read(stage, ticket).version)
        page = own.get("/account/inbox").text
        words = {2: "2 tickets are yours", 1: "1 ticket is yours"}
        assert words.get(left, "") in page
    assert "You were told" not in page


@pytest.mark.parametrize("locale", ["en", "zh"])
def test_the_link_looks_first_and_then_accepts_what_is_left(
    stage: Stage, worker: UUID, locale: str
) -> None:
    tickets, notice = handed_out(stage, worker)
    phone = guest(stage)
    where = f"/n/{notice.code}?lang={locale}"
    page = phone.get(where).text
    shown, all_of_them, done, nothing = {
        "en": ("3 tickets are yours", "Accept 3 tickets", "They are yours.", "answered already"),
        "zh": ("3 张工单派给了您", "接下 3 张工单", "已全部接单", "已确认，无需再操作"),
    }[locale]
    assert shown in page
    assert all_of_them in page
    assert 'href="/tickets?view=mine"' in page
    assert "Technician" not in page
    assert {read(stage, one).responded_at for one in tickets} == {None}
    assert done in phone.post(where).text
    assert all(read(stage, one).assignee_id == worker for one in tickets)
    assert done in phone.post(where).text
    assert nothing in phone.get(where).text


def test_what_was_handed_on_meanwhile_is_left_to_whoever_has_it(stage: Stage, worker: UUID) -> None:
    tickets, notice = handed_out(stage, worker)
    other = stage.person("Cai", "technician")
    manager = client_of(stage, "manager")
    row = read(stage, tickets[0])
    post(
        manager,
        f"/tickets/{row.number}/assign",
        version=row.version,
        team="maintenance",
        assignee=str(other),
    )
    assert "2 tickets are yours" in guest(stage).get(f"/n/{notice.code}").text
    guest(stage).post(f"/n/{notice.code}")
    assert read(stage, tickets[0]).assignee_id == other
    assert read(stage, tickets[0]).responded_at is None


def test_a_button_accepts_those_for_which_they_are_licensed(stage: Stage, worker: UUID) -> None:
    tickets, notice = handed_out(stage, worker, 2)
    colleague = stage.person("Bo Electrician", "technician")
    with stage.parts.database.write() as session:
        day = date(2099, 1, 1)
        session.add(Certificate(person_id=colleague, kind="electrician", valid_until=day))
        session.get_one(Ticket, tickets[0].id).category = "electrical"
    with stage.parts.database.write() as session:
        kept = session.get_one(Notice, notice.id)
        assert respond(session, kept, by="button", now=stage.parts.clock.now()) == "some"
    assert read(stage, tickets[0]).responded_at is None
    assert read(stage, tickets[1]).responded_at is not None


def test_a_message_of_many_is_answered_by_nobody_else(
    stage: Stage, own: TestClient, worker: UUID
) -> None:
    _, notice = handed_out(stage, worker)
    other = client_of(stage, "technician")
    status, _ = post(other, f"/account/inbox/{notice.id}/answer")
    assert status == 404
    assert "tickets are yours" not in other.get("/account/inbox").text
    del own
