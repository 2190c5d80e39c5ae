"""What charts are drawn from: evidence that was copied in, and telemetry around it."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from core.clock import MICROS, to_micros
from core.places import Asset
from core.telemetry.store import TelemetryError, TelemetryStore
from rules import units
from rules.catalog import shipped_catalog
from rules.expression import syntax
from rules.expression.parser import parse
from web.naming import point_name
from web.reader import NO, YES, Reader
from web.visit import Visit
from workflows.overview import PointView

BUCKETS = 360
BEFORE = 30 * 60 * MICROS
AFTER = 10 * 60 * MICROS
LONGEST = 24 * 3600 * MICROS
SERIES_AT_MOST = 4
MARKS = ("trip", "recovery")
Curve = tuple[list[int], list[float]]


def ticket_chart(visit: Visit, ticket: Mapping[str, Any], asset: Asset | None) -> dict[str, Any]:
    """The curves around what tripped a ticket, its marks and limits; times in seconds.

    Begins half an hour before the latest trip and goes on to the present, a day at most.
    """
    evidence: Sequence[Mapping[str, Any]] = ticket["evidence"]
    trips = [row for row in evidence if row["kind"] == "trip"]
    site_id = ticket["site_id"]
    if not trips or not visit.may("telemetry.read", site_id):
        return {"series": [], "marks": []}
    tripped = to_micros(trips[-1]["at"])
    now = to_micros(visit.reader.now)
    recovered = [to_micros(row["at"]) for row in evidence if row["kind"] == "recovery"]
    over = max((at for at in recovered if at >= tripped), default=None)
    end = min(now, tripped + LONGEST, *((over + AFTER,) if over else ()))
    window = (tripped - BEFORE, max(end, tripped + MICROS))
    inputs = trips[-1]["data"].get("inputs", ())[:SERIES_AT_MOST]
    limits = limits_of(trips[-1]["data"].get("condition", ""), inputs)
    known = shipped_catalog().get(asset.type) if asset else None
    series = []
    for item in inputs:
        curve = _merged(visit.parts.telemetry, item, evidence, window)
        point = known.points.get(item["point"]) if known else None
        series.append(
            {
                "name": point_name(known, item["point"], {}, visit.reader),
                "unit": item.get("unit"),
                **_scale(
                    point.kind if point else "number", point.states if point else (), visit.reader
                ),
                "limits": limits.get(item["point"], []),
                **_drawn(curve),
            }
        )
    marks = [
        {
            "at": to_micros(row["at"]) / MICROS,
            "kind": row["kind"],
            "label": visit.reader.word("mark", row["kind"]),
        }
        for row in evidence
        if row["kind"] in MARKS
    ]
    return {"series": series, "marks": marks}


def _scale(kind: str, states: Sequence[str] | None, reader: Reader) -> dict[str, Any]:
    """How the values are written at the axis: as numbers, or in words."""
    if kind == "boolean":
        return {"states": [reader.translate(NO), reader.translate(YES)]}
    return {"states": list(states or ())}


def _drawn(curve: Curve) -> dict[str, Any]:
    return {"at": [at / MICROS for at in curve[0]], "value": curve[1]}


def _merged(
    telemetry: TelemetryStore,
    item: Mapping[str, Any],
    evidence: Iterable[Mapping[str, Any]],
    window: tuple[int, int],
) -> Curve:
    """Telemetry's buckets, and in the stretch that was copied in the readings themselves."""
    series = item.get("series")
    if series is None:
        return [], []
    copied = _copied(evidence, series, window)
    measured = buckets(telemetry, series, window)
    if not copied[0]:
        return measured
    first = bisect_left(measured[0], copied[0][0])
    rest = bisect_right(measured[0], copied[0][-1])
    at = [*measured[0][:first], *copied[0], *measured[0][rest:]]
    value = [*measured[1][:first], *copied[1], *measured[1][rest:]]
    return at, value


def _copied(evidence: Iterable[Mapping[str, Any]], series: int, window: tuple[int, int]) -> Curve:
    found: dict[int, float] = {}
    for row in evidence:
        chart = (row.get("chart") or {}).get(str(series))
        if chart:
            found |= zip(chart["at"], chart["value"], strict=True)
    at = sorted(moment for moment in found if window[0] <= moment < window[1])
    return at, [found[moment] for moment in at]


def buckets(telemetry: TelemetryStore, series: int, window: tuple[int, int]) -> Curve:
    """The mean of a series in at most 360 steps; empty while telemetry is away."""
    start, end = window
    step = max(MICROS, (end - start) // BUCKETS // MICROS * MICROS)
    try:
        found = telemetry.series(series, start, end, step)
    except TelemetryError:
        return [], []
    return list(found.start), list(found.mean)


def limits_of(condition: str, inputs: Iterable[Mapping[str, Any]]) -> dict[str, list[float]]:
    """The constants that a condition compares points with, by point, in each point's unit."""
    unit_of = {item["point"]: item.get("unit") for item in inputs}
    try:
        tree = parse(condition)
    except syntax.ExpressionError:
        return {}
    found: dict[str, list[float]] = {}
    for point, number in _comparisons(tree):
        limit = _in_unit(number, unit_of.get(point))
        if limit is not None:
            found.setdefault(point, []).append(limit)
    return found


def _comparisons(node: syntax.Node) -> Iterator[tuple[str, syntax.Number]]:
    match node:
        case syntax.Comparison(left=syntax.Name() as name, right=syntax.Number() as number):
            yield name.name, number
        case syntax.Comparison(left=syntax.Number() as number, right=syntax.Name() as name):
            yield name.name, number
        case syntax.Not(operand=operand):
            yield from _comparisons(operand)
        case syntax.Junction(operands=operands):
            for operand in operands:
                yield from _comparisons(operand)


def _in_unit(number: syntax.Number, unit: str | None) -> float | None:
    if number.unit is None or unit is None or number.unit == unit:
        return number.value
    try:
        return units.convert(number.value, number.unit, unit)
    except units.UnitError:
        return None


def day_chart(
    telemetry: TelemetryStore, points: Iterable[tuple[PointView, str]], reader: Reader
) -> list[dict[str, Any]]:
    """The last 24 hours of points, each with the name it is shown under; times in seconds."""
    now = to_micros(reader.now)
    return [
        {
            "point": str(point.id),
            "name": name,
            "unit": point.unit,
            **_scale(point.kind, point.states, reader),
            "limits": [],
            **_drawn(buckets(telemetry, point.series, (now - LONGEST, now))),
        }
        for point, name in points
    ]
