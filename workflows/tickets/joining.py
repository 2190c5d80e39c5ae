"""Tickets that turn out to have one cause: one of them takes the others in, nobody's work is lost.

People join tickets by merging them (`working`); this is what happens by itself.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import events
from core.lifecycle import move
from workflows.tickets.clocks import next_moment
from workflows.tickets.lifecycle import IN_HAND, TICKET
from workflows.tickets.model import Fault, Ticket
from workflows.tickets.opening import FaultKey, current_ticket, hold, release_if_ended
from workflows.tickets.passing import mark_passed
from workflows.tickets.working import merge_effects

# Somebody still works on it or is to; nobody has said yet that it is done.
WAITING = ("open", *IN_HAND)


def lock_current(session: Session, ticket_ids: Collection[UUID]) -> dict[UUID, Ticket]:
    """The tickets that these are now, after merges, as they stand, locked until commit; by id."""
    now = {ticket_id: current_ticket(session, ticket_id) for ticket_id in ticket_ids}
    ids = {ticket.id for ticket in now.values() if ticket is not None}
    locked = session.scalars(
        select(Ticket)
        .where(Ticket.id.in_(ids))
        # In one order, so that two who lock several wait for each other and don't stand still.
        .order_by(Ticket.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    by_id = {ticket.id: ticket for ticket in locked}
    return {key: by_id[ticket.id] for key, ticket in now.items() if ticket and ticket.id in by_id}


def is_accepted(ticket: Ticket) -> bool:
    """Whether somebody has answered it, so that nothing may happen to it behind their back."""
    return ticket.responded_at is not None or ticket.state not in ("open", "assigned")


def is_held(session: Session, key: FaultKey) -> bool:
    """Whether a ticket that has not ended stands for a fault."""
    statement = select(Fault.id).where(
        Fault.rule_id == key.rule_id, Fault.asset_id == key.asset_id, Fault.holds
    )
    return session.scalars(statement).first() is not None


def take_in(
    session: Session,
    ticket: Ticket,
    target: Ticket,
    *,
    now: datetime,
    actor: events.Actor,
    facts: Mapping[str, Any],
) -> bool:
    """Merge a locked ticket that nobody has accepted into another; False where somebody has."""
    if ticket.id == target.id or is_accepted(ticket) or target.state not in WAITING:
        return False
    mark_passed(session, ticket, now=now, actor=events.SYSTEM)
    values, merged = merge_effects(session, ticket, target.id, now)
    move(
        session,
        ticket,
        TICKET,
        "merge",
        actor=actor,
        learned_at=now,
        values=values,
        facts={**merged, **facts},
    )
    release_if_ended(session, ticket)
    ticket.next_due = next_moment(ticket)
    session.flush()
    session.refresh(target)
    return True


def take_fault(session: Session, ticket: Ticket, key: FaultKey) -> None:
    """Let a ticket stand for one more fault, which has just shown itself and has no ticket."""
    hold(session, key, ticket.site_id, ticket.id)
    ticket.recovered_at = None
    ticket.over = False


def hand_fault(session: Session, ticket: Ticket, key: FaultKey, other: Ticket) -> None:
    """Give one fault of a ticket to another ticket."""
    statement = select(Fault).where(
        Fault.rule_id == key.rule_id, Fault.asset_id == key.asset_id, Fault.ticket_id == ticket.id
    )
    for fault in session.scalars(statement):
        fault.ticket_id = other.id
    session.flush()
