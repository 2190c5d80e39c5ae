"""Announced devices that speak by now are adopted, each in a transaction of its own."""

from datetime import datetime

from core.errors import Conflict, Invalid, NotFound
from core.expected_devices import due_expected, note_problem, take_expected
from jobs.work import Work, actor

ACTOR = actor("expected devices")


def adopt_expected(work: Work, now: datetime) -> int:
    """Adopt what was announced and has spoken; what can't be is noted, and tried again."""
    with work.database.read() as session:
        due = due_expected(session, now=now)
    done = 0
    for expected_id, device_id in due:
        if work.stopping.is_set():
            break
        try:
            with work.transaction() as session:
                done += take_expected(session, expected_id, device_id, actor=ACTOR, now=now)
        except (Conflict, Invalid, NotFound) as error:
            said = "; ".join((error.detail, *getattr(error, "problems", ())))
            with work.transaction() as session:
                note_problem(session, expected_id, said, now=now)
    return done
