"""Windows and the alarm over them, told once more and slowly: everything from the whole past."""

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from math import sqrt

GRACE = 1_000_000
Reading = tuple[int, float]


@dataclass
class Past:
    """All readings so far; everything is looked up in them for one instant."""

    readings: list[Reading] = field(default_factory=list)

    def within(self, now: int, span: int) -> list[float]:
        """The values of (now - span, now]."""
        return [value for at, value in self.readings if now - span < at <= now]

    def held(self, at: int) -> float | None:
        """The value that held at an instant."""
        known = [value for when, value in self.readings if when <= at]
        return known[-1] if known else None

    def through(self, now: int, span: int) -> list[float]:
        """The value at the beginning, and all after it; empty while the beginning is unknown."""
        first = self.held(now - span)
        return [] if first is None else [first, *self.within(now, span)]

    def mean(self, now: int, span: int) -> float | None:
        """The mean of the readings."""
        values = self.within(now, span)
        if not self.through(now, span) or not values:
            return None
        return float(sum(map(Fraction, values)) / len(values))

    def spread(self, now: int, span: int) -> float | None:
        """The standard deviation of the readings."""
        values = [Fraction(value) for value in self.within(now, span)]
        if not self.through(now, span) or not values:
            return None
        mean = sum(values) / len(values)
        return sqrt(float(sum((value - mean) ** 2 for value in values) / len(values)))

    def changes(self, now: int, span: int) -> int | None:
        """How often the value changed."""
        values = self.through(now, span)
        if not values:
            return None
        return sum(1 for before, after in pairwise(values) if before != after)


Truth = Callable[[Past, int], bool | None]


@dataclass
class Reference:
    """An alarm of one point: `trips` and `clears` tell for an instant whether they hold."""

    trips: Truth
    clears: Truth
    on: int
    off: int
    span: int
    past: Past = field(default_factory=Past)
    log: list[tuple[str, int]] = field(default_factory=list)
    active: bool = False
    begun: int | None = None
    known_by: int = 0
    decided: int = 0
    heard: int = 0

    def read(self, at: int, value: float, receipt: int) -> None:
        """A reading arrives."""
        for leaving in self._leavings():
            if leaving < at:
                self._judge(leaving, min(receipt, self._receipt_of(leaving)))
        self._end(at - 1)
        self.past.readings.append((at, value))
        self.heard = receipt
        self._judge(at, receipt)

    def pass_time(self, receipt: int) -> None:
        """The receipt clock moves on."""
        for leaving in self._leavings():
            if self._receipt_of(leaving) + GRACE <= receipt:
                self._judge(leaving, self._receipt_of(leaving))
        if self.begun is not None and self.known_by <= receipt:
            self._end(self.begun + self._delay)

    @property
    def _delay(self) -> int:
        return self.off if self.active else self.on

    def _receipt_of(self, instant: int) -> int:
        newest = self.past.readings[-1][0]
        return self.heard + instant - newest

    def _leavings(self) -> list[int]:
        newest = self.past.readings[-1][0] if self.past.readings else 0
        ends = {at + self.span for at, _ in self.past.readings}
        return sorted(end for end in ends if end > newest)

    def _judge(self, at: int, receipt: int) -> None:
        if at <= self.decided:
            return
        self._end(at - 1)
        if at <= self.decided:
            return
        holds = (self.clears if self.active else self.trips)(self.past, at)
        if self.begun is not None and holds is not True:
            self.begun, self.decided = None, at
        elif self.begun is None and holds is True:
            self.begun, self.decided = at, at
            self.known_by = receipt + self._delay + GRACE
            if not self._delay:
                self._end(at)
        self._end(at)

    def _end(self, latest: int) -> None:
        if self.begun is None or self.begun + self._delay > latest:
            return
        self.decided = self.begun + self._delay
        self.log.append(("clear" if self.active else "trip", self.decided))
        self.active, self.begun = not self.active, None
