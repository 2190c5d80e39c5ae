"""Joining scans to rounds: whatever way and however late a scan comes, it finds its point."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import events
from core.lifecycle import move
from workflows.patrol.model import ACCEPTED, Scan
from workflows.patrol.rounds.model import OPEN, ROUND, Round, RoundPoint

# Between the clocks of two scanners lies so much, so their times may stand in either order.
_NEAR = timedelta(seconds=1)


@dataclass(slots=True)
class _Place:
    """A point that a scan may count for, with its round."""

    point: RoundPoint
    round: Round

    def rank(self, scan: Scan) -> tuple[int, int, float, str, int]:
        """The smallest is taken: one's own round, in its window, the nearest window, the first."""
        at = scan.occurred_at
        strange = self.round.person_id not in (None, scan.person_id)
        point = self.point
        off = max(point.opens_at - at, at - point.closes_at, timedelta(0)).total_seconds()
        return (int(strange), int(off > 0), off, str(self.round.id), point.position)


def join_scans(session: Session, scans: Sequence[Scan], *, now: datetime) -> int:
    """Let each accepted scan count for the point of a round that it was made at; how many did.

    A scan counts for one point at most: of a round that was open at its time, by the scanner's
    clock, and rather of the round that its person goes. One for a round that is closed is annexed
    to it and changes nothing else. One that counts for nothing stays a scan.
    """
    wanted = [scan for scan in scans if scan.verdict == ACCEPTED and scan.checkpoint_id is not None]
    if not wanted:
        return 0
    places = _places(session, wanted)
    joined, touched = 0, dict[UUID, Round]()
    for scan in sorted(wanted, key=lambda one: (one.occurred_at, one.id)):
        place = _place_for(scan, places)
        if place is None:
            continue
        _take(session, place, scan, now)
        touched[place.round.id] = place.round
        joined += 1
    session.flush()
    for row in touched.values():
        settle(session, row, now=now)
    return joined


def _places(session: Session, scans: Sequence[Scan]) -> Mapping[UUID, list[_Place]]:
    """By checkpoint every point without a scan whose round was open at the time of some scan."""
    times = [scan.occurred_at for scan in scans]
    statement = (
        select(RoundPoint, Round)
        .join(Round, Round.id == RoundPoint.round_id)
        .where(
            RoundPoint.checkpoint_id.in_({scan.checkpoint_id for scan in scans}),
            RoundPoint.scan_id.is_(None),
            Round.state != "cancelled",
            Round.opens_at <= max(times) + _NEAR,
            Round.ends_at >= min(times) - _NEAR,
        )
        .order_by(Round.id)
        # Two processes that join to one round do it one after the other.
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    found = defaultdict[UUID, list[_Place]](list)
    for point, row in session.execute(statement):
        found[point.checkpoint_id].append(_Place(point, row))
    return found


def _place_for(scan: Scan, places: Mapping[UUID, list[_Place]]) -> _Place | None:
    assert scan.checkpoint_id is not None
    at = scan.occurred_at
    fitting = [
        place
        for place in places.get(scan.checkpoint_id, [])
        if place.point.scan_id is None and place.round.opens_at <= at <= place.round.ends_at
    ]
    return min(fitting, key=lambda place: place.rank(scan), default=None)


def _take(session: Session, place: _Place, scan: Scan, now: datetime) -> None:
    point, row = place.point, place.round
    was = point.state
    point.scan_id, point.scanned_at = scan.id, scan.occurred_at
    if row.state in OPEN:
        point.state = "scanned"
        if row.state == "planned":
            start(session, row, scan.person_id, scan.occurred_at, actor=_actor(scan), now=now)
        elif row.person_id is None:
            row.person_id = scan.person_id
        if row.began_at is None or scan.occurred_at < row.began_at:
            row.began_at = scan.occurred_at
    else:
        point.annexed = True
    events.append(
        session,
        "round.annex" if point.annexed else "round.visit",
        ("round", row.id),
        actor=_actor(scan),
        learned_at=now,
        happened_at=scan.occurred_at,
        site_id=row.site_id,
        after={"checkpoint": str(point.checkpoint_id), "scan": str(scan.id), "was": was},
    )


def start(
    session: Session,
    row: Round,
    person_id: UUID | None,
    at: datetime,
    *,
    actor: events.Actor,
    now: datetime,
) -> None:
    """Let a planned round begin, at `at` by the guard's clock. Conflict where it is not planned."""
    values = {"began_at": at, "person_id": person_id}
    move(session, row, ROUND, "start", actor=actor, learned_at=now, happened_at=at, values=values)


def settle(session: Session, row: Round, *, now: datetime) -> None:
    """Complete a round all of whose points are scanned or excused."""
    if row.state != "running":
        return
    points = session.scalars(select(RoundPoint).where(RoundPoint.round_id == row.id)).all()
    if all(point.state in ("scanned", "excused") for point in points):
        last = max((point.scanned_at for point in points if point.scanned_at), default=now)
        values = {"ended_at": last, "next_look": None}
        move(session, row, ROUND, "complete", actor=events.SYSTEM, learned_at=now, values=values)


def _actor(scan: Scan) -> events.Actor:
    if scan.person_id is not None:
        return events.Actor.person(scan.person_id)
    return events.SYSTEM
