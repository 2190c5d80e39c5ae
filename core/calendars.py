"""Calendars: the hours in which promises count, kept on nodes of the tree and inherited below."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from types import MappingProxyType
from typing import Any
from uuid import UUID

from babel.core import get_global
from sqlalchemy import (
    JSON,
    ForeignKey,
    Integer,
    String,
    UniqueConstraint,
    and_,
    bindparam,
    func,
    join,
    select,
)
from sqlalchemy.orm import Mapped, Session, aliased, mapped_column

from core import events
from core.db import Base, wait_turn
from core.errors import Invalid, NotFound, Stale
from core.ids import new_id
from core.local_time import zone
from core.people import Caller
from core.places import Node
from core.working_time import Hours, RoundTheClock, WorkingTime, knows_country, knows_year
from rules.wording import Unusable, worded

Calendar = WorkingTime | RoundTheClock
# Round the clock, and ordinary office hours: every installation has them without a row.
ALWAYS, OFFICE = "always", "office"
# Addresses of pages use the second.
RESERVED = (ALWAYS, "new")
SHIPPED_NAMES: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        ALWAYS: {"en": "Day and night", "zh": "全天候"},
        OFFICE: {"en": "Office hours", "zh": "工作时间"},
    }
)
_OFFICE_DAY = [["08:30", "17:30"]]
OFFICE_WEEK: list[list[list[str]]] = [*[_OFFICE_DAY] * 5, [], []]
_OFFICE_WEEK = json.dumps(OFFICE_WEEK)
_CODE = re.compile(r"[a-z][a-z0-9-]{0,59}")
_CLOCK = re.compile(r"(\d{2}):(\d{2})")
WRITE = "service.write"


class CalendarRow(Base):
    """A calendar of a node; one of the same code further down the tree takes its place there.

    week: for each weekday from Monday on a list of [from, to] as "HH:MM" of the site's time zone;
    an end at or before its start is on the next day, "24:00" the end of the day.
    country: whose public holidays are free; "" = none, NULL = the country of the site's time zone.
    exceptions: {"YYYY-MM-DD": hours}, no hours = closed.
    """

    __tablename__ = "calendar"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    node_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"))
    code: Mapped[str] = mapped_column(String(60))
    name: Mapped[dict[str, str]] = mapped_column(JSON)
    week: Mapped[list[list[list[str]]]] = mapped_column(JSON)
    country: Mapped[str | None] = mapped_column(String(2))
    exceptions: Mapped[dict[str, list[list[str]]]] = mapped_column(JSON)
    version: Mapped[int] = mapped_column(Integer, default=1)

    __table_args__ = (UniqueConstraint("node_id", "code"),)


@dataclass(frozen=True, slots=True)
class CalendarDraft:
    """What a calendar is to be; see `CalendarRow` for the shapes."""

    code: str
    name: Mapping[str, str]
    week: Sequence[Sequence[Sequence[str]]]
    country: str | None
    exceptions: Mapping[str, Sequence[Sequence[str]]]


def country_of(zone_name: str) -> str | None:
    """The country of an IANA time zone by Unicode's CLDR; None for UTC and the like."""
    territory = get_global("zone_territories").get(zone_name)
    return territory if territory and knows_country(territory) else None


def above(path: str) -> list[str]:
    """The paths of a node and of everything above it, the nearest first."""
    ends = [place + 1 for place, sign in enumerate(path) if sign == "/"]
    return [path[:end] for end in reversed(ends)]


_KEEPER = aliased(Node)
# Built once: each ticket of a flood asks. The zone of the node in any case, and of what all above
# it have under a code the nearest; sites have few.
_NEAREST = (
    select(Node.time_zone, CalendarRow.week, CalendarRow.country, CalendarRow.exceptions)
    .select_from(Node)
    .outerjoin(
        join(CalendarRow, _KEEPER, CalendarRow.node_id == _KEEPER.id),
        and_(
            CalendarRow.code == bindparam("of_code"),
            func.substr(Node.path, 1, func.length(_KEEPER.path)) == _KEEPER.path,
        ),
    )
    .where(Node.id == bindparam("of_node"))
    .order_by(func.length(_KEEPER.path).desc())
    .limit(1)
)


def find_calendar(session: Session, node_id: UUID, code: str) -> Calendar:
    """The calendar that a node means by a code: its own, else the nearest above, else shipped.

    NotFound when there is none of this code.
    """
    if code == ALWAYS:
        return RoundTheClock()
    row = session.connection().execute(_NEAREST, {"of_node": node_id, "of_code": code}).one()
    if row.week is not None:
        week, exceptions = json.dumps(row.week), json.dumps(row.exceptions)
        return _working(row.time_zone, week, row.country, exceptions)
    if code == OFFICE:
        return _working(row.time_zone, _OFFICE_WEEK, None, "{}")
    raise NotFound(
        worded("there is no calendar %(code)s here", code=repr(code)),
        advice=worded("Choose one from the list."),
    )


def nearest_row(session: Session, site: Node, code: str) -> CalendarRow | None:
    """The row that holds at a node for a code: its own or the nearest above."""
    statement = (
        select(CalendarRow, Node.path)
        .join(Node, Node.id == CalendarRow.node_id)
        .where(CalendarRow.code == code, Node.path.in_(above(site.path)))
    )
    found = session.execute(statement).all()
    return max(found, key=lambda row: len(row.path))[0] if found else None


def codes_at(session: Session, site: Node) -> list[str]:
    """The codes of every calendar that holds at a node."""
    rows = select(CalendarRow.code).join(Node, Node.id == CalendarRow.node_id)
    own = session.scalars(rows.where(Node.path.in_(above(site.path))))
    return [ALWAYS, *sorted({OFFICE, *own})]


def describe_calendar(session: Session, node: Node, code: str, *, now: datetime) -> dict[str, Any]:
    """A calendar as it holds at a node. NotFound when there is none of this code.

    node_id: where it is kept; None = shipped. unknown_years: of this year and the next those whose
    free days the library does not know yet, so that they count as plain weekdays.
    """
    row = nearest_row(session, node, code)
    if row is None and code not in SHIPPED_NAMES:
        raise NotFound(
            worded("there is no calendar %(code)s here", code=repr(code)),
            advice=worded("Choose one from the list."),
        )
    week = row.week if row else [] if code == ALWAYS else OFFICE_WEEK
    given = row.country if row else None
    country = country_of(node.time_zone) if given is None else given or None
    if code == ALWAYS:
        country = None
    year = now.astimezone(zone(node.time_zone)).year
    lacking = [each for each in (year, year + 1) if country and not knows_year(country, each)]
    return {
        "code": code,
        "name": dict(row.name if row else SHIPPED_NAMES[code]),
        "node_id": row.node_id if row else None,
        "week": week,
        "country": country,
        "country_given": given,
        "exceptions": dict(row.exceptions) if row else {},
        "version": row.version if row else 0,
        "unknown_years": lacking,
    }


@lru_cache(maxsize=256)
def _working(zone_name: str, week: str, country: str | None, exceptions: str) -> WorkingTime:
    """A calendar of what its row says as JSON; it remembers the days that were asked for."""
    return WorkingTime(
        zone(zone_name),
        tuple(_hours(day) for day in json.loads(week)),
        country_of(zone_name) if country is None else country or None,
        {date.fromisoformat(day): _hours(hours) for day, hours in json.loads(exceptions).items()},
    )


def _hours(spans: Sequence[Sequence[str]]) -> Hours:
    return tuple((_minute(begin), _minute(end)) for begin, end in spans)


def _minute(text: str) -> int:
    found = _CLOCK.fullmatch(text)
    if found is None or int(found[2]) > 59 or int(found[1]) * 60 + int(found[2]) > 24 * 60:
        raise Unusable(worded("%(text)s is no time of day such as 08:30", text=repr(text)))
    return int(found[1]) * 60 + int(found[2])


def save_calendar(
    session: Session,
    caller: Caller,
    node: Node,
    draft: CalendarDraft,
    *,
    now: datetime,
    expected_version: int | None,
) -> CalendarRow:
    """Make or change the calendar of a node; what it says holds there and below.

    expected_version: of the calendar that holds at the node now when it is the node's own, 0 to
    make a new one, None not to compare. Invalid with every problem at once; Stale when somebody
    changed it. The clocks that count in it are the caller's to re-compute.
    """
    caller.require_over(WRITE, node)
    problems = problems_of(draft)
    if problems:
        raise Invalid(worded("the calendar was not saved"), problems=problems)
    wait_turn(session, Node.id, node.id)
    own = select(CalendarRow).where(CalendarRow.node_id == node.id, CalendarRow.code == draft.code)
    row = session.scalars(own.with_for_update()).first()
    version = row.version if row else 0
    if expected_version is not None and expected_version != version:
        raise Stale(
            worded("the calendar %(code)s was changed since you read it", code=repr(draft.code)),
            advice=worded("Load it again and repeat your change."),
        )
    before = None if row is None else _facts(row)
    if row is None:
        row = CalendarRow(id=new_id(), node_id=node.id, code=draft.code)
        session.add(row)
    row.name = dict(draft.name)
    row.week = [[list(span) for span in day] for day in draft.week]
    row.country = draft.country
    row.exceptions = {day: [list(span) for span in s] for day, s in draft.exceptions.items()}
    row.version = version + 1
    session.flush()
    events.append(
        session,
        "calendar.change" if before else "calendar.add",
        ("calendar", row.id),
        actor=events.Actor.person(caller.person_id),
        learned_at=now,
        site_id=node.id if node.kind == "site" else None,
        before=before,
        after={"node": str(node.id), **_facts(row)},
    )
    return row


def _facts(row: CalendarRow) -> dict[str, Any]:
    return {
        "code": row.code,
        "week": row.week,
        "country": row.country,
        "exceptions": dict(row.exceptions),
    }


def problems_of(draft: CalendarDraft) -> list[str]:
    """Everything that is wrong with a calendar, each with the field's name in front."""
    problems: list[str] = []
    if draft.code in RESERVED or not _CODE.fullmatch(draft.code):
        problems.append(
            worded(
                "code: small letters, digits and hyphens, none of %(known)s",
                known=", ".join(RESERVED),
            )
        )
    if not any(text.strip() for text in draft.name.values()):
        problems.append(worded("name: empty"))
    if len(draft.week) != 7:
        problems.append(worded("week: seven lists of hours, from Monday on"))
    for place, day in enumerate(draft.week):
        problems += _bad_hours(f"week[{place}]", day)
    if not any(draft.week):
        problems.append(worded("week: give hours on at least one day"))
    if draft.country and not knows_country(draft.country):
        problems.append(
            worded("country: no holidays are known of %(country)s", country=repr(draft.country))
        )
    for text, hours in draft.exceptions.items():
        try:
            date.fromisoformat(text)
        except ValueError:
            problems.append(
                worded("exceptions: %(text)s is no date such as 2026-10-10", text=repr(text))
            )
        problems += _bad_hours(f"exceptions[{text}]", hours)
    return problems


def _bad_hours(name: str, hours: Sequence[Sequence[str]]) -> list[str]:
    try:
        spans = [(_minute(begin), _minute(end)) for begin, end in hours]
    except Unusable as error:
        return [worded("%(place)s: %(problem)s", place=name, problem=error.message)]
    ends = [end if end > begin else end + 24 * 60 for begin, end in spans]
    for (begin, _), end in zip(spans[1:], ends, strict=False):
        if begin < end:
            return [worded("%(name)s: hours overlap or are out of order", name=name)]
    return []
