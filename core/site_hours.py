"""The hours that rules may name at a site: its calendars, and the shifts of its rosters."""

from datetime import datetime

from sqlalchemy.orm import Session

from core.calendars import Calendar, find_calendar
from core.clock import MICROS, from_micros, to_micros
from core.errors import NotFound
from core.local_time import zone
from core.places import Node
from core.shift_codes import shift_codes_at
from core.working_time import WorkingTime

# How far ahead a change is looked for, step by step; what doesn't change by then is asked again.
_AHEAD = (2, 16, 400)
_DAY = 86_400 * MICROS


class SiteHours:
    """A calendar as the hours of a rule (see `rules.hours.Hours`)."""

    def __init__(self, calendar: Calendar) -> None:
        self._calendar = calendar

    def spans(self, start: datetime, end: datetime) -> list[tuple[datetime, datetime]]:
        """The spans of them between two moments, in order."""
        return self._calendar.spans(start, end)

    def at(self, instant: int) -> tuple[bool, int]:
        """Whether `instant` (µs) is within them, and the next at which that may change."""
        inside = False
        until = instant
        for days in _AHEAD:
            until = instant + days * _DAY
            spans = self._calendar.spans(from_micros(instant), from_micros(until))
            edge, inside = instant, bool(spans) and to_micros(spans[0][0]) == instant
            if not inside and spans:
                return False, to_micros(spans[0][0])
            for begin, end in spans:
                # A night shift of every day meets itself where "24:00" is an end.
                if to_micros(begin) > edge:
                    break
                edge = max(edge, to_micros(end))
            if inside and edge < until:
                return True, edge
        return inside, until


def hours_at(session: Session, site: Node, names: frozenset[str]) -> dict[str, SiteHours]:
    """What a site means by each name: its calendar of that code, else the shift of that code.

    Names are written with hyphens where a code has underscores. What is neither is left out.
    """
    shifts = {
        code.replace("_", "-"): shift
        for code, shift in shift_codes_at(session, site.id).items()
        if not shift.retired and shift.starts
    }
    found = {}
    for name in names:
        try:
            found[name] = SiteHours(find_calendar(session, site.id, name))
        except NotFound:
            if name in shifts:
                begins, ends = (each.hour * 60 + each.minute for each in shifts[name].hours)
                week = tuple(((begins, ends),) for _ in range(7))
                found[name] = SiteHours(WorkingTime(zone(site.time_zone), week))
    return found
