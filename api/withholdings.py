"""Withheld alarms over HTTP: shelved, out of service, given back, reset; what is withheld now."""

from datetime import datetime, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, Field, model_validator

from api.alarms import KEY, AlarmItem
from api.answers import answer, page_answer
from api.bodies import Body, Moment
from api.deps import Asked, Permission
from api.errors import may_answer
from api.paging import Cursor, Limit, wish
from core.db import Session
from workflows.alarms import Alarm
from workflows.alarms.knowing import known_alarm
from workflows.alarms.reading import describe_alarm, find_alarm
from workflows.alarms.shelving import (
    ACT,
    LONGEST_PATROL,
    LONGEST_REASON,
    SERVICE,
    SHELVE,
    OutOfService,
    confirm_out_of_service,
    find_request,
    refuse_out_of_service,
    reset,
    return_to_service,
    shelve,
    take_out_of_service,
    unshelve,
)
from workflows.alarms.withheld_now import (
    WithheldFilter,
    describe_withholding,
    list_withheld,
)

router = APIRouter(tags=["alarms"])
Reader = Annotated[Asked, Depends(Permission("alarms.read"))]
Actor = Annotated[Asked, Depends(Permission(ACT))]
Shelver = Annotated[Asked, Depends(Permission(SHELVE))]
Server = Annotated[Asked, Depends(Permission(SERVICE))]
Reason = Annotated[str, Field(min_length=1, max_length=LONGEST_REASON)]
Kind = Literal["shelved", "suppressed", "out_of_service"]


class ShelvingBody(Body):
    """How long an alarm is shelved, and why: for some minutes, or until it clears."""

    reason: Reason
    minutes: Annotated[int, Field(ge=1, le=1440)] | None = None
    until_cleared: bool = False

    @model_validator(mode="after")
    def _one_end(self) -> "ShelvingBody":
        if (self.minutes is None) == (not self.until_cleared):
            raise ValueError("give minutes, or until_cleared: true")
        return self


class OutOfServiceBody(Body):
    """Until when an alarm is out of service, and why; of one about lives, who patrols instead."""

    until: Moment
    reason: Reason
    patrol: Annotated[str, Field(max_length=LONGEST_PATROL)] = ""


class WithholdingItem(BaseModel):
    """What withholds an alarm, or would."""

    id: UUID
    site_id: UUID
    site_name: dict[str, str]
    site_code: str
    alarm_id: UUID
    rule_id: str
    title: dict[str, str]
    severity: str
    life_safety: bool
    stands: bool = Field(description="Whether the condition holds: it would be told otherwise.")
    asset_id: UUID
    asset_code: str
    asset_name: dict[str, str]
    kind: Kind
    why: str = Field(description="shelved, maintenance, outage, out_of_service …")
    state: str = Field(description="asked, standing, ended, refused or lapsed.")
    version: int
    reason: str
    patrol: str
    one_shot: bool = Field(description="Ends when the alarm clears.")
    since: datetime
    until: datetime | None
    ended_at: datetime | None
    asked_by: UUID | None
    asked_by_name: str | None
    confirmed_by: UUID | None
    confirmed_by_name: str | None
    cause_kind: str | None
    cause_id: UUID | None


class WithholdingPage(BaseModel):
    """A page of withholdings."""

    items: list[WithholdingItem]
    next: str | None


@router.get(
    "/withholdings",
    response_model=WithholdingPage,
    summary="List what withholds alarms",
)
def get_withholdings(
    asked: Reader,
    state: Annotated[
        str, Query(max_length=20, description="standing, asked, ended, refused, lapsed or all.")
    ] = "standing",
    kind: Annotated[str | None, Query(max_length=20)] = None,
    site: UUID | None = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """What stands now, if nothing else is said; asked: what waits for a second person."""
    wanted = WithheldFilter(state, kind, site)
    with asked.parts.database.read() as session:
        page = list_withheld(session, asked.caller, wanted, wish(limit, cursor, *KEY))
    return page_answer(page)


def _found(session: Session, asked: Asked, alarm_id: UUID) -> Alarm:
    return find_alarm(session, asked.caller, alarm_id, to_change=True)


def _shown(session: Session, asked: Asked, alarm_id: UUID) -> Response:
    content: dict[str, Any] = describe_alarm(session, asked.caller, alarm_id)
    return answer(content, version=content["version"])


@router.post(
    "/alarms/{alarm_id}/shelve",
    response_model=AlarmItem,
    summary="Shelve an alarm",
    responses=may_answer(404, 409),
)
def shelve_alarm(asked: Shelver, alarm_id: UUID, body: ShelvingBody) -> Response:
    """It is judged and written down, and tells nobody until then. Never one about lives (409)."""
    until = None if body.minutes is None else asked.now + timedelta(minutes=body.minutes)
    with asked.parts.database.write() as session:
        alarm = _found(session, asked, alarm_id)
        shelve(session, asked.caller, alarm, until=until, reason=body.reason, now=asked.now)
        return _shown(session, asked, alarm_id)


@router.post(
    "/alarms/{alarm_id}/unshelve",
    response_model=AlarmItem,
    summary="End the shelving of an alarm",
    responses=may_answer(404, 409),
)
def unshelve_alarm(asked: Shelver, alarm_id: UUID) -> Response:
    """It is judged again: what still stands is told at once."""
    with asked.parts.database.write() as session:
        unshelve(session, asked.caller, _found(session, asked, alarm_id), now=asked.now)
        return _shown(session, asked, alarm_id)


@router.post(
    "/alarms/{alarm_id}/reset",
    response_model=AlarmItem,
    summary="Reset a latched alarm",
    responses=may_answer(404, 409),
)
def reset_alarm(asked: Actor, alarm_id: UUID) -> Response:
    """Once its condition is gone; a conflict before."""
    with asked.parts.database.write() as session:
        reset(session, asked.caller, _found(session, asked, alarm_id), now=asked.now)
        return _shown(session, asked, alarm_id)


@router.post(
    "/alarms/{alarm_id}/out-of-service",
    response_model=WithholdingItem,
    summary="Take an alarm out of service",
    responses=may_answer(404, 409),
)
def take_alarm_out(asked: Server, alarm_id: UUID, body: OutOfServiceBody) -> Response:
    """Of an alarm about lives this only asks: `state` is `asked` until somebody else confirms."""
    wanted = OutOfService(body.until, body.reason, body.patrol)
    with asked.parts.database.write() as session:
        alarm = _found(session, asked, alarm_id)
        row = take_out_of_service(session, asked.caller, alarm, wanted, now=asked.now)
        return answer(describe_withholding(session, asked.caller, row.id))


@router.post(
    "/alarms/{alarm_id}/return-to-service",
    response_model=AlarmItem,
    summary="Put an alarm back into service",
    responses=may_answer(404, 409),
)
def return_alarm(asked: Server, alarm_id: UUID) -> Response:
    """It is judged again: what stands is told at once."""
    with asked.parts.database.write() as session:
        return_to_service(session, asked.caller, _found(session, asked, alarm_id), now=asked.now)
        return _shown(session, asked, alarm_id)


@router.post(
    "/withholdings/{withholding_id}/confirm",
    response_model=WithholdingItem,
    summary="Confirm that an alarm about lives goes out of service",
    responses=may_answer(404, 409),
)
def confirm_withholding(asked: Server, withholding_id: UUID) -> Response:
    """By somebody else than who asked (409)."""
    with asked.parts.database.write() as session:
        row, alarm = find_request(session, asked.caller, withholding_id)
        confirm_out_of_service(session, asked.caller, row, alarm, now=asked.now)
        return answer(describe_withholding(session, asked.caller, withholding_id))


@router.post(
    "/withholdings/{withholding_id}/refuse",
    response_model=WithholdingItem,
    summary="Refuse a request, or take it back",
    responses=may_answer(404, 409),
)
def refuse_withholding(asked: Server, withholding_id: UUID) -> Response:
    """The alarm stays in service."""
    with asked.parts.database.write() as session:
        row, _alarm = find_request(session, asked.caller, withholding_id)
        refuse_out_of_service(session, asked.caller, row, now=asked.now)
        return answer(describe_withholding(session, asked.caller, withholding_id))


@router.put(
    "/assets/{asset_id}/alarms/{rule_id}",
    response_model=AlarmItem,
    summary="Know the alarm of a rule on an asset",
    responses=may_answer(404),
)
def put_known_alarm(asked: Server, asset_id: UUID, rule_id: str) -> Response:
    """So that one which never tripped can be taken out of service. Safe to repeat."""
    with asked.parts.database.write() as session:
        alarm = known_alarm(session, asked.caller, asset_id, rule_id)
        asked.caller.require(SERVICE, alarm.site_id)
        return _shown(session, asked, alarm.id)
