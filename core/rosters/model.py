"""The rows of rosters, and what they say of a moment."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, Instant
from core.ids import new_id

KINDS = ("duty", "on_call")
# As many weeks as one form may fill.
MOST_WEEKS = 26
# As much of a roster as is read at once.
LONGEST_LOOK = timedelta(days=92)
Span = tuple[datetime, datetime]


class Shift(Base):
    """Somebody on duty, or on call, for a team from one moment to another."""

    __tablename__ = "shift"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"))
    team: Mapped[str] = mapped_column(String(40))
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"), index=True)
    kind: Mapped[str] = mapped_column(String(10))
    starts_at: Mapped[datetime] = mapped_column(Instant)
    ends_at: Mapped[datetime] = mapped_column(Instant)

    __table_args__ = (Index("ix_shift_team", "site_id", "team", "ends_at"),)


class Absence(Base):
    """Somebody out of office; the deputy, if any, takes their shifts."""

    __tablename__ = "absence"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"), index=True)
    deputy_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    starts_at: Mapped[datetime] = mapped_column(Instant)
    ends_at: Mapped[datetime] = mapped_column(Instant)


class DutyPhone(Base):
    """The telephone of a post, which somebody always answers; no person's own."""

    __tablename__ = "duty_phone"

    node_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"), primary_key=True)
    phone: Mapped[str] = mapped_column(String(40))


@dataclass(frozen=True, slots=True)
class OnDuty:
    """Somebody who answers now. for_id: whom they stand in for."""

    person_id: UUID
    name: str
    kind: str
    until: datetime
    for_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Answering:
    """Who answers for a team at a moment. level: team, or where that fell through to."""

    level: str
    people: list[UUID]
    phones: list[str]
