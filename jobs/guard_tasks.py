"""What time asks of tasks for guards: the next is asked, and at last whoever leads them is told."""

from datetime import datetime
from uuid import UUID

from core.db import Session
from jobs.one_by_one import step_by_step
from jobs.work import Work, actor
from workflows.patrol import tasks

ACTOR = actor("guard tasks")


def send_guards(work: Work, now: datetime) -> int:
    """Take the next step of every task that waits for one, each by itself."""
    with work.database.read() as session:
        due = tasks.due_tasks(session, now=now)

    def take(session: Session, one: UUID) -> int:
        return tasks.step(session, one, now=now, actor=ACTOR)

    return step_by_step(work, [(one, take) for one in due])
