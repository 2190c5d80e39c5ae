"""How devices are: one with its pictures, and the batteries that are to be changed."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Response

from core.devices import Device
from core.errors import NotFound
from core.local_time import zone
from core.paging import Wish
from core.people import find_node, nodes_with
from core.places import Asset, Node
from core.register import find
from rules.wording import worded
from web.health_pictures import battery_trend, hour_bars
from web.kept import chosen_node
from web.languages import mark
from web.page_route import PageRoute
from web.templating import Templates
from web.visit import SignedInVisit, Visit
from workflows.maintenance.device_health import describe_health, heard, watched
from workflows.maintenance.rounds_told import (
    BatteryFilter,
    Which,
    cells_due,
    list_batteries,
    open_rounds,
    place_of,
)

SECTION = "batteries"
READ = "devices.read"
_PAGE = 50


def _one(visit: Visit, device_id: UUID) -> tuple[Visit, dict[str, Any]]:
    with visit.parts.database.read() as session:
        device = find(session, visit.caller, Device, device_id)
        site = session.get_one(Node, device.site_id)
        known = watched(session, device)
        asset = session.get(Asset, device.asset_id) if device.asset_id else None
    local = visit.at(site.time_zone)
    found = heard(visit.parts.telemetry, known, now=local.reader.now)
    health = describe_health(known, found)
    battery = health["battery"]
    return local, {
        "device": device,
        "asset_name": asset.name if asset else None,
        "site": site,
        "health": health,
        "ticket": known.ticket,
        "hours": hour_bars(health["hours"], local.reader) if found else None,
        "trend": battery_trend(battery) if battery else None,
    }


def _batteries(
    visit: Visit, wanted: UUID | None, which: Which | None, after: UUID | None
) -> tuple[Visit, dict[str, Any]]:
    with visit.parts.database.read() as session:
        sites = [node for node in nodes_with(session, visit.caller, READ) if node.kind == "site"]
        if not sites:
            raise NotFound(
                worded(mark("there is no site with devices")),
                advice=worded(mark("Ask who administers rights.")),
            )
        site = find_node(session, visit.caller, READ, chosen_node(sites, wanted))
        month = visit.reader.now.astimezone(zone(site.time_zone)).date().replace(day=1)
        asked = BatteryFilter(month, site.id, which)
        begun = place_of(session, after) if after else None
        page = list_batteries(session, visit.caller, asked, Wish(_PAGE, begun))
        may_follow = visit.may("tickets.read", site.id)
        context = {
            "cells": cells_due(session, visit.caller, asked),
            "rounds": open_rounds(session, site.id) if may_follow else (),
        }
    return visit.at(site.time_zone), {
        **context,
        "sites": sites,
        "site": site,
        "which": which,
        "found": page.items,
        "more": page.next[-1] if page.next else None,
        "may_follow": may_follow,
    }


def router(templates: Templates) -> APIRouter:
    """The routes of devices' health."""
    routes = APIRouter(route_class=PageRoute, include_in_schema=False)

    @routes.get("/batteries")
    def batteries(
        visit: SignedInVisit,
        site: UUID | None = None,
        which: Which | None = None,
        after: UUID | None = None,
    ) -> Response:
        visit.caller.require_anywhere(READ)
        local, context = _batteries(visit, site, which, after)
        return templates.page("devices/batteries.html", local, section=SECTION, **context)

    @routes.get("/devices/{device_id}")
    def one(device_id: UUID, visit: SignedInVisit) -> Response:
        local, context = _one(visit, device_id)
        return templates.page("devices/health.html", local, section=SECTION, **context)

    return routes
