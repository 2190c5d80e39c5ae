"""Binding rules to assets: which version holds where, and what an asset has around it."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from core import inventory
from core.db import Session
from core.places import Node
from core.rulebook import RuleVersion, active_versions, places_kept_below, places_nearer
from core.rulebook_shadows import RuleShadow
from core.site_file import load_catalog
from core.site_hours import hours_at
from ingest.registry.model import (
    Binding,
    DeviceState,
    PathState,
    PointState,
    Registry,
)
from ingest.registry.neighbours import Neighbours, members_of
from ingest.registry.shadows import in_shadow, rules_in_shadow
from rules.catalog import ANY, TOLD, Catalog, told_of
from rules.document import Rule, load_rules
from rules.engine import BindError, Instance, bind
from rules.hours import Hours
from rules.slots import ReceiptNow
from workflows.alarms import RuleFacts


@dataclass(frozen=True, slots=True)
class _Bound:
    """A rule in force and where. nearer: places below on which another version of it holds."""

    rule: Rule
    facts: RuleFacts
    node_path: str
    nearer: tuple[str, ...]

    def holds_on(self, site_path: str) -> bool:
        """Whether this is the version that holds on a site."""
        return site_path.startswith(self.node_path) and not site_path.startswith(self.nearer)


@dataclass(frozen=True, slots=True)
class _Around:
    """What an asset has around it: the path that it is, the hours and the zone of its site, other
    assets."""

    path: PathState | None
    hours: Mapping[str, Hours]
    neighbours: Neighbours
    zone: ZoneInfo


def bind_rules(
    session: Session,
    registry: Registry,
    site_paths: Mapping[UUID, str],
    by_asset: Mapping[UUID, Mapping[str, PointState]],
    devices: Mapping[UUID, DeviceState],
    now: ReceiptNow,
) -> None:
    """Bind every rule in force, and those in shadow, to the assets for which they hold."""
    by_type = _rules_by_type(session, registry)
    hours = _hours(session, site_paths, by_type)
    rules = [item.rule for items in by_type.values() for item in items]
    registry.listens = frozenset(code for rule in rules for code in _asked(rule) if code in TOLD)
    neighbours = Neighbours(session, site_paths, rules, by_asset)
    gateways = {
        device.asset_id: device.path
        for device in devices.values()
        if device.path is not None and device.asset_id is not None
    }
    feeders = _feeders(devices.values())
    zones = {site.site_id: site.zone for site in registry.sites.values()}
    ids = {device.asset_id: device.asset_id for device in devices.values() if device.asset_id}
    for row in inventory.assets(session):
        asset = inventory.AssetRow(*(_shared_id(ids, item) for item in row))
        points = by_asset.get(asset.id, {})
        for bound in by_type.get(asset.type, ()), by_type.get(ANY, ()):
            for item in bound:
                if not item.holds_on(site_paths[asset.site_id]):
                    continue
                registry.untold += [
                    (asset.id, code)
                    for code in item.rule.points
                    if code in told_of(asset.type) and code not in points
                ]
                around = _Around(
                    gateways.get(asset.id), hours[asset.site_id], neighbours, zones[asset.site_id]
                )
                instance = _bind(registry, asset, item, points, around, now)
                if instance is not None:
                    binding = registry.bindings[instance]
                    for point in (*binding.points, *binding.members.values()):
                        feeder = feeders[point.series]
                        if feeder is not None and instance not in feeder.instances:
                            feeder.instances += (instance,)
    for device in devices.values():
        _share_points(device, by_asset)


def _asked(rule: Rule) -> Iterator[str]:
    """The codes of the points that a rule looks at, of its asset and of others."""
    yield from rule.points
    for group in rule.groups:
        yield from (point.code for point in group.points)


def _hours(
    session: Session, sites: Iterable[UUID], by_type: Mapping[str, Sequence[_Bound]]
) -> dict[UUID, Mapping[str, Hours]]:
    """By site what it means by the hours that rules name."""
    bound = [item for items in by_type.values() for item in items]
    names = frozenset(name for item in bound for name in item.rule.hours)
    if not names:
        return {site: {} for site in sites}
    return {site: hours_at(session, session.get_one(Node, site), names) for site in sites}


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
    around: _Around,
    now: ReceiptNow,
) -> Instance | None:
    rule, path = item.rule, around.path
    watches_path = rule.when.watches_path
    if watches_path and path is None:
        return None
    others = around.neighbours.of(asset.id, rule)
    if not any(code in points for code in rule.points) and not (
        watches_path or rule.watches_every_point or others
    ):
        return None
    if rule.watches_every_point and not any(point.interval for point in points.values()):
        return None
    try:
        instance = bind(rule, str(asset.id), points, now, path, around.hours, others, around.zone)
    except BindError as error:
        if str(error) not in registry.problems:
            registry.problems.append(str(error))
        return None
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
        members=members_of(instance),
        others=around.neighbours.known(others),
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
    versions = active_versions(session)
    nearer = places_nearer(versions, paths)
    for version in versions:
        rule = _parsed.rule(version, catalog)
        if rule is None:
            registry.problems.append(f"rule {version.rule_id} no longer fits the catalogue")
        else:
            by_type[rule.asset_type].append(
                _Bound(rule, facts_of(rule, version), paths[version.node_id], nearer[version.id])
            )
    for shadow, rule in rules_in_shadow(session, catalog):
        facts = in_shadow(facts_of(rule, shadow), shadow)
        place = paths[shadow.node_id]
        below = places_kept_below(versions, paths, shadow.rule_id, place)
        by_type[rule.asset_type].append(_Bound(rule, facts, place, below))
    _tell_unknown_inhibitors(by_type, registry)
    return by_type


def _tell_unknown_inhibitors(by_type: Mapping[str, list[_Bound]], registry: Registry) -> None:
    rules = [bound.rule for several in by_type.values() for bound in several]
    known = {rule.id for rule in rules}
    for rule in rules:
        missing = ", ".join(each for each in rule.inhibited_by if each not in known)
        if missing:
            registry.problems.append(f"rule {rule.id} is inhibited by no rule in force: {missing}")


def _span(micros: int | None) -> timedelta | None:
    return None if micros is None else timedelta(microseconds=micros)


def _looks_back(rule: Rule) -> timedelta:
    longest = max((span for _, span in rule.windows), default=0)
    return timedelta(microseconds=longest + rule.on_delay.microseconds)


def facts_of(rule: Rule, version: RuleVersion | RuleShadow) -> RuleFacts:
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
        suppress_while=rule.suppress_while,
        latch=rule.latch,
        realarm_standing=_span(rule.realarm_standing),
        family=rule.family,
        inhibited_by=rule.inhibited_by,
        looks_back=_looks_back(rule),
    )
