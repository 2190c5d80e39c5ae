"""Undoing a whole import: what nobody has used since goes back, what is in use stays."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.engine import RowMapping
from sqlalchemy.orm import Session

from core import events
from core.administration.many import MODELS, Doing
from core.devices import Point
from core.errors import NotAllowed
from core.lifecycle import move
from core.people import Caller
from core.telemetry.store import TelemetryStore
from rules.wording import worded
from workflows.intake.keeping import kept_items
from workflows.intake.model import IMPORT, Intake
from workflows.intake.plan import Item
from workflows.intake.planning.standing import in_parts
from workflows.intake.undoing.duty import undo_duty
from workflows.intake.undoing.households import undo_households
from workflows.intake.undoing.people import require_over_people, undo_people
from workflows.intake.undoing.places import undo_places
from workflows.intake.undoing.state import NEEDED, PLACES, Kept, Undoing

__all__ = ["Kept", "spoken_since", "undo_import"]


def spoken_since(session: Session, row: Intake, telemetry: TelemetryStore) -> frozenset[int]:
    """The telemetry numbers of points that an import made and that have readings.

    Asked before the transaction that undoes: readings are kept elsewhere. Raises TelemetryError
    when that store is away, since nobody can tell then.
    """
    points = [
        item.id
        for item in kept_items(session, row)
        if item.kind == "point" and item.action == "create"
    ]
    series: list[int] = []
    for some in in_parts(points):
        series += session.scalars(select(Point.series).where(Point.id.in_(some)))
    return frozenset(telemetry.last(series)) if series else frozenset()


def undo_import(
    session: Session,
    caller: Caller,
    row: Intake,
    *,
    spoken: Collection[int],
    now: datetime,
    expected_version: int | None,
) -> list[Kept]:
    """Take back what an import did; returns what stays because it was used since.

    spoken: as `spoken_since` found. Conflict
    unless it was applied; NotAllowed when the caller may not change all that it changed.
    """
    IMPORT.target("undo", row.state)
    actor = events.Actor.person(caller.person_id)
    items = kept_items(session, row)
    _require_still(session, caller, items)
    undoing = _begin(session, items, Doing(session, actor, now))
    undo_duty(undoing, items)
    undo_households(undoing, items)
    undo_places(undoing, spoken)
    undo_people(undoing, items)
    told = {"undone": undoing.undone, "kept": len(undoing.kept)}
    values = {
        "undone_by": caller.person_id,
        "undone_at": now,
        "kept": [asdict(one) for one in undoing.kept],
    }
    move(
        session,
        row,
        IMPORT,
        "undo",
        actor=actor,
        learned_at=now,
        values=values,
        facts={**told, "file": row.file_hash},
        expected_version=expected_version,
    )
    session.expire_all()
    return undoing.kept


def _require_still(session: Session, caller: Caller, items: Sequence[Item]) -> None:
    for item in items:
        needed = NEEDED.get(item.kind)
        if needed and item.site_id not in caller.sites_for(needed):
            raise NotAllowed(
                worded("this import changed what you may not change"),
                advice=worded("Ask somebody who may change all of it."),
            )
    require_over_people(session, caller, items)


def _begin(session: Session, items: Sequence[Item], doing: Doing) -> Undoing:
    by_kind: dict[str, list[Item]] = {kind: [] for kind in PLACES}
    for item in items:
        if item.kind in by_kind:
            by_kind[item.kind].append(item)
    rows = {kind: _rows(session, kind, [i.id for i in some]) for kind, some in by_kind.items()}
    return Undoing(doing, by_kind, rows)


def _rows(session: Session, kind: str, ids: Iterable[UUID]) -> dict[UUID, RowMapping]:
    """What stands now, kept from changing until commit."""
    table: Any = MODELS[kind].__table__
    found = {}
    for some in in_parts(list(ids)):
        statement = select(*table.c).where(table.c.id.in_(some)).with_for_update()
        found.update({row["id"]: row for row in session.execute(statement).mappings()})
    return found
