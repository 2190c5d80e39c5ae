"""How far local time is ahead of UTC, as a baseline asks for it."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo

Offset = Callable[[int], int]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def no_offset(at: int) -> int:
    """That of UTC itself."""
    return 0


def offset_in(zone: tzinfo | None) -> Offset:
    """By how many µs the clocks of a zone are ahead at an instant in µs; None = UTC."""
    if zone is None:
        return no_offset

    def offset(at: int) -> int:
        ahead = (_EPOCH + at * _MICROSECOND).astimezone(zone).utcoffset()
        return 0 if ahead is None else ahead // _MICROSECOND

    return offset
