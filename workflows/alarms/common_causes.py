"""What could be behind an alarm: what supplies its asset, where it is, through what it speaks."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import cached_property
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.devices import Device, Point
from core.places import Asset, Space, Supply, is_within

# (supply, asset), (gateway, asset) or (space, space).
Root = tuple[str, UUID]
# What flows: alarms of these families follow what is supplied with it.
_FLOWS = ("power", "water")
# What spreads: alarms of these families in one building may have one cause.
_SPREADS = ("water", "smoke")
_KEPT_AS = "alarms.causes"


class Causes:
    """The trees of one site, each read when it is first asked for.

    Whole, for in a flood every alarm asks; kept with the session, so for one transaction.
    """

    def __init__(self, session: Session, site_id: UUID) -> None:
        self._session = session
        self._site_id = site_id
        self._known: dict[tuple[str, UUID], tuple[Root, ...]] = {}

    def roots(self, family: str, asset_id: UUID) -> tuple[Root, ...]:
        """What an alarm of this family on an asset may come from, the nearest first.

        power, water: the asset itself and whatever supplies it with that. water, smoke: its
        building, or the outermost space that it is in. network: the gateways on its way.
        """
        key = (family, asset_id)
        if key not in self._known:
            self._known[key] = tuple(self._roots(family, asset_id))
        return self._known[key]

    def suppliers(self, asset_id: UUID) -> list[UUID]:
        """Every asset that feeds an asset, with whatever, one medium all the way; nearest first."""
        found = [one for feeds in self._supplies.values() for one in _up(asset_id, feeds)]
        return list(dict.fromkeys(found))

    def carries(self, asset_id: UUID) -> bool:
        """Whether an asset supplies others, or others speak through it."""
        supplies = any(asset_id in up for feeds in self._supplies.values() for up in feeds.values())
        return supplies or asset_id in self._stand_for_ways

    def is_around(self, asset_id: UUID, other_id: UUID) -> bool:
        """Whether the other asset is in the space of the first, or in a space within it."""
        space = self._space_of.get(asset_id)
        parents = {one: up for one, (up, _) in self._spaces.items()}
        return space is not None and is_within(self._space_of.get(other_id), space, parents)

    def _roots(self, family: str, asset_id: UUID) -> Iterable[Root]:
        if family in _FLOWS:
            feeds = self._supplies.get(family, {})
            yield from (("supply", one) for one in (asset_id, *_up(asset_id, feeds)))
        if family == "network":
            yield from (("gateway", one) for one in self._ways.get(asset_id, ()))
        if family in _SPREADS:
            yield from (("space", one) for one in self._building(asset_id))

    @cached_property
    def _supplies(self) -> Mapping[str, Mapping[UUID, list[UUID]]]:
        """Of each medium, who supplies whom, by consumer."""
        found: dict[str, dict[UUID, list[UUID]]] = defaultdict(lambda: defaultdict(list))
        statement = select(Supply.medium, Supply.consumer_id, Supply.supplier_id).where(
            Supply.site_id == self._site_id
        )
        for medium, consumer, supplier in self._session.execute(
            statement.order_by(Supply.supplier_id)
        ):
            found[medium][consumer].append(supplier)
        return {medium: dict(feeds) for medium, feeds in sorted(found.items())}

    def _building(self, asset_id: UUID) -> list[UUID]:
        chain: list[UUID] = []
        space = self._space_of.get(asset_id)
        while space is not None and space not in chain and space in self._spaces:
            chain.append(space)
            space = self._spaces[space][0]
        buildings = [one for one in chain if self._spaces[one][1] == "building"]
        return (buildings or chain)[-1:]

    @cached_property
    def _space_of(self) -> Mapping[UUID, UUID | None]:
        statement = select(Asset.id, Asset.space_id).where(Asset.site_id == self._site_id)
        return {asset: space for asset, space in self._session.execute(statement)}

    @cached_property
    def _spaces(self) -> Mapping[UUID, tuple[UUID | None, str]]:
        statement = select(Space.id, Space.parent_id, Space.kind).where(
            Space.site_id == self._site_id
        )
        return {space: (up, kind) for space, up, kind in self._session.execute(statement)}

    @cached_property
    def _devices(self) -> Mapping[UUID, tuple[UUID | None, UUID | None]]:
        """Of each device the gateway that it speaks through, and the asset it stands for."""
        statement = select(Device.id, Device.path_id, Device.asset_id).where(
            Device.site_id == self._site_id
        )
        return {device: (path, asset) for device, path, asset in self._session.execute(statement)}

    @cached_property
    def _stand_for_ways(self) -> frozenset[UUID]:
        ways = {path for path, _ in self._devices.values() if path is not None}
        assets = (self._devices[one][1] for one in ways if one in self._devices)
        return frozenset(asset for asset in assets if asset is not None)

    @cached_property
    def _ways(self) -> Mapping[UUID, list[UUID]]:
        """The gateways' assets on the way of each asset, itself among them if it is one."""
        speaks = [(device, asset) for device, (_, asset) in self._devices.items() if asset]
        points = select(Point.device_id, Point.asset_id).where(Point.site_id == self._site_id)
        speaks += [(device, asset) for device, asset in self._session.execute(points.distinct())]
        found: dict[UUID, list[UUID]] = defaultdict(list)
        for device, asset in speaks:
            own = [asset] if asset in self._stand_for_ways else []
            way = [*own, *self._up_from(device)]
            found[asset] += [one for one in dict.fromkeys(way) if one not in found[asset]]
        return found

    def _up_from(self, device: UUID) -> Iterable[UUID]:
        seen = set[UUID]()
        way = self._devices.get(device, (None, None))[0]
        while way is not None and way in self._devices and way not in seen:
            seen.add(way)
            way, asset = self._devices[way]
            if asset is not None:
                yield asset


def causes_at(session: Session, site_id: UUID) -> Causes:
    """The trees of a site, as this session has read them."""
    kept: dict[UUID, Causes] = session.info.setdefault(_KEPT_AS, {})
    if site_id not in kept:
        kept[site_id] = Causes(session, site_id)
    return kept[site_id]


def _up(asset_id: UUID, feeds: Mapping[UUID, list[UUID]]) -> list[UUID]:
    """Everything above an asset, level by level."""
    found: dict[UUID, None] = {}
    fresh = [asset_id]
    while fresh:
        level = [one for each in fresh for one in feeds.get(each, ())]
        fresh = [one for one in dict.fromkeys(level) if one not in found and one != asset_id]
        found |= dict.fromkeys(fresh)
    return list(found)
