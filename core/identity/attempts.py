"""What we remember of somebody whom we sent to the identity provider, until they come back."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from sqlalchemy import ForeignKey, String, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from core.db import Base, Instant
from core.identity.refusals import SignInRefused
from core.people import hash_secret

ATTEMPT_LIFETIME = timedelta(minutes=10)
Purpose = Literal["sign_in", "link", "join"]


class IdentityAttempt(Base):
    """One way to the provider and back; used once, by the browser that began it.

    state_hash, browser_hash: of what the provider hands back, and of what the browser keeps.
    nonce: must stand in the ID token. verifier: proves to the provider that we asked (PKCE).
    purpose: sign_in, link (to person_id), or join (by invitation_id, as name).
    """

    __tablename__ = "identity_attempt"

    state_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    browser_hash: Mapped[str] = mapped_column(String(64))
    nonce: Mapped[str] = mapped_column(String(64))
    verifier: Mapped[str] = mapped_column(String(128))
    purpose: Mapped[str] = mapped_column(String(10))
    person_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    invitation_id: Mapped[UUID | None] = mapped_column(ForeignKey("invitation.id"))
    name: Mapped[str | None] = mapped_column(String(120))
    ends_at: Mapped[datetime] = mapped_column(Instant)


@dataclass(frozen=True, slots=True)
class Begun:
    """What leaves us: state, nonce and verifier to the provider, the last as a hash; browser into
    a cookie."""

    state: str
    browser: str
    nonce: str
    verifier: str


def begin(
    session: Session,
    purpose: Purpose,
    *,
    now: datetime,
    person_id: UUID | None = None,
    invitation_id: UUID | None = None,
    name: str | None = None,
) -> Begun:
    """Remember an attempt, and forget those that are over; see IdentityAttempt for what is given.

    The caller bounds how many are begun while one lasts.
    """
    forget_attempts(session, now=now)
    state, browser, nonce = (secrets.token_urlsafe(32) for _ in range(3))
    # 384 bits: a verifier has 43 to 128 characters (RFC 7636 4.1).
    begun = Begun(state, browser, nonce, secrets.token_urlsafe(48))
    session.add(
        IdentityAttempt(
            state_hash=hash_secret(begun.state),
            browser_hash=hash_secret(begun.browser),
            nonce=begun.nonce,
            verifier=begun.verifier,
            purpose=purpose,
            person_id=person_id,
            invitation_id=invitation_id,
            name=name,
            ends_at=now + ATTEMPT_LIFETIME,
        )
    )
    return begun


def take(session: Session, state: str, browser: str, *, now: datetime) -> IdentityAttempt:
    """Use an attempt up. SignInRefused when it is over, used, unknown, or another browser's."""
    statement = (
        delete(IdentityAttempt)
        .where(
            IdentityAttempt.state_hash == hash_secret(state),
            IdentityAttempt.browser_hash == hash_secret(browser),
            IdentityAttempt.ends_at > now,
        )
        .returning(IdentityAttempt)
    )
    row = session.scalars(statement).one_or_none()
    if row is None:
        raise SignInRefused("stale", "this sign-in was finished before, or took too long")
    return row


def forget_attempts(session: Session, *, now: datetime) -> int:
    """Drop attempts from which nobody came back; returns how many."""
    # What another one drops at this moment needs no second look.
    over = select(IdentityAttempt.state_hash).where(IdentityAttempt.ends_at <= now)
    statement = delete(IdentityAttempt).where(
        IdentityAttempt.state_hash.in_(over.with_for_update(skip_locked=True))
    )
    return len(session.execute(statement.returning(IdentityAttempt.state_hash)).all())
