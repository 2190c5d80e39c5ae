"""Working time: spans counted in the hours of a calendar, in the time zone of a site."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import chinese_calendar
import holidays

from core.clock import from_micros
from core.errors import Invalid
from core.local_time import resolve
from rules.wording import worded

# From minute to minute of a local day; an end at or before its start is on the next day.
Hours = tuple[tuple[int, int], ...]
Pause = tuple[datetime, datetime]
A_DAY = timedelta(days=1)
MINUTES = 24 * 60
# Whoever closes for longer than this has not promised anything.
FURTHEST = timedelta(days=3 * 366)


@lru_cache(maxsize=64)
def _library_days(country: str, year: int) -> Mapping[date, bool] | None:
    """Whether it is worked on the days that differ from plain weekdays; None for a year unknown.

    The year of a country is known when its free days are announced: of China not before the
    State Council's notice, which also names the weekend days worked to make up for them.
    """
    if country == "CN":
        if not chinese_calendar.constants.holidays or year not in _chinese_years():
            return None
        free = {day: False for day in chinese_calendar.constants.holidays if day.year == year}
        made_up = {day: True for day in chinese_calendar.constants.workdays if day.year == year}
        return {**free, **made_up}
    try:
        listed = holidays.country_holidays(country, years=year)
    except NotImplementedError:
        return None
    if not listed.start_year <= year <= listed.end_year:
        return None
    made_up = {day: True for day in listed.weekend_workdays if day.year == year}
    return {**{day: False for day in listed if day.year == year}, **made_up}


@lru_cache(maxsize=1)
def _chinese_years() -> frozenset[int]:
    return frozenset(day.year for day in chinese_calendar.constants.workdays)


@lru_cache(maxsize=1)
def known_countries() -> frozenset[str]:
    """The ISO 3166-1 codes of the countries whose holidays are to be had."""
    return frozenset(holidays.list_supported_countries(include_aliases=False))


def knows_country(code: str) -> bool:
    """Whether there are holidays to be had of a country, by its ISO 3166-1 code."""
    return code in known_countries()


def knows_year(country: str, year: int) -> bool:
    """Whether the free days of a country's year are known yet."""
    return _library_days(country, year) is not None


@dataclass(frozen=True, slots=True)
class WorkingTime:
    """When work is done: hours of each weekday from Monday on, holidays, and days that differ.

    country: ISO 3166-1 code whose public holidays are free and whose make-up days are worked
    like the first working day of the week. exceptions: the hours of single days, whatever the
    rest says; no hours = closed.
    """

    zone: ZoneInfo
    week: tuple[Hours, ...]
    country: str | None = None
    exceptions: Mapping[date, Hours] = field(default_factory=dict)
    _days: dict[date, list[Pause]] = field(default_factory=dict, compare=False, repr=False)

    def span(self, promised: timedelta) -> timedelta:
        """How much working time a promised span is: whole days are working days.

        So a promise of 2d (or 48h, which is the same) is the hours of two days, and 4h is 4 hours.
        """
        days, rest = divmod(promised, A_DAY)
        if rest:
            return promised
        first = next(filter(None, self.week), ())
        minutes = sum(end - begin if end > begin else end + MINUTES - begin for begin, end in first)
        return days * timedelta(minutes=minutes)

    def hours_on(self, day: date) -> Hours:
        """The hours of a local day."""
        if day in self.exceptions:
            return self.exceptions[day]
        usual = self.week[day.weekday()]
        if self.country is None:
            return usual
        worked = (_library_days(self.country, day.year) or {}).get(day)
        if worked is None:
            return usual
        return (usual or next(filter(None, self.week), ())) if worked else ()

    def _open(self, start: datetime, until: datetime) -> Iterator[tuple[datetime, datetime]]:
        # The day before may reach over midnight, and into hours of the next, which count once.
        day, last = start.astimezone(self.zone).date() - A_DAY, until.astimezone(self.zone).date()
        reached = start
        while day <= last:
            known = self._days.get(day)
            for opens, closes in self._remember(day) if known is None else known:
                begin, end = max(opens, reached), min(closes, until)
                if begin < end:
                    yield begin, end
                    reached = end
            day += A_DAY

    def _remember(self, day: date) -> list[Pause]:
        """The open spans of a local day; asked for again and again in a night of many faults."""
        midnight = datetime(day.year, day.month, day.day)  # noqa: DTZ001 - local, see resolve
        spans = []
        for begin, end in self.hours_on(day):
            last = end if end > begin else end + MINUTES
            opens = from_micros(resolve(midnight + timedelta(minutes=begin), self.zone))
            closes = from_micros(resolve(midnight + timedelta(minutes=last), self.zone))
            if opens < closes:
                spans.append((opens, closes))
        self._days[day] = spans
        return spans

    def spans(self, start: datetime, end: datetime) -> list[Pause]:
        """The spans of working time between two moments, in order."""
        return list(self._open(start, end))

    def after(self, start: datetime, span: timedelta, pauses: Sequence[Pause] = ()) -> datetime:
        """The moment at which `span` of working time has passed since `start`, without pauses.

        Invalid when that does not happen within three years.
        """
        left = span
        for opens, closes in self._open(start, start + FURTHEST):
            for begin, end in _outside(opens, closes, pauses):
                if left <= end - begin:
                    return (begin + left).astimezone(UTC)
                left -= end - begin
        raise Invalid(
            worded("the calendar is closed for longer than three years"),
            advice=worded("Give it hours on at least one weekday."),
        )

    def between(self, start: datetime, end: datetime, pauses: Sequence[Pause] = ()) -> timedelta:
        """How much working time lies between two moments, without pauses."""
        spans = (
            last - first
            for opens, closes in self._open(start, end)
            for first, last in _outside(opens, closes, pauses)
        )
        return sum(spans, timedelta(0))


@dataclass(frozen=True, slots=True)
class RoundTheClock:
    """Day and night, every day."""

    def span(self, promised: timedelta) -> timedelta:
        """A promised span as it is."""
        return promised

    def spans(self, start: datetime, end: datetime) -> list[Pause]:
        """The whole span between two moments."""
        return [(start, end)] if start < end else []

    def after(self, start: datetime, span: timedelta, pauses: Sequence[Pause] = ()) -> datetime:
        """The moment at which `span` has passed since `start`, without pauses."""
        left = span
        for begin, end in _outside(start, start + FURTHEST, pauses):
            if left <= end - begin:
                return begin + left
            left -= end - begin
        return start + FURTHEST

    def between(self, start: datetime, end: datetime, pauses: Sequence[Pause] = ()) -> timedelta:
        """How much time lies between two moments, without pauses."""
        return sum((last - first for first, last in _outside(start, end, pauses)), timedelta(0))


def uncovered(wanted: Sequence[Pause], covers: Sequence[Pause]) -> list[Pause]:
    """What of the wanted spans no cover reaches, in order."""
    return [gap for start, end in wanted for gap in _outside(start, end, covers)]


def _outside(
    start: datetime, end: datetime, pauses: Sequence[Pause]
) -> Iterator[tuple[datetime, datetime]]:
    for begin, finish in sorted(pauses):
        if finish <= start or begin >= end:
            continue
        if begin > start:
            yield start, begin
        start = max(start, finish)
    if start < end:
        yield start, end
