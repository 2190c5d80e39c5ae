"""Bringing the rows of one table to what a file says, in bulk and without deleting any."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, insert, select, update
from sqlalchemy.engine import RowMapping
from sqlalchemy.orm import Session

from core.db import Base
from core.ids import new_id

Key = TypeVar("Key", bound=Hashable)
_CHUNK = 10_000


@dataclass
class Difference(Generic[Key]):
    """What one table had to change; ids: of everything the file lists, old and new."""

    ids: dict[Key, UUID] = field(default_factory=dict)
    created: list[Key] = field(default_factory=list)
    changed: list[Key] = field(default_factory=list)
    unchanged: int = 0
    missing: list[Key] = field(default_factory=list)


def standing_rows(
    session: Session, model: type[Base], *where: ColumnElement[bool]
) -> list[RowMapping]:
    """The rows of a table as plain mappings: there may be 100,000, too many for objects."""
    statement = select(*model.__table__.columns).where(*where)
    return list(session.execute(statement).mappings())


def identify(codes: list[Key], standing: Mapping[Key, RowMapping]) -> dict[Key, UUID]:
    """The id of every listed thing: the one it has, or a fresh one."""
    return {code: standing[code]["id"] if code in standing else new_id() for code in codes}


def bring_to(
    session: Session,
    model: type[Base],
    wanted: Mapping[Key, Mapping[str, Any]],
    standing: Mapping[Key, RowMapping],
    ids: Mapping[Key, UUID],
    *,
    only_when_new: Mapping[str, Any] | None = None,
) -> Difference[Key]:
    """Insert what is new and update what differs, in the order of `wanted`.

    only_when_new: columns that a new row gets and an old one keeps.
    """
    found: Difference[Key] = Difference(ids=dict(ids))
    inserts, updates = [], []
    for key, values in wanted.items():
        row = standing.get(key)
        if row is None:
            found.created.append(key)
            inserts.append({"id": ids[key], **(only_when_new or {}), **values})
            continue
        changes = {name: value for name, value in values.items() if row[name] != value}
        if changes:
            found.changed.append(key)
            updates.append({"id": ids[key], **values})
        else:
            found.unchanged += 1
    found.missing = [key for key in standing if key not in wanted]
    insert_all(session, model, inserts)
    update_all(session, model, updates)
    return found


def insert_all(session: Session, model: type[Base], rows: list[dict[str, Any]]) -> None:
    """Insert rows in bulk; all of them name the same columns."""
    for start in range(0, len(rows), _CHUNK):
        session.execute(insert(model), rows[start : start + _CHUNK])


def update_all(session: Session, model: type[Base], rows: list[dict[str, Any]]) -> None:
    """Update rows in bulk by their primary key; all of them name the same columns."""
    for start in range(0, len(rows), _CHUNK):
        session.execute(update(model), rows[start : start + _CHUNK])
