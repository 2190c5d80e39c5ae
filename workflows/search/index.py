"""Places and equipment as the search looks through them, kept in memory and followed."""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.db import Database
from core.places import Asset, Node, Space
from workflows.search.followed import Followed
from workflows.search.residents import ResidentIndex
from workflows.search.spelling import Spelling

CHANGES = ("site.", "node.", "space.", "asset.")


@dataclass(frozen=True, slots=True)
class Place:
    """A site, a space or an asset. kind: site, space or asset. within: what it is part of."""

    kind: str
    id: UUID
    site_id: UUID
    code: str
    name: Mapping[str, str]
    within: tuple[Mapping[str, str], ...]
    spelling: Spelling


class PlaceIndex:
    """Every place of the company; made again when the event log says that one changed.

    Thread-safe. Ten thousand places take some ten milliseconds to read and about as long to
    look through, so no index on disk is kept in step with the tables. residents: who is at home in
    them.
    """

    def __init__(self, database: Database) -> None:
        self.residents = ResidentIndex(database)
        self._followed = Followed[Sequence[Place]](
            database, CHANGES, lambda session: tuple(read_places(session)), ()
        )

    def warm_up(self, stopping: threading.Event) -> None:
        """Read everything before the first search asks; see `ResidentIndex.warm_up`."""
        self.places()
        self.residents.warm_up(stopping)

    def places(self) -> Sequence[Place]:
        """The places as of now."""
        return self._followed.now()


def read_places(session: Session) -> list[Place]:
    """Every site, space and asset, with the names of what each is part of."""
    sites = {node.id: node for node in session.scalars(select(Node).where(Node.kind == "site"))}
    spaces = {space.id: space for space in session.scalars(select(Space))}
    found = [_place("site", site.id, site.id, site.code, site.name, ()) for site in sites.values()]
    for space in spaces.values():
        above = _above(space.parent_id, spaces, sites[space.site_id])
        found.append(_place("space", space.id, space.site_id, space.code, space.name, above))
    for asset in session.scalars(select(Asset)):
        above = _above(asset.space_id, spaces, sites[asset.site_id])
        found.append(_place("asset", asset.id, asset.site_id, asset.code, asset.name, above))
    return found


def _above(
    space_id: UUID | None, spaces: Mapping[UUID, Space], site: Node
) -> tuple[Mapping[str, str], ...]:
    names: list[Mapping[str, str]] = []
    seen = set[UUID]()
    while space_id is not None and space_id in spaces and space_id not in seen:
        seen.add(space_id)
        names.append(spaces[space_id].name)
        space_id = spaces[space_id].parent_id
    return (site.name, *reversed(names))


def _place(
    kind: str,
    place_id: UUID,
    site_id: UUID,
    code: str,
    name: Mapping[str, str],
    within: tuple[Mapping[str, str], ...],
) -> Place:
    # The numbers of a unit are those of the spaces it is in; the site's name has other ones.
    path = tuple(next(iter(each.values()), "") for each in within[1:])
    spelling = Spelling.of(*name.values(), code, within=path)
    return Place(kind, place_id, site_id, code, dict(name), within, spelling)
