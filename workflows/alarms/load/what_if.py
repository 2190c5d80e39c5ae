"""What another delay would have left of an alarm's trips, worked out from their own times."""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from types import MappingProxyType

from workflows.alarms.load.counting import MINUTE, SECOND, Trip

# Such delays people set.
DELAYS = tuple([10 * SECOND, 30 * SECOND, *(minutes * MINUTE for minutes in (1, 2, 5, 10, 15, 30))])
# A delay is worth naming from here on: of this many trips it would have saved this share.
ENOUGH_TRIPS, ENOUGH_SAVED = 5, 0.5
# The smallest delay that does most of what the longest would.
MOST = 2 / 3
# Of what is severe people learn in time: no on-delay longer by more than this is weighed.
LONGEST_ON_DELAY: Mapping[str, int] = MappingProxyType(
    {"critical": MINUTE, "high": 5 * MINUTE, "medium": DELAYS[-1], "low": DELAYS[-1]}
)
# An on-delay tells people later, so it must spare this share of all trips more than an off-delay,
# or be so many times shorter.
CLEARLY_MORE, MUCH_SHORTER = 0.2, 4


@dataclass(frozen=True, slots=True)
class Relief:
    """A delay, how many trips fit it, and what it would have left. kind: on_delay, off_delay."""

    kind: str
    delay: int
    fitting: int
    left: int


@dataclass(frozen=True, slots=True)
class FalseSplit:
    """An on-delay that lies between false and real: so many false would not have tripped."""

    delay: int
    dropped: int
    false: int
    real: int


def lengths(trips: Sequence[Trip]) -> list[int]:
    """How long each lasted that is over, the shortest first."""
    return sorted(trip.cleared - trip.tripped for trip in trips if trip.cleared is not None)


def pauses(trips: Sequence[Trip]) -> list[int]:
    """How soon each came back, the soonest first. trips: of one alarm, in order."""
    return sorted(
        later.tripped - sooner.cleared
        for sooner, later in pairwise(trips)
        if sooner.cleared is not None
    )


def best_relief(trips: Sequence[Trip], severity: str, *, life_safety: bool) -> Relief | None:
    """The delay that would have helped most for its length; None where none would have much.

    Where lives are at stake nothing is told later, so only an off-delay is weighed.
    """
    if len(trips) < ENOUGH_TRIPS:
        return None
    # What came back sooner would be no new one; what was over sooner would not have tripped.
    off = _smallest("off_delay", len(trips), pauses(trips), DELAYS[-1])
    longest = 0 if life_safety else LONGEST_ON_DELAY[severity]
    on = _smallest("on_delay", len(trips), lengths(trips), longest)
    if on is None or off is None:
        return on or off
    more = off.left - on.left >= CLEARLY_MORE * len(trips)
    shorter = on.delay * MUCH_SHORTER <= off.delay
    return on if more or shorter else off


def _smallest(kind: str, count: int, times: Sequence[int], longest: int) -> Relief | None:
    """times: each trip with one below the delay would have been spared."""
    saved = [(delay, bisect_left(times, delay)) for delay in DELAYS if delay <= longest]
    most = saved[-1][1] if saved else 0
    if most < ENOUGH_SAVED * count:
        return None
    delay, fitting = next(one for one in saved if one[1] >= MOST * most)
    return Relief(kind, delay, fitting, count - fitting)


def split_false(false: Sequence[Trip], real: Sequence[Trip]) -> FalseSplit | None:
    """The shortest on-delay that keeps every real one and would have dropped most false ones."""
    shortest_real = min(lengths(real), default=None)
    over = lengths(false)
    dropped = [
        (delay, bisect_left(over, delay))
        for delay in DELAYS
        if shortest_real is None or delay <= shortest_real
    ]
    if not real or not dropped or dropped[-1][1] * 2 < len(false) or not dropped[-1][1]:
        return None
    delay, count = next(one for one in dropped if one[1] >= MOST * dropped[-1][1])
    return FalseSplit(delay, count, len(false), len(real))
