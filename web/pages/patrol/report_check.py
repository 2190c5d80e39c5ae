"""Reports without an account: whether one is genuine, and those that a client was sent."""

from datetime import timedelta

from fastapi import APIRouter, Request, Response

from api.deps import parts_of
from core.errors import Invalid
from core.limits import Limit
from web.guests import address_of, guest_page, limit
from web.page_route import GuestRoute
from web.templating import Templates
from workflows.patrol.frozen import reading, sending

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

    # Links are fetched by mail servers before people open them: looking changes nothing.
    @routes.get("/r/{secret}")
    def read(request: Request, secret: str) -> Response:
        limit(request, Limit("report-link", (address_of(request),), CHECKED, HOUR))
        parts = parts_of(request)
        with parts.database.read() as session:
            report, edition = sending.edition_behind(session, secret, now=parts.clock.now())
        return guest_page(
            templates,
            request,
            "public/report.html",
            report=report,
            digest=edition.digest,
            names=sorted(edition.files),
            secret=secret,
        )

    @routes.get("/r/{secret}/{form}/{language}")
    def take_along(request: Request, secret: str, form: str, language: str) -> Response:
        limit(request, Limit("report-link", (address_of(request),), CHECKED, HOUR))
        parts = parts_of(request)
        with parts.database.read() as session:
            report, edition = sending.edition_behind(session, secret, now=parts.clock.now())
            file = reading.file_of(report, edition, form, language)
        headers = {
            "Content-Disposition": f'attachment; filename="{file.name}"',
            "Cache-Control": "private, no-store",
        }
        return Response(parts.files.get(file.key), media_type=file.media_type, headers=headers)

    return routes
