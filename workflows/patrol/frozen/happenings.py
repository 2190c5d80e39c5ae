"""Alarms, tickets, calls for help and hand-overs of a span, as far as guards have to do with them.

Alarms and hand-overs are other workflows' rows; what is told of them stands in the event log.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from core.events import Event
from core.places import Asset
from core.rulebook import RuleVersion
from workflows.patrol.posts.model import Post, PostLog
from workflows.patrol.reports.model import GuardReport
from workflows.patrol.rounds.model import RoundPlan
from workflows.tickets.model import Ticket
from workflows.tickets.sos import CATEGORIES, Sos

# Of other alarms there are too many, and nobody who guards has to do with them.
GRAVE = ("high", "critical")
MOST_ALARMS = 200


def alarms_of(
    session: Session, site_id: UUID, start: datetime, end: datetime
) -> list[dict[str, Any]]:
    """Grave alarms, and those about lives, that tripped in a span; each with when it cleared."""
    kinds = ("alarm.trip", "alarm.clear")
    statement = (
        select(Event)
        .where(
            Event.site_id == site_id,
            Event.happened_at >= start,
            Event.happened_at < end,
            # The log is ordered by when we learned of it; what is told days later is rare.
            Event.learned_at >= start,
            Event.kind.in_(kinds),
        )
        .order_by(Event.happened_at, Event.seq)
    )
    rows = session.scalars(statement).all()
    rules = _rules(session, {(row.after or {}).get("rule", "") for row in rows})
    assets = _assets(session, {(row.after or {}).get("asset", "") for row in rows})
    standing: dict[str, dict[str, Any]] = {}
    found: list[dict[str, Any]] = []
    for row in rows:
        if row.kind == "alarm.clear":
            if row.subject_id in standing:
                standing.pop(row.subject_id)["cleared_at"] = row.happened_at
            continue
        after = row.after or {}
        rule = rules.get(after.get("rule", ""))
        if rule is None or not (rule.life_safety or rule.severity in GRAVE):
            continue
        one = {
            "id": row.id,
            "title": dict(rule.title),
            "asset": assets.get(after.get("asset", ""), {}),
            "severity": rule.severity,
            "tripped_at": row.happened_at,
            "cleared_at": None,
        }
        standing[row.subject_id] = one
        found.append(one)
    return found[:MOST_ALARMS]


def _rules(session: Session, ids: Collection[str]) -> dict[str, RuleVersion]:
    """The newest version of each rule."""
    statement = select(RuleVersion).where(RuleVersion.rule_id.in_(ids))
    rows = session.scalars(statement.order_by(RuleVersion.created_at, RuleVersion.id))
    return {row.rule_id: row for row in rows}


def _assets(session: Session, ids: Collection[str]) -> dict[str, dict[str, str]]:
    wanted = [UUID(one) for one in ids if one]
    statement = select(Asset.id, Asset.name).where(Asset.id.in_(wanted))
    return {str(asset_id): dict(name) for asset_id, name in session.execute(statement)}


def tickets_of(
    session: Session, site_id: UUID, start: datetime, end: datetime
) -> list[dict[str, Any]]:
    """Tickets of those who guard that were opened or ended in a span, by number.

    Theirs are those of the teams of posts and rounds, what came of their reports, and what is about
    lives; calls for help stand by themselves. What became of one later is not told.
    """
    teams = {
        *session.scalars(select(Post.team).where(Post.site_id == site_id)),
        *session.scalars(select(RoundPlan.team).where(RoundPlan.site_id == site_id)),
    }
    of_reports = select(GuardReport.ticket_id).where(
        GuardReport.site_id == site_id, GuardReport.ticket_id.is_not(None)
    )
    statement = (
        select(Ticket)
        .where(
            Ticket.site_id == site_id,
            Ticket.category.not_in(CATEGORIES),
            or_(
                (Ticket.learned_at >= start) & (Ticket.learned_at < end),
                (Ticket.ended_at >= start) & (Ticket.ended_at < end),
            ),
            or_(Ticket.team.in_(teams), Ticket.life_safety, Ticket.id.in_(of_reports)),
        )
        .order_by(Ticket.number)
    )
    found = []
    for row in session.scalars(statement):
        ended = row.ended_at is not None and start <= row.ended_at < end
        found.append(
            {
                "id": row.id,
                "number": row.number,
                "title": dict(row.title),
                "kind": row.kind,
                "priority": row.priority,
                "opened_at": row.learned_at if start <= row.learned_at < end else None,
                "ended_at": row.ended_at if ended else None,
            }
        )
    return found


def calls_of(
    session: Session, site_id: UUID, start: datetime, end: datetime
) -> list[dict[str, Any]]:
    """Open calls for help of a span, in their order. A silent one is never told, nor a practice."""
    statement = (
        select(Sos, Asset.name, Ticket.number)
        .outerjoin(Asset, Asset.id == Sos.checkpoint_id)
        .outerjoin(Ticket, Ticket.id == Sos.ticket_id)
        .where(
            Sos.site_id == site_id,
            Sos.kind == "open",
            Sos.practice.is_(False),
            Sos.opened_at >= start,
            Sos.opened_at < end,
        )
        .order_by(Sos.opened_at, Sos.id)
    )
    return [
        {
            "id": row.id,
            "ticket_number": number,
            "origin": row.origin,
            "person_id": row.person_id,
            "place": dict(place or {}),
            "opened_at": row.opened_at,
            "acknowledged_at": row.acknowledged_at,
            "coming_at": row.coming_at,
            "ended_at": row.ended_at,
            "outcome": row.outcome,
        }
        for row, place, number in session.execute(statement)
    ]


def hand_overs_of(
    session: Session, site_id: UUID, start: datetime, end: datetime
) -> list[dict[str, Any]]:
    """What passed from shift to shift: hand-overs of teams and posts, and the pass-down logs."""
    statement = (
        select(Event)
        .where(
            Event.site_id == site_id,
            Event.learned_at >= start,
            Event.learned_at < end,
            Event.kind.in_(("handover.offer", "handover.accept")),
        )
        .order_by(Event.seq)
    )
    found: dict[str, dict[str, Any]] = {}
    for row in session.scalars(statement):
        person = UUID(row.actor_id) if row.actor_kind == "person" else None
        after = row.after or {}
        one = found.setdefault(
            row.subject_id,
            {
                "id": row.subject_id,
                "kind": "hand_over",
                "team": "",
                "from_id": None,
                "to_id": None,
                "at": row.learned_at,
                "accepted_at": None,
                "missing": 0,
                "text": "",
            },
        )
        if row.kind == "handover.offer":
            one |= {
                "team": after.get("team", ""),
                "from_id": person,
                "missing": len(after.get("missing", ())),
            }
        else:
            one |= {"to_id": person, "accepted_at": row.learned_at}
    logs = (
        select(PostLog, Post.name)
        .join(Post, Post.id == PostLog.post_id)
        .where(PostLog.site_id == site_id, PostLog.written_at >= start, PostLog.written_at < end)
    )
    written = [
        {
            "id": row.id,
            "kind": "log",
            "post": dict(name),
            "from_id": row.person_id,
            "at": row.written_at,
            "text": row.text,
        }
        for row, name in session.execute(logs)
    ]
    return sorted([*found.values(), *written], key=lambda one: (one["at"], str(one["id"])))
