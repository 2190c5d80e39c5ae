"""What people do with alarms."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import events
from core.lifecycle import move
from workflows import tickets
from workflows.alarms.model import ALARM, Alarm, Episode


def acknowledge(session: Session, alarm: Alarm, *, person: UUID, now: datetime) -> Alarm:
    """Somebody has seen it. Conflict when there is nothing to acknowledge."""
    move(
        session,
        alarm,
        ALARM,
        "acknowledge",
        actor=events.Actor.person(person),
        learned_at=now,
    )
    newest = session.scalars(
        select(Episode)
        .where(Episode.alarm_id == alarm.id, Episode.acknowledged_at.is_(None))
        .order_by(Episode.tripped_micros.desc())
        .limit(1)
    ).first()
    if newest is not None:
        newest.acknowledged_at = now
        newest.acknowledged_by = person
    session.flush()
    return alarm


def accept_ticket(
    session: Session,
    ticket: tickets.Ticket,
    step: tickets.Step,
    *,
    person: UUID,
    now: datetime,
    expected_version: int | None = None,
) -> tickets.Ticket:
    """Take an action on a ticket; accepting or starting it acknowledges its alarm as well.

    One button and one inbox: nobody has to say twice that they have seen it.
    """
    tickets.act(session, ticket, step, person=person, now=now, expected_version=expected_version)
    if step.action in ("accept", "start"):
        acknowledge_of(session, ticket, person=person, now=now)
    return ticket


def acknowledge_of(
    session: Session, ticket: tickets.Ticket, *, person: UUID, now: datetime
) -> None:
    """Acknowledge every alarm of a ticket that nobody has seen yet."""
    waiting = select(Alarm).where(
        Alarm.ticket_id.in_(tickets.with_merged(session, ticket.id)),
        Alarm.state.in_(("unacknowledged", "returned_unacknowledged")),
    )
    for alarm in session.scalars(waiting).all():
        acknowledge(session, alarm, person=person, now=now)
