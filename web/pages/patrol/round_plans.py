"""Plans of rounds: when rounds of a route begin, made and changed on pages of their own."""

import re
from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Form, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel

from core.calendars import codes_at, describe_calendar
from core.db import Session
from core.errors import Conflict, Invalid, Stale, WatchkeeperError
from core.places import Node
from core.shift_codes import shift_codes_at
from core.teams import teams_at
from web.page_route import PageRoute
from web.pages.patrol.chosen import actor_of, chosen_site
from web.pages.patrol.route_form import number
from web.round_problems import refusal_told
from web.templating import Templates
from web.versions import version_read
from web.visit import SignedInVisit, Visit
from workflows import patrol
from workflows.patrol import rounds
from workflows.patrol.rounds import EVERY_DAY, PlanDraft, UnderStatute
from workflows.patrol.statutes import STATUTES

_BETWEEN = re.compile(r"[\s,，、;；]+")
# 8:00 is what people write for 08:00.
_SHORT = re.compile(r"\d:\d\d")
USUAL_TEAM, USUAL_DURATION_MIN = "security", 60
_NO_NUMBER = -1
Column = list[str]


class PlanForm(BaseModel):
    """What the form of a plan says. times: with commas or spaces between them.

    item: what has to be looked at with where, as `exits:*` or `exits:` and a checkpoint.
    """

    version: str = ""
    times: str = ""
    weekday: Column = []
    hours: str = ""
    outside: str = ""
    team: str = ""
    duration: str = ""
    tolerance: str = ""
    settle: str = ""
    statute: str = ""
    statute_hours: str = ""
    item: Column = []

    @classmethod
    def usual(cls) -> "PlanForm":
        """What stands in the form of a new plan."""
        return cls(
            weekday=[str(day) for day in EVERY_DAY],
            team=USUAL_TEAM,
            duration=str(USUAL_DURATION_MIN),
            tolerance=str(rounds.USUAL_TOLERANCE_MIN),
            settle=str(rounds.USUAL_SETTLE_MIN),
        )

    @classmethod
    def of(cls, plan: Mapping[str, Any]) -> "PlanForm":
        """A plan as it is kept."""
        return cls(
            version=str(plan["version"]),
            times=", ".join(plan["times"]),
            weekday=[str(day) for day in plan["weekdays"]],
            hours=plan["hours"],
            outside="yes" if plan["outside"] else "",
            team=plan["team"],
            duration=str(plan["duration_min"]),
            tolerance=str(plan["tolerance_min"]),
            settle=str(plan["settle_min"]),
            **_under(plan["statute"]),
        )

    def draft(self) -> PlanDraft:
        """The plan that the form describes; what is no number is refused by the domain."""
        return PlanDraft(
            times=_times(self.times),
            weekdays=[int(day) for day in self.weekday if re.fullmatch(r"[0-9]", day)],
            hours=self.hours,
            outside=self.outside == "yes" and bool(self.hours),
            team=self.team,
            duration_min=_minutes(self.duration),
            tolerance_min=_minutes(self.tolerance),
            settle_min=_minutes(self.settle),
            statute=self._statute(),
        )

    def _statute(self) -> UnderStatute | None:
        if not self.statute:
            return None
        items: dict[str, list[str]] = {}
        for each in self.item:
            code, _, point = each.partition(":")
            items.setdefault(code, []).append(point)
        return UnderStatute(self.statute, self.statute_hours, items)


def _under(statute: Mapping[str, Any] | None) -> dict[str, Any]:
    """The fields of what a plan is made under."""
    if statute is None:
        return {}
    items = [f"{code}:{point}" for code, points in statute["items"].items() for point in points]
    return {"statute": statute["code"], "statute_hours": statute["hours"], "item": items}


def _times(text: str) -> list[str]:
    written = [each for each in _BETWEEN.split(text.replace("：", ":")) if each]
    return [f"0{each}" if _SHORT.fullmatch(each) else each for each in written]


def _minutes(text: str) -> int:
    found = number(text)
    return _NO_NUMBER if found is None else found


def router(templates: Templates) -> APIRouter:
    """The routes of plans."""
    routes = APIRouter(route_class=PageRoute, include_in_schema=False)
    _add_making(routes, templates)
    _add_changing(routes, templates)
    _add_moves(routes)
    return routes


def hours_to_choose(session: Session, visit: Visit, site_id: UUID) -> dict[str, str]:
    """The calendars and shifts within or outside of which rounds may begin: names by code."""
    site, now, text = session.get_one(Node, site_id), visit.parts.clock.now(), visit.reader.text
    found = {
        code: text(describe_calendar(session, site, code, now=now)["name"]) or code
        for code in codes_at(session, site)
    }
    for code, shift in shift_codes_at(session, site_id).items():
        if shift.starts and not shift.retired:
            name = f"{text(shift.name) or code} {shift.starts}–{shift.ends}"
            found.setdefault(code.replace("_", "-"), name)
    return found


def _page(
    templates: Templates,
    visit: Visit,
    route: Mapping[str, Any],
    plan: Mapping[str, Any] | None,
    form: PlanForm,
    error: WatchkeeperError | None = None,
) -> Response:
    with visit.parts.database.read() as session:
        site = chosen_site(session, visit, patrol.READ, route["site_id"]).site
        hours = hours_to_choose(session, visit, site.id)
        teams = teams_at(session, site.id)
    local = visit.at(site.time_zone)
    return templates.page(
        "patrol/plan.html",
        local,
        error.status if error else 200,
        section="checkpoints",
        site=site,
        route=route,
        plan=plan,
        form=form,
        hours=hours,
        teams=teams,
        days=EVERY_DAY,
        statute=STATUTES.get(form.statute),
        statutes=STATUTES.values(),
        problems=refusal_told(local.reader, error) if error else [],
    )


def _route(visit: Visit, route_id: UUID) -> dict[str, Any]:
    """A route that the caller may plan rounds of."""
    with visit.parts.database.read() as session:
        rounds.find_route(session, visit.caller, route_id, permission=patrol.WRITE)
        return rounds.describe_route(session, visit.caller, route_id)


def _to(route_id: UUID) -> Response:
    return RedirectResponse(f"/routes/{route_id}", status_code=303)


def _by_statute(visit: Visit, site_id: UUID, code: str, hours: str) -> PlanForm:
    """The form of a new plan with the times that a statute asks for; the usual one for none.

    What is looked at where is left to whoever knows the place.
    """
    usual, statute = PlanForm.usual(), STATUTES.get(code)
    if statute is None:
        return usual
    with visit.parts.database.read() as session:
        site, now = session.get_one(Node, site_id), visit.parts.clock.now()
        times = rounds.proposed_times(session, site, statute, hours, now=now)
    under = {"statute": code, "statute_hours": hours, "times": ", ".join(times)}
    return usual.model_copy(update=under)


def _add_making(routes: APIRouter, templates: Templates) -> None:
    @routes.get("/routes/{route_id}/plans/new")
    def new(visit: SignedInVisit, route_id: UUID, statute: str = "", hours: str = "") -> Response:
        route = _route(visit, route_id)
        form = _by_statute(visit, route["site_id"], statute, hours)
        return _page(templates, visit, route, None, form)

    @routes.post("/routes/{route_id}/plans")
    def make(visit: SignedInVisit, route_id: UUID, form: Annotated[PlanForm, Form()]) -> Response:
        route = _route(visit, route_id)
        try:
            with visit.parts.database.write() as session:
                row = rounds.find_route(session, visit.caller, route_id, permission=patrol.WRITE)
                actor, now = actor_of(visit), visit.parts.clock.now()
                rounds.create_plan(session, row, form.draft(), actor=actor, now=now)
        except (Invalid, Conflict) as error:
            return _page(templates, visit, route, None, form, error)
        return _to(route_id)


def _found(session: Session, visit: Visit, plan_id: UUID) -> rounds.RoundPlan:
    return rounds.find_plan(session, visit.caller, plan_id, permission=patrol.WRITE)


def _plan(visit: Visit, plan_id: UUID) -> dict[str, Any]:
    """A plan that the caller may change."""
    with visit.parts.database.read() as session:
        _found(session, visit, plan_id)
        return rounds.describe_plan(session, visit.caller, plan_id)


def _add_changing(routes: APIRouter, templates: Templates) -> None:
    @routes.get("/round-plans/{round_plan_id}")
    def show(visit: SignedInVisit, round_plan_id: UUID) -> Response:
        plan = _plan(visit, round_plan_id)
        route = _route(visit, plan["route_id"])
        return _page(templates, visit, route, plan, PlanForm.of(plan))

    @routes.post("/round-plans/{round_plan_id}")
    def change(
        visit: SignedInVisit, round_plan_id: UUID, form: Annotated[PlanForm, Form()]
    ) -> Response:
        plan = _plan(visit, round_plan_id)
        try:
            with visit.parts.database.write() as session:
                rounds.change_plan(
                    session,
                    _found(session, visit, round_plan_id),
                    form.draft(),
                    actor=actor_of(visit),
                    now=visit.parts.clock.now(),
                    expected_version=version_read(form.version),
                )
        except (Invalid, Conflict, Stale) as error:
            now_there = _plan(visit, round_plan_id)
            if isinstance(error, Stale):
                # What is sent next replaces what stands now; whoever sends it was told.
                form = form.model_copy(update={"version": str(now_there["version"])})
            route = _route(visit, plan["route_id"])
            return _page(templates, visit, route, now_there, form, error)
        return _to(plan["route_id"])


def _move(visit: Visit, plan_id: UUID, action: str, version: str) -> Response:
    with visit.parts.database.write() as session:
        row = _found(session, visit, plan_id)
        rounds.move_plan(
            session,
            row,
            action,
            actor=actor_of(visit),
            now=visit.parts.clock.now(),
            expected_version=version_read(version),
        )
        route_id = row.route_id
    return _to(route_id)


def _add_moves(routes: APIRouter) -> None:
    @routes.post("/round-plans/{round_plan_id}/retire")
    def retire(
        visit: SignedInVisit, round_plan_id: UUID, version: Annotated[str, Form()] = ""
    ) -> Response:
        return _move(visit, round_plan_id, "retire", version)

    @routes.post("/round-plans/{round_plan_id}/reactivate")
    def take_up(
        visit: SignedInVisit, round_plan_id: UUID, version: Annotated[str, Form()] = ""
    ) -> Response:
        return _move(visit, round_plan_id, "reactivate", version)
