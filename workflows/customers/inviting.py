"""Inviting people of households to an account: one, everybody in a place, or one who forgot."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from core import home_accounts, households
from core.errors import Conflict
from core.households import WRITE, Contact
from core.people import Caller
from core.places import Space
from rules.wording import worded
from workflows.customers.stickers import places_to_label


@dataclass(frozen=True, slots=True)
class Slip:
    """What is handed to somebody of a household, this once: for whom, which home, the secret.

    joins: whether it opens an invitation; else it signs them in once.
    """

    contact: Contact
    home: dict[str, str]
    secret: str
    joins: bool = True


def invite_resident(session: Session, caller: Caller, resident_id: UUID, *, now: datetime) -> Slip:
    """Invite somebody of a household; what waited for them ends.

    Raises as `households.find_resident` does; Conflict for somebody who has an account, or moved
    out.
    """
    row = households.find_resident(session, caller, resident_id)
    if home_accounts.account_holders(session, [row.id]):
        raise Conflict(
            worded("they have an account already"), advice=worded("Make them a sign-in link.")
        )
    made = home_accounts.invite_residents(session, [row], by=caller.person_id, now=now)
    if not made:
        raise Conflict(worded("they have moved out"), advice=worded("Change their dates first."))
    [(contact, secret)] = made
    return Slip(contact, dict(session.get_one(Space, row.space_id).name), secret)


def let_in_resident(session: Session, caller: Caller, resident_id: UUID, *, now: datetime) -> Slip:
    """A one-time sign-in link for somebody of a household who forgot.

    Raises as `households.find_resident` and `home_accounts.sign_in_link` do.
    """
    row = households.find_resident(session, caller, resident_id)
    secret = home_accounts.sign_in_link(session, row, caller, now=now)
    [contact] = households.contacts_of(session, [row])
    return Slip(contact, dict(session.get_one(Space, row.space_id).name), secret, joins=False)


def invite_or_let_in(session: Session, caller: Caller, resident_id: UUID, *, now: datetime) -> Slip:
    """Whichever of the two fits: an invitation, or a sign-in link for who has an account."""
    has_account = bool(home_accounts.account_holders(session, [resident_id]))
    make = let_in_resident if has_account else invite_resident
    return make(session, caller, resident_id, now=now)


def invite_household(
    session: Session, caller: Caller, space_id: UUID, *, now: datetime
) -> tuple[Space, list[Slip]]:
    """Invite everybody who lives in a space or anywhere within it and has no account yet.

    Raises as `households.find_space` does; Invalid for too many at once.
    """
    space = households.find_space(session, caller, space_id, WRITE)
    inside = places_to_label(session, space.site_id, space_id=space.id, what="spaces")
    names = {one.id: one.name for one in inside}
    rows = households.residents_in(session, names)
    made = home_accounts.invite_residents(session, rows, by=caller.person_id, now=now)
    return space, [Slip(contact, names[contact.space_id], secret) for contact, secret in made]
