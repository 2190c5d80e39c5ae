"""Stickers: list those that hold, make the one of a place, take a lost one back."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, Field

from api.answers import answer, page_answer
from api.deps import Asked, Permission
from api.errors import may_answer
from api.paging import Cursor, Limit, wish
from workflows.customers import (
    Sticker,
    find_sticker,
    list_stickers,
    revoke_sticker,
    sticker_of_place,
)
from workflows.customers.stickers import READ, WRITE

router = APIRouter(tags=["stickers"])
Reader = Annotated[Asked, Depends(Permission(READ))]
Writer = Annotated[Asked, Depends(Permission(WRITE))]


class StickerItem(BaseModel):
    """A sticker on an asset or in a space. Its address is `sticker_url` with `/s/` and the path."""

    id: UUID
    site_id: UUID
    asset_id: UUID | None
    space_id: UUID | None
    code: str = Field(description="What people read and type, such as K7-3MQ9.")
    path: str = Field(description="The random end of its address.")
    created_at: datetime


class StickerPage(BaseModel):
    """A page of stickers."""

    items: list[StickerItem]
    next: str | None


def _shown(row: Sticker) -> dict[str, object]:
    return {name: getattr(row, name) for name in StickerItem.model_fields}


@router.get("/stickers", response_model=StickerPage, summary="List stickers that hold")
def get_stickers(
    asked: Reader, site: UUID | None = None, limit: Limit = 50, cursor: Cursor = None
) -> Response:
    """On every site where you see places, the last made first."""
    with asked.parts.database.read() as session:
        return page_answer(list_stickers(session, asked.caller, site, wish(limit, cursor, UUID)))


@router.post(
    "/assets/{asset_id}/sticker", response_model=StickerItem, summary="Make the sticker of an asset"
)
def post_asset_sticker(asked: Writer, asset_id: UUID) -> Response:
    """Answers with the one that stands, if there is one; so sending it twice makes one."""
    return _made(asked, "asset", asset_id)


@router.post(
    "/spaces/{space_id}/sticker", response_model=StickerItem, summary="Make the sticker of a space"
)
def post_space_sticker(asked: Writer, space_id: UUID) -> Response:
    """Answers with the one that stands, if there is one; so sending it twice makes one."""
    return _made(asked, "space", space_id)


def _made(asked: Asked, kind: str, place_id: UUID) -> Response:
    with asked.parts.database.write() as session:
        row = sticker_of_place(session, asked.caller, kind, place_id, now=asked.now)
        return answer(_shown(row))


@router.post(
    "/stickers/{sticker_id}/revoke",
    response_model=StickerItem,
    summary="Take a lost sticker back",
    responses=may_answer(409),
)
def revoke_one_sticker(asked: Writer, sticker_id: UUID) -> Response:
    """Its address leads nowhere from now on; its place may get a new one."""
    with asked.parts.database.write() as session:
        row = find_sticker(session, asked.caller, sticker_id)
        asked.caller.require(WRITE, row.site_id)
        revoke_sticker(session, row, person=asked.person, now=asked.now)
        return answer(_shown(row))
