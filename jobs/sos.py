"""What time alone asks of calls for help: the chain is told until somebody has answered."""

from datetime import datetime
from uuid import UUID

from core.db import Session
from jobs.one_by_one import Step, step_by_step
from jobs.work import Work, actor
from workflows.patrol import sos

ACTOR = actor("sos")


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
    return step_by_step(work, [*steps, *((one, stop) for one in forgotten)])
