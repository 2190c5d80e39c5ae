"""What people do with alarms."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from core import events
from core.errors import Conflict
from core.lifecycle import move
from core.people import Caller
from workflows import tickets
from workflows.alarms.model import ALARM, Alarm, Episode
from workflows.alarms.releasing import latch_where_asked
from workflows.alarms.standing import UNSEEN
from workflows.tickets import bulk
from workflows.tickets.scope import Placed, holds


def acknowledge(session: Session, alarm: Alarm, *, person: UUID, now: datetime) -> Alarm:
    """Somebody has seen it. Conflict when there is nothing to acknowledge."""
    actor = events.Actor.person(person)
    move(session, alarm, ALARM, "acknowledge", actor=actor, learned_at=now)
    latch_where_asked(session, alarm, actor=actor, now=now)
    alarm.realarm_due = _realarm_due(alarm, now)
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


def _realarm_due(alarm: Alarm, now: datetime) -> datetime | None:
    """When it is told again if it still stands then; None where its rule does not ask for it."""
    span = (alarm.facts or {}).get("realarm_standing")
    if alarm.state != "acknowledged" or span is None:
        return None
    return now + timedelta(seconds=span)


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


def accept_tickets(
    session: Session, caller: Caller, order: bulk.Order, *, now: datetime
) -> bulk.TicketBatch:
    """Do one thing to many tickets; accepting acknowledges the alarms of each, as for one."""
    return bulk.act_on_many(session, caller, order, doing=accept_ticket, now=now)


def acknowledge_of(
    session: Session, ticket: tickets.Ticket, *, person: UUID, now: datetime
) -> None:
    """Acknowledge every alarm of a ticket that nobody has seen yet."""
    waiting = select(Alarm).where(
        Alarm.ticket_id.in_(tickets.with_merged(session, ticket.id)),
        Alarm.state.in_(UNSEEN),
    )
    for alarm in session.scalars(waiting.order_by(Alarm.id)).all():
        acknowledge(session, alarm, person=person, now=now)


def accept_alarm(session: Session, caller: Caller, alarm: Alarm, *, now: datetime) -> str:
    """One button for an alarm that sounds: take its ticket if it waits for hands.

    Returns "accepted", or "seen" where the alarm is only acknowledged: it has no ticket, somebody
    else has it, or the caller may not take it. Conflict when somebody was quicker with all of it.
    """
    caller.require("alarms.act", alarm.site_id)
    person = caller.person_id
    ticket = None
    if alarm.ticket_id is not None:
        # Locked before the alarm is moved, in the order in which every other action takes them.
        keyed = {"key_share": True}
        ticket = session.get(tickets.Ticket, alarm.ticket_id, with_for_update=keyed)
    if ticket and may_take(ticket.state, ticket, caller):
        try:
            accept_ticket(session, ticket, tickets.Step("accept"), person=person, now=now)
        except Conflict:
            # For want of a certificate, for example; they have seen it all the same.
            pass
        else:
            return "accepted"
    see_alarm(session, alarm, person=person, now=now)
    return "seen"


def see_alarm(session: Session, alarm: Alarm, *, person: UUID, now: datetime) -> None:
    """Acknowledge an alarm, and with it the others of its incident, which lists show as one.

    The caller has not locked it: all of them are locked here, in the order in which everybody
    takes them, so that two who see two alarms of an incident don't wait for each other.
    """
    wanted = Alarm.id == alarm.id
    if alarm.incident_id is not None:
        unseen = and_(Alarm.incident_id == alarm.incident_id, Alarm.state.in_(UNSEEN))
        wanted = or_(wanted, unseen)
    locked = select(Alarm).where(wanted).order_by(Alarm.id).with_for_update()
    rows = session.scalars(locked.execution_options(populate_existing=True)).all()
    acknowledge(session, alarm, person=person, now=now)
    for other in rows:
        if other.id != alarm.id:
            acknowledge(session, other, person=person, now=now)


def may_take(state: str | None, ticket: Placed, caller: Caller) -> bool:
    """Whether a ticket in this state waits for somebody, and the caller may be the one."""
    waits = state in tickets.TICKET.moves["accept"]
    theirs = ticket.assignee_id in (None, caller.person_id)
    return waits and theirs and holds(caller, "tickets.work", ticket)
