"""The search page: one box for everything."""

from typing import Any

from fastapi import APIRouter, Response

from core.db import Session
from core.errors import Invalid
from core.households import READ
from rules.wording import worded
from web.languages import mark
from web.page_route import PageRoute
from web.pages.patrol.rounds import told
from web.templating import Templates
from web.visit import SignedInVisit, Visit
from workflows import overview
from workflows.patrol import rounds
from workflows.search import EACH, find_households, fitting, search

LONGEST = 100


def router(templates: Templates) -> APIRouter:
    """The routes of the search."""
    routes = APIRouter(route_class=PageRoute, include_in_schema=False)

    @routes.get("/search")
    def show(visit: SignedInVisit, q: str = "") -> Response:
        text = q.strip()
        if len(text) > LONGEST:
            raise Invalid(
                worded(mark("that is too long to look for")),
                problems=[worded(mark("q: at most 100 characters"))],
            )
        with visit.parts.database.read() as session:
            index, now = visit.parts.places, visit.parts.clock.now()
            found = search(session, index, visit.caller, text)
            warming = index.residents.warming and bool(visit.caller.sites_for(READ))
            homes = find_households(session, index, visit.caller, text, now=now)
            ways = _ways(session, visit, text)
        # One ticket number, one ticket: who types it wants to read it.
        return templates.page(
            "search.html",
            visit,
            section="search",
            text=text,
            found=found,
            homes=homes,
            ways=ways,
            warming=warming,
        )

    return routes


def _ways(session: Session, visit: Visit, text: str) -> list[dict[str, Any]]:
    """Routes that fit, each with its site and its rounds by the clocks there."""
    now = visit.parts.clock.now()
    found = rounds.find_routes(session, visit.caller, fitting(text), now=now, limit=EACH)
    sites = {site.id: site for site in overview.sites(session, visit.caller)} if found else {}
    shown = []
    for way in found:
        site = sites.get(way["site_id"])
        if site is None:
            continue
        local = visit.at(site.time_zone).reader
        rows = [told(row, now) for row in way["rounds"]]
        shown.append({**way, "rounds": rows, "site": site.name, "local": local})
    return shown
