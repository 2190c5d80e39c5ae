"""Who is signed in with which credential, as the broker tells it."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.device_credentials.model import ADMITTED, DeviceCredential, DeviceIdentity

# A use that goes on is put on record so often.
USE_EVERY = timedelta(minutes=5)
MOST_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Connection:
    """Somebody who is, or was, connected. number: told apart by it, and later is higher.

    active: when anything was heard of it last, where the broker knows; else how long a dead one
    may look alive stands in `patience`. taken_over: it ended, because another one came with the
    same client id, at `active`.
    """

    number: int
    username: str
    client_id: str
    address: str
    since: datetime
    active: datetime | None = None
    patience: timedelta = timedelta(0)
    taken_over: bool = False

    @property
    def shown(self) -> dict[str, Any]:
        """As rows and pages hold it."""
        return {
            "client_id": self.client_id[:120],
            "address": self.address[:60],
            "since": self.since.isoformat(),
        }


def by_username(connections: Sequence[Connection]) -> Mapping[str, list[Connection]]:
    """Who is connected now, the longest first."""
    found = defaultdict[str, list[Connection]](list)
    for one in sorted(connections, key=lambda each: each.number):
        if not one.taken_over:
            found[one.username].append(one)
    return found


def devices_used_twice(session: Session) -> set[UUID]:
    """The devices of which it is on record that their credential is used by several at once."""
    statement = select(DeviceIdentity.device_id).where(DeviceIdentity.twice_since.is_not(None))
    return set(session.scalars(statement))


def note_use(
    session: Session,
    connections: Sequence[Connection],
    *,
    now: datetime,
    but: Collection[str] = (),
) -> list[dict[str, Any]]:
    """Put on record which credentials are in use; returns who is connected without one of those.

    but: user names that are ours. Writes only what has changed.
    """
    present = by_username(connections)
    known = set[str]()
    rows = session.scalars(select(DeviceCredential).where(DeviceCredential.state.in_(ADMITTED)))
    for row in rows:
        known.add(row.username)
        shown = [one.shown for one in present.get(row.username, ())][:MOST_SHOWN]
        if row.connections != shown:
            row.connections = shown
        if shown and row.first_used_at is None:
            row.first_used_at = now
        if shown and (row.last_used_at is None or now - row.last_used_at >= USE_EVERY):
            row.last_used_at = now
    return [
        {"username": name, **one.shown}
        for name, several in sorted(present.items())
        if name not in known and name not in but
        for one in several
    ]
