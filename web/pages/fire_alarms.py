"""The steps of a fire alarm: who is sent, what they found, and one big press for FIRE."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, File, Form, Request, Response, UploadFile
from fastapi.responses import HTMLResponse, RedirectResponse

from core.db import Session
from core.errors import Invalid
from core.people import Caller
from rules.wording import worded
from web.languages import mark
from web.page_route import PageRoute, is_fragment
from web.visit import SignedInVisit, Visit
from workflows import overview
from workflows.alarms.fire import call_it_no_fire, send_to_look, take_fire_on
from workflows.tickets import Ticket, fire_watch
from workflows.tickets.fire_watch import ACT, MANAGE, WORK, Look
from workflows.tickets.photos import StoredPhoto, add_photo, store_photo
from workflows.tickets.reading import find_ticket

Step = Callable[[Session, Caller, Ticket, datetime], None]


def _done(request: Request, number: int) -> Response:
    """Back to the ticket; a control room stays where it is, and fetches what changed."""
    if not is_fragment(request):
        return RedirectResponse(f"/tickets/{number}", status_code=303)
    return HTMLResponse("", headers={"HX-Trigger": "wk:fires"})


def _take(visit: Visit, number: int, right: str, step: Step) -> None:
    with visit.parts.database.write() as session:
        found = overview.find_ticket_number(session, visit.caller, number)
        visit.caller.require(right, found.site.id)
        ticket = find_ticket(session, visit.caller, found.thing.id, to_change=True)
        step(session, visit.caller, ticket, visit.parts.clock.now())


def _stored(visit: Visit, number: int, right: str, photo: UploadFile | None) -> StoredPhoto | None:
    """The photo of a form in the file store, once its sender is known to be allowed."""
    with visit.parts.database.read() as session:
        found = overview.find_ticket_number(session, visit.caller, number)
        visit.caller.require(right, found.site.id)
    content = photo.file.read() if photo else b""
    return store_photo(visit.parts.files, content) if content else None


def _look(
    session: Session,
    caller: Caller,
    ticket: Ticket,
    stored: StoredPhoto | None,
    now: datetime,
    *,
    cause: str,
    note: str,
) -> Look:
    photo_id = None
    if stored is not None:
        photo_id = add_photo(session, ticket, stored, author=caller.person_id, now=now).id
    return Look(cause, photo_id, note)


def router() -> APIRouter:
    """The routes of fire alarms."""
    routes = APIRouter(route_class=PageRoute, include_in_schema=False)
    _add_presses(routes)
    _add_looks(routes)
    return routes


def _add_presses(routes: APIRouter) -> None:
    @routes.post("/tickets/{number}/fire-alarm/see")
    def see(
        number: int, visit: SignedInVisit, request: Request, sent: Annotated[str, Form()] = ""
    ) -> Response:
        def step(session: Session, caller: Caller, ticket: Ticket, now: datetime) -> None:
            try:
                person = UUID(sent)
            except ValueError:
                raise Invalid(
                    worded(mark("nobody was sent")),
                    problems=[worded(mark("sent_id: choose somebody"))],
                ) from None
            send_to_look(session, caller, ticket, person, now=now)

        _take(visit, number, ACT, step)
        return _done(request, number)

    @routes.post("/tickets/{number}/fire-alarm/fire")
    def press(number: int, visit: SignedInVisit, request: Request) -> Response:
        def step(session: Session, caller: Caller, ticket: Ticket, now: datetime) -> None:
            fire_watch.press_fire(session, caller, ticket, now=now)

        _take(visit, number, WORK, step)
        return _done(request, number)

    @routes.post("/tickets/{number}/fire-alarm/answer")
    def take_on(number: int, visit: SignedInVisit, request: Request) -> Response:
        def step(session: Session, caller: Caller, ticket: Ticket, now: datetime) -> None:
            take_fire_on(session, caller, ticket, now=now)

        _take(visit, number, ACT, step)
        return _done(request, number)


def _add_looks(routes: APIRouter) -> None:
    @routes.post("/tickets/{number}/fire-alarm/clear")
    def clear(
        number: int,
        visit: SignedInVisit,
        request: Request,
        photo: Annotated[UploadFile | None, File()] = None,
        cause: Annotated[str, Form()] = "",
        note: Annotated[str, Form()] = "",
    ) -> Response:
        stored = _stored(visit, number, WORK, photo)

        def step(session: Session, caller: Caller, ticket: Ticket, now: datetime) -> None:
            look = _look(session, caller, ticket, stored, now, cause=cause, note=note)
            call_it_no_fire(session, caller, ticket, look, now=now)

        _take(visit, number, WORK, step)
        return _done(request, number)

    @routes.post("/tickets/{number}/fire-alarm/stand-down")
    def stand_down(
        number: int,
        visit: SignedInVisit,
        request: Request,
        photo: Annotated[UploadFile | None, File()] = None,
        cause: Annotated[str, Form()] = "",
        note: Annotated[str, Form()] = "",
    ) -> Response:
        stored = _stored(visit, number, MANAGE, photo)

        def step(session: Session, caller: Caller, ticket: Ticket, now: datetime) -> None:
            look = _look(session, caller, ticket, stored, now, cause=cause, note=note)
            fire_watch.stand_down(session, caller, ticket, look, now=now)

        _take(visit, number, MANAGE, step)
        return _done(request, number)
