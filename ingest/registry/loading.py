"""Building the registry from the database: sites, devices, points, and what watches them."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from sys import intern
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from core import inventory
from core.clock import MICROS
from core.db import Session
from core.dialects import ROAMING
from core.local_time import zone
from core.source_memory import memories
from ingest.decoding import PREFIX
from ingest.dialects import DECODERS, PLANNERS, ForeignSource
from ingest.registry.binding import bind_rules
from ingest.registry.conduct import load_conduct
from ingest.registry.model import (
    DeviceState,
    Listener,
    PathState,
    PointState,
    Registry,
    SiteState,
)
from rules.slots import ReceiptNow

OWN_DIALECT = "wk"


def load_registry(session: Session, now: ReceiptNow) -> Registry:
    """Read everything ingest needs; states of alarms and last values are put in afterwards."""
    registry = Registry()
    site_paths = _load_sites(session, registry)
    rows = inventory.devices(session)
    devices = _load_devices(rows, registry)
    by_asset = _load_points(session, registry, devices)
    _link_paths(devices, rows)
    load_conduct(session, registry)
    bind_rules(session, registry, site_paths, by_asset, devices, now)
    return registry


def _load_sites(session: Session, registry: Registry) -> dict[UUID, str]:
    rows = inventory.sites(session)
    by_id = {}
    for row in rows:
        site = SiteState(row.id, row.code, zone(row.time_zone))
        registry.sites[row.code] = by_id[row.id] = site
    remembered = memories(session)
    for source in inventory.sources(session):
        site = by_id[source.site_id]
        named = source.options.get("zone")
        where = zone(named) if named else site.zone
        if source.dialect == OWN_DIALECT:
            site.sources.append((source.topic_filter, where))
            registry.own_filters.append(source.topic_filter)
        elif source.dialect in DECODERS:
            registry.listeners.append(_listener(site, source, where, remembered.get(source.id, {})))
    return {row.id: row.path for row in rows}


def _listener(
    site: SiteState, source: inventory.SourceRow, where: ZoneInfo, remembered: dict[str, Any]
) -> Listener:
    decode, plan = DECODERS[source.dialect], PLANNERS.get(source.dialect)
    spoken = ForeignSource(source.code, source.topic_filter, where, decode, source.options, plan)
    roams = source.dialect in ROAMING
    return Listener(source.id, site, spoken, dict(remembered), set(remembered), roams)


def _load_devices(
    rows: Sequence[inventory.DeviceRow], registry: Registry
) -> dict[UUID, DeviceState]:
    by_id = {site.site_id: site for site in registry.sites.values()}
    devices = {}
    for row in rows:
        site = by_id[row.site_id]
        if row.state == "waiting":
            site.waiting[row.code] = row.id
            continue
        device = DeviceState(
            device_id=row.id,
            code=row.code,
            site=site,
            asset_id=row.asset_id,
            zone=site.zone_of(f"{PREFIX}{site.code}/{row.code}/readings") or site.zone,
            trusted=row.clock_trusted,
        )
        site.devices[row.code] = devices[row.id] = device
    return devices


def _load_points(
    session: Session, registry: Registry, devices: Mapping[UUID, DeviceState]
) -> dict[UUID, dict[str, PointState]]:
    by_asset: dict[UUID, dict[str, PointState]] = defaultdict(dict)
    # Equal limits and state lists are one object: a large site repeats them a hundred thousand
    # times.
    shared: dict[object, object] = {}
    for row in inventory.points(session):
        device = devices.get(row.device_id)
        if device is None:
            continue
        states = tuple(row.states) if row.states else None
        event = row.kind == "event"
        # A device can only say that an event happened.
        least, most = (1.0, 1.0) if event else (row.low, row.high)
        point = PointState(
            series=row.series,
            code=intern(row.code),
            unit=intern(row.unit) if row.unit else None,
            low=_shared_limit(shared, 0.0 if states else least),
            high=_shared_limit(shared, len(states) - 1.0 if states else most),
            boolean=row.kind == "boolean",
            states=_shared_states(shared, states),
            interval=_shared_interval(shared, row.expected_interval),
            event=event,
            scale=1.0 if row.scale is None else row.scale,
            shift=row.shift or 0.0,
        )
        device.points[intern(row.key)] = point
        device.converted |= point.converted
        by_asset[row.asset_id][point.code] = point
    return by_asset


def _shared_limit(shared: dict[object, object], value: float | None) -> float | None:
    if value is None:
        return None
    found = shared.setdefault(("limit", value), value)
    assert isinstance(found, float | int)
    return found


def _shared_states(
    shared: dict[object, object], states: tuple[str, ...] | None
) -> dict[str, int] | None:
    if states is None:
        return None
    fresh = {name: index for index, name in enumerate(states)}
    found = shared.setdefault(("states", states), fresh)
    assert isinstance(found, dict)
    return found


def _shared_interval(shared: dict[object, object], seconds: float | None) -> int:
    found = shared.setdefault(("interval", seconds), int((seconds or 0) * MICROS))
    assert isinstance(found, int)
    return found


def _link_paths(devices: Mapping[UUID, DeviceState], rows: Sequence[inventory.DeviceRow]) -> None:
    through = {row.id: row.path_id for row in rows if row.path_id is not None}
    for gateway_id in set(through.values()):
        if gateway_id in devices:
            devices[gateway_id].path = PathState()
    for device in devices.values():
        chain = []
        step: UUID | None = device.device_id
        seen: set[UUID] = set()
        while step is not None and step not in seen:
            seen.add(step)
            speaker = devices.get(step)
            if speaker is not None and speaker.path is not None:
                chain.append(speaker.path)
            step = through.get(step)
        device.paths = tuple(chain)
        for point in device.points.values():
            point.paths = device.paths
        for path in chain:
            path.devices.append(device)
            path.quickest = _quickest(path.quickest, device.points.values())


def _quickest(known: int, points: Iterable[PointState]) -> int:
    intervals = [point.interval for point in points if point.interval]
    return min([known, *intervals] if known else intervals, default=known)
