"""Absences: who is out of office, and who stands in."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import events
from core.colleagues import able_people
from core.errors import Invalid, NotFound
from core.ids import new_id
from core.people import Caller
from core.rosters.model import Absence, Shift, Span
from core.teams import ROSTER
from rules.wording import worded


def set_absence(
    session: Session,
    caller: Caller,
    site_id: UUID,
    person_id: UUID,
    span: Span,
    deputy_id: UUID | None,
    *,
    now: datetime,
) -> None:
    """Record that somebody is out of office; everybody may for themselves, leads for others."""
    if person_id != caller.person_id:
        caller.require(ROSTER, site_id)
    able = {person.id for person in able_people(session, site_id, "tickets.work")}
    problems = [] if person_id in able else [worded("person: not with this site")]
    if deputy_id is not None and (deputy_id not in able or deputy_id == person_id):
        problems.append(worded("deputy: somebody else of this site"))
    if span[1] <= span[0] or span[1] <= now:
        problems.append(worded("end: after the beginning, and still to come"))
    if problems:
        raise Invalid(worded("nothing was recorded"), problems=problems)
    row = Absence(
        id=new_id(),
        person_id=person_id,
        deputy_id=deputy_id,
        starts_at=span[0],
        ends_at=span[1],
    )
    session.add(row)
    session.flush()
    events.append(
        session,
        "person.absence",
        ("person", person_id),
        actor=events.Actor.person(caller.person_id),
        learned_at=now,
        site_id=site_id,
        after=_facts(row),
    )


def _facts(row: Absence) -> dict[str, str | None]:
    """What the log holds of it: when, and who stands in; nobody says why."""
    return {
        "from": row.starts_at.isoformat(),
        "to": row.ends_at.isoformat(),
        "deputy": str(row.deputy_id) if row.deputy_id else None,
    }


def absences(session: Session, people: Iterable[UUID], start: datetime) -> list[Absence]:
    """Who of these is out of office from a moment on, the next first."""
    statement = select(Absence).where(Absence.person_id.in_(people), Absence.ends_at > start)
    return list(session.scalars(statement.order_by(Absence.starts_at, Absence.id)))


def end_absence(
    session: Session, caller: Caller, site_id: UUID, absence_id: UUID, *, now: datetime
) -> None:
    """Take an absence away. NotFound when the caller may not, or there is none."""
    row = session.get(Absence, absence_id, with_for_update=True)
    able = {person.id for person in able_people(session, site_id, "tickets.work")}
    if row is None or row.person_id not in able:
        raise NotFound(worded("there is no such absence"), advice=worded("Load the page again."))
    if row.person_id != caller.person_id:
        caller.require(ROSTER, site_id)
    session.delete(row)
    session.flush()
    events.append(
        session,
        "person.absence_end",
        ("person", row.person_id),
        actor=events.Actor.person(caller.person_id),
        learned_at=now,
        site_id=site_id,
        before=_facts(row),
    )


def leave_rosters(session: Session, person_id: UUID, now: datetime) -> int:
    """Take what lies ahead of somebody who leaves out of the rosters; returns how many shifts."""
    ahead = session.scalars(
        select(Shift).where(Shift.person_id == person_id, Shift.ends_at > now)
    ).all()
    for shift in ahead:
        if shift.starts_at <= now:
            shift.ends_at = now
        else:
            session.delete(shift)
    for row in session.scalars(select(Absence).where(Absence.deputy_id == person_id)):
        row.deputy_id = None
    return len(ahead)
