"""Durations as people write them (`1h30m`), in microseconds."""

import re

from rules.wording import Unusable, worded

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
LONGEST = 366 * DAY

PATTERN = r"(?:\d{1,9}(?:\.\d{1,6})?[dhms])+"
_PIECE = re.compile(r"(\d+(?:\.\d+)?)([dhms])")
_WHOLE = re.compile(PATTERN)
_LENGTHS = {"d": DAY, "h": HOUR, "m": MINUTE, "s": SECOND}


class DurationError(Unusable):
    """A text is no duration."""


def parse_duration(text: str) -> int:
    """Microseconds of `90s`, `10m`, `7d` or `1h30m`. Raises DurationError saying what to write."""
    if not _WHOLE.fullmatch(text):
        message = worded(
            "%(text)s is not a duration; write it like 30s, 10m, 2h, 7d or 1h30m", text=repr(text)
        )
        raise DurationError(message)
    pieces = _PIECE.findall(text)
    units = [unit for _, unit in pieces]
    if sorted(set(units), key="dhms".index) != units:
        message = worded(
            "%(text)s: write days, hours, minutes, seconds in this order, each once",
            text=repr(text),
        )
        raise DurationError(message)
    total = sum(round(float(number) * _LENGTHS[unit]) for number, unit in pieces)
    if total > LONGEST:
        raise DurationError(worded("%(text)s is longer than 366 days", text=repr(text)))
    return total


def format_duration(microseconds: int) -> str:
    """`2m`, `1h30m`, `0.5s`: the shortest text that `parse_duration` reads back, to the µs."""
    rest = abs(microseconds)
    parts = []
    for unit in "dhm":
        count, rest = divmod(rest, _LENGTHS[unit])
        if count:
            parts.append(f"{count}{unit}")
    if rest or not parts:
        seconds = f"{rest / SECOND:.6f}".rstrip("0").rstrip(".")
        parts.append(f"{seconds}s")
    return "".join(parts)
