"""Signatures on tickets: put one on, see one. Nothing changes one."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Response

from api.answers import answer
from api.deps import Asked, Permission
from api.errors import may_answer
from api.tickets.shapes import SignatureBody, TicketWhole
from workflows.tickets.reading import describe_ticket, find_ticket
from workflows.tickets.scope import require
from workflows.tickets.signatures import find_signature, sign, store_drawing

router = APIRouter(tags=["tickets"])
RIGHT = "tickets.work"
Worker = Annotated[Asked, Depends(Permission(RIGHT))]
Reader = Annotated[Asked, Depends(Permission("tickets.read"))]
_BINARY = {"schema": {"type": "string", "format": "binary"}}
# It never changes under its address; who may see it can, so only the browser keeps it.
KEPT = {"Cache-Control": "private, max-age=3600"}


@router.post(
    "/tickets/{ticket_id}/signatures",
    status_code=201,
    response_model=TicketWhole,
    responses=may_answer(404, 409),
)
def post_signature(ticket_id: UUID, body: SignatureBody, asked: Worker) -> Response:
    """Keep what somebody signed on your device: for good. Answers with the ticket."""
    with asked.parts.database.read() as session:
        ticket = find_ticket(session, asked.caller, ticket_id)
        require(asked.caller, RIGHT, ticket)
    drawing = store_drawing(asked.parts.files, body.content())
    with asked.parts.database.write() as session:
        ticket = find_ticket(session, asked.caller, ticket_id, to_change=True)
        sign(session, ticket, drawing, body.name, shown_by=asked.person, now=asked.now)
        content = describe_ticket(session, asked.caller, ticket_id)
    return answer(content, 201)


@router.get(
    "/signatures/{signature_id}",
    summary="See a signature",
    response_class=Response,
    responses={200: {"content": {"image/png": _BINARY}}},
)
def get_signature(asked: Reader, signature_id: UUID) -> Response:
    """The PNG as it was signed; for who works tickets there, or may see evidence."""
    with asked.parts.database.read() as session:
        found = find_signature(session, asked.caller, signature_id)
    return Response(asked.parts.files.get(found.picture), media_type="image/png", headers=KEPT)
