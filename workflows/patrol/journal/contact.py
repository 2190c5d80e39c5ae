"""Up to when a phone has told everything, for each guard whose scans it may hold."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from workflows.patrol.phones.model import Phone, PhoneUser
from workflows.patrol.rounds.contact import note_contact

# Who signed in longer ago is not waited for: nobody goes rounds for so long.
RECENT = timedelta(hours=36)


def note_phone(
    session: Session, phone: Phone, *, now: datetime, asked_at: datetime | None = None
) -> None:
    """A phone is heard; where its journal has arrived to its end, it had told all as it asked.

    asked_at: when that was, by our clock as the phone knows it: a request may be under way for
    minutes, and what was recorded meanwhile is not in it. For somebody who is signed in on more
    phones it is the earliest of what these have told. Who signed out has handed the phone over:
    that it speaks says nothing of where they are.
    """
    asked = now if asked_at is None else min(asked_at, now)
    phone.heard_at = max(phone.heard_at, now)
    if phone.accepted >= phone.head:
        phone.told_until = asked if phone.told_until is None else max(phone.told_until, asked)
    session.flush()
    for person_id, left_at in _people(session, phone, now):
        told = _told(session, phone, person_id, now)
        held_at = asked if left_at is None else left_at
        note_contact(session, person_id, now=now, told_until=told, heard_at=held_at)


def _people(session: Session, phone: Phone, now: datetime) -> list[tuple[UUID, datetime | None]]:
    """Whose scans this phone may have held, in an order that everybody locks them in.

    Each with when they signed out; None who has not.
    """
    statement = select(PhoneUser.person_id, PhoneUser.signed_out_at).where(
        PhoneUser.phone_id == phone.id, PhoneUser.signed_in_at > now - RECENT
    )
    found = session.execute(statement).all()
    return sorted(((who, left) for who, left in found), key=lambda one: one[0])


def _told(session: Session, phone: Phone, person_id: UUID, now: datetime) -> datetime | None:
    statement = (
        select(Phone.told_until)
        .join(PhoneUser, PhoneUser.phone_id == Phone.id)
        .where(
            PhoneUser.person_id == person_id,
            PhoneUser.signed_in_at > now - RECENT,
            PhoneUser.signed_out_at.is_(None),
        )
    )
    told = [phone.told_until, *session.scalars(statement)]
    known = [moment for moment in told if moment is not None]
    return min(known) if len(known) == len(told) else None
