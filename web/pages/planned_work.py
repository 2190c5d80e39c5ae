"""Planned work: what is in progress, ahead and over, and a form to plan more."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form, Response
from fastapi.responses import RedirectResponse

from core.db import Session
from core.errors import Invalid, NotFound
from core.paging import Wish
from core.places import Node
from rules.rule import PLANNED_WORK
from rules.wording import worded
from web.languages import mark
from web.local_moments import in_an_hour, moment_of, written_moment
from web.page_route import PageRoute
from web.templating import Templates
from web.visit import SignedInVisit, Visit
from workflows import overview
from workflows.alarms.planned_work import PlannedWork
from workflows.alarms.planning import (
    PLAN,
    READ,
    Plan,
    cancel_work,
    change_work,
    choices_at,
    find_work,
    finish_work,
    list_work,
    next_work,
    plan_work,
)

LONGEST_LIST = 50
PHASES = ("current", "over")
Texts = Annotated[list[str] | None, Form()]


def router(templates: Templates) -> APIRouter:
    """The routes of planned work."""
    routes = APIRouter(route_class=PageRoute, include_in_schema=False)
    _add_pages(routes, templates)
    _add_planning(routes)
    _add_ends(routes)
    return routes


def sites_with(session: Session, visit: Visit, permission: str) -> list[overview.NodeView]:
    """The sites on which the caller holds a permission, by their place in the tree."""
    held = visit.caller.sites_for(permission)
    return [site for site in overview.sites(session, visit.caller) if site.id in held]


def chosen_site(sites: Sequence[overview.NodeView], wanted: UUID | None) -> overview.NodeView:
    found = next((site for site in sites if wanted in (None, site.id)), None)
    if found is None:
        raise NotFound(worded(mark("there is no such site, or you may not see it")))
    return found


def _add_pages(routes: APIRouter, templates: Templates) -> None:
    @routes.get("/planned-work")
    def show(visit: SignedInVisit, site: UUID | None = None) -> Response:
        visit.caller.require_anywhere(READ)
        now = visit.parts.clock.now()
        with visit.parts.database.read() as session:
            sites = sites_with(session, visit, READ)
            chosen = chosen_site(sites, site)
            works = {
                phase: list_work(
                    session,
                    visit.caller,
                    Wish(LONGEST_LIST),
                    now=now,
                    when=phase,
                    site_id=chosen.id,
                ).items
                for phase in PHASES
            }
            works["upcoming"] = next_work(session, visit.caller, chosen.id, LONGEST_LIST, now=now)
        return templates.page(
            "planned_work/list.html",
            visit.at(chosen.time_zone),
            section="alarms",
            site=chosen,
            sites=sites,
            works=works,
            written=written_moment,
            may_plan=visit.may(PLAN, chosen.id),
        )

    @routes.get("/planned-work/new")
    def form(visit: SignedInVisit, site: UUID | None = None, asset: UUID | None = None) -> Response:
        visit.caller.require_anywhere(PLAN)
        with visit.parts.database.read() as session:
            sites = sites_with(session, visit, PLAN)
            if asset is not None:
                site = overview.find_asset(session, visit.caller, asset).site.id
            chosen = chosen_site(sites, site)
            assets, spaces = choices_at(session, chosen.id)
        local = visit.at(chosen.time_zone)
        return templates.page(
            "planned_work/form.html",
            local,
            section="alarms",
            site=chosen,
            sites=sites,
            assets=assets,
            spaces=spaces,
            chosen=asset,
            kinds=PLANNED_WORK,
            starts=written_moment(local.reader, in_an_hour(local.reader)),
            ends=written_moment(local.reader, in_an_hour(local.reader, 3)),
        )


def _ids(texts: Sequence[str] | None, field: str) -> list[UUID]:
    try:
        return [UUID(text) for text in texts or ()]
    except ValueError:
        raise Invalid(
            worded(mark("nothing was planned")),
            problems=[worded(mark("%(field)s: choose one"), field=field)],
        ) from None


def _back(site_id: UUID) -> Response:
    return RedirectResponse(f"/planned-work?site={site_id}", status_code=303)


def _locked(session: Session, visit: Visit, work_id: UUID) -> PlannedWork:
    row = find_work(session, visit.caller, work_id, to_change=True)
    visit.caller.require(PLAN, row.site_id)
    return row


def _add_planning(routes: APIRouter) -> None:
    @routes.post("/planned-work")
    def plan(
        visit: SignedInVisit,
        site: Annotated[UUID | None, Form()] = None,
        kind: Annotated[str, Form()] = "",
        starts: Annotated[str, Form()] = "",
        ends: Annotated[str, Form()] = "",
        reason: Annotated[str, Form()] = "",
        supplied: Annotated[str, Form()] = "",
        asset: Texts = None,
        space: Texts = None,
    ) -> Response:
        visit.caller.require_anywhere(PLAN)
        if site is None:
            raise Invalid(
                worded(mark("nothing was planned")), problems=[worded(mark("site: choose one"))]
            )
        visit.caller.require(PLAN, site)
        with visit.parts.database.write() as session:
            time_zone = session.get_one(Node, site).time_zone
            wanted = Plan(
                site_id=site,
                kind=kind,
                starts_at=moment_of(starts, "from", time_zone),
                ends_at=moment_of(ends, "until", time_zone),
                reason=reason,
                asset_ids=_ids(asset, "assets"),
                space_ids=_ids(space, "spaces"),
                with_supplied=supplied == "yes",
            )
            plan_work(session, visit.caller, wanted, now=visit.parts.clock.now())
        return _back(site)


def _add_ends(routes: APIRouter) -> None:
    @routes.post("/planned-work/{work_id}/change")
    def change(
        work_id: UUID,
        visit: SignedInVisit,
        ends: Annotated[str, Form()] = "",
        reason: Annotated[str, Form()] = "",
        version: Annotated[int | None, Form()] = None,
    ) -> Response:
        with visit.parts.database.write() as session:
            row = _locked(session, visit, work_id)
            time_zone = session.get_one(Node, row.site_id).time_zone
            change_work(
                session,
                visit.caller,
                row,
                now=visit.parts.clock.now(),
                ends_at=moment_of(ends, "until", time_zone),
                reason=reason,
                expected_version=version,
            )
            site_id = row.site_id
        return _back(site_id)

    @routes.post("/planned-work/{work_id}/finish")
    def finish(work_id: UUID, visit: SignedInVisit) -> Response:
        with visit.parts.database.write() as session:
            row = _locked(session, visit, work_id)
            finish_work(session, visit.caller, row, now=visit.parts.clock.now())
            site_id = row.site_id
        return _back(site_id)

    @routes.post("/planned-work/{work_id}/cancel")
    def cancel(work_id: UUID, visit: SignedInVisit) -> Response:
        with visit.parts.database.write() as session:
            row = _locked(session, visit, work_id)
            cancel_work(session, visit.caller, row, now=visit.parts.clock.now())
            site_id = row.site_id
        return _back(site_id)
