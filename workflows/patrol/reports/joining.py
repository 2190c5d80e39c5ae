"""What somebody found who was sent: their report joins the ticket of the alarm."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from workflows.patrol.reports.choices import choices
from workflows.patrol.reports.model import GuardReport
from workflows.tickets.guard_tasks import GuardOffer
from workflows.tickets.opening import current_ticket
from workflows.tickets.working import add_note

# They took it on at some time, whatever became of it since.
_WENT = ("accepted", "done", "withdrawn")


def join_ticket(
    session: Session, row: GuardReport, task_id: UUID, words: str, now: datetime
) -> UUID | None:
    """Put what a report says on the ticket of a task, as a note of whoever wrote it.

    Returns the ticket; None where its writer was never sent for it, so that it stands alone. A
    ticket that was merged since is the one that it was merged into.
    """
    sent = select(GuardOffer.id).where(
        GuardOffer.task_id == task_id,
        GuardOffer.person_id == row.person_id,
        GuardOffer.site_id == row.site_id,
        GuardOffer.state.in_(_WENT),
    )
    if session.scalar(sent.limit(1)) is None:
        return None
    ticket = current_ticket(session, task_id)
    assert ticket is not None
    name = choices()[row.choice].name
    said = "\n".join([f"{name.en} / {name.zh}", *([words] if words else [])])
    add_note(session, ticket, said, author=row.person_id, now=now, action="report")
    return ticket.id
