"""The tables of alarms and their status table (ISA-18.2 / IEC 62682, first floor)."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    ForeignKey,
    Index,
    Integer,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, Instant
from core.ids import new_id
from core.lifecycle import Lifecycle

# Names of ISA-18.2: RTN is "returned to normal".
ALARM = Lifecycle(
    "alarm",
    {
        "trip": {"normal": "unacknowledged", "returned_unacknowledged": "unacknowledged"},
        "clear": {"unacknowledged": "returned_unacknowledged", "acknowledged": "normal"},
        "acknowledge": {"unacknowledged": "acknowledged", "returned_unacknowledged": "normal"},
    },
)


class Alarm(Base):
    """One rule on one asset: the status people see, and the engine's state with its timers.

    phase … failing are `rules.engine.AlarmState`, in µs; only the worker that owns the site moves
    them. state is moved by the lifecycle table, by that worker and by people.
    """

    __tablename__ = "alarm"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"))
    asset_id: Mapped[UUID] = mapped_column(ForeignKey("asset.id"), index=True)
    rule_id: Mapped[str] = mapped_column(String(120))
    rule_version: Mapped[int] = mapped_column(Integer)
    title: Mapped[dict[str, str]] = mapped_column(JSON)
    severity: Mapped[str] = mapped_column(String(10))
    life_safety: Mapped[bool] = mapped_column(Boolean)
    state: Mapped[str] = mapped_column(String(24), default="normal")
    version: Mapped[int] = mapped_column(Integer, default=1)
    reason: Mapped[str] = mapped_column(Text, default="")
    episodes: Mapped[int] = mapped_column(Integer, default=0)
    raised_at: Mapped[datetime | None] = mapped_column(Instant)
    returned_at: Mapped[datetime | None] = mapped_column(Instant)
    ticket_id: Mapped[UUID | None] = mapped_column(ForeignKey("ticket.id"))

    phase: Mapped[str] = mapped_column(String(10), default="normal")
    since: Mapped[int | None] = mapped_column(BigInteger)
    due: Mapped[int | None] = mapped_column(BigInteger)
    due_receipt: Mapped[int | None] = mapped_column(BigInteger)
    count: Mapped[int] = mapped_column(Integer, default=0)
    changed_at: Mapped[int] = mapped_column(BigInteger, default=0)
    tripped_at: Mapped[int | None] = mapped_column(BigInteger)
    cleared_at: Mapped[int | None] = mapped_column(BigInteger)
    failing: Mapped[str | None] = mapped_column(Text)

    __table_args__ = (
        UniqueConstraint("rule_id", "asset_id"),
        Index("ix_alarm_site_state", "site_id", "state"),
    )


class Episode(Base):
    """From one trip of an alarm to its clearing. It opens at most one ticket."""

    __tablename__ = "episode"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    alarm_id: Mapped[UUID] = mapped_column(ForeignKey("alarm.id"))
    site_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"))
    rule_version: Mapped[int] = mapped_column(Integer)
    tripped_micros: Mapped[int] = mapped_column(BigInteger)
    cleared_micros: Mapped[int | None] = mapped_column(BigInteger)
    learned_at: Mapped[datetime] = mapped_column(Instant)
    acknowledged_at: Mapped[datetime | None] = mapped_column(Instant)
    acknowledged_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    reason: Mapped[str] = mapped_column(Text, default="")
    ticket_id: Mapped[UUID | None] = mapped_column(ForeignKey("ticket.id"), index=True)

    __table_args__ = (
        UniqueConstraint("alarm_id", "tripped_micros"),
        Index("ix_episode_site_tripped", "site_id", "tripped_micros"),
    )
