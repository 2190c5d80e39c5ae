"""Lone workers over HTTP: checking in, who is watched, plans, and places without signal."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Response

from api.answers import IdempotencyKey, IfMatch, answer, claim, created, expected_version, kept
from api.deps import Asked, Permission
from api.errors import may_answer
from api.patrol.lone_shapes import (
    DeadZones,
    LonePlanBody,
    LonePlanItem,
    LonePlans,
    NewLonePlan,
    OwnWatch,
    Watches,
)
from core.db import Session
from core.idempotency import keep, recall
from workflows import patrol
from workflows.patrol import lone

router = APIRouter(tags=["lone workers"])
Reader = Annotated[Asked, Depends(Permission(patrol.READ))]
Guard = Annotated[Asked, Depends(Permission(patrol.SCAN))]
Watcher = Annotated[Asked, Depends(Permission(patrol.PEOPLE))]
Writer = Annotated[Asked, Depends(Permission(patrol.WRITE))]


@router.post("/lone-worker/check-in", response_model=OwnWatch, summary="Say that you are well")
def post_check_in(asked: Guard) -> Response:
    """As often as you like. `watch` is null where you need not check in now."""
    with asked.parts.database.write() as session:
        return answer({"watch": lone.check_in(session, asked.caller, now=asked.now)})


@router.get("/lone-worker", response_model=OwnWatch, summary="See when you have to check in")
def get_lone_worker(asked: Guard) -> Response:
    """Your own: `due_at` is when the next sign of life is due. Any accepted scan is one."""
    with asked.parts.database.read() as session:
        return answer({"watch": lone.own_watch(session, asked.caller)})


@router.get("/lone-workers", response_model=Watches, summary="See who has to check in")
def get_lone_workers(asked: Watcher, site: UUID | None = None) -> Response:
    """Those overdue first, where you hold `scans.read`."""
    with asked.parts.database.read() as session:
        found = lone.living_watches(session, asked.caller, patrol.PEOPLE, site_id=site)
        return answer({"items": found})


@router.get("/lone-worker-plans", response_model=LonePlans, summary="List who must check in")
def get_lone_plans(asked: Reader, site: UUID | None = None) -> Response:
    """Plans of the sites that you see, those in use first."""
    with asked.parts.database.read() as session:
        return answer({"items": lone.list_lone_plans(session, asked.caller, site_id=site)})


@router.post(
    "/lone-worker-plans",
    response_model=LonePlanItem,
    status_code=201,
    summary="Have people check in",
)
def post_lone_plan(
    asked: Writer, body: NewLonePlan, idempotency_key: IdempotencyKey = None
) -> Response:
    """From now on, whoever of the team is on duty, within the hours."""
    asked.caller.require(patrol.WRITE, body.site_id)
    request = claim(asked, "POST /lone-worker-plans", idempotency_key, body)
    with asked.parts.database.write() as session:
        made = recall(session, request)
        if made is None:
            row = lone.create_lone_plan(
                session, body.site_id, body.draft(), actor=asked.actor, now=asked.now
            )
            content = lone.describe_lone_plan(session, row.id)
            answered = created(content, f"lone-worker-plans/{row.id}", version=row.version)
            made = keep(session, request, answered)
    return kept(made)


def _found(session: Session, asked: Asked, plan_id: UUID) -> lone.LonePlan:
    return lone.find_lone_plan(session, asked.caller, plan_id, permission=patrol.WRITE)


def _shown(session: Session, plan_id: UUID) -> Response:
    session.flush()
    content = lone.describe_lone_plan(session, plan_id)
    return answer(content, version=content["version"])


@router.put(
    "/lone-worker-plans/{lone_plan_id}",
    response_model=LonePlanItem,
    summary="Change who must check in",
    responses=may_answer(409, 412, 428),
)
def put_lone_plan(
    asked: Writer, lone_plan_id: UUID, body: LonePlanBody, if_match: IfMatch = None
) -> Response:
    """What is due already stays so; the rest counts from the last sign of life."""
    version = expected_version(if_match, required=True)
    with asked.parts.database.write() as session:
        row = _found(session, asked, lone_plan_id)
        lone.change_lone_plan(
            session,
            row,
            body.draft(),
            actor=asked.actor,
            now=asked.now,
            expected_version=version,
        )
        return _shown(session, lone_plan_id)


@router.post(
    "/lone-worker-plans/{lone_plan_id}/retire",
    response_model=LonePlanItem,
    summary="End a plan",
    responses=may_answer(409),
)
def post_lone_plan_retire(asked: Writer, lone_plan_id: UUID) -> Response:
    """Whoever is overdue stays so until they are heard of."""
    with asked.parts.database.write() as session:
        row = _found(session, asked, lone_plan_id)
        lone.move_lone_plan(session, row, "retire", actor=asked.actor, now=asked.now)
        return _shown(session, lone_plan_id)


@router.post(
    "/lone-worker-plans/{lone_plan_id}/reactivate",
    response_model=LonePlanItem,
    summary="Take a plan up again",
    responses=may_answer(409),
)
def post_lone_plan_reactivate(asked: Writer, lone_plan_id: UUID) -> Response:
    """From now on."""
    with asked.parts.database.write() as session:
        row = _found(session, asked, lone_plan_id)
        lone.move_lone_plan(session, row, "reactivate", actor=asked.actor, now=asked.now)
        return _shown(session, lone_plan_id)


@router.get("/dead-zones", response_model=DeadZones, summary="List places without signal")
def get_dead_zones(asked: Reader, site: UUID | None = None) -> Response:
    """Those that somebody flagged, of one site or of all that you see."""
    with asked.parts.database.read() as session:
        return answer({"items": lone.list_dead_zones(session, asked.caller, site)})


def _flag(asked: Asked, place_id: UUID, *, flagged: bool) -> Response:
    with asked.parts.database.write() as session:
        lone.flag_dead_zone(
            session,
            asked.caller,
            place_id,
            flagged=flagged,
            permission=patrol.WRITE,
            now=asked.now,
        )
    return Response(status_code=204)


@router.put("/dead-zones/{place_id}", status_code=204, summary="Say that there is no signal")
def put_dead_zone(asked: Writer, place_id: UUID) -> Response:
    """At a checkpoint, or in a space and everything in it. Safe to repeat."""
    return _flag(asked, place_id, flagged=True)


@router.delete("/dead-zones/{place_id}", status_code=204, summary="Say that there is signal")
def delete_dead_zone(asked: Writer, place_id: UUID) -> Response:
    """Safe to repeat."""
    return _flag(asked, place_id, flagged=False)
