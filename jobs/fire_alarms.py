"""What time alone asks of fire alarms: nobody saw it, or nobody looked, so it counts as a fire."""

from datetime import datetime

from core.db import is_unavailable
from core.leases import LeaseLost
from jobs.work import Work, actor
from workflows.tickets import fire_watch


def pass_on_as_fire(work: Work, now: datetime) -> int:
    """Pass on every fire alarm whose clock ran out by `now`, each in a transaction of its own.

    One that fails holds no other back: they are passed on first, and then the sweep fails.
    """
    with work.database.read() as session:
        due = fire_watch.due_alarms(session, now=now)
    passed, failure = 0, None
    for ticket_id in due:
        if work.stopping.is_set():
            break
        try:
            with work.transaction() as session:
                passed += fire_watch.pass_on(
                    session, ticket_id, now=now, actor=actor("fire alarms")
                )
        except Exception as error:
            if isinstance(error, LeaseLost) or is_unavailable(error):
                raise
            failure = failure or error
    if failure is not None:
        raise failure
    return passed
