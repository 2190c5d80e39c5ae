"""What the pictures of the alarm load are drawn from: shapes on a canvas that stretches."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

from web.reader import Reader
from workflows.alarms.load import TARGETS, AlarmLoad

HEIGHT = 100
HOURS = 24
# From how many times the target of an hour on each colour begins.
STEPS = (0.0, 1.0, 2.0, 10.0)
# 80, 15 and 5 %, of which less than one is of the highest priority.
WANTED: Mapping[str, float] = {"low": 80, "medium": 15, "high": 4, "critical": 1}
# So many days get their names under the picture.
NAMED_DAYS = 6


@dataclass(frozen=True, slots=True)
class Bar:
    """A day's bar. x, y, height: on a canvas as wide as there are days and 100 high."""

    x: int
    y: float
    height: float
    over: bool
    title: str


@dataclass(frozen=True, slots=True)
class DayBars:
    """The alarms of each day. target_y: where the target of a day lies, if on the canvas."""

    bars: Sequence[Bar]
    most: int
    target: float
    target_y: float | None


def day_bars(load: AlarmLoad, reader: Reader) -> DayBars:
    """A bar for each day, and what those on duty could handle in a day."""
    target = _an_hour(load) * HOURS
    most = max([*load.by_day, 1])
    # The target stands in the picture where that leaves the bars to be seen.
    top = max(most, target) if target < 4 * most else most
    bars = [
        Bar(
            x=number,
            y=round(HEIGHT - count * HEIGHT / top, 2),
            height=round(count * HEIGHT / top, 2),
            over=count > target,
            title=f"{day_name(reader, day)}: {reader.number(count)}",
        )
        for number, (day, count) in enumerate(zip(load.days, load.by_day, strict=True))
        if count
    ]
    target_y = round(HEIGHT - target * HEIGHT / top, 2) if target <= top else None
    return DayBars(bars, max(load.by_day, default=0), target, target_y)


def hour_map(load: AlarmLoad) -> list[dict[str, Any]]:
    """For each colour a path over the hours that have it, on a canvas of days by 24 hours."""
    target = _an_hour(load)
    paths: defaultdict[int, list[str]] = defaultdict(list)
    for (day, hour), count in sorted(load.hours.items()):
        level = sum(count > step * target for step in STEPS) - 1
        paths[max(level, 0)].append(f"M{day} {hour}h1v1h-1z")
    return [
        {
            "level": level + 1,
            "path": "".join(paths[level]),
            "from": step * target,
            "to": STEPS[level + 1] * target if level + 1 < len(STEPS) else None,
        }
        for level, step in enumerate(STEPS)
    ]


def named_days(looked_at: Iterable[date], reader: Reader) -> list[str]:
    """Some of the days, evenly spread, to stand under a picture."""
    days = list(looked_at)
    count = min(NAMED_DAYS, len(days))
    return [day_name(reader, days[number * len(days) // count]) for number in range(count)]


def priority_bars(load: AlarmLoad) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """How the priorities are shared, and how they should be; in percent, from the left."""
    shares = {code: load.metrics[code].value or 0.0 for code in WANTED}
    return _stacked(shares), _stacked(WANTED)


def _stacked(shares: Mapping[str, float]) -> list[dict[str, Any]]:
    left, found = 0.0, []
    for code, share in shares.items():
        found.append({"code": code, "x": round(left, 2), "width": round(share, 2)})
        left += share
    return found


def _an_hour(load: AlarmLoad) -> float:
    """What everybody on duty together could handle in an hour."""
    return (TARGETS["rate_hour"].target or 0) * max(load.operators, 1) * max(len(load.sites), 1)


def day_name(reader: Reader, day: date) -> str:
    """A day as a picture names it, with its weekday."""
    return reader.day(datetime.combine(day, time(12), reader.zone))
