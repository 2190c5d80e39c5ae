"""Alarms and their episodes over HTTP: list, read, acknowledge."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, Field

from api.answers import answer, page_answer
from api.deps import Asked, Permission
from api.errors import may_answer
from api.paging import Cursor, Limit, wish
from workflows.alarms import acknowledge
from workflows.alarms.reading import (
    AlarmFilter,
    describe_alarm,
    find_alarm,
    list_alarms,
    list_episodes,
    states_named,
)

router = APIRouter(tags=["alarms"])
Reader = Annotated[Asked, Depends(Permission("alarms.read"))]
Operator = Annotated[Asked, Depends(Permission("alarms.act"))]
RuleId = Annotated[str | None, Query(max_length=120)]
KEY = (datetime, UUID)


class Withheld(BaseModel):
    """What keeps an alarm from telling anybody."""

    id: UUID
    kind: str = Field(description="shelved, suppressed or out_of_service.")
    why: str = Field(description="shelved, maintenance, outage, out_of_service …")
    reason: str
    since: datetime
    until: datetime | None
    one_shot: bool = Field(description="Ends when the alarm clears.")
    patrol: str
    asked_by_id: UUID | None
    asked_by: str | None
    confirmed_by: str | None
    cause_kind: str | None
    cause_id: UUID | None


class AssetNamed(BaseModel):
    """What an asset is, and what people call it."""

    type: str
    name: dict[str, str]


class AlarmItem(BaseModel):
    """One rule on one asset. failing: why the rule can't be judged, when it can't."""

    id: UUID
    site_id: UUID
    asset_id: UUID
    asset_code: str
    asset_name: dict[str, str]
    rule_id: str
    rule_version: int
    title: dict[str, str]
    severity: str
    life_safety: bool
    state: str = Field(description="normal, or unacknowledged, acknowledged … (ISA-18.2).")
    phase: str = Field(description="Where the engine stands: normal, pending, active, clearing.")
    reason: str
    assets: dict[str, AssetNamed] = Field(
        description="Of other assets that the reason names, by code: `type` and `name`."
    )
    failing: str | None
    raised_at: datetime | None
    returned_at: datetime | None
    episodes: int
    chatter_since: datetime | None = Field(description="Since when it chatters, if it does.")
    chatter_count: int = Field(description="How often it tripped since it chatters.")
    incident_id: UUID | None = Field(description="The incident that it was part of last.")
    incident_alarms: int = Field(description="How many alarms that has.")
    ticket_id: UUID | None
    version: int
    realarm_due: datetime | None = Field(description="When it is told again if it still stands.")
    withheld: Withheld | None


class AlarmPage(BaseModel):
    """A page of alarms."""

    items: list[AlarmItem]
    next: str | None


class EpisodeItem(BaseModel):
    """From one trip of an alarm to its clearing."""

    id: UUID
    site_id: UUID
    alarm_id: UUID
    rule_id: str
    asset_id: UUID
    asset_code: str
    rule_version: int
    tripped_at: datetime
    cleared_at: datetime | None
    learned_at: datetime
    acknowledged_at: datetime | None
    acknowledged_by: UUID | None
    reason: str
    assets: dict[str, AssetNamed] = Field(
        description="Of other assets that the reason names, by code: `type` and `name`."
    )
    ticket_id: UUID | None
    announced_at: datetime | None = Field(description="When it was told later than learned of.")
    withheld: str | None = Field(description="What kept it from being told: shelved, outage …")
    trips: int = Field(description="More than one where the alarm chattered meanwhile.")
    chattered_until: datetime | None


class EpisodePage(BaseModel):
    """A page of episodes."""

    items: list[EpisodeItem]
    next: str | None


@router.get("/alarms", response_model=AlarmPage, summary="List alarms, last raised first")
def get_alarms(
    asked: Reader,
    state: Annotated[
        str, Query(max_length=40, description="active (all but normal), withheld, all, or one.")
    ] = "active",
    site: UUID | None = None,
    asset: UUID | None = None,
    rule: RuleId = None,
    chattering: Annotated[
        bool | None, Query(description="Only those that chatter, or only the others.")
    ] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """Alarms of every site where you may read them."""
    wanted = AlarmFilter(states_named(state), site, asset, rule, chattering=chattering)
    with asked.parts.database.read() as session:
        page = list_alarms(session, asked.caller, wanted, wish(limit, cursor, *KEY))
    return page_answer(page)


@router.get("/alarms/{alarm_id}", response_model=AlarmItem, summary="Read an alarm")
def get_alarm(asked: Reader, alarm_id: UUID) -> Response:
    """As the list shows it."""
    with asked.parts.database.read() as session:
        content = describe_alarm(session, asked.caller, alarm_id)
    return answer(content, version=content["version"])


@router.get(
    "/alarms/{alarm_id}/episodes", response_model=EpisodePage, summary="List an alarm's episodes"
)
def get_alarm_episodes(
    asked: Reader, alarm_id: UUID, limit: Limit = 50, cursor: Cursor = None
) -> Response:
    """The last tripped first."""
    with asked.parts.database.read() as session:
        find_alarm(session, asked.caller, alarm_id)
        wanted = AlarmFilter(alarm_id=alarm_id)
        page = list_episodes(session, asked.caller, wanted, wish(limit, cursor, int, UUID))
    return page_answer(page)


@router.get("/episodes", response_model=EpisodePage, summary="List episodes, last tripped first")
def get_episodes(
    asked: Reader,
    site: UUID | None = None,
    asset: UUID | None = None,
    rule: RuleId = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """Every trip of every alarm of the sites where you may read them."""
    wanted = AlarmFilter(None, site, asset, rule)
    with asked.parts.database.read() as session:
        page = list_episodes(session, asked.caller, wanted, wish(limit, cursor, int, UUID))
    return page_answer(page)


@router.post(
    "/alarms/{alarm_id}/acknowledge",
    response_model=AlarmItem,
    summary="Acknowledge an alarm",
    responses=may_answer(409),
)
def acknowledge_alarm(asked: Operator, alarm_id: UUID) -> Response:
    """Says that you have seen it. A conflict when there is nothing to acknowledge."""
    with asked.parts.database.write() as session:
        alarm = find_alarm(session, asked.caller, alarm_id, to_change=True)
        asked.caller.require("alarms.act", alarm.site_id)
        acknowledge(session, alarm, person=asked.person, now=asked.now)
        content = describe_alarm(session, asked.caller, alarm_id)
    return answer(content, version=content["version"])
