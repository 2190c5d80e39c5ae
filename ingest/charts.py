"""Copying into a ticket the chart that tripped it, so that it outlives the telemetry."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from core.clock import MICROS
from core.db import Database
from core.telemetry.store import TelemetryStore
from workflows import alarms

_SPANS = (3_600 * MICROS, 24 * 3_600 * MICROS, 7 * 24 * 3_600 * MICROS)
_AFTER = 60 * MICROS
_ENOUGH = 20
_BUCKETS = 240


def finish_charts(database: Database, store: TelemetryStore) -> int:
    """Fill in every chart still wanted; returns how many.

    The decision commits before its readings are stored, so this comes a moment later; whoever
    restarts finds the unfinished ones again. Raises TelemetryError while telemetry is away.
    """
    with database.read() as session:
        wanted = [
            (row.id, row.at_micros, dict(row.data)) for row in alarms.unfinished_charts(session)
        ]
    for evidence_id, at, data in wanted:
        chart = {
            str(item["series"]): {
                "point": item["point"],
                "unit": item["unit"],
                **_readings(store, item["series"], at),
            }
            for item in data.get("inputs", ())
            if item.get("series") is not None
        }
        _keep(database, evidence_id, {**data, "chart": chart})
    return len(wanted)


def _readings(store: TelemetryStore, series: int, at: int) -> dict[str, Sequence[Any]]:
    """The hour before the moment; for slow points the day or the week."""
    found: dict[str, Sequence[Any]] = {}
    for span in _SPANS:
        step = max(span // _BUCKETS, 1)
        buckets = store.series(series, at - span, at + _AFTER, step)
        found = {
            "at": buckets.start,
            "value": buckets.mean,
            "minimum": buckets.minimum,
            "maximum": buckets.maximum,
        }
        if len(buckets.start) >= _ENOUGH:
            break
    return found


def _keep(database: Database, evidence_id: UUID, data: dict[str, Any]) -> None:
    with database.write() as session:
        alarms.keep_chart(session, evidence_id, data)
