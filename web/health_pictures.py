"""What the pictures of a device's health are drawn from: shapes on a canvas that stretches."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from web.load_pictures import HEIGHT, Bar
from web.reader import Reader

WIDTH = 1000
# A forecast is drawn no further ahead than that, or there would be nothing to see of what was.
FURTHEST = timedelta(days=60)


@dataclass(frozen=True, slots=True)
class HourBars:
    """How many readings came each hour. most: of an hour; names: times to stand below."""

    bars: Sequence[Bar]
    most: int
    names: Sequence[str]


@dataclass(frozen=True, slots=True)
class Trend:
    """A battery's days and where its line goes, on a canvas of 1,000 by 100.

    points, ahead: of the lines; ahead is empty without a forecast. empty_y: what counts as empty.
    """

    points: str
    ahead: str
    empty_y: float
    first: date
    last: date


def hour_bars(hours: Sequence[Mapping[str, Any]], reader: Reader) -> HourBars:
    """A bar for each hour."""
    most = max((one["readings"] for one in hours), default=0)
    bars = [
        Bar(
            x=place,
            y=round(HEIGHT - one["readings"] * HEIGHT / most, 2),
            height=round(one["readings"] * HEIGHT / most, 2),
            over=False,
            title=f"{reader.clock(one['start'])}: {reader.number(one['readings'])}",
        )
        for place, one in enumerate(hours)
        if one["readings"]
    ]
    return HourBars(bars, most, [reader.clock(one["start"]) for one in hours[::6]])


def battery_trend(battery: Mapping[str, Any]) -> Trend | None:
    """The days of a battery with its forecast; None where there are too few to see anything."""
    days = [(one["day"], one["percent"]) for one in battery["days"]]
    since = battery["since"]
    if since is not None:
        # What was before is of another battery; a little of it shows that it was changed.
        days = [one for one in days if one[0] >= since - timedelta(days=14)]
    if len(days) < 2:
        return None
    first, last = days[0][0], days[-1][0]
    end, ahead = last, list[tuple[date, float]]()
    falls, empty_on, empty = battery["per_day"], battery["empty_on"], battery["empty_at"]
    if falls and empty_on and empty_on > last:
        end = min(empty_on, last + max(FURTHEST, last - first))
        ahead = [(day, empty + falls * (empty_on - day).days) for day in (last, end)]
    width = (end - first).days

    def line(some: Sequence[tuple[date, float]]) -> str:
        return " ".join(
            f"{(day - first).days * WIDTH / width:.1f},{HEIGHT - min(percent, 100):.1f}"
            for day, percent in some
        )

    return Trend(line(days), line(ahead), HEIGHT - empty, first, end)
