"""How many people who may act on alarms were on duty, from a site's rosters."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.clock import to_micros
from core.colleagues import able_people
from core.people import Person
from core.rosters import Absence, Shift, Span
from core.working_time import uncovered

ACT = "alarms.act"


@dataclass(frozen=True, slots=True)
class Watch:
    """Who watched a site in a span. times in µs.

    operator_time: the span times those on duty; where the roster names nobody, one is counted.
    unwatched: how much of the span that was. rostered: whether the roster names anybody at all.
    """

    operator_time: int
    unwatched: int
    most: int
    rostered: bool


def watch_of(session: Session, site_id: UUID, start: datetime, end: datetime) -> Watch:
    """Who was on duty on a site in a span, deputies in place of those who were absent."""
    able = {person.id for person in able_people(session, site_id, ACT)}
    statement = (
        select(Shift.person_id, Person.left_at, Shift.starts_at, Shift.ends_at)
        .join(Person, Person.id == Shift.person_id)
        .where(
            Shift.site_id == site_id,
            Shift.kind == "duty",
            Shift.starts_at < end,
            Shift.ends_at > start,
        )
    )
    present: defaultdict[UUID, list[Span]] = defaultdict(list)
    away = _absences(session, start, end)
    for person_id, left_at, starts_at, ends_at in session.execute(statement):
        # Whoever left has no rights any more, but had them while on duty.
        if person_id in able or left_at is not None:
            shift = max(starts_at, start), min(ends_at, end)
            for who, span in _stood(person_id, shift, away):
                present[who].append(span)
    return _counted(present.values(), to_micros(start), to_micros(end))


Away = dict[UUID, list[tuple[datetime, datetime, UUID | None]]]


def _absences(session: Session, start: datetime, end: datetime) -> Away:
    found: Away = defaultdict(list)
    for row in session.scalars(
        select(Absence).where(Absence.starts_at < end, Absence.ends_at > start)
    ):
        found[row.person_id].append((row.starts_at, row.ends_at, row.deputy_id))
    return found


def _stood(person_id: UUID, shift: Span, away: Away) -> list[tuple[UUID, Span]]:
    """Who stood in a shift when: its person, and deputies while they were not absent as well."""

    def there(who: UUID, span: Span) -> list[tuple[UUID, Span]]:
        gone = [(begin, finish) for begin, finish, _ in away.get(who, ())]
        return [(who, each) for each in uncovered([span], gone)]

    found = there(person_id, shift)
    for begin, finish, deputy in away.get(person_id, ()):
        span = max(begin, shift[0]), min(finish, shift[1])
        if deputy is not None and span[0] < span[1]:
            found += there(deputy, span)
    return found


def _counted(present: Iterable[list[Span]], start: int, end: int) -> Watch:
    turns: list[tuple[int, int]] = [(start, 0), (end, 0)]
    for spans in present:
        # Somebody with shifts in two teams at once is still one person.
        until = start
        for begins, finishes in sorted(spans):
            begin, finish = max(to_micros(begins), until), to_micros(finishes)
            if begin < finish:
                turns += [(begin, 1), (finish, -1)]
                until = finish
    turns.sort()
    time = unwatched = there = most = 0
    for (begin, change), (finish, _) in pairwise(turns):
        there += change
        most = max(most, there)
        time += (finish - begin) * max(there, 1)
        unwatched += (finish - begin) * (there == 0)
    return Watch(time, unwatched, most, len(turns) > 2)
