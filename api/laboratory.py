"""Back-tests over HTTP: start one, follow it, stop it."""

from dataclasses import asdict, replace
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Response
from pydantic import BaseModel, Field

from api.answers import answer
from api.bodies import Body, Moment
from api.deps import Asked, Permission
from api.errors import may_answer
from core.clock import to_micros
from core.db import Session
from core.errors import Invalid
from core.people import Caller
from rules.wording import worded
from workflows.alarms.withheld_then import withheld_at
from workflows.laboratory import Tried, draft_asked, order, version_asked, why
from workflows.laboratory.runs import Run

router = APIRouter(tags=["laboratory"])
Reader = Annotated[Asked, Depends(Permission("rules.read"))]


class Backtest(Body):
    """What is to be tried: a document, a draft, or a version of `rule_id`, that in force if none is
    named."""

    document: Annotated[str, Field(max_length=200_000)] | None = Field(
        None, description="A rule as YAML; it need not be in force."
    )
    rule_id: Annotated[str, Field(max_length=120)] | None = Field(
        None, description="Which rule, where the document holds several or there is none."
    )
    version: Annotated[int, Field(ge=1, lt=2**31)] | None = Field(
        None, description="A version of `rule_id`, in force or not."
    )
    draft_id: UUID | None = Field(None, description="A draft as it was saved last.")
    node_id: UUID | None = Field(
        None,
        description="Where it would hold. By default a draft where it is for, a version where it "
        "is kept, and a document wherever a version of its rule is in force.",
    )
    asset_id: UUID | None = Field(None, description="No asset but this one.")
    days: Annotated[float, Field(gt=0, le=400)] = Field(30, description="How far back.")
    begin: Moment | None = Field(None, description="Begin then instead.")
    until: Moment | None = Field(None, description="End then instead of now.")


class BacktestRun(BaseModel):
    """A back-test, and what it found when it is finished; see docs/laboratory.md."""

    id: UUID
    rule_id: str
    state: Literal["waiting", "running", "finished", "stopped", "failed"]
    progress: float = Field(description="How much of it is done, from 0 to 1.")
    readings: int
    begun_at: datetime
    ended_at: datetime | None
    why: str = Field(description="Why it failed.")
    result: dict[str, Any] | None


class WhyPart(BaseModel):
    """A comparison with its values; holds: null where it could not be told."""

    text: str
    holds: bool | None


class WhyDelay(BaseModel):
    """The delay that was running, if any. counted: readings so far."""

    length: str
    since: datetime | None
    due: datetime | None
    counted: int


class WhyPoint(BaseModel):
    """A point as the rule saw it. excused: the way to it was silent, so its own proves nothing."""

    point: str
    value: float | None
    at: datetime | None
    heard: datetime
    excused: bool


class WhyStep(BaseModel):
    """What the alarm did on the way."""

    at: datetime
    kind: str
    reason: str


class WhyMember(BaseModel):
    """Another asset that the rule asked. says: null where it had no say."""

    asset_id: UUID | None
    code: str
    name: dict[str, str]
    says: bool | None
    points: list[WhyPoint]


class WhyAsked(BaseModel):
    """A question to many assets, and what each of them says."""

    question: str
    asset_type: str
    members: list[WhyMember]


class WhyWithheld(BaseModel):
    """Why the alarm told nobody then. until: as it was meant to end; ended_at: when it did."""

    alarm_id: UUID
    kind: str
    why: str = Field(description="shelved, maintenance, outage, inhibited or out_of_service")
    reason: str
    since: datetime
    until: datetime | None
    ended_at: datetime | None
    one_shot: bool
    patrol: str
    asked_by_name: str | None
    confirmed_by_name: str | None
    cause_kind: str | None = Field(description="planned_work, or the alarm that explains it.")
    cause_id: UUID | None
    cause_title: dict[str, str] | None
    cause_asset: dict[str, str] | None


class WhyAnswer(BaseModel):
    """What a rule saw on an asset at a moment. waits_for: trip or clear."""

    rule_id: str
    version: int | None = Field(description="Which version was asked about, if it was one.")
    draft_id: UUID | None
    withheld: WhyWithheld | None = Field(
        description="What withheld the alarm of the rule in force; null where you may see none."
    )
    asset_id: UUID
    asset: str
    moment: datetime
    phase: str
    waits_for: str
    when: list[WhyPart]
    clear_when: list[WhyPart]
    delay: WhyDelay
    failing: str | None
    points: list[WhyPoint]
    steps: list[WhyStep]
    asked: list[WhyAsked]


@router.post(
    "/rules/backtest",
    response_model=BacktestRun,
    status_code=202,
    summary="Try a rule or draft on stored history",
    responses=may_answer(404, 409),
)
def post_backtest(asked: Reader, body: Backtest) -> Response:
    """Begins in the background, one after another; ask for it again until it is finished.

    409 while very many wait.

    Needs `telemetry.read` as well, and covers the sites where you hold it.
    """
    caller, parts = asked.caller, asked.parts
    caller.require_anywhere("telemetry.read")
    now = parts.clock.now()
    end = min(body.until or now, now)
    begin = body.begin or end - timedelta(days=body.days)
    with parts.database.read() as session:
        tried = _tried(session, caller, body)
        wanted = order(
            session, caller, tried.document, rule_id=tried.rule_id or None, node_id=tried.node_id,
            start=to_micros(begin), end=to_micros(end), shard=parts.settings.shard,
            only=body.asset_id,
        )  # fmt: skip
    run = parts.backtests.start(caller.person_id, wanted)
    return answer(_told(asked, run), status=202)


def _tried(session: Session, caller: Caller, body: Backtest) -> Tried:
    if body.document is not None:
        return Tried(body.rule_id or "", body.document, body.node_id)
    if body.draft_id is not None:
        tried = draft_asked(session, caller, body.draft_id)
    elif body.rule_id is not None:
        tried = version_asked(session, caller, body.rule_id, body.version)
    else:
        raise Invalid(
            worded("nothing is to be tried"),
            advice=worded("Give a document, a draft_id or a rule_id."),
        )
    return tried if body.node_id is None else replace(tried, node_id=body.node_id)


@router.get(
    "/rules/backtest/{run_id}",
    response_model=BacktestRun,
    summary="Follow a back-test of yours",
    responses=may_answer(404),
)
def get_backtest(asked: Reader, run_id: UUID) -> Response:
    """Kept in the process that did it for an hour after its end."""
    run = asked.parts.backtests.find(asked.caller.person_id, run_id)
    return answer(_told(asked, run))


@router.delete(
    "/rules/backtest/{run_id}",
    response_model=BacktestRun,
    summary="Stop a back-test of yours",
    responses=may_answer(404),
)
def delete_backtest(asked: Reader, run_id: UUID) -> Response:
    """It ends within a moment; what it had found by then is not told."""
    run = asked.parts.backtests.stop(asked.caller.person_id, run_id)
    return answer(_told(asked, run))


@router.get(
    "/assets/{asset_id}/rules/{rule_id}/why",
    response_model=WhyAnswer,
    summary="Why a rule did, or did not, trip on an asset at a moment",
    responses=may_answer(404),
)
def get_why(
    asked: Reader,
    asset_id: UUID,
    rule_id: Annotated[str, Path(max_length=120)],
    moment: Annotated[Moment | None, Query(description="By default the present.")] = None,
    version: Annotated[
        int | None, Query(ge=1, lt=2**31, description="By default the one in force there.")
    ] = None,
    draft_id: Annotated[UUID | None, Query(description="A draft instead.")] = None,
) -> Response:
    """What the rule saw by then, replayed from the readings stored, and what withheld its alarm.

    Needs `telemetry.read` on the site of the asset as well.
    """
    parts = asked.parts
    with parts.database.read() as session:
        tried = why.meant(
            session, asked.caller, asset_id, rule_id, version=version, draft_id=draft_id
        )
        now = parts.clock.now()
        when = min(moment or now, now)
        wanted = why.ask(session, asked.caller, tried, asset_id, when, shard=parts.settings.shard)
        withheld = withheld_at(session, asked.caller, asset_id, wanted.rule.id, when)
    told = why.explain(wanted, parts.telemetry).as_json()
    about = {"version": tried.version, "draft_id": tried.draft_id}
    return answer({**told, **about, "withheld": asdict(withheld) if withheld else None})


def _told(asked: Asked, run: Run) -> dict[str, Any]:
    [failure] = asked.told([run.why])
    return {
        "id": run.id,
        "rule_id": run.rule_id,
        "state": run.state,
        "progress": round(run.part, 4),
        "readings": run.readings,
        "begun_at": run.begun_at,
        "ended_at": run.ended_at,
        "why": failure,
        "result": run.result.as_json() if run.result else None,
    }
