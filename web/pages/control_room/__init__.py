"""The control room: places, plan, live alarms and tickets on one page that makes itself heard."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Response

from core.errors import NotFound
from rules.wording import worded
from web.languages import mark
from web.page_route import PageRoute
from web.pages.control_room import actions, plans
from web.pages.control_room.panels import PANELS
from web.pages.control_room.room import ACT, Room, enter, sites_answered_for
from web.pages.live import PANELS as LIVE_PANELS
from web.templating import Templates
from web.visit import SignedInVisit


def router(templates: Templates) -> APIRouter:
    """The routes of the control room."""
    routes = APIRouter(route_class=PageRoute, include_in_schema=False)

    @routes.get("/control-room")
    def show(visit: SignedInVisit, site: str = "", space: str = "") -> Response:
        visit.caller.require_anywhere(ACT)
        sites = sites_answered_for(visit)
        if not sites:
            return templates.page("no_site.html", visit)
        chosen = next((node for node in sites if node.code == site), sites[0])
        room = enter(visit, sites, chosen, space)
        context: dict[str, Any] = LIVE_PANELS["parts"](room.visit, chosen)
        for panel in PANELS.values():
            context |= panel(room)
        return _page(templates, room, "control_room.html", **context)

    # Before the panels, which would take their addresses for one of theirs.
    plans.add_to(routes)
    actions.add_to(routes, templates)

    @routes.get("/control-room/{site_id}/{panel}")
    def part(site_id: UUID, panel: str, visit: SignedInVisit, space: str = "") -> Response:
        sites = sites_answered_for(visit)
        chosen = next((node for node in sites if node.id == site_id), None)
        if chosen is None or panel not in PANELS:
            raise NotFound(worded(mark("there is no such part of the page")))
        room = enter(visit, sites, chosen, space)
        return _page(templates, room, f"control_room/{panel}.html", **PANELS[panel](room))

    return routes


def _page(templates: Templates, room: Room, name: str, **context: Any) -> Response:
    return templates.page(
        name,
        room.visit,
        section="control-room",
        site_page="/control-room",
        wide=True,
        site=room.site,
        sites=room.sites,
        space=room.space,
        **context,
    )
