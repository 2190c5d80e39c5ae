"""Hours: when a place is open, a shift works, it is night. Whoever binds rules knows them."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Protocol

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_DAILY = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)")


class Hours(Protocol):
    """Spans of time, for ever."""

    def at(self, instant: int) -> tuple[bool, int]:
        """Whether `instant` (µs) is within them, and the next instant at which that may change."""


class Schedule:
    """Hours as one instance follows them: `inside` tells of the instant that it was moved to."""

    __slots__ = ("_begin", "_hours", "inside", "until")

    def __init__(self, hours: Hours) -> None:
        self._hours = hours
        self._begin = 0
        self.inside = False
        # The next instant at which `inside` may change, 0 = it was never moved.
        self.until = 0

    def move_to(self, instant: int) -> None:
        """Follow the time, forward or back."""
        if not self._begin <= instant < self.until:
            self._begin = instant
            self.inside, self.until = self._hours.at(instant)

    def tell(self) -> float | None:
        """Whether it is within the hours, as a number; None before any time is known."""
        return float(self.inside) if self.until else None


@dataclass(frozen=True, slots=True)
class DailyHours:
    """The same hours every day, in minutes of the local day; an end before its start is tomorrow's.

    Where clocks are put forward or back it follows the local clock.
    """

    zone: tzinfo
    begin: int
    end: int

    def at(self, instant: int) -> tuple[bool, int]:
        """Whether `instant` (µs) is within them, and when that changes next."""
        local = (_EPOCH + instant * _MICROSECOND).astimezone(self.zone)
        days = (local.date() + timedelta(days=offset) for offset in (-1, 0, 1, 2))
        spans = (
            (self._instant(midnight, self.begin), self._instant(midnight, self._last))
            for midnight in (datetime(d.year, d.month, d.day) for d in days)  # noqa: DTZ001
        )
        # Hours that the clocks jump over don't come on that day.
        edges = sorted(
            edge for opens, ends in spans if opens < ends for edge in ((opens, True), (ends, False))
        )
        inside, until = False, edges[-1][0]
        for edge, opens in edges:
            if edge > instant:
                until = edge
                break
            inside = opens
        return inside, until

    @property
    def _last(self) -> int:
        return self.end if self.end > self.begin else self.end + 1440

    def _instant(self, midnight: datetime, minutes: int) -> int:
        local = (midnight + timedelta(minutes=minutes)).replace(tzinfo=self.zone)
        return (local.astimezone(UTC) - _EPOCH) // _MICROSECOND


def daily_hours(text: str, zone: tzinfo) -> DailyHours:
    """`22:00-06:00`, every day. Raises ValueError saying what to write."""
    found = _DAILY.fullmatch(text)
    numbers = [int(number) for number in found.groups()] if found else [0, 0, 0, 0]
    begin, end = numbers[0] * 60 + numbers[1], numbers[2] * 60 + numbers[3]
    if begin == end:
        raise ValueError(f"{text!r} are no hours; write them like 22:00-06:00")
    return DailyHours(zone, begin, end)
