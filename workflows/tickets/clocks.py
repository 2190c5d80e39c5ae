"""The two clocks of a ticket: response and resolution."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import events
from workflows.tickets.lifecycle import ENDED
from workflows.tickets.model import Ticket

SWEEP_LIMIT = 500


def next_deadline(ticket: Ticket, after: datetime | None = None) -> datetime | None:
    """The nearest deadline of a ticket that is neither met nor, when given, before `after`."""
    if ticket.state in (*ENDED, "resolved", "verified", "on_hold"):
        return None
    candidates = [
        ticket.respond_due if ticket.responded_at is None else None,
        ticket.resolve_due if ticket.resolved_at is None else None,
    ]
    open_ones = [due for due in candidates if due and (after is None or due > after)]
    return min(open_ones, default=None)


def mark_overdue(session: Session, *, now: datetime, actor: events.Actor) -> int:
    """Append an event for every deadline that has passed; each is marked once, however late.

    The due moment is a column, so a sweep that was down catches up with everything it missed.
    Returns how many deadlines were marked.
    """
    statement = (
        select(Ticket)
        .where(Ticket.next_due <= now)
        .order_by(Ticket.next_due)
        .limit(SWEEP_LIMIT)
        .with_for_update(skip_locked=True)
    )
    marked = 0
    for ticket in session.scalars(statement).all():
        while ticket.next_due is not None and ticket.next_due <= now:
            clock = "response" if ticket.next_due == ticket.respond_due else "resolution"
            events.append(
                session,
                "ticket.overdue",
                ("ticket", ticket.id),
                actor=actor,
                happened_at=ticket.next_due,
                learned_at=now,
                site_id=ticket.site_id,
                after={"clock": clock, "due": ticket.next_due.isoformat()},
            )
            marked += 1
            ticket.next_due = next_deadline(ticket, after=ticket.next_due)
    return marked


# Starting values where neither rule nor person promises anything, by priority: (respond, resolve).
PROMISES: Mapping[str, tuple[timedelta, timedelta]] = MappingProxyType(
    {
        "critical": (timedelta(minutes=15), timedelta(hours=4)),
        "high": (timedelta(minutes=30), timedelta(hours=8)),
        "medium": (timedelta(hours=4), timedelta(days=2)),
        "low": (timedelta(days=1), timedelta(days=7)),
    }
)
