"""The work on a ticket: labour, parts and cost, and what was found."""

from decimal import Decimal, InvalidOperation
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Form, Response
from fastapi.responses import RedirectResponse

from core.db import Session
from core.errors import Invalid
from rules.wording import worded
from web.languages import mark
from web.page_route import PageRoute
from web.pages.claims import number_in
from web.reader import Reader
from web.visit import SignedInVisit, Visit
from workflows import overview
from workflows.tickets import Ticket
from workflows.tickets.reading import find_ticket
from workflows.tickets.scope import require
from workflows.tickets.work import (
    Findings,
    NewWork,
    add_work,
    lists_for,
    record_findings,
    remove_work,
    totals,
)

RIGHT = "tickets.work"


def _number(text: str, field: str) -> Decimal | None:
    try:
        return number_in(text)
    except InvalidOperation:
        problems = [worded(mark("%(field)s: a number"), field=field)]
        raise Invalid(worded(mark("the work was not written down")), problems=problems) from None


def work_shown(ticket: dict[str, Any], asset_type: str | None, reader: Reader) -> dict[str, Any]:
    """The lists and totals that the page of a ticket shows."""
    lists = lists_for(asset_type)
    minutes, cost = totals(ticket["work"])
    chosen = dict(zip(lists, ("fault_code", "cause_code", "remedy_code"), strict=True))
    return {
        "findings": {
            name: [(code, reader.text(names)) for code, names in codes.items()]
            for name, codes in lists.items()
        },
        "found": {name: ticket[column] for name, column in chosen.items()},
        "found_names": {
            name: reader.text(lists[name].get(ticket[column] or "", {}))
            for name, column in chosen.items()
            if ticket[column]
        },
        "minutes": minutes,
        "cost": cost,
    }


def _to_change(session: Session, visit: Visit, number: int) -> Ticket:
    found = overview.find_ticket_number(session, visit.caller, number)
    require(visit.caller, RIGHT, found.thing)
    return find_ticket(session, visit.caller, found.thing.id, to_change=True)


def router() -> APIRouter:
    """The routes of the work on tickets."""
    routes = APIRouter(route_class=PageRoute, include_in_schema=False)

    @routes.post("/tickets/{number}/work")
    def add(
        number: int,
        visit: SignedInVisit,
        kind: Annotated[str, Form()] = "",
        what: Annotated[str, Form()] = "",
        amount: Annotated[str, Form()] = "",
        cost: Annotated[str, Form()] = "",
    ) -> Response:
        with visit.parts.database.write() as session:
            ticket = _to_change(session, visit, number)
            quantity = _number(amount, "how much")
            labour = kind == "labour"
            line = NewWork(
                kind,
                what,
                round(quantity) if labour and quantity is not None else None,
                None if labour else quantity,
                _number(cost, "cost"),
            )
            person, now = visit.caller.person_id, visit.parts.clock.now()
            add_work(session, ticket, line, person=person, now=now)
        return RedirectResponse(f"/tickets/{number}", status_code=303)

    @routes.post("/tickets/{number}/work/{line_id}/remove")
    def remove(number: int, line_id: UUID, visit: SignedInVisit) -> Response:
        with visit.parts.database.write() as session:
            ticket = _to_change(session, visit, number)
            person, now = visit.caller.person_id, visit.parts.clock.now()
            remove_work(session, ticket, line_id, person=person, now=now)
        return RedirectResponse(f"/tickets/{number}", status_code=303)

    @routes.post("/tickets/{number}/findings")
    def findings(
        number: int,
        visit: SignedInVisit,
        faults: Annotated[str, Form()] = "",
        causes: Annotated[str, Form()] = "",
        remedies: Annotated[str, Form()] = "",
    ) -> Response:
        with visit.parts.database.write() as session:
            ticket = _to_change(session, visit, number)
            found = Findings(faults or None, causes or None, remedies or None)
            person, now = visit.caller.person_id, visit.parts.clock.now()
            record_findings(session, ticket, found, person=person, now=now)
        return RedirectResponse(f"/tickets/{number}", status_code=303)

    return routes
