"""The tree of places and assets with the health of each, in a constant number of queries."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from core.people import Caller, scoped
from core.places import Asset, Node, Space
from workflows.tickets import ENDED, PRIORITIES, Ticket
from workflows.tickets.scope import of_tickets

WORST = ("ok", *PRIORITIES)


class Standing(Protocol):
    """What stands on an asset, as `workflows.alarms.standing_by_asset` says it."""

    @property
    def worst(self) -> str:
        """The highest severity present now, or "ok"."""
        ...

    @property
    def alarms(self) -> int:
        """Alarms that are neither normal nor withheld."""
        ...

    @property
    def withheld(self) -> int:
        """Alarms that tell nobody."""
        ...


@dataclass(frozen=True, slots=True)
class Health:
    """How a place or a thing is, with everything below it.

    worst: "ok" or the highest severity present now. silent: assets that should have spoken.
    withheld: alarms that tell nobody.
    """

    worst: str = "ok"
    open_alarms: int = 0
    open_tickets: int = 0
    silent: int = 0
    withheld: int = 0

    def __add__(self, other: "Health") -> "Health":
        return Health(
            max(self.worst, other.worst, key=WORST.index),
            self.open_alarms + other.open_alarms,
            self.open_tickets + other.open_tickets,
            self.silent + other.silent,
            self.withheld + other.withheld,
        )


@dataclass(frozen=True, slots=True)
class AssetView:
    """An asset of the tree."""

    id: UUID
    site_id: UUID
    space_id: UUID | None
    type: str
    code: str
    name: Mapping[str, str]
    criticality: str
    health: Health


@dataclass(frozen=True, slots=True)
class SpaceView:
    """A space of the tree; its health includes everything below it."""

    id: UUID
    site_id: UUID
    parent_id: UUID | None
    kind: str
    code: str
    name: Mapping[str, str]
    health: Health


@dataclass(frozen=True, slots=True)
class NodeView:
    """Company, region or site; its health includes everything below it that the caller sees."""

    id: UUID
    parent_id: UUID | None
    kind: str
    code: str
    name: Mapping[str, str]
    path: str
    time_zone: str
    health: Health


@dataclass(frozen=True, slots=True)
class Tree:
    """The tree as three flat lists, parents by id; sorted by code within a parent."""

    nodes: tuple[NodeView, ...]
    spaces: tuple[SpaceView, ...]
    assets: tuple[AssetView, ...]


def tree(
    session: Session,
    caller: Caller,
    *,
    standing: Mapping[UUID, Standing],
    silent: Collection[UUID] = frozenset(),
    site_id: UUID | None = None,
) -> Tree:
    """The tree with health, in five queries.

    standing: of every asset with an open or withheld alarm (`workflows.alarms.standing_by_asset`).
    silent: assets that should have spoken (`silent_assets`). site_id: spaces and assets of this
    site only; the nodes are always all that the caller sees.
    """
    tickets_on_assets, tickets_elsewhere = _ticket_counts(session, caller)
    assets, below_site = [], dict[UUID, Health]()
    for row in session.execute(_asset_rows(caller)):
        own = standing.get(row.id)
        health = Health(
            own.worst if own else "ok",
            own.alarms if own else 0,
            tickets_on_assets.get(row.id, 0),
            int(row.id in silent),
            own.withheld if own else 0,
        )
        below_site[row.site_id] = below_site.get(row.site_id, Health()) + health
        if site_id is None or row.site_id == site_id:
            assets.append(AssetView(*row, health))
    for (site, _space), count in tickets_elsewhere.items():
        below_site[site] = below_site.get(site, Health()) + Health(open_tickets=count)
    return Tree(
        _nodes(session, caller, below_site),
        _spaces(session, caller, site_id, assets, tickets_elsewhere),
        tuple(assets),
    )


def _asset_rows(
    caller: Caller,
) -> Select[UUID, UUID, UUID | None, str, str, dict[str, str], str]:
    statement = select(
        Asset.id,
        Asset.site_id,
        Asset.space_id,
        Asset.type,
        Asset.code,
        Asset.name,
        Asset.criticality,
    ).order_by(Asset.code)
    return scoped(statement, Asset.site_id, caller, "places.read")


def _ticket_counts(
    session: Session, caller: Caller
) -> tuple[dict[UUID, int], dict[tuple[UUID, UUID | None], int]]:
    statement = (
        select(Ticket.site_id, Ticket.space_id, Ticket.asset_id, func.count(Ticket.id))
        .where(Ticket.state.not_in(ENDED))
        .group_by(Ticket.site_id, Ticket.space_id, Ticket.asset_id)
    )
    on_assets: dict[UUID, int] = {}
    elsewhere: dict[tuple[UUID, UUID | None], int] = {}
    for site, space, asset, count in session.execute(of_tickets(statement, caller)):
        if asset is not None:
            on_assets[asset] = on_assets.get(asset, 0) + count
        else:
            elsewhere[site, space] = elsewhere.get((site, space), 0) + count
    return on_assets, elsewhere


def _spaces(
    session: Session,
    caller: Caller,
    site_id: UUID | None,
    assets: Iterable[AssetView],
    tickets_elsewhere: Mapping[tuple[UUID, UUID | None], int],
) -> tuple[SpaceView, ...]:
    statement = select(
        Space.id, Space.site_id, Space.parent_id, Space.kind, Space.code, Space.name
    ).order_by(Space.code)
    if site_id is not None:
        statement = statement.where(Space.site_id == site_id)
    rows = session.execute(scoped(statement, Space.site_id, caller, "places.read")).all()
    parents = {row.id: row.parent_id for row in rows}
    health = {row.id: Health() for row in rows}
    for asset in assets:
        _add_upwards(health, parents, asset.space_id, asset.health)
    for (_site, space), count in tickets_elsewhere.items():
        _add_upwards(health, parents, space, Health(open_tickets=count))
    return tuple(SpaceView(*row, health[row.id]) for row in rows)


def _add_upwards(
    health: dict[UUID, Health],
    parents: Mapping[UUID, UUID | None],
    start: UUID | None,
    addition: Health,
) -> None:
    place, seen = start, set[UUID]()
    while place in health and place not in seen:
        seen.add(place)
        health[place] += addition
        place = parents[place]


def sites(session: Session, caller: Caller) -> list[NodeView]:
    """The sites that the caller sees, by their place in the tree, without their health."""
    return [node for node in _nodes(session, caller, {}) if node.kind == "site"]


def _nodes(
    session: Session, caller: Caller, below_site: Mapping[UUID, Health]
) -> tuple[NodeView, ...]:
    visible = caller.sites_for("places.read")
    rows = session.scalars(select(Node).order_by(Node.path)).all()
    sites = [row for row in rows if row.id in visible]
    paths = {site.path for site in sites}
    prefixes = {path[: end + 1] for path in paths for end, sign in enumerate(path) if sign == "/"}
    return tuple(
        NodeView(
            row.id,
            row.parent_id,
            row.kind,
            row.code,
            row.name,
            row.path,
            row.time_zone,
            sum(
                (below_site.get(s.id, Health()) for s in sites if s.path.startswith(row.path)),
                Health(),
            ),
        )
        for row in rows
        if row.path in prefixes
    )
