"""Return visits on the page of a ticket: what was asked, and the form of who may ask."""

from collections.abc import Collection, Mapping, Sequence
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Form, Response
from fastapi.responses import RedirectResponse

from core.errors import Invalid
from rules.wording import worded
from web.languages import mark
from web.page_route import PageRoute
from web.visit import SignedInVisit, Visit
from workflows import customers, overview
from workflows.customers import RETURN_VISITS, WAYS, AskedReporter
from workflows.tickets.reading import find_ticket

DONE = ("resolved", "verified", "closed")


def visits_shown(
    visit: Visit,
    ticket: Mapping[str, Any],
    visits: Sequence[Mapping[str, Any]],
    *,
    reported: bool,
    doers: Collection[UUID],
) -> dict[str, Any]:
    """The return visits of a ticket, and whether the reader may make one now.

    own_work: they may not for the one reason that they had a hand in the work.
    """
    due = reported and ticket["state"] in DONE and visit.may(RETURN_VISITS, ticket["site_id"])
    own = visit.caller.person_id in doers
    return {
        "visits": visits,
        "visit_ways": WAYS,
        "may_ask": due and not own,
        "own_work": due and own,
    }


def router() -> APIRouter:
    """The route of return visits."""
    routes = APIRouter(route_class=PageRoute, include_in_schema=False)

    @routes.post("/tickets/{number}/return-visits")
    def ask(
        number: int,
        visit: SignedInVisit,
        way: Annotated[str, Form()] = "",
        satisfied: Annotated[str, Form()] = "",
        rating: Annotated[str, Form()] = "",
        words: Annotated[str, Form()] = "",
    ) -> Response:
        with visit.parts.database.write() as session:
            found = overview.find_ticket_number(session, visit.caller, number)
            visit.caller.require(RETURN_VISITS, found.site.id)
            ticket = find_ticket(session, visit.caller, found.thing.id, to_change=True)
            if satisfied not in ("yes", "no") or rating not in ("1", "2", "3", "4", "5"):
                raise Invalid(
                    worded(mark("the return visit was not written down")),
                    problems=[worded(mark("satisfied: yes or no")), worded(mark("rating: 1 to 5"))],
                )
            asked = AskedReporter(way, satisfied == "yes", int(rating), words)
            now = visit.parts.clock.now()
            customers.record_return_visit(session, visit.caller, ticket, asked, now=now)
        return RedirectResponse(f"/tickets/{number}", status_code=303)

    return routes
