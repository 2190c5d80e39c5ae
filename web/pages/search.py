"""The search page: one box for everything."""

from fastapi import APIRouter, Response

from core.errors import Invalid
from web.page_route import PageRoute
from web.templating import Templates
from web.visit import SignedInVisit
from workflows.search import search

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
            found = search(session, visit.parts.places, visit.caller, text)
        # One ticket number, one ticket: who types it wants to read it.
        return templates.page("search.html", visit, section="search", text=text, found=found)

    return routes
