"""Plans of rounds over HTTP: when rounds of a route begin, and who goes them."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Response

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
from api.deps import Asked, Permission
from api.errors import may_answer
from api.paging import Cursor, Limit, wish
from api.patrol.route_shapes import InUse, PlanItem, PlanPage, PlanToKeep, PlanToMake
from core.db import Session
from core.idempotency import keep, recall
from workflows import patrol
from workflows.patrol import rounds

router = APIRouter(tags=["patrol"])
Reader = Annotated[Asked, Depends(Permission(patrol.READ))]
Writer = Annotated[Asked, Depends(Permission(patrol.WRITE))]


@router.get("/round-plans", response_model=PlanPage, summary="List plans of rounds")
def get_round_plans(
    asked: Reader,
    site: UUID | None = None,
    route: UUID | None = None,
    state: InUse | None = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """Plans of every site where you see checkpoints, the last made first."""
    with asked.parts.database.read() as session:
        page = rounds.list_plans(
            session,
            asked.caller,
            wish(limit, cursor, UUID),
            site_id=site,
            route_id=route,
            state=state,
        )
    return page_answer(page)


@router.get("/round-plans/{plan_id}", response_model=PlanItem, summary="Read a plan of rounds")
def get_round_plan(asked: Reader, plan_id: UUID) -> Response:
    """As the list shows it."""
    with asked.parts.database.read() as session:
        return _shown(session, asked, plan_id)


def _shown(session: Session, asked: Asked, plan_id: UUID) -> Response:
    content = rounds.describe_plan(session, asked.caller, plan_id)
    return answer(content, version=content["version"])


@router.post(
    "/round-plans",
    response_model=PlanItem,
    status_code=201,
    summary="Plan rounds of a route",
    responses=may_answer(404, 409),
)
def post_round_plan(
    asked: Writer, body: PlanToMake, idempotency_key: IdempotencyKey = None
) -> Response:
    """From now on. Rounds of the next 36 hours are made at once, later ones as time goes on."""
    request = claim(asked, "POST /round-plans", idempotency_key, body)
    with asked.parts.database.write() as session:
        route = rounds.find_route(session, asked.caller, body.route_id, permission=patrol.WRITE)
        made = recall(session, request)
        if made is None:
            row = rounds.create_plan(session, route, body.draft(), actor=asked.actor, now=asked.now)
            content = rounds.describe_plan(session, asked.caller, row.id)
            answered = created(content, f"round-plans/{row.id}", version=content["version"])
            made = keep(session, request, answered)
    return kept(made)


@router.put(
    "/round-plans/{plan_id}",
    response_model=PlanItem,
    summary="Change a plan of rounds",
    responses=may_answer(409, 412, 428),
)
def put_round_plan(
    asked: Writer, plan_id: UUID, body: PlanToKeep, if_match: IfMatch = None
) -> Response:
    """The whole plan as it is to be. Needs the ETag of what you read as If-Match.

    Rounds that have not opened yet are made anew. A plan that is out of use can't be changed.
    """
    version = expected_version(if_match, required=True)
    with asked.parts.database.write() as session:
        row = _plan(session, asked, plan_id)
        rounds.change_plan(
            session,
            row,
            body.draft(),
            actor=asked.actor,
            now=asked.now,
            expected_version=version,
        )
        return _shown(session, asked, plan_id)


def _plan(session: Session, asked: Asked, plan_id: UUID) -> rounds.RoundPlan:
    return rounds.find_plan(session, asked.caller, plan_id, permission=patrol.WRITE)


@router.post(
    "/round-plans/{plan_id}/retire",
    response_model=PlanItem,
    summary="Take a plan of rounds out of use",
    responses=may_answer(409),
)
def post_round_plan_retire(asked: Writer, plan_id: UUID) -> Response:
    """Its rounds that have not opened yet are taken away; those that have go on."""
    return _moved(asked, plan_id, "retire")


@router.post(
    "/round-plans/{plan_id}/reactivate",
    response_model=PlanItem,
    summary="Take a plan of rounds into use again",
    responses=may_answer(409),
)
def post_round_plan_reactivate(asked: Writer, plan_id: UUID) -> Response:
    """Rounds are made of it from now on."""
    return _moved(asked, plan_id, "reactivate")


def _moved(asked: Asked, plan_id: UUID, action: str) -> Response:
    with asked.parts.database.write() as session:
        row = _plan(session, asked, plan_id)
        rounds.move_plan(session, row, action, actor=asked.actor, now=asked.now)
        return _shown(session, asked, plan_id)
