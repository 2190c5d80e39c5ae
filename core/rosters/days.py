"""Rosters day by day: what stands of somebody on a day, and bringing many days to a wish."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from uuid import UUID

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from core import events
from core.clock import from_micros
from core.ids import new_id
from core.local_time import resolve, zone
from core.places import Node
from core.rosters.model import Shift

_AT_ONCE = 500


@dataclass(frozen=True, slots=True, order=True)
class DayShift:
    """A shift as a day holds it."""

    starts_at: datetime
    ends_at: datetime
    kind: str = "duty"


@dataclass(frozen=True, slots=True)
class Day:
    """Somebody's day in a team. day: of the site's clock; a shift belongs to where it begins."""

    team: str
    person_id: UUID
    day: date


def shift_on(site: Node, day: date, hours: tuple[time, time], kind: str) -> DayShift:
    """A shift of a day of the site's clock; an end at or before the start is on the next day."""
    where = zone(site.time_zone)
    starts, ends = (datetime.combine(day, moment) for moment in hours)
    ends += timedelta(days=1) if ends <= starts else timedelta(0)
    return DayShift(from_micros(resolve(starts, where)), from_micros(resolve(ends, where)), kind)


def day_of(site: Node, moment: datetime) -> date:
    """The day of the site's clock."""
    return moment.astimezone(zone(site.time_zone)).date()


def shifts_of(
    session: Session, people: Collection[UUID], first: date, last: date, *, lock: bool = False
) -> list[Shift]:
    """Every shift of some people, wherever they work, around these days. lock: until commit."""
    # Wide enough for the clock of any site.
    start = from_micros(resolve(datetime.combine(first, time()), zone("UTC"))) - timedelta(days=2)
    end = start + (last - first) + timedelta(days=5)
    found: list[Shift] = []
    wanted = sorted(people)
    for begin in range(0, len(wanted), _AT_ONCE):
        statement = select(Shift).where(
            Shift.person_id.in_(wanted[begin : begin + _AT_ONCE]),
            Shift.starts_at < end,
            Shift.ends_at > start,
        )
        if lock:
            statement = statement.with_for_update()
        found += session.scalars(statement.order_by(Shift.starts_at, Shift.id))
    return found


def by_day(site: Node, shifts: Iterable[Shift]) -> dict[Day, tuple[DayShift, ...]]:
    """The shifts of a site by the day to which they belong."""
    found: defaultdict[Day, list[DayShift]] = defaultdict(list)
    for one in shifts:
        if one.site_id == site.id:
            day = Day(one.team, one.person_id, day_of(site, one.starts_at))
            found[day].append(DayShift(one.starts_at, one.ends_at, one.kind))
    return {day: tuple(sorted(some)) for day, some in found.items()}


def write_days(
    session: Session,
    site: Node,
    wanted: Mapping[Day, Sequence[DayShift]],
    *,
    actor: events.Actor,
    now: datetime,
) -> None:
    """Bring these days of a site to what is wanted; shifts that stand as wanted are not touched.

    The caller has made sure that nobody has two shifts at once.
    """
    if not wanted:
        return
    days = [each.day for each in wanted]
    standing = shifts_of(session, {each.person_id for each in wanted}, min(days), max(days))
    left = {day: list(some) for day, some in wanted.items()}
    gone = []
    for one in standing:
        if one.site_id != site.id:
            continue
        day = Day(one.team, one.person_id, day_of(site, one.starts_at))
        told = DayShift(one.starts_at, one.ends_at, one.kind)
        if day in left and told in left[day]:
            left[day].remove(told)
        elif day in left:
            gone.append(one.id)
    made = [
        {
            "id": new_id(),
            "site_id": site.id,
            "team": day.team,
            "person_id": day.person_id,
            "kind": one.kind,
            "starts_at": one.starts_at,
            "ends_at": one.ends_at,
        }
        for day, some in left.items()
        for one in some
    ]
    for begin in range(0, len(gone), _AT_ONCE):
        some = gone[begin : begin + _AT_ONCE]
        statement = delete(Shift).where(Shift.id.in_(some))
        session.execute(statement.execution_options(synchronize_session=False))
    if made:
        session.execute(insert(Shift), made)
    _tell(session, site, wanted, actor, now)


def _tell(
    session: Session, site: Node, wanted: Collection[Day], actor: events.Actor, now: datetime
) -> None:
    for team in sorted({each.team for each in wanted}):
        some = [each for each in wanted if each.team == team]
        days = [each.day for each in some]
        events.append(
            session,
            "roster.change",
            ("site", site.id),
            actor=actor,
            learned_at=now,
            site_id=site.id,
            after={
                "team": team,
                "people": sorted({str(each.person_id) for each in some}),
                "from": min(days).isoformat(),
                "to": max(days).isoformat(),
                "days": len(some),
            },
        )
