"""Who had a hand in the work of a ticket: they neither check it nor rate it."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.events import Event
from workflows.tickets.model import Ticket
from workflows.tickets.opening import with_merged
from workflows.tickets.work import WorkLine

# A ticket is in the hands of whoever these name.
_HANDED = ("ticket.assign", "ticket.accept", "ticket.start")


def doers(session: Session, ticket: Ticket) -> frozenset[UUID]:
    """Everybody who ever had the ticket, resolved it, or wrote labour on it.

    Also on what was merged into it: two who worked on one fault don't rate each other.
    """
    tickets = with_merged(session, ticket.id)
    handed = select(Event.after).where(
        Event.subject_kind == "ticket",
        Event.subject_id.in_([str(one) for one in tickets]),
        Event.kind.in_(_HANDED),
    )
    named = {(after or {}).get("assignee") for after in session.scalars(handed)}
    found = {UUID(one) for one in named if one}
    labour = select(WorkLine.author_id).where(
        WorkLine.ticket_id.in_(tickets), WorkLine.kind == "labour"
    )
    found |= set(session.scalars(labour))
    found |= {one for one in (ticket.doer_id, ticket.assignee_id) if one is not None}
    return frozenset(found)
