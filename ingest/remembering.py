"""Building the windows of rules again from stored readings: at start, and for rules that are new.

What a window holds is what was judged, so it is built from the readings that were not late.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from core.telemetry.readings import Quality
from core.telemetry.store import TelemetryError, TelemetryStore
from ingest.registry import PointState, Windowed
from rules.durations import HOUR
from rules.past import Readings


@dataclass(frozen=True, slots=True)
class _Wanted:
    """The past that windows need of a point: from `span` before its newest reading, at `at`."""

    at: int
    span: int


def remember(telemetry: TelemetryStore, these: Iterable[Windowed]) -> list[str]:
    """Build the windows of instances whose points are in place; returns what is blind, in words.

    Where the store can't tell, or what it tells ends before the newest reading because readings
    wait in the spool, the window stays empty and the rule can't be told until it has filled.
    """
    these = list(these)
    for instance, _ in these:
        if instance.past is not None and not instance.past.windows:
            # Hours and baselines need no readings for it.
            instance.past.rebuild({})
    these = [each for each in these if each[0].past is not None and each[0].past.windows]
    points = {point.series: point for _, binding in these for point in binding.points}
    try:
        history = _read(telemetry, _wanted(these, points))
        trouble = ""
    except TelemetryError as error:
        history, trouble = {}, str(error)
    blind = set()
    for instance, binding in these:
        assert instance.past is not None
        known = {p.code: history.get(p.series, ()) for p in binding.points}
        if any(_falls_short(p, known[p.code]) for p in binding.points):
            known = {}
            blind.add(binding.facts.rule_id)
        instance.past.rebuild(known)
    reason = trouble or "some of their readings are not stored yet"
    return [f"rule {rule} is blind until its window has filled: {reason}" for rule in sorted(blind)]


def _falls_short(point: PointState, known: Readings) -> bool:
    return point.at > 0 and (not known or known[-1][0] != point.at)


def _wanted(these: Iterable[Windowed], points: Mapping[int, PointState]) -> dict[int, _Wanted]:
    spans: dict[int, int] = defaultdict(int)
    for instance, binding in these:
        assert instance.past is not None
        series = {point.code: point.series for point in binding.points}
        for code in instance.past.copies.keys() & series.keys():
            spans[series[code]] = max(spans[series[code]], 1)
        for code, span in instance.past.windows:
            spans[series[code]] = max(spans[series[code]], span)
    return {
        series: _Wanted(points[series].at, span)
        for series, span in spans.items()
        if points[series].at > 0
    }


def _read(telemetry: TelemetryStore, wanted: Mapping[int, _Wanted]) -> dict[int, Readings]:
    """Of each series its judged readings within the span, and the last one before that."""
    found: dict[int, list[tuple[int, float]]] = defaultdict(list)
    for together, start, end in _groups(wanted):
        _gather(telemetry, together, start, end, found)
    # The value at the beginning of a window may be older than twice its span.
    short = [
        series
        for series, want in wanted.items()
        if not any(at <= want.at - want.span for at, _ in found[series][:1])
    ]
    if short:
        older: dict[int, list[tuple[int, float]]] = defaultdict(list)
        latest = max(wanted[series].at - wanted[series].span for series in short)
        _gather(telemetry, short, 0, latest + 1, older)
        for series in short:
            beginning = wanted[series].at - wanted[series].span
            before = [one for one in older[series] if one[0] <= beginning]
            found[series] = before[-1:] + found[series]
    return {series: _trimmed(found[series], want) for series, want in wanted.items()}


def _groups(wanted: Mapping[int, _Wanted]) -> Iterator[tuple[list[int], int, int]]:
    """Series that are read together, with the start and end of the span read: (start, end)."""
    groups: dict[tuple[int, int], list[int]] = defaultdict(list)
    for series, want in wanted.items():
        groups[want.span, want.at // HOUR].append(series)
    for (span, _), together in groups.items():
        times = [wanted[each].at for each in together]
        yield together, max(min(times) - 2 * span, 0), max(times) + 1


def _gather(
    telemetry: TelemetryStore,
    series: list[int],
    start: int,
    end: int,
    into: dict[int, list[tuple[int, float]]],
) -> None:
    late = int(Quality.LATE)
    for batch in telemetry.scan(series, start, end):
        columns = zip(batch.series, batch.at, batch.value, batch.quality, strict=True)
        for one, at, value, quality in columns:
            if quality != late:
                into[one].append((at, value))
    for readings in into.values():
        readings.sort()


def _trimmed(readings: list[tuple[int, float]], want: _Wanted) -> Readings:
    """Without what is older than the value that held at the beginning."""
    beginning = want.at - want.span
    older = sum(1 for at, _ in readings if at <= beginning)
    return [one for one in readings[max(older - 1, 0) :] if one[0] <= want.at]
