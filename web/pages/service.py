"""What is promised, and the calendars in which it counts: on a place of the tree and below."""

import calendar
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from itertools import zip_longest
from typing import Annotated, Any
from uuid import UUID

from babel import Locale, dates
from fastapi import APIRouter, Form, Response
from fastapi.responses import RedirectResponse

from core.calendars import (
    ALWAYS,
    OFFICE,
    WRITE,
    CalendarDraft,
    country_of,
    describe_calendar,
    find_calendar,
)
from core.people import find_node, nodes_with
from core.permissions import ROLES
from core.places import Node
from core.working_time import WorkingTime, known_countries
from web.kept import chosen_node, may_change
from web.languages import locale_of, mark
from web.page_route import PageRoute
from web.reader import Reader
from web.templating import Templates
from web.visit import SignedInVisit, Visit
from workflows.tickets import KINDS, PRIORITIES
from workflows.tickets.promises import (
    ESCALATES_TO,
    MOST_SOS_RUNGS,
    Terms,
    read_terms,
    service_grades,
    terms_at,
)
from workflows.tickets.service import change_calendar, change_terms, list_calendars

READ = "places.read"
SPARE_LINES = 2
# The address of a calendar that is still to be made.
NEW = "new"
EARLIEST, LATEST = 2000, 2100
CLOSED = mark("closed")
Column = Annotated[list[str] | None, Form()]


@dataclass(frozen=True, slots=True)
class Month:
    """A month of the year's picture: its name and its days, each with what it is."""

    name: str
    days: list[tuple[int, str, str]]
    before: int


def _version(found_at: UUID | None, node: Node, version: int) -> int:
    return version if found_at == node.id else 0


def _lines(columns: Mapping[str, Sequence[str]], needed: Sequence[str]) -> list[dict[str, str]]:
    """The rows of a table of inputs, without the spare ones that stayed empty."""
    rows = zip_longest(*columns.values(), fillvalue="")
    named = [dict(zip(columns, (cell.strip() for cell in row), strict=True)) for row in rows]
    return [
        {name: cell for name, cell in row.items() if cell}
        for row in named
        if any(row[name] for name in needed)
    ]


def _hours_text(hours: Sequence[Sequence[str]]) -> str:
    return ", ".join(f"{begin}-{end}" for begin, end in hours)


def _hours(text: str) -> list[list[str]]:
    """The hours of a day as people write them: 08:30-12:00, 13:30-17:30."""
    written = text.replace("，", ",").replace("–", "-").replace("：", ":").split(",")
    spans = [[side.strip() for side in span.split("-", 1)] for span in written if span.strip()]
    return [[begin.zfill(5), ends[0].zfill(5) if ends else ""] for begin, *ends in spans]


def _exceptions(text: str, reader: Reader) -> dict[str, list[list[str]]]:
    """Single days, one a line: the date, then its hours, or nothing or a word for closed."""
    closed = {CLOSED, reader.translate(CLOSED), ""}
    found = {}
    for line in text.splitlines():
        day, _, hours = line.strip().partition(" ")
        if day:
            found[day] = [] if hours.strip() in closed else _hours(hours)
    return found


def year_of(found: WorkingTime, year: int, reader: Reader) -> list[Month]:
    """The picture of a year: each day open, free, made up for, or different by our own hand."""
    locale = Locale.parse(locale_of(reader.language))
    months = []
    for month in range(1, 13):
        first, length = calendar.monthrange(year, month)
        days = []
        for number in range(1, length + 1):
            day = date(year, month, number)
            days.append((number, _what(found, day), dates.format_date(day, "full", locale=locale)))
        months.append(Month(locale.months["stand-alone"]["abbreviated"][month], days, first))
    return months


def _what(found: WorkingTime, day: date) -> str:
    if day in found.exceptions:
        return "own-open" if found.exceptions[day] else "own-closed"
    hours, usual = found.hours_on(day), found.week[day.weekday()]
    if bool(hours) != bool(usual):
        return "made-up" if hours else "holiday"
    return "open" if hours else "weekend"


def router(templates: Templates) -> APIRouter:
    """The routes of promised times and calendars."""
    routes = APIRouter(route_class=PageRoute, include_in_schema=False)
    _add_terms(routes, templates)
    _add_calendars(routes, templates)
    return routes


def _overview(visit: Visit, wanted: UUID | None) -> dict[str, Any]:
    with visit.parts.database.read() as session:
        nodes = nodes_with(session, visit.caller, READ)
        node = find_node(session, visit.caller, READ, chosen_node(nodes, wanted))
        found = terms_at(session, node.id)
        calendars = list_calendars(session, node, now=visit.reader.now)
    names = {each.id: each.name for each in nodes}
    return {
        "nodes": nodes,
        "node": node,
        "found": found,
        "kept_at": names.get(found.node_id) if found.node_id else None,
        "version": _version(found.node_id, node, found.version),
        "terms": found.terms.model_dump(mode="json"),
        "grades": service_grades(),
        "calendars": calendars,
        "names": names,
        "may_change": may_change(visit.caller, node, WRITE),
        "kinds": KINDS,
        "priorities": PRIORITIES,
        "roles": [role for role in ROLES if role in ESCALATES_TO],
        "spare": range(SPARE_LINES),
        "most_sos": MOST_SOS_RUNGS,
        "hours_text": _hours_text,
    }


def _own_terms(
    promises: Mapping[str, Sequence[str]],
    rungs: Mapping[str, Sequence[str]],
    rest: dict[str, Any],
    standing: Terms,
) -> Terms:
    """What the form says; what it does not ask for stays as it stands."""
    lines = _lines(promises, ("respond_within", "resolve_within"))
    escalation: dict[str, list[dict[str, str]]] = {"response": [], "resolution": []}
    for rung in _lines(rungs, ("after",)):
        escalation.setdefault(rung.pop("clock", ""), []).append(rung)
    unasked = {"guards"} if "sos" in rest else {"guards", "sos"}
    kept = standing.model_dump(mode="json", include=unasked)
    return read_terms({**kept, "promises": lines, "escalation": escalation, **rest})


def _add_terms(routes: APIRouter, templates: Templates) -> None:
    @routes.get("/service")
    def show(visit: SignedInVisit, node: UUID | None = None, moved: int | None = None) -> Response:
        visit.caller.require_anywhere(READ)
        context = _overview(visit, node)
        return templates.page("service.html", visit, section="service", moved=moved, **context)

    @routes.post("/service/{node_id}/grade")
    def choose(
        node_id: UUID,
        visit: SignedInVisit,
        version: Annotated[int, Form()],
        grade: Annotated[str, Form()] = "",
    ) -> Response:
        return _save(visit, node_id, version, grade, None)

    @routes.post("/service/{node_id}/terms")
    def change(
        node_id: UUID,
        visit: SignedInVisit,
        version: Annotated[int, Form()],
        grade: Annotated[str, Form()] = "",
        warn_at: Annotated[str, Form()] = "",
        hold_limit: Annotated[str, Form()] = "",
        seen_within: Annotated[str, Form()] = "",
        confirmed_within: Annotated[str, Form()] = "",
        kind: Column = None,
        category: Column = None,
        priority: Column = None,
        respond_within: Column = None,
        resolve_within: Column = None,
        calendar: Column = None,
        rung_clock: Column = None,
        rung_after: Column = None,
        rung_to: Column = None,
        sos_after: Column = None,
        sos_to: Column = None,
        sos_repeat: Annotated[str, Form()] = "",
    ) -> Response:
        promises = {
            "kind": kind or [],
            "category": category or [],
            "priority": priority or [],
            "respond_within": respond_within or [],
            "resolve_within": resolve_within or [],
            "calendar": calendar or [],
        }
        rungs = {"clock": rung_clock or [], "after": rung_after or [], "to": rung_to or []}
        rest: dict[str, Any] = {"warn_at": warn_at, "hold_limit": hold_limit}
        fire = {"seen_within": seen_within, "confirmed_within": confirmed_within}
        if given := {name: span for name, span in fire.items() if span.strip()}:
            rest["fire_alarm"] = given
        if sos_after is not None:
            chain = _lines({"after": sos_after, "to": sos_to or []}, ("after",))
            rest["sos"] = {"escalation": chain, "repeat": sos_repeat}
        return _save(visit, node_id, version, grade, partial(_own_terms, promises, rungs, rest))


def _save(
    visit: Visit, node_id: UUID, version: int, grade: str, own: Callable[[Terms], Terms] | None
) -> Response:
    with visit.parts.database.write() as session:
        node = find_node(session, visit.caller, READ, node_id)
        # Whoever may not change anything here is not told what would be wrong with it.
        visit.caller.require_over(WRITE, node)
        _, changed = change_terms(
            session,
            visit.caller,
            node,
            grade=grade,
            own=own(terms_at(session, node.id).terms) if own else None,
            now=visit.parts.clock.now(),
            expected_version=version,
        )
    return RedirectResponse(f"/service?node={node_id}&moved={changed.moved}", status_code=303)


def _calendar_page(visit: Visit, node_id: UUID, code: str, year: int | None) -> dict[str, Any]:
    """A calendar, or under the code `new` an empty form that begins with office hours."""
    new = code == NEW
    with visit.parts.database.read() as session:
        node = find_node(session, visit.caller, READ, node_id)
        shown = describe_calendar(session, node, OFFICE if new else code, now=visit.reader.now)
        working = find_calendar(session, node.id, shown["code"])
    this_year = visit.reader.at(node.time_zone).now.year
    picture = min(max(year or this_year, EARLIEST), LATEST)
    territories = Locale.parse(locale_of(visit.reader.language)).territories
    own_country = country_of(node.time_zone)
    return {
        "node": node,
        "calendar": {**shown, "code": "", "name": {}} if new else shown,
        "version": 0 if new else _version(shown["node_id"], node, shown["version"]),
        "always": code == ALWAYS,
        "months": year_of(working, picture, visit.reader)
        if isinstance(working, WorkingTime)
        else [],
        "year": picture,
        "may_change": may_change(visit.caller, node, WRITE) and code != ALWAYS,
        "countries": sorted((territories.get(each, each), each) for each in known_countries()),
        "own_country": territories.get(own_country or "", ""),
        "hours_text": _hours_text,
        "weekdays": _weekdays(visit.reader),
    }


def _add_calendars(routes: APIRouter, templates: Templates) -> None:
    @routes.get("/service/{node_id}/calendars/{code}")
    def show(node_id: UUID, code: str, visit: SignedInVisit, year: int | None = None) -> Response:
        context = _calendar_page(visit, node_id, code, year)
        local = visit.at(context["node"].time_zone)
        return templates.page("service_calendar.html", local, section="service", **context)

    @routes.post("/service/{node_id}/calendars")
    def save(
        node_id: UUID,
        visit: SignedInVisit,
        version: Annotated[int, Form()],
        code: Annotated[str, Form()] = "",
        name_en: Annotated[str, Form()] = "",
        name_zh: Annotated[str, Form()] = "",
        country: Annotated[str, Form()] = "auto",
        exceptions: Annotated[str, Form()] = "",
        hours: Column = None,
    ) -> Response:
        names = {"en": name_en.strip(), "zh": name_zh.strip()}
        draft = CalendarDraft(
            code.strip(),
            {language: name for language, name in names.items() if name},
            [_hours(day) for day in hours or []],
            None if country == "auto" else country.removeprefix("none"),
            _exceptions(exceptions, visit.reader),
        )
        with visit.parts.database.write() as session:
            node = find_node(session, visit.caller, READ, node_id)
            changed = change_calendar(
                session,
                visit.caller,
                node,
                draft,
                now=visit.parts.clock.now(),
                expected_version=version,
            )
        return RedirectResponse(f"/service?node={node_id}&moved={changed.moved}", status_code=303)


def _weekdays(reader: Reader) -> list[str]:
    names = Locale.parse(locale_of(reader.language)).days["stand-alone"]["wide"]
    return [names[day] for day in range(7)]
