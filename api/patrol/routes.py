"""Routes over HTTP: which checkpoints rounds go to."""

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
from api.patrol.route_shapes import (
    InUse,
    RoutePage,
    RouteTimes,
    RouteToKeep,
    RouteToMake,
    RouteWhole,
)
from core.db import Session
from core.idempotency import keep, recall
from workflows import patrol
from workflows.patrol import rounds

router = APIRouter(tags=["patrol"])
Reader = Annotated[Asked, Depends(Permission(patrol.READ))]
Writer = Annotated[Asked, Depends(Permission(patrol.WRITE))]


@router.get("/routes", response_model=RoutePage, summary="List routes")
def get_routes(
    asked: Reader,
    site: UUID | None = None,
    state: InUse | None = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """Routes of every site where you see checkpoints, the last made first, without their points."""
    with asked.parts.database.read() as session:
        page = rounds.list_routes(
            session, asked.caller, wish(limit, cursor, UUID), site_id=site, state=state
        )
    return page_answer(page)


@router.get("/routes/{route_id}", response_model=RouteWhole, summary="Read a route")
def get_route(asked: Reader, route_id: UUID) -> Response:
    """With its points in their order."""
    with asked.parts.database.read() as session:
        return _shown(session, asked, route_id)


def _shown(session: Session, asked: Asked, route_id: UUID) -> Response:
    content = rounds.describe_route(session, asked.caller, route_id)
    return answer(content, version=content["version"])


@router.get("/routes/{route_id}/times", response_model=RouteTimes, summary="Time a route")
def get_route_times(asked: Reader, route_id: UUID) -> Response:
    """How long each leg takes usually, learned once a day from the rounds of 90 days.

    Nothing is said of a leg until it was gone often enough. `short_min` warns of a plan that gives
    less time than its route takes.
    """
    with asked.parts.database.read() as session:
        return answer(rounds.times_of_route(session, asked.caller, route_id))


@router.post(
    "/routes",
    response_model=RouteWhole,
    status_code=201,
    summary="Create a route",
    responses=may_answer(409),
)
def post_route(
    asked: Writer, body: RouteToMake, idempotency_key: IdempotencyKey = None
) -> Response:
    """Through checkpoints of one site. Its rounds are made once a plan says when they begin."""
    asked.caller.require(patrol.WRITE, body.site_id)
    request = claim(asked, "POST /routes", idempotency_key, body)
    with asked.parts.database.write() as session:
        made = recall(session, request)
        if made is None:
            row = rounds.create_route(
                session, body.site_id, body.draft(), actor=asked.actor, now=asked.now
            )
            content = rounds.describe_route(session, asked.caller, row.id)
            answered = created(content, f"routes/{row.id}", version=content["version"])
            made = keep(session, request, answered)
    return kept(made)


@router.put(
    "/routes/{route_id}",
    response_model=RouteWhole,
    summary="Change a route",
    responses=may_answer(409, 412, 428),
)
def put_route(
    asked: Writer, route_id: UUID, body: RouteToKeep, if_match: IfMatch = None
) -> Response:
    """The whole route as it is to be. Needs the ETag of what you read as If-Match.

    Rounds that have not opened yet are made anew; others go where they were planned to. One that
    is out of use can't be changed.
    """
    version = expected_version(if_match, required=True)
    with asked.parts.database.write() as session:
        row = _route(session, asked, route_id)
        rounds.change_route(
            session,
            row,
            body.draft(),
            actor=asked.actor,
            now=asked.now,
            expected_version=version,
        )
        return _shown(session, asked, route_id)


def _route(session: Session, asked: Asked, route_id: UUID) -> rounds.Route:
    return rounds.find_route(session, asked.caller, route_id, permission=patrol.WRITE)


@router.post(
    "/routes/{route_id}/retire",
    response_model=RouteWhole,
    summary="Take a route out of use",
    responses=may_answer(409),
)
def post_route_retire(asked: Writer, route_id: UUID) -> Response:
    """No more rounds are made of it, and those that have not opened yet are taken away."""
    return _moved(asked, route_id, "retire")


@router.post(
    "/routes/{route_id}/reactivate",
    response_model=RouteWhole,
    summary="Take a route into use again",
    responses=may_answer(409),
)
def post_route_reactivate(asked: Writer, route_id: UUID) -> Response:
    """Its plans make rounds again from now on."""
    return _moved(asked, route_id, "reactivate")


def _moved(asked: Asked, route_id: UUID, action: str) -> Response:
    with asked.parts.database.write() as session:
        row = _route(session, asked, route_id)
        rounds.move_route(session, row, action, actor=asked.actor, now=asked.now)
        return _shown(session, asked, route_id)
