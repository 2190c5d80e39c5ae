"""Committing the decisions of a batch in one transaction."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from core import events, leases, quarantine, shards
from core.clock import from_micros
from core.db import Database, Session
from core.devices import note_waiting, remember_present, set_clock_trust
from ingest.pipeline import Batch
from workflows import alarms


@dataclass(frozen=True, slots=True)
class Tenure:
    """The lease under which a worker owns its shard's sites."""

    shard: str
    owner: str
    epoch: int

    @property
    def lease(self) -> str:
        """The name of the lease."""
        return f"ingest:{self.shard}"

    def require(self, session: Session) -> None:
        """Raise LeaseLost if another worker has taken over; the transaction then rolls back."""
        leases.require(session, self.lease, self.owner, self.epoch)


def commit(database: Database, tenure: Tenure, batch: Batch, now: datetime) -> int:
    """Make the decisions of `batch` durable; returns how many tickets it touched.

    A batch that decided nothing makes no transaction.
    """
    if not batch.decided:
        return 0
    with database.write() as session:
        tenure.require(session)
        opened = alarms.record(session, batch.findings, learned_at=now) if batch.findings else []
        if batch.rejected:
            quarantine.keep(session, batch.rejected)
        for item in batch.waiting.values():
            note_waiting(session, item.site_id, item.code, item.sample, item.at)
        for present in batch.presents:
            remember_present(session, present.site_id, present.series, present.value, present.at)
        _commit_trust(session, batch.trust.items(), now)
        for start, end in batch.gaps:
            shards.add_gap(session, tenure.shard, start, end)
            events.append(
                session,
                "ingest.gap",
                ("shard", tenure.shard),
                actor=events.SYSTEM,
                happened_at=from_micros(start),
                learned_at=now,
                after={"seconds": round((end - start) / 1e6, 3)},
            )
    return len(opened)


def _commit_trust(session: Session, changes: Iterable[tuple[UUID, bool]], now: datetime) -> None:
    for device_id, trusted in changes:
        set_clock_trust(session, device_id, trusted, now=now)
