"""The address that tags and printed codes hold: a page for anybody, a button for who patrols."""

from datetime import UTC, datetime
from typing import Annotated, Any
from urllib.parse import parse_qs
from uuid import UUID

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse

from api.deps import SESSION_COOKIE, csrf_token, parts_of
from core.errors import Invalid, NotFound
from core.ids import new_id
from core.local_time import thinkable
from rules.wording import worded
from web.guests import Colleague, guest_page
from web.languages import mark
from web.page_route import GuestRoute, PageRoute
from web.templating import Templates
from web.visit import SignedInVisit
from workflows import patrol

LONGEST_QUERY = 2000
NOT_TAKEN = "nothing was recorded"


def router(templates: Templates) -> APIRouter:
    """The routes of what tags and codes lead to."""
    routes = APIRouter()
    routes.include_router(_page(templates))
    routes.include_router(_recording())
    return routes


def _page(templates: Templates) -> APIRouter:
    routes = APIRouter(route_class=GuestRoute, include_in_schema=False)

    @routes.get("/t")
    def show(request: Request, colleague: Colleague) -> Response:
        # Nothing is looked up: who fetches this, a chat app for one, learns and changes nothing.
        may_scan = colleague is not None and colleague.holds_anywhere(patrol.SCAN)
        query = request.scope["query_string"].decode("latin-1")[:LONGEST_QUERY]
        own = csrf_token(request.cookies.get(SESSION_COOKIE, "")) if may_scan else ""
        return guest_page(
            templates,
            request,
            "patrol/tap.html",
            signed_in=colleague is not None,
            own_csrf=own,
            query=query,
            scan_id=new_id(),
            tapped_at=parts_of(request).clock.now(),
        )

    return routes


def _recording() -> APIRouter:
    routes = APIRouter(route_class=PageRoute, include_in_schema=False)

    @routes.post("/t")
    def record(
        visit: SignedInVisit,
        query: Annotated[str, Form(max_length=LONGEST_QUERY)] = "",
        scan: Annotated[str, Form()] = "",
        tapped: Annotated[str, Form()] = "",
    ) -> Response:
        visit.caller.require_anywhere(patrol.SCAN)
        presented = _presented(query, _about(scan, tapped, visit.caller.person_id))
        with visit.parts.database.write() as session:
            row = patrol.present(
                session, presented, vault=visit.parts.vault, now=visit.parts.clock.now()
            )
            if row.site_id not in visit.caller.sites_for(patrol.SCAN):
                # Raised within the transaction, which takes back what it used up.
                raise NotFound(
                    worded(mark("nobody knows where this is")),
                    advice=worded(mark("Scan it again on the spot.")),
                )
            scan_id = row.id
        # Somewhere to stay: loading that page again records nothing.
        return RedirectResponse(f"/scans/{scan_id}", status_code=303)

    return routes


def _about(scan: str, tapped: str, person_id: UUID) -> dict[str, Any]:
    """Whose scan it is, by which id, and when the tag opened the page."""
    try:
        moment = thinkable(datetime.fromisoformat(tapped))
        scan_id = UUID(scan)
    except ValueError:
        raise Invalid(
            NOT_TAKEN, problems=[worded(mark("open the page by the tag or code itself"))]
        ) from None
    if moment.tzinfo is None:
        raise Invalid(NOT_TAKEN, problems=[worded(mark("tapped: a moment with its zone"))])
    return {
        "id": scan_id,
        "occurred_at": moment.astimezone(UTC),
        "channel": "online",
        "person_id": person_id,
    }


def _presented(query: str, about: dict[str, Any]) -> patrol.Presented:
    """A printed code, or else a tap on a signed tag, whose characters must stay as they came."""
    if not query:
        raise Invalid(NOT_TAKEN, problems=[worded(mark("open the page by the tag or code itself"))])
    codes = parse_qs(query).get("q")
    if codes:
        return patrol.PrintedCode(code=codes[0], **about)
    return patrol.SignedTap(address=f"?{query}", **about)
