"""Building the registry from the database: sites, devices, points, and rules bound to assets."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from sys import intern
from typing import Any
from uuid import UUID

from core import inventory
from core.clock import MICROS
from core.db import Session
from core.local_time import zone
from core.rulebook import RuleVersion, active_versions
from core.site_file import load_catalog
from ingest.decoding import PREFIX
from ingest.registry.model import (
    Binding,
    DeviceState,
    PathState,
    PointState,
    Registry,
    SiteState,
)
from rules.catalog import ANY, Catalog
from rules.document import Rule, load_rules
from rules.engine import Instance, bind
from rules.slots import ReceiptNow
from workflows.alarms import RuleFacts

OWN_DIALECT = "wk"


@dataclass(frozen=True, slots=True)
class _Bound:
    """A rule in force and where."""

    rule: Rule
    facts: RuleFacts
    node_path: str


def load_registry(session: Session, now: ReceiptNow) -> Registry:
    """Read everything ingest needs; states of alarms and last values are put in afterwards."""
    registry = Registry()
    site_paths = _load_sites(session, registry)
    rows = inventory.devices(session)
    devices = _load_devices(rows, registry)
    by_asset = _load_points(session, registry, devices)
    _link_paths(devices, rows)
    _bind_rules(session, registry, site_paths, by_asset, devices, now)
    return registry


def _load_sites(session: Session, registry: Registry) -> dict[UUID, str]:
    rows = inventory.sites(session)
    by_id = {}
    for row in rows:
        site = SiteState(row.id, row.code, zone(row.time_zone))
        registry.sites[row.code] = by_id[row.id] = site
    for source in inventory.sources(session):
        if source.dialect == OWN_DIALECT:
            site = by_id[source.site_id]
            named = source.options.get("zone")
            site.sources.append((source.topic_filter, zone(named) if named else site.zone))
    return {row.id: row.path for row in rows}


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
        point = PointState(
            series=row.series,
            code=intern(row.code),
            unit=intern(row.unit) if row.unit else None,
            low=_shared_limit(shared, 0.0 if states else row.low),
            high=_shared_limit(shared, len(states) - 1.0 if states else row.high),
            boolean=row.kind == "boolean",
            states=_shared_states(shared, states),
            interval=_shared_interval(shared, row.expected_interval),
        )
        device.points[intern(row.key)] = point
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


def _bind_rules(
    session: Session,
    registry: Registry,
    site_paths: Mapping[UUID, str],
    by_asset: Mapping[UUID, Mapping[str, PointState]],
    devices: Mapping[UUID, DeviceState],
    now: ReceiptNow,
) -> None:
    by_type = _rules_by_type(session, registry)
    gateways = {
        device.asset_id: device.path
        for device in devices.values()
        if device.path is not None and device.asset_id is not None
    }
    feeders = _feeders(devices.values())
    ids = {device.asset_id: device.asset_id for device in devices.values() if device.asset_id}
    for row in inventory.assets(session):
        asset = inventory.AssetRow(*(_shared_id(ids, item) for item in row))
        points = by_asset.get(asset.id, {})
        for bound in by_type.get(asset.type, ()), by_type.get(ANY, ()):
            for item in bound:
                if not site_paths[asset.site_id].startswith(item.node_path):
                    continue
                path = gateways.get(asset.id)
                instance = _bind(registry, asset, item, points, path, now)
                if instance is not None:
                    for point in registry.bindings[instance].points:
                        feeder = feeders[point.series]
                        if feeder is not None and instance not in feeder.instances:
                            feeder.instances += (instance,)
    for device in devices.values():
        _share_points(device, by_asset)


def _feeders(devices: Iterable[DeviceState]) -> list[DeviceState | None]:
    """The device of each point, by series number: a list, which for a large site is much smaller
    than a dictionary."""
    feeders: list[DeviceState | None] = []
    for device in devices:
        for point in device.points.values():
            if point.series >= len(feeders):
                feeders.extend([None] * (point.series + 1 - len(feeders)))
            feeders[point.series] = device
    return feeders


def _shared_id(ids: dict[UUID, UUID], item: Any) -> Any:
    """One object for one id, wherever it stands."""
    return ids.setdefault(item, item) if isinstance(item, UUID) else item


def _share_points(device: DeviceState, by_asset: Mapping[UUID, Mapping[str, PointState]]) -> None:
    """Where keys are codes, as they mostly are, the device and its asset share one dictionary."""
    of_asset = by_asset.get(device.asset_id) if device.asset_id else None
    if isinstance(of_asset, dict) and of_asset == device.points:
        device.points = of_asset


def _bind(
    registry: Registry,
    asset: inventory.AssetRow,
    item: _Bound,
    points: Mapping[str, PointState],
    path: PathState | None,
    now: ReceiptNow,
) -> Instance | None:
    rule = item.rule
    watches_path = rule.when.watches_path
    if watches_path and path is None:
        return None
    if not any(code in points for code in rule.points) and not (
        watches_path or rule.watches_every_point
    ):
        return None
    if rule.watches_every_point and not any(point.interval for point in points.values()):
        return None
    instance = bind(rule, str(asset.id), points, now, path)
    if watches_path and path is not None:
        path.instances.append(instance)
    codes = list(points) if rule.watches_every_point else [c for c in rule.points if c in points]
    registry.bindings[instance] = Binding(
        facts=item.facts,
        site_id=asset.site_id,
        asset_id=asset.id,
        space_id=asset.space_id,
        points=tuple(points[code] for code in codes),
        on_receipt_clock=rule.on_receipt_clock,
        watches_every_point=rule.watches_every_point,
        path=path if watches_path else None,
    )
    return instance


class _Parsed:
    """Rules parsed already, by version: a version never changes, but the catalogue may."""

    def __init__(self) -> None:
        self._catalog: Catalog | None = None
        self._rules: dict[UUID, Rule | None] = {}

    def rule(self, version: RuleVersion, catalog: Catalog) -> Rule | None:
        """The rule of a version; None where today's catalogue no longer has what it needs."""
        if self._catalog is not catalog:
            self._catalog = catalog
            self._rules = {}
        # Two threads load registries, and the other one may just have begun a new dictionary.
        rules = self._rules
        if version.id not in rules:
            loaded = load_rules(version.document, version.rule_id, catalog)
            rules[version.id] = loaded.rules[0] if loaded.rules else None
        return rules[version.id]


_parsed = _Parsed()


def _rules_by_type(session: Session, registry: Registry) -> dict[str, list[_Bound]]:
    catalog = load_catalog(session)
    paths = inventory.node_paths(session)
    by_type: dict[str, list[_Bound]] = defaultdict(list)
    for version in active_versions(session):
        rule = _parsed.rule(version, catalog)
        if rule is None:
            registry.problems.append(f"rule {version.rule_id} no longer fits the catalogue")
        else:
            by_type[rule.asset_type].append(
                _Bound(rule, facts_of(rule, version), paths[version.node_id])
            )
    return by_type


def _span(micros: int | None) -> timedelta | None:
    return None if micros is None else timedelta(microseconds=micros)


def facts_of(rule: Rule, version: RuleVersion) -> RuleFacts:
    """What alarms and tickets need to know of this version of the rule."""
    return RuleFacts(
        rule_id=rule.id,
        version=version.version,
        title={"en": rule.title.en, "zh": rule.title.zh},
        severity=rule.severity.value,
        life_safety=rule.life_safety,
        condition=rule.when.source,
        kind=rule.ticket.kind,
        category=rule.ticket.category,
        team=rule.ticket.team,
        respond_within=_span(rule.ticket.respond_within),
        resolve_within=_span(rule.ticket.resolve_within),
        reopen_within=timedelta(microseconds=rule.reopen_within),
        realarm_after=timedelta(microseconds=rule.realarm_after),
    )
