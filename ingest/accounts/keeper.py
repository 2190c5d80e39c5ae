"""The thread that makes the broker's accounts follow what was decided, and notes who uses them.

What is wanted stands in the database; the broker may be away, or be another one than yesterday's.
So it is compared again and again, and what differs is done again.
"""

import time
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

import structlog

from core.db import Session
from core.device_credentials import (
    AccountsAway,
    BrokerAccounts,
    Connection,
    Followed,
    Wanted,
    broker_accounts,
    devices_used_twice,
    due_to_end,
    end_replaced,
    note_admitted,
    note_use,
    wanted_accounts,
)
from ingest.accounts.door import Door
from ingest.accounts.twice import QUIET, used_twice
from ingest.beside import Beside
from ingest.stores import Stores

log = structlog.get_logger(__name__)

Tell = Callable[[UUID, list[dict[str, Any]] | None], None]

PART = "device accounts"
_LOOK_SECONDS = 2.0
# What the broker has is compared in full so often, though nothing changed here.
_COMPARE_SECONDS = 60.0
_MOST_SHOWN = 200


class AccountKeeper(Beside):
    """Looks after the accounts of one door, while this process holds the shard."""

    def __init__(self, stores: Stores, door: Door, tell: Tell) -> None:
        """tell: has ingest judge that a device's credential is used twice, or no more (None)."""
        super().__init__(stores, PART, "device-accounts")
        self._door = door
        self._tell = tell
        self._twice_seen: dict[UUID, datetime] = {}
        self._followed: Wanted | None = None
        self._compared = 0.0
        self._unknown: list[str] = []

    def stop(self) -> None:
        """End the thread, and close the door."""
        super().stop()
        self._door.close()

    def _turn(self) -> float:
        self.look(self._stores.clock.now())
        return _LOOK_SECONDS

    def look(self, now: datetime) -> None:
        """Bring the broker's accounts up to date, and put on record who uses them."""
        self._end_replaced(now)
        fault = self._follow(now)
        connections: Sequence[Connection] = ()
        if fault is None:
            try:
                connections = self._door.connections()
            except AccountsAway as error:
                fault = error.detail
        self._record(partial(self._note, fault=fault, connections=connections, now=now))
        if fault is None:
            self._look_for_two(connections, now)
        # A device that was seen with its new credential needs the old one no more.
        self._end_replaced(now)
        self._stores.health.report(PART, ok=fault is None, detail=fault or "")

    def _record(self, note: Callable[[Session], None]) -> None:
        """Write what `note` changes; a look that has seen nothing new makes no transaction."""
        with self._stores.database.read() as session, session.no_autoflush:
            note(session)
            changed = bool(session.dirty or session.new)
            session.expunge_all()
        if changed:
            with self._stores.database.write() as session:
                note(session)

    def _end_replaced(self, now: datetime) -> None:
        with self._stores.database.read() as session:
            due = bool(due_to_end(session, now=now))
        if due:
            with self._stores.database.write() as session:
                end_replaced(session, now=now)

    def _follow(self, now: datetime) -> str | None:
        """Make the broker have what is wanted; returns why it does not, if so."""
        with self._stores.database.read() as session:
            shared = self._stores.settings.device_sign_in == "shared"
            wanted = wanted_accounts(session, shared=shared)
        due = time.monotonic() - self._compared >= _COMPARE_SECONDS
        if wanted == self._followed and not due:
            return None
        try:
            followed = self._door.follow(wanted)
        except AccountsAway as error:
            self._followed = None
            return error.detail
        self._followed, self._compared = wanted, time.monotonic()
        self._unknown = list(followed.unknown)
        self._record(partial(_note_admitted, followed=followed, now=now))
        return None

    def _look_for_two(self, connections: Sequence[Connection], now: datetime) -> None:
        """Tell of credentials that are used by two at once, and once that has been over a while.

        Told again at the next look until ingest has it on record.
        """
        twice = used_twice(connections, now)
        accounts = self._followed.accounts if self._followed else {}
        found = {accounts[name].device_id: who for name, who in twice.items() if name in accounts}
        with self._stores.database.read() as session:
            standing = devices_used_twice(session)
        for device_id, who in found.items():
            self._twice_seen[device_id] = now
            if device_id not in standing:
                self._tell(device_id, who)
        for device_id in standing - found.keys():
            # Of what was before this process nothing is known: the quiet is counted from now.
            if now - self._twice_seen.setdefault(device_id, now) >= QUIET:
                self._tell(device_id, None)

    def _note(
        self,
        session: Session,
        *,
        fault: str | None,
        connections: Sequence[Connection],
        now: datetime,
    ) -> None:
        if fault is None:
            others = note_use(session, connections, now=now, but=self._door.ours)
            self._say_well(session, others, now)
        else:
            self._say_ill(session, fault, now)

    def _say_well(self, session: Session, others: list[dict[str, object]], now: datetime) -> None:
        row = broker_accounts(session)
        _set(row, kind=self._door.kind, fault=None, fault_since=None)
        _set(row, unknown=self._unknown[:_MOST_SHOWN], shared=others[:_MOST_SHOWN])
        if row.reached_at is None or (now - row.reached_at).total_seconds() >= _COMPARE_SECONDS:
            row.reached_at = now

    def _say_ill(self, session: Session, fault: str, now: datetime) -> None:
        row = broker_accounts(session)
        since = row.fault_since if row.fault is not None else now
        _set(row, kind=self._door.kind, fault=fault[:500], fault_since=since)


def _note_admitted(session: Session, *, followed: Followed, now: datetime) -> None:
    note_admitted(session, frozenset(followed.admitted), now=now)


def _set(row: BrokerAccounts, **values: object) -> None:
    """Only what differs: a look that has seen nothing new writes nothing."""
    for name, value in values.items():
        if getattr(row, name) != value:
            setattr(row, name, value)
