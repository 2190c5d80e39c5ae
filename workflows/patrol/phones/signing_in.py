"""Signing in on a phone that is known: by PIN, within one shift, and out again."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from core import events
from core.accounts import person_with_login
from core.badges import may
from core.errors import Invalid
from core.people import Credential, Person, hash_secret, issue
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
    """Somebody who signed in on a phone. token: shown once; it ends with the offline lifetime."""

    person: Person
    token: str
    offline_until: datetime


def find_by_name(session: Session, login: str | None, person_id: UUID | None) -> UUID | None:
    """Whom a guard means by their login or, chosen from a list, by their id; None for nobody."""
    if person_id is not None:
        return person_id
    try:
        return person_with_login(session, login or "")
    except Invalid:
        return None


def sign_in(
    session: Session, phone: Phone, person_id: UUID, *, lasts: timedelta, now: datetime
) -> SignedIn:
    """Sign somebody in whose PIN was right; one who is signed in gets a new token.

    lasts: how long the phone may let them in without signal. WrongPin for somebody who may not
    scan on the site of the phone, PhoneRefused on a phone that is somebody else's.
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
    secret = issue(
        session, person_id, "token", now=now, label=LABEL, lifetime=lasts, scope=SCOPE, proved=True
    )
    session.flush()
    user.credential_id = session.scalars(
        select(Credential.id).where(Credential.secret_hash == hash_secret(secret))
    ).one()
    session.flush()
    _tell(session, "phone.sign_in", phone, person_id, now)
    return SignedIn(person, secret, until)


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


def _end_token(session: Session, user: PhoneUser, now: datetime) -> None:
    if user.credential_id is not None:
        session.execute(
            update(Credential)
            .where(Credential.id == user.credential_id, Credential.ends_at > now)
            .values(ends_at=now)
        )
        user.credential_id = None


def _tell(session: Session, kind: str, phone: Phone, person_id: UUID, now: datetime) -> None:
    events.append(
        session,
        kind,
        ("phone", phone.id),
        actor=events.Actor.person(person_id),
        learned_at=now,
        site_id=phone.site_id,
        after={"person": str(person_id)},
    )
