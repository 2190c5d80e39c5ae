"""The round that a guard leaves: it waits, and goes on with as much time as it had."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import events
from workflows.patrol.rounds.model import LONGEST, OPEN, Round, RoundPoint


def pause_rounds(
    session: Session, person_id: UUID, *, now: datetime, actor: events.Actor, task_id: UUID
) -> int:
    """Let every round that somebody goes wait while they are called away; how many do."""
    statement = (
        select(Round)
        .where(
            Round.person_id == person_id,
            Round.state == "running",
            Round.paused_at.is_(None),
            Round.ends_at > now,
        )
        .order_by(Round.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    rows = session.scalars(statement).all()
    for row in rows:
        row.paused_at = row.next_look = now
        row.version += 1
        _tell(session, "round.pause", row, now, actor, task_id, {})
    session.flush()
    return len(rows)


def resume_rounds(
    session: Session, person_id: UUID, *, now: datetime, actor: events.Actor, task_id: UUID
) -> int:
    """Let the rounds of somebody go on who is back; how many do.

    What was still to be scanned when they were called away gets as much longer as they were gone:
    its window, the end of the round, and when it settles.
    """
    statement = (
        select(Round)
        .where(Round.person_id == person_id, Round.paused_at.is_not(None))
        .order_by(Round.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    rows = session.scalars(statement).all()
    for row in rows:
        assert row.paused_at is not None
        _move(session, row, row.paused_at, now)
        more = {"seconds": round((now - row.paused_at).total_seconds())}
        row.paused_s += more["seconds"]
        row.paused_at = None
        row.version += 1
        _tell(session, "round.resume", row, now, actor, task_id, more)
    session.flush()
    return len(rows)


def _move(session: Session, row: Round, since: datetime, now: datetime) -> None:
    if row.state not in OPEN:
        return
    # A round must stay within what is looked at for the scans of one time.
    by = min(now - since, row.opens_at + LONGEST - row.ends_at)
    if by <= timedelta(0):
        return
    row.ends_at += by
    row.settles_at += by
    row.next_look = now
    points = select(RoundPoint).where(
        RoundPoint.round_id == row.id,
        RoundPoint.state.in_(("open", "unknown")),
        RoundPoint.closes_at > since,
    )
    for point in session.scalars(points.execution_options(populate_existing=True)):
        point.closes_at += by


def _tell(
    session: Session,
    kind: str,
    row: Round,
    now: datetime,
    actor: events.Actor,
    task_id: UUID,
    more: dict[str, int],
) -> None:
    events.append(
        session,
        kind,
        ("round", row.id),
        actor=actor,
        learned_at=now,
        site_id=row.site_id,
        after={"route": str(row.route_id), "task": str(task_id), **more},
    )
