"""What an import would do: one item for each thing that a file speaks of."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import orjson

from workflows.intake.faults import Fault

# In this order things are written; they are undone in the other one.
_PLACES = ("space", "asset", "device", "point")
KINDS = ("person", "grant", *_PLACES, "resident", "team", "member", "duty")
ACTIONS = ("create", "update", "same")


@dataclass(frozen=True, slots=True)
class Shown:
    """One field of an item as people read it. field: the code of its column, or `state`."""

    field: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that is new, changes, or stands as the file says.

    label: what people call it. before, after: the stored fields that change; of a new thing, all.
    sheet, row: where the file says so.
    """

    kind: str
    action: str
    id: UUID
    site_id: UUID | None
    label: str
    sheet: str
    row: int
    shown: tuple[Shown, ...] = ()
    before: Mapping[str, Any] = field(default_factory=dict)
    after: Mapping[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """For keeping; `from_json` makes it again."""
        return {
            "kind": self.kind,
            "action": self.action,
            "id": str(self.id),
            "site_id": str(self.site_id) if self.site_id else None,
            "label": self.label,
            "sheet": self.sheet,
            "row": self.row,
            "shown": [[one.field, one.before, one.after] for one in self.shown],
            "before": _plain(self.before),
            "after": _plain(self.after),
        }

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> "Item":
        """An item that was kept."""
        return cls(
            kind=kept["kind"],
            action=kept["action"],
            id=UUID(kept["id"]),
            site_id=UUID(kept["site_id"]) if kept["site_id"] else None,
            label=kept["label"],
            sheet=kept["sheet"],
            row=kept["row"],
            shown=tuple(Shown(*one) for one in kept["shown"]),
            before=_typed(kept["before"]),
            after=_typed(kept["after"]),
        )


@dataclass(slots=True)
class Plan:
    """Everything that a file would do, and everything that keeps it from being done."""

    items: list[Item] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    unread: Sequence[str] = ()

    @property
    def refused(self) -> int:
        """How many rows would be refused."""
        return len({(fault.sheet, fault.row) for fault in self.faults})

    @property
    def changes(self) -> list[Item]:
        """The items that write something."""
        return [item for item in self.items if item.action != "same"]

    def counts(self) -> dict[str, dict[str, int]]:
        """How many things of each kind are new, change, and stand already."""
        counted = Counter((item.kind, item.action) for item in self.items)
        return {
            kind: {action: counted[kind, action] for action in ACTIONS}
            for kind in KINDS
            if any(counted[kind, action] for action in ACTIONS)
        }

    def fingerprint(self) -> str:
        """The same for two plans that would do the same; new ids don't count."""
        fresh = {
            str(item.id): f"new {number}"
            for number, item in enumerate(self.items)
            if item.action == "create"
        }
        told = []
        for item in self.items:
            whole = item.as_json()
            whole["id"] = fresh.get(whole["id"], whole["id"])
            for name in ("before", "after"):
                whole[name] = {
                    key: fresh.get(value, value) if isinstance(value, str) else value
                    for key, value in whole[name].items()
                }
            told.append(whole)
        return hashlib.sha256(orjson.dumps(told)).hexdigest()


def in_order(items: Iterable[Item]) -> list[Item]:
    """Items by kind, otherwise in the order they have."""
    return sorted(items, key=lambda item: KINDS.index(item.kind))


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: str(v) if isinstance(v, UUID) else v for name, v in values.items()}


def _typed(values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: UUID(v) if v is not None and (name == "id" or name.endswith("_id")) else v
        for name, v in values.items()
    }
