"""What is done to many tickets is told to each person once, and ends when it is answered."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from core import events
from core.contacts import set_reaching
from core.db import Database
from core.ids import new_id
from core.people import Person, caller_for
from tests.fixtures import NOON, SmallSite
from tests.workflows.conftest import MINUTE, do, employ, facts_of
from tests.workflows.test_notices import House, Pretended
from workflows import notifications
from workflows.alarms import accept_ticket, accept_tickets
from workflows.notifications import Attempt, Notice
from workflows.notifications.model import LIST_OF, MANY, NoticeTicket
from workflows.notifications.texts import WHAT_OF_MANY, message
from workflows.tickets import Step, Ticket, mark_moments
from workflows.tickets.bulk import Order, TicketBatch, Wanted
from workflows.tickets.undoing import undo_many

SECOND = timedelta(seconds=1)


@pytest.fixture
def wires() -> dict[str, Pretended]:
    """One channel of each kind."""
    kinds = {"email": "email", "wecom": "wecom", "dingtalk": "dingtalk", "sms": "phone"}
    return {name: Pretended(name, kind) for name, kind in kinds.items()}


@pytest.fixture
def office(database: Database, site: SmallSite) -> House:
    """A supervisor who hands out, and a technician who is reached on every channel."""
    worker = employ(database, site.id, "technician", "An")
    supervisor = employ(database, site.id, "supervisor", "Lin")
    reach = {"phone": "13800138000", "wecom": "an", "dingtalk": "an", "email": "an@example.com"}
    with database.write() as session:
        set_reaching(session, worker, reach, None, now=NOON)
        session.get_one(Person, worker).locale = "en"
    return House(database, site, worker, supervisor)


def opened(house: House, *priorities: str, **more: Any) -> list[UUID]:
    """Tickets of these priorities, which nobody was told of."""
    made = [house.open(priority=priority, **more) for priority in priorities]
    facts = events.read_after(house.database, events.START, 5000)
    house.cursor = (facts[-1].txid, facts[-1].seq)
    return made


def at_once(
    house: House, tickets: Sequence[UUID], action: str = "assign", **more: Any
) -> TicketBatch:
    """One action on all of them by the supervisor."""
    if action == "assign":
        more = {"assignee_id": house.worker, **more}
    order = Order(new_id(), action, [Wanted(one) for one in tickets], **more)
    with house.database.write() as session:
        caller = caller_for(session, session.get_one(Person, house.supervisor))
        batch = accept_tickets(session, caller, order, now=NOON)
    assert all(row["done"] for row in batch.results), batch.results
    return batch


def take_up_in_pieces(house: House, pieces: int = 20) -> int:
    """As the sweep does: so many facts in one transaction."""
    made = 0
    while facts := events.read_after(house.database, house.cursor, pieces):
        house.cursor = (facts[-1].txid, facts[-1].seq)
        with house.database.write() as session:
            made += notifications.take_up(session, facts, now=NOON)
    return made


def waiting(house: House) -> list[Notice]:
    return [one for one in house.notices() if one.state in ("waiting", "spent")]


def test_fifty_tickets_are_one_message_on_each_channel(
    office: House, wires: dict[str, Pretended]
) -> None:
    tickets = opened(office, *["low"] * 30, "high", *["medium"] * 19)
    at_once(office, tickets)
    assert take_up_in_pieces(office) == 1
    [notice] = office.notices()
    assert (notice.kind, notice.urgency, notice.ticket_id) == (
        "tickets.assign",
        "urgent",
        tickets[30],
    )
    assert office.tell(wires, NOON) == 4
    for wire in wires.values():
        [(_, text)] = wire.sent
        assert text.title == "50 tickets are yours"
        assert "most urgent: #31 Flooded pit" in text.body
        assert text.plain == "50 tickets are yours, most urgent #31"
        assert (text.page, text.accept) == ("/tickets?view=mine", "Accept all")
        assert text.link.endswith(f"/n/{notice.code}")
        assert text.short == "50 tickets are yours: Flooded pit"
    with office.database.read() as session:
        told = notifications.attempts_on(session, tickets[3])
    assert [(one.attempt.channel, one.attempt.state) for one in told] == [
        (name, "sent") for name in wires
    ]


def test_critical_tickets_are_told_and_passed_up_by_themselves(
    office: House, wires: dict[str, Pretended]
) -> None:
    tickets = opened(office, "low", "critical", "medium")
    at_once(office, tickets)
    take_up_in_pieces(office)
    told = {(one.kind, one.urgency, one.ticket_id) for one in office.notices()}
    assert ("ticket.assign", "critical", tickets[1]) in told
    assert len(told) == 2
    with office.database.read() as session:
        rows = set(session.scalars(select(NoticeTicket.ticket_id)))
    assert rows == {tickets[0], tickets[2]}
    office.tell(wires, NOON)
    assert [text.title for _, text in wires["sms"].sent] == ["A ticket for you: #2 Flooded pit"]
    assert len(wires["wecom"].sent) == 2
    with office.database.write() as session:
        mark_moments(session, now=NOON + 15 * MINUTE, actor=events.SYSTEM)
    take_up_in_pieces(office)
    assert ("ticket.escalate", tickets[1]) in {
        (one.kind, one.ticket_id) for one in office.notices()
    }


def test_one_of_a_batch_is_told_like_any_other(office: House, wires: dict[str, Pretended]) -> None:
    [ticket] = opened(office, "high")
    at_once(office, [ticket])
    take_up_in_pieces(office)
    office.tell(wires, NOON)
    [(_, text)] = wires["wecom"].sent
    assert text.title == "A ticket for you: #1 Flooded pit"
    assert text.page == "/tickets/1"


def test_it_is_repeated_with_what_is_left_until_all_are_accepted(
    office: House, wires: dict[str, Pretended]
) -> None:
    tickets = opened(office, "high", "high", "low")
    at_once(office, tickets)
    take_up_in_pieces(office)
    office.tell(wires, NOON)
    do(office.database, tickets[0], office.worker, NOON + MINUTE, "accept")
    office.tell(wires, NOON + 10 * MINUTE)
    texts = [text for _, text in wires["wecom"].sent]
    assert [text.title for text in texts] == ["3 tickets are yours", "2 tickets are yours"]
    assert "most urgent: #2" in texts[1].body
    do(office.database, tickets[1], office.worker, NOON + 11 * MINUTE, "accept")
    # The rest is ordinary, and of that they were told.
    assert office.tell(wires, NOON + 20 * MINUTE) == 0
    [notice] = office.notices()
    assert (notice.state, notice.urgency) == ("spent", "normal")
    with office.database.read() as session:
        kept = session.get_one(Notice, notice.id)
        assert [one.id for one in notifications.left_of(session, kept)] == [tickets[2]]


def test_accepting_all_ends_it_with_the_next_try(
    office: House, wires: dict[str, Pretended]
) -> None:
    tickets = opened(office, "high", "high")
    at_once(office, tickets)
    take_up_in_pieces(office)
    office.tell(wires, NOON)
    for ticket in tickets:
        do(office.database, ticket, office.worker, NOON + MINUTE, "accept")
    assert office.tell(wires, NOON + 10 * MINUTE) == 0
    [notice] = office.notices()
    assert (notice.state, notice.due_at) == ("settled", None)


def test_answering_the_message_ends_it(office: House, wires: dict[str, Pretended]) -> None:
    at_once(office, opened(office, "high", "high"))
    take_up_in_pieces(office)
    office.tell(wires, NOON)
    with office.database.write() as session:
        notice = notifications.notice_by_code(session, office.notices()[0].code)
        notifications.acknowledge(session, notice, by="link", now=NOON)
    assert office.tell(wires, NOON + 10 * MINUTE) == 0
    assert len(facts_of(office.database, "notice.acknowledge")) == 1


def test_what_is_undone_or_handed_on_is_told_nobody(
    office: House, wires: dict[str, Pretended]
) -> None:
    tickets = opened(office, "high", "high", "high")
    batch = at_once(office, tickets)
    take_up_in_pieces(office)
    office.tell(wires, NOON)
    other = employ(office.database, office.site.id, "technician", "Bo")
    do(office.database, tickets[0], office.supervisor, NOON, "assign", assignee_id=other)
    office.tell(wires, NOON + 10 * MINUTE)
    assert wires["wecom"].sent[-1][1].title == "2 tickets are yours"
    with office.database.write() as session:
        caller = caller_for(session, session.get_one(Person, office.supervisor))
        undo_many(session, caller, batch.id, now=NOON + 11 * MINUTE)
    assert office.tell({"wecom": wires["wecom"]}, NOON + 20 * MINUTE) == 0
    assert [one.state for one in office.notices() if one.person_id == office.worker] == ["settled"]


def test_who_gets_what_others_had_accepted_is_told_until_they_accept_it(
    office: House, wires: dict[str, Pretended]
) -> None:
    other = employ(office.database, office.site.id, "technician", "Bo")
    tickets = opened(office, "high", "high", team="security")
    for ticket in tickets:
        do(office.database, ticket, other, NOON, "accept")
    at_once(office, tickets)
    take_up_in_pieces(office)
    office.tell(wires, NOON)
    assert wires["wecom"].sent[-1][1].title == "2 tickets are yours"
    do(office.database, tickets[0], office.worker, NOON + MINUTE, "accept")
    office.tell(wires, NOON + 10 * MINUTE)
    assert wires["wecom"].sent[-1][1].title == "A ticket for you: #2 Flooded pit"
    do(office.database, tickets[1], office.worker, NOON + 11 * MINUTE, "accept")
    assert office.tell(wires, NOON + 20 * MINUTE) == 0


def test_what_somebody_was_told_of_a_ticket_goes_into_the_message_of_many(
    office: House, wires: dict[str, Pretended]
) -> None:
    tickets = opened(office, "high", "high")
    do(office.database, tickets[1], office.supervisor, NOON, "assign", assignee_id=office.worker)
    take_up_in_pieces(office)
    [alone] = office.notices()
    at_once(office, tickets)
    take_up_in_pieces(office)
    states = {one.id: (one.kind, one.state) for one in office.notices()}
    assert states.pop(alone.id) == ("ticket.assign", "settled")
    assert list(states.values()) == [("tickets.assign", "waiting")]
    office.tell(wires, NOON)
    assert len(wires["wecom"].sent) == 1


def test_a_deadline_of_one_of_them_is_told_by_itself(office: House) -> None:
    tickets = opened(office, "high", "high")
    at_once(office, tickets)
    take_up_in_pieces(office)
    with office.database.write() as session:
        events.append(
            session,
            "ticket.warn",
            ("ticket", tickets[0]),
            actor=events.SYSTEM,
            learned_at=NOON,
            site_id=office.site.id,
            after={},
        )
    take_up_in_pieces(office)
    assert [(one.kind, one.state) for one in office.notices()] == [
        ("tickets.assign", "waiting"),
        ("ticket.warn", "waiting"),
    ]


def test_a_process_that_dies_between_two_pieces_tells_it_once(
    office: House, wires: dict[str, Pretended]
) -> None:
    at_once(office, opened(office, *["low"] * 30))
    facts = events.read_after(office.database, office.cursor, 20)
    with office.database.write() as session:
        notifications.take_up(session, facts, now=NOON)
    # The cursor was kept in the same transaction; whoever comes next goes on behind it.
    office.cursor = (facts[-1].txid, facts[-1].seq)
    take_up_in_pieces(office)
    assert len(office.notices()) == 1
    office.tell(wires, NOON)
    assert [text.title for _, text in wires["wecom"].sent] == ["30 tickets are yours"]


def test_a_process_that_dies_before_it_sent_sends_after_a_minute(
    office: House, wires: dict[str, Pretended]
) -> None:
    at_once(office, opened(office, "low", "low"))
    take_up_in_pieces(office)
    listed: Sequence[Any] = list(wires.values())
    with office.database.write() as session:
        # It dies right after this; an ordinary message has no second try of its own.
        assert len(notifications.begin(session, listed, base="", now=NOON)) == 3
    assert office.notices()[0].state == "spent"
    assert office.tell(wires, NOON + 59 * SECOND) == 0
    assert office.tell(wires, NOON + 61 * SECOND) == 3
    [notice] = office.notices()
    assert (notice.state, notice.tries) == ("spent", 1)
    with office.database.read() as session:
        assert sorted(session.scalars(select(Attempt.state))) == ["sent"] * 3 + ["unknown"] * 3
    assert office.tell(wires, NOON + 10 * MINUTE) == 0


def test_an_answered_message_is_not_repeated_for_a_lost_attempt(
    office: House, wires: dict[str, Pretended]
) -> None:
    at_once(office, opened(office, "low", "low"))
    take_up_in_pieces(office)
    listed: Sequence[Any] = list(wires.values())
    with office.database.write() as session:
        notifications.begin(session, listed, base="", now=NOON)
        notice = session.scalars(select(Notice)).one()
        notifications.acknowledge(session, notice, by="page", now=NOON)
    assert office.tell(wires, NOON + 2 * MINUTE) == 0


def test_many_that_are_opened_again_are_told_to_who_has_them(
    office: House, wires: dict[str, Pretended]
) -> None:
    tickets = opened(office, "high", "high")
    for ticket in tickets:
        for action in ("accept", "start", "resolve"):
            do(office.database, ticket, office.worker, NOON, action)
    take_up_in_pieces(office)
    at_once(office, tickets, "reopen", note="It drips again")
    take_up_in_pieces(office)
    office.tell(wires, NOON)
    [(_, text)] = wires["wecom"].sent
    assert (text.title, text.accept) == ("2 tickets are open again", "Answer")
    with office.database.write() as session:
        for ticket in tickets:
            row = session.get_one(Ticket, ticket)
            accept_ticket(session, row, Step("accept"), person=office.worker, now=NOON)
    assert office.tell(wires, NOON + 10 * MINUTE) == 0


def test_who_reported_many_finds_one_line_of_them(office: House) -> None:
    reporter = employ(office.database, office.site.id, "guard", "Zhao")
    tickets = opened(office, "low", "low", "low", reporter_id=reporter)
    at_once(office, tickets, "accept")
    take_up_in_pieces(office)
    [line] = [one for one in office.notices() if one.person_id == reporter]
    assert (line.kind, line.urgency, line.due_at) == ("tickets.accept", "info", None)
    assert line.facts["count"] == 3


@pytest.mark.parametrize("language", ["en", "zh"])
def test_many_have_words_in_both_languages(language: str) -> None:
    assert set(WHAT_OF_MANY) == set(MANY.values()) == set(LIST_OF)
    facts = {"number": 7, "title": {"zh": "水浸"}, "priority": "high", "place": {"zh": "泵房"}}
    for kind in WHAT_OF_MANY:
        text = message(kind, {**facts, "count": 50}, language, link="l", reference="r")
        assert "50" in text.title
        assert "7" in text.plain
        assert len(text.short) <= 35
        one = message(kind, {**facts, "count": 1}, language, link="l", reference="r")
        assert "50" not in one.title
        assert one.page == "/tickets/7"
