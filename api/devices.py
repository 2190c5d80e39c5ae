"""Devices over HTTP: list, read, create, change, adopt, retire."""

from dataclasses import asdict
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response

from api.answers import (
    IdempotencyKey,
    IfMatch,
    answer,
    claim,
    created,
    kept,
    marked,
    page_answer,
    require_unchanged,
)
from api.deps import Asked, Permission
from api.device_shapes import (
    Adoption,
    DeviceChange,
    DeviceItem,
    DevicePage,
    DeviceToMake,
    SuggestionShown,
)
from api.errors import may_answer
from api.paging import Cursor, Limit, wish
from core.administration import (
    NewAsset,
    create_device,
    reactivate_device,
    retire_device,
    update_device,
)
from core.adoption import adopt, suggest
from core.devices import Device
from core.idempotency import keep, recall
from core.places import Asset
from core.register import RegisterFilter, describe_device, find, list_devices

router = APIRouter(tags=["devices"])
Reader = Annotated[Asked, Depends(Permission("devices.read"))]
Writer = Annotated[Asked, Depends(Permission("devices.write"))]
State = Literal["waiting", "active", "retired"]


@router.get("/devices", response_model=DevicePage, summary="List devices, newest first")
def get_devices(
    asked: Reader,
    state: State | None = None,
    site: UUID | None = None,
    asset: UUID | None = None,
    q: Annotated[str | None, Query(max_length=100, description="Part of code or name.")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """Devices of every site where you may read them; `state=waiting`: those to adopt."""
    wanted = RegisterFilter(site_id=site, asset_id=asset, state=state, text=q)
    with asked.parts.database.read() as session:
        page = list_devices(session, asked.caller, wanted, wish(limit, cursor, UUID))
    return page_answer(page)


@router.get("/devices/{device_id}", response_model=DeviceItem, summary="Read a device")
def get_device(asked: Reader, device_id: UUID) -> Response:
    """As the list shows it."""
    with asked.parts.database.read() as session:
        content = describe_device(session, asked.caller, device_id)
    return marked(content)


@router.post(
    "/devices",
    response_model=DeviceItem,
    status_code=201,
    summary="Create a device",
    responses=may_answer(409),
)
def post_device(
    asked: Writer, body: DeviceToMake, idempotency_key: IdempotencyKey = None
) -> Response:
    """One that has not spoken yet, or a gateway; one that spoke waits to be adopted."""
    asked.caller.require("devices.write", body.site_id)
    request = claim(asked, "POST /devices", idempotency_key, body)
    with asked.parts.database.write() as session:
        made = recall(session, request)
        if made is None:
            device = create_device(
                session, body.site_id, body.new(), actor=asked.actor, now=asked.now
            )
            content = describe_device(session, asked.caller, device.id)
            made = keep(session, request, created(content, f"devices/{device.id}"))
    return kept(made)


@router.patch(
    "/devices/{device_id}",
    response_model=DeviceItem,
    summary="Change a device",
    responses=may_answer(409, 412, 428),
)
def patch_device(
    asked: Writer, device_id: UUID, body: DeviceChange, if_match: IfMatch = None
) -> Response:
    """Needs the ETag of what you read as If-Match."""
    with asked.parts.database.write() as session:
        device = find(session, asked.caller, Device, device_id, to_change=True)
        asked.caller.require("devices.write", device.site_id)
        require_unchanged(if_match, describe_device(session, asked.caller, device_id))
        update_device(session, device, body.changes(), actor=asked.actor, now=asked.now)
        content = describe_device(session, asked.caller, device_id)
    return marked(content)


@router.get(
    "/devices/{device_id}/suggestion",
    response_model=SuggestionShown,
    summary="Suggest what a device is",
)
def get_suggestion(asked: Reader, device_id: UUID, profile: str | None = None) -> Response:
    """By the profile that it fits, or the one that is named; else guessed from its words. Only a
    person makes it so."""
    with asked.parts.database.read() as session:
        device = find(session, asked.caller, Device, device_id)
        suggestion = suggest(session, device, profile=profile)
    return answer(asdict(suggestion))


@router.post(
    "/devices/{device_id}/adopt",
    response_model=DeviceItem,
    summary="Adopt a waiting device",
    responses=may_answer(409),
)
def adopt_device(asked: Writer, device_id: UUID, body: Adoption) -> Response:
    """Gives it an asset and points. What it said before becomes history; judging starts now."""
    with asked.parts.database.write() as session:
        device = find(session, asked.caller, Device, device_id, to_change=True)
        asked.caller.require("devices.write", device.site_id)
        if body.new_asset is not None:
            asset: Asset | NewAsset = body.new_asset.new()
        else:
            asset = find(session, asked.caller, Asset, body.standing_asset())
        adopt(
            session,
            device,
            asset=asset,
            points=[point.new() for point in body.points],
            actor=asked.actor,
            now=asked.now,
        )
        content = describe_device(session, asked.caller, device_id)
    return marked(content)


@router.post(
    "/devices/{device_id}/retire",
    response_model=DeviceItem,
    summary="Take a device out of service",
    responses=may_answer(409),
)
def retire(asked: Writer, device_id: UUID) -> Response:
    """Its points keep their history."""
    with asked.parts.database.write() as session:
        device = find(session, asked.caller, Device, device_id, to_change=True)
        asked.caller.require("devices.write", device.site_id)
        retire_device(session, device, actor=asked.actor, now=asked.now)
        content = describe_device(session, asked.caller, device_id)
    return marked(content)


@router.post(
    "/devices/{device_id}/reactivate",
    response_model=DeviceItem,
    summary="Put a retired device back into service",
    responses=may_answer(409),
)
def reactivate(asked: Writer, device_id: UUID) -> Response:
    """With the points that it still has."""
    with asked.parts.database.write() as session:
        device = find(session, asked.caller, Device, device_id, to_change=True)
        asked.caller.require("devices.write", device.site_id)
        reactivate_device(session, device, actor=asked.actor, now=asked.now)
        content = describe_device(session, asked.caller, device_id)
    return marked(content)
