"""What a notice says of a ticket, how urgent that is, and whether it still asks for anything."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import events
from core.places import Asset, Node, Space
from workflows.notifications.outwards import told_outside
from workflows.tickets import ENDED, Ticket
from workflows.tickets.guard_tasks import task_of

BY_PRIORITY = {"low": "normal", "medium": "normal", "high": "urgent", "critical": "critical"}
# They say that nobody came in time; whoever took it meanwhile hears of it all the same.
OF_DEADLINES = ("ticket.escalate", "ticket.overdue", "ticket.warn")
OVER = (*ENDED, "resolved", "verified")
TAKEN = ("ticket.accept", "ticket.start")
# Its team is asked anew, although somebody may have accepted it before.
TO_A_TEAM = ("colleagues.assign", "ticket.contractor")
# While a task is in one of these, what was told of it still asks for something.
OF_TASKS = {
    "guard_task.offer": ("offered",),
    "guard_task.send": ("accepted",),
    "guard_task.pass_up": ("seeking", "passed_up"),
    "guard_task.late": ("accepted",),
}
# These are for one person.
_TO_WHO_GOES = ("guard_task.offer", "guard_task.send")


def urgency_of(ticket: Ticket) -> str:
    """How urgently somebody is told of a ticket."""
    return "normal" if ticket.over else BY_PRIORITY[ticket.priority]


def about(session: Session, ticket: Ticket) -> dict[str, Any]:
    """What a notice says of a ticket. outside: what of it channels are told (see `outwards`)."""
    asset = session.get(Asset, ticket.asset_id) if ticket.asset_id else None
    space = session.get(Space, ticket.space_id) if ticket.space_id else None
    place = asset or space or session.get_one(Node, ticket.site_id)
    return {
        "number": ticket.number,
        "title": dict(ticket.title),
        "priority": ticket.priority,
        "place": dict(place.name),
        "outside": told_outside(session, ticket),
    }


def still_asks(
    session: Session,
    tickets: Sequence[Ticket],
    kind: str,
    person_id: UUID | None,
    facts: Mapping[str, Any],
) -> list[Ticket]:
    """Those of the tickets for which nobody did yet what a notice asks for.

    kind: of the fact that the notice is about. facts: its own; `since` is the place of that fact in
    the log.
    """
    if kind in OF_TASKS:
        return [ticket for ticket in tickets if _task_asks(session, ticket, kind, person_id)]
    left = [ticket for ticket in tickets if not _is_done(ticket, kind, person_id)]
    told_anew = kind in ("ticket.assign", "ticket.incident", *TO_A_TEAM)
    handed_on = [one for one in left if told_anew and one.responded_at is not None]
    by = None if kind in TO_A_TEAM else person_id
    taken = _taken_since(session, handed_on, by, facts.get("since", 0))
    return [ticket for ticket in left if str(ticket.id) not in taken]


def _is_done(ticket: Ticket, kind: str, person_id: UUID | None) -> bool:
    if ticket.state in OVER:
        return True
    if kind in OF_DEADLINES:
        return False
    if kind == "ticket.assign" and person_id is not None:
        # Whoever had it before may have accepted it; the one who has it now has not.
        return ticket.assignee_id != person_id or ticket.state != "assigned"
    if kind in TO_A_TEAM:
        return ticket.assignee_id is not None or ticket.state not in ("open", "assigned")
    if kind == "ticket.incident" and person_id is not None and ticket.assignee_id == person_id:
        # Whoever took it when it was one alarm does not know that it is many.
        return False
    if kind == "ticket.reopen" and ticket.state == "open":
        # It was accepted the first time, which answers nothing now.
        return False
    return ticket.responded_at is not None


def _task_asks(session: Session, ticket: Ticket, kind: str, person_id: UUID | None) -> bool:
    task = task_of(session, ticket.id)
    if task is None or ticket.state in OVER or task.state not in OF_TASKS[kind]:
        return False
    return kind not in _TO_WHO_GOES or task.person_id == person_id


def _taken_since(
    session: Session, tickets: Sequence[Ticket], person_id: UUID | None, since: int
) -> set[str]:
    """The ids of those tickets that somebody accepted after they were handed to them.

    person_id: None for whoever it was.
    """
    if not tickets:
        return set()
    statement = select(events.Event.subject_id).where(
        events.Event.subject_kind == "ticket",
        events.Event.subject_id.in_([str(ticket.id) for ticket in tickets]),
        events.Event.kind.in_(TAKEN),
        events.Event.seq > since,
    )
    if person_id is not None:
        statement = statement.where(events.Event.actor_id == str(person_id))
    return set(session.scalars(statement))
