"""Paths into JSON: the part of RFC 9535 that names places, and the simplest of its filters.

`$` is the whole message and `@` the present record. Steps are `.name`, `['name']`, `[n]` (from the
end where n is negative), `[?@.name=='text']` and, where several are wanted, `.*` or `[*]`.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from rules.wording import Message, worded

LONGEST = 300
MOST_STEPS = 16
_STEP = re.compile(
    r"\.(?P<name>[^\W\d][\w-]*)"
    r"|\.(?P<any>\*)"
    r"|\[(?P<index>-?(?:0|[1-9]\d{0,5}))\]"
    r"|\[(?P<each>\*)\]"
    r"|\['(?P<single>[^']{1,200})'\]"
    r'|\["(?P<double>[^"]{1,200})"\]'
    r"|\[\?\s*@(?:\.(?P<member>[^\W\d][\w-]*)|\['(?P<named>[^']{1,200})'\])\s*==\s*"
    r"(?:'(?P<text>[^']{0,200})'|\"(?P<other>[^\"]{0,200})\"|(?P<plain>-?[\w.]{1,40}))\s*\]"
)
# So many members are looked at for the one that is meant.
MOST_SEARCHED = 2_000


class _Missing:
    """What stands where nothing is: null is a value."""

    __slots__ = ()


MISSING = _Missing()


class _Every:
    """The step to every member."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class _Where:
    """The step to members of which one value is this text, or this number, in quotes or not."""

    name: str
    text: str

    def holds(self, member: Any) -> bool:
        value = member.get(self.name) if isinstance(member, dict) else None
        if isinstance(value, bool):
            return self.text == ("true" if value else "false")
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        return isinstance(value, str | int | float) and str(value) == self.text


_EVERY = _Every()
_WIDE = (_Every, _Where)
Step = str | int | _Every | _Where


@dataclass(frozen=True, slots=True)
class Path:
    """A compiled path. whole: it begins at the message, not at the record."""

    text: str
    whole: bool
    steps: tuple[Step, ...]

    @property
    def several(self) -> bool:
        """Whether it may lead to more than one place."""
        return _EVERY in self.steps

    def find(self, message: Any, record: Any) -> Any:
        """What stands there; MISSING where nothing does. Only for a path to one place."""
        here = message if self.whole else record
        for step in self.steps:
            here = _go(here, step)
            if here is MISSING:
                break
        return here

    def each(self, message: Any, record: Any) -> Iterator[tuple[tuple[str, ...], Any]]:
        """Every place with the names that its steps to several places went by, from outside in.

        A name is a member's, or its number in a list.
        """
        yield from _each(message if self.whole else record, self.steps, ())

    def leads_to_none(self, message: Any, record: Any) -> bool:
        """Whether the list or the object is there whose members are meant, and has none."""
        narrow = next((at for at, one in enumerate(self.steps) if isinstance(one, _WIDE)), None)
        if narrow is None:
            return False
        return Path("", self.whole, self.steps[:narrow]).find(message, record) in ([], {})

    @property
    def wide(self) -> int:
        """How many of its steps may lead to more than one place."""
        return sum(isinstance(step, _WIDE) for step in self.steps)


def _go(here: Any, step: Step) -> Any:
    if isinstance(step, str):
        return here.get(step, MISSING) if isinstance(here, dict) else MISSING
    if isinstance(step, int) and isinstance(here, list) and -len(here) <= step < len(here):
        return here[step]
    if isinstance(step, _Where):
        members = islice(_members(here), MOST_SEARCHED)
        return next((value for _, value in members if step.holds(value)), MISSING)
    return MISSING


def _members(here: Any) -> Iterator[tuple[Any, Any]]:
    if isinstance(here, list):
        yield from enumerate(here)
    elif isinstance(here, dict):
        yield from here.items()


def _each(
    here: Any, steps: Sequence[Step], names: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], Any]]:
    if not steps:
        yield names, here
        return
    first, rest = steps[0], steps[1:]
    if isinstance(first, _Every | _Where):
        for member, value in _members(here):
            if isinstance(first, _Every) or first.holds(value):
                yield from _each(value, rest, (*names, str(member)))
        return
    found = _go(here, first)
    if found is not MISSING:
        yield from _each(found, rest, names)


def compile_path(text: str) -> Path | Message:
    """The path, or why it is none."""
    if len(text) > LONGEST:
        return worded("a path has at most %(most)d characters", most=LONGEST)
    if text[:1] not in ("$", "@"):
        return worded("a path begins with $ (the message) or @ (the record)")
    steps = list[Step]()
    place = 1
    while place < len(text):
        match = _STEP.match(text, place)
        if match is None:
            return worded(
                "from character %(place)d on this is no step of a path: "
                ".name, ['any name'], [0], [?@.name=='text'] or [*]",
                place=place + 1,
            )
        steps.append(_step(match))
        place = match.end()
    if len(steps) > MOST_STEPS:
        return worded("a path has at most %(most)d steps", most=MOST_STEPS)
    return Path(text, text[0] == "$", tuple(steps))


def _step(match: re.Match[str]) -> Step:
    if match["any"] or match["each"]:
        return _EVERY
    wanted = next(
        (match[one] for one in ("text", "other", "plain") if match[one] is not None), None
    )
    if wanted is not None:
        return _Where(match["member"] or match["named"], wanted)
    if match["index"] is not None:
        return int(match["index"])
    return match["name"] or match["single"] or match["double"]
