"""Which days are looked at: whole days of each site's own clock, up to now."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from core.clock import MICROS, from_micros, to_micros
from core.errors import Invalid
from core.local_time import resolve, thinkable, zone
from core.places import Node
from rules.wording import worded

USUAL_DAYS = 30
# As many days as one page shows and one answer counts.
MOST_DAYS = 366
DAY = timedelta(days=1)
HOUR = 3600 * MICROS


@dataclass(frozen=True, slots=True)
class Days:
    """From one day to another, both included, by the clock of whichever site is looked at."""

    first: date
    last: date

    @property
    def count(self) -> int:
        """How many days."""
        return (self.last - self.first).days + 1

    def __iter__(self) -> Iterator[date]:
        return (self.first + number * DAY for number in range(self.count))


def today_of(sites: Iterable[Node], now: datetime) -> date:
    """Today, where it is latest."""
    return max((now.astimezone(zone(site.time_zone)).date() for site in sites), default=now.date())


def days_asked(first: date | None, last: date | None, today: date) -> Days:
    """The days that somebody asked for: by default the last 30 whole ones, and today so far.

    Invalid with every problem for days that cannot be looked at.
    """
    last = today if last is None else thinkable(last)
    first = last - USUAL_DAYS * DAY if first is None else thinkable(first)
    problems = []
    if first > today:
        problems.append(worded("from: a day that has begun"))
    if first > last:
        problems.append(worded("until: the same day as `from` or a later one"))
    if (last - first).days >= MOST_DAYS:
        problems.append(worded("from: at most %(most)s days before `until`", most=MOST_DAYS - 1))
    if problems:
        raise Invalid(worded("these days cannot be looked at"), problems=problems)
    return Days(first, last)


@dataclass(frozen=True, slots=True)
class SiteSpan:
    """The days as a site had them, in µs. ends: where each day ends, cut off at the present."""

    start: int
    ends: tuple[int, ...]
    zone: ZoneInfo
    days: Days

    @property
    def end(self) -> int:
        """Where it ends: with its last day, or now."""
        return self.ends[-1]

    @property
    def bounds(self) -> tuple[int, ...]:
        """Where each day begins, and where the last one ends."""
        return (self.start, *self.ends)

    def hours(self) -> list[tuple[int, int]]:
        """For each hour that began in it: the number of its day, and the hour of the clock.

        A day of 23 or 25 hours has as many of them.
        """
        found = []
        for at in range(self.start, self.end, HOUR):
            local = from_micros(at).astimezone(self.zone)
            found.append(((local.date() - self.days.first).days, local.hour))
        return found


def span_of(days: Days, zone: ZoneInfo, now: datetime) -> SiteSpan | None:
    """The days by the clock of a site; None where the first of them has not begun there."""
    present = to_micros(now)
    midnights = [resolve(datetime.combine(day, time()), zone) for day in days]
    midnights.append(resolve(datetime.combine(days.last + DAY, time()), zone))
    if midnights[0] >= present:
        return None
    ends = tuple(min(at, present) for at in midnights[1:])
    return SiteSpan(midnights[0], ends, zone, days)
