"""What time alone asks of tickets: warnings, deadlines, escalation, holds that end."""

from datetime import datetime
from uuid import UUID

from jobs.one_by_one import one_by_one
from jobs.work import Work, actor
from workflows import tickets


def mark_deadlines(work: Work, now: datetime) -> int:
    """Do everything that fell due by `now`, each once, however long nobody looked.

    Each ticket in a transaction of its own: whoever writes meanwhile waits for one, and one that
    fails holds no other back.
    """
    with work.database.read() as session:
        due = tickets.due_tickets(session, now=now)

    def mark(ticket_id: UUID) -> int:
        with work.transaction() as session:
            by = actor("deadlines")
            return tickets.mark_moments(session, now=now, actor=by, only=ticket_id)

    return one_by_one(work, due, mark)
