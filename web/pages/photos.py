"""Photos of tickets: put them on, see the small copies, see the originals."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, File, Response, UploadFile
from fastapi.responses import RedirectResponse

from core.errors import Invalid
from rules.wording import worded
from web.languages import mark
from web.page_route import PageRoute
from web.visit import SignedInVisit
from workflows import overview
from workflows.tickets.photos import add_photo, find_original, find_photo, store_photo
from workflows.tickets.reading import find_ticket
from workflows.tickets.scope import require

# It never changes under its address; who may see it can, so only the reader's browser keeps it.
KEPT = {"Cache-Control": "private, max-age=3600"}


def router() -> APIRouter:
    """The routes of photos."""
    routes = APIRouter(route_class=PageRoute, include_in_schema=False)

    @routes.get("/photos/{photo_id}")
    def photo(photo_id: UUID, visit: SignedInVisit) -> Response:
        with visit.parts.database.read() as session:
            found = find_photo(session, visit.caller, photo_id)
        content = visit.parts.files.get(found.copy)
        return Response(content, media_type="image/jpeg", headers=dict(KEPT))

    @routes.get("/photos/{photo_id}/original")
    def original(photo_id: UUID, visit: SignedInVisit) -> Response:
        with visit.parts.database.read() as session:
            found = find_original(session, visit.caller, photo_id)
        content = visit.parts.files.get(found.original)
        return Response(content, media_type=found.media_type, headers=dict(KEPT))

    @routes.post("/tickets/{number}/photos")
    def photograph(
        number: int, visit: SignedInVisit, photo: Annotated[list[UploadFile] | None, File()] = None
    ) -> Response:
        caller, parts = visit.caller, visit.parts
        with parts.database.read() as session:
            found = overview.find_ticket_number(session, caller, number)
            require(caller, "tickets.work", found.thing)
        files = [content for one in photo or () if (content := one.file.read())]
        if not files:
            raise Invalid(
                worded(mark("nothing was added")),
                problems=[worded(mark("photo: choose a picture"))],
            )
        taken = [store_photo(parts.files, content) for content in files]
        with parts.database.write() as session:
            ticket = find_ticket(session, caller, found.thing.id, to_change=True)
            for each in taken:
                add_photo(session, ticket, each, author=caller.person_id, now=parts.clock.now())
        return RedirectResponse(f"/tickets/{number}", status_code=303)

    return routes
