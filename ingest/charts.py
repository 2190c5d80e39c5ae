"""Copying into a ticket the chart that tripped it, so that it outlives the telemetry."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from core.clock import MICROS
from core.db import Database
from core.telemetry.store import TelemetryStore
from workflows import alarms

HOUR = 3_600 * MICROS
DAY = 24 * HOUR
AFTER = 60 * MICROS
# A point that speaks seldom shows little in an hour; then the day before is drawn.
ENOUGH = 20
DRAWN = 300
# A reading that is not stored by then was erased or replaced.
PATIENCE = 60.0
_TOGETHER = 50

Curve = Sequence[tuple[int, float]]


class Wanted(NamedTuple):
    """Evidence without its chart. at: the moment that it is about, µs."""

    id: UUID
    at: int
    data: Mapping[str, Any]

    @property
    def series(self) -> set[int]:
        """The series of the points that the decision was made on."""
        return {item["series"] for item in self.data.get("inputs", ()) if item.get("series")}


class Charts:
    """Fills in the charts that are still wanted.

    The decision commits before its readings are stored, so a chart has to wait for those; whoever
    restarts finds the unfinished ones again.
    """

    def __init__(self, database: Database, store: TelemetryStore) -> None:
        self._database = database
        self._store = store
        self._since: dict[UUID, float] = {}

    def finish(self, now: float) -> bool:
        """Fill in what can be; returns whether more may be wanted. now: monotonic, seconds.

        Many are read in one go, since each question costs the store about the same. Raises
        TelemetryError while telemetry is away.
        """
        with self._database.read() as session:
            wanted = [
                Wanted(row.id, row.at_micros, row.data)
                for row in alarms.unfinished_charts(session, _TOGETHER)
            ]
        self._since = {one.id: self._since.get(one.id, now) for one in wanted}
        for group in _neighbours(wanted):
            curves = _curves(self._store, group)
            with self._database.write() as session:
                for item in group:
                    if now - self._since[item.id] >= PATIENCE or _is_stored(item, curves):
                        data = {**item.data, "chart": _chart(item, curves)}
                        alarms.keep_chart(session, item.id, data)
        return bool(wanted)


def _is_stored(item: Wanted, curves: Mapping[int, Curve]) -> bool:
    """Whether every reading that it was decided on stands in telemetry."""
    return all(
        any(at >= one["at"] for at, _ in reversed(curves.get(one.get("series") or 0, ())))
        for one in item.data.get("inputs", ())
        if one.get("series") and one["at"] > item.at - HOUR
    )


def _neighbours(wanted: Iterable[Wanted]) -> list[list[Wanted]]:
    """Split into groups whose moments lie within an hour of each other."""
    groups: list[list[Wanted]] = []
    for item in sorted(wanted, key=lambda one: one.at):
        if groups and item.at - groups[-1][0].at <= HOUR:
            groups[-1].append(item)
        else:
            groups.append([item])
    return groups


def _curves(store: TelemetryStore, group: Sequence[Wanted]) -> dict[int, list[tuple[int, float]]]:
    series = set[int]().union(*(item.series for item in group))
    start, end = group[0].at - HOUR, group[-1].at + AFTER
    curves = _scan(store, series, start, end)
    seldom = {one for one in series if len(curves[one]) < ENOUGH}
    if seldom:
        curves |= _scan(store, seldom, group[0].at - DAY, end)
    return curves


def _scan(
    store: TelemetryStore, series: Iterable[int], start: int, end: int
) -> dict[int, list[tuple[int, float]]]:
    curves: dict[int, list[tuple[int, float]]] = {one: [] for one in series}
    if curves:
        for batch in store.scan(sorted(curves), max(start, 0), end):
            for reading in batch:
                curves[reading.series].append((reading.at, reading.value))
    for curve in curves.values():
        curve.sort()
    return curves


def _chart(item: Wanted, curves: Mapping[int, Curve]) -> dict[str, Any]:
    chart = {}
    for one in item.data.get("inputs", ()):
        curve = curves.get(one.get("series") or 0)
        if curve is not None:
            drawn = [(at, value) for at, value in curve if at <= item.at + AFTER][-DRAWN:]
            chart[str(one["series"])] = {
                "point": one["point"],
                "unit": one["unit"],
                "at": [at for at, _ in drawn],
                "value": [value for _, value in drawn],
            }
    return chart
