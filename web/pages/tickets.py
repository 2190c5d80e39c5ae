"""One ticket: why it exists, what happened since, and what can be done now."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Response
from fastapi.responses import JSONResponse, RedirectResponse

from core.clock import from_micros
from core.db import Session
from core.errors import Invalid
from core.local_time import resolve, zone
from rules.wording import worded
from web.charts import ticket_chart
from web.languages import mark
from web.page_route import PageRoute
from web.pages.ticket_shown import describe
from web.templating import Templates
from web.undo_bar import undo_bar
from web.visit import SignedInVisit, Visit
from workflows import overview, tickets
from workflows.alarms import accept_ticket
from workflows.tickets.bulk import UNDOABLE
from workflows.tickets.reading import find_ticket, lock_to_merge
from workflows.tickets.rights import LONG_HOLD, RIGHT_OF_ACTION
from workflows.tickets.scope import holds, require
from workflows.tickets.undoing import act_undoably

NO_STEP = worded(mark("there is no such action"))


def _moment(written: str, zone_name: str) -> datetime | None:
    """A moment that a form gives by the site's clocks."""
    if not written:
        return None
    try:
        local = datetime.fromisoformat(written)
    except ValueError:
        raise Invalid(
            worded(mark("nothing was changed")), problems=[worded(mark("until: a date and a time"))]
        ) from None
    return from_micros(resolve(local.replace(tzinfo=None), zone(zone_name)))


def _number(written: str) -> int:
    digits = written.strip().removeprefix("#")
    if not digits.isascii() or not digits.isdecimal() or len(digits) > 9:
        raise Invalid(
            worded(mark("that is no ticket number")),
            problems=[worded(mark("into: a number such as 42"))],
        )
    return int(digits)


@dataclass(frozen=True, slots=True)
class StepForm:
    """What the form of an action carries. verdict: such as real, or false:cooking."""

    note: Annotated[str, Form()] = ""
    team: Annotated[str, Form()] = ""
    into: Annotated[str, Form()] = ""
    assignee: Annotated[str, Form()] = ""
    verdict: Annotated[str, Form()] = ""
    until: Annotated[str, Form()] = ""
    public: Annotated[str, Form()] = ""


def _step(
    action: str, form: StepForm, into: UUID | None, until: datetime | None, *, long: bool
) -> tickets.Step:
    """The step that a form asks for."""
    try:
        person = UUID(form.assignee) if form.assignee else None
    except ValueError:
        raise Invalid(
            worded(mark("nothing was changed")), problems=[worded(mark("person: choose one"))]
        ) from None
    what, _, cause = form.verdict.partition(":")
    return tickets.Step(
        action,
        form.note,
        person,
        form.team or None,
        into,
        what or None,
        cause or None,
        until,
        long,
        public=form.public == "yes",
    )


def router(templates: Templates) -> APIRouter:
    """The routes of tickets."""
    routes = APIRouter(route_class=PageRoute, include_in_schema=False)
    _add_pages(routes, templates)
    _add_actions(routes)
    return routes


def _add_pages(routes: APIRouter, templates: Templates) -> None:
    @routes.get("/tickets/{number}")
    def show(number: int, visit: SignedInVisit, done: UUID | None = None) -> Response:
        local, context = describe(visit, number)
        with visit.parts.database.read() as session:
            ticket = find_ticket(session, visit.caller, context["ticket"]["id"])
            bar = undo_bar(session, visit, ticket, done)
        return templates.page("ticket.html", local, section="tickets", undo=bar, **context)

    @routes.get("/tickets/{number}/parts/{part}")
    def part(number: int, part: str, visit: SignedInVisit) -> Response:
        if part not in ("facts", "actions", "checklist"):
            raise Invalid(worded(mark("there is no such part of the page")))
        local, context = describe(visit, number)
        return templates.page(f"ticket/{part}.html", local, **context)

    @routes.get("/tickets/{number}/chart")
    def chart(number: int, visit: SignedInVisit) -> Response:
        local, context = describe(visit, number)
        return JSONResponse(ticket_chart(local, context["ticket"], context["asset"]))


def _add_actions(routes: APIRouter) -> None:
    @routes.post("/tickets/{number}/{action}")
    def act(
        number: int,
        action: str,
        visit: SignedInVisit,
        version: Annotated[int, Form()],
        form: Annotated[StepForm, Depends()],
    ) -> Response:
        if action not in RIGHT_OF_ACTION:
            raise Invalid(NO_STEP)
        with visit.parts.database.write() as session:
            found = overview.find_ticket_number(session, visit.caller, number)
            require(visit.caller, RIGHT_OF_ACTION[action], found.thing)
            target = None
            if action == "merge":
                other = overview.find_ticket_number(session, visit.caller, _number(form.into))
                target = other.thing.id
                lock_to_merge(session, visit.caller, found.thing.id, target)
            ticket = find_ticket(session, visit.caller, found.thing.id, to_change=True)
            step = _step(
                action,
                form,
                target,
                _moment(form.until, found.site.time_zone),
                long=holds(visit.caller, LONG_HOLD, found.thing),
            )
            done = _do(session, visit, ticket, step, version)
        return RedirectResponse(f"/tickets/{number}{done}", status_code=303)


def _do(
    session: Session, visit: Visit, ticket: tickets.Ticket, step: tickets.Step, version: int
) -> str:
    """Take the step; the query that lets the page offer to undo it, where that can be."""
    now = visit.parts.clock.now()
    if step.action not in UNDOABLE:
        person = visit.caller.person_id
        accept_ticket(session, ticket, step, person=person, now=now, expected_version=version)
        return ""
    batch = act_undoably(
        session,
        visit.caller,
        ticket,
        step,
        doing=accept_ticket,
        now=now,
        expected_version=version,
    )
    return f"?done={batch.id}"
