"""Chatter: an alarm that trips and clears again and again around its limit.

It chatters when it trips for the third time within a minute, or when it moved more than five times
within five minutes (the figures of ISA-18.2 and of PAS; all times are those of the readings). From
then on one episode stays open for all of it: further trips are counted in the alarm's row and
nothing else is written, told or proved, however often it moves. When it has not moved for five
minutes the episode is closed with its last clearing, if it had cleared, and the ticket is told.

An alarm about lives is shown as chattering too, but nothing of it is left out.

Of an alarm's row: recent: the newest moments at which it moved, in µs, a trip after each clearing.
chatter_since: the trip with which it began; None when it does not chatter. chatter_count: trips
since then. chatter_heard_at: when we learned of the newest move. chatter_proof: the proof of the
newest clearing, as long as no trip followed.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core import events
from core.clock import from_micros
from core.places import Asset
from rules.durations import MINUTE
from rules.states import TransitionKind
from workflows import tickets
from workflows.alarms.clearing import clear_alarm
from workflows.alarms.finding import Finding, judge_of, proof_of
from workflows.alarms.model import ALARM, WITHHELD, Alarm, Episode
from workflows.alarms.releasing import open_episode

# So many trips within so long, or so many moves.
TRIPS, TRIPS_WITHIN = 3, MINUTE
MOVES, MOVES_WITHIN = 6, 5 * MINUTE
# It is over when nothing moved for so long.
QUIET = 5 * MINUTE
# By the receipt clock; what was sent just before may still be under way.
SETTLE_AFTER = QUIET + MINUTE
_ENDED = ("resolved", "verified", *tickets.ENDED)


@dataclass(frozen=True, slots=True)
class Chatter:
    """How often an alarm tripped between two moments; until: None while it still chatters."""

    title: Mapping[str, str]
    asset: Mapping[str, str]
    trips: int
    since: datetime
    until: datetime | None


def chatter_of(session: Session, ticket_id: UUID) -> list[Chatter]:
    """The chatter that a ticket, or one merged into it, stands for, in order of time."""
    family = tickets.with_merged(session, ticket_id)
    now = select(Alarm.title, Asset.name, Alarm.chatter_count, Alarm.chatter_since).where(
        Alarm.ticket_id.in_(family), Alarm.chatter_since.is_not(None)
    )
    standing = [
        Chatter(title, asset, trips, since, None)
        for title, asset, trips, since in session.execute(
            now.join(Asset, Asset.id == Alarm.asset_id)
        )
        if since is not None
    ]
    once = (
        select(
            Alarm.title,
            Asset.name,
            Episode.trips,
            Episode.tripped_micros,
            Episode.chattered_until,
        )
        .join(Alarm, Alarm.id == Episode.alarm_id)
        .join(Asset, Asset.id == Alarm.asset_id)
        .where(Episode.ticket_id.in_(family), Episode.chattered_until.is_not(None))
    )
    over = [
        Chatter(title, asset, trips, from_micros(since), until)
        for title, asset, trips, since, until in session.execute(once)
    ]
    return sorted([*over, *standing], key=lambda one: one.since)


def take(session: Session, alarm: Alarm, finding: Finding, learned_at: datetime) -> bool:
    """Note that an alarm trips or clears; True when its chatter swallows it.

    Then nothing more is to be done about it. Chatter that ended before the finding is ended first.
    """
    if alarm.chatter_since is not None and _goes_on(session, alarm, finding, learned_at):
        if finding.at > alarm.recent[-1]:
            _count(alarm, finding, learned_at)
        return not alarm.life_safety
    _remember(alarm, finding.at)
    return False


def begin_if_due(session: Session, alarm: Alarm, learned_at: datetime) -> None:
    """After a trip with all that belongs to it: whether it was one too many."""
    if alarm.chatter_since is not None or not _is_chatter(alarm.recent):
        return
    alarm.chatter_since = from_micros(alarm.recent[-1])
    alarm.chatter_count = 1
    alarm.chatter_heard_at = learned_at
    _append(session, alarm, "chatter", alarm.chatter_since, learned_at, {})


def settle_chatter(
    session: Session, sites: Collection[UUID], heard_before: datetime, *, learned_at: datetime
) -> int:
    """End the chatter of alarms that have moved no more since; returns how many still chatter."""
    chattering = select(Alarm).where(Alarm.site_id.in_(sites), Alarm.chatter_since.is_not(None))
    quiet = chattering.where(Alarm.chatter_heard_at < heard_before).order_by(Alarm.id)
    for alarm in session.scalars(quiet).all():
        _end(session, alarm, learned_at)
    session.flush()
    left = select(func.count()).select_from(chattering.subquery())
    return int(session.scalar(left) or 0)


def _is_chatter(recent: list[int]) -> bool:
    """recent: moves, of which the newest is a trip."""
    moves_of_trips = 2 * TRIPS - 1
    return any(
        len(recent) >= moves and recent[-1] - recent[-moves] <= within
        for moves, within in ((moves_of_trips, TRIPS_WITHIN), (MOVES, MOVES_WITHIN))
    )


def _remember(alarm: Alarm, at: int) -> None:
    alarm.recent = [*alarm.recent, at][-MOVES:]


def _goes_on(session: Session, alarm: Alarm, finding: Finding, learned_at: datetime) -> bool:
    over = finding.at - alarm.recent[-1] > QUIET
    if not over and finding.transition.kind is TransitionKind.TRIPPED:
        if alarm.life_safety:
            # It became one about lives while it chattered, and its last clearing was only counted.
            over = alarm.chatter_proof is not None
        else:
            # Who ended the ticket is told that the fault is still there, as of any other fault;
            # and an alarm that was withheld, and judged as over in a quiet moment, is told again.
            over = alarm.state in ALARM.moves["trip"] or not _ticket_waits(session, alarm)
    if over:
        _end(session, alarm, learned_at)
    return not over


def _ticket_waits(session: Session, alarm: Alarm) -> bool:
    if alarm.state in WITHHELD:
        return True
    ticket = tickets.current_ticket(session, alarm.ticket_id) if alarm.ticket_id else None
    return ticket is not None and ticket.state not in _ENDED


def _count(alarm: Alarm, finding: Finding, learned_at: datetime) -> None:
    _remember(alarm, finding.at)
    alarm.chatter_heard_at = learned_at
    if finding.transition.kind is TransitionKind.TRIPPED:
        alarm.chatter_count += 1
        alarm.chatter_proof = None
    elif not alarm.life_safety:
        alarm.chatter_proof = proof_of(finding)


def _end(session: Session, alarm: Alarm, learned_at: datetime) -> None:
    since, count, proof = alarm.chatter_since, alarm.chatter_count, alarm.chatter_proof
    last = alarm.recent[-1]
    alarm.chatter_since = alarm.chatter_heard_at = alarm.chatter_proof = None
    alarm.chatter_count = 0
    session.flush()
    if not alarm.life_safety:
        _write_down(session, alarm, count, last)
    between = {"trips": count, "from": since.isoformat() if since else None}
    _append(session, alarm, "chatter_end", from_micros(last), learned_at, between)
    if proof is not None:
        clear_alarm(session, alarm, last, proof, learned_at)


def _write_down(session: Session, alarm: Alarm, count: int, last: int) -> None:
    """The trips that were only counted stand with the episode and the ticket."""
    episode = open_episode(session, alarm)
    if episode is None:
        return
    episode.trips = count
    episode.chattered_until = from_micros(last)
    ticket = tickets.current_ticket(session, episode.ticket_id) if episode.ticket_id else None
    if ticket is not None and count > 1:
        tickets.count_repeats(session, ticket, count - 1, from_micros(last))


def _append(
    session: Session,
    alarm: Alarm,
    verb: str,
    at: datetime,
    learned_at: datetime,
    facts: dict[str, Any],
) -> None:
    """The same fact of the alarm and of its ticket."""
    ticket = tickets.current_ticket(session, alarm.ticket_id) if alarm.ticket_id else None
    subjects = [("alarm", alarm.id), *([("ticket", ticket.id)] if ticket else [])]
    for kind, subject_id in subjects:
        events.append(
            session,
            f"{kind}.{verb}",
            (kind, subject_id),
            actor=judge_of(alarm),
            happened_at=at,
            learned_at=learned_at,
            site_id=alarm.site_id,
            after={"rule": alarm.rule_id, "asset": str(alarm.asset_id), **facts},
        )
