"""The work on tickets: labour, parts and cost, and what was found."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response

from api.answers import answer
from api.deps import Asked, Permission
from api.errors import may_answer
from api.tickets.shapes import FindingLists, FindingsBody, NewWorkBody, TicketWhole
from workflows.tickets.reading import describe_ticket, find_ticket
from workflows.tickets.scope import require
from workflows.tickets.work import add_work, lists_for, record_findings, remove_work

router = APIRouter(tags=["tickets"])
RIGHT = "tickets.work"
Worker = Annotated[Asked, Depends(Permission(RIGHT))]
Reader = Annotated[Asked, Depends(Permission("tickets.read"))]


@router.get("/finding-lists", response_model=FindingLists)
def get_finding_lists(
    asked: Reader, asset_type: Annotated[str | None, Query(max_length=60)] = None
) -> Response:
    """What may have been found, have caused it and mend it, of an asset type or in general."""
    del asked
    return answer({name: dict(codes) for name, codes in lists_for(asset_type).items()})


@router.post(
    "/tickets/{ticket_id}/work",
    status_code=201,
    response_model=TicketWhole,
    responses=may_answer(404, 409),
)
def post_work(ticket_id: UUID, body: NewWorkBody, asked: Worker) -> Response:
    """Write down labour or a part. Answers with the ticket."""
    with asked.parts.database.write() as session:
        ticket = find_ticket(session, asked.caller, ticket_id, to_change=True)
        require(asked.caller, RIGHT, ticket)
        add_work(session, ticket, body.line(), person=asked.person, now=asked.now)
        content = describe_ticket(session, asked.caller, ticket_id)
    return answer(content, 201)


@router.delete(
    "/tickets/{ticket_id}/work/{line_id}",
    response_model=TicketWhole,
    responses=may_answer(404, 409),
)
def delete_work(ticket_id: UUID, line_id: UUID, asked: Worker) -> Response:
    """Take a line away; the event log keeps that it stood there. Answers with the ticket."""
    with asked.parts.database.write() as session:
        ticket = find_ticket(session, asked.caller, ticket_id, to_change=True)
        require(asked.caller, RIGHT, ticket)
        remove_work(session, ticket, line_id, person=asked.person, now=asked.now)
        content = describe_ticket(session, asked.caller, ticket_id)
    return answer(content)


@router.put(
    "/tickets/{ticket_id}/findings", response_model=TicketWhole, responses=may_answer(404, 409)
)
def put_findings(ticket_id: UUID, body: FindingsBody, asked: Worker) -> Response:
    """Say what was found, what caused it and what was done. Answers with the ticket."""
    with asked.parts.database.write() as session:
        ticket = find_ticket(session, asked.caller, ticket_id, to_change=True)
        require(asked.caller, RIGHT, ticket)
        record_findings(session, ticket, body.findings(), person=asked.person, now=asked.now)
        content = describe_ticket(session, asked.caller, ticket_id)
    return answer(content)
