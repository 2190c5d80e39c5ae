"""Shifts: who is on duty when, added by the week, taken out, read."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, datetime, time, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import events
from core.calendars import find_calendar
from core.clock import from_micros
from core.colleagues import able_people
from core.errors import Conflict, Invalid, NotFound
from core.ids import new_id
from core.local_time import resolve, thinkable, zone
from core.people import Caller, Person
from core.places import Node
from core.rosters.model import (
    KINDS,
    MOST_WEEKS,
    Absence,
    Shift,
    Span,
)
from core.teams import ROSTER, team_at, teams_at
from core.working_time import uncovered
from rules.wording import worded


def add_shifts(
    session: Session,
    caller: Caller,
    site: Node,
    team: str,
    people: Sequence[UUID],
    *,
    kind: str,
    weekdays: Iterable[int],
    hours: tuple[time, time],
    first: date,
    weeks: int,
    now: datetime,
) -> int:
    """Fill a roster for some weeks; returns how many shifts that made.

    With several people they take turns, a week each, in their order. An end at or before the
    start is on the next day. Invalid with every problem; Conflict when somebody has two at once.
    """
    caller.require(ROSTER, site.id)
    days = sorted(set(weekdays))
    problems = _bad_shifts(session, site, team, people, kind, days, hours, weeks)
    if problems:
        raise Invalid(worded("the roster was not changed"), problems=problems)
    where = zone(site.time_zone)
    made = []
    for week in range(weeks):
        person = people[week % len(people)]
        monday = thinkable(first) - timedelta(days=first.weekday()) + timedelta(weeks=week)
        for day in (monday + timedelta(days=each) for each in days):
            if day < first:
                continue
            starts = datetime.combine(day, hours[0])
            ends = datetime.combine(day, hours[1])
            ends += timedelta(days=1) if ends <= starts else timedelta(0)
            made.append(
                Shift(
                    id=new_id(),
                    site_id=site.id,
                    team=team,
                    person_id=person,
                    kind=kind,
                    starts_at=from_micros(resolve(starts, where)),
                    ends_at=from_micros(resolve(ends, where)),
                )
            )
    _refuse_doubles(session, made)
    session.add_all(made)
    session.flush()
    events.append(
        session,
        "roster.add",
        ("site", site.id),
        actor=events.Actor.person(caller.person_id),
        learned_at=now,
        site_id=site.id,
        after={"team": team, "people": [str(one) for one in people], "shifts": len(made)},
    )
    return len(made)


def _bad_shifts(
    session: Session,
    site: Node,
    team: str,
    people: Sequence[UUID],
    kind: str,
    days: list[int],
    hours: tuple[time, time],
    weeks: int,
) -> list[str]:
    able = _able(session, site.id, team)
    problems: list[str] = (
        [] if kind in KINDS else [worded("kind: one of %(known)s", known=", ".join(KINDS))]
    )
    if team not in {one.code for one in teams_at(session, site.id)}:
        problems.append(worded("team: one of this site"))
    if not people or not set(people) <= able:
        problems.append(worded("people: choose those who work for this team on this site"))
    if not days or not set(days) <= set(range(7)):
        problems.append(worded("weekdays: choose at least one"))
    if any(moment.tzinfo for moment in hours):
        problems.append(worded("hours: of the site's clock, without a zone"))
    if not 1 <= weeks <= MOST_WEEKS:
        problems.append(worded("weeks: 1 to %(most)s", most=MOST_WEEKS))
    return problems


def _able(session: Session, site_id: UUID, team: str) -> set[UUID]:
    """Who may work the tickets of a team."""
    return {one.id for one in able_people(session, site_id, "tickets.work", teams=(team,))}


def _refuse_doubles(session: Session, made: Sequence[Shift]) -> None:
    # Locked, so that of two who fill rosters at once the second sees what the first made.
    people = sorted({shift.person_id for shift in made})
    session.execute(
        select(Person.id).where(Person.id.in_(people)).order_by(Person.id).with_for_update()
    )
    for shift in made:
        double = select(Shift.id).where(
            Shift.person_id == shift.person_id,
            Shift.starts_at < shift.ends_at,
            Shift.ends_at > shift.starts_at,
        )
        if session.scalars(double.limit(1)).first() is not None:
            raise Conflict(
                worded(
                    "somebody of these has another shift on %(starts_at)s",
                    starts_at=f"{shift.starts_at:%Y-%m-%d}",
                ),
                advice=worded("Take that one away first, or choose other days."),
            )


def remove_shift(session: Session, caller: Caller, shift_id: UUID, *, now: datetime) -> Shift:
    """Take a shift out of the roster. NotFound where the caller sees no such shift."""
    shift = session.get(Shift, shift_id)
    if shift is None or shift.site_id not in caller.sites_for("people.read"):
        raise NotFound(worded("there is no such shift"), advice=worded("Load the roster again."))
    caller.require(ROSTER, shift.site_id)
    session.delete(shift)
    session.flush()
    events.append(
        session,
        "roster.remove",
        ("site", shift.site_id),
        actor=events.Actor.person(caller.person_id),
        learned_at=now,
        site_id=shift.site_id,
        after={"team": shift.team, "people": [str(shift.person_id)]},
    )
    return shift


def shifts_between(
    session: Session, site_id: UUID, team: str, start: datetime, end: datetime
) -> list[tuple[Shift, str]]:
    """The shifts of a team that touch a span, with the names, in order."""
    statement = (
        select(Shift, Person.name)
        .join(Person, Person.id == Shift.person_id)
        .where(
            Shift.site_id == site_id,
            Shift.team == team,
            Shift.starts_at < end,
            Shift.ends_at > start,
            Person.left_at.is_(None),
        )
        .order_by(Shift.starts_at, Shift.id)
    )
    return [(shift, name) for shift, name in session.execute(statement)]


def gaps(session: Session, site: Node, team: str, start: datetime, end: datetime) -> list[Span]:
    """When nobody is on duty or on call although the team is to be covered, in order.

    Somebody who may not work its tickets any more covers nothing, and neither does a deputy who
    may not, or is away as well.
    """
    cover = team_at(session, site.id, team).cover
    if cover is None:
        return []
    absent = defaultdict[UUID, list[Absence]](list)
    away = defaultdict[UUID, list[Span]](list)
    for row in session.scalars(
        select(Absence).where(Absence.starts_at < end, Absence.ends_at > start)
    ):
        absent[row.person_id].append(row)
        away[row.person_id].append((row.starts_at, row.ends_at))
    able = _able(session, site.id, team)
    covers: list[Span] = []
    for shift, _ in shifts_between(session, site.id, team, start, end):
        if shift.person_id in able:
            covers += uncovered([(shift.starts_at, shift.ends_at)], away[shift.person_id])
        for row in absent[shift.person_id]:
            begins, ends = max(shift.starts_at, row.starts_at), min(shift.ends_at, row.ends_at)
            if row.deputy_id in able and begins < ends:
                covers += uncovered([(begins, ends)], away[row.deputy_id])
    return uncovered(find_calendar(session, site.id, cover).spans(start, end), covers)


def covered_teams(session: Session, site_id: UUID) -> list[str]:
    """The teams of a site that somebody must always answer for, in their calendar."""
    return [team.code for team in teams_at(session, site_id) if team.cover is not None]
