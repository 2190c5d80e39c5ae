"""One asset: its points with their last day, its alarms and tickets."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse

from core.errors import NotFound
from core.paging import Wish
from core.register import RegisterFilter, list_devices
from rules.catalog import shipped_catalog
from rules.wording import worded
from web.charts import day_chart
from web.languages import mark
from web.naming import type_name
from web.page_route import PageRoute
from web.pages.live import measure, shown_points
from web.templating import Templates
from web.visit import SignedInVisit, Visit
from workflows import alarms, overview, patrol
from workflows.alarms.withheld_now import WithheldFilter, list_withheld

# Of equipment with more, a panel, the rest is found among the batteries.
MOST_DEVICES = 5
PARTS = ("points", "alarms", "tickets")


def _describe(visit: Visit, asset_id: UUID) -> tuple[Visit, dict[str, Any]]:
    caller = visit.caller
    with visit.parts.database.read() as session:
        found = overview.find_asset(session, caller, asset_id)
        standing = alarms.open_alarms(session, caller, asset_id=asset_id)
        tickets = overview.open_tickets(session, caller, asset_id=asset_id)
        wanted = WithheldFilter(asset_id=asset_id)
        held = list_withheld(session, caller, wanted, Wish()).items
        of_asset = RegisterFilter(asset_id=asset_id, state="active")
        devices = list_devices(session, caller, of_asset, Wish(MOST_DEVICES)).items
    asset = found.thing
    local = visit.at(found.site.time_zone)
    measured = measure(local, asset.site_id)
    return local, {
        "asset": asset,
        "type": type_name(shipped_catalog(), asset.type, local.reader),
        "site": found.site,
        "space": found.space,
        "points": shown_points(asset.id, asset.type, measured, local.reader),
        "measured": measured.known,
        "alarms": standing,
        "held": held,
        "tickets": tickets,
        "devices": devices,
        "checkpoint": asset.type == patrol.ASSET_TYPE and visit.may(patrol.READ, asset.site_id),
        "may_act": visit.may("alarms.act", asset.site_id),
    }


def router(templates: Templates) -> APIRouter:
    """The routes of assets."""
    routes = APIRouter(route_class=PageRoute, include_in_schema=False)

    @routes.get("/assets/{asset_id}")
    def show(asset_id: UUID, visit: SignedInVisit) -> Response:
        local, context = _describe(visit, asset_id)
        return templates.page("asset.html", local, **context)

    @routes.get("/assets/{asset_id}/chart")
    def chart(asset_id: UUID, visit: SignedInVisit) -> Response:
        local, context = _describe(visit, asset_id)
        shown = [(point.view, point.name) for point in context["points"]]
        telemetry = visit.parts.telemetry
        return JSONResponse({"series": day_chart(telemetry, shown, local.reader), "marks": []})

    @routes.get("/assets/{asset_id}/parts/{part}")
    def part(asset_id: UUID, part: str, visit: SignedInVisit) -> Response:
        if part not in PARTS:
            raise NotFound(worded(mark("there is no such part of the page")))
        local, context = _describe(visit, asset_id)
        folder = "asset" if part == "points" else "live"
        return templates.page(f"{folder}/{part}.html", local, **context)

    return routes
