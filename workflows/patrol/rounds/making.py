"""Making rounds: a plan's starts become rounds, once each, with the points they go to."""

import random
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID, uuid5

from sqlalchemy import delete, exists, func, insert, select
from sqlalchemy.orm import Session

from core import events
from core.clock import to_micros
from core.places import Asset
from workflows.patrol.model import ACCEPTED, ASSET_TYPE, Checkpoint, Scan
from workflows.patrol.rounds.joining import join_scans
from workflows.patrol.rounds.model import (
    DRAWN,
    Round,
    RoundPlan,
    RoundPoint,
    Route,
    RoutePoint,
)
from workflows.patrol.rounds.times import starts_of
from workflows.tickets import Ticket

# Guards and supervisors see their next rounds that far ahead.
AHEAD = timedelta(hours=36)
# Where the rules opened tickets in this time, risk-weighted rounds go rather.
_RISK_SPAN = timedelta(days=30)
_ROUNDS = UUID("6ce0b6a1-6b0b-5f0e-9d5f-0a4f0b2f7c11")
# Nobody may foresee what a random round draws.
_DRAW = random.SystemRandom()


def make_rounds(
    session: Session,
    plan: RoundPlan,
    *,
    now: datetime,
    actor: events.Actor,
    draw: random.Random = _DRAW,
) -> int:
    """Make the rounds of a plan that begin until AHEAD of now and are not made yet; how many.

    What was to begin while nobody made rounds is made late rather than left out, so that it is
    seen to have been missed. draw: what random orders are drawn by.
    """
    route = session.get_one(Route, plan.route_id)
    until = now + AHEAD
    after = plan.made_until or now
    if plan.state != "active" or after >= until:
        return 0
    made = 0
    if route.state == "active":
        stops = list(
            session.scalars(
                select(RoutePoint)
                .join(Checkpoint, Checkpoint.id == RoutePoint.checkpoint_id)
                .join(Asset, Asset.id == RoutePoint.checkpoint_id)
                .where(
                    RoutePoint.route_id == route.id,
                    Checkpoint.state == "active",
                    Asset.type == ASSET_TYPE,
                )
                .order_by(RoutePoint.position)
            )
        )
        for start in starts_of(session, plan, after, until):
            made += _make(session, plan, route, _drawn(session, route, stops, now, draw), start)
    plan.made_until = until
    session.flush()
    if made:
        _join_earlier(session, plan, now)
        events.append(
            session,
            "round.plan",
            ("round_plan", plan.id),
            actor=actor,
            learned_at=now,
            site_id=plan.site_id,
            after={"rounds": made, "until": until.isoformat()},
        )
    return made


def _join_earlier(session: Session, plan: RoundPlan, now: datetime) -> None:
    """Scans that were made while nobody made rounds count for those that are made late."""
    late = select(func.min(Round.opens_at), func.max(Round.ends_at)).where(
        Round.plan_id == plan.id, Round.state == "planned", Round.opens_at <= now
    )
    first, last = session.execute(late).one()
    if first is None:
        return
    points = select(RoundPoint.checkpoint_id).join(Round, Round.id == RoundPoint.round_id)
    scans = select(Scan).where(
        Scan.site_id == plan.site_id,
        Scan.verdict == ACCEPTED,
        Scan.occurred_at.between(first, last),
        Scan.checkpoint_id.in_(points.where(Round.plan_id == plan.id)),
        ~exists().where(RoundPoint.scan_id == Scan.id),
    )
    join_scans(session, session.scalars(scans).all(), now=now)


def plans_to_make(session: Session, *, now: datetime) -> list[UUID]:
    """Plans whose rounds are not made far enough ahead; an hour is left to spare."""
    statement = select(RoundPlan.id).where(
        RoundPlan.state == "active", RoundPlan.made_until < now + AHEAD - timedelta(hours=1)
    )
    return list(session.scalars(statement.order_by(RoundPlan.id)))


def unmake_rounds(session: Session, plan: RoundPlan, *, now: datetime) -> None:
    """Take away the rounds of a plan that have not opened yet, so that they are made anew.

    One of which a point is excused stays as it is, unless the plan is retired.
    """
    ahead = select(Round.id).where(
        Round.plan_id == plan.id, Round.state == "planned", Round.opens_at > now
    )
    if plan.state == "active":
        # What somebody has excused in it would be lost.
        excused = exists().where(RoundPoint.round_id == Round.id, RoundPoint.state == "excused")
        ahead = ahead.where(~excused)
    # Locked first, so that none is taken away that a scan has begun meanwhile.
    ids = list(session.scalars(ahead.order_by(Round.id).with_for_update(of=Round)))
    session.execute(delete(RoundPoint).where(RoundPoint.round_id.in_(ids)))
    session.execute(delete(Round).where(Round.id.in_(ids)))
    session.expire_all()


def remake_rounds(session: Session, route: Route, *, now: datetime, actor: events.Actor) -> None:
    """Make the rounds of a route that have not opened yet as it is now; none of a retired one."""
    plans = select(RoundPlan).where(RoundPlan.route_id == route.id, RoundPlan.state == "active")
    for plan in session.scalars(plans.order_by(RoundPlan.id).with_for_update()).all():
        unmake_rounds(session, plan, now=now)
        plan.made_until = now
        make_rounds(session, plan, now=now, actor=actor)


def _make(
    session: Session, plan: RoundPlan, route: Route, stops: Sequence[RoutePoint], start: datetime
) -> int:
    row_id = uuid5(_ROUNDS, f"{plan.id} {to_micros(start)}")
    if not stops or session.get(Round, row_id) is not None:
        return 0
    tolerance = timedelta(minutes=plan.tolerance_min)
    ends = start + timedelta(minutes=plan.duration_min)
    session.add(
        Round(
            id=row_id,
            site_id=plan.site_id,
            route_id=route.id,
            plan_id=plan.id,
            team=plan.team,
            order=route.order,
            state="planned",
            version=1,
            planned_at=start,
            opens_at=start - tolerance,
            begin_by=start + tolerance,
            ends_at=ends + tolerance,
            settles_at=ends + tolerance + timedelta(minutes=plan.settle_min),
            next_look=start + tolerance,
        )
    )
    session.flush()
    points = [
        {
            "round_id": row_id,
            "position": position,
            "site_id": plan.site_id,
            "checkpoint_id": stop.checkpoint_id,
            "state": "open",
            "opens_at": _edge(start, stop.opens_min, start) - tolerance,
            "closes_at": min(_edge(start, stop.closes_min, ends), ends) + tolerance,
            "annexed": False,
            "reason": "",
        }
        for position, stop in enumerate(stops)
    ]
    session.execute(insert(RoundPoint), points)
    return 1


def _edge(start: datetime, minutes: int | None, otherwise: datetime) -> datetime:
    return otherwise if minutes is None else start + timedelta(minutes=minutes)


def _drawn(
    session: Session,
    route: Route,
    stops: Sequence[RoutePoint],
    now: datetime,
    draw: random.Random,
) -> Sequence[RoutePoint]:
    if route.order not in DRAWN:
        return stops
    weights = {stop.position: 1.0 for stop in stops}
    if route.order == "risk_weighted":
        risks = _risks(session, stops, now)
        weights = {stop.position: 1.0 + risks.get(stop.checkpoint_id, 0) for stop in stops}
    # Weighted sampling without replacement (Efraimidis and Spirakis, 2006).
    keyed = sorted(stops, key=lambda stop: -(draw.random() ** (1.0 / weights[stop.position])))
    return keyed[: route.take or len(keyed)]


def _risks(session: Session, stops: Sequence[RoutePoint], now: datetime) -> Mapping[UUID, int]:
    """By checkpoint how many tickets rules opened lately on what stands in its space."""
    spaces = (
        select(Asset.id, Asset.space_id)
        .where(Asset.id.in_([stop.checkpoint_id for stop in stops]), Asset.space_id.is_not(None))
        .subquery()
    )
    statement = (
        select(spaces.c.id, func.count(Ticket.id))
        .join(Asset, Asset.space_id == spaces.c.space_id)
        .join(Ticket, Ticket.asset_id == Asset.id)
        .where(Ticket.rule_id.is_not(None), Ticket.happened_at > now - _RISK_SPAN)
        .group_by(spaces.c.id)
    )
    return {checkpoint_id: count for checkpoint_id, count in session.execute(statement)}
