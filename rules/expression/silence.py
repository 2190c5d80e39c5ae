"""Conditions on silence: judged on the receipt clock, with the instants at which they can flip."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from rules.durations import format_duration
from rules.expression.nodes import COMPARE, INVERSE, Node, Value, View
from rules.slots import Slot


@dataclass(frozen=True, slots=True)
class Silence:
    """`age(point)` or `path_age()` (`index` None) compared with a constant, in µs."""

    index: int | None
    name: str
    operator: str
    limit: int
    children: tuple[Node, ...] = ()
    computed: bool = False

    @property
    def grows(self) -> bool:
        """Whether only the passing of time, never a message, can make it true."""
        return self.operator in (">", ">=")

    def _slot(self, view: View) -> Slot:
        return view.path if self.index is None else view.slots[self.index]

    def code(self) -> str:
        raise TypeError("silence is judged on the receipt clock, not in compiled code")

    def evaluate(self, view: View) -> Value:
        slot = self._slot(view)
        if not slot.heard or slot.excused:
            return None
        return COMPARE[self.operator](view.now - slot.heard, self.limit)

    def flips(self, view: View) -> Iterator[int]:
        """The receipt instants, in µs, at which time alone changes its truth."""
        slot = self._slot(view)
        if slot.heard and not slot.excused:
            yield slot.heard + self.limit + (self.operator in (">", "<="))

    def explain(self, view: View, truth: bool) -> str:
        sign = self.operator if truth else INVERSE[self.operator]
        silent = format_duration(view.now - self._slot(view).heard)
        return f"{self.name} {silent} {sign} {format_duration(self.limit)}"


@dataclass(frozen=True, slots=True)
class Overdue:
    """Some point of the asset was not heard for `factor` times its expected interval."""

    factor: float
    children: tuple[Node, ...] = ()
    computed: bool = False
    grows: bool = True

    def _due(self, slot: Slot) -> int:
        return slot.heard + math.ceil(slot.interval * self.factor)

    def _watched(self, view: View) -> Iterator[tuple[str, Slot]]:
        return ((n, s) for n, s in view.asset.items() if s.interval and s.heard)

    def code(self) -> str:
        raise TypeError("silence is judged on the receipt clock, not in compiled code")

    def evaluate(self, view: View) -> Value:
        silent = [slot for _, slot in self._watched(view) if view.now >= self._due(slot)]
        if not silent:
            return False
        # Behind a silent path nothing is known: no new alarm, and no recovery of a standing one.
        return None if all(slot.excused for slot in silent) else True

    def flips(self, view: View) -> Iterator[int]:
        """The receipt instants, in µs, at which time alone changes its truth."""
        return (self._due(slot) for _, slot in self._watched(view) if not slot.excused)

    def explain(self, view: View, truth: bool) -> str:
        if not truth:
            return "every expected point was heard in time"
        silent = [
            f"{name} for {format_duration(view.now - slot.heard)}"
            for name, slot in self._watched(view)
            if view.now >= self._due(slot) and not slot.excused
        ]
        return f"not heard: {', '.join(silent)}"


Flipping = Silence | Overdue
