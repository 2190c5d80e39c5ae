"""Writing down what the engine decided: alarm rows, episodes, tickets and their evidence."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from core import events
from core.clock import from_micros
from core.ids import new_id
from core.lifecycle import move
from rules.engine import AlarmState, Phase, TransitionKind
from workflows import tickets
from workflows.alarms.finding import Finding, Opened, draft_of, proof_of
from workflows.alarms.first_trip import is_known, record_first_trip
from workflows.alarms.model import ALARM, Alarm, Episode


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
            if _is_first(session, finding, rows):
                opened.append(record_first_trip(session, finding, learned_at))
                continue
            alarm = _alarm_row(session, finding, rows)
            _store_state(alarm, finding.transition.after)
            match finding.transition.kind:
                case TransitionKind.TRIPPED:
                    opened.append(_trip(session, alarm, finding, learned_at))
                case TransitionKind.CLEARED:
                    _clear(session, alarm, finding, learned_at)
        session.flush()
    return opened


def _is_first(session: Session, finding: Finding, rows: Mapping[tuple[str, UUID], Alarm]) -> bool:
    if finding.transition.kind is not TransitionKind.TRIPPED:
        return False
    return (finding.rule.rule_id, finding.asset_id) not in rows and not is_known(session, finding)


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
        draft_of(finding, at, learned_at),
        reopen_within=rule.reopen_within,
        realarm_after=rule.realarm_after,
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
    proof = proof_of(finding, episode.id)
    tickets.add_evidence(
        session, ticket.id, ticket.site_id, "trip", finding.at, proof, chart_wanted=True
    )
    return Opened(ticket.id, ticket.number, outcome)


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
    tickets.note_if_over(session, ticket, at, now=learned_at, actor=actor)
    proof = proof_of(finding, episode.id)
    tickets.add_evidence(session, ticket.id, ticket.site_id, "recovery", finding.at, proof)
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
