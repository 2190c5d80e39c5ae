"""Back-tests of a month: how long, how many readings a second, how much memory."""

import resource
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import pyarrow as pa

from core.telemetry.duckdb_store import DuckDBStore
from core.telemetry.readings import SCHEMA, ReadingBatch
from rules.catalog import shipped_catalog
from rules.document import load_rules
from rules.replay import Listening, PlacedDevice, PlacedPoint, PlacedRule, Scene
from rules.rule import Rule
from workflows.laboratory import Order, Result, run
from workflows.laboratory.orders import lead_of
from workflows.laboratory.scenes import Cast, Subject

Told = Callable[[str], None]

MINUTE = 60_000_000
DAY = 1440 * MINUTE
START = 1_790_000_000_000_000 // DAY * DAY
_RULE = """\
id: tried
title: {{en: Tried, zh: 试用}}
applies_to: {{asset_type: pump}}
when: {when}
clear_when: {clear}
for: 5m
severity: low
ticket: {{kind: repair, category: mechanical, team: maintenance}}
"""
RULES = {
    "threshold": ("motor_temperature > 75 °C", "motor_temperature < 70 °C"),
    "windowed": ("avg(motor_temperature, 10m) > 72 °C", "avg(motor_temperature, 10m) < 70 °C"),
}


def backtest(*, points: int, days: int, kinds: list[str], told: Told) -> dict[str, Any]:
    """A rule on points of one a minute, over the product's own store."""
    with tempfile.TemporaryDirectory() as folder:
        store = DuckDBStore(Path(folder) / "telemetry.duckdb", threads=2)
        try:
            told(f"writing {points * days * 1440:,} readings")
            _fill(store, points, days)
            report: dict[str, Any] = {"points": points, "days": days}
            for kind in kinds:
                told(f"{kind} rule")
                report[kind] = _figures(run(_order(kind, points, days), store, lambda *_: None))
        finally:
            store.close()
    return report


def _fill(store: DuckDBStore, points: int, days: int) -> None:
    chance = np.random.default_rng(7)
    series = np.arange(points)
    phase = chance.uniform(0, 6, points)
    for day in range(days):
        minutes = np.arange(1440)
        at = START + day * DAY + minutes[:, None] * MINUTE
        at = at + chance.integers(0, MINUTE // 10, (1440, points))
        wave = np.sin(minutes[:, None] / 1440 * 6.28 + phase + day)
        value = 55 + 14 * wave + chance.normal(0, 2, (1440, points))
        # Each pump runs hot for two hours about twice a month.
        hot = chance.random(points) < 1 / 15
        begin = chance.integers(0, 1320, points)
        value += 25 * (hot & (minutes[:, None] >= begin) & (minutes[:, None] < begin + 120))
        received = at + 200_000
        order = np.argsort(received, axis=None, kind="stable")
        columns = (np.broadcast_to(series, at.shape), at, value, received, np.zeros(at.shape))
        arrays = [
            pa.array(column.reshape(-1)[order].astype(field.type.to_pandas_dtype()))
            for column, field in zip(columns, SCHEMA, strict=True)
        ]
        store.write(ReadingBatch.from_arrow(pa.RecordBatch.from_arrays(arrays, schema=SCHEMA)))
        store.roll_up(START + (day + 1) * DAY + DAY)


def _order(kind: str, points: int, days: int) -> Order:
    when, clear = RULES[kind]
    catalog = shipped_catalog()
    loaded = load_rules(_RULE.format(when=when, clear=clear), "rule", catalog)
    rule = loaded.rules[0]
    casts = [_cast(rule, number) for number in range(points)]
    listening, end = Listening(), START + days * DAY
    return Order(rule, (), casts, dict(catalog), listening, {}, START, end, lead_of([rule]))


def _cast(rule: Rule, number: int) -> Cast:
    asset = UUID(int=number)
    subject = Subject(asset, asset, f"pump-{number}", {}, "pump", "UTC")
    point = PlacedPoint(str(asset), "motor_temperature", 0)
    scene = Scene((point,), (PlacedDevice(),), (PlacedRule(rule, str(asset)),))
    return Cast((subject,), (number,), (scene,))


def _figures(result: Result) -> dict[str, Any]:
    peak = max(
        resource.getrusage(who).ru_maxrss
        for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    return {
        "readings": result.readings,
        "alarms": result.new.alarms,
        "seconds": round(result.seconds, 1),
        "readings_a_second": round(result.readings / result.seconds),
        "peak_mib_of_the_largest_process": peak // 1024,
    }
