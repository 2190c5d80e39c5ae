"""The steps of a fire alarm with the alarm that sounds for it: who has seen one has seen both."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from core.people import Caller
from workflows.alarms.operating import acknowledge_of
from workflows.tickets import Ticket, fire_watch
from workflows.tickets.fire_watch import Look


def send_to_look(
    session: Session, caller: Caller, ticket: Ticket, sent: UUID, *, now: datetime
) -> None:
    """See `fire_watch.send_somebody`; the alarm is silent from now on."""
    fire_watch.send_somebody(session, caller, ticket, sent, now=now)
    acknowledge_of(session, ticket, person=caller.person_id, now=now)


def call_it_no_fire(
    session: Session, caller: Caller, ticket: Ticket, look: Look, *, now: datetime
) -> None:
    """See `fire_watch.call_it_no_fire`."""
    fire_watch.call_it_no_fire(session, caller, ticket, look, now=now)
    acknowledge_of(session, ticket, person=caller.person_id, now=now)


def take_fire_on(session: Session, caller: Caller, ticket: Ticket, *, now: datetime) -> None:
    """See `fire_watch.answer_fire`."""
    caller.require(fire_watch.ACT, ticket.site_id)
    answer_in_name(session, ticket, person=caller.person_id, now=now)


def answer_in_name(session: Session, ticket: Ticket, *, person: UUID, now: datetime) -> None:
    """Take a fire on for somebody who answered a message or a call, and may."""
    fire_watch.answer_fire(session, ticket, person=person, now=now)
    acknowledge_of(session, ticket, person=person, now=now)
