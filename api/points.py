"""Points over HTTP: list, read, their last value and their series."""

from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, Field

from api.answers import answer, page_answer
from api.bodies import Moment
from api.deps import Asked, Permission
from api.errors import may_answer
from api.paging import Cursor, Limit, wish
from api.readings import MOST_BUCKETS, LastReading, default_step, last_reading
from core.clock import MICROS, from_micros, to_micros
from core.errors import Invalid, NotFound
from core.register import RegisterFilter, describe_point, list_points

router = APIRouter(tags=["points"])
Reader = Annotated[Asked, Depends(Permission("telemetry.read"))]


class PointItem(BaseModel):
    """One measured or switched value of an asset, fed by one key of a device."""

    id: UUID
    series: int = Field(description="The number under which telemetry keeps it.")
    site_id: UUID
    asset_id: UUID
    asset_code: str
    device_id: UUID
    code: str
    key: str
    name: dict[str, str]
    kind: str
    unit: str | None
    low: float | None
    high: float | None
    states: list[str] | None
    expected_interval: float | None = Field(description="Seconds; none when it speaks on change.")
    scale: float | None = Field(description="What the device says is multiplied by it.")
    shift: float | None = Field(description="Added after that; -1 and 1 turn a boolean round.")


class PointPage(BaseModel):
    """A page of points."""

    items: list[PointItem]
    next: str | None


class Series(BaseModel):
    """A series cut into buckets of `step` seconds; empty ones are left out."""

    unit: str | None
    step: int
    start: list[datetime]
    mean: list[float]
    minimum: list[float]
    maximum: list[float]
    count: list[int]


@router.get("/points", response_model=PointPage, summary="List points, newest first")
def get_points(
    asked: Reader,
    asset: UUID | None = None,
    site: UUID | None = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """Points of every site where you may read telemetry."""
    wanted = RegisterFilter(site, asset)
    with asked.parts.database.read() as session:
        page = list_points(session, asked.caller, wanted, wish(limit, cursor, UUID))
    return page_answer(page)


@router.get("/points/{point_id}", response_model=PointItem, summary="Read a point")
def get_point(asked: Reader, point_id: UUID) -> Response:
    """As the list shows it."""
    with asked.parts.database.read() as session:
        content = describe_point(session, asked.caller, point_id)
    return answer(content)


@router.get(
    "/points/{point_id}/last", response_model=LastReading, summary="Read a point's last value"
)
def get_last(asked: Reader, point_id: UUID) -> Response:
    """Not found also while the point has no reading yet."""
    with asked.parts.database.read() as session:
        point = describe_point(session, asked.caller, point_id)
    last = asked.parts.telemetry.last([point["series"]]).get(point["series"])
    if last is None:
        raise NotFound("this point has no reading yet", advice="See that its device speaks.")
    return answer(last_reading(last, point["states"]))


@router.get(
    "/points/{point_id}/series",
    response_model=Series,
    summary="Read a point's series",
    responses=may_answer(422),
)
def get_series(
    asked: Reader,
    point_id: UUID,
    start: Annotated[Moment | None, Query(description="A day before end.")] = None,
    end: Annotated[Moment | None, Query(description="Now, if not given.")] = None,
    step: Annotated[
        int | None, Query(ge=1, le=366 * 86400, description="Seconds; chosen if not given.")
    ] = None,
) -> Response:
    """Mean, least, greatest and count of each bucket of [start, end), aligned to 1970."""
    until = end or asked.now
    since = start or until - timedelta(days=1)
    chosen = step or default_step((until - since).total_seconds())
    _require_sense(since, until, chosen)
    with asked.parts.database.read() as session:
        point = describe_point(session, asked.caller, point_id)
    buckets = asked.parts.telemetry.series(
        point["series"], to_micros(since), to_micros(until), chosen * MICROS
    )
    content = {
        "unit": point["unit"],
        "step": chosen,
        "start": [from_micros(at) for at in buckets.start],
        "mean": buckets.mean,
        "minimum": buckets.minimum,
        "maximum": buckets.maximum,
        "count": buckets.count,
    }
    return answer(content)


def _require_sense(start: datetime, end: datetime, step: int) -> None:
    if start >= end:
        raise Invalid("there is no such time", problems=["start: must be before end"])
    least = -(-int((end - start).total_seconds()) // MOST_BUCKETS)
    if step < least:
        raise Invalid("that is too fine", problems=[f"step: at least {least} for so long a time"])
