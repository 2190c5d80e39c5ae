"""How far a point is usually off its forecast, by hour of the day and type of day."""

from typing import Any

from rules.baseline.hours import DAY, day_off
from rules.baseline.robust import median

# The mean absolute deviation of a normal distribution, as a standard deviation.
_MEAN_TO_SIGMA = 1.2533
# A cell remembers about so many days.
_MEMORY = 15
# The spread of all hours counts as much as so many hours of its own and its neighbours.
_PRIOR = 30
# What one hour may say at most, in spreads.
_MOST = 4.0


class Spreads:
    """A robust spread for each hour of working days and of days off."""

    __slots__ = ("_cells", "_overall", "_seen", "quantum")

    def __init__(self) -> None:
        self._cells = [0.0] * (2 * DAY)
        self._seen = [0] * (2 * DAY)
        self._overall = 0.0
        # The smallest step that the point was seen to make, 0 while it never moved.
        self.quantum = 0.0

    def stepped(self, by: float) -> None:
        """Takes notice of a step between two readings."""
        if by and (by < self.quantum or not self.quantum):
            self.quantum = by

    @property
    def known(self) -> bool:
        """Whether any hour was learned."""
        return any(self._seen)

    def typical(self, level: float) -> float:
        """The spread of most hours around `level`, never nothing."""
        return self._least(self._overall, level)

    def at(self, hour: int, level: float) -> float:
        """The spread in local hour `hour` around `level`, never nothing.

        A point can't be told closer than half its own step, and no number closer than its digits.
        """
        return self._least(self._learned(day_off(hour) * DAY, hour % DAY), level)

    def _learned(self, kind: int, hour: int) -> float:
        """What is made of a cell: with its neighbours, and by how much of it was seen.

        What a few days say of an hour is mostly chance, so it leans on the spread of all hours.
        """
        seen, cells, overall = self._seen, self._cells, self._overall
        before, here, after = kind + (hour - 1) % DAY, kind + hour, kind + (hour + 1) % DAY
        count = seen[before] + seen[here] + seen[after]
        if not count or not overall:
            return overall
        told = cells[before] * seen[before] + cells[here] * seen[here] + cells[after] * seen[after]
        ratio = max(told / count / overall, 0.1)
        return float(overall * ratio ** (count / (count + _PRIOR)))

    def _least(self, learned: float, level: float) -> float:
        return max(learned, self.quantum / 2, abs(level) * 1e-6, 1e-9)

    def learn(self, hour: int, offs: list[float], level: float) -> None:
        """Takes in how far the beats of `hour` were off."""
        cell = day_off(hour) * DAY + hour % DAY
        most = _MOST * self.at(hour, level) if self.known else float("inf")
        told = _MEAN_TO_SIGMA * sum(min(off, most) for off in offs) / len(offs)
        self._seen[cell] += 1
        self._cells[cell] += (told - self._cells[cell]) / min(self._seen[cell], _MEMORY)
        self._settle()

    def _settle(self) -> None:
        told = [each for each, seen in zip(self._cells, self._seen, strict=True) if seen]
        self._overall = median(told) if told else 0.0

    def to_state(self) -> dict[str, Any]:
        """What `from_state` makes an identical one of."""
        return {
            "cells": list(self._cells),
            "seen": list(self._seen),
            "quantum": self.quantum,
        }

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> "Spreads":
        """The one whose `to_state` this was."""
        made = cls()
        made._cells = list(state["cells"])
        made._seen = list(state["seen"])
        made.quantum = state["quantum"]
        made._settle()
        return made
