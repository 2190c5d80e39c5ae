"""Reading imports: one's own; who administers the whole company sees all of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, select, true
from sqlalchemy.orm import Session

from core.errors import NotFound
from core.paging import Page, Wish, newest_first, rows_of
from core.people import Caller, Person
from rules.wording import worded
from workflows.intake.keeping import kept_items, open_plan
from workflows.intake.model import Intake
from workflows.intake.plan import ACTIONS, Item, Plan
from workflows.intake.sheets import SHEETS
from workflows.intake.undoing.state import Kept

PERMISSIONS = tuple(sorted({sheet.permission for sheet in SHEETS.values()}))
# What a page of an import may be asked to show.
VIEWS = (*ACTIONS, "kept")
_LISTED = rows_of(
    Intake.id,
    Intake.state,
    Intake.version,
    Intake.filename,
    Intake.file_hash,
    Intake.size,
    Intake.uploaded_at,
    Intake.applied_at,
    Intake.undone_at,
    Intake.counts,
    Intake.refused,
    Person.name.label("uploaded_by"),
).join(Person, Person.id == Intake.uploaded_by)


def _visible(caller: Caller) -> ColumnElement[bool]:
    if all(right in caller.company_wide for right in PERMISSIONS):
        return true()
    return Intake.uploaded_by == caller.person_id


def list_imports(session: Session, caller: Caller, wish: Wish) -> Page[dict[str, Any]]:
    """Imports that the caller sees, newest first. Key: id."""
    return newest_first(session, _LISTED.where(_visible(caller)), (Intake.id,), wish)


def describe_import(session: Session, caller: Caller, import_id: UUID) -> dict[str, Any]:
    """An import as the list has it. NotFound when the caller does not see it."""
    statement = _LISTED.where(Intake.id == import_id, _visible(caller))
    row = session.execute(statement).mappings().first()
    if row is None:
        raise _not_found()
    return dict(row)


@dataclass(frozen=True, slots=True)
class Whole:
    """An import as the list has it, with what it would do or did, and with what stayed."""

    row: dict[str, Any]
    plan: Plan
    kept: list[Kept]


def describe_whole(session: Session, caller: Caller, import_id: UUID) -> Whole:
    """All of an import. NotFound when the caller does not see it."""
    row = find_import(session, caller, import_id)
    described = describe_import(session, caller, import_id)
    return Whole(described, plan_of(session, row), kept_of(row))


def find_import(
    session: Session, caller: Caller, import_id: UUID, *, to_change: bool = False
) -> Intake:
    """An import that the caller sees; NotFound otherwise. to_change: lock it until commit."""
    statement = select(Intake).where(Intake.id == import_id, _visible(caller))
    if to_change:
        statement = statement.with_for_update()
    row = session.scalars(statement).first()
    if row is None:
        raise _not_found()
    return row


def _not_found() -> NotFound:
    return NotFound(
        worded("there is no such import"), advice=worded("Look for it in the list of imports.")
    )


def plan_of(session: Session, row: Intake) -> Plan:
    """What a file would do while it waits, or what it did; empty once it is discarded."""
    if row.state == "previewed":
        return open_plan(session, row)
    return Plan(kept_items(session, row))


def kept_of(row: Intake) -> list[Kept]:
    """What stayed when an import was undone."""
    return [Kept(**one) for one in row.kept or []]


def chosen(plan: Plan, kept: Sequence[Kept], view: str | None) -> list[Item]:
    """The items that a view shows: those of one action, those that stayed, or all."""
    if view is None:
        return plan.items
    if view == "kept":
        ids = {one.id for one in kept}
        return [item for item in plan.items if str(item.id) in ids]
    return [item for item in plan.items if item.action == view]
