"""Links between tickets: make one by the number of the other, remove one."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Response

from api.answers import answer
from api.deps import Asked, Permission
from api.errors import may_answer
from api.tickets.shapes import LinkBody, TicketWhole
from workflows import overview
from workflows.tickets.reading import describe_ticket, find_ticket
from workflows.tickets.relations import relate, unrelate
from workflows.tickets.scope import require

router = APIRouter(tags=["tickets"])
RIGHT = "tickets.work"
Worker = Annotated[Asked, Depends(Permission(RIGHT))]


@router.post(
    "/tickets/{ticket_id}/links",
    status_code=201,
    response_model=TicketWhole,
    responses=may_answer(404, 409),
)
def post_ticket_link(ticket_id: UUID, body: LinkBody, asked: Worker) -> Response:
    """Link the ticket to another that you may read. Answers with the ticket."""
    with asked.parts.database.write() as session:
        ticket = find_ticket(session, asked.caller, ticket_id)
        require(asked.caller, RIGHT, ticket)
        other = overview.find_ticket_number(session, asked.caller, body.number).thing
        relate(session, ticket, body.kind, other, person=asked.person, now=asked.now)
        content = describe_ticket(session, asked.caller, ticket_id)
    return answer(content, 201)


@router.delete(
    "/tickets/{ticket_id}/links/{link_id}",
    response_model=TicketWhole,
    responses=may_answer(404, 409),
)
def delete_ticket_link(ticket_id: UUID, link_id: UUID, asked: Worker) -> Response:
    """Remove a link, from either end; the log of both tickets keeps it. Answers with the ticket."""
    with asked.parts.database.write() as session:
        ticket = find_ticket(session, asked.caller, ticket_id)
        require(asked.caller, RIGHT, ticket)
        unrelate(session, asked.caller, ticket, link_id, now=asked.now)
        content = describe_ticket(session, asked.caller, ticket_id)
    return answer(content)
