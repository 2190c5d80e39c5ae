"""A point's recent past: the readings of a span of event time, and what is told of them.

Whatever is told depends on the readings in the window alone, to the last bit, and never on how
they came and went: sums are kept as whole numbers. So a restart, a back-test and the running
process decide the same.
"""

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import IntFlag
from math import inf, sqrt
from types import MappingProxyType

# Values are summed in units of 2**-80; a double of ordinary size is a whole number of them.
_BITS = 80
_SCALE = 2.0**_BITS
_SCALABLE = 2.0**900


# A reading in a window: its event time, its value, and whether that differs from the one before.
# A plain tuple, since one is made for each reading and window.
Sample = tuple[int, float, bool]


class Keeps(IntFlag):
    """What a window keeps up to date beside its readings."""

    NOTHING = 0
    SUM = 1
    SQUARES = 2
    LOWEST = 4
    HIGHEST = 8
    # How often each value came.
    VALUES = 16
    # The readings are moments at which something happened: where there is none, nothing did.
    EVENTS = 32


class Window:
    """The readings of one point in (now - span, now]; `now` is moved by whoever owns it.

    Times are µs. held: the last reading at or before the beginning, whose value holds there. Until
    there is one, the point's history is shorter than the span and nothing is told of it. Of events
    it is told all the same, since they need not have happened; not while the window is `blind`:
    its beginning is then before this instant, of whose past nothing could be found out.
    """

    __slots__ = (
        "_changes", "_highest", "_keeps", "_lowest", "_squares", "_sum", "_values", "blind", "held",
        "keeps_events", "keeps_highest", "keeps_lowest", "keeps_squares", "keeps_sum",
        "keeps_values", "samples", "span",
    )  # fmt: skip

    def __init__(self, span: int, keeps: Keeps) -> None:
        self.span = span
        self._keeps = keeps
        # To ask a flag of an enumeration costs as much as all the rest.
        self.keeps_sum = bool(keeps & Keeps.SUM)
        self.keeps_squares = bool(keeps & Keeps.SQUARES)
        self.keeps_lowest = bool(keeps & Keeps.LOWEST)
        self.keeps_highest = bool(keeps & Keeps.HIGHEST)
        self.keeps_values = bool(keeps & Keeps.VALUES)
        self.keeps_events = bool(keeps & Keeps.EVENTS)
        self.blind = 0
        self._values: dict[float, int] = {}
        self.held: Sample | None = None
        self.samples: deque[Sample] = deque()
        self._changes = 0
        self._sum = 0
        self._squares = 0
        self._lowest: deque[Sample] = deque()
        self._highest: deque[Sample] = deque()

    def copy(self) -> "Window":
        """Another window with the same content."""
        other = Window(self.span, self._keeps)
        other.held = self.held
        other.samples = self.samples.copy()
        other._changes = self._changes
        other._sum, other._squares = self._sum, self._squares
        other._lowest, other._highest = self._lowest.copy(), self._highest.copy()
        other._values, other.blind = self._values.copy(), self.blind
        return other

    def become(self, other: "Window") -> None:
        """Take over the content of another window of the same span, which is not used any more."""
        self.held = other.held
        self.samples = other.samples
        self._changes = other._changes
        self._sum, self._squares = other._sum, other._squares
        self._lowest, self._highest = other._lowest, other._highest
        self._values, self.blind = other._values, other.blind

    def add(self, at: int, value: float) -> None:
        """Take in a reading newer than all before."""
        before = self.samples[-1] if self.samples else self.held
        changed = before is not None and before[1] != value
        sample = (at, value, changed)
        self.samples.append(sample)
        if changed:
            self._changes += 1
        if self.keeps_sum:
            whole = int(value * _SCALE) if -_SCALABLE < value < _SCALABLE else int(value) << _BITS
            self._sum += whole
            if self.keeps_squares:
                self._squares += whole * whole
        if self.keeps_lowest:
            lowest = self._lowest
            while lowest and lowest[-1][1] >= value:
                lowest.pop()
            lowest.append(sample)
        if self.keeps_highest:
            highest = self._highest
            while highest and highest[-1][1] <= value:
                highest.pop()
            highest.append(sample)
        if self.keeps_values:
            self._values[value] = self._values.get(value, 0) + 1

    def replace_newest(self, value: float) -> None:
        """The newest reading turned out to have another value."""
        if not self.samples:
            if self.held is not None:
                self.held = (self.held[0], value, self.held[2])
            return
        readings = [(at, each) for at, each, _ in self.samples]
        readings[-1] = (readings[-1][0], value)
        self.samples = deque()
        self._changes = self._sum = self._squares = 0
        self._lowest.clear()
        self._highest.clear()
        self._values.clear()
        for at, each in readings:
            self.add(at, each)

    def move_to(self, now: int) -> None:
        """Let go of readings at or before `now` - span."""
        beginning = now - self.span
        samples = self.samples
        while samples and samples[0][0] <= beginning:
            self._leave(samples.popleft())
        if self.blind and self.blind <= beginning:
            self.blind = 0

    def _leave(self, sample: Sample) -> None:
        self.held = sample
        _, value, changed = sample
        if changed:
            self._changes -= 1
        if self.keeps_sum:
            whole = int(value * _SCALE) if -_SCALABLE < value < _SCALABLE else int(value) << _BITS
            self._sum -= whole
            if self.keeps_squares:
                self._squares -= whole * whole
        if self._lowest and self._lowest[0] is sample:
            self._lowest.popleft()
        if self._highest and self._highest[0] is sample:
            self._highest.popleft()
        if self.keeps_values:
            self._values[value] -= 1
            if not self._values[value]:
                del self._values[value]

    # What is told of it: None while it can't be.

    def average(self) -> float | None:
        """The mean of its readings."""
        if self.held is None or not self.samples:
            return None
        return self._sum / (len(self.samples) << _BITS)

    def total(self) -> float | None:
        """The sum of its readings; infinite when it leaves the range of numbers."""
        return None if self.held is None else _ratio(self._sum, 1 << _BITS)

    def count(self) -> float | None:
        """How many readings it has."""
        return float(len(self.samples)) if self._begun else None

    def most(self) -> float | None:
        """How often the value came that came most often."""
        return float(max(self._values.values(), default=0)) if self._begun else None

    @property
    def _begun(self) -> bool:
        """Whether what happened since its beginning is known."""
        return self.held is not None or (self.keeps_events and not self.blind)

    def deviation(self) -> float | None:
        """The standard deviation of its readings, which are taken for the whole population."""
        if self.held is None or not self.samples:
            return None
        number = len(self.samples)
        spread = number * self._squares - self._sum * self._sum
        return sqrt(_ratio(spread, (number * number) << (2 * _BITS)))

    def minimum(self) -> float | None:
        """The lowest value that held at any time in it."""
        if self.held is None:
            return None
        held = self.held[1]
        return min(self._lowest[0][1], held) if self._lowest else held

    def maximum(self) -> float | None:
        """The highest value that held at any time in it."""
        if self.held is None:
            return None
        held = self.held[1]
        return max(self._highest[0][1], held) if self._highest else held

    def delta(self) -> float | None:
        """How much higher the value is at its end than at its beginning."""
        if self.held is None:
            return None
        return self.samples[-1][1] - self.held[1] if self.samples else 0.0

    def rate(self) -> float | None:
        """`delta` per second."""
        delta = self.delta()
        return None if delta is None else delta * 1e6 / self.span

    def changes(self) -> float | None:
        """How many readings differ from the one before."""
        return None if self.held is None else float(self._changes)

    def stuck(self) -> float | None:
        """Whether the point was heard at least twice and did not change; None = too seldom."""
        if self.held is None or (not self._changes and len(self.samples) < 2):
            return None
        return 0.0 if self._changes else 1.0

    def unchanged(self) -> float | None:
        """Whether the value has been the same for the whole span, heard or not.

        Of events: whether nothing happened in it.
        """
        if self.keeps_events and self.samples:
            return 0.0
        if self._changes:
            return 0.0
        return None if self.held is None else 1.0


def _ratio(number: int, divisor: int) -> float:
    try:
        return number / divisor
    except OverflowError:
        return inf if number > 0 else -inf


@dataclass(frozen=True, slots=True)
class Measurement:
    """One thing that can be told of a window, and what the window must keep for it."""

    of: Callable[[Window], float | None]
    keeps: Keeps


MEASUREMENTS: Mapping[str, Measurement] = MappingProxyType(
    {
        "avg": Measurement(Window.average, Keeps.SUM),
        "sum": Measurement(Window.total, Keeps.SUM),
        "count": Measurement(Window.count, Keeps.NOTHING),
        "stddev": Measurement(Window.deviation, Keeps.SUM | Keeps.SQUARES),
        "min": Measurement(Window.minimum, Keeps.LOWEST),
        "max": Measurement(Window.maximum, Keeps.HIGHEST),
        "delta": Measurement(Window.delta, Keeps.NOTHING),
        "rate": Measurement(Window.rate, Keeps.NOTHING),
        "changes": Measurement(Window.changes, Keeps.NOTHING),
        "stuck": Measurement(Window.stuck, Keeps.NOTHING),
        "since": Measurement(Window.unchanged, Keeps.NOTHING),
        "repeats": Measurement(Window.most, Keeps.VALUES),
    }
)
