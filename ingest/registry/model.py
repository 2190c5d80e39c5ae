"""What ingest knows of places, devices and rules while it runs, shaped for the hot path."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from paho.mqtt.client import topic_matches_sub

from ingest.decoding import EARLIEST
from ingest.dialects import ForeignSource
from rules.engine import Instance
from rules.slots import Slot
from workflows.alarms import RuleFacts

# Beyond these a double says nothing physical, and array('d') still takes it.
LOWEST = -1e300
HIGHEST = 1e300
# The key under which a point is fed by `status` messages.
ONLINE = "online"


class PointState(Slot):
    """A point: what rules see of it, and what is needed to take a reading in.

    Its id is left out: who writes evidence looks it up by the series number.
    """

    __slots__ = (
        "boolean",
        "code",
        "event",
        "high",
        "low",
        "paths",
        "series",
        "states",
        "unit",
    )

    def __init__(
        self,
        *,
        series: int,
        code: str,
        unit: str | None,
        low: float | None,
        high: float | None,
        boolean: bool,
        states: dict[str, int] | None,
        interval: int,
        event: bool = False,
    ) -> None:
        super().__init__(interval=interval)
        self.series = series
        self.code = code
        self.unit = unit
        self.low = LOWEST if low is None else low
        self.high = HIGHEST if high is None else high
        self.boolean = boolean
        # Its readings are moments at which something happened.
        self.event = event
        self.states = states
        self.paths: tuple[PathState, ...] = ()


class PathState(Slot):
    """A gateway or bridge: `heard` is when anything was last heard from it or through it.

    quickest: shortest expected interval of what speaks through it, µs, 0 = none.
    instances: rules that look at its silence; without any it excuses nobody.
    alert: something waits for it to be heard again, so the next message is looked at closely.
    fresh: receipt instant of the fresh start that its points got when it was last heard again. A
    point whose `heard` is exactly that was not heard since.
    """

    __slots__ = ("alert", "devices", "fresh", "instances", "quickest")

    def __init__(self) -> None:
        super().__init__()
        self.quickest = 0
        self.alert = False
        self.fresh = 0
        self.instances: list[Instance] = []
        self.devices: list[DeviceState] = []


class DeviceState:
    """A device that speaks on an own topic."""

    __slots__ = (
        "asset_id",
        "at",
        "behind_at",
        "behind_since",
        "code",
        "device_id",
        "good_stamps",
        "instances",
        "path",
        "paths",
        "points",
        "site",
        "trusted",
        "zone",
    )

    def __init__(
        self,
        *,
        device_id: UUID,
        code: str,
        site: SiteState,
        asset_id: UUID | None,
        zone: ZoneInfo,
        trusted: bool,
    ) -> None:
        self.device_id = device_id
        self.code = code
        self.site = site
        self.asset_id = asset_id
        self.zone = zone
        self.trusted = trusted
        self.points: dict[str, PointState] = {}
        self.instances: tuple[Instance, ...] = ()
        # The path that this device itself is, if it is a gateway, and the ones it speaks through.
        self.path: PathState | None = None
        self.paths: tuple[PathState, ...] = ()
        # Newest event time judged; what decides whether its clock is to be trusted. It begins
        # before the first plausible time, so that an implausible one never looks newer.
        self.at = EARLIEST - 1
        # Since when (receipt, µs) live readings have been behind `at`, and which `at` that was.
        self.behind_since = 0
        self.behind_at = 0
        self.good_stamps = 0


@dataclass(slots=True)
class SiteState:
    """A site, its enabled sources of own topics as (filter, zone), and its devices by code.

    foreign: its enabled sources of other dialects. waiting: codes of devices that were seen and
    that nobody adopted yet.
    """

    site_id: UUID
    code: str
    zone: ZoneInfo
    sources: list[tuple[str, ZoneInfo]] = field(default_factory=list)
    foreign: list[ForeignSource] = field(default_factory=list)
    devices: dict[str, DeviceState] = field(default_factory=dict)
    waiting: dict[str, UUID] = field(default_factory=dict)

    def zone_of(self, topic: str) -> ZoneInfo | None:
        """The zone of the first source that takes `topic`; None if none does."""
        for topic_filter, where in self.sources:
            if topic_matches_sub(topic_filter, topic):
                return where
        return None


# Shared by all bindings that ask nobody, which is nearly all of them.
NOBODY: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class OtherAsset:
    """An asset that a rule on another one asks about."""

    type: str
    name: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Moment:
    """Something that Watchkeeper itself tells of an asset: site, device and point by their codes.

    at: µs; value: the number of its category. series: the point's, under which it is stored even
    where nobody listens.
    """

    site: str
    device: str
    code: str
    series: int
    at: int
    value: float


@dataclass(frozen=True, slots=True)
class Binding:
    """Everything about one rule on one asset that a finding needs."""

    facts: RuleFacts
    site_id: UUID
    asset_id: UUID
    space_id: UUID | None
    points: tuple[PointState, ...]
    on_receipt_clock: bool
    watches_every_point: bool
    path: PathState | None
    # The points of other assets that it asks about, as `rules.members.key_of` calls them.
    members: Mapping[str, PointState] = field(default_factory=lambda: NOBODY)
    # What these assets are, by their codes, for the evidence.
    others: Mapping[str, OtherAsset] = field(default_factory=lambda: NOBODY)


@dataclass(slots=True)
class Registry:
    """The whole of it.

    by_topic is a cache from topic bytes to device, filled as messages come. problems: rules that
    don't fit the points that they name any more, so that nobody watches what they watched.
    """

    sites: dict[str, SiteState] = field(default_factory=dict)
    by_topic: dict[bytes, DeviceState] = field(default_factory=dict)
    bindings: dict[Instance, Binding] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    # What rules ask of all that Watchkeeper tells itself (rules.catalog.TOLD), and the assets, with
    # it, that have no point for it yet.
    listens: frozenset[str] = frozenset()
    untold: list[tuple[UUID, str]] = field(default_factory=list)
    # The series whose baselines know what is stored of their past.
    taught: set[int] = field(default_factory=set)

    def points(self) -> Iterator[PointState]:
        """Every point that some active device feeds."""
        for site in self.sites.values():
            for device in site.devices.values():
                yield from device.points.values()

    def foreign_source(self, topic: str) -> tuple[SiteState, ForeignSource] | None:
        """The first source of another dialect that takes a topic, with its site."""
        for site in self.sites.values():
            for source in site.foreign:
                if topic_matches_sub(source.topic_filter, topic):
                    return site, source
        return None

    def told(self, moment: Moment) -> PointState | None:
        """The point of a moment that we tell ourselves; None where there is none, or not yet."""
        site = self.sites.get(moment.site)
        device = site.devices.get(moment.device) if site else None
        return device.points.get(moment.code) if device else None

    def device_ids(self) -> set[UUID]:
        """Every active device."""
        return {d.device_id for site in self.sites.values() for d in site.devices.values()}

    def instances(self) -> dict[tuple[str, UUID], Instance]:
        """Every rule instance by (rule, asset)."""
        return {
            (binding.facts.rule_id, binding.asset_id): instance
            for instance, binding in self.bindings.items()
        }
