"""What decoders remember of those who speak on a source: names, aliases, discoveries."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, String, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column
from sqlalchemy.types import JSON

from core.db import Base
from core.devices import Source

LONGEST_KEY = 300


class SourceMemory(Base):
    """One value that the decoder of a source asked to be kept."""

    __tablename__ = "source_memory"

    source_id: Mapped[UUID] = mapped_column(
        ForeignKey("source.id", ondelete="CASCADE"), primary_key=True
    )
    key: Mapped[str] = mapped_column(String(LONGEST_KEY), primary_key=True)
    value: Mapped[Any] = mapped_column(JSON)


def memories(session: Session) -> dict[UUID, dict[str, Any]]:
    """What is remembered, by source and key."""
    found: dict[UUID, dict[str, Any]] = defaultdict(dict)
    rows = session.execute(select(SourceMemory.source_id, SourceMemory.key, SourceMemory.value))
    for source_id, key, value in rows:
        found[source_id][key] = value
    return found


def remember(session: Session, changes: Iterable[tuple[UUID, str, Any]]) -> None:
    """Keep or, where a value is None, forget. A source that is gone meanwhile keeps nothing."""
    changed = list(changes)
    wanted = {source_id for source_id, _, _ in changed}
    standing = set(session.scalars(select(Source.id).where(Source.id.in_(wanted))))
    for source_id, key, value in changed:
        if source_id not in standing:
            continue
        if value is None:
            session.execute(
                delete(SourceMemory).where(
                    SourceMemory.source_id == source_id, SourceMemory.key == key
                )
            )
        else:
            session.merge(SourceMemory(source_id=source_id, key=key, value=value))


def forget(session: Session, source_id: UUID) -> None:
    """Forget everything of a source, as before it is deleted."""
    session.execute(delete(SourceMemory).where(SourceMemory.source_id == source_id))
