"""One rule on one asset: the only thing in this room that changes."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import tzinfo

from rules.expression import UNKNOWN, Bound, Group
from rules.hours import Hours
from rules.legs import LEGS, TRIPPING, Leg
from rules.members import Asker, Members, Others, Said
from rules.past import Past
from rules.rule import Rule
from rules.slots import ReceiptNow, Slot
from rules.states import AlarmState, Input, Phase

Held = tuple[tuple[float | None, ...], tuple[Input, ...]]


class BindError(ValueError):
    """The asset has none of the points that the rule judges, or its site no such hours."""


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
        "_clear", "_inner", "_now", "_when", "asset_id", "held", "judged", "members", "past",
        "rejudge", "rule", "slots", "state", "test",
    )  # fmt: skip

    def __init__(
        self,
        rule: Rule,
        asset_id: str,
        slots: Mapping[str, Slot],
        now: ReceiptNow,
        path: Slot | None,
        hours: Mapping[str, Hours],
        others: Others,
        zone: tzinfo | None = None,
    ) -> None:
        self.rule = rule
        self.asset_id = asset_id
        self.slots = slots
        self._now = now
        # What it remembers of its points; None where its conditions look at none of it.
        self.past: Past | None = None
        # The other assets that it asks about; None where it asks about none.
        self.members: Members | None = None
        if rule.groups:
            own = {code: slots[code] for code in rule.points if code in slots}
            self.members = Members(rule.groups, others, own, now)
            slots = self.members.watched
        wanted = {key: keeps for key, keeps in rule.windows.items() if key[0] in slots}
        named, learned = rule.hours, rule.learned
        if wanted or named or learned:
            watched = self.members.watched if self.members else rule.points
            known = {name: hours[name] for name in named}
            self.past = Past(slots, wanted, watched, known, learned, zone)
            slots = self.past.copies
            if self.members is not None:
                self.members.read_from(slots)
        around = (now, path or UNKNOWN, self.past, self.members)
        self._when = rule.when.bind(slots, *around)
        self._clear = rule.clear_when.bind(slots, *around) if rule.clear_when else None
        # The values of the last judged reading while a delay runs: they are what it ends with.
        self.held: Held | None = None
        # The receipt instant up to which silence was judged.
        self.judged = 0
        # A timer of an older version stopped; the present values must be judged once more.
        self.rejudge = False
        self.state = _NORMAL
        self.test: Callable[[], bool] = _never
        self._inner: Callable[[], bool] = _never
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
        if self.members is not None:
            for asker in bound.askers(Asker):
                yield from asker.readings()

    def explain(self, held: Held, truth: bool) -> str:
        """Why what this leg waits for is `truth` with the values in `held`."""
        bound, wanted = self._bound
        return bound.explain(held[0], wanted is truth)

    def parts(self, *, clearing: bool) -> list[tuple[str, bool | None]]:
        """Each comparison of a condition as it is now; clearing: of `clear_when`, if any."""
        bound = self._clear if clearing else self._when
        return bound.parts() if bound else []

    def asked(self) -> Mapping[Group, tuple[Said, ...]]:
        """What everybody says by now to each question of both conditions."""
        found: dict[Group, tuple[Said, ...]] = {}
        for bound in (self._when, self._clear):
            for asker in bound.askers(Asker) if bound else ():
                found.setdefault(asker.group, asker.each())
        return found

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
        if self.past is not None:
            return self.past.newest
        if self.members is not None:
            return self.members.newest
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
        own = self.members is None and self.past is None
        if own and self.running and newest < self.state.changed_at:
            # What began the delay is not known any more after a kill: it comes again, and until
            # then what others of its device say tells nothing of it. Windows and baselines take
            # each reading in as they judge it, so nothing may be passed over there.
            return None
        when = max(at, newest)
        changed = self.state.changed_at
        if self.members is None or when > changed:
            return when
        # Of a device whose clock is behind that of another.
        return changed + 1 if self.members.beyond(self.state.seen) else None

    def last_heard(self) -> int:
        """The receipt instant when any of its asset's points was last heard, 0 = never."""
        return max((slot.heard for slot in self.slots.values()), default=0)

    def retest(self) -> None:
        """Chooses the cheapest sufficient test for the present phase."""
        if self.state.failing is not None or self.running:
            self._inner = _always
        elif self.state.phase is Phase.NORMAL and self.rule.when.only_silence_trips:
            self._inner = _never
        else:
            bound, truth = self._bound
            self._inner = bound.test(truth)
        self.test = self._inner if self.past is None else self._sift

    def _sift(self) -> bool:
        assert self.past is not None
        return self.past.sift(self._inner)
