"""Finding routes, and the rounds of them that somebody may be looking for."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.paging import Wish
from core.people import Caller, scoped
from workflows.patrol.checkpoints import READ
from workflows.patrol.rounds.model import Route
from workflows.patrol.rounds.reading import RoundFilter, list_rounds

# Rounds that were planned so long ago, or will begin so soon, may be looked for by a name.
AROUND = timedelta(hours=24)
# How well a name or a code fits what is looked for; 0 for not at all.
Fits = Callable[[Sequence[str]], int]


def find_routes(
    session: Session, caller: Caller, fits: Fits, *, now: datetime, limit: int
) -> list[dict[str, Any]]:
    """The routes in use that fit best and that the caller may see, the best first.

    Each with `rounds`: of those within AROUND the ones under way, then the next, then the last;
    at most two.
    """
    statement = scoped(select(Route).where(Route.state == "active"), Route.site_id, caller, READ)
    ranked = [(fits((*row.name.values(), row.code)), row) for row in session.scalars(statement)]
    best = sorted(
        ((rank, row) for rank, row in ranked if rank), key=lambda one: (-one[0], one[1].code)
    )
    return [
        {
            "id": row.id,
            "site_id": row.site_id,
            "code": row.code,
            "name": row.name,
            "rounds": _rounds(session, caller, row.id, now),
        }
        for _, row in best[:limit]
    ]


def _rounds(
    session: Session, caller: Caller, route_id: UUID, now: datetime
) -> Sequence[Mapping[str, Any]]:
    wanted = RoundFilter(route_id=route_id, since=now - AROUND, until=now + AROUND)
    rows = list_rounds(session, caller, wanted, Wish(100)).items

    def nearness(row: Mapping[str, Any]) -> tuple[bool, bool, float]:
        is_over = row["ended_at"] is not None
        return (row["state"] != "running", is_over, abs((row["planned_at"] - now).total_seconds()))

    return sorted(rows, key=nearness)[:2]
