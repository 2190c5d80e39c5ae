"""A fire alarm becomes a fire: by one press, or because its clock ran out."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from core import events
from core.colleagues import people_in_role
from core.lifecycle import move
from core.rosters import bosses, who_answers
from workflows.tickets.clocks import next_moment, recompute
from workflows.tickets.fire_alarms import FIRE_ALARM, RUNNING, FireAlarm, alarm_of
from workflows.tickets.model import Ticket
from workflows.tickets.passing import end_hold
from workflows.tickets.promises import terms_at

# Who is told of every fire, beside the chain that the terms of the site name.
ALSO_TOLD = "safety_officer"
SECURITY = "security"


def become_fire(
    session: Session,
    ticket: Ticket,
    row: FireAlarm,
    action: str,
    *,
    why: str,
    happened_at: datetime,
    now: datetime,
    actor: events.Actor,
) -> None:
    """Escalate an alarm as a fire: critical, an incident, and all of the chain told at once.

    action: fire or lapse. why: pressed, unseen or unconfirmed.
    """
    if ticket.state == "on_hold":
        end_hold(session, ticket, now=now, actor=actor)
    told = [str(one) for one in _chain(session, ticket, row, now)]
    values = {"why": why, "fire_at": now, "due_at": None}
    undone = ("answered_at", "answered_by", "decided_at", "decided_by", "cause", "photo_id")
    move(
        session,
        row,
        FIRE_ALARM,
        action,
        actor=actor,
        learned_at=now,
        happened_at=happened_at,
        values={**values, **dict.fromkeys(undone)},
        facts={"why": why, "people": told},
    )
    _raise(session, ticket, now=now, actor=actor)


def _chain(session: Session, ticket: Ticket, row: FireAlarm, now: datetime) -> list[UUID]:
    """Everybody who is told at once: on duty, sent to look, and each rung of the escalation."""
    escalation = terms_at(session, ticket.site_id).terms.escalation
    roles = [rung.to for rung in (*escalation.response, *escalation.resolution)]
    found = [one for one in (row.sent_id, ticket.assignee_id) if one is not None]
    for team in dict.fromkeys((ticket.team, SECURITY)):
        found += who_answers(session, ticket.site_id, team, now).people
    for role in dict.fromkeys((*roles, ALSO_TOLD)):
        found += people_in_role(session, ticket.site_id, role, team=ticket.team)
    return list(dict.fromkeys(found + bosses(session, ticket.site_id)))


def _raise(session: Session, ticket: Ticket, *, now: datetime, actor: events.Actor) -> None:
    """Make the ticket what a fire is; its clocks count by what is promised of such a ticket."""
    wanted = {"kind": "incident", "priority": "critical"}
    before = {name: getattr(ticket, name) for name in wanted}
    ticket.over = False
    if before == wanted:
        session.flush()
        return
    ticket.kind, ticket.priority = wanted["kind"], wanted["priority"]
    ticket.version = Ticket.version + 1
    session.flush()
    session.refresh(ticket)
    recompute(session, ticket, now=now, actor=actor, why="fire", anew=True)
    ticket.next_due = next_moment(ticket)
    events.append(
        session,
        "ticket.edit",
        ("ticket", ticket.id),
        actor=actor,
        learned_at=now,
        site_id=ticket.site_id,
        before=before,
        after={**wanted, "fields": sorted(wanted), "why": "fire"},
    )
    session.flush()


def lapse_if_due(
    session: Session, ticket: Ticket, *, now: datetime, actor: events.Actor = events.SYSTEM
) -> bool:
    """Pass a ticket on as a fire if its short clock has run out by now; returns whether it did.

    Judged before anybody's step as well: what came too late stays on record even if no sweep saw
    it yet. It happened at the moment it was due, however late we look.
    """
    row = alarm_of(session, ticket)
    if row is None or row.state not in RUNNING or row.due_at is None or row.due_at > now:
        return False
    why = "unseen" if row.state == "unseen" else "unconfirmed"
    become_fire(
        session, ticket, row, "lapse", why=why, happened_at=row.due_at, now=now, actor=actor
    )
    return True
