"""When what may go wrong, so that nobody has to argue about which ticket belongs to which fault."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from random import Random

from simulators.errors import BadInput

MINUTE, HOUR, DAY = 60.0, 3_600.0, 86_400.0
# Before a fault its things have been well for so long, and after it they have so long to recover
# and to be repaired before the next one.
CALM = 12 * HOUR
# A ticket that was closed less than a week ago is re-opened by the same fault; every fault of a
# plan is to have a ticket of its own.
APART = 8 * DAY
# Nothing else begins or stands so long before and after what touches the whole site.
ASIDE = 3 * HOUR
# The first fault comes when everything has been heard of.
BEGIN = 2 * HOUR
_TRIES = 4_000


@dataclass(frozen=True, slots=True)
class _Entry:
    """From `start` to `end` a fault has these things; `troubles` name what is wrong with them."""

    things: frozenset[str]
    troubles: frozenset[str]
    start: float
    end: float


class Agenda:
    """The calendar of a plan. Times: seconds from the start of the run."""

    def __init__(self, random: Random, duration: float) -> None:
        self._random = random
        self._duration = duration
        self._entries = list[_Entry]()
        self._whole_site = list[tuple[float, float]]()

    def reserve_site(self, start: float, length: float) -> None:
        """Keep everything else away from something that touches the whole site."""
        self._whole_site.append((start - ASIDE, start + length + ASIDE))

    def reserve(
        self, things: Iterable[str], troubles: Iterable[str], start: float, length: float
    ) -> None:
        """Put down a fault at a time of somebody else's choice."""
        entry = _Entry(frozenset(things), frozenset(troubles), start, start + length)
        self._entries.append(entry)

    def place(
        self, choices: Sequence[frozenset[str]], troubles: frozenset[str], length: float
    ) -> tuple[int, float]:
        """Put down a fault that lasts `length`, on one of these sets of things and at a time that
        are both free; returns the number of the set and the time. Raises BadInput for none."""
        latest = self._duration - length - CALM
        for _ in range(_TRIES if choices and latest > BEGIN else 0):
            number = self._random.randrange(len(choices))
            start = float(round(self._random.uniform(BEGIN, latest)))
            if self.is_free(choices[number], troubles, start, length):
                self.reserve(choices[number], troubles, start, length)
                return number, start
        named = ", ".join(sorted(troubles)) or "fault"
        raise BadInput(f"there is no room left in the plan for another {named}")

    def is_free(
        self, things: frozenset[str], troubles: frozenset[str], start: float, length: float
    ) -> bool:
        """Whether a fault of these things would stand alone then."""
        end = start + length
        if any(start < until and end > since for since, until in self._whole_site):
            return False
        for one in self._entries:
            if things.isdisjoint(one.things):
                continue
            gap = CALM if troubles.isdisjoint(one.troubles) else APART
            if start < one.end + gap and end > one.start - gap:
                return False
        return True
