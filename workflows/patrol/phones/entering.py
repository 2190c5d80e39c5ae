"""From a PIN that is typed on a phone to somebody who is signed in there."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from core import events
from core.db import Database
from core.errors import Invalid, NotSignedIn
from core.pins import NewPin, check_pin, new_pin, set_pin
from workflows.patrol.phones.model import Phone
from workflows.patrol.phones.proving import require_in_use
from workflows.patrol.phones.refusals import PhoneRefused, WrongPin
from workflows.patrol.phones.signing_in import SignedIn, find_by_name, sign_in


@dataclass(frozen=True, slots=True)
class Typed:
    """What a guard types: who they are, by login or chosen from a list, and their PIN.

    new_pin: another one in place of one that somebody else has set.
    """

    pin: str = field(repr=False)
    login: str | None = None
    person_id: UUID | None = None
    new_pin: str | None = field(default=None, repr=False)


def enter(
    database: Database, phone_id: UUID, typed: Typed, *, lasts: timedelta, now: datetime
) -> SignedIn:
    """Sign somebody in on a phone by what they typed.

    Raises WrongPin for an unknown name as for a wrong PIN, TooManyTries while they are locked out,
    and PhoneRefused where a given PIN must be changed first, or the phone is somebody else's.
    """
    with database.read() as session:
        person_id = find_by_name(session, typed.login, typed.person_id)
    try:
        given = check_pin(database, person_id, typed.pin, str(phone_id), now=now)
    except NotSignedIn:
        raise WrongPin from None
    assert person_id is not None
    own = _own(typed) if given else None
    with database.write() as session:
        phone = session.get_one(Phone, phone_id, with_for_update=True)
        require_in_use(phone)
        # Before anything is changed: it may be refused here.
        signed_in = sign_in(session, phone, person_id, lasts=lasts, now=now)
        if own is not None:
            actor = events.Actor.person(person_id)
            set_pin(session, person_id, own, actor=actor, now=now)
        return signed_in


def _own(typed: Typed) -> NewPin:
    if typed.new_pin is None:
        raise PhoneRefused(
            "this PIN was given to you: choose one that only you know",
            code="change_pin",
            advice="Type the PIN that you were given, and one of your own.",
        )
    if typed.new_pin == typed.pin:
        raise Invalid("this PIN can't be taken", problems=["new_pin: another one than was given"])
    return new_pin(typed.new_pin)
