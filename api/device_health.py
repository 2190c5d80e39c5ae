"""How devices and their batteries are, over HTTP (docs/device-health.md)."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, Field

from api.answers import answer, page_answer
from api.deps import Asked, Permission
from api.paging import Cursor, Limit, wish
from core.devices import Device
from core.local_time import zone
from core.places import Node
from core.register import find
from workflows.maintenance.device_health import describe_health, heard, watched
from workflows.maintenance.rounds_told import BatteryFilter, Which, list_batteries

router = APIRouter(tags=["devices"])
Reader = Annotated[Asked, Depends(Permission("devices.read"))]


class PathShown(BaseModel):
    """A way by which it is heard: a source and, behind a slash, a gateway."""

    path: str
    first_heard: datetime
    last_heard: datetime
    rssi: float | None = Field(description="dBm, the newest.")
    snr: float | None = Field(description="dB, the newest.")
    link_quality: float | None = Field(description="%, the newest.")
    today: int = Field(description="Messages on the UTC day of last_heard.")
    yesterday: int = Field(description="Messages on the day before that.")


class NewestReading(BaseModel):
    """Of its points the reading that came last. at: by its own clock, received: by ours."""

    at: datetime
    received: datetime
    quality: str


class HourShown(BaseModel):
    """How many readings of its points were measured within an hour."""

    start: datetime
    readings: int


class BatteryDay(BaseModel):
    """The lowest of a UTC day, %."""

    day: date
    percent: float


class BatteryTrend(BaseModel):
    """A battery as it was judged last, once a day."""

    percent: float | None = Field(description="The lowest of the newest day.")
    low: bool = Field(description="It is changed with the next round, whatever its trend.")
    since: date | None = Field(description="The first day of this battery, as far as is known.")
    per_day: float | None = Field(description="% that it falls in a day; none without a trend.")
    empty_on: date | None = Field(description="None where nothing is to be said.")
    cell: str | None = Field(description="What is in it, as people order it.")
    cells: int
    changed_on: date | None = Field(description="When somebody said that it was changed.")
    judged_at: datetime


class BatteryHealth(BatteryTrend):
    """The same with its days. empty_at: what counts as empty, %. days: at most a year."""

    empty_at: float
    ticket_id: UUID | None = Field(description="The open ticket on which it is changed.")
    days: list[BatteryDay]


class DeviceHealth(BaseModel):
    """How a device is."""

    device_id: UUID
    last_seen: datetime | None = Field(description="When anything of it came, by our clock.")
    newest: NewestReading | None
    clock_skew: float | None = Field(
        description="Seconds that the newest reading's own time is ahead of its receipt; none "
        "where the device gave no time of its own."
    )
    paths: list[PathShown] = Field(description="Of other dialects; the newest first.")
    hours: list[HourShown] | None = Field(
        description="The last 24 hours, the running one last; none while telemetry is away."
    )
    battery: BatteryHealth | None


class BatteryItem(BatteryTrend):
    """A battery, where it is, and the open ticket on which it is changed."""

    device_id: UUID
    site_id: UUID
    code: str
    name: dict[str, str]
    asset_id: UUID | None
    asset_name: dict[str, str] | None
    space_name: dict[str, str] | None
    ticket_id: UUID | None
    ticket_number: int | None


class BatteryPage(BaseModel):
    """A page of batteries."""

    items: list[BatteryItem]
    next: str | None


@router.get(
    "/devices/{device_id}/health", response_model=DeviceHealth, summary="Read a device's health"
)
def get_health(asked: Reader, device_id: UUID) -> Response:
    """When and how it was heard, how often, and how its battery is. Operational, no evidence."""
    with asked.parts.database.read() as session:
        known = watched(session, find(session, asked.caller, Device, device_id))
    found = heard(asked.parts.telemetry, known, now=asked.now)
    return answer(describe_health(known, found))


@router.get(
    "/batteries", response_model=BatteryPage, summary="List batteries, to be changed soonest first"
)
def get_batteries(
    asked: Reader,
    site: UUID | None = None,
    which: Annotated[
        Which | None,
        Query(description="low, or due: those that this month's rounds take."),
    ] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """Of devices at work on every site where you may read them: the low ones, then by the day."""
    with asked.parts.database.read() as session:
        node = session.get(Node, site) if site else None
        # Of several sites the month is that of UTC; their rounds begin with their own.
        local = asked.now.astimezone(zone(node.time_zone)) if node else asked.now
        wanted = BatteryFilter(local.date().replace(day=1), site, which)
        page = list_batteries(session, asked.caller, wanted, wish(limit, cursor, int, date, UUID))
    return page_answer(page)
