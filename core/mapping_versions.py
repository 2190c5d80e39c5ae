"""The mappings that sources have had: each one that came into force, and by whom."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, ForeignKey, Integer, String, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from core import events
from core.db import Base, Instant
from core.devices import Source

OPTION = "mapping"


class MappingVersion(Base):
    """One mapping of a source. made_by: the actor as `kind:id`."""

    __tablename__ = "mapping_version"

    source_id: Mapped[UUID] = mapped_column(
        ForeignKey("source.id", ondelete="CASCADE"), primary_key=True
    )
    number: Mapped[int] = mapped_column(Integer, primary_key=True)
    document: Mapped[Any] = mapped_column(JSON)
    made_at: Mapped[datetime] = mapped_column(Instant)
    made_by: Mapped[str] = mapped_column(String(120))


def note_versions(
    session: Session, sources: Iterable[Source], *, actor: events.Actor, now: datetime
) -> None:
    """Keep the mappings that these sources have now, where they are other ones than before."""
    for source in sources:
        document = source.options.get(OPTION)
        newest = newest_version(session, source.id)
        if document is not None and (newest is None or newest.document != document):
            session.add(
                MappingVersion(
                    source_id=source.id,
                    number=newest.number + 1 if newest else 1,
                    document=document,
                    made_at=now,
                    made_by=f"{actor.kind}:{actor.id}"[:120],
                )
            )
    session.flush()


def newest_version(session: Session, source_id: UUID) -> MappingVersion | None:
    """The mapping that came into force last; None when there was none ever."""
    newest = select(func.max(MappingVersion.number)).where(MappingVersion.source_id == source_id)
    number = session.scalar(newest)
    return None if number is None else session.get(MappingVersion, (source_id, number))


def versions_of(session: Session, source_id: UUID, most: int = 100) -> list[MappingVersion]:
    """The mappings of a source, the newest first."""
    statement = (
        select(MappingVersion)
        .where(MappingVersion.source_id == source_id)
        .order_by(MappingVersion.number.desc())
        .limit(most)
    )
    return list(session.scalars(statement))
