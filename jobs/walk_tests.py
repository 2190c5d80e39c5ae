"""What answers in walk tests, looked for while they run and once more when they are over."""

from datetime import datetime

from jobs.work import Work, actor
from workflows.alarms.walk_tests.hearing import keep_answers, listen, tests_to_hear, what_to_hear

ACTOR = actor("walk tests")


def hear_walk_tests(work: Work, now: datetime) -> int:
    """Look for answers in the readings of every test that is not settled."""
    with work.database.read() as session:
        tests = tests_to_hear(session)
    done = 0
    for test_id in tests:
        if work.stopping.is_set() or work.telemetry is None:
            break
        with work.database.read() as session:
            wanted = what_to_hear(session, test_id, now)
        found = listen(work.telemetry, wanted)
        with work.transaction() as session:
            done += keep_answers(session, wanted, found, now=now, actor=ACTOR)
    return done
