"""What a rule would look at: the assets that it binds to, with their points, devices and ways."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import inventory
from core.baselines import first_learned
from core.branches import Branches
from core.clock import MICROS
from core.local_time import zone
from core.places import Asset, Node
from core.rulebook import active_versions, places_nearer
from core.site_file import load_catalog
from core.site_hours import hours_at
from rules.catalog import ANY
from rules.document import load_rules
from rules.expression import Branch
from rules.members import takes_part
from rules.replay import PlacedDevice, PlacedPoint, PlacedRule, Scene
from rules.rule import Rule

Others = Mapping[Branch, Sequence[tuple[str, str]]]


@dataclass(frozen=True, slots=True)
class Scoped:
    """A rule, and the paths of the nodes of the tree on which it holds, with all below.

    nearer: paths below them on which it does not, for another version is kept there.
    """

    rule: Rule
    node_paths: tuple[str, ...]
    nearer: tuple[str, ...] = ()

    def holds_on(self, site_path: str) -> bool:
        """Whether it would judge what stands on a site."""
        return site_path.startswith(self.node_paths) and not site_path.startswith(self.nearer)


@dataclass(frozen=True, slots=True)
class Subject:
    """An asset that is judged."""

    asset_id: UUID
    site_id: UUID
    code: str
    name: dict[str, str]
    type: str
    time_zone: str


@dataclass(frozen=True, slots=True)
class Cast:
    """Assets that are replayed together. series: of the points of the scenes, in their order.

    scenes: one for each rule that is compared; None where that rule looks at none of the assets.
    """

    subjects: tuple[Subject, ...]
    series: tuple[int, ...]
    scenes: tuple[Scene | None, ...]


def casts(
    session: Session, rules: Sequence[Scoped], sites: frozenset[UUID], only: UUID | None = None
) -> list[Cast]:
    """Every asset on these sites that one of the rules looks at; only: no asset but this one."""
    world = _World(session, sites, frozenset(name for each in rules for name in each.rule.hours))
    if any(scoped.rule.learned for scoped in rules):
        world.learned_from = first_learned(session)
    wanted = {scoped.rule.asset_type for scoped in rules}
    bound = [
        asset
        for asset in world.assets
        if (only is None or asset.id == only)
        and (ANY in wanted or asset.type in wanted)
        and any(world.binds(scoped, asset) for scoped in rules)
    ]
    if any(scoped.rule.on_receipt_clock for scoped in rules):
        others = _silence_rules(session, {scoped.rule.id for scoped in rules})
        return [world.cast(group, rules, others) for group in world.together(bound)]
    return [world.cast([asset], rules, []) for asset in bound]


def _silence_rules(session: Session, except_for: set[str]) -> list[Scoped]:
    """The active rules on silence: whether one of their alarms stands counts for the others."""
    catalog, paths = load_catalog(session), inventory.node_paths(session)
    found = []
    versions = active_versions(session)
    nearer = places_nearer(versions, paths)
    for version in versions:
        if version.rule_id in except_for:
            continue
        loaded = load_rules(version.document, version.rule_id, catalog).rules
        where = ((paths[version.node_id],), nearer[version.id])
        found += [Scoped(each, *where) for each in loaded if each.on_receipt_clock]
    return found


class _World:
    """Sites with everything on them, as ingest binds rules to it."""

    def __init__(self, session: Session, sites: frozenset[UUID], hours: frozenset[str]) -> None:
        self._sites = {row.id: row for row in inventory.sites(session) if row.id in sites}
        self.assets = [row for row in inventory.assets(session) if row.site_id in self._sites]
        self._by_id = {row.id: row for row in self.assets}
        named = select(Asset.id, Asset.code, Asset.name).where(Asset.site_id.in_(self._sites))
        self._names = {row.id: (row.code, row.name) for row in session.execute(named)}
        rows = [row for row in inventory.devices(session) if row.site_id in self._sites]
        self._devices = {row.id: row for row in rows if row.state != "waiting"}
        self._points = defaultdict[UUID, dict[str, inventory.PointRow]](dict)
        self._of_device = defaultdict[UUID, list[inventory.PointRow]](list)
        for point in inventory.points(session):
            if point.device_id in self._devices:
                self._points[point.asset_id][point.code] = point
                self._of_device[point.device_id].append(point)
        through = {row.path_id for row in rows if row.path_id is not None}
        self._gateways = {
            each: self._devices[each].asset_id for each in through if each in self._devices
        }
        self._gateway_of = {asset: device for device, asset in self._gateways.items() if asset}
        # Where a rule asks what is usual, from when on each point was learned.
        self.learned_from: dict[int, int] = {}
        self._hours = {
            site: hours_at(session, session.get_one(Node, site), hours) if hours else {}
            for site in self._sites
        }
        self._branches = Branches(session, self._sites)

    def binds(self, scoped: Scoped, asset: inventory.AssetRow) -> bool:
        """Whether ingest would bind the rule to the asset."""
        rule, points = scoped.rule, self._points.get(asset.id, {})
        if rule.asset_type not in (asset.type, ANY):
            return False
        if not scoped.holds_on(self._sites[asset.site_id].path):
            return False
        if rule.hours - self._hours[asset.site_id].keys():
            return False
        if rule.when.watches_path:
            return asset.id in self._gateway_of
        if rule.watches_every_point:
            return any(point.expected_interval for point in points.values())
        return any(code in points for code in rule.points) or bool(self._others(rule, asset))

    def _others(self, rule: Rule, asset: inventory.AssetRow) -> Others:
        """Who stands on each branch that the rule asks about, as ingest finds them."""
        found = {}
        for branch in dict.fromkeys(group.branch for group in rule.groups):
            standing = self._branches.members(asset.id, branch)
            asking = [group for group in rule.groups if group.branch == branch]
            taking = [
                (str(each.id), each.code)
                for each in standing
                if any(takes_part(group, self._points.get(each.id, {})) for group in asking)
            ]
            if taking:
                found[branch] = taking
        return found

    def ways(self, device_id: UUID) -> Iterator[UUID]:
        """The gateways through which a device speaks, itself first if it is one."""
        seen = set[UUID]()
        step: UUID | None = device_id
        while step is not None and step not in seen and step in self._devices:
            seen.add(step)
            if step in self._gateways:
                yield step
            step = self._devices[step].path_id

    def together(self, assets: Sequence[inventory.AssetRow]) -> list[list[inventory.AssetRow]]:
        """Assets by the outermost way that they share with others."""
        groups = defaultdict[object, list[inventory.AssetRow]](list)
        roots = self._roots()
        for asset in assets:
            groups[roots.get(asset.id, asset.id)].append(asset)
        return list(groups.values())

    def _roots(self) -> dict[UUID, UUID]:
        """The group of each asset that stands behind a gateway, or is one."""
        joined = dict[UUID, UUID]()

        def root(of: UUID) -> UUID:
            while joined.setdefault(of, of) != of:
                of = joined[of]
            return of

        behind = set[UUID]()
        for device_id in self._devices:
            ways = list(self.ways(device_id))
            assets = self._assets_of(device_id)
            for other in (*ways[1:], *assets) if ways else assets[1:]:
                joined[root(other)] = root(ways[0] if ways else assets[0])
            behind |= set(assets)
        return {asset: root(asset) for asset in behind}

    def _assets_of(self, device_id: UUID) -> list[UUID]:
        own = self._devices[device_id].asset_id
        fed = [point.asset_id for point in self._of_device.get(device_id, ())]
        return list(dict.fromkeys([*([own] if own else []), *fed]))

    def cast(
        self,
        assets: Sequence[inventory.AssetRow],
        rules: Sequence[Scoped],
        others: Sequence[Scoped],
    ) -> Cast:
        """The scenes of some assets; others: rules that have a say and are not asked about."""
        silent = bool(others) or any(scoped.rule.on_receipt_clock for scoped in rules)
        asked = [
            self._by_id[UUID(one)]
            for scoped in rules
            for asset in assets
            for standing in self._others(scoped.rule, asset).values()
            for one, _ in standing
        ]
        devices = list(self._around(assets) if silent else self._feeding([*assets, *asked]))
        number = {device: place for place, device in enumerate(devices)}
        gateways = list(dict.fromkeys(way for d in devices for way in self.ways(d)))
        path_of = {device: place for place, device in enumerate(gateways)} if silent else {}
        points = [point for device in devices for point in self._of_device.get(device, ())]
        placed = tuple(
            PlacedPoint(
                str(point.asset_id),
                point.code,
                number[point.device_id],
                int((point.expected_interval or 0) * MICROS),
                self.learned_from.get(point.series, 0),
            )
            for point in points
        )
        stood = tuple(
            PlacedDevice(tuple(path_of[way] for way in self.ways(device)) if silent else ())
            for device in devices
        )
        around = self._standing_around(devices) if silent else list(assets)
        chosen = {asset.id for asset in assets}
        scenes = []
        for scoped in rules:
            told = [a for a in around if a.id in chosen and self.binds(scoped, a)]
            seats = [self._placed(scoped, a, path_of, told=True) for a in told]
            beside = [
                self._placed(other, a, path_of, told=False)
                for a in around
                for other in (*others, scoped)
                if not (other is scoped and a.id in chosen) and self.binds(other, a)
            ]
            whole = Scene(placed, stood, tuple(seats + beside), len(path_of))
            scenes.append(whole if seats else None)
        subjects = tuple(self._subject(asset) for asset in assets)
        return Cast(subjects, tuple(point.series for point in points), tuple(scenes))

    def _subject(self, asset: inventory.AssetRow) -> Subject:
        code, name = self._names[asset.id]
        zone = self._sites[asset.site_id].time_zone
        return Subject(asset.id, asset.site_id, code, dict(name), asset.type, zone)

    def _placed(
        self, scoped: Scoped, asset: inventory.AssetRow, path_of: Mapping[UUID, int], *, told: bool
    ) -> PlacedRule:
        gateway = self._gateway_of.get(asset.id)
        path = path_of.get(gateway) if gateway is not None else None
        known = self._hours[asset.site_id]
        hours = {name: known[name] for name in scoped.rule.hours}
        others = self._others(scoped.rule, asset)
        local = zone(self._sites[asset.site_id].time_zone)
        return PlacedRule(scoped.rule, str(asset.id), path, told, hours, others, local)

    def _feeding(self, assets: Iterable[inventory.AssetRow]) -> dict[UUID, None]:
        """The devices that feed points of these assets."""
        return {
            point.device_id: None
            for asset in assets
            for point in self._points.get(asset.id, {}).values()
        }

    def _around(self, assets: Iterable[inventory.AssetRow]) -> dict[UUID, None]:
        """The devices that share a way with these assets."""
        found = self._feeding(assets)
        ways = {way for device in found for way in self.ways(device)}
        ways |= {self._gateway_of[asset.id] for asset in assets if asset.id in self._gateway_of}
        for device in self._devices:
            if ways.intersection(self.ways(device)):
                found[device] = None
        return found

    def _standing_around(self, devices: Sequence[UUID]) -> list[inventory.AssetRow]:
        known = {asset for device in devices for asset in self._assets_of(device)}
        return [asset for asset in self.assets if asset.id in known]
