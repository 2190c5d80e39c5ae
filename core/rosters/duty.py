"""Who is on duty at a moment, by their shifts and by whom they stand in for."""

from collections import defaultdict
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from core.colleagues import able_people
from core.rosters.model import KINDS, Absence, OnDuty, Shift
from core.rosters.shifts import shifts_between


def on_duty(session: Session, site_id: UUID, team: str, at: datetime) -> list[OnDuty]:
    """Who answers for a team at a moment: those on duty, then those on call; deputies stand in."""
    shifts = shifts_between(session, site_id, team, at, at + timedelta(microseconds=1))
    away = defaultdict[UUID, list[UUID | None]](list)
    absent = select(Absence).where(Absence.starts_at <= at, Absence.ends_at > at)
    for row in session.scalars(absent.order_by(Absence.starts_at, Absence.id)):
        away[row.person_id].append(row.deputy_id)
    # A ticket must not rest with somebody who does not see it.
    able = able_people(session, site_id, "tickets.work", teams=(team,))
    names = {person.id: person.name for person in able}
    found = []
    for shift, _ in sorted(shifts, key=lambda one: KINDS.index(one[0].kind)):
        person: UUID | None = shift.person_id
        if person in away:
            # Who is away twice over, of which one is without a deputy, has that of the other.
            deputies = (one for one in away[shift.person_id] if one in names and one not in away)
            person = next(deputies, None)
        if person in names:
            stands_in = shift.person_id if person != shift.person_id else None
            found.append(OnDuty(person, names[person], shift.kind, shift.ends_at, stands_in))
    return list({one.person_id: one for one in reversed(found)}.values())[::-1]


def on_duty_anywhere(session: Session, person_id: UUID, at: datetime) -> bool:
    """Whether somebody has a shift, or stands in for one, at a moment."""
    shifts = select(Shift.person_id).where(Shift.starts_at <= at, Shift.ends_at > at)
    whose = whose_shifts(session, person_id, at)
    return session.scalars(shifts.where(Shift.person_id.in_(whose)).limit(1)).first() is not None


def shift_began(session: Session, person_id: UUID, at: datetime) -> datetime | None:
    """When the shift began in which somebody, or whom they stand in for, is at a moment."""
    return session.scalar(
        select(func.max(Shift.starts_at)).where(
            Shift.starts_at <= at,
            Shift.ends_at > at,
            Shift.person_id.in_(whose_shifts(session, person_id, at)),
        )
    )


def whose_shifts(session: Session, person_id: UUID, at: datetime) -> set[UUID]:
    """Somebody and those they stand in for; nobody while they are away themselves."""
    statement = select(Absence.person_id).where(
        or_(Absence.deputy_id == person_id, Absence.person_id == person_id),
        Absence.starts_at <= at,
        Absence.ends_at > at,
    )
    away = set(session.scalars(statement))
    return set() if person_id in away else {person_id, *away}
