"""What was done to many tickets at once is told to each person once, not ticket by ticket.

A critical ticket, and one about danger to life, is told by itself all the same.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core import events
from workflows.notifications.asking import about, still_asks, urgency_of
from workflows.notifications.ending import settle
from workflows.notifications.model import KIND_OF_ONE, MANY, URGENCIES, Notice, NoticeTicket
from workflows.tickets import Ticket


def batch_of(fact: events.Event, kind: str, ticket: Ticket | None, urgency: str) -> UUID | None:
    """Of many tickets that were changed at once, which time it was; None where it is told alone."""
    batch = (fact.after or {}).get("batch")
    if batch is None or ticket is None or kind not in MANY:
        return None
    return None if urgency == "critical" or ticket.life_safety else UUID(batch)


def notice_of_batch(
    session: Session, batch_id: UUID, kind: str, person: UUID | None, phone: str
) -> Notice | None:
    """The notice by which somebody is told of a batch, as far as it was taken up."""
    return session.scalars(
        select(Notice).where(
            Notice.batch_id == batch_id,
            Notice.kind.in_((kind, MANY[kind])),
            Notice.person_id == person if person else Notice.phone == phone,
            Notice.state == "waiting",
        )
    ).first()


def add_to(
    session: Session,
    notice: Notice,
    ticket: Ticket,
    standing: Notice | None,
    urgency: str,
    *,
    now: datetime,
) -> None:
    """Let a notice of a batch tell of one more ticket.

    standing: what the person is told of that ticket by itself, which this replaces.
    """
    if standing is not None and standing.id != notice.id and standing.urgency != "critical":
        settle(session, standing, now=now)
    if notice.kind not in KIND_OF_ONE:
        _add_row(session, notice, notice.ticket_id)
        notice.kind = MANY[notice.kind]
    _add_row(session, notice, ticket.id)
    session.flush()
    first = ticket
    if notice.ticket_id is not None:
        first = min((session.get_one(Ticket, notice.ticket_id), ticket), key=_rank)
    rows = select(func.count()).where(NoticeTicket.notice_id == notice.id)
    _say(session, notice, first, session.scalar(rows) or 1)
    notice.tries = 0
    notice.due_at = None if urgency == "info" else now


def _add_row(session: Session, notice: Notice, ticket_id: UUID | None) -> None:
    if ticket_id is not None and session.get(NoticeTicket, (notice.id, ticket_id)) is None:
        row = NoticeTicket(notice_id=notice.id, ticket_id=ticket_id, site_id=notice.site_id)
        session.add(row)


def tickets_of(session: Session, notice: Notice) -> list[Ticket]:
    """The tickets that a notice of many tells of, the most urgent first."""
    statement = (
        select(Ticket)
        .join(NoticeTicket, NoticeTicket.ticket_id == Ticket.id)
        .where(NoticeTicket.notice_id == notice.id)
        .order_by(Ticket.number)
        .execution_options(populate_existing=True)
    )
    return sorted(session.scalars(statement), key=_rank)


def _rank(ticket: Ticket) -> tuple[int, float, int]:
    due = (ticket.resolve_due if ticket.responded_at else ticket.respond_due) or ticket.resolve_due
    urgency = -URGENCIES.index(urgency_of(ticket))
    return urgency, due.timestamp() if due else float("inf"), ticket.number


def left_of(session: Session, notice: Notice, *, to_change: bool = False) -> list[Ticket]:
    """Those of its tickets that wait for what a notice of many asks for, the most urgent first.

    to_change: lock all of them until commit, in the order in which everybody locks many.
    """
    if to_change:
        rows = select(NoticeTicket.ticket_id).where(NoticeTicket.notice_id == notice.id)
        ids = select(Ticket.id).where(Ticket.id.in_(rows)).order_by(Ticket.id)
        session.execute(ids.with_for_update())
    told = tickets_of(session, notice)
    return still_asks(session, told, KIND_OF_ONE[notice.kind], notice.person_id, notice.facts)


def say_what_is_left(session: Session, notice: Notice) -> bool:
    """Let a notice of many tell of what is left of them; False when nothing is."""
    left = left_of(session, notice)
    if left:
        _say(session, notice, left[0], len(left))
    return bool(left)


def _say(session: Session, notice: Notice, first: Ticket, count: int) -> None:
    """It stands on the first of so many, the most urgent one, and is as urgent as that one."""
    facts: dict[str, Any] = {**about(session, first), "count": count}
    if "since" in notice.facts:
        facts["since"] = notice.facts["since"]
    notice.facts, notice.ticket_id = facts, first.id
    if notice.urgency != "info":
        notice.urgency = urgency_of(first)
