"""Another priority for one ticket, with a way back."""

from typing import Annotated

from fastapi import APIRouter, Form
from fastapi.responses import RedirectResponse

from web.page_route import PageRoute
from web.visit import SignedInVisit
from workflows import overview
from workflows.tickets.bulk import RIGHT_OF
from workflows.tickets.reading import find_ticket
from workflows.tickets.scope import require
from workflows.tickets.undoing import edit_priority_undoably


def router() -> APIRouter:
    """The route of the priority of a ticket."""
    routes = APIRouter(route_class=PageRoute, include_in_schema=False)

    @routes.post("/tickets/{number}/priority")
    def change(
        number: int,
        visit: SignedInVisit,
        version: Annotated[int, Form()],
        to_priority: Annotated[str, Form()] = "",
    ) -> RedirectResponse:
        with visit.parts.database.write() as session:
            found = overview.find_ticket_number(session, visit.caller, number)
            require(visit.caller, RIGHT_OF["priority"], found.thing)
            ticket = find_ticket(session, visit.caller, found.thing.id, to_change=True)
            batch = edit_priority_undoably(
                session,
                visit.caller,
                ticket,
                to_priority,
                now=visit.parts.clock.now(),
                expected_version=version,
            )
        return RedirectResponse(f"/tickets/{number}?done={batch.id}", 303)

    return routes
