"""Local times that do not exist, or exist twice, are resolved here and nowhere else."""

from datetime import date, datetime
from typing import TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from core.clock import to_micros
from core.errors import Invalid
from rules.wording import worded


def zone(name: str) -> ZoneInfo:
    """The time zone of this IANA name; Invalid if there is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, IsADirectoryError):
        raise Invalid(
            worded("there is no time zone %(name)s", name=repr(name)),
            advice=worded("Use an IANA name such as Asia/Shanghai."),
        ) from None


# Nobody means a day outside of these years, and at the ends of all time none can be counted with.
FIRST_YEAR, LAST_YEAR = 1900, 2199
Day = TypeVar("Day", bound=date)


def thinkable(day: Day) -> Day:
    """A day that somebody may mean, as it is. Invalid for one of another age."""
    if FIRST_YEAR <= day.year <= LAST_YEAR:
        return day
    raise Invalid(
        worded("that is a long time off"),
        problems=[
            worded("day: a year from %(first)s to %(last)s", first=FIRST_YEAR, last=LAST_YEAR)
        ],
    )


def resolve(local: datetime, where: ZoneInfo) -> int:
    """µs since the epoch of a local time without zone.

    One that exists twice (clocks go back) is the earlier of the two; one that does not exist
    (clocks go forward) is moved forward by the width of the jump. That is what PEP 495's fold=0
    yields for both. Invalid as `thinkable`.
    """
    thinkable(local)
    return to_micros(local.replace(tzinfo=where, fold=0))
