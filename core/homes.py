"""Homes: people of households who have an account, and the end of it when they move out."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    ForeignKey,
    Index,
    String,
    UniqueConstraint,
    select,
    update,
)
from sqlalchemy.orm import InstrumentedAttribute, Mapped, Session, mapped_column

from core import events
from core.db import Base, Instant
from core.ids import new_id
from core.invitations import end_grant
from core.outsiders import end_account_if_over, end_credentials
from core.people import Grant

ROLE = "resident"


class Home(Base):
    """That somebody of a household signs in as a person of their own.

    resident_id: who of the household; no key to their row, which goes when they are erased.
    ended_at: when they lost the home; what they did stays.
    """

    __tablename__ = "home"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"), index=True)
    resident_id: Mapped[UUID] = mapped_column(index=True)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"))
    space_id: Mapped[UUID] = mapped_column(ForeignKey("space.id"), index=True)
    made_at: Mapped[datetime] = mapped_column(Instant)
    ended_at: Mapped[datetime | None] = mapped_column(Instant)

    __table_args__ = (UniqueConstraint("person_id", "resident_id"),)


class HomeInvitation(Base):
    """An account that waits for somebody of a household; its secret is kept as a hash only."""

    __tablename__ = "home_invitation"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"))
    resident_id: Mapped[UUID] = mapped_column()
    secret_hash: Mapped[str] = mapped_column(String(64), unique=True)
    made_by: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    created_at: Mapped[datetime] = mapped_column(Instant)
    ends_at: Mapped[datetime] = mapped_column(Instant)
    used_at: Mapped[datetime | None] = mapped_column(Instant)

    __table_args__ = (Index("ix_home_invitation_resident", "resident_id"),)


Column = InstrumentedAttribute[UUID | None]


def stands(person_id: Column, space_id: Column) -> ColumnElement[bool]:
    """Whether nobody has ended the home that an account has by a space, as a condition."""
    return (
        select(Home.id)
        .where(Home.person_id == person_id, Home.space_id == space_id, Home.ended_at.is_(None))
        .exists()
    )


def end_homes(
    session: Session,
    residents: Collection[UUID],
    *,
    actor: events.Actor,
    now: datetime,
    forget: bool = False,
) -> int:
    """End the accounts' way into the homes of these people of households; returns how many.

    Invitations that nobody used end as well. Whoever has no other home and does not work here has
    no account any more, and no session, token or link at once. forget: their name goes, too.
    """
    end_invitations(session, residents, now=now)
    statement = select(Home).where(Home.resident_id.in_(residents), Home.ended_at.is_(None))
    homes = session.scalars(statement).all()
    for home in homes:
        home.ended_at = now
        session.flush()
        _end_role(session, home, actor, now)
        end_credentials(session, home.person_id, now=now)
        events.append(
            session,
            "resident.access_end",
            ("resident", home.resident_id),
            actor=actor,
            learned_at=now,
            site_id=home.site_id,
            after={"person": str(home.person_id)},
        )
        end_account_if_over(session, home.person_id, now=now, forget=forget)
    return len(homes)


def leave_homes(session: Session, person_id: UUID, *, actor: events.Actor, now: datetime) -> None:
    """End the way into every home of an account that ends; a new invitation may follow."""
    residents = [home.resident_id for home in _standing(session, person_id)]
    end_homes(session, residents, actor=actor, now=now)


def end_invitations(session: Session, residents: Collection[UUID], *, now: datetime) -> None:
    """Let no invitation of these people of households be used any more."""
    waiting = (
        HomeInvitation.resident_id.in_(residents),
        HomeInvitation.used_at.is_(None),
        HomeInvitation.ends_at > now,
    )
    session.execute(update(HomeInvitation).where(*waiting).values(ends_at=now))


def _standing(session: Session, person_id: UUID) -> list[Home]:
    return list(
        session.scalars(select(Home).where(Home.person_id == person_id, Home.ended_at.is_(None)))
    )


def _end_role(session: Session, home: Home, actor: events.Actor, now: datetime) -> None:
    if any(other.site_id == home.site_id for other in _standing(session, home.person_id)):
        return
    held = select(Grant).where(
        Grant.person_id == home.person_id, Grant.role == ROLE, Grant.node_id == home.site_id
    )
    for grant in session.scalars(held).all():
        end_grant(session, grant, actor=actor, now=now)
