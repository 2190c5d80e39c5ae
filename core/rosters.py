"""Rosters: who is on duty when, who stands in, and whom to call when nobody is."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from uuid import UUID

from sqlalchemy import ForeignKey, Index, String, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from core import events
from core.calendars import above, find_calendar
from core.clock import from_micros
from core.colleagues import able_people, people_in_role
from core.db import Base, Instant
from core.errors import Conflict, Invalid, NotFound
from core.ids import new_id
from core.local_time import resolve, zone
from core.people import Caller, Person
from core.places import Node
from core.teams import ROSTER, team_at, teams_at
from core.working_time import uncovered

KINDS = ("duty", "on_call")
LONGEST_SHIFT = timedelta(hours=24)
# As many weeks as one form may fill.
MOST_WEEKS = 26
# As much of a roster as is read at once.
LONGEST_LOOK = timedelta(days=92)
Span = tuple[datetime, datetime]


class Shift(Base):
    """Somebody on duty, or on call, for a team from one moment to another."""

    __tablename__ = "shift"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"))
    team: Mapped[str] = mapped_column(String(40))
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"), index=True)
    kind: Mapped[str] = mapped_column(String(10))
    starts_at: Mapped[datetime] = mapped_column(Instant)
    ends_at: Mapped[datetime] = mapped_column(Instant)

    __table_args__ = (Index("ix_shift_team", "site_id", "team", "ends_at"),)


class Absence(Base):
    """Somebody out of office; the deputy, if any, takes their shifts."""

    __tablename__ = "absence"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"), index=True)
    deputy_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    starts_at: Mapped[datetime] = mapped_column(Instant)
    ends_at: Mapped[datetime] = mapped_column(Instant)


class DutyPhone(Base):
    """The telephone of a post, which somebody always answers; no person's own."""

    __tablename__ = "duty_phone"

    node_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"), primary_key=True)
    phone: Mapped[str] = mapped_column(String(40))


@dataclass(frozen=True, slots=True)
class OnDuty:
    """Somebody who answers now. for_id: whom they stand in for."""

    person_id: UUID
    name: str
    kind: str
    until: datetime
    for_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Answering:
    """Who answers for a team at a moment. level: team, or where that fell through to."""

    level: str
    people: list[UUID]
    phones: list[str]


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
    problems = _bad_shifts(session, site, people, kind, days, weeks)
    if problems:
        raise Invalid("the roster was not changed", problems=problems)
    where = zone(site.time_zone)
    made = []
    for week in range(weeks):
        person = people[week % len(people)]
        monday = first - timedelta(days=first.weekday()) + timedelta(weeks=week)
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
    session: Session, site: Node, people: Sequence[UUID], kind: str, days: list[int], weeks: int
) -> list[str]:
    able = {person.id for person in able_people(session, site.id, "tickets.work")}
    problems = [] if kind in KINDS else [f"kind: one of {', '.join(KINDS)}"]
    if not people or not set(people) <= able:
        problems.append("people: choose those who work on this site")
    if not days or not set(days) <= set(range(7)):
        problems.append("weekdays: choose at least one")
    if not 1 <= weeks <= MOST_WEEKS:
        problems.append(f"weeks: 1 to {MOST_WEEKS}")
    return problems


def _refuse_doubles(session: Session, made: Sequence[Shift]) -> None:
    for shift in made:
        double = select(Shift.id).where(
            Shift.person_id == shift.person_id,
            Shift.starts_at < shift.ends_at,
            Shift.ends_at > shift.starts_at,
        )
        if session.scalars(double.limit(1)).first() is not None:
            raise Conflict(
                f"somebody of these has another shift on {shift.starts_at:%Y-%m-%d}",
                advice="Take that one away first, or choose other days.",
            )


def remove_shift(session: Session, caller: Caller, shift_id: UUID, *, now: datetime) -> Shift:
    """Take a shift out of the roster. NotFound where the caller sees no such shift."""
    shift = session.get(Shift, shift_id)
    if shift is None or shift.site_id not in caller.sites_for("people.read"):
        raise NotFound("there is no such shift", advice="Load the roster again.")
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


def set_absence(
    session: Session,
    caller: Caller,
    site_id: UUID,
    person_id: UUID,
    span: Span,
    deputy_id: UUID | None,
    *,
    now: datetime,
) -> None:
    """Record that somebody is out of office; everybody may for themselves, leads for others."""
    if person_id != caller.person_id:
        caller.require(ROSTER, site_id)
    able = {person.id for person in able_people(session, site_id, "tickets.work")}
    problems = [] if person_id in able else ["person: not with this site"]
    if deputy_id is not None and (deputy_id not in able or deputy_id == person_id):
        problems.append("deputy: somebody else of this site")
    if span[1] <= span[0] or span[1] <= now:
        problems.append("end: after the beginning, and still to come")
    if problems:
        raise Invalid("nothing was recorded", problems=problems)
    row = Absence(
        id=new_id(),
        person_id=person_id,
        deputy_id=deputy_id,
        starts_at=span[0],
        ends_at=span[1],
    )
    session.add(row)
    session.flush()
    events.append(
        session,
        "person.absence",
        ("person", person_id),
        actor=events.Actor.person(caller.person_id),
        learned_at=now,
        site_id=site_id,
        after={
            "from": span[0].isoformat(),
            "to": span[1].isoformat(),
            "deputy": str(deputy_id) if deputy_id else None,
        },
    )


def absences(session: Session, people: Iterable[UUID], start: datetime) -> list[Absence]:
    """Who of these is out of office from a moment on, the next first."""
    statement = select(Absence).where(Absence.person_id.in_(people), Absence.ends_at > start)
    return list(session.scalars(statement.order_by(Absence.starts_at, Absence.id)))


def end_absence(session: Session, caller: Caller, site_id: UUID, absence_id: UUID) -> None:
    """Take an absence away. NotFound when the caller may not, or there is none."""
    row = session.get(Absence, absence_id)
    able = {person.id for person in able_people(session, site_id, "tickets.work")}
    if row is None or row.person_id not in able:
        raise NotFound("there is no such absence", advice="Load the page again.")
    if row.person_id != caller.person_id:
        caller.require(ROSTER, site_id)
    session.delete(row)


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


def on_duty(session: Session, site_id: UUID, team: str, at: datetime) -> list[OnDuty]:
    """Who answers for a team at a moment: those on duty, then those on call; deputies stand in."""
    shifts = shifts_between(session, site_id, team, at, at + timedelta(microseconds=1))
    away = {
        row.person_id: row.deputy_id
        for row in session.scalars(
            select(Absence).where(Absence.starts_at <= at, Absence.ends_at > at)
        )
    }
    names = {person.id: person.name for person in able_people(session, site_id, "tickets.work")}
    found = []
    for shift, _ in sorted(shifts, key=lambda one: KINDS.index(one[0].kind)):
        person: UUID | None = shift.person_id
        if person in away:
            person = away[person] if away[person] not in away else None
        if person in names:
            stands_in = shift.person_id if person != shift.person_id else None
            found.append(OnDuty(person, names[person], shift.kind, shift.ends_at, stands_in))
    return list({one.person_id: one for one in reversed(found)}.values())[::-1]


def on_duty_anywhere(session: Session, person_id: UUID, at: datetime) -> bool:
    """Whether somebody has a shift, or stands in for one, at a moment."""
    shifts = select(Shift.person_id).where(Shift.starts_at <= at, Shift.ends_at > at)
    deputies = select(Absence.person_id).where(
        Absence.deputy_id == person_id, Absence.starts_at <= at, Absence.ends_at > at
    )
    away = {person_id, *session.scalars(deputies)}
    return session.scalars(shifts.where(Shift.person_id.in_(away)).limit(1)).first() is not None


def shift_began(session: Session, person_id: UUID, at: datetime) -> datetime | None:
    """When the shift began in which somebody, or whom they stand in for, is at a moment."""
    deputies = select(Absence.person_id).where(
        Absence.deputy_id == person_id, Absence.starts_at <= at, Absence.ends_at > at
    )
    return session.scalar(
        select(func.max(Shift.starts_at)).where(
            Shift.starts_at <= at,
            Shift.ends_at > at,
            Shift.person_id.in_({person_id, *session.scalars(deputies)}),
        )
    )


def gaps(session: Session, site: Node, team: str, start: datetime, end: datetime) -> list[Span]:
    """When nobody is on duty or on call although the team is to be covered, in order."""
    cover = team_at(session, site.id, team).cover
    if cover is None:
        return []
    away: defaultdict[UUID, list[Span]] = defaultdict(list)
    for row in session.scalars(
        select(Absence).where(Absence.ends_at > start, Absence.deputy_id.is_(None))
    ):
        away[row.person_id].append((row.starts_at, row.ends_at))
    covers = [
        span
        for shift, _ in shifts_between(session, site.id, team, start, end)
        for span in uncovered([(shift.starts_at, shift.ends_at)], away[shift.person_id])
    ]
    return uncovered(find_calendar(session, site.id, cover).spans(start, end), covers)


def covered_teams(session: Session, site_id: UUID) -> list[str]:
    """The teams of a site that somebody must always answer for, in their calendar."""
    return [team.code for team in teams_at(session, site_id) if team.cover is not None]


def set_duty_phone(
    session: Session, caller: Caller, node: Node, phone: str, *, now: datetime
) -> None:
    """Set or take away the duty phone of a place. Invalid for what is no telephone number."""
    caller.require_over("service.write", node)
    number = "".join(phone.split())
    if number and not (number.lstrip("+").replace("-", "").isdecimal() and len(number) <= 40):
        raise Invalid("nothing was changed", problems=["phone: digits, + and - only"])
    row = session.get(DutyPhone, node.id)
    if not number:
        if row is not None:
            session.delete(row)
    elif row is None:
        session.add(DutyPhone(node_id=node.id, phone=number))
    else:
        row.phone = number
    session.flush()
    events.append(
        session,
        "roster.duty_phone",
        ("node", node.id),
        actor=events.Actor.person(caller.person_id),
        learned_at=now,
        site_id=node.id if node.kind == "site" else None,
        after={"set": bool(number)},
    )


def duty_phone(session: Session, node_id: UUID) -> str:
    """The duty phone that is set on this very node; empty when there is none."""
    row = session.get(DutyPhone, node_id)
    return row.phone if row else ""


def who_answers(session: Session, site_id: UUID, team: str, at: datetime) -> Answering:
    """Whom a ticket of a team reaches at a moment, so that it never rests with nobody.

    Those on duty; else the site's duty phone, else the region's, else the company's, each with
    those who supervise the site; without any phone the supervisors, managers or administrators.
    """
    people = [one.person_id for one in on_duty(session, site_id, team, at)]
    if people:
        return Answering("team", people, [])
    above_all = bosses(session, site_id)
    site = session.get_one(Node, site_id)
    nodes = session.scalars(select(Node).where(Node.path.in_(above(site.path)))).all()
    for node in sorted(nodes, key=lambda one: -len(one.path)):
        phone = duty_phone(session, node.id)
        if phone:
            return Answering(node.kind, above_all, [phone])
    return Answering("supervisor", above_all, [])


def posts(session: Session, site_id: UUID) -> list[str]:
    """The duty phones of a site and of the places above it, the nearest first."""
    site = session.get_one(Node, site_id)
    statement = (
        select(Node.path, DutyPhone.phone)
        .join(DutyPhone, DutyPhone.node_id == Node.id)
        .where(Node.path.in_(above(site.path)))
    )
    found = sorted(session.execute(statement), key=lambda row: -len(row[0]))
    return list(dict.fromkeys(phone for _, phone in found if phone))


def bosses(session: Session, site_id: UUID) -> list[UUID]:
    """Those who answer for a site: its supervisors, else its managers, else administrators."""
    for role in ("supervisor", "manager", "administrator"):
        found = people_in_role(session, site_id, role)
        if found:
            return found
    return []


def leave_rosters(session: Session, person_id: UUID, now: datetime) -> int:
    """Take what lies ahead of somebody who leaves out of the rosters; returns how many shifts."""
    ahead = session.scalars(
        select(Shift).where(Shift.person_id == person_id, Shift.ends_at > now)
    ).all()
    for shift in ahead:
        if shift.starts_at <= now:
            shift.ends_at = now
        else:
            session.delete(shift)
    for row in session.scalars(select(Absence).where(Absence.deputy_id == person_id)):
        row.deputy_id = None
    return len(ahead)
