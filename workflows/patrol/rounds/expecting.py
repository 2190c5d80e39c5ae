"""What past rounds let us expect: how long a route takes, and when the next point is reached."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.paging import LARGEST_PAGE, Wish
from core.people import Caller
from core.places import Asset
from workflows.patrol.rounds.contact import goers
from workflows.patrol.rounds.model import DRAWN, PatrolContact, Round, RoundPoint
from workflows.patrol.rounds.plans import list_plans
from workflows.patrol.rounds.routes import describe_route
from workflows.patrol.ways import Pair, PatrolWay, ways_between

# Nobody says in which order these are gone, so nothing is expected next.
_ANY_ORDER = "unordered"


def times_of_route(session: Session, caller: Caller, route_id: UUID) -> dict[str, Any]:
    """How long the `legs` of a route take, in its order, and what its plans give for them.

    usual_s: of the whole route, none while a leg is not known; known_s: of those that are known.
    plans: of those in use `short_min`, how many minutes too few they give for what is known, 0 for
    enough. A route whose rounds are drawn has no legs. NotFound when the caller may not read it.
    """
    route = describe_route(session, caller, route_id)
    points = [one for one in route["points"] if one["state"] == "active"]
    legs = [] if route["order"] in DRAWN else _legs(session, points)
    known = [leg["usual_s"] for leg in legs if leg["usual_s"] is not None]
    plans = list_plans(session, caller, Wish(LARGEST_PAGE), route_id=route_id, state="active")
    return {
        "legs": legs,
        "known": len(known),
        "known_s": sum(known),
        "usual_s": sum(known) if legs and len(known) == len(legs) else None,
        "plans": [
            {
                "plan_id": plan["id"],
                "duration_min": plan["duration_min"],
                "short_min": _short(sum(known), plan["duration_min"]),
            }
            for plan in plans.items
        ],
    }


def _short(seconds: int, minutes: int) -> int:
    """How many minutes, rounded up, are too few for so many seconds."""
    return max(0, -(-(seconds - 60 * minutes) // 60))


def _legs(session: Session, points: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    steps = list(pairwise(points))
    pairs = [(one["checkpoint_id"], other["checkpoint_id"]) for one, other in steps]
    ways = ways_between(session, pairs)
    return [
        {
            "from_id": one["checkpoint_id"],
            "from_name": one["name"],
            "to_id": other["checkpoint_id"],
            "to_name": other["name"],
            **_told(ways.get(pair)),
        }
        for pair, (one, other) in zip(pairs, steps, strict=True)
    ]


def _told(way: PatrolWay | None) -> dict[str, Any]:
    fields = ("usual_s", "quickest_s", "first_at", "last_at", "learned_at")
    if way is None:
        return {"n": 0, "people": 0, **dict.fromkeys(fields)}
    return {"n": way.n, "people": way.people, **{name: getattr(way, name) for name in fields}}


def expect_next(session: Session, round_ids: Sequence[UUID]) -> dict[UUID, dict[str, Any]]:
    """By round under way the checkpoint that comes next, and when it is usually reached.

    After the last scan, by the scanner's clock. Rounds of which that can't be said are left out:
    without a scan, in any order, with nothing open behind it, or on a way that is not known yet.
    """
    last, following = dict[UUID, RoundPoint](), dict[UUID, RoundPoint]()
    statement = (
        select(RoundPoint)
        .join(Round, Round.id == RoundPoint.round_id)
        .where(
            Round.id.in_(round_ids),
            Round.state == "running",
            Round.order != _ANY_ORDER,
        )
        .order_by(RoundPoint.round_id, RoundPoint.position)
    )
    points = session.scalars(statement).all()
    for point in points:
        known = last.get(point.round_id)
        if point.scanned_at and (known is None or point.scanned_at >= _at(known)):
            last[point.round_id] = point
    for point in points:
        reached = last.get(point.round_id)
        if reached and point.state == "open" and point.position > reached.position:
            following.setdefault(point.round_id, point)
    return _expected(session, last, following)


def _expected(
    session: Session, last: Mapping[UUID, RoundPoint], following: Mapping[UUID, RoundPoint]
) -> dict[UUID, dict[str, Any]]:
    steps: dict[UUID, Pair] = {
        round_id: (last[round_id].checkpoint_id, point.checkpoint_id)
        for round_id, point in following.items()
    }
    ways = ways_between(session, list(steps.values()))
    found: dict[UUID, tuple[UUID, datetime]] = {}
    for round_id, pair in steps.items():
        way = ways.get(pair)
        if way is not None and way.usual_s is not None:
            at = _at(last[round_id]) + timedelta(seconds=way.usual_s)
            found[round_id] = pair[1], at
    wanted = {place for place, _ in found.values()}
    statement = select(Asset.id, Asset.name).where(Asset.id.in_(wanted))
    names = {asset_id: name for asset_id, name in session.execute(statement)}
    return {
        round_id: {"checkpoint_id": place, "name": names[place], "at": at}
        for round_id, (place, at) in found.items()
    }


def _at(point: RoundPoint) -> datetime:
    assert point.scanned_at is not None
    return point.scanned_at


def heard_of(
    session: Session, round_ids: Sequence[UUID], *, now: datetime
) -> dict[UUID, datetime | None]:
    """By round when the phone of whoever goes it was last heard of; see `goers`."""
    rows = session.scalars(select(Round).where(Round.id.in_(round_ids))).all()
    # Who is on duty is the same for all rounds of a team that nobody began.
    teams: dict[tuple[UUID, str], list[UUID]] = {}
    people = {}
    for row in rows:
        team = row.site_id, row.team
        if row.person_id is None and team not in teams:
            teams[team] = goers(session, row, now=now)
        people[row.id] = teams[team] if row.person_id is None else [row.person_id]
    every = {one for some in people.values() for one in some}
    statement = select(PatrolContact.person_id, PatrolContact.heard_at).where(
        PatrolContact.person_id.in_(every)
    )
    heard = {person_id: at for person_id, at in session.execute(statement)}
    return {
        round_id: max((heard[one] for one in some if one in heard), default=None)
        for round_id, some in people.items()
    }
