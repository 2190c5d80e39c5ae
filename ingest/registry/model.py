"""What ingest knows of places, devices and rules while it runs, shaped for the hot path."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from paho.mqtt.client import topic_matches_sub

from ingest.decoding import EARLIEST
from ingest.dialects import FOLLOWED, ForeignSource
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
        "scale",
        "series",
        "shift",
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
        scale: float = 1.0,
        shift: float = 0.0,
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
        # What a device says, times scale and plus shift, is the value.
        self.scale = scale
        self.shift = shift
        self.paths: tuple[PathState, ...] = ()

    @property
    def converted(self) -> bool:
        """Whether a value is another than what the device says."""
        return self.scale != 1.0 or self.shift != 0.0


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
        "converted",
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
        # Whether any of its points is: then each of its messages is looked at closely.
        self.converted = False
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

    waiting: codes of devices that were seen and that nobody adopted yet.
    """

    site_id: UUID
    code: str
    zone: ZoneInfo
    sources: list[tuple[str, ZoneInfo]] = field(default_factory=list)
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
class Listener:
    """A source of another dialect: its site, and what it remembers.

    memory: as its decoder sees it. durable: the keys of it that are kept for good. roams: whether
    any gateway near a device may pass its messages on.
    """

    source_id: UUID
    site: SiteState
    source: ForeignSource
    memory: dict[str, Any]
    durable: set[str]
    roams: bool = False

    def takes(self, topic: str) -> bool:
        """Whether it listens to a topic: by its filter, or because something named that topic."""
        if FOLLOWED + topic in self.memory:
            return True
        return bool(topic_matches_sub(self.source.topic_filter, topic))

    @property
    def filters(self) -> Iterable[str]:
        """What is to be subscribed to for it."""
        yield self.source.topic_filter
        for key in self.durable:
            if key.startswith(FOLLOWED):
                yield key.removeprefix(FOLLOWED)

    def preference(self, topic: str) -> tuple[bool, int]:
        """The smaller, the sooner it is asked what a topic says: who names it most closely."""
        levels = self.source.topic_filter.split("/")
        named = sum(level not in ("+", "#") for level in levels)
        return not topic_matches_sub(self.source.topic_filter, topic), -named


@dataclass(frozen=True, slots=True)
class Way:
    """By which a message came. source: its code, empty for topics of ours. through: the gateway's
    code, where the message names one."""

    source: str
    through: str | None = None


@dataclass(slots=True)
class Conduct:
    """Of one device. source: the one that it is bound to, or None. path: the code of its gateway.

    first: by which way it was heard first. stray: another one, of which an alarm tells; last_stray:
    when it was last heard so, receipt µs, 0 when that was before this process; recorded: when that
    was last put on record. twice: an alarm
    tells that its credential is used twice.
    """

    source: str | None = None
    path: str | None = None
    first: Way | None = None
    stray: Way | None = None
    last_stray: int = 0
    recorded: int = 0
    twice: bool = False


@dataclass(slots=True)
class Registry:
    """The whole of it.

    by_topic is a cache from topic bytes to device, filled as messages come; by_foreign one to those
    who listen to a topic of another dialect. problems: rules that don't fit the points that they
    name any more, so that nobody watches what they watched.
    """

    sites: dict[str, SiteState] = field(default_factory=dict)
    by_topic: dict[bytes, DeviceState] = field(default_factory=dict)
    own_filters: list[str] = field(default_factory=list)
    listeners: list[Listener] = field(default_factory=list)
    by_foreign: dict[bytes, tuple[Listener, ...]] = field(default_factory=dict)
    # How ordinary messages of topics of other dialects are read (ingest/pipeline/ordinary.py).
    plans: dict[bytes, Any] = field(default_factory=dict)
    # Another topic is to be subscribed to, or no longer, since something named it.
    follows_anew: bool = False
    bindings: dict[Instance, Binding] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    # What rules ask of all that Watchkeeper tells itself (rules.catalog.TOLD), and the assets, with
    # it, that have no point for it yet.
    listens: frozenset[str] = frozenset()
    untold: list[tuple[UUID, str]] = field(default_factory=list)
    # Of devices that are bound to a way, were heard by one, or whose credential is misused.
    conduct: dict[UUID, Conduct] = field(default_factory=dict)
    # The series whose baselines know what is stored of their past.
    taught: set[int] = field(default_factory=set)

    def points(self) -> Iterator[PointState]:
        """Every point that some active device feeds."""
        for site in self.sites.values():
            for device in site.devices.values():
                yield from device.points.values()

    def listening(self, topic: str) -> tuple[Listener, ...]:
        """The sources of other dialects that take a topic, who names it most closely first."""
        found = [each for each in self.listeners if each.takes(topic)]
        return tuple(sorted(found, key=lambda each: each.preference(topic)))

    def filters(self) -> list[str]:
        """Every topic filter that a source states, and the topics that something named."""
        foreign = (one for each in self.listeners for one in each.filters)
        return list(dict.fromkeys((*self.own_filters, *foreign)))

    def is_foreign(self, site: SiteState) -> bool:
        """Whether another dialect is spoken on a site, too."""
        return any(each.site is site for each in self.listeners)

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
