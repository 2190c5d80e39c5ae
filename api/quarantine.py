"""Quarantine over HTTP: list, read, ask for replay, discard."""

import base64
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, Field

from api.answers import answer, page_answer
from api.deps import Asked, Permission
from api.errors import may_answer
from api.paging import Cursor, Limit, wish
from core.quarantine_reading import (
    QuarantineFilter,
    ask_replay,
    describe_quarantined,
    discard,
    list_quarantined,
)

router = APIRouter(tags=["quarantine"])
Reader = Annotated[Asked, Depends(Permission("quarantine.read"))]
Writer = Annotated[Asked, Depends(Permission("quarantine.write"))]
State = Literal["waiting", "replayed", "discarded"]


class QuarantineItem(BaseModel):
    """One device and one reason within one minute. site_id: none while no site is known."""

    id: UUID
    site_id: UUID | None
    device_code: str
    topic: str
    reason: str
    detail: str
    first_at: datetime
    last_at: datetime
    count: int
    kept: int = Field(description="How many of the messages were kept.")
    state: State


class QuarantinePage(BaseModel):
    """A page of quarantine."""

    items: list[QuarantineItem]
    next: str | None


class KeptMessage(BaseModel):
    """A kept message. sha256: of the whole, when only its head was kept."""

    topic: str
    received_at: datetime
    size: int
    sha256: str | None
    base64: str
    text: str | None = Field(description="When the bytes are UTF-8.")


class QuarantineWhole(QuarantineItem):
    """A row with its newest kept messages."""

    bodies: list[KeptMessage]


@router.get("/quarantine", response_model=QuarantinePage, summary="List quarantine, newest first")
def get_quarantine(
    asked: Reader,
    state: State | None = None,
    site: UUID | None = None,
    reason: Annotated[str | None, Query(max_length=20)] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """What could not be used, with its reason."""
    wanted = QuarantineFilter(state, site, reason)
    with asked.parts.database.read() as session:
        page = list_quarantined(session, asked.caller, wanted, wish(limit, cursor, datetime, UUID))
    return page_answer(page)


@router.get(
    "/quarantine/{row_id}", response_model=QuarantineWhole, summary="Read a row of quarantine"
)
def get_quarantined(asked: Reader, row_id: UUID) -> Response:
    """With its newest kept messages, as base64 and, where they are UTF-8, as text."""
    with asked.parts.database.read() as session:
        content = describe_quarantined(session, asked.caller, row_id)
    return answer(shown(content))


@router.post(
    "/quarantine/{row_id}/replay",
    response_model=QuarantineWhole,
    status_code=202,
    summary="Take quarantined messages in again",
    responses=may_answer(409),
)
def replay(asked: Writer, row_id: UUID) -> Response:
    """Ingest does it within a second or so; the row then says replayed, or why it still fails."""
    with asked.parts.database.write() as session:
        ask_replay(session, asked.caller, row_id, actor=asked.actor, now=asked.now)
        content = describe_quarantined(session, asked.caller, row_id)
    return answer(shown(content), 202)


@router.post(
    "/quarantine/{row_id}/discard",
    response_model=QuarantineWhole,
    summary="Discard a row of quarantine",
    responses=may_answer(409),
)
def discard_row(asked: Writer, row_id: UUID) -> Response:
    """Says that nobody needs these messages."""
    with asked.parts.database.write() as session:
        discard(session, asked.caller, row_id, actor=asked.actor, now=asked.now)
        content = describe_quarantined(session, asked.caller, row_id)
    return answer(shown(content))


def shown(content: dict[str, Any]) -> dict[str, Any]:
    """A row with the bytes of its messages made readable."""
    return {**content, "bodies": [_readable(body) for body in content["bodies"]]}


def _readable(body: Mapping[str, Any]) -> dict[str, Any]:
    raw: bytes = body["body"]
    try:
        text: str | None = raw.decode()
    except UnicodeDecodeError:
        text = None
    plain = {key: value for key, value in body.items() if key != "body"}
    return {**plain, "base64": base64.b64encode(raw).decode(), "text": text}
