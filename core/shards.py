"""What an ingest shard remembers of itself: its last beat and when it was not listening."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import JSON, BigInteger, Boolean, Integer, String, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from core.db import Base, Instant


class Shard(Base):
    """One ingest shard. clean: whether its last stop drained everything.

    told_txid, told_seq: up to where facts of the event log have become stored moments of points.
    filters: every topic filter that the broker's session may still hold.
    """

    __tablename__ = "shard"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    last_beat: Mapped[datetime | None] = mapped_column(Instant)
    stopped_micros: Mapped[int] = mapped_column(BigInteger, default=0)
    clean: Mapped[bool] = mapped_column(Boolean, default=True)
    told_txid: Mapped[int | None] = mapped_column(BigInteger)
    told_seq: Mapped[int | None] = mapped_column(BigInteger)
    filters: Mapped[list[str] | None] = mapped_column(JSON)


class Gap(Base):
    """A time in which the shard was down, cut off or behind; the receipt clock stood still."""

    __tablename__ = "shard_gap"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    shard: Mapped[str] = mapped_column(String(40), index=True)
    start_micros: Mapped[int] = mapped_column(BigInteger)
    end_micros: Mapped[int] = mapped_column(BigInteger)


@dataclass(frozen=True, slots=True)
class Memory:
    """What a shard knows of itself at start."""

    last_beat: datetime | None
    clean: bool
    gaps: tuple[tuple[int, int], ...]
    stopped_before_gaps: int
    filters: tuple[str, ...] = ()


def recall(session: Session, name: str) -> Memory:
    """Read the memory of a shard; empty for one that never ran."""
    row = session.get(Shard, name)
    gaps = session.execute(
        select(Gap.start_micros, Gap.end_micros).where(Gap.shard == name).order_by(Gap.start_micros)
    ).all()
    spans = tuple((start, end) for start, end in gaps)
    total = row.stopped_micros if row else 0
    return Memory(
        last_beat=row.last_beat if row else None,
        clean=row.clean if row else True,
        gaps=spans,
        stopped_before_gaps=total - sum(end - start for start, end in spans),
        filters=tuple(row.filters or ()) if row else (),
    )


def beat(session: Session, name: str, at: datetime, *, clean: bool) -> None:
    """Remember that the shard was listening at `at`."""
    row = session.get(Shard, name)
    if row is None:
        session.add(Shard(name=name, last_beat=at, stopped_micros=0, clean=clean))
        return
    row.last_beat = at
    row.clean = clean


def add_gap(session: Session, name: str, start: int, end: int, *, keep: int = 200) -> None:
    """Remember a time of not listening; only the newest `keep` gaps stay as rows.

    One that is known already changes nothing: whoever has lost the answer to a commit tells all of
    it again.
    """
    known = select(Gap.id).where(Gap.shard == name, Gap.start_micros == start)
    if session.scalar(known) is not None:
        return
    row = session.get(Shard, name)
    if row is None:
        row = Shard(name=name, last_beat=None, stopped_micros=0, clean=True)
        session.add(row)
    row.stopped_micros += end - start
    session.add(Gap(shard=name, start_micros=start, end_micros=end))
    session.flush()
    old = select(Gap.id).where(Gap.shard == name).order_by(Gap.start_micros.desc()).offset(keep)
    session.execute(delete(Gap).where(Gap.id.in_(old)))


def last_beats(session: Session) -> dict[str, datetime]:
    """When each shard that ever listened was last heard to listen."""
    rows = session.execute(select(Shard.name, Shard.last_beat).where(Shard.last_beat.is_not(None)))
    return {name: beat for name, beat in rows if beat is not None}


def told_up_to(session: Session, name: str) -> tuple[int, int] | None:
    """Up to where the event log was told to the rules of a shard; None = never yet."""
    row = session.get(Shard, name)
    if row is None or row.told_txid is None or row.told_seq is None:
        return None
    return row.told_txid, row.told_seq


def note_told(session: Session, name: str, cursor: tuple[int, int]) -> None:
    """Everything up to here is told, and what became of it is durable."""
    row = session.get(Shard, name)
    if row is None:
        row = Shard(name=name, last_beat=None, stopped_micros=0, clean=True)
        session.add(row)
    row.told_txid, row.told_seq = cursor


def note_filters(session: Session, name: str, filters: Sequence[str]) -> None:
    """These the broker's session may hold, and no others."""
    row = session.get(Shard, name)
    if row is None:
        row = Shard(name=name, last_beat=None, stopped_micros=0, clean=True)
        session.add(row)
    if row.filters != list(filters):
        row.filters = list(filters)
