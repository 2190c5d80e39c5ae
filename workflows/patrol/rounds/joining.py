"""Joining scans to rounds: whatever way and however late a scan comes, it finds its point."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import events
from core.lifecycle import move
from workflows.patrol.model import ACCEPTED, AHEAD, Scan
from workflows.patrol.rounds.model import LONGEST, OPEN, ROUND, Round, RoundPoint

# Who taps twice within this has not come twice.
_TWICE = timedelta(minutes=2)
# Scans with so much between them are joined one after the other, each with the rounds of its time.
_APART = timedelta(days=1)
# By checkpoint and person: when they were there, and on which route that counted.
_Taken = defaultdict[tuple[UUID, UUID | None], list[tuple[datetime, UUID]]]


@dataclass(slots=True)
class _Place:
    """A point that a scan may count for, with its round."""

    point: RoundPoint
    round: Round

    def rank(self, scan: Scan) -> tuple[int, int, float, int, datetime, str, int]:
        """The smallest is taken: one's own round, in its window, the nearest, the one under way."""
        row, point, at = self.round, self.point, scan.occurred_at
        own = row.person_id is not None and row.person_id == scan.person_id
        whose = 0 if own else 1 if row.person_id is None else 2
        off = max(point.opens_at - at, at - point.closes_at, timedelta(0)).total_seconds()
        planned = int(row.state == "planned")
        return (whose, int(off > 0), off, planned, row.ends_at, str(row.id), point.position)


@dataclass(slots=True)
class _Around:
    """What scans of one time may count for, by checkpoint, and what is taken already."""

    places: Mapping[UUID, list[_Place]]
    taken: _Taken
    touched: dict[UUID, Round] = field(default_factory=dict)


def join_scans(session: Session, scans: Sequence[Scan], *, now: datetime) -> int:
    """Let each accepted scan count for the point of a round that it was made at; how many did.

    A scan counts for one point at most: of a round that was open at its time, by the scanner's
    clock, and rather of the round that its person goes. The same person again within two minutes
    counts for nothing more on that route. One for a round that is closed is annexed to it and
    changes nothing else. One that counts for nothing, or is of the future, stays a scan.
    """
    wanted = [
        scan
        for scan in scans
        if scan.verdict == ACCEPTED
        and scan.checkpoint_id is not None
        and scan.occurred_at <= now + AHEAD
    ]
    joined = 0
    for some in _by_time(wanted):
        around = _look_around(session, some)
        for scan in some:
            place = _place_for(scan, around)
            if place is not None:
                _take(session, place, scan, around, now)
                joined += 1
        session.flush()
        for row in around.touched.values():
            settle(session, row, now=now)
    return joined


def _by_time(scans: Sequence[Scan]) -> Iterator[list[Scan]]:
    """In order of time, apart where a day lies between two."""
    some: list[Scan] = []
    for scan in sorted(scans, key=lambda one: (one.occurred_at, one.id)):
        if some and scan.occurred_at - some[-1].occurred_at > _APART:
            yield some
            some = []
        some.append(scan)
    if some:
        yield some


def _look_around(session: Session, scans: Sequence[Scan]) -> _Around:
    first, last = scans[0].occurred_at, scans[-1].occurred_at
    checkpoints = {scan.checkpoint_id for scan in scans}
    ids = (
        select(RoundPoint.round_id)
        .join(Round, Round.id == RoundPoint.round_id)
        .where(
            RoundPoint.checkpoint_id.in_(checkpoints),
            RoundPoint.scan_id.is_(None),
            Round.state != "cancelled",
            Round.opens_at <= last,
            Round.ends_at >= first,
        )
    )
    fresh = {"populate_existing": True}
    # Everybody locks rounds before their points, and several by their ids.
    lock = select(Round).where(Round.id.in_(ids)).order_by(Round.id).with_for_update()
    rounds = {row.id: row for row in session.scalars(lock.execution_options(**fresh))}
    points = select(RoundPoint).where(
        RoundPoint.round_id.in_(rounds), RoundPoint.checkpoint_id.in_(checkpoints)
    )
    places = defaultdict[UUID, list[_Place]](list)
    for point in session.scalars(points.execution_options(**fresh)):
        places[point.checkpoint_id].append(_Place(point, rounds[point.round_id]))
    for found in places.values():
        found.sort(key=lambda place: place.round.opens_at)
    return _Around(places, _taken(session, checkpoints, first, last))


def _taken(
    session: Session, checkpoints: set[UUID | None], first: datetime, last: datetime
) -> _Taken:
    statement = (
        select(RoundPoint.checkpoint_id, Scan.person_id, Scan.occurred_at, Round.route_id)
        .join(Scan, Scan.id == RoundPoint.scan_id)
        .join(Round, Round.id == RoundPoint.round_id)
        .where(
            RoundPoint.checkpoint_id.in_(checkpoints),
            Scan.occurred_at.between(first - _TWICE, last + _TWICE),
        )
    )
    found: _Taken = defaultdict(list)
    for checkpoint_id, person_id, at, route_id in session.execute(statement):
        found[checkpoint_id, person_id].append((at, route_id))
    return found


def _place_for(scan: Scan, around: _Around) -> _Place | None:
    assert scan.checkpoint_id is not None
    at = scan.occurred_at
    again = {
        route_id
        for when, route_id in around.taken[scan.checkpoint_id, scan.person_id]
        if abs(when - at) <= _TWICE
    }
    # Those that opened before it and may still be open.
    places = around.places.get(scan.checkpoint_id, [])
    last = bisect_right(places, at, key=lambda place: place.round.opens_at)
    first = bisect_right(places, at - LONGEST, key=lambda place: place.round.opens_at)
    fitting = [
        place
        for place in places[first:last]
        if place.point.scan_id is None
        and at <= place.round.ends_at
        and place.round.route_id not in again
    ]
    return min(fitting, key=lambda place: place.rank(scan), default=None)


def _take(session: Session, place: _Place, scan: Scan, around: _Around, now: datetime) -> None:
    point, row = place.point, place.round
    was = point.state
    point.scan_id, point.scanned_at = scan.id, scan.occurred_at
    around.taken[point.checkpoint_id, scan.person_id].append((scan.occurred_at, row.route_id))
    around.touched[row.id] = row
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
        # What is told now may say something else of it.
        row.next_check = now
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
        values = {"ended_at": last, "next_look": None, "next_check": now}
        move(session, row, ROUND, "complete", actor=events.SYSTEM, learned_at=now, values=values)


def _actor(scan: Scan) -> events.Actor:
    if scan.person_id is not None:
        return events.Actor.person(scan.person_id)
    return events.SYSTEM
