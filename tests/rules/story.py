"""Conditions and the alarm over them, told once more and slowly: everything from the whole past.

Nothing is kept up to date here. Whatever is asked, of whatever instant, is looked up in all that
was ever heard. The text of each condition goes to the engine, and what it means stands beside it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

GRACE = 1_000_000
Truth = bool | None
Span = tuple[str, int]


@dataclass
class Story:
    """All that was heard and was not late, of the asset itself and of others.

    Points of the asset are called by their code, those of others `name/code`. others: who stands
    on the branch that is asked about, with type and points.
    """

    told: dict[str, list[tuple[int, float, int]]] = field(default_factory=dict)
    others: Mapping[str, tuple[str, frozenset[str]]] = field(default_factory=dict)

    def hear(self, key: str, at: int, value: float, receipt: int) -> None:
        """A reading comes; one that is not newer than the newest of its point is late."""
        if at > self.newest({key}):
            self.told.setdefault(key, []).append((at, value, receipt))

    def newest(self, keys: Iterable[str]) -> int:
        """The event time of the newest reading of some points, 0 = none."""
        return max((at for key in keys for at, _, _ in self.told.get(key, ())), default=0)

    def heard(self, keys: Iterable[str]) -> int:
        """When the newest reading of some points was received."""
        every = [(at, -receipt) for key in keys for at, _, receipt in self.told.get(key, ())]
        return -max(every, default=(0, 0))[1]


@dataclass(frozen=True)
class View:
    """An asset at an instant. owner: empty for the asset of the rule, else `name/`."""

    story: Story
    now: int
    owner: str = ""
    codes: frozenset[str] | None = None

    def has(self, code: str) -> bool:
        """Whether the asset has such a point at all."""
        return self.codes is None or code in self.codes

    def value(self, code: str) -> float | None:
        """What it said last."""
        told = self.story.told.get(self.owner + code)
        return told[-1][1] if told else None

    def within(self, code: str, span: int) -> list[float]:
        """The values of (now - span, now]."""
        told = self.story.told.get(self.owner + code, ())
        return [value for at, value, _ in told if self.now - span < at <= self.now]

    def through(self, code: str, span: int) -> list[float]:
        """The value at the beginning and all after it; empty while the beginning is unknown."""
        told = self.story.told.get(self.owner + code, ())
        before = [value for at, value, _ in told if at <= self.now - span]
        return [before[-1], *self.within(code, span)] if before else []


class Condition(Protocol):
    """A part of a condition. `text` is how a rule writes it."""

    @property
    def text(self) -> str: ...

    def told(self, view: View, wanted: bool = True) -> "Truth | Missing":
        """Whether it holds; wanted: the truth that it is waited for to have."""

    def spans(self) -> Iterator[Span]:
        """The windows that it looks at."""

    def keys(self, view: View) -> Iterator[str]:
        """The points that it looks at."""


class Missing:
    """What can't be asked at all, because the asset lacks the point, or there is nobody to ask."""


MISSING = Missing()


def shown(condition: Condition) -> str:
    """A condition as a rule writes it, in the stories that hypothesis tells."""
    return f"<{condition.text}>"


@dataclass(frozen=True, repr=False)
class Atom:
    """One comparison of one point."""

    text: str
    code: str
    holds: Callable[[View], Truth]
    span: int = 0

    __repr__ = shown

    def told(self, view: View, wanted: bool = True) -> Truth | Missing:
        return self.holds(view) if view.has(self.code) else MISSING

    def spans(self) -> Iterator[Span]:
        if self.span:
            yield self.code, self.span

    def keys(self, view: View) -> Iterator[str]:
        if view.has(self.code):
            yield view.owner + self.code


@dataclass(frozen=True, repr=False)
class Negation:
    """`not a`."""

    part: Condition

    @property
    def text(self) -> str:
        return f"not ({self.part.text})"

    __repr__ = shown

    def told(self, view: View, wanted: bool = True) -> Truth | Missing:
        told = self.part.told(view, not wanted)
        return told if told is None or isinstance(told, Missing) else not told

    def spans(self) -> Iterator[Span]:
        return self.part.spans()

    def keys(self, view: View) -> Iterator[str]:
        return self.part.keys(view)


@dataclass(frozen=True, repr=False)
class Joint:
    """`a or b`, of which one decides when it holds; `a and b`, when it doesn't."""

    word: str
    parts: tuple[Condition, ...]

    @property
    def text(self) -> str:
        return f" {self.word} ".join(f"({part.text})" for part in self.parts)

    __repr__ = shown

    def told(self, view: View, wanted: bool = True) -> Truth | Missing:
        decisive = self.word == "or"
        every = [part.told(view, wanted) for part in self.parts]
        there = [each for each in every if not isinstance(each, Missing)]
        # Each is an alternative where one is enough for what is waited for; else all are needed.
        if not there or (len(there) < len(every) and decisive is not wanted):
            return MISSING
        if decisive in there:
            return decisive
        return None if None in there else not decisive

    def spans(self) -> Iterator[Span]:
        for part in self.parts:
            yield from part.spans()

    def keys(self, view: View) -> Iterator[str]:
        for part in self.parts:
            yield from part.keys(view)


@dataclass
class Alarm:
    """An alarm that trips by `trips`, clears by `clears` or when `trips` is false.

    asks: the rule asks others, whose clocks may differ from one another.
    """

    trips: Condition
    clears: Condition | None
    on: int
    off: int
    asks: bool = False
    story: Story = field(default_factory=Story)
    log: list[tuple[str, int]] = field(default_factory=list)
    active: bool = False
    begun: int | None = None
    known_by: int = 0
    decided: int = 0

    def read(self, at: int, values: Mapping[str, float], receipt: int) -> None:
        """A message arrives, of one device."""
        watched = self._watched()
        new = {key for key in values.keys() & watched if at > self.story.newest({key})}
        if new:
            newest = max(at, self.story.newest(watched))
            for leaving in self._leavings():
                if leaving < newest:
                    self._judge(leaving, min(receipt, self._receipt_of(leaving)))
            self._end(newest - 1)
        for key, value in values.items():
            self.story.hear(key, at, value, receipt)
        if new:
            self._judge(self._present(), receipt)

    def pass_time(self, receipt: int) -> None:
        """The receipt clock moves on."""
        for leaving in self._leavings():
            if self._receipt_of(leaving) + GRACE <= receipt:
                self._judge(leaving, self._receipt_of(leaving))
        if self.begun is not None and self.known_by <= receipt:
            self._end(self.begun + self._delay)

    def meet(self, others: Mapping[str, tuple[str, frozenset[str]]], receipt: int) -> None:
        """Others are asked from now on: the present values are judged once more."""
        before = self._watched()
        self.story.others = others
        if self._watched() != before and self.story.newest(self._watched()):
            self._judge(self._present(), receipt)

    def renew(self, receipt: int) -> None:
        """A new version inherits the alarm; a delay that was running starts again."""
        if self.begun is None:
            return
        self.begun = None
        at = max(self._present(), self.decided)
        # It may begin again at the very instant at which it began.
        self.decided = min(self.decided, at - 1)
        self._judge(at, receipt)
        self.decided = max(self.decided, at)

    @property
    def _delay(self) -> int:
        return self.off if self.active else self.on

    def _conditions(self) -> list[Condition]:
        return [self.trips, self.clears] if self.clears else [self.trips]

    def _watched(self) -> set[str]:
        view = View(self.story, 0)
        return {key for each in self._conditions() for key in each.keys(view)}

    def _present(self) -> int:
        newest = self.story.newest(self._watched())
        return max(newest, self.decided + 1) if self.asks else newest

    def _receipt_of(self, instant: int) -> int:
        watched = self._watched()
        return self.story.heard(watched) + instant - self.story.newest(watched)

    def _leavings(self) -> list[int]:
        newest = self.story.newest(self._watched())
        spans = {span for each in self._conditions() for span in each.spans()}
        ends = {at + span for code, span in spans for at, _, _ in self.story.told.get(code, ())}
        return sorted(end for end in ends if end > newest)

    def _holds(self, at: int) -> Truth:
        view = View(self.story, at)
        told = (self.clears if self.active and self.clears else self.trips).told(view)
        if told is None or isinstance(told, Missing):
            return None
        return told is not (self.active and not self.clears)

    def _judge(self, at: int, receipt: int) -> None:
        if at <= self.decided:
            return
        self._end(at - 1)
        holds = self._holds(at)
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
