"""The checklist of a ticket: put items on it, answer them, take them away."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Response

from api.answers import answer
from api.checklists import AnswerBody, ItemsBody
from api.deps import Asked, Permission
from api.errors import may_answer
from api.tickets.shapes import TicketWhole
from workflows.tickets.checklist import add_items, answer_item, remove_item
from workflows.tickets.reading import describe_ticket, find_ticket
from workflows.tickets.scope import require

router = APIRouter(tags=["tickets"])
RIGHT, REMOVES = "tickets.work", "tickets.manage"
Worker = Annotated[Asked, Depends(Permission(RIGHT))]
Lead = Annotated[Asked, Depends(Permission(REMOVES))]


@router.post(
    "/tickets/{ticket_id}/checklist",
    status_code=201,
    response_model=TicketWhole,
    responses=may_answer(404, 409),
)
def post_checklist(ticket_id: UUID, body: ItemsBody, asked: Worker) -> Response:
    """Put items at the end of the checklist. Answers with the ticket."""
    with asked.parts.database.write() as session:
        ticket = find_ticket(session, asked.caller, ticket_id, to_change=True)
        require(asked.caller, RIGHT, ticket)
        items = [one.item() for one in body.items]
        add_items(session, ticket, items, actor=asked.actor, now=asked.now)
        content = describe_ticket(session, asked.caller, ticket_id)
    return answer(content, 201)


@router.put(
    "/tickets/{ticket_id}/checklist/{item_id}/answer",
    response_model=TicketWhole,
    responses=may_answer(404, 409),
)
def put_check(ticket_id: UUID, item_id: UUID, body: AnswerBody, asked: Worker) -> Response:
    """Answer an item, or take its answer back. The log keeps every answer. Answers with the
    ticket.
    """
    with asked.parts.database.write() as session:
        ticket = find_ticket(session, asked.caller, ticket_id, to_change=True)
        require(asked.caller, RIGHT, ticket)
        answer_item(session, ticket, item_id, body.value, person=asked.person, now=asked.now)
        content = describe_ticket(session, asked.caller, ticket_id)
    return answer(content)


@router.delete(
    "/tickets/{ticket_id}/checklist/{item_id}",
    response_model=TicketWhole,
    responses=may_answer(404, 409),
)
def delete_check(ticket_id: UUID, item_id: UUID, asked: Lead) -> Response:
    """Take away an item that nobody has answered. Answers with the ticket."""
    with asked.parts.database.write() as session:
        ticket = find_ticket(session, asked.caller, ticket_id, to_change=True)
        require(asked.caller, REMOVES, ticket)
        remove_item(session, ticket, item_id, person=asked.person, now=asked.now)
        content = describe_ticket(session, asked.caller, ticket_id)
    return answer(content)
