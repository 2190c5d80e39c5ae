"""The shapes of measured values in answers, and how they are made from telemetry."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from api.context import Parts
from core.clock import from_micros
from core.telemetry.readings import Last, Quality
from core.telemetry.store import TelemetryError

# Steps that people read easily, in seconds.
STEPS = (1, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400)
DEFAULT_BUCKETS = 600
MOST_BUCKETS = 10_000


class LastReading(BaseModel):
    """The newest reading by its own time. state: the text that stands for the value."""

    at: datetime
    value: float
    received: datetime
    quality: str
    state: str | None = Field(description="For a point of kind state.")


def last_reading(last: Last, states: Sequence[str] | None) -> dict[str, Any]:
    """A last value as answers show it."""
    index = int(last.value)
    return {
        "at": from_micros(last.at),
        "value": last.value,
        "received": from_micros(last.received),
        "quality": Quality(last.quality).name.lower(),
        "state": states[index] if states and 0 <= index < len(states) else None,
    }


def with_last(parts: Parts, points: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Points with their last values; none while telemetry is away, which /readyz tells."""
    rows = list(points)
    lasts = last_values(parts, [row["series"] for row in rows]) or {}
    return [{**row, "last": _shown(lasts, row)} for row in rows]


def _shown(lasts: Mapping[int, Last], row: Mapping[str, Any]) -> dict[str, Any] | None:
    last = lasts.get(row["series"])
    return None if last is None else last_reading(last, row["states"])


def last_values(parts: Parts, series: Sequence[int]) -> dict[int, Last] | None:
    """The newest reading of each series; None while telemetry is away."""
    if not series:
        return {}
    try:
        return parts.telemetry.last(series)
    except TelemetryError:
        return None


def default_step(seconds: float) -> int:
    """The smallest easy step, in seconds, that cuts `seconds` into at most DEFAULT_BUCKETS."""
    fitting = (step for step in STEPS if seconds / step <= DEFAULT_BUCKETS)
    days = -(-int(seconds) // (86400 * DEFAULT_BUCKETS))
    return next(fitting, max(1, days) * 86400)
