"""Six weeks of hourly values, and what they say that the next hours will be."""

import base64
import math
from array import array
from collections import deque
from collections.abc import Iterator
from typing import Any

from rules.baseline.robust import median

WEEKS = 6
DAY = 24
WEEK = 7 * DAY
SIZE = WEEKS * WEEK
LEARNS_FROM_DAYS = WEEKS * 7
# 1970-01-01 was a Thursday.
_FIRST_WEEKDAY = 3
_NAN = math.nan
# Errors of forecasters are remembered for about so many hours.
_MEMORY = 120
# How decisively the better forecaster is believed.
_SHARPNESS = 6
FLAT, DAILY, TYPED, WEEKLY, TYPED_LEVEL, WEEKLY_LEVEL = range(6)
_FORECASTERS = 6
# The forecasters that don't follow the level of the day.
_STEADY = (TYPED, WEEKLY)

Candidates = tuple[float, ...]


def weekday(hour: int) -> int:
    """The day of the week of local hour number `hour`, 0 = Monday."""
    return (hour // DAY + _FIRST_WEEKDAY) % 7


def day_off(hour: int) -> bool:
    """Whether local hour number `hour` is on a Saturday or Sunday."""
    return weekday(hour) >= 5


class Hours:
    """The hourly values of the last six weeks by local hour number, NaN where there is none.

    Forecasts are a mixture of simple ones, each believed by how well it did on this very point:
    that is how a point with a season of the day, of the week or with none is told apart.
    """

    __slots__ = ("_values", "errors", "levels", "newest", "offs", "tried")

    def __init__(self) -> None:
        self._values = array("f", [_NAN]) * SIZE
        self.newest: int | None = None
        # Mean absolute error of each forecaster, and how often it was tried.
        self.errors = [0.0] * _FORECASTERS
        self.tried = 0
        # How far the last day was off the forecasts that don't follow the level of that day.
        self.offs = tuple(deque[float](maxlen=DAY) for _ in _STEADY)
        self.levels = [0.0, 0.0]

    def value(self, hour: int) -> float:
        """The value of a local hour, NaN if it isn't known."""
        if self.newest is None or not self.newest - SIZE < hour <= self.newest:
            return _NAN
        return self._values[hour % SIZE]

    def put(self, hour: int, value: float) -> None:
        """Remembers the value of `hour`, NaN for nothing that may be learned from."""
        if self.newest is None:
            self.newest = hour
        for skipped in range(max(self.newest + 1, hour - SIZE + 1), hour + 1):
            self._values[skipped % SIZE] = _NAN
        if hour > self.newest - SIZE:
            self.newest = max(self.newest, hour)
            self._values[hour % SIZE] = value

    def shift(self, by: float) -> None:
        """Moves the whole past, so that its seasons stand at another level."""
        self._values = array("f", [value + by for value in self._values])

    def known_days(self) -> int:
        """Over how many days its values reach."""
        return sum(not math.isnan(value) for value in self._values) // DAY

    def _earlier(self, hour: int, step: int, furthest: int) -> Iterator[float]:
        for back in range(step, furthest + 1, step):
            value = self.value(hour - back)
            if value == value:
                yield value

    def _of_type(self, hour: int) -> Iterator[float]:
        off = day_off(hour)
        for back in range(DAY, 28 * DAY + 1, DAY):
            if day_off(hour - back) is off:
                value = self.value(hour - back)
                if value == value:
                    yield value

    def candidates(self, hour: int) -> Candidates | None:
        """What each forecaster says of `hour`, from hours before the last; None = too little."""
        lately = _first(self._earlier(hour - 1, 1, 8 * DAY), DAY)
        daily = _first(self._earlier(hour, DAY, 14 * DAY), 7)
        if len(lately) < 6 or not daily:
            return None
        day = median(daily)
        typed_values = _first(self._of_type(hour), 10)
        typed = median(typed_values) if typed_values else day
        weekly_values = list(self._earlier(hour, WEEK, SIZE))
        weekly = median(weekly_values) if len(weekly_values) >= 3 else typed
        return (
            median(lately), day, typed, weekly,
            typed + self.levels[0], weekly + self.levels[1],
        )  # fmt: skip

    def mixed(self, candidates: Candidates) -> float:
        """The one forecast: the better a forecaster did, the more it counts."""
        if not self.tried:
            return candidates[TYPED]
        best = min(self.errors)
        floor = best * 1e-3 + 1e-12
        weights = [((best + floor) / (error + floor)) ** _SHARPNESS for error in self.errors]
        told = sum(weight * each for weight, each in zip(weights, candidates, strict=True))
        return told / sum(weights)

    @property
    def error(self) -> float:
        """The usual error of the best forecaster."""
        return min(self.errors)

    def compare(self, candidates: Candidates, value: float, usual: bool) -> None:
        """Judges the forecasters by what came; only by what was usual."""
        for offs, steady in zip(self.offs, _STEADY, strict=True):
            offs.append(value - candidates[steady])
        if not usual:
            return
        self.levels = [median(offs) for offs in self.offs]
        self.tried += 1
        gain = 1 / min(self.tried, _MEMORY)
        for number, told in enumerate(candidates):
            missed = abs(value - told)
            if self.tried > DAY:
                missed = min(missed, 5 * self.errors[number] + 1e-9)
            self.errors[number] += gain * (missed - self.errors[number])

    def day_off_by(self) -> float:
        """How far the last 24 hours were off what was steadily forecast; 0 while few are known."""
        typed, weekly = self.offs
        offs = weekly if self.errors[WEEKLY] < self.errors[TYPED] else typed
        return median(offs) if len(offs) >= 18 else 0.0

    def forget_offs(self) -> None:
        """Forgets how far the last day was off."""
        for offs in self.offs:
            offs.clear()

    def to_state(self) -> dict[str, Any]:
        """What `from_state` makes an identical one of."""
        return {
            "values": base64.b64encode(self._values.tobytes()).decode("ascii"),
            "newest": self.newest,
            "errors": list(self.errors),
            "tried": self.tried,
            "offs": [list(offs) for offs in self.offs],
            "levels": list(self.levels),
        }

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> "Hours":
        """The one whose `to_state` this was."""
        made = cls()
        made._values = array("f", base64.b64decode(state["values"]))
        made.newest = state["newest"]
        made.errors = list(state["errors"])
        made.tried = state["tried"]
        made.offs = tuple(deque(offs, maxlen=DAY) for offs in state["offs"])
        made.levels = list(state["levels"])
        return made


def _first(values: Iterator[float], count: int) -> list[float]:
    found = list[float]()
    for value in values:
        found.append(value)
        if len(found) == count:
            break
    return found
