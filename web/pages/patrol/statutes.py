"""Statutes: what they ask of patrols, which plans keep them, and the way to a plan by one."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Response
from fastapi.responses import RedirectResponse

from core.db import Session
from core.paging import LARGEST_PAGE, Wish
from web.page_route import PageRoute
from web.pages.patrol.chosen import chosen_site
from web.pages.patrol.round_plans import hours_to_choose
from web.reader import Reader
from web.statute_findings import finding_told
from web.templating import Templates
from web.visit import SignedInVisit, Visit
from workflows import patrol
from workflows.patrol import rounds
from workflows.patrol.statutes import STATUTES


def router(templates: Templates) -> APIRouter:
    """The routes of statutes."""
    routes = APIRouter(route_class=PageRoute, include_in_schema=False)

    @routes.get("/patrol-statutes")
    def show(visit: SignedInVisit, site: UUID | None = None, route: UUID | None = None) -> Response:
        with visit.parts.database.read() as session:
            chosen = chosen_site(session, visit, patrol.READ, site)
            at = chosen.site
            local = visit.at(at.time_zone)
            may_write = visit.may(patrol.WRITE, at.id)
            context: dict[str, Any] = {
                "covered": covered(session, local, site_id=at.id),
                "ways": _routes(session, visit, at.id) if may_write else [],
                "hours": hours_to_choose(session, visit, at.id) if may_write else {},
            }
        return templates.page(
            "patrol/statutes.html",
            local,
            section="checkpoints",
            site=at,
            sites=chosen.sites,
            statutes=STATUTES.values(),
            route=route,
            **context,
        )

    @routes.get("/patrol-statutes/plan")
    def plan(visit: SignedInVisit, statute: str, route: UUID, hours: str = "") -> Response:
        query = urlencode({"statute": statute, "hours": hours})
        return RedirectResponse(f"/routes/{route}/plans/new?{query}", status_code=303)

    return routes


def covered(
    session: Session,
    visit: Visit,
    *,
    site_id: UUID | None = None,
    route_id: UUID | None = None,
) -> list[dict[str, Any]]:
    """Routes under statutes, with the statute itself and what is lacking in words."""
    now = visit.parts.clock.now()
    rows = rounds.coverage(session, visit.caller, now=now, site_id=site_id, route_id=route_id)
    return [{**row, **_told(visit.reader, row["statute"], row["findings"])} for row in rows]


def _told(reader: Reader, code: str, findings: Sequence[Any]) -> dict[str, Any]:
    statute = STATUTES[code]
    return {
        "of_statute": statute,
        "told": [finding_told(reader, statute, one) for one in findings],
    }


def _routes(session: Session, visit: Visit, site_id: UUID) -> list[dict[str, Any]]:
    """The routes in use of a site, to plan rounds of."""
    wish = Wish(LARGEST_PAGE)
    return list(
        rounds.list_routes(session, visit.caller, wish, site_id=site_id, state="active").items
    )
