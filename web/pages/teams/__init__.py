"""Teams of a site: who is on duty, the roster as a picture, how tickets find their person."""

from datetime import date
from uuid import UUID

from fastapi import APIRouter, Response

from web.page_route import PageRoute
from web.pages.teams.changing import add_changes
from web.pages.teams.showing import READ, chosen_site, team_page
from web.templating import Templates
from web.visit import SignedInVisit

__all__ = ["chosen_site", "router"]


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
        local, context = team_page(visit, site, team[:40], day)
        return templates.page("teams.html", local, section="teams", **context)

    add_changes(routes)
    return routes
