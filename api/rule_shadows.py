"""Rules in the shadow over HTTP: begun, compared with what is in force, and ended."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, Field

from api.answers import IdempotencyKey, answer, claim, created, kept
from api.bodies import Body
from api.deps import Asked, Permission
from api.errors import may_answer
from api.rule_shapes import RuleIdentifier
from core.clock import from_micros
from core.db import Session
from core.idempotency import keep, recall
from core.rulebook_drafts import EDIT, READ, find_draft, require_known
from core.rulebook_shadows import RuleShadow, end_shadow, find_shadow, shadows_of, start_shadow
from workflows.alarms.shadow_comparing import Pair, Span, compare_shadow

router = APIRouter(tags=["rules"])
Reader = Annotated[Asked, Depends(Permission(READ))]
Writer = Annotated[Asked, Depends(Permission(EDIT))]


class ShadowItem(BaseModel):
    """A trial of a rule: it decides on live readings, opens nothing and tells nobody."""

    id: UUID
    draft_id: UUID
    node_id: UUID
    rule_id: str
    state: str
    title: dict[str, str]
    severity: str
    began_at: datetime
    began_by: str
    ended_at: datetime | None
    ended_by: str | None


class ShadowList(BaseModel):
    """The trials of a rule, newest first."""

    items: list[ShadowItem]


class SpanShown(BaseModel):
    """One episode."""

    tripped_at: datetime
    cleared_at: datetime | None


class PairShown(BaseModel):
    """One event, as the shadow and as the rule in force saw it."""

    asset_id: UUID
    shadow: SpanShown | None
    active: SpanShown | None
    seconds_later: float | None = Field(description="By how much the shadow tripped later.")


class ShadowCompared(ShadowItem):
    """A trial with what came of it."""

    both: int
    only_shadow: int
    only_active: int
    shadow_per_day: float
    active_per_day: float
    pairs: list[PairShown]


def _item(shadow: RuleShadow) -> dict[str, Any]:
    return {name: getattr(shadow, name) for name in ShadowItem.model_fields}


def _span(span: Span | None) -> dict[str, datetime | None] | None:
    if span is None:
        return None
    cleared = None if span.cleared is None else from_micros(span.cleared)
    return {"tripped_at": from_micros(span.tripped), "cleared_at": cleared}


def _pair(pair: Pair) -> dict[str, Any]:
    return {
        "asset_id": pair.asset_id,
        "shadow": _span(pair.shadow),
        "active": _span(pair.active),
        "seconds_later": pair.later,
    }


def _compared(session: Session, asked: Asked, shadow: RuleShadow) -> dict[str, Any]:
    found = compare_shadow(session, asked.caller, shadow, now=asked.now)
    return {
        **_item(shadow),
        "both": found.both,
        "only_shadow": found.only_shadow,
        "only_active": found.only_active,
        "shadow_per_day": found.per_day[0],
        "active_per_day": found.per_day[1],
        "pairs": [_pair(pair) for pair in found.pairs],
    }


@router.get(
    "/rules/{rule_id}/shadows",
    response_model=ShadowList,
    summary="List the trials of a rule in the shadow",
    responses=may_answer(404),
)
def get_rule_shadows(asked: Reader, rule_id: RuleIdentifier) -> Response:
    """Those that run and those that have ended; a rule that was never in force has them, too."""
    with asked.parts.database.read() as session:
        items = [_item(each) for each in shadows_of(session, asked.caller, rule_id)]
        if not items:
            require_known(session, asked.caller, rule_id)
    return answer({"items": items})


@router.post(
    "/rule-drafts/{draft_id}/shadows",
    response_model=ShadowItem,
    status_code=201,
    summary="Try a draft in the shadow",
    responses=may_answer(404, 409),
)
def post_rule_shadow(
    asked: Writer, draft_id: UUID, idempotency_key: IdempotencyKey = None
) -> Response:
    """As it was saved last. It begins within seconds, with no delay running and no alarm
    standing. It ends when the draft comes into force or is discarded."""
    request = claim(asked, f"POST /rule-drafts/{draft_id}/shadows", idempotency_key, Body())
    with asked.parts.database.write() as session:
        made = recall(session, request)
        if made is None:
            draft = find_draft(session, asked.caller, draft_id)
            shadow = start_shadow(session, asked.caller, draft, now=asked.now)
            made = keep(session, request, created(_item(shadow), f"rule-shadows/{shadow.id}"))
    return kept(made)


@router.get(
    "/rule-shadows/{shadow_id}",
    response_model=ShadowCompared,
    summary="Compare a trial in the shadow",
    responses=may_answer(404),
)
def get_rule_shadow(asked: Reader, shadow_id: UUID) -> Response:
    """With what the rule in force did meanwhile, where you may see alarms."""
    with asked.parts.database.read() as session:
        content = _compared(session, asked, find_shadow(session, asked.caller, shadow_id))
    return answer(content)


@router.post(
    "/rule-shadows/{shadow_id}/end",
    response_model=ShadowItem,
    summary="End a trial in the shadow",
    responses=may_answer(404, 409),
)
def end_rule_shadow(asked: Writer, shadow_id: UUID) -> Response:
    """running → ended. What it found stays."""
    with asked.parts.database.write() as session:
        shadow = find_shadow(session, asked.caller, shadow_id)
        end_shadow(session, asked.caller, shadow, now=asked.now)
        content = _item(shadow)
    return answer(content)
