"""The present state of points as rules see it; the pipeline owns and mutates it."""

from rules.baseline import Baseline


class Slot:
    """A point's present state. Times are µs; `value` is None until the first reading."""

    __slots__ = ("at", "excused", "heard", "interval", "learned", "told", "value")

    def __init__(
        self,
        value: float | None = None,
        at: int = 0,
        heard: int = 0,
        interval: int = 0,
        excused: bool = False,
    ) -> None:
        # Booleans are 1.0 and 0.0, states their number.
        self.value = value
        # Event time of the value, 0 = never.
        self.at = at
        # Receipt clock when last heard, 0 = never: a point never heard is unknown, not silent.
        self.heard = heard
        # Expected interval, 0 = none.
        self.interval = interval
        # True while the path to it is silent: its own silence then proves nothing.
        self.excused = excused
        # The event time of its newest reading when a retained message told another value since:
        # known to be present, but no reading.
        self.told = -1
        # What is usual for it; None = no rule asks.
        self.learned: Baseline | None = None


class ReceiptNow:
    """The receipt clock's present µs, shared by every instance of one pipeline."""

    __slots__ = ("now",)

    def __init__(self, now: int = 0) -> None:
        self.now = now
