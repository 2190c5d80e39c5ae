"""How far a point's statistics go on its worst usual days, and so how far they may go."""

import math
from collections import deque
from typing import Any

from rules.baseline.robust import median, upper_deviation
from rules.baseline.verdict import SORTS, Sort

_DAYS = 28
# What each statistic may always be: three standard deviations and a bit for a run of beats, and so
# on. A point's own worst days only ever raise these.
_FLOORS = {
    "beat": 4.5,
    "hours": 3.0,
    "day": 1.5,
    "shape": 1.6,
    "restless": 2.5,
    "still": 36.0,
}
# Beyond the usual worst day, in deviations of the logarithms of worst days. What is about a whole
# day goes on from one day to the next, so its days tell less of what may come.
_BEYOND = {"beat": 2.5, "hours": 2.5, "day": 3.5, "shape": 3.5, "restless": 3.5, "still": 3.5}
# How much worst days are taken to scatter, and for how many days that is worth: of few days little
# is known, so they are believed in part.
_PRIOR_SCATTER = 0.2
_PRIOR_DAYS = 10


class Limits:
    """The largest value of each statistic on each of the last four weeks' days."""

    __slots__ = ("_peaks", "_today", "limits")

    def __init__(self) -> None:
        self._peaks = [deque[float](maxlen=_DAYS) for _ in SORTS]
        self._today = [0.0] * len(SORTS)
        self.limits = [math.inf] * len(SORTS)

    @property
    def days(self) -> int:
        """How many days it knows."""
        return len(self._peaks[0])

    def note(self, statistics: list[float]) -> None:
        """Takes in the statistics of one beat; what is over the limit counts as the limit."""
        today = self._today
        for number, value in enumerate(statistics):
            if value > today[number]:
                today[number] = min(value, self.limits[number])

    def close_day(self) -> None:
        """Ends the day."""
        for peaks, today in zip(self._peaks, self._today, strict=True):
            # Near the spread itself size means little, far beyond it only the ratio does.
            peaks.append(math.log1p(today))
        self._today = [0.0] * len(SORTS)
        self.limits = [_limit(sort, peaks) for sort, peaks in zip(SORTS, self._peaks, strict=True)]

    def to_state(self) -> dict[str, Any]:
        """What `from_state` makes an identical one of."""
        return {"peaks": [list(peaks) for peaks in self._peaks], "today": list(self._today)}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> "Limits":
        """The one whose `to_state` this was."""
        made = cls()
        made._peaks = [deque(peaks, maxlen=_DAYS) for peaks in state["peaks"]]
        made._today = list(state["today"])
        if made.days:
            made.limits = [
                _limit(sort, peaks) for sort, peaks in zip(SORTS, made._peaks, strict=True)
            ]
        return made


def _limit(sort: Sort, peaks: deque[float]) -> float:
    middle, days = median(peaks), len(peaks)
    told = days * upper_deviation(peaks, middle) + _PRIOR_DAYS * _PRIOR_SCATTER
    scatter = told / (days + _PRIOR_DAYS)
    # The middle itself is uncertain while there are few.
    beyond = _BEYOND[sort] * (1 + 2 / days)
    return max(_FLOORS[sort], math.expm1(min(middle + beyond * scatter, 50.0)))
