"""What time alone asks of calls for help: the chain is told until somebody has answered."""

from collections.abc import Callable, Sequence
from datetime import datetime
from uuid import UUID

from core.db import Session, is_unavailable
from core.leases import LeaseLost
from jobs.work import Work, actor
from workflows.patrol import sos

ACTOR = actor("sos")
Step = Callable[[Session, UUID], int]


def pass_calls_on(work: Work, now: datetime) -> int:
    """Tell the next in the chain of every call that nobody answered, and end forgotten practices.

    Each by itself: one that fails holds no other back, and then the sweep fails.
    """
    with work.database.read() as session:
        due = sos.due_calls(session, now=now)
        forgotten = sos.forgotten_practices(session, now=now)

    def climb(session: Session, one: UUID) -> bool:
        return sos.escalate(session, one, now=now, actor=ACTOR)

    def stop(session: Session, one: UUID) -> bool:
        return sos.end_practice(session, one, now=now, actor=ACTOR)

    steps: list[tuple[UUID, Step]] = [(one, climb) for one in due]
    return each(work, [*steps, *((one, stop) for one in forgotten)])


def each(work: Work, steps: Sequence[tuple[UUID, Step]]) -> int:
    """Take steps, each in a transaction of its own; how many of them did something.

    One that fails holds no other back, and is raised when all were tried.
    """
    made, failure = 0, None
    for one, step in steps:
        if work.stopping.is_set():
            break
        try:
            with work.transaction() as session:
                made += step(session, one)
        except Exception as error:
            if isinstance(error, LeaseLost) or is_unavailable(error):
                raise
            failure = failure or error
    if failure is not None:
        raise failure
    return made
