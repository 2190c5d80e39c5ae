"""Statistics of a run of beats: no single reading moves any of them."""

from collections import deque
from typing import Any

from rules.baseline.robust import median

_RUN = 3
_RESTLESS = 12
_DAY = 24
_MOST_OF_A_DAY = 18


class Runs:
    """How far the last beats and hours were off, in spreads.

    A run counts for what its mildest part is off, and only while all are off to the same side: a
    run rule in the manner of Western Electric (1956), with a limit that is learned.
    """

    __slots__ = ("beats", "day", "hours", "sizes")

    def __init__(self) -> None:
        self.beats = deque[float](maxlen=_RUN)
        self.sizes = deque[float](maxlen=_RESTLESS)
        self.hours = deque[float](maxlen=_RUN)
        self.day = deque[float](maxlen=_DAY)

    def beat(self, off: float) -> float:
        """Takes in a beat; how far the run of beats is off."""
        self.beats.append(off)
        return same_side(self.beats)

    def swing(self, size: float) -> float:
        """Takes in a step from beat to beat; how large most of the last steps were.

        Steps between neighbours tell scatter from wandering (von Neumann 1941).
        """
        self.sizes.append(size)
        return median(self.sizes) if len(self.sizes) == _RESTLESS else 0.0

    def hour(self, off: float) -> None:
        """Takes in an hour."""
        self.hours.append(off)
        self.day.append(abs(off))

    @property
    def hours_off(self) -> float:
        """How far the run of hours is off."""
        return same_side(self.hours)

    @property
    def shape_off(self) -> float:
        """How far most hours of the last day were off, to whichever side."""
        return median(self.day) if len(self.day) >= _MOST_OF_A_DAY else 0.0

    def clear(self) -> None:
        """Forgets the run, after a gap."""
        self.beats.clear()
        self.sizes.clear()
        self.hours.clear()
        self.day.clear()

    def to_state(self) -> dict[str, Any]:
        """What `from_state` makes an identical one of."""
        return {
            "beats": list(self.beats),
            "sizes": list(self.sizes),
            "hours": list(self.hours),
            "day": list(self.day),
        }

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> "Runs":
        """The one whose `to_state` this was."""
        made = cls()
        made.beats.extend(state["beats"])
        made.sizes.extend(state["sizes"])
        made.hours.extend(state["hours"])
        made.day.extend(state["day"])
        return made


def same_side(offs: deque[float]) -> float:
    """The smallest of a full run that is all above or all below, else 0."""
    if len(offs) < _RUN:
        return 0.0
    low, high = min(offs), max(offs)
    return low if low > 0 else -high if high < 0 else 0.0
