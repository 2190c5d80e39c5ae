"""The alarm load of one site: its episodes of a span, gone through once."""

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from core.clock import from_micros
from core.days import Days, SiteSpan, span_of
from core.local_time import zone
from core.places import Node
from workflows.alarms import flood_counting
from workflows.alarms.flood_counting import Flood
from workflows.alarms.load import counting
from workflows.alarms.load.counting import HOUR, STALE_AFTER, Chatter, Trip
from workflows.alarms.load.operators import Watch, watch_of
from workflows.alarms.load.reading import (
    AlarmFacts,
    TicketFacts,
    Withheld,
    alarms_of,
    chattering_now,
    known_since,
    seen_later,
    severities,
    standing_before,
    tickets_of,
    trips_of,
    withheld_of,
)
from workflows.alarms.load.what_if import FalseSplit, Relief, best_relief, lengths, split_false
from workflows.tickets.scope import Scope

TOP = 10
CAUSES = 3
# What these verdicts say is that nobody had to come.
NEEDLESS = ("false", "sensor_fault", "nuisance")


@dataclass(frozen=True, slots=True)
class Part:
    """An alarm's part of something, and how often it tripped in it."""

    alarm: AlarmFacts
    count: int


@dataclass(frozen=True, slots=True)
class FloodFacts:
    """A flood of a site, with the alarms that made most of it."""

    site_id: UUID
    start: int
    end: int | None
    count: int
    alarms: int
    causes: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Stale:
    """An alarm that has been active for more than a day. since: µs. ticket: None if unseen."""

    alarm: AlarmFacts
    since: int
    seen: bool
    ticket: TicketFacts | None


@dataclass(frozen=True, slots=True)
class AlarmNumbers:
    """What is counted of one alarm of a span. active_half: how long half of its trips lasted, µs.

    judged, needless: how many trips people called anything, and called false, nuisance or a fault
    of the sensor; cause: what they named most often for it.
    """

    alarm: AlarmFacts
    count: int
    active_half: int | None
    unanswered: int
    chatter: Chatter | None
    fleeting: int
    relief: Relief | None
    judged: int
    needless: int
    cause: str | None
    split: FalseSplit | None


@dataclass(frozen=True, slots=True)
class SiteLoad:
    """The alarm load of one site. waits: until each was acknowledged, in µs, in order.

    since: where the span begins, or later, when the site came to us.
    """

    site: Node
    span: SiteSpan
    since: int
    watch: Watch
    annunciations: int
    unheard: int
    hours: Mapping[tuple[int, int], int]
    peak: int
    busy: tuple[int, int]
    floods: Sequence[FloodFacts]
    flood_time: int
    priorities: Mapping[str, int]
    waits: Sequence[int]
    never: int
    stale_days: Sequence[int]
    stale: Sequence[Stale]
    tripped: int
    notable: Sequence[AlarmNumbers]
    verdicts: Mapping[str, int]
    causes: Mapping[tuple[str, str], int]
    withheld: Mapping[str, Withheld]

    @property
    def length(self) -> int:
        """How long it was watched in the span, in µs."""
        return self.span.end - self.since


def load_of_site(
    session: Session, site: Node, days: Days, scope: Scope, *, now: datetime
) -> SiteLoad | None:
    """What a site's alarms did on some days; None where the site was not ours on any of them.

    scope: the tickets whose verdicts may be told.
    """
    span = span_of(days, zone(site.time_zone), now)
    if span is None:
        return None
    since = max(span.start, known_since(session, site.id) or span.start)
    if since >= span.end:
        return None
    alarms = alarms_of(session, site.id)
    found = trips_of(session, site.id, span.start, span.end)
    trips = _with_later_answers(found.of, seen_later(session, site.id, span.end))
    _count_chatter(trips, chattering_now(session, site.id))
    before = standing_before(session, site.id, span.start)
    held = _last_of(before, trips)
    tickets = tickets_of(session, _tickets_in(trips, held), scope)
    # When people learned of each: of some only after the span, which ends with a day.
    moments = sorted(min(trip.told, span.end - 1) for some in trips.values() for trip in some)
    floods = flood_counting.floods(moments, span.end)
    start, end = from_micros(span.start), from_micros(span.end)
    waits = [trip.seen - trip.told for some in trips.values() for trip in some if trip.seen]
    return SiteLoad(
        site=site,
        span=span,
        since=since,
        watch=watch_of(session, site.id, from_micros(since), from_micros(span.end)),
        annunciations=len(moments),
        unheard=found.unheard,
        hours=_hours(moments, span),
        peak=flood_counting.peak(moments),
        busy=counting.busy_intervals(moments, since, span.end),
        floods=_floods(site.id, floods, moments, trips, alarms),
        flood_time=flood_counting.flood_time(floods, span.end),
        priorities=_priorities(session, trips, alarms),
        waits=sorted(max(wait, 0) for wait in waits),
        never=len(moments) - len(waits),
        stale_days=counting.stale_days(_active(before, trips, span.end), span.bounds),
        stale=_stale(held, alarms, tickets, span.end),
        tripped=len(trips),
        notable=_notable([_numbers(alarms[one], some, tickets) for one, some in trips.items()]),
        withheld=withheld_of(session, site.id, start, end, found.withheld),
        **_judged(trips, tickets),
    )


def _with_later_answers(
    of: Mapping[UUID, list[Trip]], later: Mapping[UUID, int]
) -> dict[UUID, list[Trip]]:
    """Who acknowledges an alarm answers every trip of it that still waited."""
    found = {}
    for alarm, trips in of.items():
        seen, answered = later.get(alarm), []
        for trip in reversed(trips):
            seen = seen if trip.seen is None else trip.seen
            answered.append(trip if trip.seen == seen else trip._replace(seen=seen))
        found[alarm] = answered[::-1]
    return found


def _count_chatter(trips: Mapping[UUID, list[Trip]], now: Mapping[UUID, int]) -> None:
    """What chatters at this moment has not yet been written down with its episode."""
    for alarm, count in now.items():
        some = trips.get(alarm)
        if some and some[-1].cleared is None:
            some[-1] = some[-1]._replace(activations=count)


def _last_of(before: Mapping[UUID, Trip], trips: Mapping[UUID, list[Trip]]) -> dict[UUID, Trip]:
    return {**before, **{alarm: some[-1] for alarm, some in trips.items()}}


def _tickets_in(trips: Mapping[UUID, list[Trip]], held: Mapping[UUID, Trip]) -> set[UUID]:
    within = {trip.ticket for some in trips.values() for trip in some}
    return {ticket for ticket in within.union(one.ticket for one in held.values()) if ticket}


def _hours(moments: Iterable[int], span: SiteSpan) -> dict[tuple[int, int], int]:
    clock = span.hours()
    counts = Counter((moment - span.start) // HOUR for moment in moments)
    found: defaultdict[tuple[int, int], int] = defaultdict(int)
    for number, count in counts.items():
        found[clock[number]] += count
    return dict(found)


def _floods(
    site_id: UUID,
    floods: Sequence[Flood],
    moments: Sequence[int],
    trips: Mapping[UUID, list[Trip]],
    alarms: Mapping[UUID, AlarmFacts],
) -> list[FloodFacts]:
    """The floods with the alarms that fell in each."""
    begins = [moments[flood.first] for flood in floods]
    within: list[Counter[UUID]] = [Counter() for _ in floods]
    for alarm, some in trips.items() if floods else ():
        for trip in some:
            number = bisect_right(begins, trip.told) - 1
            if number >= 0 and trip.told <= moments[floods[number].last]:
                within[number][alarm] += 1
    return [
        FloodFacts(
            site_id,
            flood.start,
            flood.end,
            flood.count,
            len(parts),
            tuple(Part(alarms[one], count) for one, count in parts.most_common(CAUSES)),
        )
        for flood, parts in zip(floods, within, strict=True)
    ]


def _priorities(
    session: Session, trips: Mapping[UUID, list[Trip]], alarms: Mapping[UUID, AlarmFacts]
) -> Counter[str]:
    """By the severity that each rule had when it tripped."""
    known = severities(session, {alarms[one].rule_id for one in trips})
    found: Counter[str] = Counter()
    for one, some in trips.items():
        facts = alarms[one]
        for version, count in Counter(trip.version for trip in some).items():
            found[known.get((facts.rule_id, version), facts.severity)] += count
    return found


def _active(
    before: Mapping[UUID, Trip], trips: Mapping[UUID, list[Trip]], end: int
) -> list[tuple[int, int]]:
    every = [*before.values(), *(trip for some in trips.values() for trip in some)]
    return [
        (trip.tripped, end if trip.cleared is None else min(trip.cleared, end)) for trip in every
    ]


def _stale(
    held: Mapping[UUID, Trip],
    alarms: Mapping[UUID, AlarmFacts],
    tickets: Mapping[UUID, TicketFacts],
    end: int,
) -> list[Stale]:
    """What stood at the end of the span for more than a day, the longest first."""
    found = [
        Stale(
            alarms[one],
            trip.tripped,
            trip.seen is not None,
            tickets.get(trip.ticket) if trip.ticket else None,
        )
        for one, trip in held.items()
        if (trip.cleared is None or trip.cleared > end) and trip.tripped + STALE_AFTER < end
    ]
    return sorted(found, key=lambda one: one.since)


def _notable(every: Iterable[AlarmNumbers]) -> list[AlarmNumbers]:
    """The alarms of which more is said: what tripped most, chatters, flits, or cried wolf."""
    most = sorted(every, key=lambda one: -one.count)
    return [
        one
        for rank, one in enumerate(most)
        if rank < TOP or one.chatter or one.fleeting or one.needless
    ]


def _verdict(trip: Trip, tickets: Mapping[UUID, TicketFacts]) -> str | None:
    ticket = tickets.get(trip.ticket) if trip.ticket else None
    return ticket.verdict if ticket else None


def _numbers(
    facts: AlarmFacts, trips: Sequence[Trip], tickets: Mapping[UUID, TicketFacts]
) -> AlarmNumbers:
    said = [(trip, verdict) for trip in trips if (verdict := _verdict(trip, tickets))]
    needless = [trip for trip, verdict in said if verdict in NEEDLESS]
    real = [trip for trip, verdict in said if verdict == "real"]
    named = Counter(
        ticket.verdict_cause or ticket.cause_code
        for trip in needless
        if trip.ticket and (ticket := tickets.get(trip.ticket))
    )
    named.pop(None, None)
    return AlarmNumbers(
        alarm=facts,
        count=len(trips),
        active_half=counting.quantile(lengths(trips), 0.5),
        unanswered=sum(trip.seen is None for trip in trips),
        chatter=counting.chatter(trips),
        fleeting=counting.fleeting(trips),
        relief=best_relief(trips, facts.severity, life_safety=facts.life_safety),
        judged=len(said),
        needless=len(needless),
        cause=next((cause for cause, _ in named.most_common(1)), None),
        split=None if facts.life_safety else split_false(needless, real),
    )


def _judged(
    trips: Mapping[UUID, list[Trip]], tickets: Mapping[UUID, TicketFacts]
) -> dict[str, Counter[Any]]:
    """Trips by what people called their ticket, and by the cause that they named."""
    verdicts: Counter[str] = Counter()
    causes: Counter[tuple[str, str]] = Counter()
    for some in trips.values():
        for ticket, count in Counter(trip.ticket for trip in some).items():
            facts = tickets.get(ticket) if ticket else None
            if facts is None or facts.verdict is None:
                continue
            verdicts[facts.verdict] += count
            if facts.verdict != "real":
                causes[facts.verdict, facts.verdict_cause or facts.cause_code or ""] += count
    return {"verdicts": verdicts, "causes": causes}
