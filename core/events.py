"""The event log: history and outbox. Every fact appends one row, which nothing may change."""

import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast
from uuid import UUID

from sqlalchemy import (
    JSON,
    BigInteger,
    Index,
    Integer,
    Select,
    String,
    Table,
    insert,
    or_,
    select,
    text,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from core.db import Base, Database, Instant
from core.ids import new_id


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did it: kind is person, rule, job, device, system, contractor or resident."""

    kind: str
    id: str

    @classmethod
    def person(cls, person_id: UUID) -> "Actor":
        """A member of staff."""
        return cls("person", str(person_id))


SYSTEM = Actor("system", "watchkeeper")


class Event(Base):
    """One immutable fact: who, what, on what, when it happened and when we learned it.

    Holds ids, statuses and field names, never names, phone numbers or free text: those stand in
    rows that can be erased. The migrations give it triggers that forbid UPDATE and DELETE.
    """

    __tablename__ = "event"

    seq: Mapped[int] = mapped_column(
        BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True
    )
    # PostgreSQL hands out sequence numbers before commit; the transaction id lets a follower wait
    # for the ones still open. SQLite has one writer, where the column stays 0.
    txid: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    id: Mapped[UUID] = mapped_column(default=new_id, unique=True)
    site_id: Mapped[UUID | None]
    kind: Mapped[str] = mapped_column(String(60))
    subject_kind: Mapped[str] = mapped_column(String(40))
    subject_id: Mapped[str] = mapped_column(String(80))
    actor_kind: Mapped[str] = mapped_column(String(20))
    actor_id: Mapped[str] = mapped_column(String(120))
    happened_at: Mapped[datetime] = mapped_column(Instant)
    learned_at: Mapped[datetime] = mapped_column(Instant)
    before: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    after: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))

    __table_args__ = (
        Index("ix_event_order", "txid", "seq"),
        Index("ix_event_subject", "subject_kind", "subject_id"),
        Index("ix_event_site_learned", "site_id", "learned_at"),
        {"sqlite_autoincrement": True},
    )


_APPEND = insert(cast(Table, Event.__table__))


def fact(
    kind: str,
    subject: tuple[str, UUID | str],
    *,
    actor: Actor,
    learned_at: datetime,
    happened_at: datetime | None = None,
    site_id: UUID | None = None,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """One fact for `append_all`; see `append` for what is given."""
    return {
        "id": new_id(),
        "kind": kind,
        "subject_kind": subject[0],
        "subject_id": str(subject[1]),
        "actor_kind": actor.kind,
        "actor_id": actor.id,
        "happened_at": happened_at or learned_at,
        "learned_at": learned_at,
        "site_id": site_id,
        "before": dict(before) if before is not None else None,
        "after": dict(after) if after is not None else None,
    }


def append_all(session: Session, facts: Sequence[dict[str, Any]]) -> None:
    """Append facts in this order, inside the caller's transaction."""
    # Rows that nobody reads or changes in this session need no unit of work around them.
    session.connection().execute(_APPEND, facts)


def append(
    session: Session,
    kind: str,
    subject: tuple[str, UUID | str],
    *,
    actor: Actor,
    learned_at: datetime,
    happened_at: datetime | None = None,
    site_id: UUID | None = None,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> None:
    """Append one fact to the log inside the caller's transaction.

    kind: `subject.verb`, for example `ticket.resolve`. happened_at defaults to learned_at.
    before, after: JSON values; ids and field names only.
    """
    one = fact(
        kind,
        subject,
        actor=actor,
        learned_at=learned_at,
        happened_at=happened_at,
        site_id=site_id,
        before=before,
        after=after,
    )
    append_all(session, [one])


def latest_kind(session: Session, subject: tuple[str, str], kinds: Sequence[str]) -> str | None:
    """Which of `kinds` the log says last of the subject; None when it says none of them."""
    return session.scalar(
        select(Event.kind)
        .where(
            Event.subject_kind == subject[0],
            Event.subject_id == subject[1],
            Event.kind.in_(kinds),
        )
        .order_by(Event.seq.desc())
        .limit(1)
    )


def latest(session: Session, subject: tuple[str, str], kinds: Sequence[str]) -> Event | None:
    """The last fact of these kinds that the log holds of the subject."""
    return session.scalars(
        select(Event)
        .where(
            Event.subject_kind == subject[0],
            Event.subject_id == subject[1],
            Event.kind.in_(kinds),
        )
        .order_by(Event.seq.desc())
        .limit(1)
    ).first()


def has_since(session: Session, kind: str, site_id: UUID, moment: datetime) -> bool:
    """Whether the log holds a fact of this kind on a site since a moment."""
    statement = select(Event.seq).where(
        Event.site_id == site_id, Event.learned_at >= moment, Event.kind == kind
    )
    return session.scalar(statement.limit(1)) is not None


Cursor = tuple[int, int]
START: Cursor = (0, 0)


def _after(cursor: Cursor, *, postgresql: bool) -> Select[Event]:
    txid, seq = cursor
    statement = (
        select(Event)
        .where((Event.txid > txid) | ((Event.txid == txid) & (Event.seq > seq)))
        .order_by(Event.txid, Event.seq)
    )
    if postgresql:
        # Rows of transactions that may still be open wait, or one that commits late is skipped.
        statement = statement.where(
            text("event.txid < pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
        )
    return statement


def read_after(database: Database, cursor: Cursor, limit: int = 500) -> list[Event]:
    """The next facts after `cursor`, in an order in which none can be skipped."""
    with database.read() as session:
        statement = _after(cursor, postgresql=not database.is_sqlite).limit(limit)
        return list(session.scalars(statement))


def kinds_after(
    session: Session, cursor: Cursor, kinds: Collection[str], limit: int
) -> list[Event]:
    """The next facts of some kinds after `cursor`, in an order in which none can be skipped."""
    postgresql = session.get_bind().dialect.name == "postgresql"
    statement = _after(cursor, postgresql=postgresql).where(Event.kind.in_(kinds)).limit(limit)
    return list(session.scalars(statement))


def learned_before(
    session: Session, fact: Event, kinds: Collection[str], span: timedelta
) -> list[datetime]:
    """When the facts of some kinds were learned that lie before `fact` on its site, in their order;
    of those learned earlier than `span` before it, none."""
    statement = (
        select(Event.learned_at)
        .where(
            Event.site_id == fact.site_id,
            Event.learned_at >= fact.learned_at - span,
            Event.kind.in_(kinds),
            (Event.txid < fact.txid) | ((Event.txid == fact.txid) & (Event.seq < fact.seq)),
        )
        .order_by(Event.txid, Event.seq)
    )
    return list(session.scalars(statement))


def any_after(database: Database, cursor: Cursor, beginnings: Sequence[str]) -> bool:
    """Whether a fact after `cursor` is of a kind that begins with one of these."""
    with database.read() as session:
        statement = _after(cursor, postgresql=not database.is_sqlite).where(
            or_(*(Event.kind.startswith(begins, autoescape=True) for begins in beginnings))
        )
        return session.scalars(statement.limit(1)).first() is not None


def newest(database: Database) -> Cursor:
    """The cursor behind which everything up to now lies."""
    with database.read() as session:
        statement = _after(START, postgresql=not database.is_sqlite)
        last = session.scalars(
            statement.order_by(None).order_by(Event.txid.desc(), Event.seq.desc()).limit(1)
        ).first()
        return (last.txid, last.seq) if last else START


def newest_before(database: Database, moment: datetime) -> Cursor:
    """The cursor behind which everything lies that was learned before a moment."""
    with database.read() as session:
        statement = (
            select(Event.txid, Event.seq)
            .where(Event.learned_at < moment)
            .order_by(Event.txid.desc(), Event.seq.desc())
            .limit(1)
        )
        row = session.execute(statement).first()
    return (row[0], row[1]) if row else START


class Follower:
    """Reads the log forward; woken by commits of this process, and by itself twice a second."""

    def __init__(self, database: Database, cursor: Cursor) -> None:
        self._database = database
        self.cursor = cursor
        self._wake = threading.Event()
        database.on_commit(self._wake.set)

    def poll(self) -> list[Event]:
        """Facts since the last poll, oldest first; empty when there are none."""
        rows = read_after(self._database, self.cursor)
        if rows:
            self.cursor = (rows[-1].txid, rows[-1].seq)
        return rows

    def wait(self, timeout: float = 0.5) -> None:
        """Sleep until this process commits something, at most `timeout` seconds."""
        self._wake.wait(timeout)
        self._wake.clear()

    def wake(self) -> None:
        """End a `wait()` early."""
        self._wake.set()

    def follow(self, stop: threading.Event) -> Iterator[list[Event]]:
        """Yield batches of facts until `stop` is set."""
        while not stop.is_set():
            rows = self.poll()
            if rows:
                yield rows
            else:
                self.wait()
