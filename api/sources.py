"""Sources over HTTP: list, read, create, change, delete."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, Field

from api.answers import (
    IdempotencyKey,
    IfMatch,
    claim,
    created,
    kept,
    marked,
    page_answer,
    require_unchanged,
)
from api.bodies import Body, Change, Code
from api.deps import Asked, Permission
from api.errors import may_answer
from api.paging import Cursor, Limit, wish
from core.administration import NewSource, create_source, delete_source, update_source
from core.devices import Source
from core.idempotency import keep, recall
from core.register import RegisterFilter, describe_source, find, list_sources
from core.topic_sharing import require_topics

router = APIRouter(tags=["sources"])
Reader = Annotated[Asked, Depends(Permission("devices.read"))]
Writer = Annotated[Asked, Depends(Permission("devices.write"))]
Topic = Annotated[str, Field(min_length=1, max_length=200)]


class SourceItem(BaseModel):
    """Ties a topic filter to a site and a dialect; subscriptions come from the sources."""

    id: UUID
    site_id: UUID
    code: str
    topic_filter: str
    dialect: str
    options: dict[str, Any]
    enabled: bool


class SourcePage(BaseModel):
    """A page of sources."""

    items: list[SourceItem]
    next: str | None


class SourceToMake(Body):
    """A source to create. options: those of its dialect, as docs/mqtt.md lists them."""

    site_id: UUID
    code: Code
    topic_filter: Topic
    dialect: Code = "wk"
    options: dict[str, Any] = Field(default_factory=dict)
    enabled: bool = True

    def new(self) -> NewSource:
        """What is to be created."""
        return NewSource(self.code, self.topic_filter, self.dialect, self.options, self.enabled)


class SourceChange(Change):
    """Fields to change."""

    topic_filter: Topic | None = None
    dialect: Code | None = None
    options: dict[str, Any] | None = None
    enabled: bool | None = None


@router.get("/sources", response_model=SourcePage, summary="List sources, newest first")
def get_sources(
    asked: Reader, site: UUID | None = None, limit: Limit = 50, cursor: Cursor = None
) -> Response:
    """Sources of every site where you may read devices."""
    with asked.parts.database.read() as session:
        wanted = wish(limit, cursor, UUID)
        page = list_sources(session, asked.caller, RegisterFilter(site), wanted)
    return page_answer(page)


@router.get("/sources/{source_id}", response_model=SourceItem, summary="Read a source")
def get_source(asked: Reader, source_id: UUID) -> Response:
    """As the list shows it."""
    with asked.parts.database.read() as session:
        content = describe_source(session, asked.caller, source_id)
    return marked(content)


@router.post(
    "/sources",
    response_model=SourceItem,
    status_code=201,
    summary="Create a source",
    responses=may_answer(409),
)
def post_source(
    asked: Writer, body: SourceToMake, idempotency_key: IdempotencyKey = None
) -> Response:
    """Ingest subscribes to its topic filter within a second or so."""
    asked.caller.require("devices.write", body.site_id)
    request = claim(asked, "POST /sources", idempotency_key, body)
    with asked.parts.database.write() as session:
        made = recall(session, request)
        if made is None:
            require_topics(session, asked.caller, body.site_id, [body.topic_filter])
            source = create_source(
                session, body.site_id, body.new(), actor=asked.actor, now=asked.now
            )
            content = describe_source(session, asked.caller, source.id)
            made = keep(session, request, created(content, f"sources/{source.id}"))
    return kept(made)


@router.patch(
    "/sources/{source_id}",
    response_model=SourceItem,
    summary="Change a source",
    responses=may_answer(409, 412, 428),
)
def patch_source(
    asked: Writer, source_id: UUID, body: SourceChange, if_match: IfMatch = None
) -> Response:
    """Needs the ETag of what you read as If-Match."""
    with asked.parts.database.write() as session:
        source = find(session, asked.caller, Source, source_id, to_change=True)
        asked.caller.require("devices.write", source.site_id)
        require_unchanged(if_match, describe_source(session, asked.caller, source_id))
        changes = body.changes()
        wanted = [str(changes["topic_filter"])] if "topic_filter" in changes else []
        require_topics(
            session, asked.caller, source.site_id, wanted, standing=[source.topic_filter]
        )
        update_source(session, source, changes, actor=asked.actor, now=asked.now)
        content = describe_source(session, asked.caller, source_id)
    return marked(content)


@router.delete(
    "/sources/{source_id}",
    status_code=204,
    summary="Delete a source",
    responses=may_answer(409),
)
def remove_source(asked: Writer, source_id: UUID) -> Response:
    """A conflict while devices belong to it."""
    with asked.parts.database.write() as session:
        source = find(session, asked.caller, Source, source_id, to_change=True)
        asked.caller.require("devices.write", source.site_id)
        delete_source(session, source, actor=asked.actor, now=asked.now)
    return Response(status_code=204)
