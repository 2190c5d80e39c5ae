"""Ending the account of somebody who doesn't work here: a resident, a contractor."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from core import second_factor
from core.accounts import forget_password
from core.contacts import forget_contacts
from core.identity import forget_identities
from core.people import Credential, Grant, Person
from core.push_devices import forget_push_devices

# What a sign-in link says that the office made for somebody of a household.
OFFICE = "made by the office"


def end_credentials(session: Session, person_id: UUID, *, now: datetime) -> None:
    """End every session, token and link of somebody who lost a role, at once.

    Whoever keeps another one, because they work here as well or have another home, stays signed in,
    and what they lost is judged anew; of theirs only links that the office made end.
    """
    ended = update(Credential).where(Credential.person_id == person_id, Credential.ends_at > now)
    if _holds_a_role(session, person_id):
        ended = ended.where(Credential.kind == "link", Credential.label == OFFICE)
    session.execute(ended.values(ends_at=now))


def _holds_a_role(session: Session, person_id: UUID) -> bool:
    held = select(Grant.id).where(Grant.person_id == person_id).limit(1)
    return session.scalar(held) is not None


def end_account_if_over(
    session: Session, person_id: UUID, *, now: datetime, forget: bool = False
) -> None:
    """End the account of somebody who holds no role any more, and every way into it at once.

    forget: their name goes, too.
    """
    if _holds_a_role(session, person_id):
        return
    end_credentials(session, person_id, now=now)
    forget_password(session, person_id)
    forget_identities(session, person_id)
    second_factor.turn_off(session, person_id, now=now)
    forget_contacts(session, person_id)
    forget_push_devices(session, person_id)
    person = session.get_one(Person, person_id)
    person.left_at = now
    if forget:
        person.name = ""
    session.flush()
