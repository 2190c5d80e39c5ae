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
from web.reader import NO, YES, Reader
from web.reasons_many import input_name
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
    assets = trips[-1]["data"].get("assets", {})
    inputs = [{**item, "point": _as_written(item["point"], assets)} for item in inputs]
    limits = limits_of(trips[-1]["data"].get("condition", ""), inputs)
    own = asset.type if asset else ""
    series = []
    for item, kept in zip(inputs, trips[-1]["data"].get("inputs", ()), strict=False):
        of_other, _, code = item["point"].rpartition(".")
        known = shipped_catalog().get(of_other or own)
        point = known.points.get(code) if known else None
        name = input_name(kept["point"], own, assets, shipped_catalog(), visit.reader)
        if point is not None and point.kind == "event":
            curve = happenings(visit.parts.telemetry, item.get("series"), window)
        else:
            curve = _merged(visit.parts.telemetry, item, evidence, window)
        series.append(
            {
                "name": name,
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


def _as_written(key: str, assets: Mapping[str, Any]) -> str:
    """How the condition writes a point of the evidence: those of other assets by their type."""
    code, _, point = key.rpartition("/")
    return f"{assets.get(code, {}).get('type', code)}.{point}" if code else point


def _scale(kind: str, states: Sequence[str] | None, reader: Reader) -> dict[str, Any]:
    """How the values are written at the axis: as numbers, or in words."""
    if kind == "boolean":
        return {"states": [reader.translate(NO), reader.translate(YES)]}
    if kind == "event":
        return {"states": [], "events": True}
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


def happenings(telemetry: TelemetryStore, series: int | None, window: tuple[int, int]) -> Curve:
    """How often an event happened in each of at most 360 steps, from edge to edge of the window.

    Empty where it did not happen, or telemetry is away.
    """
    start, end = window
    step = max(MICROS, (end - start) // BUCKETS // MICROS * MICROS)
    try:
        found = telemetry.series(series, start, end, step) if series is not None else None
    except TelemetryError:
        found = None
    if found is None or not len(found.start):
        return [], []
    within = [
        (max(at, start + 1), number) for at, number in zip(found.start, found.count, strict=True)
    ]
    at = [start, *(moment for moment, _ in within), max(end, within[-1][0] + 1)]
    return at, [0.0, *(float(number) for _, number in within), 0.0]


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
        case syntax.Not(operand=operand) | syntax.Over(condition=operand):
            yield from _comparisons(operand)
        case syntax.Call(arguments=(syntax.Over() as over,)):
            yield from _comparisons(over)
        case syntax.Comparison(left=syntax.Call() as call):
            yield from _comparisons(call)
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
    named = ((point, name, point.code) for point, name in points)
    return history_chart(telemetry, named, (now - LONGEST, now), reader)


def history_chart(
    telemetry: TelemetryStore,
    points: Iterable[tuple[PointView, str, str]],
    window: tuple[int, int],
    reader: Reader,
    condition: str = "",
) -> list[dict[str, Any]]:
    """A stretch of points, each with the name it is shown under and what a condition calls it, and
    the limits of the condition."""
    shown = list(points)
    inputs = [{"point": key, "unit": point.unit} for point, _, key in shown]
    limits = limits_of(condition, inputs) if condition else {}
    return [
        {
            "point": str(point.id),
            "name": name,
            "unit": point.unit,
            **_scale(point.kind, point.states, reader),
            "limits": limits.get(key, []),
            **_drawn(
                happenings(telemetry, point.series, window)
                if point.kind == "event"
                else buckets(telemetry, point.series, window)
            ),
        }
        for point, name, key in shown
    ]
