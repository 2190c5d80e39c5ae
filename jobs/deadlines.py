"""What time alone asks of tickets: warnings, deadlines, escalation, holds that end."""

from datetime import datetime

from jobs.work import Work, actor
from workflows import tickets


def mark_deadlines(work: Work, now: datetime) -> int:
    """Do everything that fell due by `now`, each once, however long nobody looked."""
    marked = 0
    while not work.stopping.is_set():
        with work.transaction() as session:
            found = tickets.mark_moments(session, now=now, actor=actor("deadlines"))
        marked += found
        if not found:
            break
    return marked
