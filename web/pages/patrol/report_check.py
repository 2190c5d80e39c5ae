"""Whether a report is genuine: for anybody who holds one, by its digest; no account is needed."""

from datetime import timedelta

from fastapi import APIRouter, Request, Response

from api.deps import parts_of
from core.errors import Invalid
from core.limits import Limit
from web.guests import address_of, guest_page, limit
from web.page_route import GuestRoute
from web.templating import Templates
from workflows.patrol.frozen import reading

HOUR = timedelta(hours=1)
CHECKED = 120


def router(templates: Templates) -> APIRouter:
    """The page where reports are checked."""
    routes = APIRouter(route_class=GuestRoute, include_in_schema=False)

    @routes.get("/check-report")
    def check(request: Request, digest: str = "") -> Response:
        found, state = None, "ask"
        if digest.strip():
            limit(request, Limit("check-report", (address_of(request),), CHECKED, HOUR))
            try:
                with parts_of(request).database.read() as session:
                    found = reading.check_digest(session, digest)
                state = "genuine" if found else "unknown"
            except Invalid:
                state = "no digest"
        return guest_page(
            templates,
            request,
            "public/check_report.html",
            found=found,
            state=state,
            digest=digest.strip()[:200],
        )

    return routes
