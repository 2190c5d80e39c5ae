"""Which identity of the provider belongs to whom; nobody is made because an identity turns up."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, String, UniqueConstraint, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from core import events, invitations, sessions
from core.accounts import SignedIn, begin, has_password
from core.db import Base, Instant
from core.errors import Conflict, NotFound
from core.identity.attempts import IdentityAttempt
from core.identity.provider import Subject
from core.identity.refusals import SignInRefused
from core.ids import new_id
from core.people import Person
from rules.wording import worded


class Identity(Base):
    """An identity of a provider and the person it lets in: issuer and subject never change."""

    __tablename__ = "identity"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    issuer: Mapped[str] = mapped_column(String(255))
    subject: Mapped[str] = mapped_column(String(255))
    linked_at: Mapped[datetime] = mapped_column(Instant)

    __table_args__ = (
        UniqueConstraint("issuer", "subject"),
        UniqueConstraint("person_id", "issuer"),
    )


def sign_in(session: Session, subject: Subject, *, now: datetime) -> SignedIn:
    """Sign in whom an identity belongs to. SignInRefused when that is nobody who works here."""
    person_id = session.scalar(
        select(Identity.person_id)
        .join(Person, Person.id == Identity.person_id)
        .where(
            Identity.issuer == subject.issuer,
            Identity.subject == subject.subject,
            Person.left_at.is_(None),
        )
    )
    if person_id is None:
        raise SignInRefused(
            "unknown",
            "this identity belongs to nobody here",
            advice="Sign in by password and link it on your account page, or ask an administrator "
            "for an invitation.",
        )
    return begin(session, person_id, by="identity", now=now, proved=subject.proved)


def find_link(session: Session, person_id: UUID, issuer: str) -> Identity | None:
    """The identity of a person at a provider."""
    statement = select(Identity).where(Identity.person_id == person_id, Identity.issuer == issuer)
    return session.scalars(statement).first()


def link(session: Session, person_id: UUID, subject: Subject, *, now: datetime) -> None:
    """Let an identity sign a person in. Conflict when it is somebody's, or they have another."""
    holder = session.scalar(
        select(Identity.person_id).where(
            Identity.issuer == subject.issuer, Identity.subject == subject.subject
        )
    )
    if holder == person_id:
        return
    if holder is not None:
        raise Conflict(
            worded("this identity belongs to a colleague"), advice=worded("Take your own.")
        )
    if find_link(session, person_id, subject.issuer) is not None:
        raise Conflict(
            worded("you have linked another identity"), advice=worded("Unlink that one first.")
        )
    session.add(
        Identity(
            id=new_id(),
            person_id=person_id,
            issuer=subject.issuer,
            subject=subject.subject,
            linked_at=now,
        )
    )
    session.flush()
    sessions.renew_soon(session, person_id, now=now)
    _append(session, "person.identity_link", person_id, now)


def unlink(session: Session, person_id: UUID, issuer: str, *, now: datetime) -> None:
    """Nobody signs in as the person by their identity any more.

    NotFound when there is none, Conflict for somebody who could not sign in then.
    """
    row = find_link(session, person_id, issuer)
    if row is None:
        raise NotFound(
            worded("you have linked no identity"), advice=worded("Look at your account.")
        )
    if not has_password(session, person_id):
        raise Conflict(
            worded("you could not sign in any more"), advice=worded("Set a password first.")
        )
    session.delete(row)
    session.flush()
    sessions.renew_soon(session, person_id, now=now)
    _append(session, "person.identity_unlink", person_id, now)


def join(
    session: Session, attempt: IdentityAttempt, subject: Subject, locale: str, *, now: datetime
) -> SignedIn:
    """Use an invitation up by an identity instead of a login and a password.

    Raises NotFound when the invitation was used meanwhile, Conflict when the identity is taken.
    """
    assert attempt.invitation_id is not None
    assert attempt.name is not None
    row = invitations.waiting_invitation(session, attempt.invitation_id, now=now)
    person_id = invitations.take_up(session, row, attempt.name, locale, now=now)
    link(session, person_id, subject, now=now)
    label = sessions.BY_IDENTITY
    return begin(session, person_id, by="invitation", now=now, proved=subject.proved, label=label)


def forget_identities(session: Session, person_id: UUID) -> None:
    """Forget every identity of somebody who left."""
    session.execute(delete(Identity).where(Identity.person_id == person_id))


def _append(session: Session, kind: str, person_id: UUID, now: datetime) -> None:
    actor = events.Actor.person(person_id)
    events.append(session, kind, ("person", person_id), actor=actor, learned_at=now)
