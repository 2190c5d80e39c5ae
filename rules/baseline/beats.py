"""Readings gathered into beats of five minutes, or one by one where they are rarer."""

from typing import Any

BEAT = 300_000_000
HOUR = 3_600_000_000
# How quickly the sampling interval is learned.
_GAIN = 0.1
# Below these many rises nobody takes a point for a counter.
_RISES = 24


class Beats:
    """The beat being gathered, the sampling interval and whether the point is a counter.

    The fields are public to its owner's hot path. A reading far off (`low` to `high`) counts only
    when most of its beat are.
    """

    __slots__ = (
        "before", "before_at", "begun", "changed", "count", "downs", "ends", "held", "high",
        "interval", "last", "low", "total", "ups", "wild", "wild_total",
    )  # fmt: skip

    def __init__(self) -> None:
        self.last = 0
        self.begun = 0
        self.ends = 0
        self.total = 0.0
        self.count = 0
        self.wild_total = 0.0
        self.wild = 0
        self.low = float("-inf")
        self.high = float("inf")
        self.interval = 0.0
        # The present value and when it was first seen.
        self.held = float("nan")
        self.changed = 0
        # The last reading of the beat before, and its time.
        self.before = float("nan")
        self.before_at = 0
        self.ups = 0
        self.downs = 0

    def begin(self, at: int) -> None:
        """Begins a beat at the reading of `at`."""
        self.begun = at
        self.ends = at + BEAT
        self.total = self.wild_total = 0.0
        self.count = self.wild = 0

    def close(self, counting: bool) -> tuple[float | None, float]:
        """The value of the beat (None = nothing to learn from) and the step since the last."""
        if self.wild > self.count:
            value: float | None = self.wild_total / self.wild
        else:
            value = self.total / self.count
        step, passed = 0.0, self.last - self.before_at
        if self.before_at:
            step = self.held - self.before
            self.ups += step > 0
            self.downs += step < 0
            told = passed / (self.count + self.wild)
            most = 4 * self.interval if self.interval else told
            self.interval += _GAIN * (min(told, most) - self.interval) if self.interval else told
        if counting:
            # A counter that falls was exchanged or ran over: that beat says nothing.
            known = self.before_at and step >= 0
            value = step / (passed / HOUR) if known else None
        self.before, self.before_at = self.held, self.last
        self.ends = 0
        return value, abs(step)

    @property
    def rises(self) -> bool:
        """Whether it does nothing but rise, as a counter does."""
        return self.ups >= _RISES and self.downs * 100 < self.ups

    def forget_half(self) -> None:
        """Lets rises and falls of long ago count less."""
        self.ups //= 2
        self.downs //= 2

    @property
    def still_for(self) -> float:
        """How long the value did not change, in beats."""
        return (self.last - self.changed) / max(self.interval, BEAT)

    def to_state(self) -> dict[str, Any]:
        """What `from_state` makes an identical one of; without infinities, which JSON has not."""
        state = {name: getattr(self, name) for name in self.__slots__}
        for name in ("low", "high", "held", "before"):
            state[name] = repr(state[name])
        return state

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> "Beats":
        """The one whose `to_state` this was."""
        made = cls()
        for name, value in state.items():
            setattr(made, name, float(value) if isinstance(value, str) else value)
        return made
