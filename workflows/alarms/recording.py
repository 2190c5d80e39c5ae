"""Writing down what the engine decided: alarm rows, episodes, tickets and their evidence."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from core import events
from core.clock import from_micros
from core.devices import point_ids
from core.ids import new_id
from core.lifecycle import move
from rules.engine import AlarmState, Phase, Transition, TransitionKind
from workflows import tickets
from workflows.alarms.model import ALARM, Alarm, Episode


@dataclass(frozen=True, slots=True)
class RuleFacts:
    """What the alarm and the ticket need to know of the rule, at the version that judged."""

    rule_id: str
    version: int
    title: Mapping[str, str]
    severity: str
    life_safety: bool
    condition: str
    kind: str
    category: str
    team: str
    respond_within: timedelta | None
    resolve_within: timedelta | None
    reopen_within: timedelta


@dataclass(frozen=True, slots=True)
class PointFacts:
    """A point that a rule reads, for the evidence."""

    series: int
    unit: str | None


@dataclass(frozen=True, slots=True)
class Finding:
    """One transition of one alarm, as the engine decided it.

    at: the moment of the transition in µs since the epoch, wall time.
    also: further facts for the evidence, for example the devices behind a silent gateway.
    """

    site_id: UUID
    asset_id: UUID
    space_id: UUID | None
    rule: RuleFacts
    transition: Transition
    at: int
    points: Mapping[str, PointFacts]
    also: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Opened:
    """A ticket that a finding opened, continued or re-opened."""

    ticket_id: UUID
    number: int
    outcome: tickets.Outcome


def record(session: Session, findings: Sequence[Finding], *, learned_at: datetime) -> list[Opened]:
    """Write down decisions inside the caller's transaction, in the order in which they fell.

    Raises IntegrityError if an episode of the same trip time exists already.
    """
    opened: list[Opened] = []
    rows: dict[tuple[str, UUID], Alarm] = {}
    # What must be seen is flushed where it is looked for: a flush before every question would
    # send each row by itself.
    with session.no_autoflush:
        for finding in findings:
            alarm = _alarm_row(session, finding, rows)
            _store_state(alarm, finding.transition.after)
            match finding.transition.kind:
                case TransitionKind.TRIPPED:
                    opened.append(_trip(session, alarm, finding, learned_at))
                case TransitionKind.CLEARED:
                    _clear(session, alarm, finding, learned_at)
        session.flush()
    return opened


_ALARM = select(Alarm).where(
    Alarm.rule_id == bindparam("of_rule"), Alarm.asset_id == bindparam("of_asset")
)


def _alarm_row(session: Session, finding: Finding, rows: dict[tuple[str, UUID], Alarm]) -> Alarm:
    rule = finding.rule
    key = (rule.rule_id, finding.asset_id)
    row = rows.get(key)
    if row is None:
        given = {"of_rule": rule.rule_id, "of_asset": finding.asset_id}
        row = session.scalars(_ALARM, given).first()
    if row is None:
        row = Alarm(
            id=new_id(),
            site_id=finding.site_id,
            asset_id=finding.asset_id,
            rule_id=rule.rule_id,
            state="normal",
            version=1,
            episodes=0,
        )
        session.add(row)
    rows[key] = row
    row.rule_version = rule.version
    row.title = dict(rule.title)
    row.severity = rule.severity
    row.life_safety = rule.life_safety
    return row


def _store_state(alarm: Alarm, state: AlarmState) -> None:
    alarm.phase = state.phase.value
    alarm.since = state.since
    alarm.due = state.due
    alarm.due_receipt = state.due_receipt
    alarm.count = state.count
    alarm.changed_at = state.changed_at
    alarm.tripped_at = state.tripped_at
    alarm.cleared_at = state.cleared_at
    alarm.failing = state.failing


def _trip(session: Session, alarm: Alarm, finding: Finding, learned_at: datetime) -> Opened:
    rule, at = finding.rule, from_micros(finding.at)
    actor = events.Actor("rule", f"{rule.rule_id}@{rule.version}")
    alarm.reason = finding.transition.reason
    alarm.raised_at = at
    alarm.returned_at = None
    alarm.episodes += 1
    move(
        session,
        alarm,
        ALARM,
        "trip",
        actor=actor,
        happened_at=at,
        learned_at=learned_at,
        facts={"rule": rule.rule_id, "asset": str(finding.asset_id)},
    )
    ticket, outcome = tickets.open_for_fault(
        session,
        tickets.FaultKey(rule.rule_id, finding.asset_id),
        _draft(finding, at, learned_at),
        reopen_within=rule.reopen_within,
        actor=actor,
    )
    episode = Episode(
        id=new_id(),
        alarm_id=alarm.id,
        site_id=finding.site_id,
        rule_version=rule.version,
        tripped_micros=finding.at,
        learned_at=learned_at,
        reason=finding.transition.reason,
        ticket_id=ticket.id,
    )
    session.add(episode)
    alarm.ticket_id = ticket.id
    tickets.add_evidence(
        session, ticket, "trip", finding.at, _proof(session, finding, episode.id), chart_wanted=True
    )
    return Opened(ticket.id, ticket.number, outcome)


def _draft(finding: Finding, at: datetime, learned_at: datetime) -> tickets.Draft:
    rule = finding.rule
    return tickets.Draft(
        site_id=finding.site_id,
        space_id=finding.space_id,
        asset_id=finding.asset_id,
        kind=rule.kind,
        category=rule.category,
        priority=rule.severity,
        life_safety=rule.life_safety,
        title=rule.title,
        team=rule.team,
        happened_at=at,
        learned_at=learned_at,
        rule_id=rule.rule_id,
        rule_version=rule.version,
        respond_within=rule.respond_within,
        resolve_within=rule.resolve_within,
    )


def _proof(session: Session, finding: Finding, episode_id: UUID) -> dict[str, Any]:
    ids = point_ids(session, [facts.series for facts in finding.points.values()])
    inputs = []
    for item in finding.transition.inputs:
        facts = finding.points.get(item.point)
        point_id = ids.get(facts.series) if facts else None
        inputs.append(
            {
                "point": item.point,
                "value": None if item.value is None else float(item.value),
                "at": item.at,
                "unit": facts.unit if facts else None,
                "series": facts.series if facts else None,
                "point_id": str(point_id) if point_id else None,
            }
        )
    return {
        "episode": str(episode_id),
        "rule": finding.rule.rule_id,
        "version": finding.rule.version,
        "condition": finding.rule.condition,
        "reason": finding.transition.reason,
        "inputs": inputs,
        **finding.also,
    }


def _clear(session: Session, alarm: Alarm, finding: Finding, learned_at: datetime) -> None:
    rule, at = finding.rule, from_micros(finding.at)
    actor = events.Actor("rule", f"{rule.rule_id}@{rule.version}")
    alarm.returned_at = at
    # It sends what is pending as well, the episode among it.
    move(session, alarm, ALARM, "clear", actor=actor, happened_at=at, learned_at=learned_at)
    episode = session.scalars(
        select(Episode)
        .where(Episode.alarm_id == alarm.id, Episode.cleared_micros.is_(None))
        .order_by(Episode.tripped_micros.desc())
        .limit(1)
    ).first()
    if episode is None:
        return
    episode.cleared_micros = finding.at
    ticket = tickets.current_ticket(session, episode.ticket_id) if episode.ticket_id else None
    if ticket is None:
        return
    # The sensor's recovery is evidence and nothing more: only people end a ticket.
    ticket.recovered_at = at
    tickets.add_evidence(
        session, ticket, "recovery", finding.at, _proof(session, finding, episode.id)
    )
    events.append(
        session,
        "ticket.recovered",
        ("ticket", ticket.id),
        actor=actor,
        happened_at=at,
        learned_at=learned_at,
        site_id=ticket.site_id,
    )


def standing_states(session: Session) -> dict[tuple[str, UUID], tuple[int, AlarmState]]:
    """The rule version and engine state of every alarm, by (rule, asset), as last committed."""
    return {
        (row.rule_id, row.asset_id): (row.rule_version, _state_of(row))
        for row in session.scalars(select(Alarm))
    }


def _state_of(row: Alarm) -> AlarmState:
    return AlarmState(
        phase=Phase(row.phase),
        since=row.since,
        due=row.due,
        due_receipt=row.due_receipt,
        count=row.count,
        changed_at=row.changed_at,
        tripped_at=row.tripped_at,
        cleared_at=row.cleared_at,
        failing=row.failing,
    )


def unfinished_charts(session: Session, limit: int = 50) -> list[tickets.TicketEvidence]:
    """Evidence whose readings are still to be copied in from telemetry."""
    statement = (
        select(tickets.TicketEvidence).where(tickets.TicketEvidence.chart_wanted).limit(limit)
    )
    return list(session.scalars(statement))


def keep_chart(session: Session, evidence_id: UUID, data: Mapping[str, Any]) -> None:
    """Put the copied chart into its evidence."""
    row = session.get_one(tickets.TicketEvidence, evidence_id)
    row.data = dict(data)
    row.chart_wanted = False
