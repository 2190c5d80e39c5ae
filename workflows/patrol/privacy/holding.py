"""Cases: whose track is kept longer, from when to when, and because of what."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from core import events
from core.errors import Invalid, NotFound
from core.ids import new_id
from core.paging import rows_of
from core.people import Caller, Person
from rules.wording import worded
from workflows.patrol.checkpoints import PEOPLE, WRITE
from workflows.patrol.honesty.model import UNDECIDED, PatrolMark
from workflows.patrol.privacy.model import TrackHold
from workflows.patrol.reports.model import GuardReport
from workflows.patrol.rounds.model import Round
from workflows.tickets import Ticket
from workflows.tickets.scope import of_tickets
from workflows.tickets.sos import Sos

# What led to a call for help: the shift before it.
BEFORE_A_CALL = timedelta(hours=12)
# Around what somebody reported outside of rounds.
AROUND_A_REPORT = timedelta(hours=1)
LONGEST_SPAN = timedelta(days=31)


@dataclass(frozen=True, slots=True)
class Hold:
    """A span of somebody's track that a case needs. case: mark, sos, report or ticket.

    subject_id: of the mark, the call, the report or the hold. ticket_number: of its ticket, if any.
    """

    person_id: UUID
    since: datetime
    until: datetime
    case: str
    subject_id: UUID
    ticket_number: int | None = None


class Holds:
    """All holds, asked whether they cover a moment of somebody."""

    def __init__(self, holds: Iterable[Hold]) -> None:
        self._spans = defaultdict[UUID, list[Hold]](list)
        for hold in holds:
            self._spans[hold.person_id].append(hold)

    def cover(self, person_id: UUID | None, at: datetime) -> bool:
        """Whether a case needs what is known of somebody at a moment; of nobody none does."""
        if person_id is None:
            return False
        return any(one.since <= at <= one.until for one in self._spans.get(person_id, ()))


def holds_standing(
    session: Session, *, now: datetime, kept: timedelta, person_id: UUID | None = None
) -> list[Hold]:
    """What cases hold now: those that stand, and those that ended less than `kept` ago.

    person_id: of one person; of everybody unless given.
    """
    found = [*_marks(session, now - kept), *_calls(session, now, now - kept)]
    found += [*_reports(session, now - kept), *_tickets(session, now - kept)]
    return [one for one in found if person_id in (None, one.person_id)]


def _marks(session: Session, ended: datetime) -> Iterable[Hold]:
    statement = (
        select(PatrolMark.person_id, Round.opens_at, Round.ends_at, PatrolMark.id)
        .join(Round, Round.id == PatrolMark.round_id)
        .where(
            PatrolMark.person_id.is_not(None),
            or_(PatrolMark.state.in_(UNDECIDED), PatrolMark.decided_at > ended),
        )
    )
    for person_id, since, until, mark_id in session.execute(statement):
        assert person_id is not None
        yield Hold(person_id, since, until, "mark", mark_id)


def _calls(session: Session, now: datetime, ended: datetime) -> Iterable[Hold]:
    statement = (
        select(Sos.person_id, Sos.opened_at, Sos.ended_at, Sos.id, Ticket.number)
        .outerjoin(Ticket, Ticket.id == Sos.ticket_id)
        .where(
            Sos.person_id.is_not(None),
            Sos.practice.is_(False),
            or_(Sos.ended_at.is_(None), Sos.ended_at > ended),
        )
    )
    for person_id, opened_at, ended_at, sos_id, number in session.execute(statement):
        assert person_id is not None
        until = ended_at or now
        yield Hold(person_id, opened_at - BEFORE_A_CALL, until, "sos", sos_id, number)


def _reports(session: Session, ended: datetime) -> Iterable[Hold]:
    statement = (
        select(
            GuardReport.person_id,
            GuardReport.occurred_at,
            Round.opens_at,
            Round.ends_at,
            GuardReport.id,
            Ticket.number,
        )
        .join(Ticket, Ticket.id == GuardReport.ticket_id)
        .outerjoin(Round, Round.id == GuardReport.round_id)
        .where(_stands(ended))
    )
    for person_id, at, opens_at, ends_at, report_id, number in session.execute(statement):
        since, until = at - AROUND_A_REPORT, at + AROUND_A_REPORT
        if opens_at is not None and ends_at is not None:
            since, until = min(since, opens_at), max(until, ends_at)
        yield Hold(person_id, since, until, "report", report_id, number)


def _tickets(session: Session, ended: datetime) -> Iterable[Hold]:
    statement = (
        select(TrackHold, Ticket.number)
        .join(Ticket, Ticket.id == TrackHold.ticket_id)
        .where(TrackHold.released_at.is_(None), _stands(ended))
    )
    for row, number in session.execute(statement):
        yield Hold(row.person_id, row.since, row.until, "ticket", row.id, number)


def _stands(ended: datetime) -> ColumnElement[bool]:
    return or_(Ticket.ended_at.is_(None), Ticket.ended_at > ended)


def hold_track(
    session: Session,
    caller: Caller,
    person_id: UUID,
    ticket_number: int,
    since: datetime,
    until: datetime,
    *,
    now: datetime,
) -> TrackHold:
    """Keep a span of somebody's track for as long as a ticket stands; the person is shown it.

    Takes who leads patrols and sees people on the site of a ticket that they may read. NotFound
    for another ticket, Invalid for a span or a person that is none.
    """
    statement = select(Ticket).where(Ticket.number == ticket_number)
    ticket = session.scalars(of_tickets(statement, caller)).first()
    if ticket is None:
        raise NotFound(
            worded("there is no such ticket"), advice=worded("Give the number of one that you see.")
        )
    for permission in (WRITE, PEOPLE):
        caller.require(permission, ticket.site_id)
    problems = []
    if not timedelta(0) < until - since <= LONGEST_SPAN:
        problems.append(worded("until: after `since`, at most 31 days"))
    if session.get(Person, person_id) is None:
        problems.append(worded("person_id: somebody who works here"))
    if problems:
        raise Invalid(worded("nothing is held"), problems=problems)
    row = TrackHold(
        id=new_id(),
        site_id=ticket.site_id,
        person_id=person_id,
        ticket_id=ticket.id,
        since=since,
        until=until,
        made_by=caller.person_id,
        made_at=now,
    )
    session.add(row)
    session.flush()
    _tell(session, "track.hold", row, caller, now)
    return row


def release_track(session: Session, caller: Caller, hold_id: UUID, *, now: datetime) -> TrackHold:
    """Let go of what was held for a ticket; again it changes nothing. NotFound for another one."""
    row = session.get(TrackHold, hold_id, with_for_update=True)
    if row is None or row.site_id not in caller.sites_for(PEOPLE):
        raise NotFound(
            worded("nothing is held under this id"), advice=worded("Look at what is held.")
        )
    caller.require(WRITE, row.site_id)
    if row.released_at is None:
        row.released_at, row.released_by = now, caller.person_id
        session.flush()
        _tell(session, "track.release", row, caller, now)
    return row


def held_for_tickets(session: Session, caller: Caller, site_id: UUID) -> Sequence[TrackHold]:
    """What is held by hand on a site, the last first."""
    caller.require(PEOPLE, site_id)
    statement = select(TrackHold).where(
        TrackHold.site_id == site_id, TrackHold.released_at.is_(None)
    )
    return session.scalars(statement.order_by(TrackHold.made_at.desc(), TrackHold.id)).all()


def held_shown(session: Session, caller: Caller, site_id: UUID) -> list[dict[str, Any]]:
    """The same with whose they are and the number of the ticket."""
    caller.require(PEOPLE, site_id)
    statement = (
        rows_of(
            TrackHold.id,
            Person.name.label("person_name"),
            Ticket.number.label("ticket_number"),
            TrackHold.since,
            TrackHold.until,
        )
        .join(Person, Person.id == TrackHold.person_id)
        .join(Ticket, Ticket.id == TrackHold.ticket_id)
        .where(TrackHold.site_id == site_id, TrackHold.released_at.is_(None))
        .order_by(TrackHold.made_at.desc(), TrackHold.id)
    )
    return [dict(row) for row in session.execute(statement).mappings()]


def _tell(session: Session, kind: str, row: TrackHold, caller: Caller, now: datetime) -> None:
    events.append(
        session,
        kind,
        ("track_hold", row.id),
        actor=events.Actor.person(caller.person_id),
        learned_at=now,
        site_id=row.site_id,
        after={"person": str(row.person_id), "ticket": str(row.ticket_id)},
    )
