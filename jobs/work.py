"""What a sweep is, and what it works with."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Event

from core import events
from core.db import Database, Session
from core.health import Health
from core.settings import Settings
from core.telemetry.store import TelemetryStore


def no_guard(session: Session) -> None:
    """For tools that run a sweep by hand: nothing to check."""
    del session


@dataclass(frozen=True, slots=True)
class Work:
    """The parts that sweeps use.

    guard: called first in every transaction; raises LeaseLost when another runner has taken over.
    telemetry: None in a process that doesn't own the store.
    """

    database: Database
    telemetry: TelemetryStore | None
    settings: Settings
    health: Health
    guard: Callable[[Session], None] = no_guard
    stopping: Event = field(default_factory=Event)

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """A transaction that can't commit once another runner has taken over."""
        with self.database.write() as session:
            self.guard(session)
            yield session


@dataclass(frozen=True, slots=True)
class Sweep:
    """Something done again and again.

    look: real seconds from one look to the next. every: how long after its last success, by the
    clock, it is due again; nothing means at each look. run: does everything that is due by the
    given moment, however late, and returns how much that was.
    """

    name: str
    look: float
    run: Callable[[Work, datetime], int]
    every: timedelta = timedelta(0)


def actor(name: str) -> events.Actor:
    """A sweep as the event log names it."""
    return events.Actor("job", name)
