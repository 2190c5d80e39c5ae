"""When a battery will be empty, by its trend. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import median

# What devices call 10 % is about as far as their radios still carry.
EMPTY = 10.0
# Below this it is changed with the next round, whatever its trend: many cells hold their voltage
# nearly to the end and then fall within days, so a gauge that has begun to fall is believed.
LOW = 20.0
# A rise by as much is a new battery; less is the warmth of a day.
RENEWED = 15.0
# So many days, and so much fallen, are a trend; less is the noise of a gauge.
FEWEST_DAYS = 14
LEAST_FALL = 2.0
# A trend tells nothing of years: it is said that the battery lasts, not for how long.
FURTHEST = timedelta(days=730)
MOST_DAYS = 365


@dataclass(frozen=True, slots=True)
class Forecast:
    """percent: the newest lowest of a day. per_day: how much it falls, where there is a trend.

    empty_on: when it is at EMPTY; None where nothing is to be said, or not within two years. low:
    it is to be changed with the next round whatever the trend. since: the first day of this
    battery, as far as it is known.
    """

    percent: float
    low: bool
    since: date
    per_day: float | None = None
    empty_on: date | None = None


def forecast(days: Sequence[tuple[date, float]], changed: date | None = None) -> Forecast | None:
    """From (day, lowest percent of the day), in order; None without any.

    The slope is the median of those of all pairs of days (Theil-Sen), so that single days of cold,
    or of a gauge that stumbles, count for nothing. changed: when somebody said last that the
    battery was changed; days before it are of another one, and so is the lowest of that day.
    """
    told = [one for one in days if changed is None or one[0] > changed]
    own = _of_this_battery(told)
    if not own:
        return None
    since = changed if changed is not None and own == told else own[0][0]
    last, percent = own[-1]
    low = percent <= LOW
    span = (last - own[0][0]).days
    slope = _slope(own) if span >= FEWEST_DAYS else 0.0
    fallen = -slope * span
    if fallen < LEAST_FALL:
        empty = last if percent <= EMPTY else None
        return Forecast(percent, low, since, None, empty)
    # Where the line is today, not where the gauge happens to be.
    now = median(level - slope * (day - last).days for day, level in own)
    left = timedelta(days=max(0.0, now - EMPTY) / -slope)
    return Forecast(percent, low, since, -slope, last + left if left <= FURTHEST else None)


def _of_this_battery(days: Sequence[tuple[date, float]]) -> list[tuple[date, float]]:
    """From the newest rise on that was a new battery: it lasted for the next days, too."""
    begun = 0
    for place in range(1, len(days)):
        before = median(percent for _, percent in days[max(begun, place - 3) : place])
        after = median(percent for _, percent in days[place : place + 3])
        if days[place][1] - before >= RENEWED and after - before >= RENEWED:
            begun = place
    return list(days[max(begun, len(days) - MOST_DAYS) :])


def _slope(days: Sequence[tuple[date, float]]) -> float:
    """Percent a day; of more than 60 days every n-th stands for the rest."""
    step = -(-len(days) // 60)
    some = [*days[:-1:step], days[-1]]
    slopes = [
        (late[1] - early[1]) / (late[0] - early[0]).days
        for place, early in enumerate(some)
        for late in some[place + 1 :]
    ]
    return median(slopes)
