"""The alarm's semantics told once more, slowly: every timer and count worked out from the past.

It knows one threshold rule over one point and keeps the whole history of readings, so that it
shares no code, no state and no shortcut with the engine.
"""

from dataclasses import dataclass, field
from typing import Literal

GRACE = 1_000_000


@dataclass
class Delays:
    """µs or readings of the on-delay and the off-delay."""

    on: int = 0
    on_count: int = 0
    off: int = 0
    off_count: int = 0


@dataclass
class Reference:
    """`value > high` trips; `value < low` clears. Appends (kind, time) to `log`."""

    high: float
    low: float
    delays: Delays
    log: list[tuple[Literal["trip", "clear"], int]] = field(default_factory=list)
    active: bool = False
    # Readings since the last change of `active`, that all support the next change.
    streak: list[int] = field(default_factory=list)
    streak_receipt: int = 0
    # The newest instant that already decided something.
    decided: int = 0

    def read(self, at: int, value: float, receipt: int) -> None:
        """A reading arrives."""
        if at <= self.decided:
            return
        self._expire(lambda end: end < at)
        supports = value < self.low if self.active else value > self.high
        if not supports:
            if self.streak:
                self.streak, self.decided = [], at
            return
        if not self.streak:
            self.streak_receipt = receipt
            self.decided = at
        elif self._count:
            self.decided = at
        self.streak.append(at)
        if (self._count <= 1 and not self._delay) or (
            self._count and len(self.streak) >= self._count
        ):
            self._change(at)
        else:
            self._expire(lambda end: end <= at)

    def pass_time(self, receipt: int) -> None:
        """The receipt clock moves."""
        wait = self.streak_receipt + self._delay + GRACE
        if self._delay and self.streak and wait <= receipt:
            self._change(self.streak[0] + self._delay)

    @property
    def _delay(self) -> int:
        return self.delays.off if self.active else self.delays.on

    @property
    def _count(self) -> int:
        return self.delays.off_count if self.active else self.delays.on_count

    def _expire(self, reached: object) -> None:
        assert callable(reached)
        if self._delay and self.streak and reached(self.streak[0] + self._delay):
            self._change(self.streak[0] + self._delay)

    def _change(self, at: int) -> None:
        self.log.append(("clear" if self.active else "trip", at))
        self.active = not self.active
        self.streak, self.decided = [], at
