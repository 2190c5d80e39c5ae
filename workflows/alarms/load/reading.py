"""Reading what the figures are made of: the episodes of one site, its alarms, their tickets."""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import DateTime, String, and_, case, func, or_, select, type_coerce
from sqlalchemy.orm import Session, aliased

from core import events
from core.clock import EPOCH, to_micros
from core.paging import rows_of
from core.places import Asset
from core.rulebook import RuleVersion
from workflows.alarms.load.counting import Trip
from workflows.alarms.model import WITHHELD, Alarm, Episode, Withholding
from workflows.tickets import Ticket
from workflows.tickets.scope import Scope

_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class AlarmFacts:
    """Which alarm it is: a rule on an asset."""

    id: UUID
    site_id: UUID
    rule_id: str
    title: Mapping[str, str]
    severity: str
    life_safety: bool
    asset_id: UUID
    asset_code: str
    asset_name: Mapping[str, str]


def chattering_now(session: Session, site_id: UUID) -> dict[UUID, int]:
    """How often each alarm that chatters now has tripped since it began."""
    rows = session.execute(
        select(Alarm.id, Alarm.chatter_count).where(
            Alarm.site_id == site_id, Alarm.chatter_since.is_not(None)
        )
    )
    return {alarm: count for alarm, count in rows}


@dataclass(frozen=True, slots=True)
class TicketFacts:
    """What became of a ticket, as far as whoever asks may see it."""

    id: UUID
    number: int
    state: str
    verdict: str | None
    verdict_cause: str | None
    cause_code: str | None


@dataclass(frozen=True, slots=True)
class Trips:
    """The trips of a span by alarm, each in order. unheard: over before we learned of them.

    withheld: how many told nobody, by what withheld them.
    """

    of: Mapping[UUID, list[Trip]]
    unheard: int
    withheld: Mapping[UUID, int]


def known_since(session: Session, site_id: UUID) -> int | None:
    """Since when a site can have had alarms that we know of, in µs: its first fact or trip."""
    first_fact = session.scalar(
        select(func.min(events.Event.learned_at)).where(events.Event.site_id == site_id)
    )
    first_trip = session.scalar(
        select(func.min(Episode.tripped_micros)).where(Episode.site_id == site_id)
    )
    known = [] if first_fact is None else [to_micros(first_fact)]
    return min([*known, *([] if first_trip is None else [first_trip])], default=None)


def alarms_of(session: Session, site_id: UUID) -> dict[UUID, AlarmFacts]:
    """Every alarm of a site that ever was anything but normal."""
    statement = (
        rows_of(
            *(Alarm.id, Alarm.site_id, Alarm.rule_id, Alarm.title, Alarm.severity),
            *(Alarm.life_safety, Alarm.asset_id, Asset.code, Asset.name),
        )
        .join(Asset, Asset.id == Alarm.asset_id)
        .where(Alarm.site_id == site_id)
    )
    return {row[0]: AlarmFacts(*tuple(row)) for row in session.execute(statement)}


def severities(session: Session, rules: Collection[str]) -> dict[tuple[str, int], str]:
    """How severe each version of these rules is."""
    statement = select(RuleVersion.rule_id, RuleVersion.version, RuleVersion.severity)
    rows = session.execute(statement.where(RuleVersion.rule_id.in_(rules)))
    return {(rule_id, version): severity for rule_id, version, severity in rows}


_TICKETS = rows_of(
    Ticket.id,
    Ticket.number,
    Ticket.state,
    Ticket.verdict,
    Ticket.verdict_cause,
    Ticket.cause_code,
    Ticket.merged_into_id,
)
# Ids and times come as they are stored: to make each what it is takes as long as all the rest.
_STORED = DateTime(timezone=True)
_EPOCH = EPOCH.replace(tzinfo=None)
_MICRO = timedelta(microseconds=1)
# What was withheld reached somebody only if it was announced after all, and then: else NULL.
_TOLD_AT = case(
    (Episode.withholding_id.is_not(None), Episode.announced_at), else_=Episode.learned_at
)
_TRIPS = (
    select(
        type_coerce(Episode.alarm_id, String),
        Episode.tripped_micros,
        Episode.cleared_micros,
        type_coerce(_TOLD_AT, _STORED),
        type_coerce(Episode.acknowledged_at, _STORED),
        Episode.rule_version,
        type_coerce(Episode.ticket_id, String),
        type_coerce(Episode.withholding_id, String),
        Episode.trips,
    )
    .order_by(Episode.tripped_micros)
    .execution_options(yield_per=5_000)
)


def trips_of(session: Session, site_id: UUID, start: int, end: int) -> Trips:
    """The trips of a site in a span that reached people; what was over by then reached nobody."""
    statement = _TRIPS.where(
        Episode.site_id == site_id, Episode.tripped_micros >= start, Episode.tripped_micros < end
    )
    found: defaultdict[Any, list[Trip]] = defaultdict(list)
    ids: dict[Any, UUID] = {}
    withheld: Counter[Any] = Counter()
    unheard = 0
    # Plain rows of the connection: a hundred thousand of them cost a session half as much again.
    rows = session.connection().execute(statement)
    for alarm, tripped, cleared, reached, seen, version, ticket, held, times in rows:
        if reached is None:
            withheld[held] += 1
            continue
        told = max(_micros(reached), tripped)
        if cleared is not None and cleared <= told:
            unheard += 1
            continue
        if ticket is not None and ticket not in ids:
            ids[ticket] = _uuid(ticket)
        found[alarm].append(
            Trip(
                tripped,
                cleared,
                told,
                None if seen is None else _micros(seen),
                version,
                None if ticket is None else ids[ticket],
                times,
            )
        )
    return Trips(
        {_uuid(alarm): trips for alarm, trips in found.items()},
        unheard,
        {_uuid(held): count for held, count in withheld.items()},
    )


def _micros(stored: datetime) -> int:
    """SQLite knows no zone; what is stored there is UTC (`core.db.Instant`)."""
    return (stored - (EPOCH if stored.tzinfo else _EPOCH)) // _MICRO


def _uuid(stored: UUID | str) -> UUID:
    return stored if isinstance(stored, UUID) else UUID(stored)


def standing_before(session: Session, site_id: UUID, start: int) -> dict[UUID, Trip]:
    """The episodes that began before a moment and were not over then, by alarm."""
    # Episodes of an alarm do not overlap, so only its last one can still stand.
    earlier = aliased(Episode)
    last = (
        select(func.max(earlier.tripped_micros))
        .where(earlier.alarm_id == Alarm.id, earlier.tripped_micros < start)
        .correlate(Alarm)
        .scalar_subquery()
    )
    statement = (
        select(
            *(Episode.alarm_id, Episode.tripped_micros, Episode.cleared_micros),
            *(_TOLD_AT, Episode.acknowledged_at, Episode.rule_version),
            Episode.ticket_id,
        )
        .select_from(Alarm)
        .join(Episode, and_(Episode.alarm_id == Alarm.id, Episode.tripped_micros == last))
        .where(Alarm.site_id == site_id, _TOLD_AT.is_not(None))
        .where(or_(Episode.cleared_micros.is_(None), Episode.cleared_micros > start))
    )
    return {
        alarm: Trip(
            tripped,
            cleared,
            to_micros(learned),
            None if seen is None else to_micros(seen),
            version,
            ticket,
        )
        for alarm, tripped, cleared, learned, seen, version, ticket in session.execute(statement)
    }


@dataclass(frozen=True, slots=True)
class Withheld:
    """How often alarms were kept silent in one way: begun in a span, and standing at its end.

    trips: so many told nobody for it.
    """

    begun: int = 0
    standing: int = 0
    trips: int = 0

    def __add__(self, other: "Withheld") -> "Withheld":
        return Withheld(
            self.begun + other.begun, self.standing + other.standing, self.trips + other.trips
        )


def withheld_of(
    session: Session, site_id: UUID, start: datetime, end: datetime, trips: Mapping[UUID, int]
) -> dict[str, Withheld]:
    """What was withheld on a site in a span, by kind. trips: how many each kept silent."""
    statement = select(
        Withholding.id, Withholding.kind, Withholding.since, Withholding.ended_at
    ).where(
        Withholding.site_id == site_id,
        Withholding.state.in_(("standing", "ended")),
        Withholding.since < end,
        or_(Withholding.ended_at.is_(None), Withholding.ended_at > start),
    )
    found = dict.fromkeys(WITHHELD, Withheld())
    for withholding, kind, since, ended in session.execute(statement):
        one = Withheld(since >= start, ended is None or ended > end, trips.get(withholding, 0))
        found[kind] += one
    return found


def seen_later(session: Session, site_id: UUID, end: int) -> dict[UUID, int]:
    """When each alarm was first acknowledged by an episode that tripped after a span."""
    statement = (
        select(Episode.alarm_id, func.min(Episode.acknowledged_at))
        .where(Episode.site_id == site_id, Episode.tripped_micros >= end)
        .where(Episode.acknowledged_at.is_not(None))
        .group_by(Episode.alarm_id)
    )
    return {alarm: to_micros(seen) for alarm, seen in session.execute(statement) if seen}


def tickets_of(session: Session, wanted: Collection[UUID], scope: Scope) -> dict[UUID, TicketFacts]:
    """These tickets, or what they were merged into, as far as they are within a scope."""
    known: dict[UUID, TicketFacts] = {}
    into: dict[UUID, UUID] = {}
    asked: set[UUID] = set()
    fresh = set(wanted)
    while fresh:
        asked |= fresh
        order = sorted(fresh)
        for begin in range(0, len(order), _AT_ONCE):
            some = Ticket.id.in_(order[begin : begin + _AT_ONCE])
            for *facts, target in session.execute(_TICKETS.where(some, scope.condition())):
                known[facts[0]] = TicketFacts(*facts)
                if target is not None:
                    into[facts[0]] = target
        fresh = set(into.values()) - asked
    return {ticket: known[_final(ticket, into, known)] for ticket in wanted if ticket in known}


def _final(ticket: UUID, into: Mapping[UUID, UUID], known: Collection[UUID]) -> UUID:
    while ticket in into and into[ticket] in known:
        ticket = into[ticket]
    return ticket
