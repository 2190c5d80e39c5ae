"""Withheld alarms: judged and written down, told to nobody, and judged again at the end."""

from datetime import datetime
from uuid import UUID

import pytest
from sqlalchemy import select

from core import events
from core.clock import to_micros
from core.db import Database
from core.errors import Conflict
from rules.engine import TransitionKind
from tests.fixtures import NOON, SmallSite
from tests.threads import in_threads
from tests.workflows.conftest import MINUTE, clear, facts_of, finding, ticket_of, trip
from workflows.alarms import Alarm, Episode, Withheld, Withholding, record, release
from workflows.alarms.releasing import due_withholdings, release_due
from workflows.alarms.withholding import withhold
from workflows.tickets import Ticket, TicketEvidence

JOB = events.Actor("job", "withheld alarms")


def trip_silently(database: Database, site: SmallSite, at: datetime) -> None:
    """Record that the rule tripped, and that nobody heard of it."""
    with database.write() as session:
        assert record(session, [finding(site, TransitionKind.TRIPPED, at)], learned_at=at) == []


def suppress(database: Database, until: datetime, cause: UUID | None = None) -> None:
    with database.write() as session:
        alarm = session.scalars(select(Alarm)).one()
        held = Withheld("suppressed", "maintenance", until, ("test", cause) if cause else None)
        withhold(session, alarm, held, actor=JOB, now=NOON)


def sweep(database: Database, now: datetime) -> int:
    """What the job does: each that is due in a transaction of its own."""
    with database.read() as session:
        due = due_withholdings(session, now=now)
    done = 0
    for one in due:
        with database.write() as session:
            done += release_due(session, one, now=now, actor=JOB)
    return done


def known(database: Database, site: SmallSite) -> Ticket:
    """An alarm that tripped once, an hour ago, and is over; its ticket."""
    opened = trip(database, site, NOON - 60 * MINUTE)
    clear(database, site, NOON - 50 * MINUTE)
    return ticket_of(database, opened.ticket_id)


def the_alarm(database: Database) -> Alarm:
    with database.read() as session:
        return session.scalars(select(Alarm)).one()


def episodes(database: Database) -> list[Episode]:
    with database.read() as session:
        return list(session.scalars(select(Episode).order_by(Episode.tripped_micros)))


def test_a_trip_while_withheld_is_written_down_and_announced_once_when_that_ends(
    database: Database, site: SmallSite
) -> None:
    ticket = known(database, site)
    suppress(database, NOON + 30 * MINUTE)
    trip_silently(database, site, NOON + 10 * MINUTE)
    assert ticket_of(database, ticket.id).repeats == 0
    alarm, [_, held] = the_alarm(database), episodes(database)
    assert (alarm.state, alarm.phase, alarm.episodes) == ("suppressed", "active", 2)
    assert held.ticket_id is None
    assert held.withholding_id is not None
    assert len(facts_of(database, "alarm.withheld_trip")) == 1
    assert sweep(database, NOON + 29 * MINUTE) == 0
    end = NOON + 30 * MINUTE
    assert (sweep(database, end), sweep(database, end)) == (1, 0)
    alarm, [_, told] = the_alarm(database), episodes(database)
    assert (alarm.state, alarm.ticket_id) == ("unacknowledged", ticket.id)
    assert (told.ticket_id, told.announced_at) == (ticket.id, end)
    again = ticket_of(database, ticket.id)
    assert (again.repeats, again.announced_at) == (1, end)
    with database.read() as session:
        proof = session.scalars(
            select(TicketEvidence).order_by(TicketEvidence.at_micros.desc())
        ).first()
        assert len(session.scalars(select(Ticket)).all()) == 1
    assert proof is not None
    assert proof.data["withheld"] == {
        "why": "maintenance",
        "since": to_micros(NOON),
        "until": to_micros(end),
        "reason": "",
    }
    # The readings that tripped it are kept from the trip, not from its announcement.
    assert proof.data["inputs"][0]["value"] == 82.1


def test_what_cleared_before_the_end_is_told_nobody(database: Database, site: SmallSite) -> None:
    known(database, site)
    suppress(database, NOON + 30 * MINUTE)
    trip_silently(database, site, NOON + 10 * MINUTE)
    clear(database, site, NOON + 20 * MINUTE)
    assert sweep(database, NOON + 31 * MINUTE) == 1
    alarm, [_, held] = the_alarm(database), episodes(database)
    assert alarm.state == "normal"
    assert held.cleared_micros == to_micros(NOON + 20 * MINUTE)
    assert held.ticket_id is None
    assert facts_of(database, "ticket.announce") == facts_of(database, "ticket.repeat") == []


def test_a_release_that_is_cut_off_happens_wholly_at_the_next_look(
    database: Database, site: SmallSite
) -> None:
    ticket = known(database, site)
    suppress(database, NOON + 30 * MINUTE)
    trip_silently(database, site, NOON + 10 * MINUTE)
    end = NOON + 30 * MINUTE

    with database.read() as session:
        [due] = due_withholdings(session, now=end)

    def die_before_the_commit() -> None:
        with database.write() as session:
            release_due(session, due, now=end, actor=JOB)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        die_before_the_commit()
    assert the_alarm(database).state == "suppressed"
    assert ticket_of(database, ticket.id).repeats == 0
    assert sweep(database, end + MINUTE) == 1
    assert ticket_of(database, ticket.id).repeats == 1


def test_of_two_who_release_an_alarm_one_does(database: Database, site: SmallSite) -> None:
    known(database, site)
    suppress(database, NOON + 30 * MINUTE)
    trip_silently(database, site, NOON + 10 * MINUTE)
    for n in range(2):
        with database.write() as session:
            alarm = session.scalars(select(Alarm)).one()
            if n:
                with pytest.raises(Conflict):
                    release(session, alarm, "ended", actor=JOB, now=NOON + 11 * MINUTE)
            else:
                assert release(session, alarm, "ended", actor=JOB, now=NOON + 11 * MINUTE)
    with database.read() as session:
        assert [row.state for row in session.scalars(select(Withholding))] == ["ended"]
    assert len(facts_of(database, "ticket.announce")) == 1


def test_a_trip_at_the_very_moment_at_which_a_withholding_ends_is_told_once(
    postgres_database: Database, postgres_site: SmallSite
) -> None:
    database, site = postgres_database, postgres_site
    known(database, site)
    for round_ in range(6):
        start = NOON + 60 * round_ * MINUTE
        with database.write() as session:
            alarm = session.scalars(select(Alarm)).one()
            held = Withheld("suppressed", "maintenance", start + 10 * MINUTE)
            withhold(session, alarm, held, actor=JOB, now=start)
        end = start + 10 * MINUTE

        def at_once(number: int, end: datetime = end) -> None:
            if number:
                sweep(database, end)
                return
            with database.write() as session:
                record(session, [finding(site, TransitionKind.TRIPPED, end)], learned_at=end)

        in_threads(2, at_once)
        assert the_alarm(database).state == "unacknowledged"
        [ticket] = [ticket_of(database, one) for one in _tickets(database)]
        assert ticket.repeats == round_ + 1
        clear(database, site, end + MINUTE)


def _tickets(database: Database) -> list[UUID]:
    with database.read() as session:
        return list(session.scalars(select(Ticket.id)))


def test_what_is_about_to_clear_at_the_end_is_no_news(database: Database, site: SmallSite) -> None:
    suppressed_at = NOON + 10 * MINUTE
    known(database, site)
    suppress(database, NOON + 30 * MINUTE)
    trip_silently(database, site, suppressed_at)
    with database.write() as session:
        session.scalars(select(Alarm)).one().phase = "clearing"
    assert sweep(database, NOON + 30 * MINUTE) == 0
    assert the_alarm(database).state == "suppressed"
    # It came back after all: now it is told.
    with database.write() as session:
        session.scalars(select(Alarm)).one().phase = "active"
    assert sweep(database, NOON + 31 * MINUTE) == 1
    assert the_alarm(database).state == "unacknowledged"
