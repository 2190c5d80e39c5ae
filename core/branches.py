"""Who stands on a branch of a site's trees, as rules about many assets name it.

See `rules.expression.Branch` for the relations.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.places import Asset, Space, Supply
from rules.expression import Branch


class Standing(NamedTuple):
    """An asset, where it stands, and what it is called."""

    id: UUID
    site_id: UUID
    space_id: UUID | None
    type: str
    code: str
    name: dict[str, str]


# Of each medium, who is next to whom.
_Flows = Mapping[str, Mapping[UUID, list[UUID]]]


class Branches:
    """The trees of some sites, read at once."""

    def __init__(self, session: Session, sites: Iterable[UUID]) -> None:
        wanted = list(sites)
        rows = select(Asset.id, Asset.site_id, Asset.space_id, Asset.type, Asset.code, Asset.name)
        assets = session.execute(rows.where(Asset.site_id.in_(wanted)).order_by(Asset.code))
        self._assets = {row.id: Standing._make(row) for row in assets}
        self._by_type: dict[tuple[UUID, str], list[Standing]] = defaultdict(list)
        for each in self._assets.values():
            self._by_type[each.site_id, each.type].append(each)
        spaces = select(Space.id, Space.parent_id, Space.kind).where(Space.site_id.in_(wanted))
        self._spaces = {space: (up, kind) for space, up, kind in session.execute(spaces)}
        self._above, self._below = _flows(session, wanted)

    def standing(self, asset_id: UUID) -> Standing:
        """An asset of these sites."""
        return self._assets[asset_id]

    def members(self, asset_id: UUID, branch: Branch) -> list[Standing]:
        """The assets of a branch, by code; none where the asset has no such branch."""
        asset = self._assets[asset_id]
        of_type = self._by_type.get((asset.site_id, branch.asset_type), [])
        if branch.relation in ("below", "above"):
            flows = self._below if branch.relation == "below" else self._above
            near = {one for flow in flows.values() for one in _along(asset_id, flow)}
            return [each for each in of_type if each.id in near]
        if branch.relation == "in site":
            return list(of_type)
        top = self._space_around(asset, branch.relation.removeprefix("in "))
        if top is None:
            return []
        return [each for each in of_type if top in self._spaces_of(each)]

    def _space_around(self, asset: Standing, kind: str) -> UUID | None:
        spaces = list(self._spaces_of(asset))
        if kind == "space":
            return next(iter(spaces), None)
        return next((each for each in spaces if self._spaces[each][1] == kind), None)

    def _spaces_of(self, asset: Standing) -> Iterator[UUID]:
        """The space of an asset and those around it, from the inside out."""
        seen = set[UUID]()
        space = asset.space_id
        while space is not None and space in self._spaces and space not in seen:
            seen.add(space)
            yield space
            space = self._spaces[space][0]


def _flows(session: Session, sites: list[UUID]) -> tuple[_Flows, _Flows]:
    above: dict[str, dict[UUID, list[UUID]]] = defaultdict(lambda: defaultdict(list))
    below: dict[str, dict[UUID, list[UUID]]] = defaultdict(lambda: defaultdict(list))
    rows = select(Supply.medium, Supply.supplier_id, Supply.consumer_id)
    for medium, supplier, consumer in session.execute(rows.where(Supply.site_id.in_(sites))):
        above[medium][consumer].append(supplier)
        below[medium][supplier].append(consumer)
    return above, below


def _along(asset_id: UUID, flow: Mapping[UUID, list[UUID]]) -> set[UUID]:
    """Everything in one direction of a flow, without the asset itself."""
    found = set[UUID]()
    fresh = [asset_id]
    while fresh:
        fresh = [one for each in fresh for one in flow.get(each, ()) if one not in found]
        found.update(fresh)
    return found - {asset_id}
