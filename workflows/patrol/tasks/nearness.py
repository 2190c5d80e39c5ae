"""How near somebody is to a place: by where they were seen last, and what is known of the way.

Nobody is tracked for it. Known is where somebody scanned last, at which post they stand, and which
ways rounds have shown; see docs/decisions/0038.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.floor_plans import PlanPosition
from core.places import Asset, Space
from workflows.patrol.judging import distance_m
from workflows.patrol.model import ACCEPTED, ASSET_TYPE, Checkpoint, Scan
from workflows.patrol.posts.model import Post
from workflows.patrol.ways import PatrolWay

# What was seen of somebody longer ago says nothing of where they are.
KNOWN_FOR = timedelta(hours=1)
# Of somebody who may be anywhere.
UNKNOWN_S = 900
# Everybody walks about: each second since they were seen counts as so much of the way.
_AGE_SHARE = 0.25
_WALK_MPS = 1.2
# Nobody walks as the crow flies.
_DETOUR = 1.3
# One step up or down the tree of spaces: out of a room, onto another floor.
_STEP_S = 40
# Plans have no scale; a floor is taken to be so wide.
_PLAN_M = 80.0
_SAME_SPACE_S = 20


@dataclass(frozen=True, slots=True)
class Known:
    """Where somebody is known to be. how: scan, post, or unknown. at: since when, or when."""

    how: str
    checkpoint_id: UUID | None = None
    space_id: UUID | None = None
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Near:
    """How near somebody is thought to be. by: what says so: way, plan, position, tree, unknown.

    seconds: of the way. score: with what may have changed since they were seen; less is nearer.
    """

    known: Known
    by: str
    seconds: int
    score: float

    def told(self, now: datetime) -> dict[str, Any]:
        """As it is kept with an offer."""
        at = self.known.at
        checkpoint = self.known.checkpoint_id
        return {
            "how": self.known.how,
            "by": self.by,
            "seconds": self.seconds,
            "age_s": None if at is None else max(0, round((now - at).total_seconds())),
            "checkpoint": None if checkpoint is None else str(checkpoint),
        }


@dataclass(frozen=True, slots=True)
class Place:
    """Where a task is. checkpoints: those that prove an arrival; parents: of every space there."""

    space_id: UUID | None
    asset_id: UUID | None
    checkpoints: Sequence[UUID]
    parents: Mapping[UUID, UUID | None]


def parents_of(session: Session, site_id: UUID) -> dict[UUID, UUID | None]:
    """Of each space of a site the one around it."""
    rows = session.execute(select(Space.id, Space.parent_id).where(Space.site_id == site_id))
    return {space: parent for space, parent in rows}


def above(space: UUID | None, parents: Mapping[UUID, UUID | None]) -> list[UUID]:
    """A space and all around it, the innermost first."""
    found: list[UUID] = []
    while space is not None and space not in found:
        found.append(space)
        space = parents.get(space)
    return found


def where_is(session: Session, person_id: UUID, post: Post | None, now: datetime) -> Known:
    """Where somebody is known to be: at their post, unless they were scanned elsewhere since."""
    scan = session.scalars(
        select(Scan)
        .where(
            Scan.person_id == person_id,
            Scan.verdict == ACCEPTED,
            Scan.checkpoint_id.is_not(None),
            Scan.occurred_at > now - KNOWN_FOR,
            Scan.occurred_at <= now,
        )
        .order_by(Scan.occurred_at.desc(), Scan.id.desc())
        .limit(1)
    ).first()
    if scan is not None and (post is None or scan.checkpoint_id != post.checkpoint_id):
        return _at(session, "scan", scan.checkpoint_id, scan.occurred_at)
    if post is not None and post.checkpoint_id is not None:
        return _at(session, "post", post.checkpoint_id, None)
    return Known("unknown")


def _at(session: Session, how: str, checkpoint_id: UUID | None, at: datetime | None) -> Known:
    asset = session.get(Asset, checkpoint_id) if checkpoint_id else None
    return Known(how, checkpoint_id, asset.space_id if asset else None, at)


def how_near(session: Session, known: Known, place: Place, now: datetime) -> Near:
    """How near somebody is who is known to be somewhere."""
    by, seconds = _way(session, known, place)
    age = (now - known.at).total_seconds() if known.at is not None else 0.0
    return Near(known, by, seconds, seconds + _AGE_SHARE * max(0.0, age))


def _way(session: Session, known: Known, place: Place) -> tuple[str, int]:
    """What is known of the way, the best first: gone before, drawn, measured, or only counted."""
    here = known.checkpoint_id
    if here is None:
        return "unknown", UNKNOWN_S
    if here in place.checkpoints:
        return "way", 0
    for by, seconds in (
        ("way", _learned(session, here, place)),
        ("plan", _drawn(session, here, place)),
        ("position", _measured(session, here, place)),
        ("tree", _counted(known, place)),
    ):
        if seconds is not None:
            return by, seconds
    return "unknown", UNKNOWN_S


def _learned(session: Session, here: UUID, place: Place) -> int | None:
    statement = select(PatrolWay.usual_s).where(
        PatrolWay.from_id == here,
        PatrolWay.to_id.in_(place.checkpoints),
        PatrolWay.usual_s.is_not(None),
    )
    return min((one for one in session.scalars(statement) if one is not None), default=None)


def _drawn(session: Session, here: UUID, place: Place) -> int | None:
    """Over a plan that shows both, as if every floor were equally wide."""
    targets = [*place.checkpoints, *([place.asset_id] if place.asset_id else [])]
    statement = select(PlanPosition).where(PlanPosition.asset_id.in_([here, *targets]))
    rows = session.scalars(statement).all()
    mine = [row for row in rows if row.asset_id == here]
    ways = [
        ((one.x - other.x) ** 2 + (one.y - other.y) ** 2) ** 0.5
        for one in mine
        for other in rows
        if other.plan_id == one.plan_id and other.asset_id in targets
    ]
    return round(min(ways) * _PLAN_M * _DETOUR / _WALK_MPS) if ways else None


def _measured(session: Session, here: UUID, place: Place) -> int | None:
    """Between two fences; only where both stand in the open, for a position knows no floor."""
    statement = select(Checkpoint).where(Checkpoint.id.in_([here, *place.checkpoints]))
    rows = {
        row.id: (row.latitude, row.longitude)
        for row in session.scalars(statement)
        if row.latitude is not None and row.longitude is not None
    }
    start = rows.pop(here, None)
    if start is None or not rows:
        return None
    ways = [distance_m(start, one) for one in rows.values()]
    return round(min(ways) * _DETOUR / _WALK_MPS)


def _counted(known: Known, place: Place) -> int | None:
    """By the steps through the tree from one space to the other."""
    if known.space_id is None or place.space_id is None:
        return None
    mine, theirs = above(known.space_id, place.parents), above(place.space_id, place.parents)
    shared = next((one for one in mine if one in theirs), None)
    # Under no common roof one goes out of the one and into the other.
    out = len(mine) if shared is None else mine.index(shared)
    into = len(theirs) if shared is None else theirs.index(shared)
    return max(_SAME_SPACE_S, _STEP_S * (out + into))


def checkpoints_of(session: Session, site_id: UUID) -> list[tuple[UUID, UUID | None]]:
    """The checkpoints of a site that are in use, each with its space."""
    statement = (
        select(Asset.id, Asset.space_id)
        .join(Checkpoint, Checkpoint.id == Asset.id)
        .where(Asset.site_id == site_id, Asset.type == ASSET_TYPE, Checkpoint.state == "active")
        .order_by(Asset.code)
    )
    return [(one, space) for one, space in session.execute(statement)]
