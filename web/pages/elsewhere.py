"""The page for addresses that lead nowhere."""

from fastapi import APIRouter, Request, Response
from starlette.exceptions import HTTPException

from core.errors import NotFound
from rules.wording import worded
from web.languages import mark
from web.page_route import PageRoute


def router() -> APIRouter:
    """A route for every address that no other route knows."""
    routes = APIRouter(route_class=PageRoute, include_in_schema=False)

    @routes.get("/{path:path}")
    def nowhere(path: str, request: Request) -> Response:
        if path.startswith(("api/", "static/")) or "text/html" not in request.headers.get(
            "accept", ""
        ):
            # Programs get their answer in their own form.
            raise HTTPException(404)
        raise NotFound(
            worded(mark("there is no such page")), advice=worded(mark("Start from the live page."))
        )

    return routes
