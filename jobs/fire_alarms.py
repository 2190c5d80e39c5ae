"""What time alone asks of fire alarms: nobody saw it, or nobody looked, so it counts as a fire."""

from datetime import datetime
from uuid import UUID

from core.db import Session
from jobs.one_by_one import step_by_step
from jobs.work import Work, actor
from workflows.tickets import fire_watch

ACTOR = actor("fire alarms")


def pass_on_as_fire(work: Work, now: datetime) -> int:
    """Pass on every fire alarm whose clock ran out by `now`, each in a transaction of its own.

    One that fails holds no other back: they are passed on first, and then the sweep fails.
    """
    with work.database.read() as session:
        due = fire_watch.due_alarms(session, now=now)

    def pass_on(session: Session, ticket_id: UUID) -> int:
        return fire_watch.pass_on(session, ticket_id, now=now, actor=ACTOR)

    return step_by_step(work, ((ticket_id, pass_on) for ticket_id in due))
