"""Bringing everything on one site to what a file says."""

from collections import Counter
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import insert, select
from sqlalchemy.engine import RowMapping
from sqlalchemy.orm import Session

from core import events
from core.db import Base
from core.devices import DEVICE, Device, Point, Source, reserve_series
from core.lifecycle import move
from core.mapping_versions import OPTION, note_versions
from core.places import Asset, Node, Space, Supply
from core.site_file.model import PointEntry, SiteEntry
from core.site_file.rows import Difference, bring_to, identify, standing_rows, update_all
from core.told_points import is_ours
from rules.catalog import TOLD

Key = TypeVar("Key", bound=Hashable)
PointKey = tuple[str, str]


@dataclass
class ContentWriter:
    """Writes one site's spaces, assets, supplies, sources, devices and points, and counts."""

    session: Session
    site: Node
    entry: SiteEntry
    actor: events.Actor
    now: datetime
    created: Counter[str] = field(default_factory=Counter)
    changed: Counter[str] = field(default_factory=Counter)
    unchanged: Counter[str] = field(default_factory=Counter)
    missing: list[str] = field(default_factory=list)
    retired: list[str] = field(default_factory=list)
    _asset_codes: dict[UUID, str] = field(default_factory=dict)

    def write(self) -> None:
        """Write everything, each thing after what it refers to."""
        spaces = self._spaces()
        assets = self._assets(spaces)
        self._supplies(assets)
        sources = self._sources()
        devices = self._devices(assets, sources)
        self._points(assets, devices)

    def _rows(self, model: type[Base]) -> dict[str, RowMapping]:
        site_id = model.__table__.c.site_id
        rows = standing_rows(self.session, model, site_id == self.site.id)
        return {row["code"]: row for row in rows}

    def _tally(self, kind: str, found: Difference[Key]) -> None:
        for counter, number in (
            (self.created, len(found.created)),
            (self.changed, len(found.changed)),
            (self.unchanged, found.unchanged),
        ):
            if number:
                counter[kind] += number
        for key in found.missing:
            self.missing.append(f"{kind} {'/'.join(key) if isinstance(key, tuple) else key}")

    def _spaces(self) -> dict[str, UUID]:
        standing = self._rows(Space)
        ids = identify([space.code for space in self.entry.spaces], standing)
        wanted = {
            space.code: {
                "site_id": self.site.id,
                "parent_id": ids[space.parent] if space.parent else None,
                "kind": space.kind,
                "code": space.code,
                "name": space.name,
            }
            for space in self.entry.spaces
        }
        self._tally("space", bring_to(self.session, Space, wanted, standing, ids))
        return ids

    def _assets(self, spaces: Mapping[str, UUID]) -> dict[str, UUID]:
        standing = self._rows(Asset)
        ids = identify([asset.code for asset in self.entry.assets], standing)
        wanted = {
            asset.code: {
                "site_id": self.site.id,
                "space_id": spaces[asset.space] if asset.space else None,
                "type": asset.type,
                "code": asset.code,
                "name": asset.name,
                "criticality": asset.criticality,
            }
            for asset in self.entry.assets
        }
        self._tally("asset", bring_to(self.session, Asset, wanted, standing, ids))
        # What the file no longer lists still has its points and supplies.
        self._asset_codes = {row["id"]: code for code, row in standing.items()}
        self._asset_codes |= {asset_id: code for code, asset_id in ids.items()}
        return ids

    def _supplies(self, assets: Mapping[str, UUID]) -> None:
        codes = self._asset_codes
        rows = standing_rows(self.session, Supply, Supply.site_id == self.site.id)
        standing = {
            (codes[row["supplier_id"]], codes[row["consumer_id"]]): row["medium"] for row in rows
        }
        found: Difference[tuple[str, str]] = Difference()
        for supply in self.entry.supplies:
            key = (supply.supplier, supply.consumer)
            ids = {"supplier_id": assets[key[0]], "consumer_id": assets[key[1]]}
            if key not in standing:
                found.created.append(key)
                row = {**ids, "site_id": self.site.id, "medium": supply.medium}
                self.session.execute(insert(Supply), [row])
            elif standing[key] != supply.medium:
                found.changed.append(key)
                update_all(self.session, Supply, [{**ids, "medium": supply.medium}])
            else:
                found.unchanged += 1
        listed = {(supply.supplier, supply.consumer) for supply in self.entry.supplies}
        found.missing = [key for key in standing if key not in listed]
        self._tally("supply", found)

    def _sources(self) -> dict[str, UUID]:
        standing = self._rows(Source)
        ids = identify([source.code for source in self.entry.sources], standing)
        wanted = {
            source.code: {
                "site_id": self.site.id,
                "code": source.code,
                "topic_filter": source.topic_filter,
                "dialect": source.dialect,
                "options": dict(source.options),
                "enabled": source.enabled,
            }
            for source in self.entry.sources
        }
        self._tally("source", bring_to(self.session, Source, wanted, standing, ids))
        self._note_mappings()
        return ids

    def _note_mappings(self) -> None:
        """Mappings are kept in versions, whoever writes them."""
        mapped = [source.code for source in self.entry.sources if OPTION in source.options]
        statement = select(Source).where(Source.site_id == self.site.id, Source.code.in_(mapped))
        # The bulk statements above went past what the session may hold.
        sources = self.session.scalars(statement.execution_options(populate_existing=True))
        note_versions(self.session, sources.all(), actor=self.actor, now=self.now)

    def _devices(self, assets: Mapping[str, UUID], sources: Mapping[str, UUID]) -> dict[str, UUID]:
        # Those by which Watchkeeper itself speaks are in no file.
        standing = {code: row for code, row in self._rows(Device).items() if not is_ours(code)}
        only_source = next(iter(sources.values())) if len(sources) == 1 else None
        ids = identify([device.code for device in self.entry.devices], standing)
        wanted = {
            device.code: {
                "site_id": self.site.id,
                "source_id": sources[device.source] if device.source else only_source,
                "path_id": ids[device.via] if device.via else None,
                "asset_id": assets[device.asset] if device.asset else None,
                "code": device.code,
                "name": device.name,
            }
            for device in self.entry.devices
        }
        new = {"state": "active"}
        found = bring_to(self.session, Device, wanted, standing, ids, only_when_new=new)
        for code in ids:
            if code in standing and self._adopt(code, standing[code]) and code not in found.changed:
                found.changed.append(code)
                found.unchanged -= 1
        self._tally("device", found)
        return ids

    def _adopt(self, code: str, standing: RowMapping) -> bool:
        """A listed device that waits is adopted; one that somebody retired stays retired."""
        if standing["state"] == "retired":
            self.retired.append(code)
        if standing["state"] != "waiting":
            return False
        device = self.session.get_one(Device, standing["id"])
        move(self.session, device, DEVICE, "adopt", actor=self.actor, learned_at=self.now)
        return True

    def _points(self, assets: Mapping[str, UUID], devices: Mapping[str, UUID]) -> None:
        codes = self._asset_codes
        rows = standing_rows(self.session, Point, Point.site_id == self.site.id)
        standing = {
            (codes[row["asset_id"]], row["code"]): row for row in rows if row["code"] not in TOLD
        }
        wanted: dict[PointKey, dict[str, Any]] = {
            (point.asset, point.type.code): self._point(point, assets, devices[device.code])
            for device in self.entry.devices
            for point in device.points
        }
        ids = identify(list(wanted), standing)
        new = [key for key in wanted if key not in standing]
        for key, series in zip(new, reserve_series(self.session, len(new)), strict=True):
            wanted[key]["series"] = series
        self._free_keys(wanted, standing)
        self._tally("point", bring_to(self.session, Point, wanted, standing, ids))

    def _point(
        self, point: PointEntry, assets: Mapping[str, UUID], device_id: UUID
    ) -> dict[str, Any]:
        kind = point.type
        return {
            "site_id": self.site.id,
            "asset_id": assets[point.asset],
            "device_id": device_id,
            "code": kind.code,
            "key": point.key,
            "name": {k: v for k, v in (("en", kind.name.en), ("zh", kind.name.zh)) if v},
            "kind": kind.kind,
            "unit": kind.unit,
            "low": point.low,
            "high": point.high,
            "states": list(kind.states) or None,
            "expected_interval": point.interval,
        }

    def _free_keys(
        self,
        wanted: Mapping[PointKey, Mapping[str, Any]],
        standing: Mapping[PointKey, RowMapping],
    ) -> None:
        """Take payload keys from points that give them up, before others get them.

        Two points may swap their keys, and a point that the file no longer lists may hold one
        that another gets; it is kept with its readings, and is fed by nothing.
        """
        columns = ("device_id", "key", "asset_id")
        claimed = {tuple(row[name] for name in columns): key for key, row in wanted.items()}
        freed = []
        for key, row in standing.items():
            claimer = claimed.get(tuple(row[name] for name in columns))
            if claimer is not None and claimer != key:
                freed.append({"id": row["id"], "key": f"~{row['code']}"})
        update_all(self.session, Point, freed)
