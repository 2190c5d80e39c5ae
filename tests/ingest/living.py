"""Ingest alive: the whole service with its threads, over a broker of the test's choice."""

import json
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from sqlalchemy import select

from core import events
from core.clock import SystemClock
from core.db import Database
from core.health import Health
from core.quarantine import Quarantined
from core.settings import Settings
from core.telemetry.spool import SpooledStore
from core.telemetry.store import TelemetryStore
from ingest.registry import Registry
from ingest.service import IngestService
from ingest.session import BrokerAddress, Session
from ingest.stores import Stores
from tests.ingest.building import NOON, Names
from tests.ingest.loop_broker import LoopBroker
from tests.ingest.memory_store import MemoryStore
from workflows.alarms.model import Alarm, Episode
from workflows.tickets import Ticket


def until(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    """Wait until something holds; fails when it never does."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


class Living:
    """One ingest service, the stores behind it, and what came of it."""

    def __init__(
        self,
        database: Database,
        folder: Path,
        *,
        telemetry: TelemetryStore | None = None,
        address: BrokerAddress,
        open_session: Callable[..., Any] = Session,
        owner: str = "one",
        **settings: Any,
    ) -> None:
        self.database = database
        self.clock = SystemClock()
        self.health = Health(self.clock)
        self.memory = MemoryStore()
        self.telemetry = telemetry or self.memory
        self.names = Names(database)
        chosen = {"data_dir": folder, "flush_seconds": 0.05, **settings}
        self.stores = Stores(
            Settings(**chosen), self.clock, database, self.telemetry, self.health, owner
        )
        if isinstance(telemetry, SpooledStore):
            self.stores = replace(self.stores, drain=telemetry.drain)
        self._address = address
        self._open_session = open_session
        self.service = self._new()

    def _new(self) -> IngestService:
        return IngestService(self.stores, self._address, open_session=self._open_session)

    def start(self) -> "Living":
        """Start it, and wait until it holds the shard."""
        self.service.start()
        until(self.service.ready.is_set)
        return self

    def stop(self) -> bool:
        """Stop it cleanly; returns whether it ended in time."""
        return self.service.stop(60)

    def restart(self) -> None:
        """Stop and start anew."""
        assert self.stop()
        self.service = self._new()
        self.start()

    def message(self, device: str, **values: Any) -> tuple[str, bytes]:
        """A message stamped now."""
        body = {"ts": self.clock.micros() / 1e6, **values}
        return f"wk/v1/riverside/{device}/readings", json.dumps(body).encode()

    def values(self, point: str) -> list[float]:
        """What is stored of a point, in order of time."""
        number = self.names.series[point]
        rows = [batch for batch in self.telemetry.scan([number], 0, 2**62)]
        readings = sorted((row.at, row.value) for batch in rows for row in batch)
        return [value for _, value in readings]

    def rules(self) -> list[tuple[str, str]]:
        """Every episode as (rule, asset)."""
        with self.database.read() as session:
            found = session.execute(
                select(Alarm.rule_id, Alarm.asset_id)
                .join(Episode, Episode.alarm_id == Alarm.id)
                .order_by(Episode.tripped_micros)
            )
            return [(rule, self.names.asset_codes[asset]) for rule, asset in found]

    def tickets(self) -> list[Ticket]:
        """Every ticket."""
        with self.database.read() as session:
            return list(session.scalars(select(Ticket)))

    def reasons(self) -> dict[str, int]:
        """What is in quarantine: reason and how often."""
        found: dict[str, int] = {}
        with self.database.read() as session:
            for row in session.scalars(select(Quarantined).where(Quarantined.state == "waiting")):
                found[row.reason] = found.get(row.reason, 0) + row.count
        return found

    def ill(self) -> dict[str, str]:
        """Parts that are not well, with what they say."""
        return {one.part: one.detail for one in self.health.snapshot() if not one.ok}


Make = Callable[..., Living]


def registry_of(living: Living) -> Registry:
    """The registry by which it judges at this moment."""
    assert living.service._run is not None
    return living.service._run.judge.registry


def tell(broker: LoopBroker, living: Living, device: str, **values: Any) -> None:
    """A device says something now."""
    broker.publish(*living.message(device, **values))


def ask_replay(session: Any, row: Quarantined) -> None:
    """Somebody wants a quarantined row taken in again."""
    events.append(
        session,
        "quarantine.replay",
        ("quarantine", row.id),
        actor=events.SYSTEM,
        learned_at=NOON,
        site_id=row.site_id,
    )
