"""The relational database: engine, sessions, the fair write lock and the one place that commits."""

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import (
    DateTime,
    Dialect,
    Engine,
    MetaData,
    TypeDecorator,
    create_engine,
    event,
    make_url,
    select,
    text,
)
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import DeclarativeBase, InstrumentedAttribute, Session

from core.errors import Unavailable

# Session is exported for the rooms that hand sessions on without querying by themselves.
__all__ = [
    "Base",
    "Database",
    "FairLock",
    "Instant",
    "Session",
    "despite_deadlocks",
    "is_deadlock",
    "is_unavailable",
    "sqlite_url",
    "wait_turn",
    "with_password",
]

Done = TypeVar("Done")

NAMING = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


# For so long a refused write is word of the database's state, unless one succeeds before: longer
# than SQLite waits before it refuses one, so that who is refused again and again stays ill.
REFUSAL_COUNTS_S = 15.0
# For so long a PostgreSQL server may take to let us in.
CONNECT_SECONDS = 10
# How often a transaction that deadlocks is begun at most.
MOST_TRIES = 5


class Base(DeclarativeBase):
    """Every table of the product."""

    metadata = MetaData(naming_convention=NAMING)


class Instant(TypeDecorator[datetime]):
    """An aware UTC datetime to the microsecond; SQLite has no zone, so one is put back on read."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse a naive datetime, store in UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a naive datetime was given where an aware one is needed")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give back an aware datetime in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class FairLock:
    """A first-come-first-served lock: SQLite's own waiting is unfair and would starve people."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._waiting: deque[threading.Lock] = deque()
        self._held = False

    def __enter__(self) -> None:
        with self._guard:
            if not self._held:
                self._held = True
                return
            turn = threading.Lock()
            turn.acquire()
            self._waiting.append(turn)
        turn.acquire()

    def __exit__(self, *_: object) -> None:
        with self._guard:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._held = False


class _NoLock:
    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None: ...


def is_unavailable(error: BaseException) -> bool:
    """Whether `error` says that the database is away or busy, rather than that we asked wrongly."""
    if isinstance(error, OperationalError | InterfaceError | PoolTimeout):
        return True
    return isinstance(error, DBAPIError) and error.connection_invalidated


def is_deadlock(error: BaseException) -> bool:
    """Whether PostgreSQL ended a transaction because it and another waited for each other."""
    return isinstance(error, OperationalError) and getattr(error.orig, "sqlstate", "") == "40P01"


def despite_deadlocks(work: Callable[[], Done]) -> Done:
    """What `work` gives back, which is one whole transaction: again where a deadlock ended it.

    For what takes many locks in an order that others decide. Of those who wait for each other one
    goes on each time, so it ends; whoever was unlucky too often raises what the database said.
    """
    for _ in range(MOST_TRIES - 1):
        try:
            return work()
        except OperationalError as error:
            if not is_deadlock(error):
                raise
    return work()


def wait_turn(session: Session, key: InstrumentedAttribute[UUID], value: UUID) -> None:
    """Of two who make what hangs on one row at once, let the second wait for the first to commit.

    It then finds what the first one made, instead of making it once more. key: of that row.
    """
    session.execute(select(key).where(key == value).with_for_update(key_share=True))


class Database:
    """One relational database, SQLite or PostgreSQL.

    `write()` is the only place of the product that commits; a transaction is committed before
    `write()` returns, so an answer that leaves afterwards is true.
    """

    def __init__(self, url: str, *, durable_against_power_loss: bool = False) -> None:
        self.url = url
        self.is_sqlite = url.startswith("sqlite")
        self._lock: FairLock | _NoLock = FairLock() if self.is_sqlite else _NoLock()
        self._listeners: list[Callable[[], None]] = []
        self._refusal: tuple[float, str] | None = None
        synchronous = "FULL" if durable_against_power_loss else "NORMAL"
        self._writer: Engine
        if self.is_sqlite:
            self.engine = _sqlite_engine(url, synchronous, readers=20)
            # One connection writes, so what it has read stays true from one transaction to the
            # next: any other's commit would make SQLite forget all of its pages.
            writer = _sqlite_engine(url, synchronous, readers=0)
            self._writer = writer.execution_options(wk_write=True)
        else:
            self.engine = self._writer = create_engine(
                url,
                pool_size=20,
                max_overflow=20,
                pool_pre_ping=True,
                pool_timeout=10,
                # A host that is gone does not refuse; without it, a minute or two pass unanswered.
                connect_args={"connect_timeout": CONNECT_SECONDS},
            )

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session for reading: one consistent view, nothing is ever committed."""
        with Session(self.engine, expire_on_commit=False, autoflush=False) as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A session whose whole body is one transaction, committed on a clean exit."""
        try:
            with (
                self._lock,
                Session(self._writer, expire_on_commit=False) as session,
                session.begin(),
            ):
                yield session
        except Exception as error:
            if is_unavailable(error) and not is_deadlock(error):
                # Its words alone: an error holds on to everything that was under way.
                self._refusal = time.monotonic(), str(error)
            raise
        self._refusal = None
        for listener in self._listeners:
            listener()

    def on_commit(self, listener: Callable[[], None]) -> None:
        """Call `listener` (which must return at once) after each commit of this process."""
        self._listeners.append(listener)

    def check(self) -> None:
        """Raise if the database does not answer; Unavailable if it refused our last write.

        SQLite answers questions also while another program keeps everybody from writing.
        """
        with self.engine.connect() as connection:
            connection.execute(text("SELECT 1"))
        refusal = self._refusal
        if refusal is not None and time.monotonic() - refusal[0] < REFUSAL_COUNTS_S:
            raise Unavailable(f"it refused what this process wrote: {refusal[1]}")

    def copy_to(self, path: Path) -> None:
        """Write a consistent copy of a SQLite database to a new file, which is there as a whole.

        Interrupted, it leaves none: what stands under that name can be relied on.
        """
        draft = path.with_name(path.name + ".new")
        draft.unlink(missing_ok=True)
        # Past SQLAlchemy, whose implicit transaction VACUUM would refuse to run in.
        connection = self.engine.raw_connection()
        try:
            connection.cursor().execute("VACUUM INTO ?", (str(draft),))
        finally:
            connection.close()
        with draft.open("rb") as file:
            os.fsync(file.fileno())
        draft.replace(path)

    def close(self) -> None:
        """Close every pooled connection."""
        self.engine.dispose()
        self._writer.dispose()


def _sqlite_engine(url: str, synchronous: str, *, readers: int) -> Engine:
    """An engine for so many readers at once, or for the one writer."""
    engine = create_engine(
        url,
        pool_size=readers or 1,
        max_overflow=2 * readers,
        # The connection used last has the most pages and statements at hand.
        pool_use_lifo=True,
        connect_args={"check_same_thread": False, "cached_statements": 256},
    )
    _tune_sqlite(engine, synchronous)
    return engine


def _tune_sqlite(engine: Engine, synchronous: str) -> None:
    @event.listens_for(engine, "connect")
    def _connect(connection: Any, _record: object) -> None:
        # The driver must not open transactions by itself: the "begin" hook below does.
        connection.isolation_level = None
        for pragma in (
            "journal_mode=WAL",
            f"synchronous={synchronous}",
            "foreign_keys=ON",
            "busy_timeout=5000",
            "temp_store=MEMORY",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # A deferred transaction that first reads and then writes can fail at once with "locked".
        write = connection.get_execution_options().get("wk_write")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")


def with_password(url: str, password: str) -> str:
    """A database's address with a password put into it; without one it stays as it is."""
    if not password:
        return url
    return make_url(url).set(password=password).render_as_string(hide_password=False)


def sqlite_url(path: Path) -> str:
    """The URL of the SQLite file at `path`."""
    return f"sqlite+pysqlite:///{path}"
