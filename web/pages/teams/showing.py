"""A team and its week as they are shown."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from core.calendars import codes_at, describe_calendar
from core.clock import from_micros
from core.colleagues import able_people
from core.db import Session
from core.errors import NotFound
from core.local_time import resolve, thinkable, zone
from core.people import Caller, find_node
from core.places import Node
from core.rosters import (
    KINDS,
    MOST_WEEKS,
    absences,
    duty_phone,
    gaps,
    on_duty,
    shifts_between,
    who_answers,
)
from core.teams import (
    CERTIFICATE_KINDS,
    MODES,
    ROSTER,
    WRITE,
    certificate_facts,
    certificates_of,
    members_of,
    team_at,
    teams_at,
)
from rules.wording import worded
from web.languages import mark
from web.visit import Visit
from workflows import dispatch
from workflows.dispatch.handover import items_of

READ = "people.read"
DAYS_SHOWN = 7


@dataclass(frozen=True, slots=True)
class Bar:
    """A shift in the picture: where it begins and how long it is, in hours from the left."""

    x: float
    width: float
    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Row:
    """Somebody's week in the picture."""

    name: str
    bars: list[Bar]


def chosen_site(session: Session, caller: Caller, wanted: UUID | None) -> Node:
    """The site asked for, else the first of the caller's. NotFound for one that isn't theirs."""
    sites = caller.sites_for(READ)
    if not sites:
        raise NotFound(
            worded(mark("there is no site of yours")),
            advice=worded(mark("Ask an administrator for a role.")),
        )
    found = find_node(session, caller, READ, wanted or min(sites))
    if found.kind != "site":
        raise NotFound(
            worded(mark("teams belong to a site")), advice=worded(mark("Choose a site."))
        )
    return found


def _hours(start: datetime, moment: datetime) -> float:
    return round((moment - start).total_seconds() / 3600, 2)


def _bars(
    spans: Sequence[tuple[datetime, datetime, str, str]], start: datetime, end: datetime
) -> list[Bar]:
    return [
        Bar(_hours(start, max(begin, start)), _hours(max(begin, start), min(last, end)), kind, text)
        for begin, last, kind, text in spans
    ]


def _week(visit: Visit, session: Session, site: Node, team: str, day: date) -> dict[str, Any]:
    """The roster of seven days as rows of bars, with a row for what nobody covers."""
    where, reader = zone(site.time_zone), visit.reader
    days = [thinkable(day) + timedelta(days=each) for each in range(DAYS_SHOWN + 1)]
    midnights = [from_micros(resolve(datetime.combine(each, time()), where)) for each in days]
    start, end = midnights[0], midnights[-1]
    # Two may have the same name.
    spans: dict[tuple[str, UUID], list[tuple[datetime, datetime, str, str]]] = {}
    listed = []
    for shift, name in shifts_between(session, site.id, team, start, end):
        text = f"{reader.clock(shift.starts_at)}–{reader.clock(shift.ends_at)}"
        whose = spans.setdefault((name, shift.person_id), [])
        whose.append((shift.starts_at, shift.ends_at, shift.kind, text))
        listed.append((shift, name))
    open_spans = [
        (begin, last, "gap", f"{reader.clock(begin)}–{reader.clock(last)}")
        for begin, last in gaps(session, site, team, start, end)
    ]
    return {
        "rows": [Row(who[0], _bars(spans[who], start, end)) for who in sorted(spans)],
        "uncovered": _bars(open_spans, start, end),
        "midnights": list(
            zip(midnights[:-1], (_hours(start, at) for at in midnights), strict=False)
        ),
        "hours": _hours(start, end),
        "now_at": _hours(start, reader.now) if start <= reader.now < end else None,
        "shifts": listed,
        "earlier": day - timedelta(days=DAYS_SHOWN),
        "later": day + timedelta(days=DAYS_SHOWN),
    }


def team_page(
    visit: Visit, wanted: UUID | None, team: str, day: date | None
) -> tuple[Visit, dict[str, Any]]:
    """The visit in the time of the site, and what its page shows of a team."""
    with visit.parts.database.read() as session:
        site = chosen_site(session, visit.caller, wanted)
        local = visit.at(site.time_zone)
        now = visit.reader.now
        today = now.astimezone(zone(site.time_zone)).date()
        able = able_people(session, site.id, "tickets.work")
        members = members_of(session, site.id, team)
        ids = [person.id for person in able]
        answering = who_answers(session, site.id, team, now)
        names = {person.id: person.name for person in able}
        context: dict[str, Any] = {
            "site": site,
            "sites": [session.get_one(Node, each) for each in sorted(visit.caller.sites_for(READ))],
            "teams": teams_at(session, site.id),
            "team": team_at(session, site.id, team),
            "duty": on_duty(session, site.id, team, now),
            "answering": answering,
            "answering_names": [names[one] for one in answering.people if one in names],
            "gaps": [
                gap for gap in dispatch.open_gaps(session, frozenset({site.id})) if gap.team == team
            ],
            "able": able,
            "names": names,
            "members": {person.id: member for member, person in members},
            "away": absences(session, ids, now),
            "certificates": [
                certificate_facts(row, today) for row in certificates_of(session, ids)
            ],
            "calendars": [
                describe_calendar(session, site, code, now=now) for code in codes_at(session, site)
            ],
            "phone": duty_phone(session, site.id),
            "items": items_of(session, site.id, team),
            "today": today,
            **_week(local, session, site, team, day or today),
        }
    return local, {
        **context,
        "modes": MODES,
        "kinds": KINDS,
        "certificate_kinds": CERTIFICATE_KINDS,
        "most_weeks": MOST_WEEKS,
        "may_roster": visit.may(ROSTER, site.id),
        "may_set_up": visit.may(WRITE, site.id),
        "works_here": visit.caller.person_id in names,
        "from_day": day or today,
    }
