"""How long it takes from one checkpoint to another: learned from who went there, or by distance."""

from collections import defaultdict
from collections.abc import Callable
from statistics import median
from uuid import UUID

# Longer than this is a pause, not a way.
LONGEST_S = 1800.0
# So many people and so often in all, before a time counts as usual.
ENOUGH_PEOPLE, ENOUGH_TIMES = 3, 9
# Nobody in a building or a compound is faster than this, on an e-bike neither.
FASTEST_M_S = 10.0
# The share of the usual time that somebody may need at least; who rides an e-bike needs a third.
LEAST_SHARE = 0.2
_KEPT = 40


class Walking:
    """What is known of the ways of a site. Pairs have no direction.

    distance_m: metres between two checkpoints in a straight line, where both have a position.
    Each person counts once, so that who often cheats does not make cheating usual.
    """

    def __init__(self, distance_m: Callable[[UUID, UUID], float | None] | None = None) -> None:
        self._times: dict[frozenset[UUID], dict[UUID | None, list[float]]] = defaultdict(
            lambda: defaultdict(list)
        )
        self._distance_m = distance_m
        self._usual: dict[frozenset[UUID], float | None] = {}

    def learn(self, person: UUID | None, one: UUID, other: UUID, seconds: float) -> None:
        """Somebody needed so long, with what they did at the second of the two."""
        if one == other or not 0 < seconds <= LONGEST_S:
            return
        times = self._times[frozenset((one, other))][person]
        times.append(seconds)
        del times[:-_KEPT]
        self._usual.pop(frozenset((one, other)), None)

    def usual(self, one: UUID, other: UUID) -> float | None:
        """The usual time in seconds; none until enough people were seen to go there."""
        pair = frozenset((one, other))
        if pair not in self._usual:
            self._usual[pair] = self._median(pair)
        return self._usual[pair]

    def _median(self, pair: frozenset[UUID]) -> float | None:
        times = self._times.get(pair, {})
        often = sum(len(some) for some in times.values())
        if len(times) < ENOUGH_PEOPLE or often < ENOUGH_TIMES:
            return None
        return median(median(some) for some in times.values())

    def distance_m(self, one: UUID, other: UUID) -> float | None:
        """Metres in a straight line, where that is known."""
        return None if self._distance_m is None else self._distance_m(one, other)

    def least(self, one: UUID, other: UUID) -> float | None:
        """The seconds in which nobody gets there, whatever they ride; none where unknown."""
        usual, distance = self.usual(one, other), self.distance_m(one, other)
        bounds = [] if usual is None else [LEAST_SHARE * usual]
        bounds += [] if distance is None else [distance / FASTEST_M_S]
        return max(bounds, default=None)
