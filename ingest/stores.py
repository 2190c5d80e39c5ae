"""The stores that ingest works on, handed over by the front door."""

from collections.abc import Callable
from dataclasses import dataclass

from core.clock import Clock
from core.db import Database
from core.health import Health
from core.settings import Settings
from core.telemetry.store import TelemetryStore


@dataclass(frozen=True, slots=True)
class Stores:
    """Everything ingest reads and writes. owner: who holds the shard's lease, stable over restarts
    of the same installation, so that it need not wait for its own old lease to end.

    drain: brings a part of what waits in telemetry's spool home; returns how many readings.
    """

    settings: Settings
    clock: Clock
    database: Database
    telemetry: TelemetryStore
    health: Health
    owner: str
    drain: Callable[[], int] = lambda: 0
