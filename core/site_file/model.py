"""What a site file says, checked and free of YAML."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from rules.catalog import PointType

Name = dict[str, str]


@dataclass(frozen=True, slots=True)
class NodeEntry:
    """A company or a region."""

    code: str
    name: Name


@dataclass(frozen=True, slots=True)
class SpaceEntry:
    """A part of a site; `parent` is the code of the space around it."""

    code: str
    kind: str
    name: Name
    parent: str | None


@dataclass(frozen=True, slots=True)
class AssetEntry:
    """A thing that can fail; `type` is a code of the catalogue."""

    code: str
    type: str
    space: str | None
    name: Name
    criticality: str


@dataclass(frozen=True, slots=True)
class SupplyEntry:
    """`supplier` feeds `consumer`, both codes of assets."""

    supplier: str
    consumer: str
    medium: str


@dataclass(frozen=True, slots=True)
class SourceEntry:
    """A topic filter and the dialect spoken on it."""

    code: str
    topic_filter: str
    dialect: str
    options: Mapping[str, Any]
    enabled: bool


@dataclass(frozen=True, slots=True)
class PointEntry:
    """What one key of a device feeds; low and high in the unit of `type`, interval in seconds."""

    asset: str
    key: str
    type: PointType
    low: float | None
    high: float | None
    interval: float | None


@dataclass(frozen=True, slots=True)
class DeviceEntry:
    """A thing that speaks; `via` is the code of the gateway it speaks through."""

    code: str
    name: Name
    asset: str | None
    via: str | None
    source: str | None
    points: tuple[PointEntry, ...]


@dataclass(frozen=True, slots=True)
class SiteEntry:
    """One site with everything on it. Spaces and devices stand after what they depend on."""

    code: str
    name: Name
    time_zone: str
    region: str | None
    spaces: tuple[SpaceEntry, ...]
    assets: tuple[AssetEntry, ...]
    supplies: tuple[SupplyEntry, ...]
    sources: tuple[SourceEntry, ...]
    devices: tuple[DeviceEntry, ...]


@dataclass(frozen=True, slots=True)
class SiteFile:
    """A whole file. asset_types: the additions to the catalogue, as they stand in the file."""

    filename: str
    company: NodeEntry | None
    regions: tuple[NodeEntry, ...]
    sites: tuple[SiteEntry, ...]
    asset_types: Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import did, as counts by kind of thing (`asset`, `point`, …).

    missing: what the database holds of these sites and the file does not; it was kept.
    retired: devices that the file lists but somebody took out of service; they stay so.
    moved: sites that got another time zone; what was planned by their clock is planned anew.
    """

    created: Mapping[str, int]
    changed: Mapping[str, int]
    unchanged: Mapping[str, int]
    missing: tuple[str, ...]
    retired: tuple[str, ...]
    sites: Mapping[str, UUID]
    moved: tuple[UUID, ...]

    @property
    def did_something(self) -> bool:
        """Whether anything was written."""
        return bool(self.created or self.changed)
