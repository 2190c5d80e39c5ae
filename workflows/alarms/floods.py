"""Floods: times in which alarms of a site are told faster than people can answer.

What a flood is stands in `flood_counting`, from which the report on the load of alarms has it as
well: one begins with the first of more than ten alarms that were told within ten minutes, and ends
when it were fewer than five, by our clock. An alarm is told when it trips and is neither withheld,
nor swallowed by its own chatter, nor over before we learned of it; a part of an incident counts,
for it shows in the lists. `SiteFlood` (`incident_model`) marks a flood for the live pages and the
log. The report counts what was withheld as well, once it is announced.

Floods are found by looking back every few seconds, not at each trip: a trip must not pay for it.
What is marked are the moments of the alarms, whenever somebody looked.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core import events
from core.clock import from_micros, to_micros
from core.ids import new_id
from workflows.alarms.flood_counting import FLOOD_OVER, floods, peak
from workflows.alarms.incident_model import SiteFlood
from workflows.alarms.model import Episode

# So long after its begin a flood is still found, should nobody have looked meanwhile.
_LOOK_BACK = timedelta(hours=1)
_MICRO = timedelta(microseconds=1)


def flood_of(session: Session, site_id: UUID) -> SiteFlood | None:
    """The flood in which a site stands now. The caller has judged who may see it."""
    return next(iter(_standing(session, [site_id])), None)


def settle_floods(session: Session, sites: Collection[UUID], now: datetime) -> int:
    """Begin and end floods of these sites; returns how many stand."""
    standing = {flood.site_id: flood for flood in _standing(session, sites)}
    begins = [flood.began_at - _MICRO for flood in standing.values()]
    told = _told(session, sites, min([now - _LOOK_BACK, *begins]))
    left = 0
    for site_id in {**told, **standing}:
        flood, moments = standing.get(site_id), told.get(site_id, [])
        if flood is not None or len(moments) > FLOOD_OVER:
            left += _settle(session, site_id, moments, flood, now)
    session.flush()
    return left


def _settle(
    session: Session,
    site_id: UUID,
    moments: Sequence[int],
    flood: SiteFlood | None,
    now: datetime,
) -> bool:
    """Bring the floods of a site up to date; whether one stands."""
    after = flood.began_at - _MICRO if flood else _last_end(session, site_id)
    # None has an alarm of another.
    later = [each for each in moments if after is None or each > to_micros(after)]
    for found in floods(later, to_micros(now)):
        flood = flood or _begin(session, site_id, from_micros(found.start), now)
        flood.told, flood.peak = found.count, peak(later[found.first : found.last + 1])
        if found.end is None:
            return True
        _end(session, flood, from_micros(found.end), now)
        flood = None
    if flood is not None:
        # Its alarms were over, as we know by now, before anybody was told.
        _end(session, flood, now, now)
    return False


def _told(session: Session, sites: Collection[UUID], since: datetime) -> dict[UUID, list[int]]:
    """When people were told of alarms on each site, by our clock in µs, in order."""
    statement = select(
        Episode.site_id, Episode.tripped_micros, Episode.cleared_micros, Episode.learned_at
    ).where(
        Episode.site_id.in_(sites),
        Episode.learned_at > since,
        Episode.withholding_id.is_(None),
    )
    found = defaultdict[UUID, list[int]](list)
    for site_id, tripped, cleared, learned in session.execute(statement):
        moment = max(to_micros(learned), tripped)
        if cleared is None or cleared > moment:
            found[site_id].append(moment)
    return {site_id: sorted(moments) for site_id, moments in found.items()}


def _last_end(session: Session, site_id: UUID) -> datetime | None:
    return session.scalar(select(func.max(SiteFlood.ended_at)).where(SiteFlood.site_id == site_id))


def _standing(session: Session, sites: Collection[UUID]) -> list[SiteFlood]:
    statement = select(SiteFlood).where(SiteFlood.site_id.in_(sites), SiteFlood.ended_at.is_(None))
    return list(session.scalars(statement))


def _begin(session: Session, site_id: UUID, at: datetime, now: datetime) -> SiteFlood:
    recent = FLOOD_OVER + 1
    flood = SiteFlood(id=new_id(), site_id=site_id, began_at=at, told=recent, peak=recent)
    session.add(flood)
    session.flush()
    _append(session, flood, "begin", at, now)
    return flood


def _end(session: Session, flood: SiteFlood, at: datetime, now: datetime) -> None:
    flood.ended_at = min(max(at, flood.began_at), now)
    _append(session, flood, "end", flood.ended_at, now)
    session.flush()


def _append(
    session: Session, flood: SiteFlood, verb: str, at: datetime, learned_at: datetime
) -> None:
    events.append(
        session,
        f"flood.{verb}",
        ("flood", flood.id),
        actor=events.SYSTEM,
        happened_at=at,
        learned_at=learned_at,
        site_id=flood.site_id,
        after={"told": flood.told, "peak": flood.peak},
    )
