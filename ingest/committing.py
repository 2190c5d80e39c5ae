"""Committing the decisions of a batch in one transaction."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from core import baselines, events, leases, quarantine, shards
from core.clock import from_micros
from core.db import Database, Session
from core.devices import note_described, note_waiting, remember_present, set_clock_trust
from core.hearings import note_hearing, note_twice
from core.source_memory import remember
from core.vault import Vault
from ingest.pipeline import Batch
from workflows import alarms, patrol


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


@dataclass(frozen=True, slots=True)
class Committed:
    """What a commit did: tickets that it touched, and what is left to settle, if it looked."""

    tickets: int = 0
    unsettled: int | None = None


def commit(
    database: Database,
    tenure: Tenure,
    batch: Batch,
    now: datetime,
    sites: Collection[UUID] = (),
    *,
    vault: Vault,
) -> Committed:
    """Make the decisions of `batch` durable. sites: those whose alarms are ours to move. vault: by
    whose keys tags and badges are known.

    A batch that decided nothing makes no transaction.
    """
    if not batch.decided:
        return Committed()
    unsettled = None
    with database.write() as session:
        tenure.require(session)
        findings = alarms.record_shadows(session, batch.findings)
        opened = alarms.record(session, findings, learned_at=now) if findings else []
        if batch.rejected:
            quarantine.keep(session, batch.rejected)
        _commit_devices(session, batch, now)
        for presented in batch.scans:
            if not patrol.is_a_stranger(session, vault, presented):
                patrol.present(session, presented, vault=vault, now=now)
        for series, at, value in batch.replaced:
            baselines.note_replaced(session, series, at, value)
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
        if batch.quiet_since is not None:
            # After what was found in the same batch, which may be of the same alarms.
            unsettled = alarms.settle(session, sites, batch.quiet_since, now=now)
    return Committed(len(opened), unsettled)


def _commit_devices(session: Session, batch: Batch, now: datetime) -> None:
    """What devices, and those who speak for them, said of themselves."""
    for item in batch.waiting.values():
        note_waiting(session, item.site_id, item.code, item.sample, item.at)
    for present in batch.presents:
        remember_present(session, present.site_id, present.series, present.value, present.at)
    for device_id, trusted in batch.trust.items():
        set_clock_trust(session, device_id, trusted, now=now)
    for device_id, (first, stray, at) in batch.ways.items():
        other = (stray.source, stray.through) if stray else None
        note_hearing(session, device_id, (first.source, first.through), other, at=at)
    for device_id, (connections, at) in batch.twice.items():
        note_twice(session, device_id, connections, at=at)
    for (site_id, code), (described, at) in batch.described.items():
        note_described(session, site_id, code, described, at)
    remember(session, ((source, key, v) for (source, key), v in batch.remembered.items()))
