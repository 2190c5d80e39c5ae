"""Voice notes of tickets: put one on, hear the copy, fetch the original."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Request, Response

from api.answers import answer
from api.deps import Asked, Permission
from api.errors import may_answer
from api.tickets.shapes import TicketWhole
from core.byte_ranges import in_part
from core.voice import TYPES
from workflows.tickets.photos import EVIDENCE
from workflows.tickets.reading import describe_ticket, find_ticket
from workflows.tickets.scope import require
from workflows.tickets.voices import add_voice, find_original_voice, find_voice, store_voice

router = APIRouter(tags=["tickets"])
Worker = Annotated[Asked, Depends(Permission("tickets.work"))]
Reader = Annotated[Asked, Depends(Permission("tickets.read"))]
Witness = Annotated[Asked, Depends(Permission(EVIDENCE))]
_BINARY = {"schema": {"type": "string", "format": "binary"}}
_BODY = {"required": True, "content": dict.fromkeys(TYPES, _BINARY)}
_SOUND = {"content": dict.fromkeys(TYPES, _BINARY)}
KEPT = {"Cache-Control": "private, max-age=3600"}


async def _content(asked: Worker, request: Request) -> bytes:
    # A dependency of the permission: a large body is read only of those who may send it.
    del asked
    return await request.body()


@router.post(
    "/tickets/{ticket_id}/voices",
    response_model=TicketWhole,
    status_code=201,
    summary="Put a voice note on a ticket",
    responses=may_answer(409),
    openapi_extra={"requestBody": _BODY},
)
def post_voice(
    asked: Worker, ticket_id: UUID, content: Annotated[bytes, Depends(_content)]
) -> Response:
    """The body is the recording itself: WebM or M4A of at most 2 minutes and 5 MB.

    Answers with the ticket. The same recording again changes nothing.
    """
    with asked.parts.database.read() as session:
        ticket = find_ticket(session, asked.caller, ticket_id)
        require(asked.caller, "tickets.work", ticket)
    voice = store_voice(asked.parts.files, content)
    with asked.parts.database.write() as session:
        ticket = find_ticket(session, asked.caller, ticket_id, to_change=True)
        add_voice(session, ticket, voice, author=asked.person, now=asked.now)
        shown = describe_ticket(session, asked.caller, ticket_id)
    return answer(shown, 201)


@router.get(
    "/voices/{voice_id}",
    summary="Hear a voice note",
    response_class=Response,
    responses={
        200: _SOUND,
        206: {**_SOUND, "description": "The part that was asked for."},
    },
)
def get_voice(
    asked: Reader,
    voice_id: UUID,
    wanted: Annotated[str | None, Header(alias="Range", max_length=200)] = None,
) -> Response:
    """The sound as it was recorded, without what the phone wrote around it."""
    with asked.parts.database.read() as session:
        voice = find_voice(session, asked.caller, voice_id)
    part = in_part(asked.parts.files.get(voice.copy), wanted)
    return Response(part.body, part.status, {**KEPT, **part.headers}, voice.media_type)


@router.get(
    "/voices/{voice_id}/original",
    summary="Hear a voice note as it was handed in",
    response_class=Response,
    responses={200: _SOUND},
)
def get_original_voice(asked: Witness, voice_id: UUID) -> Response:
    """The very bytes that were handed in, with whatever place and device the phone wrote."""
    with asked.parts.database.read() as session:
        voice = find_original_voice(session, asked.caller, voice_id)
    content = asked.parts.files.get(voice.original)
    return Response(content, media_type=voice.media_type, headers=KEPT)
