"""Other assets that a rule on one asset asks about: their points, and what they answer.

Whose clock is ahead pushes the time of such a rule; whose clock is behind is judged all the same,
with what the others say when it is heard. So the time of the last change alone doesn't tell which
readings were judged: each change remembers, for each point, how far it had been read (`seen`).
A reading beyond that is new, whatever its time; one that comes again, after a kill, is not.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from rules.expression import UNKNOWN, Branch, Group
from rules.expression.many import Answer, Question, asked, lacking
from rules.expression.nodes import COMPARE
from rules.expression.program import Bound, Test, of_group
from rules.expression.pruning import prune
from rules.slots import ReceiptNow, Slot

# So many members are named in a reason, and so many readings kept as evidence.
_NAMED = 5
_KEPT = 20
# Who they are stands in square brackets, and nothing else does.
_WHO = re.compile(r"\[([^\[\]]*)\]")

Seen = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Member:
    """Another asset. name: its code, by which reasons call it; slots: its points, by code."""

    asset_id: str
    name: str
    slots: Mapping[str, Slot]


Others = Mapping[Branch, Sequence[Member]]


def takes_part(group: Group, codes: Iterable[str]) -> bool:
    """Whether an asset with these points can be asked at all."""
    absent = lacking(group, set(codes))
    return not absent or prune(group.root, absent) is not None


def key_of(name: str, code: str) -> str:
    """What a member's point is called among those that a rule looks at."""
    return f"{name}/{code}"


def named_in(reason: str) -> tuple[str, ...]:
    """The names of the members that a reason rests on, as `Asker` writes them, each once."""
    if "[" not in reason:
        return ()
    parts = (part for whole in _WHO.findall(reason) for part in whole.split("; "))
    names = (part.partition(": ") for part in parts)
    return tuple(dict.fromkeys(name for name, colon, _ in names if colon and " " not in name))


def asset_of(key: str) -> str:
    """The name of the member in such a key; empty for a point of the asset itself."""
    return key.rpartition("/")[0]


class Members:
    """The members of each group of a rule at one asset, and how far they have been read.

    watched: every point that the rule looks at, its own by code and the others by `key_of`.
    behind: after a kill, points whose readings were judged further than they are stored; what
    they say isn't known until they have been heard again.
    """

    __slots__ = ("_now", "_slots", "_taking", "behind", "watched")

    def __init__(
        self, groups: Iterable[Group], others: Others, own: Mapping[str, Slot], now: ReceiptNow
    ) -> None:
        self.watched = dict(own)
        self.behind: dict[str, int] = {}
        self._now = now
        self._taking: dict[Group, list[Member]] = {}
        for group in groups:
            taking = [
                each for each in others.get(group.branch, ()) if takes_part(group, each.slots)
            ]
            if taking:
                self._taking[group] = taking
            self.watched |= dict(_slots_of(group, taking))
        self._slots: Mapping[str, Slot] = self.watched

    def read_from(self, slots: Mapping[str, Slot]) -> None:
        """Answer from copies of the points, by the same keys."""
        self._slots = slots

    @property
    def empty(self) -> bool:
        """Whether there is nobody to ask."""
        return not self._taking

    def has(self, group: Group) -> bool:
        """Whether there is anybody to ask."""
        return group in self._taking

    def teller(self, question: Question) -> "Asker":
        """What answers a question."""
        group = question.group
        expression = of_group(group)
        seats = []
        for member in self._taking[group]:
            keys = {c: key_of(member.name, c) for c in _codes(group, member)}
            slots = {code: self._slots[key] for code, key in keys.items()}
            bound = expression.bind(slots, self._now, UNKNOWN)
            seats.append(
                _Seat(
                    member.name,
                    tuple((key, slots[code]) for code, key in keys.items()),
                    bound,
                    bound.test(True),
                    bound.test(False),
                )
            )
        return Asker(question, tuple(seats), self.behind)

    @property
    def newest(self) -> int:
        """The event time of the newest reading of any of them, 0 = none."""
        return max((slot.at for slot in self.watched.values()), default=0)

    def seen(self) -> Seen:
        """How far each has been read."""
        return {key: slot.at for key, slot in self.watched.items()}

    def beyond(self, seen: Seen | None) -> bool:
        """Whether any has a reading that was not there when `seen` was."""
        if seen is None:
            return False
        return any(slot.at > seen.get(key, 0) for key, slot in self.watched.items())

    def catch_up(self, seen: Seen | None, asked: Seen | Mapping[str, Slot] | None) -> bool:
        """A stored alarm is continued; whether it must be judged now, since others are asked.

        asked: the points that were looked at until now, by the same keys; None = nobody knows. Not
        where nothing has changed: readings that were ignored would have a say after all.
        """
        self.behind.clear()
        for key, at in (seen or {}).items():
            slot = self.watched.get(key)
            if slot is not None and slot.at < at:
                self.behind[key] = at
        return not self.behind and (asked is None or asked.keys() != self.watched.keys())


def _codes(group: Group, member: Member) -> list[str]:
    return [point.code for point in group.points if point.code in member.slots]


def _slots_of(group: Group, members: Iterable[Member]) -> Iterator[tuple[str, Slot]]:
    for member in members:
        for code in _codes(group, member):
            yield key_of(member.name, code), member.slots[code]


@dataclass(frozen=True, slots=True)
class _Seat:
    """One member of a group."""

    name: str
    slots: tuple[tuple[str, Slot], ...]
    bound: Bound
    yes: Test
    no: Test

    def says(self) -> bool | None:
        """What it answers; it may raise ArithmeticError."""
        if self.yes():
            return True
        return False if self.no() else None


@dataclass(frozen=True, slots=True)
class Said:
    """What a member says to a question. says: None = it can't tell. keys: of the points asked."""

    name: str
    says: bool | None
    keys: tuple[str, ...]


class Asker:
    """One question to the members of its group; calling it gives 1, 0, or None."""

    __slots__ = ("_behind", "_question", "_seats")

    def __init__(
        self, question: Question, seats: tuple[_Seat, ...], behind: Mapping[str, int]
    ) -> None:
        self._question = question
        self._seats = seats
        self._behind = behind

    def __call__(self) -> float | None:
        how = self._question.how
        if self._behind or how == "count":
            return self._counted(*self._tally())
        decisive = how == "any"
        unknown = False
        for seat in self._seats:
            if (seat.yes if decisive else seat.no)():
                return float(decisive)
            if not unknown and not (seat.no if decisive else seat.yes)():
                unknown = True
        return None if unknown else float(not decisive)

    def _tally(self) -> tuple[int, int]:
        """How many say yes, and how many can't be told."""
        yes = unknown = 0
        for seat in self._seats:
            if self._behind and self._is_behind(seat):
                unknown += 1
            elif seat.yes():
                yes += 1
            elif not seat.no():
                unknown += 1
        return yes, unknown

    def _counted(self, yes: int, unknown: int) -> float | None:
        question = self._question
        if question.how == "any":
            return 1.0 if yes else (None if unknown else 0.0)
        if question.how == "all":
            no = len(self._seats) - yes - unknown
            return 0.0 if no else (None if unknown else 1.0)
        compare, most = COMPARE[question.operator], yes + unknown
        # Both ends decide, but for equality, which may hold in between.
        between = question.operator in ("==", "!=") and yes < question.limit < most
        ends = (yes, question.limit, most) if between else (yes, most)
        verdicts = {compare(each, question.limit) for each in ends}
        return float(verdicts.pop()) if len(verdicts) == 1 else None

    def _is_behind(self, seat: _Seat) -> bool:
        return any(slot.at < self._behind.get(key, 0) for key, slot in seat.slots)

    def _says(self, seat: _Seat) -> bool | None:
        """For words about it, so that a member whose calculation fails is unknown."""
        try:
            return None if self._is_behind(seat) else seat.says()
        except ArithmeticError:
            return None

    def _said(self) -> tuple[int, int]:
        answers = [self._says(seat) for seat in self._seats]
        return answers.count(True), answers.count(None)

    @property
    def group(self) -> Group:
        """Whom it asks what."""
        return self._question.group

    def each(self) -> tuple[Said, ...]:
        """What every member says, in the order of their names."""
        said = (
            Said(seat.name, self._says(seat), tuple(key for key, _ in seat.slots))
            for seat in self._seats
        )
        return tuple(sorted(said, key=lambda one: one.name))

    def told(self) -> Answer | None:
        """The answer with the words for it."""
        yes, unknown = self._said()
        value = self._counted(yes, unknown)
        if value is None:
            return None
        truth = value != 0.0
        wanted = not (self._question.how == "all" and not truth)
        told = (
            f"{seat.name}: {seat.bound.explain(seat.bound.values(), wanted)}"
            for seat in self._deciding(truth)
        )
        return Answer(truth, self._worded(truth, yes, unknown, told))

    def open(self) -> str:
        """What is asked, with those that keep it from being told."""
        waiting = (f"{seat.name}: unknown" for seat in self._seats if self._says(seat) is None)
        return self._worded(True, *self._said(), waiting)

    def _worded(self, truth: bool, yes: int, unknown: int, who: Iterable[str]) -> str:
        text = asked(self._question, truth)
        if self._question.how == "count":
            many = f"{yes}" if not unknown else f"{yes} to {yes + unknown}"
            head, mark, limit = text.rpartition(")")
            text = f"{head}{mark} {many} of {len(self._seats)}{limit}"
        first = list(islice(who, _NAMED + 1))
        if len(first) > _NAMED:
            first[_NAMED:] = [f"and {sum(1 for _ in who) + 1} more"]
        return f"{text} [{'; '.join(first)}]" if first else text

    def _deciding(self, truth: bool) -> Iterator[_Seat]:
        """The members that make it so: those that say no where not all say yes, else yes."""
        wanted = not (self._question.how == "all" and not truth)
        return (seat for seat in self._seats if self._says(seat) is wanted)

    def readings(self) -> Iterator[tuple[str, Slot]]:
        """The points of those that make it so, or of all while it can't be told."""
        value = self._counted(*self._said())
        seats = list(self._seats if value is None else self._deciding(value != 0.0))
        for seat in seats[:_KEPT]:
            yield from seat.slots
