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
from workflows.alarms import chatter, incidents
from workflows.alarms.clearing import clear_alarm
from workflows.alarms.finding import Finding, Opened, draft_of, kept_facts, proof_of
from workflows.alarms.first_trip import is_known, record_first_trip
from workflows.alarms.inhibition import as_kept, consequences
from workflows.alarms.leaving import leave_if_elsewhere
from workflows.alarms.locking import lock_in_order
from workflows.alarms.model import ALARM, Alarm, Episode
from workflows.alarms.shadowing import shadow_states
from workflows.alarms.withholding import keep_silent, reason_for


def record(session: Session, findings: Sequence[Finding], *, learned_at: datetime) -> list[Opened]:
    """Write down decisions inside the caller's transaction, in the order in which they fell.

    Raises IntegrityError if an episode of the same trip time exists already.
    """
    opened: list[Opened] = []
    rows: dict[tuple[str, UUID], Alarm] = {}
    lock_in_order(session, findings)
    # What must be seen is flushed where it is looked for: a flush before every question would
    # send each row by itself.
    with session.no_autoflush:
        for finding in findings:
            if _is_plain(session, finding, rows, learned_at):
                opened.append(record_first_trip(session, finding, learned_at))
                continue
            alarm = _alarm_row(session, finding, rows)
            _store_state(alarm, finding.transition.after)
            match finding.transition.kind:
                case TransitionKind.TRIPPED:
                    if not chatter.take(session, alarm, finding, learned_at):
                        opened += _trip(session, alarm, finding, learned_at)
                        chatter.begin_if_due(session, alarm, learned_at)
                case TransitionKind.CLEARED:
                    if not chatter.take(session, alarm, finding, learned_at):
                        clear_alarm(session, alarm, finding.at, proof_of(finding), learned_at)
        session.flush()
    return opened


def _is_plain(
    session: Session,
    finding: Finding,
    rows: Mapping[tuple[str, UUID], Alarm],
    learned_at: datetime,
) -> bool:
    """Whether a finding is a first trip that has nothing to do with anything else."""
    if not _is_first(session, finding, rows) or reason_for(session, finding, None, learned_at):
        return False
    return not (incidents.may_join(session, finding) or consequences(session, finding))


def _is_first(session: Session, finding: Finding, rows: Mapping[tuple[str, UUID], Alarm]) -> bool:
    if finding.transition.kind is not TransitionKind.TRIPPED:
        return False
    return (finding.rule.rule_id, finding.asset_id) not in rows and not is_known(session, finding)


_ALARM = (
    select(Alarm)
    .where(Alarm.rule_id == bindparam("of_rule"), Alarm.asset_id == bindparam("of_asset"))
    # Somebody may be shelving it right now, or its shelving be ending: one after the other.
    .with_for_update(key_share=True)
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
            recent=[],
            chatter_count=0,
        )
        session.add(row)
    rows[key] = row
    row.rule_version = rule.version
    row.title = dict(rule.title)
    row.severity = rule.severity
    row.life_safety = rule.life_safety
    row.family = rule.family
    row.inhibited_by = as_kept(rule.inhibited_by)
    row.facts = kept_facts(rule)
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
    alarm.seen = None if state.seen is None else dict(state.seen)


def _trip(session: Session, alarm: Alarm, finding: Finding, learned_at: datetime) -> list[Opened]:
    rule, at = finding.rule, from_micros(finding.at)
    actor = events.Actor("rule", f"{rule.rule_id}@{rule.version}")
    alarm.reason = finding.transition.reason
    alarm.raised_at = at
    alarm.returned_at = None
    alarm.episodes += 1
    held = reason_for(session, finding, alarm, learned_at)
    if held is not None:
        keep_silent(session, alarm, finding, held, learned_at)
        return []
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
    ticket, outcome = _ticket_of(session, alarm, finding, learned_at, actor)
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
    proof = {"episode": str(episode.id), **proof_of(finding)}
    # The chart of an incident is that of its first alarm.
    wanted = outcome is not tickets.Outcome.JOINED
    tickets.add_evidence(
        session, ticket.id, ticket.site_id, "trip", finding.at, proof, chart_wanted=wanted
    )
    incidents.take_consequences(session, alarm, finding, ticket, learned_at)
    return [Opened(ticket.id, ticket.number, outcome)]


def _ticket_of(
    session: Session,
    alarm: Alarm,
    finding: Finding,
    learned_at: datetime,
    actor: events.Actor,
) -> tuple[tickets.Ticket, tickets.Outcome]:
    joined = incidents.join(session, alarm, finding, learned_at)
    if joined is not None:
        return joined, tickets.Outcome.JOINED
    rule = finding.rule
    ticket, outcome = tickets.open_for_fault(
        session,
        tickets.FaultKey(rule.rule_id, finding.asset_id),
        draft_of(finding, from_micros(finding.at), learned_at),
        reopen_within=rule.reopen_within,
        realarm_after=rule.realarm_after,
        actor=actor,
    )
    leave_if_elsewhere(session, alarm, ticket)
    return ticket, outcome


def standing_states(session: Session) -> dict[tuple[str, UUID], tuple[int, AlarmState]]:
    """The rule version and engine state of every alarm, by (rule, asset), as last committed."""
    states = {
        (row.rule_id, row.asset_id): (row.rule_version, _state_of(row))
        for row in session.scalars(select(Alarm))
    }
    return states | shadow_states(session)


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
        seen=row.seen,
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
