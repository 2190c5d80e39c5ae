"""How an import is kept: sealed while it waits, and by person once it is applied."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from core.errors import Conflict
from core.personal import ResidentKey, keys_of, make_keys, seal, unseal
from rules.wording import worded
from workflows.intake.faults import Fault
from workflows.intake.lines import Lines, lines_from_json, lines_to_json
from workflows.intake.model import Intake
from workflows.intake.plan import Item, Plan

# What is told of a person, and not of a place.
_PERSONAL = ("label", "shown", "before", "after")
# Of somebody's place in a team or on a roster only words are personal: the rest are ids, codes and
# times, as they stand in the tables.
_PLACED = ("member", "duty")


@dataclass(frozen=True, slots=True)
class Preview:
    """What was read of a file, and what it would do."""

    said: Lines
    plan: Plan


def seal_preview(session: Session, owner: UUID, preview: Preview) -> bytes:
    """A preview that only the key of its owner opens."""
    key = make_keys(session, [owner])[owner]
    said, plan = preview.said, preview.plan
    content = {
        "lines": lines_to_json(said.lines),
        "said_faults": [fault.as_json() for fault in said.faults],
        "unread": said.unread,
        "items": [item.as_json() for item in plan.items],
        "faults": [fault.as_json() for fault in plan.faults],
    }
    return seal(key, content)


def open_lines(session: Session, row: Intake) -> Lines:
    """What was read of a file that waits. Conflict when it can't be opened any more."""
    content = _content(session, row)
    return Lines(
        lines_from_json(content["lines"]),
        [Fault.from_json(one) for one in content["said_faults"]],
        content["unread"],
    )


def open_plan(session: Session, row: Intake) -> Plan:
    """What a file that waits would do, as it was shown last; Conflict as `open_lines`."""
    content = _content(session, row)
    items = [Item.from_json(one) for one in content["items"]]
    faults = [Fault.from_json(one) for one in content["faults"]]
    return Plan(items, faults, content["unread"])


def _content(session: Session, row: Intake) -> Any:
    key = keys_of(session, [row.uploaded_by]).get(row.uploaded_by)
    content = unseal(key, row.preview) if row.preview else None
    if content is None:
        raise Conflict(worded("this preview is gone"), advice=worded("Hand in the file again."))
    return content


_SEALED = ("person", "ids", "sealed")


def _person_of(item: Item) -> UUID | None:
    if item.kind in ("person", "resident"):
        return item.id
    return item.after["person_id"] if item.kind in ("grant", *_PLACED) else None


def keep_items(session: Session, items: Sequence[Item]) -> list[dict[str, Any]]:
    """What an import did, for its row; what is personal is sealed under the person's key."""
    residents = {item.id for item in items if item.kind == "resident"}
    people = {person for item in items if (person := _person_of(item)) is not None} - residents
    # Somebody of a household has a key since they were added.
    keys = {**make_keys(session, people), **keys_of(session, residents, ResidentKey)}
    return [_kept(item, keys) for item in items]


def _kept(item: Item, keys: Mapping[UUID, bytes]) -> dict[str, Any]:
    whole = item.as_json()
    person = _person_of(item)
    if person is None:
        return whole
    names = _PERSONAL[:2] if item.kind in _PLACED else _PERSONAL
    hidden = {name: whole.pop(name) for name in names}
    sealed = base64.b64encode(seal(keys[person], hidden)).decode()
    # Whom it is about and where a role was given are ids, and undoing needs them.
    ids = hidden["after"] if item.kind == "grant" else {}
    return {**whole, "person": str(person), "ids": ids, "sealed": sealed}


def kept_items(session: Session, row: Intake) -> list[Item]:
    """What an import did. Of people whose key was destroyed only ids are left."""
    kept = row.plan or []
    people = {UUID(one["person"]) for one in kept if "person" in one}
    keys = {**keys_of(session, people), **keys_of(session, people, ResidentKey)}
    return [_opened(one, keys) for one in kept]


def _opened(kept: Mapping[str, Any], keys: Mapping[UUID, bytes]) -> Item:
    if "person" not in kept:
        return Item.from_json(kept)
    found = unseal(keys.get(UUID(kept["person"])), base64.b64decode(kept["sealed"]))
    unknown = {"label": "", "shown": [], "before": {}, "after": kept["ids"]}
    plain = {name: value for name, value in kept.items() if name not in _SEALED}
    return Item.from_json({**unknown, **plain, **(found or {})})
