"""Routes: the list of a site's, and one with its points and when rounds of it begin."""

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse

from core.db import Session
from core.errors import Conflict, Invalid, Stale, WatchkeeperError
from core.paging import LARGEST_PAGE, Wish
from core.teams import teams_at
from rules.wording import worded
from web.languages import mark
from web.page_route import PageRoute, is_fragment
from web.pages.patrol.chosen import MOST_TO_CHOOSE, actor_of, chosen_site, one_id
from web.pages.patrol.round_plans import hours_to_choose
from web.pages.patrol.route_form import SAVE, RouteForm, offered
from web.pages.patrol.statutes import covered
from web.round_problems import CODE_TAKEN, MEANWHILE, refusal_told
from web.templating import Templates
from web.versions import version_read
from web.visit import SignedInVisit, Visit
from workflows import overview, patrol
from workflows.patrol import rounds

STATES = ("active", "retired")
NEXT = 5


def router(templates: Templates) -> APIRouter:
    """The routes of routes."""
    routes = APIRouter(route_class=PageRoute, include_in_schema=False)
    _add_pages(routes, templates)
    _add_making(routes, templates)
    _add_changing(routes, templates)
    _add_moves(routes)
    return routes


def _add_pages(routes: APIRouter, templates: Templates) -> None:
    @routes.get("/routes")
    def show(
        visit: SignedInVisit,
        site: UUID | None = None,
        view: str = "active",
        before: UUID | None = None,
    ) -> Response:
        view = view if view in STATES else "active"
        with visit.parts.database.read() as session:
            chosen = chosen_site(session, visit, patrol.READ, site)
            at, caller = chosen.site, visit.caller
            wish = Wish(50, (before,) if before else None)
            page = rounds.list_routes(session, caller, wish, site_id=at.id, state=view)
            plans = rounds.list_plans(
                session, caller, Wish(LARGEST_PAGE), site_id=at.id, state="active"
            )
            sizes = {row["id"]: len(rounds.points_of(session, row["id"])) for row in page.items}
            under = rounds.coverage(session, caller, now=visit.parts.clock.now(), site_id=at.id)
        return templates.page(
            "patrol/routes.html",
            visit.at(at.time_zone),
            section="checkpoints",
            site=at,
            sites=chosen.sites,
            view=view,
            views=STATES,
            found=page.items,
            more=page.next[0] if page.next else None,
            sizes=sizes,
            broken={row["route_id"] for row in under if not row["kept"]},
            times=_times(plans.items),
        )

    @routes.get("/routes/new")
    def new(visit: SignedInVisit, site: UUID | None = None) -> Response:
        with visit.parts.database.read() as session:
            chosen = chosen_site(session, visit, patrol.WRITE, site)
        form = RouteForm(site=str(chosen.site.id))
        return _new(templates, visit, chosen.site, form)

    @routes.get("/routes/{route_id}")
    def show_one(visit: SignedInVisit, route_id: UUID) -> Response:
        return _one(templates, visit, route_id)


def _times(plans: Any) -> dict[UUID, list[str]]:
    """By route the times of day at which its plans let rounds begin."""
    found: dict[UUID, set[str]] = {}
    for plan in plans:
        found.setdefault(plan["route_id"], set()).update(plan["times"])
    return {route_id: sorted(times) for route_id, times in found.items()}


def _checkpoints(
    session: Session, visit: Visit, site_id: UUID, route: Mapping[str, Any] | None
) -> dict[str, Any]:
    """What a form shows of checkpoints: those in use, and by id all that the form may name."""
    wanted = patrol.Survey(site_id)
    now = visit.parts.clock.now()
    page = patrol.survey(session, visit.caller, wanted, now=now, limit=MOST_TO_CHOOSE)
    points = [one.row for one in page.items]
    known = {str(row["id"]): {**row, "state": "active"} for row in points}
    for point in route["points"] if route else ():
        known.setdefault(str(point["checkpoint_id"]), point)
    return {"points": points, "known": known}


def _form_context(form: RouteForm, checkpoints: Mapping[str, Any]) -> dict[str, Any]:
    fresh, again = offered(checkpoints["points"], form)
    return {
        "form": form,
        "known": checkpoints["known"],
        "fresh": fresh,
        "again": again,
        "orders": rounds.ORDERS,
        "drawn": rounds.DRAWN,
    }


def _new(
    templates: Templates,
    visit: Visit,
    site: overview.NodeView,
    form: RouteForm,
    error: WatchkeeperError | None = None,
) -> Response:
    """The form of a route that is still to be made."""
    local = visit.at(site.time_zone)
    with visit.parts.database.read() as session:
        checkpoints = _checkpoints(session, visit, site.id, None)
    return templates.page(
        "patrol/new_route.html",
        local,
        error.status if error else 200,
        section="checkpoints",
        site=site,
        route=None,
        problems=refusal_told(local.reader, error, conflict=CODE_TAKEN) if error else [],
        **_form_context(form, checkpoints),
    )


def _one(
    templates: Templates,
    visit: Visit,
    route_id: UUID,
    form: RouteForm | None = None,
    error: WatchkeeperError | None = None,
) -> Response:
    """The page of a route, with what was typed in its form, if anything."""
    now = visit.parts.clock.now()
    with visit.parts.database.read() as session:
        route = rounds.describe_route(session, visit.caller, route_id)
        site = chosen_site(session, visit, patrol.READ, route["site_id"]).site
        checkpoints = _checkpoints(session, visit, site.id, route)
        plans = rounds.list_plans(session, visit.caller, Wish(LARGEST_PAGE), route_id=route_id)
        ahead = rounds.RoundFilter(route_id=route_id, state="open", since=now)
        coming = rounds.list_rounds(session, visit.caller, ahead, Wish(LARGEST_PAGE))
        teams = {team.code: team.name for team in teams_at(session, site.id)}
        hours = hours_to_choose(session, visit, site.id) if plans.items else {}
        times = rounds.times_of_route(session, visit.caller, route_id)
        local = visit.at(site.time_zone)
        under = covered(session, local, route_id=route_id)
    shown = form or RouteForm.of(route)
    if isinstance(error, Stale):
        # What is sent next replaces what stands now; whoever sends it was told.
        shown = shown.model_copy(update={"version": str(route["version"])})
    return templates.page(
        "patrol/route.html",
        local,
        error.status if error else 200,
        section="checkpoints",
        site=site,
        route=route,
        plans=sorted(plans.items, key=lambda one: (one["state"] != "active", str(one["id"]))),
        coming=coming.items[::-1][:NEXT],
        team_names=teams,
        hours=hours,
        times=times,
        under={plan_id: row for row in under for plan_id in row["plan_ids"]},
        short={one["plan_id"]: one["short_min"] for one in times["plans"]},
        may_write=visit.may(patrol.WRITE, site.id),
        problems=refusal_told(local.reader, error, conflict=MEANWHILE) if error else [],
        **_form_context(shown, checkpoints),
    )


def _points(
    templates: Templates, visit: Visit, site_id: UUID, form: RouteForm, route_id: UUID | None
) -> Response:
    """The points of a form alone, for a page whose script replaces no more."""
    with visit.parts.database.read() as session:
        route = rounds.describe_route(session, visit.caller, route_id) if route_id else None
        checkpoints = _checkpoints(session, visit, site_id, route)
    context = {"route": route, **_form_context(form, checkpoints)}
    return templates.page("patrol/route_points.html", visit, **context)


def _add_making(routes: APIRouter, templates: Templates) -> None:
    @routes.post("/routes")
    def make(
        visit: SignedInVisit, request: Request, form: Annotated[RouteForm, Form()]
    ) -> Response:
        visit.caller.require_anywhere(patrol.WRITE)
        site_id = one_id(form.site, "site", "the route was not saved")
        if site_id is None:
            raise Invalid(
                worded(mark("the route was not saved")), problems=[worded(mark("site: choose one"))]
            )
        visit.caller.require(patrol.WRITE, site_id)
        with visit.parts.database.read() as session:
            site = chosen_site(session, visit, patrol.WRITE, site_id).site
        if form.do != SAVE:
            if is_fragment(request):
                return _points(templates, visit, site_id, form.pressed(), None)
            return _new(templates, visit, site, form.pressed())
        try:
            with visit.parts.database.write() as session:
                actor, now = actor_of(visit), visit.parts.clock.now()
                row = rounds.create_route(session, site_id, form.draft(), actor=actor, now=now)
                made = row.id
        except (Invalid, Conflict) as error:
            return _new(templates, visit, site, form, error)
        return RedirectResponse(f"/routes/{made}", status_code=303)


def _add_changing(routes: APIRouter, templates: Templates) -> None:
    @routes.post("/routes/{route_id}")
    def change(
        visit: SignedInVisit, request: Request, route_id: UUID, form: Annotated[RouteForm, Form()]
    ) -> Response:
        if form.do != SAVE:
            with visit.parts.database.read() as session:
                site_id = _found(session, visit, route_id).site_id
            if is_fragment(request):
                return _points(templates, visit, site_id, form.pressed(), route_id)
            return _one(templates, visit, route_id, form.pressed())
        try:
            with visit.parts.database.write() as session:
                rounds.change_route(
                    session,
                    _found(session, visit, route_id),
                    form.draft(),
                    actor=actor_of(visit),
                    now=visit.parts.clock.now(),
                    expected_version=version_read(form.version),
                )
        except (Invalid, Conflict, Stale) as error:
            return _one(templates, visit, route_id, form, error)
        return RedirectResponse(f"/routes/{route_id}", status_code=303)


def _found(session: Session, visit: Visit, route_id: UUID) -> rounds.Route:
    return rounds.find_route(session, visit.caller, route_id, permission=patrol.WRITE)


def _move(visit: Visit, route_id: UUID, action: str, version: str) -> Response:
    with visit.parts.database.write() as session:
        rounds.move_route(
            session,
            _found(session, visit, route_id),
            action,
            actor=actor_of(visit),
            now=visit.parts.clock.now(),
            expected_version=version_read(version),
        )
    return RedirectResponse(f"/routes/{route_id}", status_code=303)


def _add_moves(routes: APIRouter) -> None:
    @routes.post("/routes/{route_id}/retire")
    def retire(
        visit: SignedInVisit, route_id: UUID, version: Annotated[str, Form()] = ""
    ) -> Response:
        return _move(visit, route_id, "retire", version)

    @routes.post("/routes/{route_id}/reactivate")
    def take_in(
        visit: SignedInVisit, route_id: UUID, version: Annotated[str, Form()] = ""
    ) -> Response:
        return _move(visit, route_id, "reactivate", version)
