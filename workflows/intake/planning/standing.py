"""What stands already, by code: looked up for a whole file in a few queries."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.engine import RowMapping
from sqlalchemy.orm import Session

from core.devices import Device, Source
from core.places import Asset, Space
from rules.catalog import Text

_AT_ONCE = 1_000
MODELS: Mapping[str, Any] = MappingProxyType(
    {"space": Space, "asset": Asset, "device": Device, "source": Source}
)
NOUNS: Mapping[str, Text] = MappingProxyType(
    {
        "space": Text("space", "空间"),
        "asset": Text("asset", "资产"),
        "device": Text("device", "接入设备"),
        "source": Text("source", "数据源"),
    }
)


@dataclass(slots=True)
class Known:
    """A thing that stands, or that the file adds. row: its stored columns; None for a new one."""

    id: UUID
    code: str
    row: RowMapping | None = None


@dataclass(slots=True)
class Standing:
    """Things of one kind by site and code. lock: keep others from changing what was looked up."""

    session: Session
    kind: str
    lock: bool = False
    by_code: dict[tuple[UUID, str], Known] = field(default_factory=dict)
    codes_by_id: dict[UUID, str] = field(default_factory=dict)
    _all: dict[UUID, frozenset[str]] = field(default_factory=dict)

    def load(self, wanted: Iterable[tuple[UUID, str]]) -> None:
        """Look these up: pairs of a site and a code."""
        table = MODELS[self.kind].__table__
        by_site: defaultdict[UUID, set[str]] = defaultdict(set)
        for site_id, code in wanted:
            by_site[site_id].add(code)
        for site_id, codes in by_site.items():
            for some in in_parts(sorted(codes)):
                statement = select(*table.c).where(
                    table.c.site_id == site_id, table.c.code.in_(some)
                )
                if self.lock:
                    statement = statement.with_for_update()
                rows = self.session.execute(statement)
                for row in rows.mappings():
                    self.by_code[site_id, row["code"]] = Known(row["id"], row["code"], row)
                    self.codes_by_id[row["id"]] = row["code"]

    def find(self, site_id: UUID, code: str) -> Known | None:
        """The thing of this code, standing or added by the file."""
        return self.by_code.get((site_id, code))

    def add(self, site_id: UUID, code: str, new_id: UUID) -> Known:
        """Note a thing that the file adds."""
        known = self.by_code[site_id, code] = Known(new_id, code)
        self.codes_by_id[new_id] = code
        return known

    def name_ids(self, ids: Collection[UUID]) -> None:
        """Look up the codes behind ids, for what is shown of the past."""
        table = MODELS[self.kind].__table__
        for some in in_parts([each for each in ids if each not in self.codes_by_id]):
            rows = self.session.execute(
                select(table.c.id, table.c.code).where(table.c.id.in_(some))
            )
            self.codes_by_id.update(rows.all())

    def code_of(self, row_id: UUID | None) -> str:
        """The code behind an id that was looked up; "" for none."""
        return self.codes_by_id.get(row_id, "") if row_id else ""

    def codes_on(self, site_id: UUID) -> frozenset[str]:
        """Every code of a site, for saying what was probably meant."""
        if site_id not in self._all:
            table = MODELS[self.kind].__table__
            codes = self.session.scalars(select(table.c.code).where(table.c.site_id == site_id))
            self._all[site_id] = frozenset(codes)
        return self._all[site_id]


def in_parts(values: list[Any]) -> Iterable[list[Any]]:
    """The values in lists that a query takes."""
    return (values[start : start + _AT_ONCE] for start in range(0, len(values), _AT_ONCE))
