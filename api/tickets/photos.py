"""Photos of tickets: put one on, see the small copy, see the original."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response

from api.answers import answer
from api.deps import Asked, Permission
from api.errors import may_answer
from api.tickets.shapes import TicketWhole
from core.pictures import FORMATS
from workflows.tickets.photos import EVIDENCE, add_photo, find_original, find_photo, store_photo
from workflows.tickets.reading import describe_ticket, find_ticket
from workflows.tickets.scope import require

router = APIRouter(tags=["tickets"])
Worker = Annotated[Asked, Depends(Permission("tickets.work"))]
Reader = Annotated[Asked, Depends(Permission("tickets.read"))]
Witness = Annotated[Asked, Depends(Permission(EVIDENCE))]
_BINARY = {"schema": {"type": "string", "format": "binary"}}
_BODY = {"required": True, "content": dict.fromkeys(FORMATS.values(), _BINARY)}
# It never changes under its address; who may see it can, so only the browser keeps it.
KEPT = {"Cache-Control": "private, max-age=3600"}


async def _content(asked: Worker, request: Request) -> bytes:
    # A dependency of the permission: a large body is read only of those who may send it.
    del asked
    return await request.body()


@router.post(
    "/tickets/{ticket_id}/photos",
    response_model=TicketWhole,
    status_code=201,
    summary="Put a photo on a ticket",
    responses=may_answer(409),
    openapi_extra={"requestBody": _BODY},
)
def post_photo(
    asked: Worker, ticket_id: UUID, content: Annotated[bytes, Depends(_content)]
) -> Response:
    """The body is the picture itself: JPEG, PNG, WebP or HEIC of at most 20 MB.

    Answers with the ticket. The same picture again changes nothing.
    """
    with asked.parts.database.read() as session:
        ticket = find_ticket(session, asked.caller, ticket_id)
        require(asked.caller, "tickets.work", ticket)
    photo = store_photo(asked.parts.files, content)
    with asked.parts.database.write() as session:
        ticket = find_ticket(session, asked.caller, ticket_id, to_change=True)
        add_photo(session, ticket, photo, author=asked.person, now=asked.now)
        shown = describe_ticket(session, asked.caller, ticket_id)
    return answer(shown, 201)


@router.get(
    "/photos/{photo_id}",
    summary="See a photo",
    response_class=Response,
    responses={200: {"content": {"image/jpeg": _BINARY}}},
)
def get_photo(asked: Reader, photo_id: UUID) -> Response:
    """A JPEG of at most 1280 pixels a side, without what the camera wrote into the original."""
    with asked.parts.database.read() as session:
        photo = find_photo(session, asked.caller, photo_id)
    return Response(asked.parts.files.get(photo.copy), media_type="image/jpeg", headers=KEPT)


@router.get(
    "/photos/{photo_id}/original",
    summary="See a photo as it was taken",
    response_class=Response,
    responses={200: {"content": dict.fromkeys(FORMATS.values(), _BINARY)}},
)
def get_original(asked: Witness, photo_id: UUID) -> Response:
    """The very bytes that were handed in, with whatever place and device the camera wrote."""
    with asked.parts.database.read() as session:
        photo = find_original(session, asked.caller, photo_id)
    return Response(
        asked.parts.files.get(photo.original), media_type=photo.media_type, headers=KEPT
    )
