"""The key by which a platform pushes to a source: set, read, removed."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, Field

from api.answers import BASE, answer
from api.bodies import Body, Code
from api.deps import Asked, Permission
from api.errors import may_answer
from core.db import Session
from core.devices import Source
from core.http_ingest import NewKey, describe_key, remove_key, set_key
from core.register import find

router = APIRouter(tags=["sources"])
Reader = Annotated[Asked, Depends(Permission("devices.read"))]
Writer = Annotated[Asked, Depends(Permission("devices.write"))]
Secret = Annotated[str, Field(max_length=200)]


class SourceKeyItem(BaseModel):
    """Who may push to a source. path: below the address of the product, where it is pushed to.

    former_until: until then the secret before counts as well. received_at: when something was
    accepted last, to the minute.
    """

    source_id: UUID
    profile: str
    path: str
    encrypts: bool
    set_at: datetime
    former_until: datetime | None
    received_at: datetime | None


class SourceKeySet(SourceKeyItem):
    """A key that was set. secret: never shown again."""

    secret: str


class SourceKeyToSet(Body):
    """A key to set. profile: token, hmac, hmac-time, onenet or ctwing (docs/http-ingest.md).

    secret: where the platform draws it; without one it is drawn here. cipher_key: by which the
    platform encrypts its messages, if it does. leaked: the secret before ends now; otherwise it
    counts for a day more, which gives time to tell the platform.
    """

    profile: Code
    secret: Secret | None = None
    cipher_key: Secret | None = None
    leaked: bool = False


def shown(session: Session, source_id: UUID) -> dict[str, Any]:
    """A key without its secret, with its address."""
    return {**describe_key(session, source_id), "path": f"{BASE}/ingest/{source_id}"}


@router.get(
    "/sources/{source_id}/key", response_model=SourceKeyItem, summary="Read who may push to it"
)
def get_source_key(asked: Reader, source_id: UUID) -> Response:
    """Without its secret. Not found where nobody may push."""
    with asked.parts.database.read() as session:
        find(session, asked.caller, Source, source_id)
        content = shown(session, source_id)
    return answer(content)


@router.put(
    "/sources/{source_id}/key",
    response_model=SourceKeySet,
    summary="Let a platform push to a source",
    responses=may_answer(422),
)
def put_source_key(asked: Writer, source_id: UUID, body: SourceKeyToSet) -> Response:
    """Sets its key, or another one. The secret stands in this answer alone; of the same profile the
    one before counts for a day more, unless it leaked.
    """
    new = NewKey(body.profile, body.secret, body.cipher_key, body.leaked)
    with asked.parts.database.write() as session:
        source = find(session, asked.caller, Source, source_id, to_change=True)
        asked.caller.require("devices.write", source.site_id)
        vault = asked.parts.vault
        done = set_key(session, vault, source, new, actor=asked.actor, now=asked.now)
        content = {**shown(session, source_id), "secret": done.secret}
    return answer(content)


@router.delete("/sources/{source_id}/key", status_code=204, summary="Let nobody push any more")
def delete_source_key(asked: Writer, source_id: UUID) -> Response:
    """What was accepted before is taken in nevertheless."""
    with asked.parts.database.write() as session:
        source = find(session, asked.caller, Source, source_id, to_change=True)
        asked.caller.require("devices.write", source.site_id)
        remove_key(session, source, actor=asked.actor, now=asked.now)
    return Response(status_code=204)
