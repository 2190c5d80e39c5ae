"""Walk tests over HTTP: sensors of a place are triggered one by one and call nobody meanwhile."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, Field

from api.alarms import KEY
from api.answers import (
    IdempotencyKey,
    IfMatch,
    answer,
    claim,
    created,
    expected_version,
    kept,
    page_answer,
)
from api.bodies import Body, Moment
from api.deps import Asked, Permission
from api.errors import may_answer
from api.paging import Cursor, Limit, wish
from api.tickets.shapes import SignatureBody
from core.idempotency import keep, recall
from core.pictures import FORMATS
from workflows.alarms.shelving import LONGEST_PATROL, SERVICE
from workflows.alarms.walk_tests.lives import ask_for_lives, confirm_lives, refuse_lives
from workflows.alarms.walk_tests.reading import describe_test, list_tests, sensors_of
from workflows.alarms.walk_tests.running import (
    LONGEST_REASON,
    READ,
    START,
    TICK,
    NewWalkTest,
    change_end,
    find_test,
    finish_test,
    series_in,
    start_test,
)
from workflows.alarms.walk_tests.sheet import sheet_of, sheet_paper
from workflows.alarms.walk_tests.signing import drawn, sign_sheet
from workflows.alarms.walk_tests.ticking import LONGEST_NOTE, find_photo, tick
from workflows.tickets.photos import store_photo

router = APIRouter(prefix="/walk-tests", tags=["alarms"])
Reader = Annotated[Asked, Depends(Permission(READ))]
Starter = Annotated[Asked, Depends(Permission(START))]
Tester = Annotated[Asked, Depends(Permission(TICK))]
Servant = Annotated[Asked, Depends(Permission(SERVICE))]
_BINARY = {"schema": {"type": "string", "format": "binary"}}
_PHOTO = {"required": True, "content": dict.fromkeys(FORMATS.values(), _BINARY)}


class WalkTestItem(BaseModel):
    """A walk test. state: running, asked and silent say what alarms about lives do meanwhile."""

    id: UUID
    site_id: UUID
    site_name: dict[str, str]
    space_id: UUID
    space_code: str
    space_name: dict[str, str]
    state: Literal["running", "asked", "silent", "finished", "signed"]
    phase: Literal["running", "over", "signed"]
    version: int
    reason: str
    starts_at: datetime
    ends_at: datetime
    started_by: UUID
    started_by_name: str
    patrol: str = Field(description="Who walks instead of alarms about lives.")
    lives_asked_by: UUID | None
    lives_asked_by_name: str | None
    lives_confirmed_by: UUID | None
    lives_confirmed_by_name: str | None
    signed_at: datetime | None
    digest: str | None = Field(description="SHA-256 of what was signed.")
    sensors: int
    answered: int
    ticked: int


class WalkTestPage(BaseModel):
    """A page of walk tests."""

    items: list[WalkTestItem]
    next: str | None


class WalkSensorItem(BaseModel):
    """A sensor in a test. point, value: what it answered with."""

    device_id: UUID
    code: str
    name: dict[str, str]
    assets: list[dict[str, Any]]
    answered_at: datetime | None
    point: str | None
    value: float | None
    ticked_at: datetime | None
    ticked_by_name: str | None
    photo: bool
    note: str
    alarms: list[dict[str, Any]] = Field(description="What tripped; test: and called nobody.")


class WalkTestWhole(WalkTestItem):
    """A test with its sensors."""

    tested: list[WalkSensorItem]


class WalkTestBody(Body):
    """A test to start now."""

    site_id: UUID
    space_id: UUID
    ends_at: Moment
    reason: Annotated[str, Field(min_length=1, max_length=LONGEST_REASON)]


class WalkTestChange(Body):
    """Another end."""

    ends_at: Moment


class LivesBody(Body):
    """Who walks instead of the alarms about lives."""

    patrol: Annotated[str, Field(min_length=1, max_length=LONGEST_PATROL)]


class SheetSignature(SignatureBody):
    """A signature under a sheet. digest: of the sheet that the signer was shown."""

    digest: Annotated[str, Field(min_length=64, max_length=64)] | None = None


def _whole(asked: Asked, test_id: UUID) -> dict[str, Any]:
    with asked.parts.database.read() as session:
        row = find_test(session, asked.caller, test_id)
        content = describe_test(session, asked.caller, row, asked.now)
        tested = sensors_of(session, row)
    for one in tested:
        one["point"] = one["point"].code if one["point"] is not None else None
        del one["copy"]
    return {**content, "tested": tested}


def _answered(asked: Asked, test_id: UUID, status: int = 200) -> Response:
    content = _whole(asked, test_id)
    return answer(content, status, version=content["version"])


@router.get("", response_model=WalkTestPage, summary="List walk tests, last first")
def get_walk_tests(
    asked: Reader, site: UUID | None = None, limit: Limit = 50, cursor: Cursor = None
) -> Response:
    """Of every site where you may read alarms."""
    with asked.parts.database.read() as session:
        page = list_tests(
            session, asked.caller, wish(limit, cursor, *KEY), now=asked.now, site_id=site
        )
    return page_answer(page)


@router.post(
    "",
    response_model=WalkTestItem,
    status_code=201,
    summary="Start a walk test",
    responses=may_answer(409),
)
def post_walk_test(
    asked: Starter, body: WalkTestBody, idempotency_key: IdempotencyKey = None
) -> Response:
    """Until its end the alarms of the place are written down and call nobody, but for those about
    lives. At the end every alarm is judged again, and told if it stands."""
    asked.caller.require(START, body.site_id)
    request = claim(asked, "POST /walk-tests", idempotency_key, body)
    with asked.parts.database.read() as session:
        series = series_in(session, body.site_id, body.space_id)
    before = {one: last.value for one, last in asked.parts.telemetry.last(series).items()}
    with asked.parts.database.write() as session:
        made = recall(session, request)
        if made is None:
            wanted = NewWalkTest(**body.model_dump())
            row = start_test(session, asked.caller, wanted, before=before, now=asked.now)
            content = describe_test(session, asked.caller, row, asked.now)
            made = keep(
                session, request, created(content, f"walk-tests/{row.id}", version=row.version)
            )
    return kept(made)


@router.get("/{test_id}", response_model=WalkTestWhole, summary="Read a walk test")
def get_walk_test(asked: Reader, test_id: UUID) -> Response:
    """With its sensors: those that owe an answer or a tick first."""
    return _answered(asked, test_id)


@router.patch(
    "/{test_id}",
    response_model=WalkTestWhole,
    summary="Move the end of a walk test",
    responses=may_answer(404, 409, 412, 428),
)
def patch_walk_test(
    asked: Starter, test_id: UUID, body: WalkTestChange, if_match: IfMatch = None
) -> Response:
    """Alarms about lives speak again at the end that two people agreed on, at the latest."""
    version = expected_version(if_match, required=True)
    with asked.parts.database.write() as session:
        row = find_test(session, asked.caller, test_id, to_change=True)
        change_end(
            session,
            asked.caller,
            row,
            ends_at=body.ends_at,
            now=asked.now,
            expected_version=version,
        )
    return _answered(asked, test_id)


@router.post(
    "/{test_id}/finish",
    response_model=WalkTestWhole,
    summary="Finish a walk test",
    responses=may_answer(404, 409),
)
def finish_walk_test(asked: Starter, test_id: UUID) -> Response:
    """What stands is told within seconds."""
    with asked.parts.database.write() as session:
        row = find_test(session, asked.caller, test_id, to_change=True)
        finish_test(session, asked.caller, row, now=asked.now)
    return _answered(asked, test_id)


@router.post(
    "/{test_id}/lives",
    response_model=WalkTestWhole,
    summary="Ask that alarms about lives fall silent in a walk test, too",
    responses=may_answer(404, 409),
)
def ask_walk_test_lives(asked: Servant, test_id: UUID, body: LivesBody) -> Response:
    """Somebody else confirms it; until then they speak as before. They are out of service then,
    until the end of the test, with the patrol that goes instead."""
    with asked.parts.database.write() as session:
        row = find_test(session, asked.caller, test_id, to_change=True)
        ask_for_lives(session, asked.caller, row, patrol=body.patrol, now=asked.now)
    return _answered(asked, test_id)


@router.post(
    "/{test_id}/lives/confirm",
    response_model=WalkTestWhole,
    summary="Confirm that alarms about lives fall silent in a walk test",
    responses=may_answer(404, 409),
)
def confirm_walk_test_lives(asked: Servant, test_id: UUID) -> Response:
    """Not by whoever asked."""
    with asked.parts.database.write() as session:
        row = find_test(session, asked.caller, test_id, to_change=True)
        confirm_lives(session, asked.caller, row, now=asked.now)
    return _answered(asked, test_id)


@router.post(
    "/{test_id}/lives/refuse",
    response_model=WalkTestWhole,
    summary="Refuse that alarms about lives fall silent in a walk test",
    responses=may_answer(404, 409),
)
def refuse_walk_test_lives(asked: Servant, test_id: UUID) -> Response:
    """Or take one's own request back."""
    with asked.parts.database.write() as session:
        row = find_test(session, asked.caller, test_id, to_change=True)
        refuse_lives(session, asked.caller, row, now=asked.now)
    return _answered(asked, test_id)


async def _content(asked: Tester, request: Request) -> bytes:
    # A dependency of the permission: a large body is read only of those who may send it.
    del asked
    return await request.body()


@router.post(
    "/{test_id}/sensors/{device_id}/tick",
    response_model=WalkTestWhole,
    summary="Tick a sensor that answered, with its photo",
    responses=may_answer(404, 409),
    openapi_extra={"requestBody": _PHOTO},
)
def tick_walk_sensor(
    asked: Tester,
    test_id: UUID,
    device_id: UUID,
    content: Annotated[bytes, Depends(_content)],
    note: Annotated[str, Query(max_length=LONGEST_NOTE)] = "",
) -> Response:
    """The body is the picture itself: JPEG, PNG, WebP or HEIC of at most 20 MB."""
    with asked.parts.database.read() as session:
        row = find_test(session, asked.caller, test_id)
        asked.caller.require(TICK, row.site_id)
    photo = store_photo(asked.parts.files, content)
    with asked.parts.database.write() as session:
        row = find_test(session, asked.caller, test_id, to_change=True)
        tick(session, asked.caller, row, device_id, photo, note=note, now=asked.now)
    return _answered(asked, test_id)


@router.get(
    "/{test_id}/sensors/{device_id}/photo",
    summary="See the photo of a sensor",
    response_class=Response,
    responses={200: {"content": {"image/jpeg": _BINARY}}},
)
def get_walk_photo(asked: Reader, test_id: UUID, device_id: UUID) -> Response:
    """A JPEG of at most 1280 pixels a side."""
    with asked.parts.database.read() as session:
        copy = find_photo(session, asked.caller, test_id, device_id)
    return Response(
        asked.parts.files.get(copy),
        media_type="image/jpeg",
        headers={"Cache-Control": "private, no-cache"},
    )


@router.post(
    "/{test_id}/sign",
    response_model=WalkTestWhole,
    summary="Sign the sheet of a walk test",
    responses=may_answer(404, 409, 412),
)
def sign_walk_test(asked: Tester, test_id: UUID, body: SheetSignature) -> Response:
    """Once it is over. From then on nothing on the sheet changes."""
    with asked.parts.database.read() as session:
        row = find_test(session, asked.caller, test_id)
        asked.caller.require(TICK, row.site_id)
    signed = drawn(asked.parts.files, body.content(), body.name)
    with asked.parts.database.write() as session:
        sign_sheet(session, asked.caller, test_id, signed, now=asked.now, seen=body.digest)
    return _answered(asked, test_id)


@router.get(
    "/{test_id}/sheet",
    summary="The sheet of a walk test as PDF",
    response_class=Response,
    responses={200: {"content": {"application/pdf": _BINARY}}, **may_answer(503)},
)
def get_walk_sheet(asked: Reader, test_id: UUID, language: Literal["en", "zh"] = "en") -> Response:
    """What never answered, what answered when and with what, photos, and the signature."""
    with asked.parts.database.read() as session:
        sheet = sheet_of(session, find_test(session, asked.caller, test_id))
    made = sheet_paper(sheet, asked.parts.files, language, now=asked.now)
    name = f"walk-test-{sheet.row.starts_at:%Y%m%d-%H%M}.pdf"
    return Response(
        made,
        media_type="application/pdf",
        headers={"Content-Disposition": f'inline; filename="{name}"'},
    )
