"""Learning how long ways take, from the scans of past rounds; each person counts as one voice."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median, median_high
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from workflows.patrol.model import Scan
from workflows.patrol.rounds.model import Round, RoundPoint, Route
from workflows.patrol.ways import Pair, PatrolWay

# Sites change: what is older than this says nothing about the way as it is now.
SPAN = timedelta(days=90)
# A way must have been gone so often, and by one person so often before they are heard.
ENOUGH, ENOUGH_OF_ONE = 10, 3
# Only what several people have shown is said of the quickest: one who cheats teaches nobody.
ENOUGH_PEOPLE = 2
# Of one person no more than their latest; who goes every night does not outweigh the others.
MOST_OF_ONE = 60
# One in so many of a person's own times is quicker than what counts as their quick one.
_QUICK_ONE_IN = 10
# What a device of ours reads has our clock, a phone its own, a wand another.
_CLOCKS: Mapping[str, str] = {"online": "phone", "sync": "phone", "mqtt": "ours"}


class _Visit(NamedTuple):
    round_id: UUID
    person_id: UUID | None
    checkpoint_id: UUID
    clock: str
    at: datetime


class _Gone(NamedTuple):
    """A way as somebody went it once."""

    seconds: float
    at: datetime


def sites_with_rounds(session: Session) -> list[UUID]:
    """The sites on which rounds were ever planned."""
    return sorted(session.scalars(select(Route.site_id).distinct()))


def learn_ways(session: Session, site_id: UUID, *, now: datetime) -> list[PatrolWay]:
    """The ways of a site as the rounds of SPAN show them; nothing is kept of it yet.

    Between two scans that follow each other in a round, of one person and by one clock, lie the
    stay at the first and the walk to the second. Usual is the median over people of their own
    medians; quickest is the upper median over people of the time that one in ten of their own is
    quicker than.
    """
    gone: dict[Pair, dict[UUID | None, list[_Gone]]] = defaultdict(lambda: defaultdict(list))
    for one, other in _steps(_visits(session, site_id, now)):
        seconds = (other.at - one.at).total_seconds()
        if one.checkpoint_id != other.checkpoint_id and seconds > 0:
            pair = (one.checkpoint_id, other.checkpoint_id)
            gone[pair][one.person_id].append(_Gone(seconds, other.at))
    return [_way(site_id, pair, of_people, now) for pair, of_people in sorted(gone.items())]


def keep_ways(session: Session, site_id: UUID, ways: Sequence[PatrolWay]) -> int:
    """Keep what was learned in the place of what was known; of how many ways something is said."""
    session.execute(delete(PatrolWay).where(PatrolWay.site_id == site_id))
    session.expire_all()
    session.add_all(ways)
    session.flush()
    return sum(way.usual_s is not None for way in ways)


def _visits(session: Session, site_id: UUID, now: datetime) -> Iterator[_Visit]:
    statement = (
        select(
            RoundPoint.round_id,
            Scan.person_id,
            RoundPoint.checkpoint_id,
            Scan.channel,
            Scan.occurred_at,
        )
        .join(Round, Round.id == RoundPoint.round_id)
        .join(Scan, Scan.id == RoundPoint.scan_id)
        .where(
            Round.site_id == site_id,
            Round.planned_at >= now - SPAN,
            Round.planned_at <= now,
            Scan.occurred_at <= now,
        )
        .order_by(RoundPoint.round_id, Scan.occurred_at, RoundPoint.position)
        .execution_options(yield_per=2000)
    )
    for round_id, person_id, checkpoint_id, channel, at in session.execute(statement):
        yield _Visit(round_id, person_id, checkpoint_id, _CLOCKS.get(channel, channel), at)


def _steps(visits: Iterable[_Visit]) -> Iterator[tuple[_Visit, _Visit]]:
    """What follows on each other in a round, of one person and by one clock."""
    for one, other in pairwise(visits):
        if one[:2] == other[:2] and one.clock == other.clock:
            yield one, other


def _way(
    site_id: UUID, pair: Pair, of_people: Mapping[UUID | None, Sequence[_Gone]], now: datetime
) -> PatrolWay:
    every = [one for gone in of_people.values() for one in gone]
    latest = {
        person: sorted(one.seconds for one in sorted(gone, key=lambda one: one.at)[-MOST_OF_ONE:])
        for person, gone in of_people.items()
    }
    heard = {person: times for person, times in latest.items() if len(times) >= ENOUGH_OF_ONE}
    # Of those whom nobody knows, nobody knows whether they are several.
    known = [times for person, times in heard.items() if person is not None]
    is_enough = len(every) >= ENOUGH and bool(heard)
    usual = median(median(times) for times in heard.values()) if is_enough else None
    quick = None
    if is_enough and len(known) >= ENOUGH_PEOPLE:
        quick = median_high(times[len(times) // _QUICK_ONE_IN] for times in known)
    return PatrolWay(
        from_id=pair[0],
        to_id=pair[1],
        site_id=site_id,
        n=len(every),
        people=len(known),
        usual_s=None if usual is None else round(usual),
        quickest_s=None if quick is None else int(quick),
        first_at=min(one.at for one in every),
        last_at=max(one.at for one in every),
        learned_at=now,
    )
