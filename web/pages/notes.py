"""What people say on a ticket: notes that name colleagues, with a voice note or without."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, File, Form, Response, UploadFile
from fastapi.responses import JSONResponse, RedirectResponse

from core.errors import Invalid
from rules.wording import worded
from web.languages import mark
from web.page_route import PageRoute
from web.visit import SignedInVisit
from workflows import overview
from workflows.search.colleagues import find_colleagues
from workflows.tickets.notes import Saying, say
from workflows.tickets.reading import find_ticket
from workflows.tickets.scope import require
from workflows.tickets.voices import store_voice

LONGEST_NAME = 60
LONGEST_NOTE = 20_000


def _read_form(body: str, tell: Sequence[str]) -> list[UUID]:
    """Who is to be told, by id. Invalid when the text is too long or an id is none."""
    if len(body) > LONGEST_NOTE:
        raise Invalid(
            worded(mark("the note was not written")),
            problems=[worded(mark("body: at most 20,000 characters"))],
        )
    try:
        return [UUID(each) for each in tell]
    except ValueError:
        raise Invalid(
            worded(mark("the note was not written")),
            problems=[worded(mark("mentions: choose them from the list that @ shows"))],
        ) from None


def router() -> APIRouter:
    """The routes of notes."""
    routes = APIRouter(route_class=PageRoute, include_in_schema=False)

    @routes.get("/tickets/{number}/colleagues")
    def colleagues(number: int, visit: SignedInVisit, q: str = "") -> Response:
        if len(q) > LONGEST_NAME:
            raise Invalid(
                worded(mark("nobody was looked for")),
                problems=[worded(mark("q: %(most)s characters"), most=LONGEST_NAME)],
            )
        with visit.parts.database.read() as session:
            found = overview.find_ticket_number(session, visit.caller, number)
            require(visit.caller, "tickets.work", found.thing)
            me = visit.caller.person_id
            people = find_colleagues(session, found.thing, q, besides=me)
        return JSONResponse([{"id": str(one.id), "name": one.name} for one in people])

    @routes.post("/tickets/{number}/notes")
    def note(
        number: int,
        visit: SignedInVisit,
        body: Annotated[str, Form()] = "",
        public: Annotated[str, Form()] = "",
        tell: Annotated[list[str] | None, Form()] = None,
        voice: Annotated[UploadFile | None, File()] = None,
    ) -> Response:
        caller, parts = visit.caller, visit.parts
        with parts.database.read() as session:
            found = overview.find_ticket_number(session, caller, number)
            require(caller, "tickets.work", found.thing)
        named = _read_form(body, tell or ())
        content = voice.file.read() if voice else b""
        stored = store_voice(parts.files, content) if content else None
        saying = Saying(body, named, public == "yes", stored)
        with parts.database.write() as session:
            ticket = find_ticket(session, caller, found.thing.id, to_change=True)
            say(session, ticket, saying, author=caller.person_id, now=parts.clock.now())
        return RedirectResponse(f"/tickets/{number}", status_code=303)

    return routes
