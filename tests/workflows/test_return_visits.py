"""Return visits: who asks, whom, what comes of it, and what a resident's own rating counts for."""

from datetime import datetime, timedelta
from uuid import UUID

import pytest

from core import events
from core.db import Database
from core.errors import Conflict, Invalid, NotAllowed
from core.people import Caller, Person, caller_for, new_secret
from core.places import Asset
from tests.fixtures import NOON, SmallSite
from tests.workflows.conftest import DAY, MINUTE, do, employ, facts_of, ticket_of, trip
from workflows import customers
from workflows.customers import AskedReporter, Rater, ResidentReport, Wish, due_visits
from workflows.customers.return_visits import WITHIN, ReturnVisit
from workflows.tickets import Draft, Ticket, TicketNote, open_ticket
from workflows.tickets.work import NewWork, add_work

GOOD = AskedReporter("phone", True, 5, "Very quick")
BAD = AskedReporter("on_spot", False, 2, "It still drips")


class Desk:
    """The site with somebody at the desk, a technician, and what they did."""

    def __init__(self, database: Database, site: SmallSite) -> None:
        self.database, self.site = database, site
        self.desk = employ(database, site.id, "service_desk", "Mei")
        self.technician = employ(database, site.id, "technician", "An")

    def caller(self, person: UUID) -> Caller:
        """Somebody as a caller."""
        with self.database.read() as session:
            return caller_for(session, session.get_one(Person, person))

    def reported(self, reporter: UUID | None, at: datetime = NOON) -> UUID:
        """A ticket that somebody at the desk wrote down."""
        draft = Draft(
            site_id=self.site.id,
            kind="repair",
            priority="medium",
            title={"und": "The tap drips"},
            team="maintenance",
            happened_at=at,
            learned_at=at,
            reporter_id=reporter,
        )
        with self.database.write() as session:
            return open_ticket(session, draft, actor=events.SYSTEM).id

    def done(self, ticket: UUID, at: datetime = NOON + MINUTE) -> UUID:
        """The technician does it."""
        do(self.database, ticket, self.technician, at, "start")
        do(self.database, ticket, self.technician, at, "resolve")
        return ticket

    def ask(
        self, ticket: UUID, asked: AskedReporter, *, by: UUID | None = None, at: datetime
    ) -> None:
        """Somebody makes the return visit."""
        caller = self.caller(by or self.desk)
        with self.database.write() as session:
            row = session.get_one(Ticket, ticket)
            customers.record_return_visit(session, caller, row, asked, now=at)

    def due(self, at: datetime) -> list[UUID]:
        """Whom the desk has to ask yet."""
        caller = self.caller(self.desk)
        with self.database.read() as session:
            return [one.ticket_id for one in due_visits(session, caller, now=at)]

    def resident(self, secret: str, *, join: UUID | None = None) -> ResidentReport:
        """A resident reports by the sticker of the pump."""
        boss = employ(self.database, self.site.id, "manager", "Lin")
        caller = self.caller(boss)
        with self.database.write() as session:
            asset = session.get_one(Asset, self.site.assets["pump-1"])
            sticker = customers.sticker_of_place(session, caller, "asset", asset.id, now=NOON)
            stuck = customers.read_sticker(session, sticker.path)
            wish = Wish(secret, problem="noise", join=join)
            customers.send(session, stuck, wish, now=NOON)
            return customers.find_report(session, secret, now=NOON)

    def rate(self, secret: str, stars: int, *, by: UUID | None = None, at: datetime) -> None:
        """The resident rates by their link."""
        with self.database.write() as session:
            row = customers.find_report(session, secret, now=at)
            customers.rate(session, row, stars, "", Rater(by), now=at)


@pytest.fixture
def desk(database: Database, site: SmallSite) -> Desk:
    """Who works there."""
    return Desk(database, site)


def test_who_is_satisfied_verifies_the_ticket(desk: Desk, database: Database) -> None:
    ticket = desk.done(desk.reported(desk.desk))
    assert desk.due(NOON + 2 * MINUTE) == [ticket]
    desk.ask(ticket, GOOD, at=NOON + 3 * MINUTE)
    assert ticket_of(database, ticket).state == "verified"
    [fact] = facts_of(database, "ticket.return_visit")
    assert (fact.after or {})["stars"] == 5
    assert "words" not in (fact.after or {})
    [verified] = facts_of(database, "ticket.verify")
    assert (verified.after or {})["by"] == "return_visit"
    assert desk.due(NOON + 4 * MINUTE) == []
    with database.read() as session:
        [shown] = customers.visits_of(session, ticket)
    assert (shown["by_name"], shown["words"], shown["way"]) == ("Mei", "Very quick", "phone")


def test_who_is_not_satisfied_opens_it_again_with_the_reason(
    desk: Desk, database: Database
) -> None:
    ticket = desk.done(desk.reported(desk.desk))
    do(database, ticket, desk.desk, NOON + 2 * MINUTE, "verify")
    do(database, ticket, desk.desk, NOON + 2 * MINUTE, "close")
    assert desk.due(NOON + 2 * MINUTE) == [ticket]
    desk.ask(ticket, BAD, at=NOON + 3 * MINUTE)
    assert ticket_of(database, ticket).state == "open"
    with database.read() as session:
        note = session.query(TicketNote).filter_by(action="reopen").one()
    assert note.body == "It still drips"
    # Done anew it is asked anew.
    desk.done(ticket, NOON + 5 * MINUTE)
    assert desk.due(NOON + 6 * MINUTE) == [ticket]


def test_whoever_had_a_hand_in_the_work_is_refused(desk: Desk, database: Database) -> None:
    ticket = desk.reported(desk.desk)
    had_it = employ(database, desk.site.id, "service_desk", "Had it")
    wrote_labour = employ(database, desk.site.id, "service_desk", "Worked")
    do(database, ticket, desk.desk, NOON, "assign", assignee_id=had_it)
    with database.write() as session:
        row = session.get_one(Ticket, ticket)
        add_work(session, row, NewWork("labour", "Sealed", 10), person=wrote_labour, now=NOON)
    desk.done(ticket)
    lead = employ(database, desk.site.id, "supervisor", "Lead")
    with database.write() as session:
        row = session.get_one(Ticket, ticket)
        add_work(session, row, NewWork("labour", "Helped", 5), person=lead, now=NOON + MINUTE)
    for person in (had_it, wrote_labour, lead):
        with pytest.raises(NotAllowed, match="who did the work"):
            desk.ask(ticket, GOOD, by=person, at=NOON + 2 * MINUTE)
    # A technician may not at all, whatever they did.
    with pytest.raises(NotAllowed):
        desk.ask(ticket, GOOD, by=desk.technician, at=NOON + 2 * MINUTE)
    assert ticket_of(database, ticket).state == "resolved"


def test_what_makes_no_sense_is_refused_with_every_problem(desk: Desk) -> None:
    ticket = desk.reported(desk.desk)
    with pytest.raises(Conflict, match="not done"):
        desk.ask(ticket, GOOD, at=NOON)
    desk.done(ticket)
    with pytest.raises(Invalid) as refused:
        desk.ask(ticket, AskedReporter("letter", False, 9, "x" * 2001), at=NOON + 2 * MINUTE)
    assert len(refused.value.problems) == 3
    with pytest.raises(Invalid) as refused:
        desk.ask(ticket, AskedReporter("phone", False, 1, " "), at=NOON + 2 * MINUTE)
    assert list(refused.value.problems) == ["words: say what is not in order"]


def test_what_nobody_reported_has_nobody_to_ask(desk: Desk, database: Database) -> None:
    ticket = trip(database, desk.site, NOON).ticket_id
    desk.done(ticket)
    assert desk.due(NOON + 2 * MINUTE) == []
    with pytest.raises(Conflict, match="nobody reported"):
        desk.ask(ticket, GOOD, at=NOON + 2 * MINUTE)
    # Who reports something and mends it is not asked about themselves.
    own = desk.done(desk.reported(desk.technician))
    assert own not in desk.due(NOON + 2 * MINUTE)


def test_the_list_forgets_what_is_long_ago_and_shows_whom_one_may_ask(
    desk: Desk, database: Database
) -> None:
    first = desk.done(desk.reported(desk.desk), NOON + MINUTE)
    second = desk.done(desk.reported(desk.desk), NOON + DAY)
    assert desk.due(NOON + 2 * DAY) == [first, second]
    assert desk.due(NOON + WITHIN + timedelta(hours=1)) == [second]
    with database.read() as session:
        assert due_visits(session, desk.caller(desk.technician), now=NOON + DAY) == []


def test_a_residents_rating_counts_on_a_ticket_that_theirs_was_merged_into(
    desk: Desk, database: Database
) -> None:
    secret = new_secret("report")
    sensor = trip(database, desk.site, NOON).ticket_id
    report = desk.resident(secret)
    middle = desk.reported(None)
    do(database, report.ticket_id, desk.desk, NOON, "merge", into_id=middle)
    do(database, middle, desk.desk, NOON, "merge", into_id=sensor)
    desk.done(sensor)
    assert desk.due(NOON + 2 * MINUTE) == [sensor]
    with pytest.raises(NotAllowed):
        desk.rate(secret, 5, by=desk.technician, at=NOON + 3 * MINUTE)
    desk.rate(secret, 4, at=NOON + 3 * MINUTE)
    assert desk.due(NOON + 4 * MINUTE) == []
    [verified] = facts_of(database, "ticket.verify")
    assert ((verified.after or {})["by"], verified.actor_kind) == ("resident", "resident")
    assert ticket_of(database, sensor).state == "verified"


def test_a_poor_rating_is_heard_but_verifies_nothing(desk: Desk, database: Database) -> None:
    secret = new_secret("report")
    ticket = desk.resident(secret).ticket_id
    desk.done(ticket)
    desk.rate(secret, 2, at=NOON + 2 * MINUTE)
    assert ticket_of(database, ticket).state == "resolved"
    assert desk.due(NOON + 3 * MINUTE) == []
    # A colleague still can.
    do(database, ticket, desk.desk, NOON + 4 * MINUTE, "verify")


def test_an_older_rating_does_not_count_for_later_work(desk: Desk, database: Database) -> None:
    secret = new_secret("report")
    ticket = desk.resident(secret).ticket_id
    desk.done(ticket)
    desk.rate(secret, 5, at=NOON + 2 * MINUTE)
    do(database, ticket, desk.desk, NOON + 3 * MINUTE, "reopen")
    desk.done(ticket, NOON + 5 * MINUTE)
    assert desk.due(NOON + 6 * MINUTE) == [ticket]


def test_visits_stand_beside_the_log_so_that_words_can_be_erased(
    desk: Desk, database: Database
) -> None:
    ticket = desk.done(desk.reported(desk.desk))
    desk.ask(ticket, GOOD, at=NOON + 3 * MINUTE)
    with database.read() as session:
        assert session.query(ReturnVisit).one().words == "Very quick"
        told = str([fact.after for fact in facts_of(database, "")])
    assert "Very quick" not in told
