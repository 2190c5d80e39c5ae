"""Lone workers: who has to check in and how they stand, the plans, and places without signal."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Form, Response
from fastapi.responses import RedirectResponse

from core.errors import Conflict, Invalid
from core.events import Actor
from core.teams import teams_at
from web.languages import mark
from web.page_route import PageRoute
from web.pages.patrol.chosen import chosen_site, spaces_to_choose
from web.templating import Templates
from web.visit import SignedInVisit, Visit
from workflows import patrol
from workflows.patrol import lone

PROBLEMS = {
    "team": mark("Choose a team of this site."),
    "every_min": mark("Every so many minutes: a whole number from 1 to 240."),
    "grace_min": mark("Missed after so many minutes: a whole number from 1 to 240."),
    "wait_min": mark("Longer without signal: a whole number from 0 to 240."),
    "hours": mark("Hours are the code of a calendar or a shift of this site."),
}


def router(templates: Templates) -> APIRouter:
    """The routes of lone workers."""
    routes = APIRouter(route_class=PageRoute, include_in_schema=False)
    _add_pages(routes, templates)
    _add_plans(routes, templates)
    _add_zones(routes)
    return routes


def _watches(visit: Visit, site_id: UUID) -> dict[str, Any]:
    with visit.parts.database.read() as session:
        found = lone.living_watches(session, visit.caller, patrol.PEOPLE, site_id=site_id)
    return {"watches": found}


def _page(
    templates: Templates,
    visit: Visit,
    site: UUID | None,
    status: int = 200,
    problems: Sequence[str] = (),
    tried: dict[str, Any] | None = None,
) -> Response:
    with visit.parts.database.read() as session:
        chosen = chosen_site(session, visit, patrol.PEOPLE, site)
        at = chosen.site
        plans = lone.list_lone_plans(session, visit.caller, site_id=at.id)
        zones = lone.list_dead_zones(session, visit.caller, at.id)
        teams = {team.code: team.name for team in teams_at(session, at.id)}
    local = visit.at(at.time_zone)
    context = {
        "site": at,
        "sites": chosen.sites,
        "plans": plans,
        "zones": zones,
        "team_names": teams,
        "may_write": visit.may(patrol.WRITE, at.id),
        "spaces": spaces_to_choose(visit, at.id),
        "problems": problems,
        "tried": tried
        or {"team": "", "every_min": 30, "grace_min": 3, "wait_min": 15, "hours": ""},
        **_watches(local, at.id),
    }
    return templates.page("sos/lone.html", local, status, section="checkpoints", **context)


def _add_pages(routes: APIRouter, templates: Templates) -> None:
    @routes.get("/lone-workers")
    def show(visit: SignedInVisit, site: UUID | None = None) -> Response:
        return _page(templates, visit, site)

    @routes.get("/lone-workers/standing")
    def standing(visit: SignedInVisit, site: UUID | None = None) -> Response:
        with visit.parts.database.read() as session:
            chosen = chosen_site(session, visit, patrol.PEOPLE, site)
        local = visit.at(chosen.site.time_zone)
        return templates.page("sos/watches.html", local, **_watches(local, chosen.site.id))


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 5 else -1


def _add_plans(routes: APIRouter, templates: Templates) -> None:
    @routes.post("/lone-worker-plans")
    def make(
        visit: SignedInVisit,
        site: Annotated[UUID, Form()],
        team: Annotated[str, Form()] = "",
        every_min: Annotated[str, Form()] = "",
        grace_min: Annotated[str, Form()] = "",
        wait_min: Annotated[str, Form()] = "",
        hours: Annotated[str, Form()] = "",
        contact_counts: Annotated[str, Form()] = "",
    ) -> Response:
        visit.caller.require(patrol.WRITE, site)
        draft = lone.LoneDraft(
            team,
            _number(every_min),
            _number(grace_min),
            _number(wait_min),
            hours.strip(),
            contact_counts=contact_counts == "yes",
        )
        try:
            with visit.parts.database.write() as session:
                actor = Actor.person(visit.caller.person_id)
                now = visit.parts.clock.now()
                lone.create_lone_plan(session, site, draft, actor=actor, now=now)
        except Invalid as error:
            fields = [problem.partition(":")[0] for problem in error.problems]
            told = [visit.reader.translate(PROBLEMS[field]) for field in fields]
            tried = {"team": team, "every_min": every_min, "grace_min": grace_min}
            tried |= {"wait_min": wait_min, "hours": hours}
            return _page(templates, visit, site, error.status, told, tried)
        return RedirectResponse(f"/lone-workers?site={site}", status_code=303)

    @routes.post("/lone-worker-plans/{lone_plan_id}/retire")
    def retire(visit: SignedInVisit, lone_plan_id: UUID) -> Response:
        with visit.parts.database.write() as session:
            row = lone.find_lone_plan(session, visit.caller, lone_plan_id, permission=patrol.WRITE)
            actor, now = Actor.person(visit.caller.person_id), visit.parts.clock.now()
            # Somebody may have ended it a moment ago, which is what was wanted.
            with suppress(Conflict):
                lone.move_lone_plan(session, row, "retire", actor=actor, now=now)
        return RedirectResponse(f"/lone-workers?site={row.site_id}", status_code=303)


def _add_zones(routes: APIRouter) -> None:
    @routes.post("/dead-zones/{place_id}/clear")
    def clear(
        visit: SignedInVisit, place_id: UUID, site: Annotated[UUID | None, Form()] = None
    ) -> Response:
        return _flagged(visit, place_id, site, flagged=False)

    # A form that chooses the place; before a site is known nothing else tells where it is.
    @routes.post("/dead-zones")
    def choose(
        visit: SignedInVisit,
        place: Annotated[UUID, Form()],
        site: Annotated[UUID | None, Form()] = None,
    ) -> Response:
        return _flagged(visit, place, site, flagged=True)


def _flagged(visit: Visit, place_id: UUID, site: UUID | None, *, flagged: bool) -> Response:
    with visit.parts.database.write() as session:
        now = visit.parts.clock.now()
        lone.flag_dead_zone(
            session, visit.caller, place_id, flagged=flagged, permission=patrol.WRITE, now=now
        )
    address = f"/lone-workers?site={site}" if site else "/lone-workers"
    return RedirectResponse(address, status_code=303)
