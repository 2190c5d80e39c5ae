"""What somebody in a control room looks at: a site, and one of its spaces or the whole of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from uuid import UUID

from core.places import is_within
from web.pages.live import Measured, measure, visible_sites
from web.visit import Visit
from workflows import alarms, overview
from workflows.overview import AssetView, NodeView, SpaceView, Tree

# Whoever may acknowledge alarms may sit in a control room, and hears those of these sites.
ACT = "alarms.act"


@dataclass(frozen=True)
class Room:
    """The view of one reader. space: what they chose, None for the site as a whole."""

    visit: Visit
    sites: Sequence[NodeView]
    site: NodeView
    wanted: str

    @cached_property
    def measured(self) -> Measured:
        """The last values of the site, and who should have spoken."""
        return measure(self.visit, self.site.id)

    @cached_property
    def tree(self) -> Tree:
        """Everything on the site, with health."""
        with self.visit.parts.database.read() as session:
            return overview.tree(
                session,
                self.visit.caller,
                standing=alarms.standing_by_asset(session, self.visit.caller),
                silent=self.measured.silent,
                site_id=self.site.id,
            )

    @cached_property
    def spaces(self) -> dict[UUID, SpaceView]:
        """The spaces of the site by their id."""
        return {space.id: space for space in self.tree.spaces}

    @cached_property
    def space(self) -> SpaceView | None:
        """The space that was chosen; a code that no space has chooses none."""
        return next((space for space in self.tree.spaces if space.code == self.wanted), None)

    @cached_property
    def path(self) -> list[SpaceView]:
        """The chosen space and those around it, the outermost first."""
        found: list[SpaceView] = []
        space = self.space
        while space is not None and space not in found:
            found.insert(0, space)
            space = self.spaces.get(space.parent_id) if space.parent_id else None
        return found

    def assets(self) -> list[AssetView]:
        """What stands in the chosen space and below it, in the order of the tree."""
        if self.space is None:
            return list(self.tree.assets)
        parents = {space.id: space.parent_id for space in self.tree.spaces}
        top = self.space.id
        return [asset for asset in self.tree.assets if is_within(asset.space_id, top, parents)]


def sites_answered_for(visit: Visit) -> list[NodeView]:
    """The sites whose alarms the reader may act on."""
    return [site for site in visible_sites(visit) if visit.may(ACT, site.id)]


def enter(visit: Visit, sites: Sequence[NodeView], site: NodeView, space: str) -> Room:
    """The room of a reader who looks at a site. space: the code of the chosen one, or nothing."""
    return Room(visit.at(site.time_zone), sites, site, space)
