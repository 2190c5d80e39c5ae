"""From a PIN that is typed on a phone to somebody who is signed in there."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from core import events
from core.db import Database, Session
from core.errors import Invalid, NotSignedIn
from core.limits import Limit, take
from core.pins import NewPin, RightPin, check_pin, new_pin, require_still, set_pin
from core.vault import Vault
from rules.wording import worded
from workflows.patrol.phones.model import Phone
from workflows.patrol.phones.proving import require_in_use
from workflows.patrol.phones.refusals import PhoneRefused, WrongPin
from workflows.patrol.phones.signing_in import SignedIn, badge_named, find_by_name, sign_in

# More than a change of shift needs, and far too few to find a number of a card by chance.
BADGES, BADGES_WITHIN = 60, timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Typed:
    """What a guard shows: who they are, by login, chosen from a list or by badge, and their PIN.

    pin: None for a badge alone. badge: the number of their card. new_pin: another one in place of
    one that somebody else has set.
    """

    pin: str | None = field(default=None, repr=False)
    login: str | None = None
    person_id: UUID | None = None
    badge: str | None = field(default=None, repr=False)
    new_pin: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Allowed:
    """What the company lets phones do. badge_alone: on phones of a post, sign in without a PIN."""

    lasts: timedelta
    badge_alone: bool = False


def enter(
    database: Database,
    phone_id: UUID,
    typed: Typed,
    *,
    allowed: Allowed,
    vault: Vault,
    now: datetime,
) -> SignedIn:
    """Sign somebody in on a phone by what they typed or showed.

    Raises WrongPin for an unknown name or badge as for a wrong PIN, TooManyTries while they are
    locked out, and PhoneRefused where a given PIN must be changed first, the phone is somebody
    else's, or a badge alone is not enough.
    """
    if typed.pin is None:
        _require_badge_alone(database, phone_id, allowed, now)
    with database.read() as session:
        badge = badge_named(session, typed.badge, vault=vault, now=now) if typed.badge else None
        by_name = typed.badge is None
        named = find_by_name(session, typed.login, typed.person_id) if by_name else None
        person_id, badge_id = (badge.person_id, badge.id) if badge else (named, None)
    own = right = None
    if typed.pin is not None:
        try:
            right = check_pin(database, person_id, typed.pin, str(phone_id), now=now)
        except NotSignedIn:
            raise WrongPin from None
        own = _own(typed) if right.given else None
    if person_id is None:
        raise WrongPin
    with database.write() as session:
        phone = session.get_one(Phone, phone_id, with_for_update=True)
        require_in_use(phone)
        if right is not None:
            _require_still(session, person_id, right)
        # Before anything is changed: it may be refused here.
        signed_in = sign_in(
            session,
            phone,
            person_id,
            lasts=allowed.lasts,
            now=now,
            badge_id=badge_id,
            by_pin=typed.pin is not None,
        )
        if own is not None:
            actor = events.Actor.person(person_id)
            set_pin(session, person_id, own, actor=actor, now=now)
        return signed_in


def _require_still(session: Session, person_id: UUID, right: RightPin) -> None:
    try:
        require_still(session, person_id, right)
    except NotSignedIn:
        raise WrongPin from None


def _require_badge_alone(
    database: Database, phone_id: UUID, allowed: Allowed, now: datetime
) -> None:
    """PhoneRefused unless a badge is enough on this phone; TooManyTries for who tries numbers."""
    with database.read() as session:
        kind = session.get_one(Phone, phone_id).kind
    if not allowed.badge_alone or kind != "post":
        raise PhoneRefused(
            "a badge alone is not enough on this phone",
            code="needs_pin",
            advice="Type your PIN as well.",
        )
    take(database, [Limit("badge_alone", (str(phone_id),), BADGES, BADGES_WITHIN)], now=now)


def _own(typed: Typed) -> NewPin:
    if typed.new_pin is None:
        raise PhoneRefused(
            "this PIN was given to you: choose one that only you know",
            code="change_pin",
            advice="Type the PIN that you were given, and one of your own.",
        )
    if typed.new_pin == typed.pin:
        raise Invalid(
            worded("this PIN can't be taken"),
            problems=[worded("new_pin: another one than was given")],
        )
    return new_pin(typed.new_pin)
