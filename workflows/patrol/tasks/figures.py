"""How soon guards come: from the alarm to accepting, and from there to the spot."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.people import Caller
from workflows.patrol.tasks.offering import seconds_between
from workflows.tickets.guard_tasks import GuardOffer, GuardTask
from workflows.tickets.model import Ticket
from workflows.tickets.scope import scope_of

# A site that has no guards answers nothing late.
_NOT_ASKED = "no_guards"


def task_figures(
    session: Session,
    caller: Caller,
    *,
    since: datetime,
    until: datetime,
    site_id: UUID | None = None,
) -> dict[str, Any]:
    """What became of the tasks that began within a span and whose tickets the caller sees.

    Of a task that was asked for anew it is the last time that counts. `accept_s` is counted from
    the alarm on, whoever was asked before; `arrive_s` from accepting on. Both in seconds.
    """
    statement = (
        select(GuardTask)
        .join(Ticket, Ticket.id == GuardTask.id)
        .where(
            GuardTask.began_at >= since,
            GuardTask.began_at < until,
            scope_of(caller).condition(),
        )
    )
    if site_id is not None:
        statement = statement.where(GuardTask.site_id == site_id)
    rows = [row for row in session.scalars(statement) if row.why != _NOT_ASKED]
    offers = _offers(session, [row.id for row in rows])
    accepted = [row for row in rows if row.accepted_at is not None]
    arrived = [row for row in accepted if row.arrived_at is not None]
    return {
        "since": since,
        "until": until,
        "tasks": len(rows),
        "accepted": len(accepted),
        "arrived": len(arrived),
        "proven": sum(row.arrived_by == "scan" for row in arrived),
        "late": sum(row.late_at is not None for row in rows),
        "passed_up": sum(row.passed_up_at is not None for row in rows),
        "offers": sum(offers.values()),
        "lapsed": offers["lapsed"],
        "passed": offers["passed"],
        "accept_s": spread([seconds_between(row.began_at, row.accepted_at) for row in accepted]),
        "arrive_s": spread([seconds_between(row.accepted_at, row.arrived_at) for row in arrived]),
    }


def _offers(session: Session, task_ids: Sequence[UUID]) -> Counter[str]:
    """How many offers of these tasks came to what."""
    found: Counter[str] = Counter()
    for begin in range(0, len(task_ids), 500):
        some = task_ids[begin : begin + 500]
        states = select(GuardOffer.state).where(GuardOffer.task_id.in_(some))
        found.update(session.scalars(states))
    return found


def spread(seconds: Sequence[int | None]) -> dict[str, int] | None:
    """The middle and the time within which nine in ten were; None without any."""
    known = sorted(one for one in seconds if one is not None)
    if not known:
        return None
    # Nearest rank: a time that somebody took.
    middle, most = (known[max(0, -(-len(known) * share // 100) - 1)] for share in (50, 90))
    return {"n": len(known), "median": middle, "p90": most}
