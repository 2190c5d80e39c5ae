"""One rule on one asset: the only thing in this room that changes."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from rules.expression import UNKNOWN, Bound
from rules.legs import LEGS, TRIPPING, Leg
from rules.rule import Rule
from rules.slots import ReceiptNow, Slot
from rules.states import AlarmState, Input, Phase

Held = tuple[tuple[float | None, ...], tuple[Input, ...]]


class BindError(ValueError):
    """The asset has none of the points that the rule judges."""


# Shared by all that nothing happened to yet, which is nearly all of them.
_NORMAL = AlarmState()


def _always() -> bool:
    return True


def _never() -> bool:
    return False


class Instance:
    """One rule on one asset, with its present state.

    `test` is cheap and False when nothing can happen at this reading; it may raise
    ArithmeticError, which `step` then turns into a transition. It changes with the phase, so
    it must be looked up for every reading.
    """

    __slots__ = (
        "_clear", "_now", "_when", "asset_id", "held", "judged", "rejudge", "rule", "slots",
        "state", "test",
    )  # fmt: skip

    def __init__(
        self,
        rule: Rule,
        asset_id: str,
        slots: Mapping[str, Slot],
        now: ReceiptNow,
        path: Slot | None,
    ) -> None:
        self.rule = rule
        self.asset_id = asset_id
        self.slots = slots
        self._now = now
        self._when = rule.when.bind(slots, now, path or UNKNOWN)
        clear = rule.clear_when
        self._clear = clear.bind(slots, now, path or UNKNOWN) if clear else None
        # The values of the last judged reading while a delay runs: they are what it ends with.
        self.held: Held | None = None
        # The receipt instant up to which silence was judged.
        self.judged = 0
        # A timer of an older version stopped; the present values must be judged once more.
        self.rejudge = False
        self.state = _NORMAL
        self.test: Callable[[], bool] = _never
        self.retest()

    @property
    def leg(self) -> Leg:
        """Which half of its life the alarm is in."""
        return LEGS[self.state.phase]

    @property
    def running(self) -> bool:
        """Whether a delay is running or counting."""
        return self.state.phase is self.leg.running

    @property
    def _bound(self) -> tuple[Bound, bool]:
        """The condition that this leg waits for, and the truth that it waits for."""
        if self.leg is TRIPPING:
            return self._when, True
        return (self._clear, True) if self._clear else (self._when, False)

    def verdict(self) -> bool | None:
        """Whether what this leg waits for holds now. Raises ArithmeticError."""
        bound, truth = self._bound
        value = bound.holds()
        return None if value is None else value is truth

    def snapshot(self) -> Held:
        """The values that this leg judges, now."""
        bound, _ = self._bound
        return bound.values(), tuple(
            Input(name, slot.value, slot.at) for name, slot in self._judged_slots(bound)
        )

    def _judged_slots(self, bound: Bound) -> Iterator[tuple[str, Slot]]:
        if bound.expression.watches_every_point:
            yield from self.slots.items()
            return
        for index in bound.expression.indexes:
            yield bound.expression.points[index].code, bound.slots[index]

    def explain(self, held: Held, truth: bool) -> str:
        """Why what this leg waits for is `truth` with the values in `held`."""
        bound, wanted = self._bound
        return bound.explain(held[0], wanted is truth)

    def next_flip(self, after: int) -> int | None:
        """The next receipt instant at which silence may matter."""
        return self._bound[0].next_flip(after)

    @contextmanager
    def at_instant(self, receipt: int) -> Iterator[None]:
        """Judges as of another receipt instant than the pipeline's."""
        present = self._now.now
        self._now.now = receipt
        try:
            yield
        finally:
            self._now.now = present

    def newest(self) -> int:
        """The event time of the newest value that it judges, 0 = none."""
        return max((slot.at for _, slot in self._judged_slots(self._bound[0])), default=0)

    def time_of(self, at: int) -> int | None:
        """The time to judge a message of event time `at` by; None = it has no reading to count.

        Messages of several points may come out of order. What is decided from all of them bears
        the time of the newest: it would be decided anew, without the others, if they had to be
        taken in again.
        """
        if self.rule.on_receipt_clock:
            return at
        newest = self.newest()
        if newest < at and self.leg.delay(self.rule).readings:
            return None
        return max(at, newest)

    def last_heard(self) -> int:
        """The receipt instant when any of its asset's points was last heard, 0 = never."""
        return max((slot.heard for slot in self.slots.values()), default=0)

    def retest(self) -> None:
        """Chooses the cheapest sufficient test for the present phase."""
        if self.state.failing is not None or self.running:
            self.test = _always
        elif self.state.phase is Phase.NORMAL and self.rule.when.only_silence_trips:
            self.test = _never
        else:
            bound, truth = self._bound
            self.test = bound.test(truth)
