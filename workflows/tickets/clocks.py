"""The two clocks of a ticket: response and resolution."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType

from sqlalchemy import select, update
from sqlalchemy.engine import CursorResult
from sqlalchemy.orm import Session

from core import events
from workflows.tickets.lifecycle import ENDED
from workflows.tickets.model import Ticket

SWEEP_LIMIT = 500


def _unmet(ticket: Ticket) -> list[tuple[str, datetime]]:
    clocks = [
        ("response", ticket.respond_due, ticket.responded_at),
        ("resolution", ticket.resolve_due, ticket.resolved_at),
    ]
    return [(name, due) for name, due, met in clocks if due is not None and met is None]


def next_deadline(ticket: Ticket, after: datetime | None = None) -> datetime | None:
    """The nearest deadline of a ticket that is neither met nor, when given, before `after`."""
    if ticket.state in (*ENDED, "resolved", "verified", "on_hold"):
        return None
    dues = [due for _, due in _unmet(ticket) if after is None or due > after]
    return min(dues, default=None)


def mark_passed(session: Session, ticket: Ticket, *, now: datetime, actor: events.Actor) -> int:
    """Append an event for each deadline of one ticket that has passed and is not marked yet.

    Compare-and-swap on `next_due`, so that two who notice at once mark it once.
    """
    marked = 0
    while ticket.next_due is not None and ticket.next_due <= now:
        due = ticket.next_due
        swap = (
            update(Ticket)
            .where(Ticket.id == ticket.id, Ticket.next_due == due)
            .values(next_due=next_deadline(ticket, after=due))
            .execution_options(synchronize_session=False)
        )
        result = session.execute(swap)
        assert isinstance(result, CursorResult)
        clocks = [name for name, moment in _unmet(ticket) if moment == due]
        session.refresh(ticket, ["next_due"])
        if result.rowcount != 1:
            continue
        for clock in clocks:
            events.append(
                session,
                "ticket.overdue",
                ("ticket", ticket.id),
                actor=actor,
                happened_at=due,
                learned_at=now,
                site_id=ticket.site_id,
                after={"clock": clock, "due": due.isoformat()},
            )
        marked += len(clocks)
    return marked


def mark_overdue(session: Session, *, now: datetime, actor: events.Actor) -> int:
    """Append an event for every deadline that has passed; each is marked once, however late.

    The due moment is a column, so a sweep that was down catches up with everything it missed.
    Returns how many deadlines were marked, of at most SWEEP_LIMIT tickets.
    """
    statement = (
        select(Ticket)
        .where(Ticket.next_due <= now)
        .order_by(Ticket.next_due)
        .limit(SWEEP_LIMIT)
        .with_for_update(skip_locked=True)
    )
    late = session.scalars(statement).all()
    return sum(mark_passed(session, ticket, now=now, actor=actor) for ticket in late)


# Starting values where neither rule nor person promises anything, by priority: (respond, resolve).
PROMISES: Mapping[str, tuple[timedelta, timedelta]] = MappingProxyType(
    {
        "critical": (timedelta(minutes=15), timedelta(hours=4)),
        "high": (timedelta(minutes=30), timedelta(hours=8)),
        "medium": (timedelta(hours=4), timedelta(days=2)),
        "low": (timedelta(days=1), timedelta(days=7)),
    }
)
