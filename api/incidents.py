"""Incidents over HTTP: many alarms of one cause, and taking one out."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, Field

from api.alarms import AssetNamed
from api.answers import answer, page_answer
from api.deps import Asked, Permission
from api.errors import may_answer
from api.paging import Cursor, Limit, wish
from api.tickets.shapes import TicketWhole
from workflows.alarms.incident_reading import describe_incident, list_incidents
from workflows.alarms.splitting import RIGHT, split
from workflows.tickets.reading import describe_ticket

router = APIRouter(tags=["alarms"])
Reader = Annotated[Asked, Depends(Permission("alarms.read"))]
Worker = Annotated[Asked, Depends(Permission(RIGHT))]


class IncidentItem(BaseModel):
    """Many alarms of one cause with one ticket, which is null where it is not yours to read."""

    id: UUID
    site_id: UUID
    family: str = Field(description="Of hazards, as the rules name it; empty where they do not.")
    root_kind: Literal["supply", "gateway", "space", "cause"] = Field(
        description="What the alarms have in common: an asset that supplies them, a gateway, a "
        "building, or an alarm that explains them."
    )
    root_id: UUID
    root: dict[str, str] = Field(description="What that is called.")
    first_at: datetime = Field(description="The first trip.")
    last_at: datetime = Field(description="The newest trip by which an alarm joined.")
    learned_at: datetime
    alarms: int
    standing: int = Field(description="Alarms of it whose condition holds now.")
    ticket_id: UUID | None
    ticket_number: int | None
    ticket_state: str | None


class IncidentPage(BaseModel):
    """A page of incidents."""

    items: list[IncidentItem]
    next: str | None


class IncidentAlarm(BaseModel):
    """An alarm in an incident. split_at: when somebody took it out."""

    alarm_id: UUID
    title: dict[str, str]
    severity: str
    state: str
    standing: bool
    reason: str
    assets: dict[str, AssetNamed] = Field(
        description="Of other assets that the reason names, by code: `type` and `name`."
    )
    asset_id: UUID
    asset_code: str
    asset_name: dict[str, str]
    asset_type: str
    tripped_at: datetime
    split_at: datetime | None


class AlarmBeside(BaseModel):
    """An alarm of the same time that is no part of the incident."""

    alarm_id: UUID
    title: dict[str, str]
    severity: str
    life_safety: bool
    asset_id: UUID
    asset_name: dict[str, str]
    tripped_at: datetime
    ticket_number: int | None


class IncidentWhole(IncidentItem):
    """An incident with its alarms, in the order of their trips, and those beside it."""

    children: list[IncidentAlarm]
    beside: list[AlarmBeside]


@router.get("/incidents", response_model=IncidentPage, summary="List incidents, newest first")
def get_incidents(
    asked: Reader,
    site: UUID | None = None,
    going_on: Annotated[
        bool | None, Query(description="Only those whose ticket has not ended, or the others.")
    ] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """Incidents of every site where you may read alarms."""
    with asked.parts.database.read() as session:
        wanted = wish(limit, cursor, datetime, UUID)
        page = list_incidents(session, asked.caller, wanted, site_id=site, going_on=going_on)
    return page_answer(page)


@router.get("/incidents/{incident_id}", response_model=IncidentWhole, summary="Read an incident")
def get_incident(asked: Reader, incident_id: UUID) -> Response:
    """With its alarms, and with those that tripped at the same time and are no part of it."""
    with asked.parts.database.read() as session:
        content = describe_incident(session, asked.caller, incident_id)
    return answer(content)


@router.post(
    "/incidents/{incident_id}/alarms/{alarm_id}/split",
    status_code=201,
    response_model=TicketWhole,
    summary="Take an alarm out of an incident",
    responses=may_answer(404, 409),
)
def post_split(asked: Worker, incident_id: UUID, alarm_id: UUID) -> Response:
    """The alarm gets a ticket of its own, with which this answers."""
    with asked.parts.database.write() as session:
        own = split(session, asked.caller, incident_id, alarm_id, now=asked.now)
        content = describe_ticket(session, asked.caller, own.id)
    return answer(content, 201)
