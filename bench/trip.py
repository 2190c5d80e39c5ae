"""What one trip costs: CPU of writing it down, CPU of the answer that shows it.

Unlike the latency, these figures hardly depend on what else the machine is doing.
"""

import asyncio
import statistics
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import orjson

from api.app import create_app
from api.context import Parts
from bench import site
from core import leases
from core.clock import SystemClock, to_micros
from core.db import Database, sqlite_url
from core.health import Health
from core.people import administrator_of, issue
from core.schema import migrate
from core.settings import load
from core.telemetry.duckdb_store import DuckDBStore
from core.vault import Vault
from ingest.committing import Tenure, commit
from ingest.pipeline import Batch, Judge, Taker
from ingest.receipt_clock import ReceiptClock
from ingest.registry import load_registry
from rules.slots import ReceiptNow

_LEASE = timedelta(hours=1)
_ADDRESS = "/api/v1/tickets?limit=50"


class _Stage:
    """The deciding thread and the API over one database, without broker and threads."""

    def __init__(self, folder: Path, trips: int) -> None:
        self.clock = SystemClock()
        self.database = Database(sqlite_url(folder / "watchkeeper.sqlite"))
        migrate(self.database)
        site.build(self.database, self.clock.now(), devices=1, types=1, rules=1, trips=trips)
        with self.database.write() as session:
            person = administrator_of(session)
            assert person is not None
            self.token = issue(session, person.id, "token", now=self.clock.now(), proved=True)
        owned = leases.claim(
            self.database, "ingest:main", "bench", now=self.clock.now(), lifetime=_LEASE
        )
        assert owned is not None
        self.tenure = Tenure("main", "bench", owned)
        clock = ReceiptClock([], 0)
        clock.begin(to_micros(self.clock.now()))
        now = ReceiptNow(clock.now())
        with self.database.read() as session:
            registry = load_registry(session, now)
        self.judge = Judge(registry, clock, now)
        self.taker = Taker(self.judge, lambda payload: None, lambda payload: None)
        self.telemetry = DuckDBStore(folder / "telemetry.duckdb")
        settings = load(data_dir=folder)
        self.vault = Vault(settings)
        parts = Parts(settings, self.clock, self.database, self.telemetry, Health(self.clock))
        self.app = create_app(parts)

    def trip(self, number: int) -> float:
        """Let a device trip and write it down; returns the CPU seconds of deciding and commit."""
        received = to_micros(self.clock.now())
        payload = orjson.dumps({"ts": received / 1e6, "temperature": 99.5})
        topic = f"wk/v1/{site.SITE}/trip{number}/readings".encode()
        started = time.thread_time()
        self.taker.take([(topic, payload, 0, 0)], received)
        batch, self.judge.batch = self.judge.batch, Batch()
        done = commit(self.database, self.tenure, batch, self.clock.now(), vault=self.vault)
        assert done.tickets == 1
        return time.thread_time() - started

    def close(self) -> None:
        self.telemetry.close()
        self.database.close()


def trip(*, trips: int = 300) -> dict[str, Any]:
    """Let `trips` devices trip, one after another, and read the list after each.

    Returns medians of CPU in ms: trip_cpu_ms (decision to commit), list_cpu_ms (the first answer
    after a commit), list_again_cpu_ms (the next, which finds it made).
    """
    with tempfile.TemporaryDirectory(prefix="wk-bench-") as name:
        stage = _Stage(Path(name), trips)
        try:
            return asyncio.run(_measure(stage, trips))
        finally:
            stage.close()


async def _measure(stage: _Stage, trips: int) -> dict[str, Any]:
    written: list[float] = []
    first: list[float] = []
    again: list[float] = []
    headers = {"Authorization": f"Bearer {stage.token}"}
    transport = httpx.ASGITransport(stage.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://bench") as client:
        for number in range(trips):
            written.append(stage.trip(number))
            for figures in (first, again):
                started = time.process_time()
                answer = await client.get(_ADDRESS, headers=headers)
                figures.append(time.process_time() - started)
                answer.raise_for_status()
    return {
        "trip_cpu_ms": round(1000 * statistics.median(written), 3),
        "list_cpu_ms": round(1000 * statistics.median(first), 3),
        "list_again_cpu_ms": round(1000 * statistics.median(again), 3),
    }
