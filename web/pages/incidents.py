"""Incidents on the page of a ticket: taking an alarm out that does not belong to them."""

from uuid import UUID

from fastapi import APIRouter, Response
from fastapi.responses import RedirectResponse

from web.page_route import PageRoute
from web.visit import SignedInVisit
from workflows import overview
from workflows.alarms.splitting import RIGHT, split
from workflows.tickets.scope import require


def router() -> APIRouter:
    """The routes of incidents."""
    routes = APIRouter(route_class=PageRoute, include_in_schema=False)

    @routes.post("/tickets/{number}/incidents/{incident_id}/alarms/{alarm_id}/split")
    def take_out(number: int, incident_id: UUID, alarm_id: UUID, visit: SignedInVisit) -> Response:
        now = visit.parts.clock.now()
        with visit.parts.database.write() as session:
            found = overview.find_ticket_number(session, visit.caller, number)
            require(visit.caller, RIGHT, found.thing)
            own = split(session, visit.caller, incident_id, alarm_id, now=now).number
        return RedirectResponse(f"/tickets/{own}", status_code=303)

    return routes
