"""What a baseline finds odd."""

from dataclasses import dataclass
from typing import Literal

# How a point can be odd: far off for minutes, for hours, for a day on the whole; a day that goes
# another way; restless; not moving.
Sort = Literal["beat", "hours", "day", "shape", "restless", "still"]
SORTS: tuple[Sort, ...] = ("beat", "hours", "day", "shape", "restless", "still")
STILL = SORTS.index("still")


@dataclass(frozen=True, slots=True)
class Finding:
    """The numbers behind a verdict, of the last odd beat.

    local: its local µs; since: how long the point has been odd, µs. spread: the usual distance
    from `usual` (a standard deviation where the point is normally distributed); measure: the
    statistic that decided, and limit: what it may be, both in spreads or, of a still point, in
    beats. held: how long the value did not change, longest: how long that may be, µs.
    """

    sort: Sort
    value: float
    usual: float
    spread: float
    measure: float
    limit: float
    local: int
    lasted: int
    days: int
    per_hour: bool
    held: int
    longest: int

    @property
    def times(self) -> float:
        """How many times its usual spread the value is off."""
        return abs(self.value - self.usual) / self.spread


class Odd(float):
    """What a condition reads of an odd point: 1.0, with the numbers behind it."""

    __slots__ = ("finding",)

    def __new__(cls, finding: Finding) -> "Odd":
        made = super().__new__(cls, 1.0)
        made.finding = finding
        return made

    finding: Finding
