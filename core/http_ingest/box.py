"""The box of what was accepted: ingest takes from it in the order of receipt."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from core.http_ingest.model import HttpDelivery, HttpMessage


@dataclass(frozen=True, slots=True)
class Waiting:
    """A message that waits to be taken in. again: as in HttpMessage."""

    id: UUID
    topic: str
    body: bytes
    received_at: datetime
    again: bool


def waiting(session: Session, most: int) -> list[Waiting]:
    """The oldest that wait."""
    statement = (
        select(
            HttpMessage.id,
            HttpMessage.topic,
            HttpMessage.body,
            HttpMessage.received_at,
            HttpMessage.again,
        )
        .order_by(HttpMessage.received_at, HttpMessage.id)
        .limit(most)
    )
    return [Waiting(*row) for row in session.execute(statement)]


def count_waiting(session: Session, most: int, source_id: UUID | None = None) -> int:
    """How many wait, of one source or of all; it counts no further than `most`."""
    some = select(HttpMessage.id).limit(most)
    if source_id is not None:
        some = some.where(HttpMessage.source_id == source_id)
    return session.scalar(select(func.count()).select_from(some.subquery())) or 0


def taken(session: Session, ids: Collection[UUID]) -> None:
    """These were taken in, and what they told is durable."""
    session.execute(delete(HttpMessage).where(HttpMessage.id.in_(ids)))


def forget_deliveries(session: Session, *, now: datetime) -> int:
    """Forget deliveries that nobody repeats any more; returns how many."""
    statement = delete(HttpDelivery).where(HttpDelivery.until < now)
    return len(session.execute(statement.returning(HttpDelivery.digest)).all())
