"""Links between tickets: make one by the number of the other, remove one."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form, Response
from fastapi.responses import RedirectResponse

from core.db import Session
from core.errors import Invalid
from rules.wording import worded
from web.languages import mark
from web.page_route import PageRoute
from web.visit import SignedInVisit, Visit
from workflows import overview
from workflows.tickets import Ticket
from workflows.tickets.relations import relate, unrelate
from workflows.tickets.scope import require

RIGHT = "tickets.work"


def _number(written: str) -> int:
    digits = written.strip().removeprefix("#")
    if not digits.isascii() or not digits.isdecimal() or len(digits) > 9:
        raise Invalid(
            worded(mark("that is no ticket number")),
            problems=[worded(mark("number: a number such as 42"))],
        )
    return int(digits)


def _to_change(session: Session, visit: Visit, number: int) -> Ticket:
    found = overview.find_ticket_number(session, visit.caller, number)
    require(visit.caller, RIGHT, found.thing)
    return found.thing


def router() -> APIRouter:
    """The routes of links between tickets."""
    routes = APIRouter(route_class=PageRoute, include_in_schema=False)

    @routes.post("/tickets/{number}/links")
    def add(
        number: int,
        visit: SignedInVisit,
        kind: Annotated[str, Form()] = "",
        other: Annotated[str, Form()] = "",
    ) -> Response:
        with visit.parts.database.write() as session:
            ticket = _to_change(session, visit, number)
            end = overview.find_ticket_number(session, visit.caller, _number(other)).thing
            person, now = visit.caller.person_id, visit.parts.clock.now()
            relate(session, ticket, kind, end, person=person, now=now)
        return RedirectResponse(f"/tickets/{number}", status_code=303)

    @routes.post("/tickets/{number}/links/{link_id}/remove")
    def remove(number: int, link_id: UUID, visit: SignedInVisit) -> Response:
        with visit.parts.database.write() as session:
            ticket = _to_change(session, visit, number)
            unrelate(session, visit.caller, ticket, link_id, now=visit.parts.clock.now())
        return RedirectResponse(f"/tickets/{number}", status_code=303)

    return routes
