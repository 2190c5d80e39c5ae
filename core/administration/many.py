"""Creating, changing and removing many things at once: the rows in bulk, and a fact for each.

Whoever calls has checked everything; one thing at a time goes through the module of its kind.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any
from uuid import UUID

from sqlalchemy import delete, update
from sqlalchemy.orm import Session

from core import events
from core.devices import Device, Point
from core.places import Asset, Space
from core.site_file.rows import insert_all, update_all

Model = type[Space] | type[Asset] | type[Device] | type[Point]
MODELS: Mapping[str, Model] = MappingProxyType(
    {"space": Space, "asset": Asset, "device": Device, "point": Point}
)
# What the log says of a new one; names are words of people and stay out of it.
_TOLD: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "space": ("code", "kind"),
        "asset": ("code", "type", "criticality"),
        "device": ("code", "state"),
        "point": ("code", "device_id", "series"),
    }
)
_RENAMED = {"device_id": "device"}
_AT_ONCE = 1_000


@dataclass(frozen=True, slots=True)
class Change:
    """Fields of one row, before and after: the same names in both."""

    id: UUID
    site_id: UUID
    before: Mapping[str, Any]
    after: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Doing:
    """In which transaction, by whom and when."""

    session: Session
    actor: events.Actor
    now: datetime
    facts: list[dict[str, Any]] = field(default_factory=list)

    def tell(
        self,
        verb: str,
        row_id: UUID,
        site_id: UUID,
        before: Mapping[str, Any] | None = None,
        after: Mapping[str, Any] | None = None,
    ) -> None:
        """Note a fact; `log` appends it."""
        self.facts.append(
            events.fact(
                verb,
                (verb.partition(".")[0], row_id),
                actor=self.actor,
                learned_at=self.now,
                site_id=site_id,
                before=before,
                after=after,
            )
        )

    def log(self) -> None:
        """Append what was noted."""
        if self.facts:
            events.append_all(self.session, self.facts)
            self.facts.clear()


def create_many(doing: Doing, kind: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows of a kind in this order; all of them name the same columns."""
    insert_all(doing.session, MODELS[kind], [dict(row) for row in rows])
    for row in rows:
        told = {_RENAMED.get(name, name): _plain(row[name]) for name in _TOLD[kind]}
        doing.tell(f"{kind}.create", row["id"], row["site_id"], after=told)
    doing.log()


def change_many(doing: Doing, kind: str, changes: Sequence[Change]) -> None:
    """Set fields of rows; a device counts a version with it."""
    by_fields: defaultdict[tuple[str, ...], list[dict[str, Any]]] = defaultdict(list)
    for change in changes:
        by_fields[tuple(sorted(change.after))].append({"id": change.id, **change.after})
    for rows in by_fields.values():
        update_all(doing.session, MODELS[kind], rows)
    if kind == "device":
        _count_versions(doing.session, [change.id for change in changes])
    for change in changes:
        before = {name: _plain(value) for name, value in change.before.items() if name != "name"}
        after = {name: _plain(value) for name, value in change.after.items() if name != "name"}
        facts = {**after, "fields": sorted(change.after)}
        doing.tell(f"{kind}.update", change.id, change.site_id, before, facts)
    doing.log()


def _count_versions(session: Session, devices: Sequence[UUID]) -> None:
    for start in range(0, len(devices), _AT_ONCE):
        some = devices[start : start + _AT_ONCE]
        counted = update(Device).where(Device.id.in_(some)).values(version=Device.version + 1)
        session.execute(counted.execution_options(synchronize_session=False))


def remove_many(doing: Doing, kind: str, rows: Sequence[tuple[UUID, UUID, str]]) -> None:
    """Delete rows, given as (id, site, code) in an order in which nothing refers to what is gone.

    The caller has made sure that nothing else refers to them.
    """
    model = MODELS[kind]
    for row_id, site_id, code in rows:
        doing.session.execute(
            delete(model).where(model.id == row_id).execution_options(synchronize_session=False)
        )
        doing.tell(f"{kind}.delete", row_id, site_id, before={"code": code})
    doing.log()


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, UUID) else value
