"""Signing that the work is done, on the phone of who did it."""

from base64 import b64decode
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form, Response
from fastapi.responses import RedirectResponse

from core.errors import Invalid
from rules.wording import worded
from web.languages import mark
from web.page_route import PageRoute
from web.templating import Templates
from web.visit import SignedInVisit
from workflows import overview
from workflows.tickets.checklist import list_items
from workflows.tickets.reading import find_ticket
from workflows.tickets.scope import require
from workflows.tickets.signatures import find_signature, sign, store_drawing

RIGHT = "tickets.work"
# It never changes under its address; who may see it can, so only the reader's browser keeps it.
KEPT = {"Cache-Control": "private, max-age=3600"}
PNG = "data:image/png;base64,"


def drawing_of(address: str) -> bytes:
    """The picture that a canvas gives. Invalid when nothing was drawn or it is something else."""
    try:
        if not address.startswith(PNG):
            raise ValueError
        return b64decode(address.removeprefix(PNG), validate=True)
    except ValueError:
        raise Invalid(
            worded(mark("the signature was not kept")),
            problems=[worded(mark("signature: sign in the field"))],
        ) from None


def router(templates: Templates) -> APIRouter:
    """The routes of signatures."""
    routes = APIRouter(route_class=PageRoute, include_in_schema=False)

    @routes.get("/tickets/{number}/sign")
    def show(number: int, visit: SignedInVisit) -> Response:
        with visit.parts.database.read() as session:
            found = overview.find_ticket_number(session, visit.caller, number)
            require(visit.caller, RIGHT, found.thing)
            items = list_items(session, found.thing.id)
        done = [item for item in items if item["answer"] is not None]
        local = visit.at(found.site.time_zone)
        return templates.page(
            "ticket/sign.html",
            local,
            section="tickets",
            ticket=found.thing,
            site=found.site,
            done=len(done),
            asked=len(items),
        )

    @routes.post("/tickets/{number}/sign")
    def keep(
        number: int,
        visit: SignedInVisit,
        name: Annotated[str, Form()] = "",
        signature: Annotated[str, Form()] = "",
    ) -> Response:
        caller, parts = visit.caller, visit.parts
        with parts.database.read() as session:
            found = overview.find_ticket_number(session, caller, number)
            require(caller, RIGHT, found.thing)
        drawing = store_drawing(parts.files, drawing_of(signature))
        with parts.database.write() as session:
            ticket = find_ticket(session, caller, found.thing.id, to_change=True)
            now = parts.clock.now()
            sign(session, ticket, drawing, name, shown_by=caller.person_id, now=now)
        return RedirectResponse(f"/tickets/{number}#signatures", status_code=303)

    @routes.get("/signatures/{signature_id}")
    def picture(signature_id: UUID, visit: SignedInVisit) -> Response:
        with visit.parts.database.read() as session:
            found = find_signature(session, visit.caller, signature_id)
        content = visit.parts.files.get(found.picture)
        return Response(content, media_type="image/png", headers=dict(KEPT))

    return routes
