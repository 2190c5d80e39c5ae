"""Voice notes of tickets: hear the copies, fetch the originals."""

from uuid import UUID

from fastapi import APIRouter, Request, Response

from core.byte_ranges import in_part
from web.page_route import PageRoute
from web.pages.photos import KEPT
from web.visit import SignedInVisit
from workflows.tickets.voices import find_original_voice, find_voice


def router() -> APIRouter:
    """The routes of voice notes."""
    routes = APIRouter(route_class=PageRoute, include_in_schema=False)

    @routes.get("/voices/{voice_id}")
    def voice(voice_id: UUID, visit: SignedInVisit, request: Request) -> Response:
        with visit.parts.database.read() as session:
            found = find_voice(session, visit.caller, voice_id)
        part = in_part(visit.parts.files.get(found.copy), request.headers.get("Range"))
        return Response(part.body, part.status, {**KEPT, **part.headers}, found.media_type)

    @routes.get("/voices/{voice_id}/original")
    def original(voice_id: UUID, visit: SignedInVisit) -> Response:
        with visit.parts.database.read() as session:
            found = find_original_voice(session, visit.caller, voice_id)
        content = visit.parts.files.get(found.original)
        return Response(content, media_type=found.media_type, headers=dict(KEPT))

    return routes
