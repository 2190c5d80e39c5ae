"""Paths into JSON: the part of RFC 9535 that names places, without its filters.

`$` is the whole message and `@` the present record. Steps are `.name`, `['name']`, `[n]` (from the
end where n is negative) and, where several are wanted, `.*` or `[*]`.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
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
)


class _Missing:
    """What stands where nothing is: null is a value."""

    __slots__ = ()


MISSING = _Missing()


class _Every:
    """The step to every member."""

    __slots__ = ()


_EVERY = _Every()
Step = str | int | _Every


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

    def each(self, message: Any, record: Any) -> Iterator[tuple[str, Any]]:
        """Every place with its own name: the member's, or its number in a list."""
        yield from _each(message if self.whole else record, self.steps, "")


def _go(here: Any, step: Step) -> Any:
    if isinstance(step, str):
        return here.get(step, MISSING) if isinstance(here, dict) else MISSING
    if isinstance(step, int) and isinstance(here, list) and -len(here) <= step < len(here):
        return here[step]
    return MISSING


def _each(here: Any, steps: Sequence[Step], name: str) -> Iterator[tuple[str, Any]]:
    if not steps:
        yield name, here
        return
    first, rest = steps[0], steps[1:]
    if isinstance(first, _Every):
        inside = here.items() if isinstance(here, dict) else ()
        members = enumerate(here) if isinstance(here, list) else inside
        for member, value in members:
            yield from _each(value, rest, str(member))
        return
    found = _go(here, first)
    if found is not MISSING:
        yield from _each(found, rest, name)


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
                ".name, ['any name'], [0] or [*]",
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
    if match["index"] is not None:
        return int(match["index"])
    return match["name"] or match["single"] or match["double"]
