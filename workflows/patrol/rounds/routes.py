"""Routes: which checkpoints a round goes to, in which order, and in which part of its time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import and_, delete, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from core import events
from core.errors import Conflict, Invalid, NotFound
from core.inherited import code_problems, name_problems, tidy, word_problems
from core.lifecycle import move
from core.paging import Page, Wish, newest_first, rows_of
from core.people import Caller, scoped
from core.places import Asset
from rules.wording import Message, worded
from workflows.patrol.checkpoints import READ, checkpoint_of
from workflows.patrol.model import ASSET_TYPE, Checkpoint
from workflows.patrol.posts.model import Post
from workflows.patrol.rounds.coverage import note_coverage
from workflows.patrol.rounds.making import remake_rounds
from workflows.patrol.rounds.model import DRAWN, ORDERS, ROUTE, RoundPlan, Route, RoutePoint

MOST_POINTS = 200
# A day: no round is longer.
LONGEST_MIN = 24 * 60
_OF_A_POST = "post"
_ROWS = rows_of(
    Route.id,
    Route.site_id,
    Route.code,
    Route.name,
    Route.order,
    Route.take,
    Route.state,
    Route.version,
)


@dataclass(frozen=True, slots=True)
class Stop:
    """A checkpoint of a route to be. opens_min, closes_min: minutes after the planned start."""

    checkpoint_id: UUID
    opens_min: int | None = None
    closes_min: int | None = None


@dataclass(frozen=True, slots=True)
class RouteDraft:
    """A route as it is to be. name: {"en": …, "zh": …}; order: one of ORDERS; take: see Route."""

    code: str
    name: Mapping[str, str]
    points: Sequence[Stop]
    order: str = "ordered"
    take: int | None = None


def create_route(
    session: Session, site_id: UUID, draft: RouteDraft, *, actor: events.Actor, now: datetime
) -> Route:
    """Make a route. Raises Invalid with every problem, Conflict for a code that is taken."""
    _check(session, site_id, draft, LONGEST_MIN)
    row = Route(
        site_id=site_id,
        code=draft.code,
        name=tidy(draft.name),
        order=draft.order,
        take=draft.take,
        state="active",
        version=1,
    )
    session.add(row)
    try:
        session.flush()
    except IntegrityError as error:
        raise Conflict(
            worded("there is a route %(code)s on this site already", code=draft.code),
            advice=worded("Choose another code."),
        ) from error
    _set_points(session, row, draft.points, actor, now)
    events.append(
        session,
        "route.create",
        ("route", row.id),
        actor=actor,
        learned_at=now,
        site_id=site_id,
        after={"code": row.code, "points": len(draft.points)},
    )
    return row


def change_route(
    session: Session,
    row: Route,
    draft: RouteDraft,
    *,
    actor: events.Actor,
    now: datetime,
    expected_version: int | None = None,
) -> Route:
    """Make a route as `draft` says; its code stays. Raises Invalid with every problem.

    Rounds that have not opened yet are made anew; others go where they were planned to.
    """
    if draft.code != row.code:
        raise Invalid(
            worded("the route was not changed"), problems=[worded("code: cannot be changed")]
        )
    _check(session, row.site_id, draft, shortest_plan(session, row.id))
    move(
        session,
        row,
        ROUTE,
        "change",
        actor=actor,
        learned_at=now,
        values={"name": tidy(draft.name), "order": draft.order, "take": draft.take},
        facts={"points": len(draft.points)},
        expected_version=expected_version,
    )
    session.execute(delete(RoutePoint).where(RoutePoint.route_id == row.id))
    _set_points(session, row, draft.points, actor, now)
    remake_rounds(session, row, now=now, actor=actor)
    note_coverage(session, row, actor=actor, now=now)
    return row


def move_route(
    session: Session,
    row: Route,
    action: str,
    *,
    actor: events.Actor,
    now: datetime,
    expected_version: int | None = None,
) -> None:
    """`retire` a route: no more rounds are made of it; or `reactivate` it.

    Conflict if it is so already, and where a post has one of its checkpoints by now.
    """
    if action == "reactivate":
        _refuse_posts(session, row)
    move(
        session,
        row,
        ROUTE,
        action,
        actor=actor,
        learned_at=now,
        expected_version=expected_version,
    )
    remake_rounds(session, row, now=now, actor=actor)
    note_coverage(session, row, actor=actor, now=now)


def remake_rounds_at(
    session: Session, site_ids: Sequence[UUID], *, actor: events.Actor, now: datetime
) -> None:
    """Make the rounds of sites that have not opened yet by the clocks that they have now."""
    routes = select(Route).where(Route.site_id.in_(site_ids), Route.state == "active")
    for route in session.scalars(routes.order_by(Route.id).with_for_update()).all():
        remake_rounds(session, route, now=now, actor=actor)
        note_coverage(session, route, actor=actor, now=now)


def _refuse_posts(session: Session, row: Route) -> None:
    points = select(RoutePoint.checkpoint_id).where(RoutePoint.route_id == row.id)
    states = _checkpoints(session, row.site_id, list(session.scalars(points)))
    if _OF_A_POST in states.values():
        raise Conflict(
            worded("one of its checkpoints is that of a post now"),
            advice=worded("Give the post a checkpoint of its own first."),
        )


def latest_opening(session: Session, route_id: UUID) -> int:
    """How long after the planned start the last window of a route opens, in minutes."""
    statement = select(func.max(RoutePoint.opens_min)).where(RoutePoint.route_id == route_id)
    return session.scalar(statement) or 0


def shortest_plan(session: Session, route_id: UUID) -> int:
    """The shortest duration of a plan in use of a route, in minutes; LONGEST_MIN without any."""
    statement = select(func.min(RoundPlan.duration_min)).where(
        RoundPlan.route_id == route_id, RoundPlan.state == "active"
    )
    return session.scalar(statement) or LONGEST_MIN


def _check(session: Session, site_id: UUID, draft: RouteDraft, shortest: int) -> None:
    problems = [
        *code_problems(draft.code),
        *name_problems(draft.name, "name"),
        *word_problems(draft.order, ORDERS, "order"),
    ]
    if not 1 <= len(draft.points) <= MOST_POINTS:
        problems.append(worded("points: 1 to %(most)s checkpoints", most=MOST_POINTS))
    if draft.take is not None:
        if draft.order not in DRAWN:
            problems.append(
                worded(
                    "take: only a route whose order is one of %(known)s draws its points",
                    known=", ".join(DRAWN),
                )
            )
        elif not 1 <= draft.take <= len(draft.points):
            problems.append(worded("take: 1 to as many points as the route has"))
    known = _checkpoints(session, site_id, [stop.checkpoint_id for stop in draft.points])
    for number, stop in enumerate(draft.points):
        problems += [
            worded("points.%(number)s: %(problem)s", number=number, problem=problem)
            for problem in _stop_problems(stop, known)
        ]
    late = worded(
        "opens_min: less than %(shortest)s, which a plan of this route takes", shortest=shortest
    )
    problems += [
        worded("points.%(number)s: %(problem)s", number=number, problem=late)
        for number, stop in enumerate(draft.points)
        if (stop.opens_min or 0) >= shortest
    ]
    seen = [stop.checkpoint_id for stop in draft.points]
    if draft.order != "ordered" and len(set(seen)) < len(seen):
        problems.append(worded("points: only an ordered route goes to a checkpoint twice"))
    if problems:
        raise Invalid(worded("the route was not saved"), problems=problems)


def _stop_problems(stop: Stop, known: Mapping[UUID, str]) -> list[Message]:
    problems = []
    state = known.get(stop.checkpoint_id)
    if state is None:
        problems.append(worded("a checkpoint of this site"))
    elif state == _OF_A_POST:
        problems.append(
            worded("this checkpoint is that of a post, where a scan says who comes and leaves")
        )
    elif state != "active":
        problems.append(worded("this checkpoint is out of use"))
    given = [value for value in (stop.opens_min, stop.closes_min) if value is not None]
    if any(not 0 <= value <= LONGEST_MIN for value in given):
        problems.append(worded("opens_min, closes_min: 0 to %(most)s", most=LONGEST_MIN))
    elif len(given) == 2 and given[0] >= given[1]:
        problems.append(worded("closes_min: later than opens_min"))
    return problems


def _checkpoints(session: Session, site_id: UUID, ids: Sequence[UUID]) -> Mapping[UUID, str]:
    """By id the states of those that are checkpoints of a site."""
    statement = (
        select(Asset.id, Checkpoint.state, Post.id)
        .outerjoin(Checkpoint, Checkpoint.id == Asset.id)
        .outerjoin(Post, and_(Post.checkpoint_id == Asset.id, Post.state == "active"))
        .where(Asset.site_id == site_id, Asset.type == ASSET_TYPE, Asset.id.in_(set(ids)))
    )
    return {
        asset_id: _OF_A_POST if post_id is not None else state or "active"
        for asset_id, state, post_id in session.execute(statement)
    }


def _set_points(
    session: Session, row: Route, points: Sequence[Stop], actor: events.Actor, now: datetime
) -> None:
    for position, stop in enumerate(points):
        asset = session.get_one(Asset, stop.checkpoint_id)
        checkpoint_of(session, asset, actor=actor, now=now)
        session.add(
            RoutePoint(
                route_id=row.id,
                position=position,
                site_id=row.site_id,
                checkpoint_id=stop.checkpoint_id,
                opens_min=stop.opens_min,
                closes_min=stop.closes_min,
            )
        )
    session.flush()


def find_route(session: Session, caller: Caller, route_id: UUID, *, permission: str) -> Route:
    """A route to be changed. NotFound when the caller may not read it, NotAllowed elsewhere."""
    statement = scoped(select(Route).where(Route.id == route_id), Route.site_id, caller, READ)
    row = session.scalars(statement).first()
    if row is None:
        raise _unknown()
    caller.require(permission, row.site_id)
    return row


def describe_route(session: Session, caller: Caller, route_id: UUID) -> dict[str, Any]:
    """One route with its points in order. NotFound when the caller may not read it."""
    statement = scoped(_ROWS.where(Route.id == route_id), Route.site_id, caller, READ)
    row = session.execute(statement).mappings().first()
    if row is None:
        raise _unknown()
    return {**row, "points": points_of(session, route_id)}


def points_of(session: Session, route_id: UUID) -> list[dict[str, Any]]:
    """The points of a route in order, each with code and name of its checkpoint."""
    statement = (
        rows_of(
            RoutePoint.checkpoint_id,
            Asset.code,
            Asset.name,
            Checkpoint.state,
            RoutePoint.opens_min,
            RoutePoint.closes_min,
        )
        .join(Asset, Asset.id == RoutePoint.checkpoint_id)
        .join(Checkpoint, Checkpoint.id == RoutePoint.checkpoint_id)
        .where(RoutePoint.route_id == route_id)
        .order_by(RoutePoint.position)
    )
    return [dict(row) for row in session.execute(statement).mappings()]


def list_routes(
    session: Session,
    caller: Caller,
    wish: Wish,
    *,
    site_id: UUID | None = None,
    state: str | None = None,
) -> Page[dict[str, Any]]:
    """Routes that the caller may read, the last made first, without their points. Key: id."""
    statement = scoped(_ROWS, Route.site_id, caller, READ)
    if site_id is not None:
        statement = statement.where(Route.site_id == site_id)
    if state is not None:
        statement = statement.where(Route.state == state)
    return newest_first(session, statement, (Route.id,), wish)


def _unknown() -> NotFound:
    return NotFound(
        worded("there is no such route"), advice=worded("Look for it in the list of routes.")
    )
