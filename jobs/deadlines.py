"""Ticket deadlines that have passed."""

from datetime import datetime

from jobs.work import Work, actor
from workflows import tickets


def mark_deadlines(work: Work, now: datetime) -> int:
    """Mark every deadline that passed by `now`, each once, however long nobody looked."""
    marked = 0
    while not work.stopping.is_set():
        with work.transaction() as session:
            found = tickets.mark_overdue(session, now=now, actor=actor("deadlines"))
        marked += found
        if not found:
            break
    return marked
