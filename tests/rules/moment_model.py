"""What may be asked of events, told once more: they happen at moments, and nothing lasts of them.

A moment counts while it is less than the span old. That there was none is known from the start.
"""

from collections import Counter
from collections.abc import Callable
from itertools import pairwise

from tests.rules.building import SECOND
from tests.rules.story import Atom, Truth, View


def count(code: str, seconds: int, sign: str, limit: int) -> Atom:
    """How often an event happened."""
    return _lately("count", code, seconds, sign, limit, len)


def repeats(code: str, seconds: int, sign: str, limit: int) -> Atom:
    """How often an event happened with the most frequent of its categories."""
    return _lately("repeats", code, seconds, sign, limit, _most)


def changes(code: str, seconds: int, sign: str, limit: int) -> Atom:
    """How often a reading differs from the one before; unknown while the beginning is."""
    span = seconds * SECOND

    def holds(view: View) -> Truth:
        told = view.through(code, span)
        differ = sum(1 for before, after in pairwise(told) if before != after)
        return _compared(differ, sign, limit) if told else None

    return Atom(f"changes({code}, {seconds}s) {sign} {limit}", code, holds, span)


def readings(code: str, seconds: int, sign: str, limit: int) -> Atom:
    """How many readings came, of a point that is no event: unknown while the beginning is."""
    span = seconds * SECOND

    def holds(view: View) -> Truth:
        told = view.through(code, span)
        return _compared(len(told) - 1, sign, limit) if told else None

    return Atom(f"count({code}, {seconds}s) {sign} {limit}", code, holds, span)


def since(code: str, seconds: int, sign: str) -> Atom:
    """How long ago an event happened last; unknown while it never did."""
    span = seconds * SECOND

    def holds(view: View) -> Truth:
        moments = [at for at, _, _ in view.story.told.get(code, ()) if at <= view.now]
        return _compared(view.now - moments[-1], sign, span) if moments else None

    # The first instant that is more than the span away is a microsecond after the span's end.
    later = 1 if sign in (">", "<=") else 0
    return Atom(f"since({code}) {sign} {seconds}s", code, holds, span + later)


def stands(text: str, code: str, limit: float = 0) -> Atom:
    """The present value of a point that is no event."""

    def holds(view: View) -> Truth:
        value = view.value(code)
        return None if value is None else value > limit

    return Atom(text, code, holds)


def _lately(
    word: str,
    code: str,
    seconds: int,
    sign: str,
    limit: int,
    tell: Callable[[list[float]], int],
) -> Atom:
    span = seconds * SECOND

    def holds(view: View) -> Truth:
        return _compared(tell(view.within(code, span)), sign, limit)

    return Atom(f"{word}({code}, {seconds}s) {sign} {limit}", code, holds, span)


def _most(values: list[float]) -> int:
    return max(Counter(values).values(), default=0)


def _compared(number: int, sign: str, limit: int) -> bool:
    return {
        "<": number < limit,
        "<=": number <= limit,
        ">": number > limit,
        ">=": number >= limit,
        "==": number == limit,
    }[sign]
