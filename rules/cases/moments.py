"""Times in a case: from its start (`2m30s`) or absolute (ISO 8601), in µs."""

import re
from datetime import UTC, datetime, timedelta

from rules.durations import PATTERN, SECOND, format_duration, parse_duration

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_RELATIVE = re.compile(PATTERN)
# A case that counts from its start starts here: any instant would do but 0, which means never.
START = round((datetime(2026, 1, 1, tzinfo=UTC) - _EPOCH).total_seconds()) * SECOND
_WANTED = "write it from the start, like 0s or 2m30s, or as 2026-01-01T08:00:00+08:00"


def parse_moment(text: str) -> tuple[int, bool]:
    """µs since 1970, and whether the time is absolute. Raises ValueError saying what to write."""
    if _RELATIVE.fullmatch(text):
        return START + parse_duration(text), False
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is no time; {_WANTED}") from None
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} names no time zone; end it with Z or with one like +08:00")
    microseconds = (moment - _EPOCH) // timedelta(microseconds=1)
    if microseconds <= 0:
        raise ValueError(f"{text!r} is before 1970")
    return microseconds, True


def format_moment(at: int, *, absolute: bool) -> str:
    """The text of an instant in a case, as its other times are written."""
    if not absolute:
        return format_duration(at - START)
    moment = _EPOCH + timedelta(microseconds=at)
    return moment.isoformat().replace("+00:00", "Z")
