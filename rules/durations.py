"""Durations as people write them (`1h30m`), in microseconds."""

import re

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
LONGEST = 366 * DAY

PATTERN = r"(?:\d{1,9}(?:\.\d{1,6})?[dhms])+"
_PIECE = re.compile(r"(\d+(?:\.\d+)?)([dhms])")
_WHOLE = re.compile(PATTERN)
_LENGTHS = {"d": DAY, "h": HOUR, "m": MINUTE, "s": SECOND}


def parse_duration(text: str) -> int:
    """Microseconds of `90s`, `10m`, `7d` or `1h30m`. Raises ValueError saying what to write."""
    if not _WHOLE.fullmatch(text):
        raise ValueError(f"{text!r} is not a duration; write it like 30s, 10m, 2h, 7d or 1h30m")
    pieces = _PIECE.findall(text)
    units = [unit for _, unit in pieces]
    if sorted(set(units), key="dhms".index) != units:
        raise ValueError(f"{text!r}: write days, hours, minutes, seconds in this order, each once")
    total = sum(round(float(number) * _LENGTHS[unit]) for number, unit in pieces)
    if total > LONGEST:
        raise ValueError(f"{text!r} is longer than 366 days")
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
