"""Up to when a phone has told everything, for each guard whose scans it may hold."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from workflows.patrol.phones.model import Phone, PhoneUser
from workflows.patrol.rounds.contact import note_contact

# Who signed in longer ago is not waited for: nobody goes rounds for so long.
RECENT = timedelta(hours=36)


def note_phone(session: Session, phone: Phone, *, now: datetime) -> None:
    """A phone is heard; where its journal has arrived to its end, it has told all up to now.

    For somebody who is signed in on more phones it is the earliest of what these have told.
    """
    phone.heard_at = max(phone.heard_at, now)
    if phone.accepted >= phone.head:
        phone.told_until = now
    session.flush()
    for person_id in _people(session, phone, now):
        note_contact(session, person_id, now=now, told_until=_told(session, phone, person_id, now))


def _people(session: Session, phone: Phone, now: datetime) -> list[UUID]:
    """Whose scans this phone may have held, in an order that everybody locks them in."""
    statement = select(PhoneUser.person_id).where(
        PhoneUser.phone_id == phone.id, PhoneUser.signed_in_at > now - RECENT
    )
    return sorted(session.scalars(statement))


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
