"""Imports as a reader sees them: cells, things and fields in words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rules.catalog import Catalog
from web.import_words import FAULT, KEPT_ELSE, KEPT_FOR, KEPT_REASON
from web.languages import mark
from web.reader import Reader
from workflows.intake.choices import choices_of
from workflows.intake.faults import Fault
from workflows.intake.plan import Item, Plan
from workflows.intake.sheets import SHEETS
from workflows.intake.undoing.state import Kept

_SHEET_OF = {
    "person": "people",
    "grant": "people",
    "space": "spaces",
    "asset": "assets",
    "device": "devices",
    "point": "points",
    "resident": "households",
    "team": "teams",
    "member": "members",
    "duty": "roster_days",
}
# Choices of which the words are administered by others than a sheet's own list.
_PLACES = ("site", "place")


@dataclass(frozen=True, slots=True)
class FieldView:
    """A field: what it is called, and what it was and will be."""

    title: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class ItemView:
    """A thing that a file speaks of. why: why it stays, when it does."""

    kind: str
    label: str
    sheet: str
    row: int
    fields: Sequence[FieldView]
    why: str = ""


@dataclass(frozen=True, slots=True)
class FaultView:
    """A finding, with the place where it was made."""

    sheet: str
    cell: str
    text: str


def fault_text(reader: Reader, fault: Fault) -> str:
    """What is wrong and what to write, in the reader's language."""
    return reader.translate(FAULT[fault.code]) % fault.values_in(reader.language)


def faults_of(reader: Reader, faults: Sequence[Fault]) -> list[FaultView]:
    """Findings in the reader's language."""
    return [FaultView(fault.sheet, fault.cell, fault_text(reader, fault)) for fault in faults]


def items_of(
    reader: Reader, catalog: Catalog, items: Sequence[Item], kept: Sequence[Kept]
) -> list[ItemView]:
    """Items in the reader's words."""
    why = {one.id: _reason(reader, one) for one in kept}
    return [
        ItemView(
            kind=reader.word("import_kind", item.kind),
            label=item.label or "–",
            sheet=item.sheet,
            row=item.row,
            fields=[_field(reader, catalog, item.kind, *one) for one in _plain(item)],
            why=why.get(str(item.id), ""),
        )
        for item in items
    ]


def _plain(item: Item) -> list[tuple[str, str, str]]:
    return [(one.field, one.before, one.after) for one in item.shown]


def _reason(reader: Reader, kept: Kept) -> str:
    if kept.reason == "used":
        return reader.translate(KEPT_FOR.get(kept.table, KEPT_ELSE))
    return reader.translate(KEPT_REASON[kept.reason])


def _field(
    reader: Reader, catalog: Catalog, kind: str, name: str, before: str, after: str
) -> FieldView:
    if name == "state":
        words = [reader.word("device_state", state) for state in (before, after)]
        return FieldView(reader.translate(STATE), words[0], words[1])
    if name == "on_call":
        return FieldView(reader.word("shift", name), before, after)
    column = SHEETS[_SHEET_OF[kind]].column(name)
    title = column.title.get(reader.language)
    if not column.choices or column.choices in _PLACES:
        return FieldView(title, before, after)
    known = choices_of(column.choices, catalog)

    def word(code: str) -> str:
        return known[code].get(reader.language) if code in known else code

    return FieldView(title, word(before), word(after))


STATE = mark("State")


def totals_of(plan: Plan) -> Mapping[str, int]:
    """How many things are new, change and stand, and how many rows would be refused."""
    found = {"create": 0, "update": 0, "same": 0}
    for counts in plan.counts().values():
        for action, count in counts.items():
            found[action] += count
    return {**found, "refused": plan.refused}
