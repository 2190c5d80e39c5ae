"""Contact: up to when we know everything that a guard's phone knows."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from core.rosters import on_duty, shifts_between
from workflows.patrol.posts.manning import crew_for_rounds, crew_for_rounds_between
from workflows.patrol.rounds.model import PatrolContact, Round


def note_contact(
    session: Session,
    person_id: UUID,
    *,
    now: datetime,
    told_until: datetime | None = None,
    heard_at: datetime | None = None,
) -> PatrolContact:
    """Remember that a guard's phone is heard, and up to when it has told all its scans.

    told_until: by our clock, never later than now; an earlier one than is known changes nothing.
    heard_at: when the guard last held the phone that tells of them; none: they hold it now.
    """
    heard = now if heard_at is None else min(heard_at, now)
    row = _row(session, person_id, heard)
    row.heard_at = max(row.heard_at, heard)
    if told_until is not None:
        told = min(told_until, now)
        row.told_until = told if row.told_until is None else max(row.told_until, told)
    session.flush()
    return row


def _row(session: Session, person_id: UUID, now: datetime) -> PatrolContact:
    row = session.get(PatrolContact, person_id, with_for_update=True)
    if row is not None:
        return row
    try:
        with session.begin_nested():
            made = PatrolContact(person_id=person_id, heard_at=now)
            session.add(made)
            session.flush()
            return made
    except IntegrityError:
        return session.get_one(PatrolContact, person_id, with_for_update=True)


def goers(session: Session, row: Round, *, now: datetime) -> list[UUID]:
    """Who is told of a round: whoever began it, else everybody who is on duty for it now.

    On duty is who the roster says, and who is at a post that stands for the rounds of the team.
    """
    if row.person_id is not None:
        return [row.person_id]
    found = _by_roster(session, row, now)
    found += [one.person_id for one in crew_for_rounds(session, row.site_id, row.team, now)]
    return list(dict.fromkeys(found))


def knowers(session: Session, row: Round) -> list[UUID]:
    """Whose phones may hold a scan of a round: whoever began it, else all on duty at its time."""
    if row.person_id is not None:
        return [row.person_id]
    shifts = shifts_between(session, row.site_id, row.team, row.opens_at, row.ends_at)
    moments = {row.opens_at, *(max(shift.starts_at, row.opens_at) for shift, _ in shifts)}
    found = [one for moment in sorted(moments) for one in _by_roster(session, row, moment)]
    found += crew_for_rounds_between(session, row.site_id, row.team, row.opens_at, row.ends_at)
    return list(dict.fromkeys(found))


def _by_roster(session: Session, row: Round, at: datetime) -> list[UUID]:
    """Who is on duty for a round by the roster. Whoever is only on call is at home."""
    duty = on_duty(session, row.site_id, row.team, at)
    return [one.person_id for one in duty if one.kind == "duty"]


def known_until(session: Session, people: list[UUID]) -> datetime | None:
    """Up to when the phones of all these people have told everything; None where one never did.

    So of nobody at all nothing is known.
    """
    statement = select(PatrolContact.told_until).where(PatrolContact.person_id.in_(people))
    told = list(session.scalars(statement))
    if not people or len(told) < len(set(people)):
        return None
    known = [moment for moment in told if moment is not None]
    return min(known) if len(known) == len(told) else None


def last_heard(session: Session, people: list[UUID]) -> datetime | None:
    """When the last of these people's phones was heard of; None where none ever was."""
    statement = select(PatrolContact.heard_at).where(PatrolContact.person_id.in_(people))
    return max(session.scalars(statement), default=None)
