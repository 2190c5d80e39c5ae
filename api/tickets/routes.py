"""List, read, open and edit tickets, and write notes that name colleagues."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response
from fastapi.concurrency import run_in_threadpool

from api.answers import (
    JSON,
    IdempotencyKey,
    IfMatch,
    answer,
    claim,
    created,
    expected_version,
    kept,
    page_of_texts,
)
from api.deps import Asked, Permission
from api.errors import may_answer
from api.paging import Cursor, Limit, wish
from api.tickets.said import ColleagueShown
from api.tickets.shapes import (
    Kind,
    NewNote,
    NewTicket,
    Priority,
    TicketChange,
    TicketPage,
    TicketWhole,
)
from core.db import Session
from core.idempotency import keep, recall
from workflows.search.colleagues import find_colleagues
from workflows.tickets import Ticket, edit
from workflows.tickets.categories import categories_at
from workflows.tickets.notes import Saying, say
from workflows.tickets.reading import (
    TicketFilter,
    describe_ticket,
    find_ticket,
    list_tickets,
    states_named,
)
from workflows.tickets.reporting import report
from workflows.tickets.scope import require, scope_of
from workflows.tickets.templates import find_template

router = APIRouter(tags=["tickets"])
Reader = Annotated[Asked, Depends(Permission("tickets.read"))]
Worker = Annotated[Asked, Depends(Permission("tickets.work"))]
Creator = Annotated[Asked, Depends(Permission("tickets.create"))]


async def wanted_tickets(
    state: Annotated[
        str, Query(max_length=200, description="open (not ended), ended, all, or status names.")
    ] = "all",
    site: UUID | None = None,
    asset: UUID | None = None,
    rule: Annotated[str | None, Query(max_length=120)] = None,
    kind: Kind | None = None,
    priority: Priority | None = None,
    category: Annotated[str | None, Query(max_length=40)] = None,
    assignee: Annotated[UUID | None, Query(description="Whom the ticket is with.")] = None,
    q: Annotated[str | None, Query(max_length=100, description="Title, asset or number.")] = None,
) -> TicketFilter:
    """Which tickets a list is to show; async, because it never waits and needs no thread."""
    return TicketFilter(
        states_named(state), site, asset, rule, kind, priority, q, assignee, category=category
    )


@router.get("/tickets", response_model=TicketPage, summary="List tickets, newest first")
async def get_tickets(
    asked: Reader,
    wanted: Annotated[TicketFilter, Depends(wanted_tickets)],
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """Tickets of every site where you may read them."""
    # Async, because most of the answers are at hand: to send each through a thread costs more
    # than all the rest.
    wished = wish(limit, cursor, datetime, UUID)
    hot, key = asked.parts.hot, (scope_of(asked.caller), wanted, wished)

    def make() -> bytes:
        with asked.parts.database.read() as session:
            return page_of_texts(list_tickets(session, asked.caller, wanted, wished))

    body = hot.kept(key) or await run_in_threadpool(hot.body, key, make)
    return Response(body, 200, {}, JSON)


@router.post(
    "/tickets",
    response_model=TicketWhole,
    status_code=201,
    summary="Open a ticket",
    responses=may_answer(409),
)
def post_ticket(
    asked: Creator, body: NewTicket, idempotency_key: IdempotencyKey = None
) -> Response:
    """Opens a ticket that you describe; both its clocks start now."""
    asked.caller.require("tickets.create", body.site_id)
    request = claim(asked, "POST /tickets", idempotency_key, body)
    with asked.parts.database.write() as session:
        made = recall(session, request)
        if made is None:
            ticket = _open(session, asked, body)
            content = describe_ticket(session, asked.caller, ticket.id)
            made = keep(session, request, created(content, f"tickets/{ticket.id}", version=1))
    return kept(made)


def _open(session: Session, asked: Asked, body: NewTicket) -> Ticket:
    template = find_template(session, body.site_id, body.template) if body.template else None
    filled = body.filled(template, asked.caller.locale)
    if template is None:
        known = categories_at(session, body.site_id).get(body.category)
        filled = filled.begun(known)
    draft = filled.draft(asked.person, asked.now, template.title if template else None)
    checklist = template.checklist if template else ()
    return report(session, draft, actor=asked.actor, checklist=checklist)


@router.get("/tickets/{ticket_id}", response_model=TicketWhole, summary="Read a ticket whole")
def get_ticket(asked: Reader, ticket_id: UUID) -> Response:
    """With why it exists, what was written, what happened, and what you may do now."""
    with asked.parts.database.read() as session:
        content = describe_ticket(session, asked.caller, ticket_id)
    return answer(content, version=content["version"])


@router.patch(
    "/tickets/{ticket_id}",
    response_model=TicketWhole,
    summary="Change fields of a ticket",
    responses=may_answer(412, 428),
)
def patch_ticket(
    asked: Worker, ticket_id: UUID, body: TicketChange, if_match: IfMatch = None
) -> Response:
    """Needs the ETag of what you read as If-Match. The log keeps old and new."""
    version = expected_version(if_match, required=True)
    with asked.parts.database.write() as session:
        ticket = find_ticket(session, asked.caller, ticket_id, to_change=True)
        require(asked.caller, "tickets.work", ticket)
        changes = body.changes()
        edit(session, ticket, changes, person=asked.person, now=asked.now, expected_version=version)
        content = describe_ticket(session, asked.caller, ticket_id)
    return answer(content, version=content["version"])


@router.get(
    "/tickets/{ticket_id}/colleagues",
    response_model=list[ColleagueShown],
    summary="Look for a colleague to name in a note",
)
def get_colleagues(
    asked: Worker,
    ticket_id: UUID,
    q: Annotated[str, Query(max_length=60, description="The beginning of a name.")] = "",
) -> Response:
    """Those who may see the ticket and fit: Chinese in part, pinyin or its initials; at most 8."""
    with asked.parts.database.read() as session:
        ticket = find_ticket(session, asked.caller, ticket_id)
        require(asked.caller, "tickets.work", ticket)
        found = find_colleagues(session, ticket, q, besides=asked.person)
    return answer([{"id": one.id, "name": one.name} for one in found])


@router.post(
    "/tickets/{ticket_id}/notes",
    response_model=TicketWhole,
    status_code=201,
    summary="Write a note on a ticket",
    responses=may_answer(409),
)
def post_note(
    asked: Worker, ticket_id: UUID, body: NewNote, idempotency_key: IdempotencyKey = None
) -> Response:
    """Answers with the whole ticket. Who is named is told of it; see `/tickets/{id}/colleagues`."""
    request = claim(asked, f"POST /tickets/{ticket_id}/notes", idempotency_key, body)
    with asked.parts.database.write() as session:
        ticket = find_ticket(session, asked.caller, ticket_id, to_change=True)
        require(asked.caller, "tickets.work", ticket)
        made = recall(session, request)
        if made is None:
            saying = Saying(body.body, body.mentions, body.public)
            say(session, ticket, saying, author=asked.person, now=asked.now)
            content = describe_ticket(session, asked.caller, ticket_id)
            made = keep(session, request, created(content, f"tickets/{ticket_id}"))
    return kept(made)
