"""What is usual now: the forecasts of the hours around a moment, and the value between them."""

from typing import Any

from rules.baseline.beats import HOUR
from rules.baseline.hours import Candidates, Hours

# From so many beats an hour on, its value stands for its middle.
_DENSE = 4


class Forecast:
    """The forecasts of the last, the present and the coming hour, each made an hour ahead."""

    __slots__ = ("_told", "dense")

    def __init__(self) -> None:
        self._told = dict[int, tuple[Candidates, float]]()
        self.dense = False

    def look_ahead(self, hours: Hours, hour: int) -> None:
        """Forecasts for `hour` and the next, from the hours that have passed."""
        told = dict[int, tuple[Candidates, float]]()
        for each in (hour - 1, hour, hour + 1):
            if each in self._told:
                told[each] = self._told[each]
            elif each >= hour and (candidates := hours.candidates(each)):
                told[each] = (candidates, hours.mixed(candidates))
        self._told = told

    def of_hour(self, hour: int) -> tuple[Candidates, float] | None:
        """What was forecast for `hour`."""
        return self._told.get(hour)

    def at(self, local: int) -> float | None:
        """What is usual at local µs `local`; None = not known."""
        hour, past = divmod(local, HOUR)
        here = self._told.get(hour)
        if here is None or not self.dense:
            return here[1] if here else None
        share = past / HOUR - 0.5
        there = self._told.get(hour + 1 if share > 0 else hour - 1, here)
        return here[1] + (there[1] - here[1]) * abs(share)

    def shift(self, by: float) -> None:
        """Moves what is forecast to another level."""
        self._told = {
            hour: (tuple(each + by for each in candidates), mixed + by)
            for hour, (candidates, mixed) in self._told.items()
        }

    def to_state(self) -> dict[str, Any]:
        """What `from_state` makes an identical one of."""
        return {
            "told": [[hour, list(c), mixed] for hour, (c, mixed) in self._told.items()],
            "dense": self.dense,
        }

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> "Forecast":
        """The one whose `to_state` this was."""
        made = cls()
        made._told = {hour: (tuple(c), mixed) for hour, c, mixed in state["told"]}
        made.dense = state["dense"]
        return made
