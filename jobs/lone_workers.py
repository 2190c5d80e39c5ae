"""What time asks of lone workers: they are watched from their shift on, and missed when overdue."""

from datetime import datetime
from uuid import UUID

from core.db import Session
from jobs.one_by_one import step_by_step
from jobs.work import Work, actor
from workflows.patrol import lone

ACTOR = actor("lone workers")


def begin_watches(work: Work, now: datetime) -> int:
    """Watch over everybody who is on duty by a plan."""
    with work.database.read() as session:
        plans = lone.plans_in_use(session)

    def begin(session: Session, one: UUID) -> int:
        return lone.begin_watches(session, one, now=now, actor=ACTOR)

    return step_by_step(work, [(one, begin) for one in plans])


def look_after_lone_workers(work: Work, now: datetime) -> int:
    """Remind whoever is due, and raise the alarm for whoever is not heard of."""
    with work.database.read() as session:
        due = lone.watches_to_look_at(session, now=now)

    def look(session: Session, one: UUID) -> int:
        return lone.look_after(session, one, now=now, actor=ACTOR)

    return step_by_step(work, [(one, look) for one in due])
