"""What time alone asks of alarms: withholdings that end, and what stands to be told again."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from jobs.one_by_one import Step, step_by_step
from jobs.work import Work, actor
from workflows.alarms.forsaken import forsaken, let_go
from workflows.alarms.lives import became_of_lives, take_silence_away
from workflows.alarms.realarming import due_realarms, realarm
from workflows.alarms.releasing import due_withholdings, release_due
from workflows.alarms.unexplained import let_speak, unexplained

ACTOR = actor("alarms")


def look_after_alarms(work: Work, now: datetime) -> int:
    """Judge again what was withheld until `now`, tell again what stands, end what nobody judges.

    Each by itself: one that fails holds no other back; they are done first, and then the sweep
    fails.
    """
    with work.database.read() as session:
        left, of_lives = forsaken(session), became_of_lives(session)
        alone = unexplained(session, now=now)
        ended = due_withholdings(session, now=now)
        standing = due_realarms(session, now=now)
    # What nobody judges is over before anything else could tell of it.
    steps: Sequence[tuple[Sequence[UUID], Step]] = (
        (left, lambda session, one: let_go(session, one, now=now, actor=ACTOR)),
        (of_lives, lambda session, one: take_silence_away(session, one, now=now, actor=ACTOR)),
        (alone, lambda session, one: let_speak(session, one, now=now)),
        (ended, lambda session, one: release_due(session, one, now=now, actor=ACTOR)),
        (standing, lambda session, one: realarm(session, one, now=now, actor=ACTOR)),
    )
    return step_by_step(work, ((one, do) for due, do in steps for one in due))
