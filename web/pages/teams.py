"""Teams of a site: who is on duty, the roster as a picture, how tickets find their person."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Response
from fastapi.responses import RedirectResponse

from core.calendars import codes_at, describe_calendar
from core.clock import from_micros
from core.colleagues import able_people
from core.db import Session
from core.errors import Invalid, NotFound
from core.local_time import resolve, zone
from core.people import Caller, find_node
from core.places import Node
from core.rosters import (
    KINDS,
    MOST_WEEKS,
    absences,
    add_shifts,
    duty_phone,
    end_absence,
    gaps,
    on_duty,
    remove_shift,
    set_absence,
    set_duty_phone,
    shifts_between,
    who_answers,
)
from core.teams import (
    CERTIFICATE_KINDS,
    MODES,
    ROSTER,
    WRITE,
    TeamShown,
    certificate_facts,
    certificates_of,
    members_of,
    save_team,
    set_certificate,
    team_at,
    teams_at,
)
from web.page_route import PageRoute
from web.templating import Templates
from web.visit import SignedInVisit, Visit
from workflows import dispatch
from workflows.dispatch.handover import items_of

READ = "people.read"
DAYS_SHOWN = 7
Texts = Annotated[list[str] | None, Form()]


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
        raise NotFound("there is no site of yours", advice="Ask an administrator for a role.")
    found = find_node(session, caller, READ, wanted or min(sites))
    if found.kind != "site":
        raise NotFound("teams belong to a site", advice="Choose a site.")
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
    days = [day + timedelta(days=each) for each in range(DAYS_SHOWN + 1)]
    midnights = [from_micros(resolve(datetime.combine(each, time()), where)) for each in days]
    start, end = midnights[0], midnights[-1]
    spans: dict[str, list[tuple[datetime, datetime, str, str]]] = {}
    listed = []
    for shift, name in shifts_between(session, site.id, team, start, end):
        text = f"{reader.clock(shift.starts_at)}–{reader.clock(shift.ends_at)}"
        spans.setdefault(name, []).append((shift.starts_at, shift.ends_at, shift.kind, text))
        listed.append((shift, name))
    open_spans = [
        (begin, last, "gap", f"{reader.clock(begin)}–{reader.clock(last)}")
        for begin, last in gaps(session, site, team, start, end)
    ]
    return {
        "rows": [Row(name, _bars(found, start, end)) for name, found in sorted(spans.items())],
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


def _page(
    visit: Visit, wanted: UUID | None, team: str, day: date | None
) -> tuple[Visit, dict[str, Any]]:
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


def _back(site_id: UUID, team: str) -> Response:
    return RedirectResponse(f"/teams?site={site_id}&team={team}", status_code=303)


def _uuid(text: str, field: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Invalid("nothing was changed", problems=[f"{field}: choose one"]) from None


def _local(text: str, site: Node, field: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Invalid("nothing was changed", problems=[f"{field}: a date and a time"]) from None
    return from_micros(resolve(moment.replace(tzinfo=None), zone(site.time_zone)))


def router(templates: Templates) -> APIRouter:
    """The routes of teams and rosters."""
    routes = APIRouter(route_class=PageRoute, include_in_schema=False)

    @routes.get("/teams")
    def show(
        visit: SignedInVisit,
        site: UUID | None = None,
        team: str = "maintenance",
        day: date | None = None,
    ) -> Response:
        visit.caller.require_anywhere(READ)
        local, context = _page(visit, site, team[:40], day)
        return templates.page("teams.html", local, section="teams", **context)

    _add_roster(routes)
    _add_people(routes)
    _add_certificates(routes)
    _add_set_up(routes)
    _add_things(routes)
    return routes


@dataclass(frozen=True, slots=True)
class ShiftForm:
    """What the form of a roster carries."""

    team: Annotated[str, Form()] = ""
    kind: Annotated[str, Form()] = ""
    starts: Annotated[str, Form()] = ""
    ends: Annotated[str, Form()] = ""
    first: Annotated[str, Form()] = ""
    weeks: Annotated[str, Form()] = ""

    def hours(self) -> tuple[time, time]:
        """The hours of each shift."""
        try:
            return time.fromisoformat(self.starts), time.fromisoformat(self.ends)
        except ValueError:
            raise Invalid("the roster was not changed", problems=["hours: such as 08:00"]) from None

    def begin(self) -> tuple[date, int]:
        """The first day, and for how many weeks."""
        try:
            return date.fromisoformat(self.first), int(self.weeks)
        except ValueError:
            problems = ["first day: a date", "weeks: a number"]
            raise Invalid("the roster was not changed", problems=problems) from None


def _add_roster(routes: APIRouter) -> None:
    @routes.post("/teams/{site_id}/shifts")
    def add(
        site_id: UUID,
        visit: SignedInVisit,
        form: Annotated[ShiftForm, Depends()],
        person: Texts = None,
        weekday: Texts = None,
    ) -> Response:
        with visit.parts.database.write() as session:
            site = chosen_site(session, visit.caller, site_id)
            visit.caller.require(ROSTER, site.id)
            first, weeks = form.begin()
            add_shifts(
                session,
                visit.caller,
                site,
                form.team,
                [_uuid(one, "people") for one in person or []],
                kind=form.kind,
                weekdays=[int(day) for day in weekday or [] if day.isdecimal()],
                hours=form.hours(),
                first=first,
                weeks=weeks,
                now=visit.parts.clock.now(),
            )
        return _back(site_id, form.team)

    @routes.post("/teams/{site_id}/shifts/{shift_id}/remove")
    def remove(site_id: UUID, shift_id: UUID, visit: SignedInVisit) -> Response:
        with visit.parts.database.write() as session:
            now = visit.parts.clock.now()
            shift = remove_shift(session, visit.caller, shift_id, now=now)
            team = shift.team
        return _back(site_id, team)


def _add_people(routes: APIRouter) -> None:
    @routes.post("/teams/{site_id}/absences")
    def away(
        site_id: UUID,
        visit: SignedInVisit,
        team: Annotated[str, Form()] = "",
        person: Annotated[str, Form()] = "",
        deputy: Annotated[str, Form()] = "",
        starts: Annotated[str, Form()] = "",
        ends: Annotated[str, Form()] = "",
    ) -> Response:
        with visit.parts.database.write() as session:
            site = chosen_site(session, visit.caller, site_id)
            set_absence(
                session,
                visit.caller,
                site.id,
                _uuid(person, "person"),
                (_local(starts, site, "from"), _local(ends, site, "to")),
                _uuid(deputy, "deputy") if deputy else None,
                now=visit.parts.clock.now(),
            )
        return _back(site_id, team)

    @routes.post("/teams/{site_id}/absences/{absence_id}/end")
    def back_again(
        site_id: UUID,
        absence_id: UUID,
        visit: SignedInVisit,
        team: Annotated[str, Form()] = "",
    ) -> Response:
        with visit.parts.database.write() as session:
            site = chosen_site(session, visit.caller, site_id)
            end_absence(session, visit.caller, site.id, absence_id)
        return _back(site_id, team)


def _add_certificates(routes: APIRouter) -> None:
    @routes.post("/teams/{site_id}/certificates")
    def certify(
        site_id: UUID,
        visit: SignedInVisit,
        team: Annotated[str, Form()] = "",
        person: Annotated[str, Form()] = "",
        kind: Annotated[str, Form()] = "",
        valid_until: Annotated[str, Form()] = "",
    ) -> Response:
        with visit.parts.database.write() as session:
            site = chosen_site(session, visit.caller, site_id)
            visit.caller.require(ROSTER, site.id)
            try:
                until = date.fromisoformat(valid_until) if valid_until else None
            except ValueError:
                raise Invalid("nothing was recorded", problems=["valid until: a date"]) from None
            set_certificate(
                session,
                visit.caller,
                site.id,
                _uuid(person, "person"),
                kind,
                until,
                now=visit.parts.clock.now(),
            )
        return _back(site_id, team)


def _add_set_up(routes: APIRouter) -> None:
    @routes.post("/teams/{site_id}/set-up")
    def set_up(
        site_id: UUID,
        visit: SignedInVisit,
        version: Annotated[int, Form()],
        team: Annotated[str, Form()] = "",
        name_en: Annotated[str, Form()] = "",
        name_zh: Annotated[str, Form()] = "",
        mode: Annotated[str, Form()] = "",
        cover: Annotated[str, Form()] = "",
        member: Texts = None,
        person: Texts = None,
        skills: Texts = None,
    ) -> Response:
        names = {"en": name_en.strip(), "zh": name_zh.strip()}
        with visit.parts.database.write() as session:
            site = chosen_site(session, visit.caller, site_id)
            visit.caller.require(WRITE, site.id)
            can = dict(zip(person or [], skills or [], strict=False))
            members = {
                _uuid(one, "member"): [
                    word.strip()
                    for word in can.get(one, "").replace("，", ",").split(",")
                    if word.strip()
                ]
                for one in member or []
            }
            wanted = TeamShown(
                team.strip(),
                {language: name for language, name in names.items() if name},
                mode,
                cover or None,
                version,
            )
            now = visit.parts.clock.now()
            save_team(session, visit.caller, site, wanted, members, now=now)
        return _back(site_id, team.strip())


def _add_things(routes: APIRouter) -> None:
    @routes.post("/teams/{site_id}/duty-phone")
    def phone(
        site_id: UUID,
        visit: SignedInVisit,
        team: Annotated[str, Form()] = "",
        phone: Annotated[str, Form()] = "",
    ) -> Response:
        with visit.parts.database.write() as session:
            site = chosen_site(session, visit.caller, site_id)
            set_duty_phone(session, visit.caller, site, phone, now=visit.parts.clock.now())
        return _back(site_id, team)

    @routes.post("/teams/{site_id}/items")
    def items(
        site_id: UUID,
        visit: SignedInVisit,
        team: Annotated[str, Form()] = "",
        keys: Annotated[str, Form()] = "",
        equipment: Annotated[str, Form()] = "",
    ) -> Response:
        wanted = [("key", line) for line in keys.splitlines()]
        wanted += [("equipment", line) for line in equipment.splitlines()]
        with visit.parts.database.write() as session:
            site = chosen_site(session, visit.caller, site_id)
            now = visit.parts.clock.now()
            dispatch.set_items(session, visit.caller, site.id, team, wanted, now=now)
        return _back(site_id, team)
