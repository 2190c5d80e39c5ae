"""Other assets that rules ask about, with the points that ingest has of them."""

from collections.abc import Iterable, Mapping
from uuid import UUID

from core.branches import Branches
from core.db import Session
from ingest.registry.model import NOBODY, OtherAsset, PointState
from rules.engine import NO_OTHERS, Instance, Member, Others
from rules.members import takes_part
from rules.rule import Rule


class Neighbours:
    """Who is asked at each asset; the trees are read only where a rule asks anybody."""

    def __init__(
        self,
        session: Session,
        sites: Iterable[UUID],
        rules: Iterable[Rule],
        by_asset: Mapping[UUID, Mapping[str, PointState]],
    ) -> None:
        asked = any(rule.groups for rule in rules)
        self._branches = Branches(session, sites) if asked else None
        self._by_asset = by_asset
        self._known: dict[str, OtherAsset] = {}

    def of(self, asset_id: UUID, rule: Rule) -> Others:
        """The members of each branch that a rule asks about, without those that have no say."""
        if self._branches is None or not rule.groups:
            return NO_OTHERS
        found = {}
        for branch in dict.fromkeys(group.branch for group in rule.groups):
            members = [
                Member(str(each.id), each.code, self._by_asset.get(each.id, NOBODY))
                for each in self._branches.members(asset_id, branch)
            ]
            asking = [group for group in rule.groups if group.branch == branch]
            taking = [m for m in members if any(takes_part(each, m.slots) for each in asking)]
            if taking:
                found[branch] = taking
        return found

    def known(self, others: Others) -> Mapping[str, OtherAsset]:
        """What those are that are asked, by their codes."""
        if not others:
            return NOBODY
        return {
            member.name: self._what(member.asset_id)
            for members in others.values()
            for member in members
        }

    def _what(self, asset_id: str) -> OtherAsset:
        if asset_id not in self._known:
            assert self._branches is not None
            asset = self._branches.standing(UUID(asset_id))
            self._known[asset_id] = OtherAsset(asset.type, asset.name)
        return self._known[asset_id]


def members_of(instance: Instance) -> Mapping[str, PointState]:
    """The points of others that an instance looks at."""
    if instance.members is None:
        return NOBODY
    own = instance.slots.keys()
    watched = instance.members.watched.items()
    return {key: slot for key, slot in watched if key not in own and isinstance(slot, PointState)}
