"""Alarms: the list of them, one with what withholds it, and what people do with it."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse

from core.db import Session
from core.errors import Invalid, NotFound
from core.paging import Wish
from core.people import Caller
from core.places import Asset, Node
from rules.wording import worded
from web.languages import mark
from web.local_moments import moment_of, written_moment
from web.page_route import PageRoute, is_fragment
from web.reader import Reader
from web.templating import Templates
from web.visit import SignedInVisit, Visit
from workflows.alarms import ALARM, Alarm, see_alarm
from workflows.alarms.knowing import known_alarm, rules_on
from workflows.alarms.reading import (
    LONG_AGO,
    READ,
    AlarmFilter,
    describe_alarm,
    find_alarm,
    list_alarms,
    list_episodes,
    states_named,
)
from workflows.alarms.shelving import (
    ACT,
    SERVICE,
    SHELVE,
    SHELVED_FOR,
    OutOfService,
    confirm_out_of_service,
    find_request,
    refuse_out_of_service,
    reset,
    return_to_service,
    shelve,
    take_out_of_service,
    unshelve,
)
from workflows.alarms.standing import QUIET
from workflows.alarms.withheld_now import WithheldFilter, list_withheld, place_of
from workflows.overview import find_asset, sites, ticket_numbers

ACKNOWLEDGED = mark("Acknowledged: %(alarm)s")
RESET = mark("Reset: %(alarm)s")
VIEWS = ("active", "withheld", "all")
LONGEST_LIST = 100
EPISODES = 20
UNTIL_CLEARED = "cleared"


def router(templates: Templates) -> APIRouter:
    """The routes of alarms."""
    routes = APIRouter(route_class=PageRoute, include_in_schema=False)
    _add_pages(routes, templates)
    _add_actions(routes, templates)
    _add_withholding(routes)
    _add_service(routes)
    return routes


def _add_pages(routes: APIRouter, templates: Templates) -> None:
    @routes.get("/alarms")
    def show(visit: SignedInVisit, view: str = "active", before: UUID | None = None) -> Response:
        visit.caller.require_anywhere(READ)
        if view not in VIEWS:
            raise NotFound(worded(mark("there is no such list of alarms")))
        found = _withheld(visit, before) if view == "withheld" else _listed(visit, view, before)
        found["readers"] = _readers(visit)
        return templates.page("alarms/list.html", visit, section="alarms", view=view, **found)

    @routes.get("/alarms/{alarm_id}")
    def show_one(alarm_id: UUID, visit: SignedInVisit) -> Response:
        local, context = _one(visit, alarm_id)
        return templates.page("alarms/alarm.html", local, section="alarms", **context)

    @routes.get("/assets/{asset_id}/rules")
    def show_rules(asset_id: UUID, visit: SignedInVisit) -> Response:
        with visit.parts.database.read() as session:
            found = find_asset(session, visit.caller, asset_id)
            rules = rules_on(session, session.get_one(Asset, asset_id))
        return templates.page(
            "alarms/rules.html",
            visit.at(found.site.time_zone),
            section="alarms",
            asset=found.thing,
            rules=rules,
            may_serve=visit.may(SERVICE, found.site.id),
        )


def _readers(visit: Visit) -> dict[UUID, Reader]:
    """The reader at each site: a list of several shows the times of each by its own clocks."""
    with visit.parts.database.read() as session:
        found = sites(session, visit.caller)
    return {site.id: visit.reader.at(site.time_zone) for site in found}


def _withheld(visit: Visit, before: UUID | None) -> dict[str, Any]:
    asked: Sequence[dict[str, Any]] = ()
    with visit.parts.database.read() as session:
        after = place_of(session, visit.caller, before) if before is not None else None
        held = list_withheld(session, visit.caller, WithheldFilter(), Wish(LONGEST_LIST, after))
        if after is None:
            wish = Wish(LONGEST_LIST)
            asked = list_withheld(session, visit.caller, WithheldFilter("asked"), wish).items
    return {
        "held": held.items,
        "asked": asked,
        "more": held.items[-1]["id"] if held.next else None,
        "several": len(visit.caller.sites_for(READ)) > 1,
    }


def _listed(visit: Visit, view: str, before: UUID | None) -> dict[str, Any]:
    states = states_named("all")
    if view == "active":
        states = tuple(state for state in ALARM.statuses if state not in QUIET)
    with visit.parts.database.read() as session:
        after = None
        if before is not None:
            last = find_alarm(session, visit.caller, before)
            after = (last.raised_at or LONG_AGO, last.id)
        wish = Wish(LONGEST_LIST, after)
        page = list_alarms(session, visit.caller, AlarmFilter(states), wish)
    return {"rows": page.items, "more": page.items[-1]["id"] if page.next else None}


def _one(visit: Visit, alarm_id: UUID) -> tuple[Visit, dict[str, Any]]:
    caller = visit.caller
    with visit.parts.database.read() as session:
        alarm = describe_alarm(session, caller, alarm_id)
        site = session.get_one(Node, alarm["site_id"])
        asset = session.get_one(Asset, alarm["asset_id"])
        ticket = alarm["ticket_id"]
        numbers = ticket_numbers(session, caller, {ticket} if ticket else set())
        episodes = list_episodes(session, caller, AlarmFilter(alarm_id=alarm_id), Wish(EPISODES))
        held = _withholding(session, caller, alarm_id, "standing")
        asked = _withholding(session, caller, alarm_id, "asked")
        row = session.get_one(Alarm, alarm_id)
        latches = bool(row.facts and row.facts.get("latch"))
    local = visit.at(site.time_zone)
    over = alarm["state"] == "returned_unacknowledged" and latches
    return local, {
        "alarm": alarm,
        "asset_type": asset.type,
        "number": numbers.get(ticket),
        "episodes": episodes.items,
        "held": held,
        "asked": asked,
        "actions": ALARM.actions(alarm["state"]),
        "stands": alarm["phase"] in ("active", "clearing"),
        "durations": SHELVED_FOR,
        "tomorrow": written_moment(local.reader, local.reader.now + timedelta(days=1)),
        "may_act": visit.may(ACT, site.id),
        "may_shelve": visit.may(SHELVE, site.id),
        "may_serve": visit.may(SERVICE, site.id),
        "may_ask_why": _of_the_rulebook(alarm["rule_id"])
        and all(visit.may(right, site.id) for right in ("rules.read", "telemetry.read")),
        "may_reset": alarm["state"] == "latched" or over,
    }


def _of_the_rulebook(rule_id: str) -> bool:
    """Whether a rule judged it that people wrote, and not Watchkeeper its own health."""
    return ":" not in rule_id and rule_id != "device-clock"


def _withholding(
    session: Session, caller: Caller, alarm_id: UUID, state: str
) -> dict[str, Any] | None:
    found = list_withheld(session, caller, WithheldFilter(state, alarm_id=alarm_id), Wish(1))
    return found.items[0] if found.items else None


def _to(alarm_id: UUID) -> Response:
    return RedirectResponse(f"/alarms/{alarm_id}", status_code=303)


def _add_actions(routes: APIRouter, templates: Templates) -> None:
    def done(visit: Visit, request: Request, alarm_id: UUID, text: str, back: str) -> Response:
        if not is_fragment(request):
            return _to(alarm_id) if back else RedirectResponse("/", status_code=303)
        return templates.page(
            "notice.html", visit, title=text, detail="", advice="", problems=(), good=True
        )

    @routes.post("/alarms/{alarm_id}/acknowledge")
    def acknowledge_alarm(
        alarm_id: UUID, visit: SignedInVisit, request: Request, back: Annotated[str, Form()] = ""
    ) -> Response:
        with visit.parts.database.write() as session:
            alarm = find_alarm(session, visit.caller, alarm_id)
            visit.caller.require(ACT, alarm.site_id)
            see_alarm(session, alarm, person=visit.caller.person_id, now=visit.parts.clock.now())
            title = visit.reader.text(alarm.title)
        text = visit.reader.translate(ACKNOWLEDGED, alarm=title)
        return done(visit, request, alarm_id, text, back)

    @routes.post("/alarms/{alarm_id}/reset")
    def reset_alarm(
        alarm_id: UUID, visit: SignedInVisit, request: Request, back: Annotated[str, Form()] = ""
    ) -> Response:
        with visit.parts.database.write() as session:
            alarm = find_alarm(session, visit.caller, alarm_id, to_change=True)
            reset(session, visit.caller, alarm, now=visit.parts.clock.now())
            title = visit.reader.text(alarm.title)
        text = visit.reader.translate(RESET, alarm=title)
        return done(visit, request, alarm_id, text, back)


def _shelved_until(minutes: str, now: datetime) -> datetime | None:
    if minutes == UNTIL_CLEARED:
        return None
    if minutes not in {str(each) for each in SHELVED_FOR}:
        raise Invalid(
            worded(mark("the alarm was not shelved")),
            problems=[worded(mark("minutes: choose how long"))],
        )
    return now + timedelta(minutes=int(minutes))


def _add_withholding(routes: APIRouter) -> None:
    @routes.post("/alarms/{alarm_id}/shelve")
    def shelve_alarm(
        alarm_id: UUID,
        visit: SignedInVisit,
        minutes: Annotated[str, Form()] = "",
        reason: Annotated[str, Form()] = "",
    ) -> Response:
        now = visit.parts.clock.now()
        with visit.parts.database.write() as session:
            alarm = find_alarm(session, visit.caller, alarm_id, to_change=True)
            visit.caller.require(SHELVE, alarm.site_id)
            until = _shelved_until(minutes, now)
            shelve(session, visit.caller, alarm, until=until, reason=reason, now=now)
        return _to(alarm_id)

    @routes.post("/alarms/{alarm_id}/unshelve")
    def unshelve_alarm(alarm_id: UUID, visit: SignedInVisit) -> Response:
        with visit.parts.database.write() as session:
            alarm = find_alarm(session, visit.caller, alarm_id, to_change=True)
            unshelve(session, visit.caller, alarm, now=visit.parts.clock.now())
        return _to(alarm_id)


def _add_service(routes: APIRouter) -> None:
    @routes.post("/alarms/{alarm_id}/out-of-service")
    def take_out(
        alarm_id: UUID,
        visit: SignedInVisit,
        until: Annotated[str, Form()] = "",
        reason: Annotated[str, Form()] = "",
        patrol: Annotated[str, Form()] = "",
    ) -> Response:
        now = visit.parts.clock.now()
        with visit.parts.database.write() as session:
            alarm = find_alarm(session, visit.caller, alarm_id, to_change=True)
            visit.caller.require(SERVICE, alarm.site_id)
            time_zone = session.get_one(Node, alarm.site_id).time_zone
            wanted = OutOfService(moment_of(until, "until", time_zone), reason, patrol)
            take_out_of_service(session, visit.caller, alarm, wanted, now=now)
        return _to(alarm_id)

    @routes.post("/alarms/{alarm_id}/return-to-service")
    def give_back(alarm_id: UUID, visit: SignedInVisit) -> Response:
        with visit.parts.database.write() as session:
            alarm = find_alarm(session, visit.caller, alarm_id, to_change=True)
            return_to_service(session, visit.caller, alarm, now=visit.parts.clock.now())
        return _to(alarm_id)

    @routes.post("/withholdings/{withholding_id}/confirm")
    def confirm(withholding_id: UUID, visit: SignedInVisit) -> Response:
        with visit.parts.database.write() as session:
            row, alarm = find_request(session, visit.caller, withholding_id)
            now = visit.parts.clock.now()
            confirm_out_of_service(session, visit.caller, row, alarm, now=now)
            alarm_id = alarm.id
        return _to(alarm_id)

    @routes.post("/withholdings/{withholding_id}/refuse")
    def refuse(withholding_id: UUID, visit: SignedInVisit) -> Response:
        with visit.parts.database.write() as session:
            row, alarm = find_request(session, visit.caller, withholding_id)
            refuse_out_of_service(session, visit.caller, row, now=visit.parts.clock.now())
            alarm_id = alarm.id
        return _to(alarm_id)

    @routes.post("/assets/{asset_id}/rules/{rule_id}")
    def know(asset_id: UUID, rule_id: str, visit: SignedInVisit) -> Response:
        with visit.parts.database.write() as session:
            alarm = known_alarm(session, visit.caller, asset_id, rule_id)
            visit.caller.require(SERVICE, alarm.site_id)
            alarm_id = alarm.id
        return _to(alarm_id)
