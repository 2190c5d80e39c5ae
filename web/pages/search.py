"""The search page: one box for everything."""

from fastapi import APIRouter, Response

from core.errors import Invalid
from core.households import READ
from web.page_route import PageRoute
from web.pages.patrol.rounds import told
from web.templating import Templates
from web.visit import SignedInVisit
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
            raise Invalid("that is too long to look for", problems=["q: at most 100 characters"])
        with visit.parts.database.read() as session:
            index, now = visit.parts.places, visit.parts.clock.now()
            found = search(session, index, visit.caller, text)
            warming = index.residents.warming and bool(visit.caller.sites_for(READ))
            homes = find_households(session, index, visit.caller, text, now=now)
            fits = fitting(text)
            ways = rounds.find_routes(session, visit.caller, fits, now=now, limit=EACH)
        # One ticket number, one ticket: who types it wants to read it.
        return templates.page(
            "search.html",
            visit,
            section="search",
            text=text,
            found=found,
            homes=homes,
            ways=[{**way, "rounds": [told(row, now) for row in way["rounds"]]} for way in ways],
            warming=warming,
        )

    return routes
