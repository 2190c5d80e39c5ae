"""Quarantine: what could not be used, kept with its reason until somebody mends the cause."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ForeignKey, Index, Integer, LargeBinary, String, delete, func, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from core.db import Base, Instant
from core.devices import Device
from core.ids import new_id

BODY_LIMIT = 256 * 1024
HEAD_OF_LARGE = 4 * 1024
SAMPLES_PER_ROW = 600
REASONS = (
    "bad_json",
    "not_utf8",
    "too_deep",
    "too_large",
    "wrong_shape",
    "wrong_type",
    "out_of_range",
    "bad_time",
    "unknown_point",
    "unknown_site",
    "unknown_device",
    "no_source",
    "no_identity",
    "unsupported",
    "failed",
)
KEPT_WHOLE = frozenset(
    {"unknown_device", "unknown_point", "unknown_site", "no_source", "unsupported", "failed"}
)
STATES = ("waiting", "replayed", "discarded")
# Site, device, reason, minute. Two sites may have devices of the same code.
Cause = tuple[UUID | None, str, str, datetime]


class Quarantined(Base):
    """One device and one reason within one minute; `count` says how often.

    site_id is empty while the topic names no site we know. detail: the first finding in words.
    """

    __tablename__ = "quarantined"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID | None] = mapped_column(index=True)
    device_code: Mapped[str] = mapped_column(String(120))
    topic: Mapped[str] = mapped_column(String(500))
    reason: Mapped[str] = mapped_column(String(20))
    detail: Mapped[str] = mapped_column(String(500))
    minute: Mapped[datetime] = mapped_column(Instant)
    first_at: Mapped[datetime] = mapped_column(Instant)
    last_at: Mapped[datetime] = mapped_column(Instant, index=True)
    count: Mapped[int] = mapped_column(Integer, default=1)
    kept: Mapped[int] = mapped_column(Integer, default=0)
    state: Mapped[str] = mapped_column(String(10), default="waiting")

    __table_args__ = (Index("ix_quarantined_cause", "device_code", "reason", "minute"),)


class QuarantinedBody(Base):
    """The bytes of one quarantined message; above the limit their hash and head."""

    __tablename__ = "quarantined_body"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    quarantined_id: Mapped[UUID] = mapped_column(
        ForeignKey("quarantined.id", ondelete="CASCADE"), index=True
    )
    topic: Mapped[str] = mapped_column(String(500))
    received_at: Mapped[datetime] = mapped_column(Instant)
    body: Mapped[bytes] = mapped_column(LargeBinary)
    size: Mapped[int] = mapped_column(Integer)
    sha256: Mapped[str | None] = mapped_column(String(64))


@dataclass(frozen=True, slots=True)
class Rejected:
    """A message, or a part of one, that goes to quarantine."""

    site_id: UUID | None
    device_code: str
    topic: str
    reason: str
    detail: str
    body: bytes
    received_at: datetime


def keeps_every_body(reason: str) -> bool:
    """Whether each message is kept: what waits for adoption becomes history, the rest is a sample.

    "failed" is our own fault, so nothing of it may be lost either.
    """
    return reason in KEPT_WHOLE


def _body(row_id: UUID, item: Rejected) -> QuarantinedBody:
    large = len(item.body) > BODY_LIMIT
    return QuarantinedBody(
        quarantined_id=row_id,
        topic=item.topic[:500],
        received_at=item.received_at,
        body=item.body[:HEAD_OF_LARGE] if large else item.body,
        size=len(item.body),
        sha256=hashlib.sha256(item.body).hexdigest() if large else None,
    )


def keep(session: Session, items: Sequence[Rejected]) -> int:
    """Store rejected messages; returns how many new rows there are.

    The same device and reason within a minute is one row with a count.
    """
    fresh = 0
    rows: dict[Cause, Quarantined] = {}
    for item in items:
        minute = item.received_at.replace(second=0, microsecond=0)
        cause = (item.site_id, item.device_code[:120], item.reason, minute)
        row = rows.get(cause) or _standing(session, cause)
        if row is None:
            row = _new_row(item, cause)
            session.add(row)
            session.flush()
            fresh += 1
        else:
            row.count += 1
            row.last_at = max(row.last_at, item.received_at)
        rows[cause] = row
        room = SAMPLES_PER_ROW if keeps_every_body(item.reason) else 1
        if row.kept < room:
            row.kept += 1
            session.add(_body(row.id, item))
    return fresh


def _standing(session: Session, cause: Cause) -> Quarantined | None:
    site_id, device_code, reason, minute = cause
    return session.scalars(
        select(Quarantined).where(
            Quarantined.site_id == site_id if site_id else Quarantined.site_id.is_(None),
            Quarantined.device_code == device_code,
            Quarantined.reason == reason,
            Quarantined.minute == minute,
            Quarantined.state == "waiting",
        )
    ).first()


def _new_row(item: Rejected, cause: Cause) -> Quarantined:
    _, device_code, reason, minute = cause
    return Quarantined(
        id=new_id(),
        site_id=item.site_id,
        device_code=device_code,
        topic=item.topic[:500],
        reason=reason,
        detail=item.detail[:500],
        minute=minute,
        first_at=item.received_at,
        last_at=item.received_at,
        count=1,
        kept=0,
        state="waiting",
    )


def bodies_of(session: Session, quarantined_ids: Sequence[UUID]) -> list[QuarantinedBody]:
    """The kept messages of these rows, in order of receipt."""
    statement = (
        select(QuarantinedBody)
        .where(QuarantinedBody.quarantined_id.in_(quarantined_ids))
        .order_by(QuarantinedBody.received_at, QuarantinedBody.id)
    )
    return list(session.scalars(statement))


def waiting_of_devices(session: Session, device_ids: Sequence[UUID]) -> list[UUID]:
    """Rows of what these devices said before they were adopted, in order of receipt."""
    statement = (
        select(Quarantined.id)
        .join(
            Device,
            (Device.code == Quarantined.device_code) & (Device.site_id == Quarantined.site_id),
        )
        .where(
            Device.id.in_(device_ids),
            Quarantined.reason == "unknown_device",
            Quarantined.state == "waiting",
        )
        .order_by(Quarantined.first_at)
    )
    return list(session.scalars(statement))


def prune(session: Session, *, now: datetime, max_rows: int, max_age: timedelta) -> int:
    """Drop rows that are too old, then the oldest ones above `max_rows`; returns how many."""
    too_old = delete(Quarantined).where(Quarantined.last_at < now - max_age)
    dropped = len(session.execute(too_old.returning(Quarantined.id)).all())
    surplus = (session.scalar(select(func.count(Quarantined.id))) or 0) - max_rows
    if surplus > 0:
        oldest = select(Quarantined.id).order_by(Quarantined.last_at).limit(surplus)
        over = delete(Quarantined).where(Quarantined.id.in_(oldest))
        dropped += len(session.execute(over.returning(Quarantined.id)).all())
    return dropped


def mark(session: Session, quarantined_ids: Sequence[UUID], state: str) -> None:
    """Set the state of rows: replayed or discarded."""
    session.execute(
        update(Quarantined).where(Quarantined.id.in_(quarantined_ids)).values(state=state)
    )
