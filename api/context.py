"""What the API and the pages work with, put together once by the front door."""

from dataclasses import dataclass

from core.clock import Clock
from core.db import Database
from core.health import Health
from core.settings import Settings
from core.telemetry.store import TelemetryStore


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of a running product that answer people and programs."""

    settings: Settings
    clock: Clock
    database: Database
    telemetry: TelemetryStore
    health: Health
