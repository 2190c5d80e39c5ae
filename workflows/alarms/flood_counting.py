"""What a flood of alarms is, for the mark of the live pages and for the report. Times in µs.

A window of 10 minutes at a moment is what fell later than 10 minutes before it, up to it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from core.clock import MICROS

INTERVAL = 10 * 60 * MICROS
# A flood begins with more than ten in ten minutes and lasts until fewer than five fall in ten.
FLOOD_OVER, FLOOD_UNDER = 10, 5


@dataclass(frozen=True, slots=True)
class Flood:
    """A flood, and which of the counted moments fell in it. end: None while it goes on."""

    start: int
    end: int | None
    first: int
    last: int

    @property
    def count(self) -> int:
        """How many fell in it."""
        return self.last - self.first + 1


def peak(moments: Sequence[int], window: int = INTERVAL) -> int:
    """The most that fell within a window. moments: in order."""
    most = first = 0
    for index, moment in enumerate(moments):
        while moments[first] <= moment - window:
            first += 1
        most = max(most, index - first + 1)
    return most


def floods(moments: Sequence[int], end: int) -> list[Flood]:
    """The floods among moments in order, of a span that ends at `end`.

    One begins with the first of the alarms that made it, and none has an alarm of another.
    """
    found: list[Flood] = []
    first: int | None = None
    free = 0
    for index, moment in enumerate(moments):
        if first is not None:
            over = moments[index - FLOOD_UNDER] + INTERVAL
            if over >= moment:
                continue
            found.append(Flood(moments[first], over, first, index - 1))
            first, free = None, index
        begins = index - FLOOD_OVER
        if begins >= 0 and moments[begins] > moment - INTERVAL:
            first = max(begins, free)
    if first is not None:
        over = moments[-FLOOD_UNDER] + INTERVAL
        found.append(Flood(moments[first], over if over < end else None, first, len(moments) - 1))
    return found


def flood_time(found: Sequence[Flood], end: int) -> int:
    """How long it flooded within a span that ends at `end`."""
    return sum((end if flood.end is None else flood.end) - flood.start for flood in found)
