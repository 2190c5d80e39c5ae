"""Signing in on a phone that is known: by PIN, within one shift, and out again."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from core import events
from core.accounts import person_with_login
from core.badges import Badge, badge_at, counts, derived, may
from core.errors import Invalid
from core.people import Credential, Person, hash_secret, issue
from core.vault import Vault
from workflows.patrol.checkpoints import SCAN
from workflows.patrol.phones.model import Phone, PhoneUser
from workflows.patrol.phones.refusals import PhoneRefused, WrongPin

# What a token that a PIN stands behind may do: what guards do on their rounds, and no more.
SCOPE = frozenset(
    {"patrol.read", "patrol.scan", "tickets.read", "tickets.create", "tickets.work"}
    | {"alarms.read", "places.read"}
)
LABEL = "phone"


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Somebody who signed in on a phone.

    token: shown once; it ends with the offline lifetime. None for who showed a badge and no PIN.
    badge_id: of the badge that named them.
    """

    person: Person
    token: str | None
    offline_until: datetime
    badge_id: UUID | None = None


def find_by_name(session: Session, login: str | None, person_id: UUID | None) -> UUID | None:
    """Whom a guard means by their login or, chosen from a list, by their id; None for nobody."""
    if person_id is not None:
        return person_id
    try:
        return person_with_login(session, login or "")
    except Invalid:
        return None


def badge_named(session: Session, number: str, *, vault: Vault, now: datetime) -> Badge | None:
    """The card that a number is now, of whomever; a beacon is heard from afar, and names nobody."""
    badge = badge_at(session, derived(vault, "card", number), now)
    return badge if badge is not None and counts(badge, now) else None


def sign_in(
    session: Session,
    phone: Phone,
    person_id: UUID,
    *,
    lasts: timedelta,
    now: datetime,
    badge_id: UUID | None = None,
    by_pin: bool = True,
) -> SignedIn:
    """Sign somebody in whose PIN was right; one who is signed in gets a new token.

    lasts: how long the phone may let them in without signal. badge_id: of a badge that they showed;
    by_pin: False where that is all that they showed, which gives them no token. WrongPin for
    somebody who may not scan on the site of the phone, PhoneRefused on a phone that is somebody
    else's.
    """
    person = session.get(Person, person_id)
    if person is None or not may(session, person, SCAN, phone.site_id):
        # Says no more than a wrong PIN would: who works elsewhere is nobody's business here.
        raise WrongPin
    if phone.kind == "personal" and phone.person_id != person_id:
        raise PhoneRefused(
            "this is somebody else's phone",
            code="not_yours",
            advice="Sign in on your own, or on a phone of the post.",
        )
    until = now + lasts
    user = session.get(PhoneUser, (phone.id, person_id), with_for_update=True)
    if user is None:
        user = PhoneUser(
            phone_id=phone.id,
            person_id=person_id,
            site_id=phone.site_id,
            online_at=now,
            offline_until=until,
        )
        session.add(user)
    else:
        _end_token(session, user, now)
        user.online_at, user.offline_until = now, until
    secret = _issue_token(session, user, lasts, now) if by_pin else None
    session.flush()
    shown = ("badge_pin" if by_pin else "badge") if badge_id else "pin"
    _tell(session, "phone.sign_in", phone, person_id, now, **{"with": shown})
    return SignedIn(person, secret, until, badge_id)


def _issue_token(session: Session, user: PhoneUser, lasts: timedelta, now: datetime) -> str:
    about: dict[str, Any] = {"label": LABEL, "lifetime": lasts, "scope": SCOPE, "proved": True}
    secret = issue(session, user.person_id, "token", now=now, **about)
    session.flush()
    user.credential_id = session.scalars(
        select(Credential.id).where(Credential.secret_hash == hash_secret(secret))
    ).one()
    return secret


def sign_out(session: Session, phone: Phone, person_id: UUID, *, now: datetime) -> None:
    """End the token of somebody on a phone. Again, or of nobody, changes nothing."""
    user = session.get(PhoneUser, (phone.id, person_id), with_for_update=True)
    if user is not None and user.credential_id is not None:
        _end_token(session, user, now)
        session.flush()
        _tell(session, "phone.sign_out", phone, person_id, now)


def end_tokens(session: Session, phone: Phone, *, now: datetime) -> None:
    """End every token that was given on a phone, which is lost or goes out of use."""
    users = select(PhoneUser).where(
        PhoneUser.phone_id == phone.id, PhoneUser.credential_id.is_not(None)
    )
    for user in session.scalars(users).all():
        _end_token(session, user, now)


def forget_tokens(session: Session, *, before: datetime) -> None:
    """Let phones know nothing of tokens that ended before a moment, so that these can be dropped.

    Whoever signed out holds none; others let theirs end by itself, or have left.
    """
    ended = select(Credential.id).where(Credential.ends_at < before)
    session.execute(
        update(PhoneUser)
        .where(PhoneUser.credential_id.in_(ended))
        .values(credential_id=None)
        .execution_options(synchronize_session=False)
    )


def _end_token(session: Session, user: PhoneUser, now: datetime) -> None:
    if user.credential_id is not None:
        session.execute(
            update(Credential)
            .where(Credential.id == user.credential_id, Credential.ends_at > now)
            .values(ends_at=now)
        )
        user.credential_id = None


def _tell(
    session: Session, kind: str, phone: Phone, person_id: UUID, now: datetime, **more: str
) -> None:
    events.append(
        session,
        kind,
        ("phone", phone.id),
        actor=events.Actor.person(person_id),
        learned_at=now,
        site_id=phone.site_id,
        after={"person": str(person_id), **more},
    )
