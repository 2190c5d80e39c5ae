"""What is read from the tables once, kept in memory, and read again when the log says so."""

import threading
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from sqlalchemy.orm import Session

from core import events
from core.db import Database

T = TypeVar("T")


class Followed(Generic[T]):
    """A reading that is made anew when a fact of some kinds came since. Thread-safe.

    changes: how the kinds of the facts begin that change it; most of the log is of alarms and
    tickets, which change none of what is kept here. read: makes it.
    """

    def __init__(
        self, database: Database, changes: Sequence[str], read: Callable[[Session], T], empty: T
    ) -> None:
        self._database = database
        self._changes = changes
        self._read = read
        self._lock = threading.Lock()
        self._read_up_to: events.Cursor | None = None
        self._value = empty

    def now(self) -> T:
        """The reading as of now."""
        newest = events.newest(self._database)
        if newest != self._read_up_to:
            with self._lock:
                if newest != self._read_up_to:
                    self._renew()
                    self._read_up_to = newest
        return self._value

    def _renew(self) -> None:
        known = self._read_up_to
        if known is not None and not events.any_after(self._database, known, self._changes):
            return
        with self._database.read() as session:
            self._value = self._read(session)
