"""One undoing under way: what the import did, what stands now, and what stays."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from uuid import UUID

from sqlalchemy.engine import RowMapping

from core.administration.many import Doing
from workflows.intake.plan import Item

PLACES = ("space", "asset", "device", "point")
NEEDED: Mapping[str, str] = MappingProxyType(
    {
        "space": "places.write",
        "asset": "places.write",
        "device": "devices.write",
        "point": "devices.write",
        "resident": "households.write",
        "team": "service.write",
        "member": "service.write",
        "duty": "rosters.write",
    }
)


@dataclass(frozen=True, slots=True)
class Kept:
    """Something that an import made or changed, and that stays.

    reason: changed, gone, readings, adopted, acted, used, or last_administrator; used: by a row
    of `table`.
    """

    kind: str
    id: str
    reason: str
    table: str = ""


@dataclass(slots=True)
class Undoing:
    """One undoing under way."""

    doing: Doing
    items: dict[str, list[Item]]
    rows: dict[str, dict[UUID, RowMapping]]
    kept: list[Kept] = field(default_factory=list)
    undone: int = 0

    def keep(self, item: Item, reason: str, table: str = "") -> None:
        """Note that something stays."""
        self.kept.append(Kept(item.kind, str(item.id), reason, table))
