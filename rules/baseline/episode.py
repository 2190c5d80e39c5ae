"""From the first odd beat to the last: when an anomaly begins, ends, or becomes what is usual."""

from collections.abc import Callable, Sequence
from typing import Any

from rules.baseline.beats import HOUR
from rules.baseline.robust import deviation, median
from rules.baseline.verdict import Finding

# It ends when every statistic was below this part of its limit for so long.
_QUIET = 0.6
_QUIET_FOR = 2 * HOUR
# What stays odd for three days is the new usual.
ACCEPTED_AFTER = 72
_LAST = 24
# A new level keeps its seasons when what remains is no larger than so many usual errors.
_SAME_SHAPE = 4.0


class Episode:
    """An anomaly that is running, or none."""

    __slots__ = ("_quiet_since", "_since", "ended", "excess", "finding", "waited")

    def __init__(self) -> None:
        self.finding: Finding | None = None
        # When its first run began.
        self._since = 0
        self._quiet_since: int | None = None
        # Local hour, value and forecast of each hour of it: learned from only if it lasts.
        self.waited = list[tuple[int, float, float]]()
        # The worst statistic of the last beat, as a part of its limit.
        self.excess = 0.0
        # Whether the last beat ended it.
        self.ended = False

    @property
    def running(self) -> bool:
        """Whether the point is odd."""
        return self.finding is not None

    def judge(
        self,
        statistics: Sequence[float],
        limits: Sequence[float],
        find: Callable[[int, int], Finding],
        at: int,
        began: Callable[[int], int],
    ) -> bool:
        """Whether the point is odd after a beat of these statistics.

        find: makes a finding of the number of a statistic and of how long it has lasted; began:
        tells when what a statistic is about began.
        """
        self.ended = False
        excess, number = max(
            (value / limit, -number)
            for number, (value, limit) in enumerate(zip(statistics, limits, strict=True))
        )
        number, self.excess = -number, excess
        if excess > 1:
            if self.finding is None:
                self._since = began(number)
            self.finding = find(number, at - self._since)
            self._quiet_since = None
        elif self.finding is not None:
            self._end(excess, at)
        return self.running

    def _end(self, excess: float, at: int) -> None:
        if excess >= _QUIET:
            self._quiet_since = None
        elif self._quiet_since is None:
            self._quiet_since = at
        elif at - self._quiet_since >= _QUIET_FOR:
            self.finding = self._quiet_since = None
            self.waited = []
            self.ended = True

    def wait(self, hour: int, value: float, usual: float) -> bool:
        """Keeps an hour aside; whether it has lasted long enough to be the new usual."""
        self.waited.append((hour, value, usual))
        return hour - self.waited[0][0] >= ACCEPTED_AFTER

    def level_shift(self, error: float) -> float | None:
        """How far the level has moved; None = it is no longer the same shape."""
        assert self.finding is not None
        if self.finding.sort in ("restless", "still"):
            return None
        # The new level is that of its last day: by then it may be on its way back.
        offs = [value - usual for _, value, usual in self.waited[-_LAST:]]
        by = median(offs)
        return by if deviation(offs, by) <= _SAME_SHAPE * error else None

    def to_state(self) -> dict[str, Any]:
        """What `from_state` makes an identical one of."""
        finding = self.finding
        return {
            "finding": {name: getattr(finding, name) for name in Finding.__slots__}
            if finding
            else None,
            "since": self._since,
            "quiet_since": self._quiet_since,
            "waited": [list(each) for each in self.waited],
        }

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> "Episode":
        """The one whose `to_state` this was."""
        made = cls()
        if state["finding"]:
            made.finding = Finding(**state["finding"])
        made._since = state["since"]
        made._quiet_since = state["quiet_since"]
        made.waited = [(hour, value, usual) for hour, value, usual in state["waited"]]
        return made
