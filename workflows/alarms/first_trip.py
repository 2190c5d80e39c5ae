"""The first trip of a rule on an asset: plain inserts, for a flood must not wait behind itself."""

from datetime import datetime
from typing import Any, cast
from uuid import UUID

from sqlalchemy import Table, bindparam, insert, select, union_all
from sqlalchemy.orm import Session

from core import events
from core.clock import from_micros
from core.ids import new_id
from workflows import tickets
from workflows.alarms.finding import Finding, Opened, draft_of, kept_facts, proof_of
from workflows.alarms.inhibition import as_kept
from workflows.alarms.model import ALARM, Alarm, Episode

_NEW_ALARM = insert(cast(Table, Alarm.__table__))
_NEW_EPISODE = insert(cast(Table, Episode.__table__))
_KNOWN = union_all(
    select(Alarm.id).where(
        Alarm.rule_id == bindparam("of_rule"), Alarm.asset_id == bindparam("of_asset")
    ),
    select(tickets.Fault.id).where(
        tickets.Fault.rule_id == bindparam("of_rule"),
        tickets.Fault.asset_id == bindparam("of_asset"),
    ),
)


def is_known(session: Session, finding: Finding) -> bool:
    """Whether anything was ever written down of the finding's rule on its asset."""
    given = {"of_rule": finding.rule.rule_id, "of_asset": finding.asset_id}
    return session.connection().execute(_KNOWN, given).first() is not None


def record_first_trip(session: Session, finding: Finding, learned_at: datetime) -> Opened:
    """Write down a first trip: one plain insert for each row, nothing read, one for the log."""
    rule, at = finding.rule, from_micros(finding.at)
    actor = events.Actor("rule", f"{rule.rule_id}@{rule.version}")
    key = tickets.FaultKey(rule.rule_id, finding.asset_id)
    ticket = tickets.open_unseen(session, key, draft_of(finding, at, learned_at), actor=actor)
    state = ALARM.target("trip", "normal")
    alarm_id, episode_id = new_id(), new_id()
    connection = session.connection()
    connection.execute(_NEW_ALARM, _alarm_values(finding, alarm_id, state, ticket.id))
    connection.execute(
        _NEW_EPISODE,
        {
            "id": episode_id,
            "alarm_id": alarm_id,
            "site_id": finding.site_id,
            "rule_version": rule.version,
            "tripped_micros": finding.at,
            "learned_at": learned_at,
            "reason": finding.transition.reason,
            "ticket_id": ticket.id,
        },
    )
    proof = {"episode": str(episode_id), **proof_of(finding)}
    tickets.add_evidence(
        session, ticket.id, finding.site_id, "trip", finding.at, proof, chart_wanted=True
    )
    tripped = events.fact(
        "alarm.trip",
        ("alarm", alarm_id),
        actor=actor,
        happened_at=at,
        learned_at=learned_at,
        site_id=finding.site_id,
        before={"state": "normal"},
        after={"state": state, "rule": rule.rule_id, "asset": str(finding.asset_id)},
    )
    events.append_all(session, [tripped, ticket.fact])
    return Opened(ticket.id, ticket.number, tickets.Outcome.OPENED)


def _alarm_values(finding: Finding, alarm_id: UUID, state: str, ticket_id: UUID) -> dict[str, Any]:
    rule, engine = finding.rule, finding.transition.after
    return {
        "id": alarm_id,
        "site_id": finding.site_id,
        "asset_id": finding.asset_id,
        "rule_id": rule.rule_id,
        "rule_version": rule.version,
        "title": dict(rule.title),
        "severity": rule.severity,
        "life_safety": rule.life_safety,
        "state": state,
        "version": 1,
        "reason": finding.transition.reason,
        "episodes": 1,
        "raised_at": from_micros(finding.at),
        "ticket_id": ticket_id,
        "family": rule.family,
        "inhibited_by": as_kept(rule.inhibited_by),
        "facts": kept_facts(rule),
        "phase": engine.phase.value,
        "since": engine.since,
        "due": engine.due,
        "due_receipt": engine.due_receipt,
        "count": engine.count,
        "changed_at": engine.changed_at,
        "tripped_at": engine.tripped_at,
        "cleared_at": engine.cleared_at,
        "failing": engine.failing,
        "seen": None if engine.seen is None else dict(engine.seen),
        "recent": [finding.at],
    }
