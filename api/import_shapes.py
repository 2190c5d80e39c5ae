"""What imports look like to programs."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from workflows.intake.faults import Fault
from workflows.intake.plan import Item
from workflows.intake.reading import Whole


class FaultShown(BaseModel):
    """A cell that is wrong: what, and what to write instead. Without cell: the sheet is."""

    sheet: str
    cell: str
    code: str
    text: str


class FieldShown(BaseModel):
    """One field that changes."""

    field: str
    before: str
    after: str


class ImportItem(BaseModel):
    """One thing that is new, changes, or stands as the file says. sheet, row: where it says so."""

    id: str
    kind: str = Field(
        description="person, grant, space, asset, device, point, resident, "
        "team, member (of a team) or duty (somebody's day of a roster)."
    )
    action: str = Field(description="create, update or same.")
    label: str
    sheet: str
    row: int
    fields: list[FieldShown]


class ImportPlan(BaseModel):
    """What a file would do; counts: how many things of each kind are new, change, or stand."""

    counts: dict[str, dict[str, int]]
    refused: int = Field(description="Rows that can't be taken; with any, none is.")
    faults: list[FaultShown]
    unread: list[str] = Field(description="Sheets that are none of ours.")
    items: list[ImportItem]


class ImportListed(BaseModel):
    """A file that was handed in. state: previewed, applied, undone or discarded."""

    id: str
    state: str
    version: int
    filename: str
    file_hash: str = Field(description="SHA-256 of the file.")
    size: int
    uploaded_by: str
    uploaded_at: datetime
    applied_at: datetime | None
    undone_at: datetime | None
    counts: dict[str, dict[str, int]]
    refused: int


class KeptShown(BaseModel):
    """Something that stayed when the import was undone, and why.

    reason: readings, acted, adopted, changed, used (by a row of `table`), gone or
    last_administrator.
    """

    id: str
    kind: str
    reason: str
    table: str


class ImportWhole(ImportListed):
    """An import with every finding, and with what stayed when it was undone."""

    faults: list[FaultShown]
    unread: list[str]
    kept: list[KeptShown]


class ImportPage(BaseModel):
    """A page of imports."""

    items: list[ImportListed]
    next: str | None


class ItemPage(BaseModel):
    """A page of what an import does."""

    items: list[ImportItem]
    next: str | None


def fault_shown(fault: Fault) -> dict[str, str]:
    """A finding, in English."""
    return {"sheet": fault.sheet, "cell": fault.cell, "code": fault.code, "text": fault.text}


def item_shown(item: Item) -> dict[str, Any]:
    """One thing that a file speaks of."""
    fields = [{"field": o.field, "before": o.before, "after": o.after} for o in item.shown]
    return {
        "id": str(item.id),
        "kind": item.kind,
        "action": item.action,
        "label": item.label,
        "sheet": item.sheet,
        "row": item.row,
        "fields": fields,
    }


def whole_shown(whole: Whole) -> dict[str, Any]:
    """An import."""
    return {
        **whole.row,
        "faults": [fault_shown(fault) for fault in whole.plan.faults],
        "unread": list(whole.plan.unread),
        "kept": [asdict(one) for one in whole.kept],
    }
