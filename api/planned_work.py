"""Planned work over HTTP: maintenance and outages for which rules fall silent."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response
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
from core.idempotency import keep, recall
from workflows.alarms.planning import (
    LONGEST_REASON,
    MOST_TARGETS,
    PLAN,
    Plan,
    cancel_work,
    change_work,
    describe_work,
    find_work,
    finish_work,
    list_work,
    plan_work,
)

router = APIRouter(prefix="/planned-work", tags=["alarms"])
Reader = Annotated[Asked, Depends(Permission("alarms.read"))]
Planner = Annotated[Asked, Depends(Permission(PLAN))]
Kind = Literal["maintenance", "outage"]
Reason = Annotated[str, Field(min_length=1, max_length=LONGEST_REASON)]
Ids = Annotated[tuple[UUID, ...], Field(max_length=MOST_TARGETS)]


class WorkTarget(BaseModel):
    """What planned work is on."""

    kind: Literal["asset", "space"]
    id: UUID
    code: str
    name: dict[str, str]


class PlannedWorkItem(BaseModel):
    """Planned work. phase: what its status and its times say together."""

    id: UUID
    site_id: UUID
    kind: Kind
    state: str
    phase: Literal["current", "upcoming", "over", "finished", "cancelled"]
    version: int
    reason: str
    with_supplied: bool
    starts_at: datetime
    ends_at: datetime
    planned_at: datetime
    planned_by: UUID
    planned_by_name: str
    targets: list[WorkTarget]
    suppressed: int = Field(description="Alarms that it withholds now.")


class PlannedWorkPage(BaseModel):
    """A page of planned work."""

    items: list[PlannedWorkItem]
    next: str | None


class PlannedWorkBody(Body):
    """Work to plan, on assets and on spaces with everything in them."""

    site_id: UUID
    kind: Kind
    starts_at: Moment
    ends_at: Moment
    reason: Reason
    asset_ids: Ids = ()
    space_ids: Ids = ()
    with_supplied: bool = Field(default=False, description="Also on what these assets supply.")


class PlannedWorkChange(Body):
    """Another end, and perhaps another reason."""

    ends_at: Moment
    reason: Reason | None = None


@router.get("", response_model=PlannedWorkPage, summary="List planned work, last to begin first")
def get_planned_work(
    asked: Reader,
    when: Annotated[
        str, Query(max_length=20, description="current, upcoming, over or all.")
    ] = "all",
    site: UUID | None = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """Of every site where you may read alarms."""
    with asked.parts.database.read() as session:
        page = list_work(
            session,
            asked.caller,
            wish(limit, cursor, *KEY),
            now=asked.now,
            when=when,
            site_id=site,
        )
    return page_answer(page)


@router.post(
    "",
    response_model=PlannedWorkItem,
    status_code=201,
    summary="Plan work",
    responses=may_answer(409),
)
def post_planned_work(
    asked: Planner, body: PlannedWorkBody, idempotency_key: IdempotencyKey = None
) -> Response:
    """From its beginning to its end the rules with a fitting `suppress_while` fall silent there."""
    request = claim(asked, "POST /planned-work", idempotency_key, body)
    plan = Plan(**body.model_dump())
    with asked.parts.database.write() as session:
        asked.caller.require(PLAN, body.site_id)
        made = recall(session, request)
        if made is None:
            row = plan_work(session, asked.caller, plan, now=asked.now)
            content = describe_work(session, asked.caller, row.id, now=asked.now)
            location = f"planned-work/{row.id}"
            made = keep(session, request, created(content, location, version=row.version))
    return kept(made)


@router.get("/{work_id}", response_model=PlannedWorkItem, summary="Read planned work")
def get_one_planned_work(asked: Reader, work_id: UUID) -> Response:
    """As the list shows it."""
    with asked.parts.database.read() as session:
        content = describe_work(session, asked.caller, work_id, now=asked.now)
    return answer(content, version=content["version"])


@router.patch(
    "/{work_id}",
    response_model=PlannedWorkItem,
    summary="Move the end of planned work",
    responses=may_answer(404, 409, 412, 428),
)
def patch_planned_work(
    asked: Planner, work_id: UUID, body: PlannedWorkChange, if_match: IfMatch = None
) -> Response:
    """What it withholds stays withheld until the new end."""
    version = expected_version(if_match, required=True)
    with asked.parts.database.write() as session:
        row = find_work(session, asked.caller, work_id, to_change=True)
        change_work(
            session,
            asked.caller,
            row,
            now=asked.now,
            ends_at=body.ends_at,
            reason=body.reason,
            expected_version=version,
        )
        content = describe_work(session, asked.caller, work_id, now=asked.now)
    return answer(content, version=content["version"])


@router.post(
    "/{work_id}/finish",
    response_model=PlannedWorkItem,
    summary="Finish planned work early",
    responses=may_answer(404, 409),
)
def finish_planned_work(asked: Planner, work_id: UUID) -> Response:
    """What it withholds is judged again within seconds."""
    with asked.parts.database.write() as session:
        row = find_work(session, asked.caller, work_id, to_change=True)
        finish_work(session, asked.caller, row, now=asked.now)
        content = describe_work(session, asked.caller, work_id, now=asked.now)
    return answer(content, version=content["version"])


@router.post(
    "/{work_id}/cancel",
    response_model=PlannedWorkItem,
    summary="Cancel planned work",
    responses=may_answer(404, 409),
)
def cancel_planned_work(asked: Planner, work_id: UUID) -> Response:
    """It does not take place; what it withholds already is judged again within seconds."""
    with asked.parts.database.write() as session:
        row = find_work(session, asked.caller, work_id, to_change=True)
        cancel_work(session, asked.caller, row, now=asked.now)
        content = describe_work(session, asked.caller, work_id, now=asked.now)
    return answer(content, version=content["version"])
