"""What time alone asks of fire alarms: nobody saw it, or nobody looked, so it counts as a fire."""

from datetime import datetime

from jobs.work import Work, actor
from workflows.tickets import fire_watch


def pass_on_as_fire(work: Work, now: datetime) -> int:
    """Pass on every fire alarm whose clock ran out by `now`, each in a transaction of its own.

    Two that ring at once must not wait for each other, and one that fails must not hold back all.
    """
    passed = 0
    while not work.stopping.is_set():
        with work.transaction() as session:
            found = fire_watch.pass_on_next(session, now=now, actor=actor("fire alarms"))
        passed += found
        if not found:
            break
    return passed
