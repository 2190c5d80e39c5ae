"""An alarm that was seen and still stands is told again, where its rule asks for that."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import events
from core.lifecycle import move
from workflows import tickets
from workflows.alarms.model import ALARM, Alarm
from workflows.alarms.releasing import open_again, open_episode, standing_fault
from workflows.alarms.withholding import reason_for

# How soon after it was found to be withheld.
LOOK_AGAIN = timedelta(minutes=1)


def due_realarms(session: Session, *, now: datetime, limit: int = 200) -> list[UUID]:
    """Alarms that were seen so long ago that they are to be told again, the longest first."""
    statement = (
        select(Alarm.id)
        .where(Alarm.state == "acknowledged", Alarm.realarm_due <= now)
        .order_by(Alarm.realarm_due)
        .limit(limit)
    )
    return list(session.scalars(statement))


def realarm(session: Session, alarm_id: UUID, *, now: datetime, actor: events.Actor) -> int:
    """Tell an alarm again that still stands; 0 where it does no more.

    While something withholds what its rule says, such as planned work, it waits for the end of
    that, and is told within LOOK_AGAIN of it.
    """
    alarm = session.get_one(Alarm, alarm_id, with_for_update=True, populate_existing=True)
    if alarm.state != "acknowledged" or alarm.realarm_due is None or alarm.realarm_due > now:
        return 0
    fault = standing_fault(session, alarm, now)
    held = reason_for(session, fault, alarm, now)
    if held is not None:
        # Not at its planned end: people finish early, and what explains it clears.
        soon = now + LOOK_AGAIN
        alarm.realarm_due = min(held.until or soon, soon)
        return 0
    move(session, alarm, ALARM, "realarm", actor=actor, learned_at=now)
    alarm.realarm_due = None
    episode = open_episode(session, alarm)
    if episode is not None:
        episode.announced_at = now
    ticket = tickets.current_ticket(session, alarm.ticket_id) if alarm.ticket_id else None
    # Those who have the ticket of an incident are told once of all of its alarms.
    told = ticket is not None and ticket.announced_at == now
    if not told and not (ticket and tickets.tell_still(session, ticket, now=now, actor=actor)):
        # Its ticket is done with, though the fault is not: as if it had shown itself again.
        ticket, _ = open_again(session, fault, alarm.raised_at or now, now=now)
        alarm.ticket_id = ticket.id
        if episode is not None:
            episode.ticket_id = ticket.id
    session.flush()
    return 1
