"""Onboarding over HTTP: adoption by proposal, announced devices, profiles, replacement."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, Field

from api.answers import (
    IdempotencyKey,
    IfMatch,
    answer,
    claim,
    created,
    expected_version,
    kept,
    marked,
    page_answer,
)
from api.bodies import Body, Names
from api.deps import Asked, Permission
from api.device_shapes import DeviceItem
from api.errors import may_answer
from api.paging import Cursor, Limit, wish
from core.adoption import Wish, adopt_as_proposed
from core.devices import Device
from core.errors import Conflict, Invalid, NotFound
from core.expected_devices import (
    MOST_AT_ONCE,
    Announced,
    drop_expected,
    expect,
    list_expected,
)
from core.expected_problems import told
from core.idempotency import keep, recall
from core.paging import Page
from core.profile_use import delete_unused
from core.profiles import Profile
from core.profiles.own import load_profiles, own_versions, put_profile
from core.register import describe_device, find
from core.replacing import Handed, propose, replace_device, undo_replacement

router = APIRouter(tags=["devices"])
Reader = Annotated[Asked, Depends(Permission("devices.read"))]
Writer = Annotated[Asked, Depends(Permission("devices.write"))]
# What holds in the whole installation is written by who administers all of it.
Keeper = Annotated[Asked, Depends(Permission("places.write"))]
Code = Annotated[str, Field(min_length=1, max_length=400)]
ProblemCode = Literal["nothing_fits", "no_profile", "refused", "failed", "other"]
ProfileId = Annotated[str, Field(min_length=1, max_length=60)]


class ProposalTaken(Body):
    """A waiting device to adopt as it is proposed, but for what is said here."""

    device_id: UUID
    profile: ProfileId | None = None
    name: Names | None = None
    space_id: UUID | None = None


class ProposalsTaken(Body):
    """Waiting devices to adopt, each by itself."""

    items: Annotated[list[ProposalTaken], Field(min_length=1, max_length=200)]


class Outcome(BaseModel):
    """What became of one. problems: why it still waits."""

    device_id: UUID
    adopted: bool
    problems: list[str]


class Outcomes(BaseModel):
    """What became of each, in the order in which they were given."""

    items: list[Outcome]


class DeviceAnnounced(Body):
    """A device that is to come. code: its code, EUI, or the text of its label."""

    code: Code
    name: Names = Field(default_factory=Names)
    space_id: UUID | None = None
    profile: ProfileId | None = None


class DevicesAnnounced(Body):
    """Devices that are to come to a site."""

    site_id: UUID
    devices: Annotated[list[DeviceAnnounced], Field(min_length=1, max_length=MOST_AT_ONCE)]


class ExpectedItem(BaseModel):
    """An announced device. key: by which it is known when it speaks."""

    id: UUID
    site_id: UUID
    code: str
    key: str
    name: dict[str, str]
    space_id: UUID | None
    space_code: str | None
    profile: str | None
    state: Literal["expected", "adopted", "dropped"]
    asked_at: datetime
    device_id: UUID | None
    problem: str = Field(
        description="Why it was not adopted although it speaks, in the language of "
        "Accept-Language; empty for nothing."
    )
    problem_code: ProblemCode | None = Field(
        description="The same for programs. refused: something else stands in its way, which the "
        "text names; other: noted by an earlier version, in English."
    )


class ExpectedPage(BaseModel):
    """A page of announced devices."""

    items: list[ExpectedItem]
    next: str | None


class ExpectedMade(BaseModel):
    """The announcements, in the order in which they were given."""

    ids: list[UUID]


class ReplacementBody(Body):
    """The device that works, which gives way."""

    old_id: UUID


class PointHanded(BaseModel):
    """A point of the old device. key: of the new one that feeds it then; null: it ends there."""

    point_id: UUID
    code: str
    asset_id: UUID
    old_key: str
    key: str | None


class Replacement(BaseModel):
    """What the new device takes over."""

    points: list[PointHanded]


class ProfileItem(BaseModel):
    """A profile. own: written here; version of one's own, for If-Match."""

    id: str
    name: dict[str, str]
    asset_type: str
    points: list[str]
    models: list[str]
    rules: list[str]
    own: bool
    version: int | None


class ProfileList(BaseModel):
    """Every profile."""

    items: list[ProfileItem]


class ProfileDocument(Body):
    """A profile as YAML: what stands under its id in a file of ours."""

    document: Annotated[str, Field(min_length=1, max_length=64 * 1024)]


@router.post(
    "/device-adoptions", response_model=Outcomes, summary="Adopt waiting devices as proposed"
)
def post_device_adoptions(asked: Writer, body: ProposalsTaken) -> Response:
    """Each by itself: one that can't be adopted keeps waiting, and says why."""
    return answer({"items": [_taken(asked, one) for one in body.items]})


def _taken(asked: Asked, one: ProposalTaken) -> dict[str, Any]:
    wanted = Wish(one.profile, one.name.filled() if one.name else None, one.space_id)
    try:
        with asked.parts.database.write() as session:
            device = find(session, asked.caller, Device, one.device_id, to_change=True)
            asked.caller.require("devices.write", device.site_id)
            adopt_as_proposed(session, device, wanted, actor=asked.actor, now=asked.now)
    except Invalid as error:
        problems = list(error.problems) or [error.detail]
        return {"device_id": one.device_id, "adopted": False, "problems": problems}
    except (Conflict, NotFound) as error:
        return {"device_id": one.device_id, "adopted": False, "problems": [error.detail]}
    return {"device_id": one.device_id, "adopted": True, "problems": []}


@router.get("/expected-devices", response_model=ExpectedPage, summary="List announced devices")
def get_expected_devices(
    asked: Reader,
    site: UUID | None = None,
    state: Literal["expected", "adopted", "dropped"] | None = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """Of every site where you may read devices, the last announced first."""
    with asked.parts.database.read() as session:
        page = list_expected(
            session, asked.caller, wish(limit, cursor, UUID), site_id=site, state=state
        )
    return page_answer(Page([_expected(asked, row) for row in page.items], page.next))


def _expected(asked: Asked, row: dict[str, Any]) -> dict[str, Any]:
    reason = told(row["problem"])
    texts = asked.told(reason.texts) if reason else []
    return {**row, "problem": "; ".join(texts), "problem_code": reason.code if reason else None}


@router.post(
    "/expected-devices",
    response_model=ExpectedMade,
    status_code=201,
    summary="Announce devices before they speak",
    responses=may_answer(409),
)
def post_expected_devices(
    asked: Writer, body: DevicesAnnounced, idempotency_key: IdempotencyKey = None
) -> Response:
    """By code, EUI or the text of their label (LoRaWAN TR005, Zigbee). Each is adopted by itself
    when it speaks. All or none: one wrong line, and nothing is announced."""
    asked.caller.require("devices.write", body.site_id)
    request = claim(asked, "POST /expected-devices", idempotency_key, body)
    announced = [
        Announced(one.code, one.name.filled(), one.space_id, one.profile) for one in body.devices
    ]
    with asked.parts.database.write() as session:
        made = recall(session, request)
        if made is None:
            rows = expect(session, asked.caller, body.site_id, announced, now=asked.now)
            content = {"ids": [row.id for row in rows]}
            made = keep(session, request, created(content, "expected-devices"))
    return kept(made)


@router.post(
    "/expected-devices/{expected_id}/drop",
    status_code=204,
    summary="Expect a device no longer",
    responses=may_answer(404, 409),
)
def drop_expected_device(asked: Writer, expected_id: UUID) -> Response:
    """If it speaks it waits like any other."""
    with asked.parts.database.write() as session:
        drop_expected(session, asked.caller, expected_id, now=asked.now)
    return Response(status_code=204)


@router.get(
    "/devices/{device_id}/replacement",
    response_model=Replacement,
    summary="What a waiting device would take over from another",
)
def get_replacement(asked: Reader, device_id: UUID, old: UUID | None = None) -> Response:
    """By the same keys, else by its profile. old: the device that would give way; needed."""
    with asked.parts.database.read() as session:
        new = find(session, asked.caller, Device, device_id)
        if old is None:
            raise Invalid("nothing to compare", problems=["old: name the device that gives way"])
        handed = propose(session, find(session, asked.caller, Device, old), new)
    return answer({"points": [_handed(one) for one in handed]})


def _handed(one: Handed) -> dict[str, Any]:
    return {
        "point_id": one.point_id,
        "code": one.code,
        "asset_id": one.asset_id,
        "old_key": one.old_key,
        "key": one.key,
    }


@router.post(
    "/devices/{device_id}/replacement",
    response_model=DeviceItem,
    summary="Let a waiting device replace another",
    responses=may_answer(404, 409),
)
def post_replacement(asked: Writer, device_id: UUID, body: ReplacementBody) -> Response:
    """Points, history and rules stay; the old device is retired."""
    with asked.parts.database.write() as session:
        new = find(session, asked.caller, Device, device_id, to_change=True)
        asked.caller.require("devices.write", new.site_id)
        old = find(session, asked.caller, Device, body.old_id, to_change=True)
        asked.caller.require("devices.write", old.site_id)
        replace_device(session, old, new, actor=asked.actor, now=asked.now)
        content = describe_device(session, asked.caller, device_id)
    return marked(content)


@router.post(
    "/devices/{device_id}/replacement/undo",
    response_model=DeviceItem,
    summary="Take a replacement back",
    responses=may_answer(404, 409),
)
def undo_device_replacement(asked: Writer, device_id: UUID) -> Response:
    """The old device works again with its points; answers with it."""
    with asked.parts.database.write() as session:
        new = find(session, asked.caller, Device, device_id, to_change=True)
        asked.caller.require("devices.write", new.site_id)
        old = undo_replacement(session, new, actor=asked.actor, now=asked.now)
        content = describe_device(session, asked.caller, old.id)
    return marked(content)


@router.get("/device-profiles", response_model=ProfileList, summary="List profiles of devices")
def get_device_profiles(asked: Reader) -> Response:
    """The shipped ones, and those of this installation before them."""
    with asked.parts.database.read() as session:
        found = load_profiles(session)
        own = own_versions(session)
    return answer({"items": [_profile(one, own.get(one.id)) for one in found.values()]})


def _profile(one: Profile, version: int | None) -> dict[str, Any]:
    names = {"en": one.name.en, "zh": one.name.zh}
    return {
        "id": one.id,
        "name": {language: text for language, text in names.items() if text},
        "asset_type": one.asset_type,
        "points": list(one.points),
        "models": [
            f"{known.maker} {model}".strip() for known in one.known for model in known.model
        ],
        "rules": list(one.rules),
        "own": one.own,
        "version": version,
    }


@router.put(
    "/device-profiles/{profile_id}",
    response_model=ProfileItem,
    summary="Write a profile of your own",
    responses=may_answer(412),
)
def put_device_profile(
    asked: Keeper, profile_id: str, body: ProfileDocument, if_match: IfMatch = None
) -> Response:
    """It holds in the whole installation, and takes the place of a shipped one of the same id."""
    asked.caller.require_company_wide("places.write")
    version = expected_version(if_match, required=False)
    with asked.parts.database.write() as session:
        row = put_profile(
            session,
            profile_id,
            body.document,
            expected_version=version,
            actor=asked.actor,
            now=asked.now,
        )
        content = _profile(load_profiles(session)[profile_id], row.version)
    return answer(content, version=content["version"])


@router.delete(
    "/device-profiles/{profile_id}",
    status_code=204,
    summary="Forget a profile of your own",
    responses=may_answer(404, 409),
)
def delete_device_profile(asked: Keeper, profile_id: str) -> Response:
    """A shipped one of the same id counts again; without one it is kept while devices are of this
    kind and of no other, or announced as one."""
    asked.caller.require_company_wide("places.write")
    with asked.parts.database.write() as session:
        delete_unused(session, profile_id, actor=asked.actor, now=asked.now)
    return Response(status_code=204)
