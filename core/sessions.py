"""Web sessions: how they begin, get a new secret while they are used, and end.

A session is renewed by a second credential with the same session_id. The old secret lasts until
the new one is used and a moment longer, so that neither requests side by side nor an answer that
was lost on the way sign anybody out; of a stolen secret and its owner's only one is renewed for
long.
"""

import secrets
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, select, update
from sqlalchemy.engine import CursorResult
from sqlalchemy.orm import Session

from core import events
from core.ids import new_id
from core.people import (
    CREDENTIAL_LIFETIME,
    LONGEST_SESSION,
    RENEWED_AFTER,
    Credential,
    hash_secret,
    issue,
)

KIND = "session"
SIGN_OUT = "person.sign_out"
# For requests that were on their way with the old secret.
OVERLAP = timedelta(minutes=1)
BY_LINK = "by a link"
# Its end ends the one at the identity provider as well.
BY_IDENTITY = "by identity"
FRESH = timedelta(minutes=15)


def begin(
    session: Session,
    person_id: UUID,
    *,
    by: str,
    now: datetime,
    label: str = "console",
    proved: bool = False,
) -> str:
    """Sign a person in; returns the secret of their session.

    by: password, code, link, invitation or identity. proved: an identity provider asked for a
    second factor.
    """
    if by == "identity":
        label = BY_IDENTITY
    secret = issue(session, person_id, KIND, now=now, label=label, proved=proved)
    events.append(
        session,
        "person.sign_in",
        ("person", person_id),
        actor=events.Actor.person(person_id),
        learned_at=now,
        after={"by": by},
    )
    return secret


def renew(session: Session, secret: str, *, now: datetime) -> str | None:
    """A new secret for a session that is due for one; None when it is not, or has ended.

    Compare-and-swap, so that of requests side by side one renews it. If the answer is lost, the
    next request after the overlap renews it again.
    """
    swap = (
        update(Credential)
        .where(
            Credential.secret_hash == hash_secret(secret),
            Credential.kind == KIND,
            Credential.renew_at <= now,
            Credential.ends_at > now,
        )
        .values(renew_at=now + OVERLAP)
        .returning(Credential)
    )
    old = session.scalars(swap).one_or_none()
    if old is None or old.began_at is None:
        return None
    # The head stays, and with it the token that open pages send with their forms.
    fresh = f"{secret.partition('.')[0]}.{secrets.token_urlsafe(32)}"
    ends_at = min(now + CREDENTIAL_LIFETIME[KIND], old.began_at + LONGEST_SESSION)
    session.add(
        Credential(
            id=new_id(),
            person_id=old.person_id,
            kind=KIND,
            label=old.label,
            secret_hash=hash_secret(fresh),
            created_at=now,
            ends_at=ends_at,
            proved=old.proved,
            session_id=old.session_id,
            began_at=old.began_at,
            renew_at=now + RENEWED_AFTER,
        )
    )
    return fresh


def settle(session: Session, used: Credential, *, now: datetime) -> None:
    """The renewed secret has arrived: the ones before it end after the overlap."""
    session.execute(update(Credential).where(Credential.id == used.id).values(used_at=now))
    session.execute(
        update(Credential)
        .where(
            Credential.session_id == used.session_id,
            Credential.id != used.id,
            Credential.created_at <= used.created_at,
            Credential.ends_at > now + OVERLAP,
        )
        .values(ends_at=now + OVERLAP)
    )


def renew_soon(session: Session, person_id: UUID, *, now: datetime) -> None:
    """Have every session of a person renewed at its next answer: what they may do has changed."""
    session.execute(
        update(Credential)
        .where(
            Credential.person_id == person_id,
            Credential.kind == KIND,
            Credential.renew_at > now,
            Credential.ends_at > now,
        )
        .values(renew_at=now)
    )


def came_by_link(session: Session, person_id: UUID, secret: str, *, now: datetime) -> bool:
    """Whether somebody's session began by a one-time link a moment ago: who forgot may set anew.

    Whoever asks by a token may send the cookie of anybody beside it.
    """
    row = _find(session, secret)
    if row is None or row.began_at is None or row.person_id != person_id or row.ends_at <= now:
        return False
    return row.label == BY_LINK and now - row.began_at < FRESH


def came_by_identity(session: Session, secret: str) -> bool:
    """Whether a session began with the identity provider."""
    row = _find(session, secret)
    return row is not None and row.label == BY_IDENTITY


def open_sessions(session: Session, person_id: UUID, *, now: datetime) -> int:
    """How many web sessions of a person have not ended."""
    statement = select(func.count(func.distinct(Credential.session_id))).where(
        Credential.person_id == person_id, Credential.kind == KIND, Credential.ends_at > now
    )
    return session.scalar(statement) or 0


def end(session: Session, secret: str, *, now: datetime) -> bool:
    """End a session with all its secrets at once; returns whether there was one."""
    row = _find(session, secret)
    if row is None or not _end_all(session, Credential.session_id == row.session_id, now=now):
        return False
    _say_out(session, row.person_id, now)
    return True


def end_others(session: Session, person_id: UUID, kept: str, *, now: datetime) -> None:
    """End every web session of a person but the one whose secret is given."""
    row = _find(session, kept)
    theirs = Credential.person_id == person_id
    if row is not None:
        theirs = and_(theirs, Credential.session_id != row.session_id)
    if _end_all(session, theirs, now=now):
        _say_out(session, person_id, now)


def _say_out(session: Session, person_id: UUID, now: datetime) -> None:
    """By this fact every process ends the live pages of the person, who comes again or can't."""
    actor = events.Actor.person(person_id)
    events.append(session, SIGN_OUT, ("person", person_id), actor=actor, learned_at=now)


def _end_all(session: Session, which: ColumnElement[bool], *, now: datetime) -> bool:
    """End these secrets of sessions at once; returns whether there was one.

    Who ends them waits for a renewal under way and does not see yet what that makes: so again
    until none is left. An ended one is never due again, for who renews may have looked at the
    clock before.
    """
    statement = (
        update(Credential)
        .where(which, Credential.kind == KIND, Credential.ends_at > now)
        .values(ends_at=now, renew_at=None)
    )
    found = False
    while True:
        result = session.execute(statement)
        assert isinstance(result, CursorResult)
        if result.rowcount == 0:
            return found
        found = True


def _find(session: Session, secret: str) -> Credential | None:
    statement = select(Credential).where(
        Credential.secret_hash == hash_secret(secret), Credential.kind == KIND
    )
    return session.scalars(statement).first()
