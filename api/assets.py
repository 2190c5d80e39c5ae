"""Assets over HTTP: list, read with what happens on them, create, change."""

from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

import orjson
from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, Field

from api.alarms import AlarmItem
from api.answers import (
    IdempotencyKey,
    IfMatch,
    answer,
    claim,
    created,
    fingerprint,
    kept,
    marked,
    page_answer,
    require_unchanged,
)
from api.bodies import Body, Change, Code, Names
from api.deps import Asked, Permission
from api.errors import may_answer
from api.paging import Cursor, Limit, wish
from api.points import PointItem
from api.readings import LastReading, with_last
from api.tickets.shapes import TicketItem
from core.administration import NewAsset, create_asset, update_asset
from core.idempotency import keep, recall
from core.paging import Wish
from core.places import Asset
from core.register import RegisterFilter, describe_asset, find, list_assets, points_of_asset
from workflows.alarms.reading import AlarmFilter, list_alarms
from workflows.alarms.reading import states_named as alarm_states
from workflows.tickets.reading import TicketFilter, list_tickets

router = APIRouter(tags=["assets"])
Reader = Annotated[Asked, Depends(Permission("places.read"))]
Writer = Annotated[Asked, Depends(Permission("places.write"))]
Criticality = Literal["low", "medium", "high", "critical"]
SHOWN = 20


class AssetItem(BaseModel):
    """A thing that can fail."""

    id: UUID
    site_id: UUID
    space_id: UUID | None
    type: str
    code: str
    name: dict[str, str]
    criticality: Criticality


class AssetPage(BaseModel):
    """A page of assets."""

    items: list[AssetItem]
    next: str | None


class PointWithLast(PointItem):
    """A point with its newest reading; null when there is none or telemetry is away."""

    last: LastReading | None


class AssetWhole(AssetItem):
    """An asset with its points, its alarms that are not normal and its newest tickets."""

    points: list[PointWithLast]
    alarms: list[AlarmItem]
    tickets: list[TicketItem]


class AssetToMake(Body):
    """An asset to create; type is a code of the catalogue."""

    site_id: UUID
    code: Code
    type: Code
    name: Names
    space_id: UUID | None = None
    criticality: Criticality = "medium"

    def new(self) -> NewAsset:
        """What is to be created."""
        name = self.name.filled()
        return NewAsset(self.code, self.type, name, self.space_id, self.criticality)


class AssetChange(Change):
    """Fields to change."""

    may_be_null: ClassVar[frozenset[str]] = frozenset({"space_id"})

    name: Names | None = None
    type: Code | None = None
    space_id: UUID | None = Field(default=None, description="null takes it out of its space.")
    criticality: Criticality | None = None


@router.get("/assets", response_model=AssetPage, summary="List assets, newest first")
def get_assets(
    asked: Reader,
    site: UUID | None = None,
    type: Annotated[str | None, Query(max_length=60)] = None,  # noqa: A002 - the contract's word
    q: Annotated[str | None, Query(max_length=100, description="Part of code or name.")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """Assets of every site where you may read places."""
    wanted = RegisterFilter(site_id=site, type=type, text=q)
    with asked.parts.database.read() as session:
        page = list_assets(session, asked.caller, wanted, wish(limit, cursor, UUID))
    return page_answer(page)


@router.get("/assets/{asset_id}", response_model=AssetWhole, summary="Read an asset")
def get_asset(asked: Reader, asset_id: UUID) -> Response:
    """With its points and their last values, its open alarms and its newest tickets."""
    few = Wish(SHOWN)
    with asked.parts.database.read() as session:
        asset = describe_asset(session, asked.caller, asset_id)
        points = points_of_asset(session, asked.caller, asset_id)
        standing = AlarmFilter(alarm_states("active"), asset_id=asset_id)
        alarms = list_alarms(session, asked.caller, standing, few).items
        rows = list_tickets(session, asked.caller, TicketFilter(asset_id=asset_id), few).items
    tickets = [orjson.Fragment(row) for row in rows]
    content: dict[str, Any] = {**asset, "points": with_last(asked.parts, points)}
    tag = {"ETag": fingerprint(asset)}
    return answer({**content, "alarms": alarms, "tickets": tickets}, headers=tag)


@router.post(
    "/assets",
    response_model=AssetItem,
    status_code=201,
    summary="Create an asset",
    responses=may_answer(409),
)
def post_asset(
    asked: Writer, body: AssetToMake, idempotency_key: IdempotencyKey = None
) -> Response:
    """Its points come with a device: adopt one."""
    asked.caller.require("places.write", body.site_id)
    request = claim(asked, "POST /assets", idempotency_key, body)
    with asked.parts.database.write() as session:
        made = recall(session, request)
        if made is None:
            asset = create_asset(
                session, body.site_id, body.new(), actor=asked.actor, now=asked.now
            )
            content = describe_asset(session, asked.caller, asset.id)
            made = keep(session, request, created(content, f"assets/{asset.id}"))
    return kept(made)


@router.patch(
    "/assets/{asset_id}",
    response_model=AssetItem,
    summary="Change an asset",
    responses=may_answer(409, 412, 428),
)
def patch_asset(
    asked: Writer, asset_id: UUID, body: AssetChange, if_match: IfMatch = None
) -> Response:
    """Needs the ETag of what you read as If-Match."""
    with asked.parts.database.write() as session:
        asset = find(session, asked.caller, Asset, asset_id, to_change=True)
        asked.caller.require("places.write", asset.site_id)
        require_unchanged(if_match, describe_asset(session, asked.caller, asset_id))
        update_asset(session, asset, body.changes(), actor=asked.actor, now=asked.now)
        content = describe_asset(session, asked.caller, asset_id)
    return marked(content)
