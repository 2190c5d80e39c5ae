"""What platforms push: challenge answered, message accepted once it is committed."""

from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Request, Response
from pydantic import BaseModel

from api.answers import answer
from api.context import Parts
from api.deps import Permission, parts_of
from api.errors import may_answer
from core.http_ingest import Accepted, Pushed, accept, answer_challenge, prove

router = APIRouter(tags=["http ingest"])


@dataclass(frozen=True, slots=True)
class AskedByPlatform:
    """A request that carries a proof, which nobody has looked at yet."""

    parts: Parts
    pushed: Pushed


class OfPlatform(Permission):
    """What a route needs that platforms ask: the proof that the source's profile says."""

    schemes = ("platform",)
    otherwise = "a platform with the key of the source"

    def __init__(self) -> None:
        super().__init__(None)

    @property
    def text(self) -> str:
        """What the reference says of it."""
        return "Needs the proof that the profile of the source asks for (docs/http-ingest.md)."

    async def __call__(self, request: Request) -> AskedByPlatform:  # type: ignore[override]
        """The request with its body."""
        headers = {name.lower(): value for name, value in request.headers.items()}
        pushed = Pushed(headers, dict(request.query_params), await request.body())
        return AskedByPlatform(parts_of(request), pushed)


ByPlatform = Annotated[AskedByPlatform, Depends(OfPlatform())]
Rest = Annotated[str, Path(max_length=300)]


class PushAnswer(BaseModel):
    """What became of it. known: it was accepted before, and is not taken in again."""

    accepted: bool
    known: bool


@router.get(
    "/ingest/{source_id}",
    summary="Answer the challenge of a platform",
    response_class=Response,
    responses={200: {"content": {"text/plain": {}}, "description": "The challenge."}},
)
def get_ingest_challenge(asked: ByPlatform, source_id: UUID) -> Response:
    """Gives back `msg`, `challenge`, `echostr` or `hub.challenge` of the address as it came."""
    parts = asked.parts
    with parts.database.read() as session:
        text = answer_challenge(
            session, parts.vault, source_id, asked.pushed, now=parts.clock.now()
        )
    return Response(text, media_type="text/plain")


@router.post(
    "/ingest/{source_id}",
    response_model=PushAnswer,
    summary="Push a message to a source",
    responses=may_answer(409, 413, 422, 429),
)
def post_ingest(asked: ByPlatform, source_id: UUID) -> Response:
    """Answers once the message is committed; what it says is judged within a second or so.

    What can't be read is kept in quarantine, and is accepted nevertheless. A delivery that comes
    again is answered alike and changes nothing.
    """
    return _accept(asked, source_id, "")


@router.post(
    "/ingest/{source_id}/{rest:path}",
    response_model=PushAnswer,
    summary="Push a message to a part of a source",
    responses=may_answer(409, 413, 422, 429),
)
def post_ingest_below(asked: ByPlatform, source_id: UUID, rest: Rest) -> Response:
    """The rest of the address is the end of the topic; of our own dialect device and kind."""
    return _accept(asked, source_id, rest)


def _accept(asked: AskedByPlatform, source_id: UUID, rest: str) -> Response:
    parts = asked.parts
    most, now = parts.settings.http_ingest_waiting, parts.clock.now()
    with parts.database.read() as session:
        # Strangers are turned away before they could hold up whoever writes.
        prove(session, parts.vault, source_id, asked.pushed, now=now)
    with parts.database.write() as session:
        done = accept(session, parts.vault, source_id, rest, asked.pushed, most=most, now=now)
    return _shown(done)


def _shown(done: Accepted) -> Response:
    if done.challenge is not None:
        return answer({"challenge": done.challenge})
    return answer({"accepted": True, "known": done.known})
