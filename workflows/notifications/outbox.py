"""The outbox: facts of the event log on their way out, at least once, each try on record."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    ForeignKey,
    Index,
    Integer,
    String,
    UniqueConstraint,
    func,
    select,
    update,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from core import events
from core.db import Base, Instant
from core.ids import new_id

# A recurrence within the re-alarm time is counted and tells nobody.
KEPT_QUIET = ("ticket.repeat",)
OUTWARD = ("ticket.", "fire_alarm.", "alarm.trip", "alarm.clear", "alarm.acknowledge", "ingest.")
GIVE_UP_AFTER = timedelta(days=3)
LONGEST_PAUSE = timedelta(hours=1)


class Delivery(Base):
    """One fact for one receiver. state: waiting, delivered or given_up."""

    __tablename__ = "delivery"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID | None]
    event_seq: Mapped[int] = mapped_column(ForeignKey("event.seq"))
    channel: Mapped[str] = mapped_column(String(20))
    state: Mapped[str] = mapped_column(String(10), default="waiting")
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    created_at: Mapped[datetime] = mapped_column(Instant)
    next_try_at: Mapped[datetime | None] = mapped_column(Instant)
    last_tried_at: Mapped[datetime | None] = mapped_column(Instant)
    last_result: Mapped[str] = mapped_column(String(300), default="")

    __table_args__ = (
        UniqueConstraint("event_seq", "channel"),
        Index("ix_delivery_next", "state", "next_try_at"),
    )


class OutboxCursor(Base):
    """How far a channel has read the event log."""

    __tablename__ = "outbox_cursor"

    channel: Mapped[str] = mapped_column(String(20), primary_key=True)
    txid: Mapped[int] = mapped_column(BigInteger)
    seq: Mapped[int] = mapped_column(BigInteger)


def cursor_of(session: Session, channel: str) -> events.Cursor | None:
    """Where the channel stands in the event log; None if it never read any of it."""
    row = session.get(OutboxCursor, channel)
    return (row.txid, row.seq) if row else None


def is_outward(kind: str) -> bool:
    """Whether facts of this kind leave the house."""
    return kind.startswith(OUTWARD) and kind not in KEPT_QUIET


def enqueue(
    session: Session,
    channel: str,
    facts: Sequence[events.Event],
    cursor: events.Cursor,
    *,
    now: datetime,
) -> int:
    """Write a delivery row for each outward fact and move the cursor, in one transaction."""
    outward = [fact for fact in facts if is_outward(fact.kind)]
    session.add_all(_waiting(channel, fact, now) for fact in outward)
    set_cursor(session, channel, cursor)
    return len(outward)


def set_aside(
    session: Session, channel: str, fact: events.Event, result: str, *, now: datetime
) -> None:
    """Note that a fact could not be taken up: the channel goes on, and tries it again after a
    growing pause."""
    row = _waiting(channel, fact, now)
    row.attempts, row.next_try_at = 1, now + _pause(1)
    row.last_tried_at, row.last_result = now, result[:300]
    session.add(row)


def _waiting(channel: str, fact: events.Event, now: datetime) -> Delivery:
    """A delivery that nobody has tried yet."""
    return Delivery(
        id=new_id(),
        site_id=fact.site_id,
        event_seq=fact.seq,
        channel=channel,
        state="waiting",
        attempts=0,
        created_at=now,
        next_try_at=now,
    )


def set_aside_of(session: Session, channel: str) -> tuple[int, str]:
    """How many facts a channel has set aside and not taken up since, and why the newest of them."""
    waits = (Delivery.channel == channel, Delivery.state == "waiting")
    count = session.scalar(select(func.count(Delivery.id)).where(*waits)) or 0
    newest = select(Delivery.last_result).where(*waits).order_by(Delivery.event_seq.desc()).limit(1)
    return count, (session.scalar(newest) or "") if count else ""


def set_cursor(session: Session, channel: str, cursor: events.Cursor) -> None:
    """Note how far a channel has read the event log."""
    row = session.get(OutboxCursor, channel)
    if row is None:
        session.add(OutboxCursor(channel=channel, txid=cursor[0], seq=cursor[1]))
    else:
        row.txid, row.seq = cursor


def begin_due(
    session: Session, channel: str, *, now: datetime, limit: int = 50
) -> list[tuple[Delivery, events.Event]]:
    """Claim deliveries that are due, in order; the attempt is on record before it is made.

    One whose outcome stays unknown, because we died in between, is due again after a minute.
    """
    statement = (
        select(Delivery, events.Event)
        .join(events.Event, events.Event.seq == Delivery.event_seq)
        .where(
            Delivery.channel == channel,
            Delivery.state == "waiting",
            Delivery.next_try_at <= now,
        )
        .order_by(Delivery.event_seq)
        .limit(limit)
        .with_for_update(of=Delivery, skip_locked=True)
    )
    claimed = [(delivery, fact) for delivery, fact in session.execute(statement).all()]
    for delivery, _ in claimed:
        delivery.attempts += 1
        delivery.last_tried_at = now
        delivery.next_try_at = now + timedelta(minutes=1)
    return claimed


def finish(
    session: Session, delivery_id: UUID, *, delivered: bool, result: str, now: datetime
) -> str:
    """Write down how a try ended; a failed one is repeated after a growing pause, for some days.

    Returns its state: delivered, waiting or given_up.
    """
    delivery = session.get_one(Delivery, delivery_id)
    delivery.last_result = result[:300]
    if delivered:
        delivery.state = "delivered"
        delivery.next_try_at = None
    elif now - delivery.created_at > GIVE_UP_AFTER:
        delivery.state = "given_up"
        delivery.next_try_at = None
    else:
        delivery.next_try_at = now + _pause(delivery.attempts)
    return delivery.state


def _pause(attempts: int) -> timedelta:
    return min(timedelta(seconds=2 ** min(attempts, 12)), LONGEST_PAUSE)


def postpone(session: Session, delivery_ids: Sequence[UUID], until: datetime) -> None:
    """Put back claimed deliveries that were not tried, because the receiver did not answer."""
    for delivery in session.scalars(select(Delivery).where(Delivery.id.in_(delivery_ids))):
        delivery.attempts -= 1
        delivery.next_try_at = until


def give_up_others(session: Session, channel: str, kind: str) -> int:
    """End what waits for former receivers of this kind of channel (`kind:…`)."""
    statement = (
        update(Delivery)
        .where(
            Delivery.channel.startswith(f"{kind}:"),
            Delivery.channel != channel,
            Delivery.state == "waiting",
        )
        .values(state="given_up", next_try_at=None, last_result="the receiver was changed")
    )
    return len(session.execute(statement.returning(Delivery.id)).all())


def message(fact: events.Event) -> dict[str, Any]:
    """A fact as receivers get it: ids and statuses, nothing personal."""
    return {
        "id": str(fact.id),
        "kind": fact.kind,
        "subject": {"kind": fact.subject_kind, "id": fact.subject_id},
        "site_id": str(fact.site_id) if fact.site_id else None,
        "actor": {"kind": fact.actor_kind, "id": fact.actor_id},
        "happened_at": fact.happened_at.isoformat(),
        "learned_at": fact.learned_at.isoformat(),
        "before": fact.before,
        "after": fact.after,
    }
