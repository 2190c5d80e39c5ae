"""Where a rule can tell nothing: who is on a branch, and which points there are, is known here."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.branches import Branches
from core.clock import MICROS
from core.devices import Device, Point
from core.people import on_sites
from core.places import Asset, Node
from rules.catalog import ANY, TOLD
from rules.expression import Group
from rules.expression.pruning import prune
from rules.members import takes_part
from rules.rule import Rule
from rules.sampling import asked_as
from rules.wording import Message, worded

# So many assets are named; of the others the number is told.
_NAMED = 3


def unasked(session: Session, rule: Rule, node_id: UUID) -> tuple[list[str], int]:
    """Codes of the rule's assets below a node at which nothing can ever be told, since nobody is
    there to be asked; and how many such assets there are in all."""
    if not rule.groups:
        return [], 0
    assets = _assets(session, rule, node_id)
    branches = Branches(session, {site for _, _, site in assets})
    points = _points(session, rule)
    lacking = []
    for asset_id, code, _ in assets:
        absent = [g for g in rule.groups if not _asked(branches, points, asset_id, g)]
        if absent and prune(rule.when.root, absent) is None:
            lacking.append(code)
    return lacking, len(assets)


def asked_intervals(session: Session, rule: Rule, node_id: UUID) -> dict[str, dict[str, int]]:
    """By code of each asset of the rule below a node, how often those are heard that it asks about
    there: µs by `rules.sampling.asked_as`, of several the shortest."""
    if not rule.groups:
        return {}
    assets = _assets(session, rule, node_id)
    branches = Branches(session, {site for _, _, site in assets})
    points = _points(session, rule)
    found: dict[str, dict[str, int]] = defaultdict(dict)
    for asset_id, code, _ in assets:
        for group in rule.groups:
            for member in branches.members(asset_id, group.branch):
                for point in group.points:
                    interval = points.get(member.id, {}).get(point.code)
                    if interval:
                        name = asked_as(group, point.code)
                        found[code][name] = min(interval, found[code].get(name, interval))
    return found


@dataclass(frozen=True, slots=True)
class Unwatched:
    """An asset at which a rule can never tell anything.

    lacks: codes of its own points that the rule needs and it doesn't have. questions: what there
    is nobody to be asked, as they are written.
    """

    id: UUID
    code: str
    name: Mapping[str, str]
    lacks: tuple[str, ...]
    questions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Watched:
    """Where a rule watches nothing, of how many assets that it is about."""

    nothing: tuple[Unwatched, ...]
    assets: int


def watched(
    session: Session,
    rule: Rule,
    node_id: UUID,
    sites: Collection[UUID],
    nearer: Collection[str] = (),
) -> Watched:
    """Where a rule that holds on a node would watch nothing, on these sites.

    nearer: paths of places below it on which another version is kept. A rule for any asset type,
    or on the silence of any point, watches whatever is there.
    """
    if rule.asset_type == ANY or rule.watches_every_point or rule.when.watches_path:
        return Watched((), 0)
    top = session.get_one(Node, node_id).path
    statement = (
        select(Asset.id, Asset.code, Asset.name, Asset.site_id)
        .join(Node, Node.id == Asset.site_id)
        .where(Asset.type == rule.asset_type, Node.path.startswith(top, autoescape=True))
        .order_by(Asset.code)
    )
    for path in nearer:
        statement = statement.where(~Node.path.startswith(path, autoescape=True))
    rows = session.execute(on_sites(statement, Asset.site_id, frozenset(sites))).all()
    branches = Branches(session, {row.site_id for row in rows} if rule.groups else ())
    points = _points(session, rule)
    found = []
    for row in rows:
        own = points.get(row.id, {}).keys() | TOLD.keys()
        lacks = [n for n, point in enumerate(rule.when.points) if point.code not in own]
        asked = [g for g in rule.when.groups if not _asked(branches, points, row.id, g)]
        if prune(rule.when.root, [*lacks, *asked]) is None:
            codes = tuple(rule.when.points[number].code for number in lacks)
            questions = tuple(group.text for group in asked)
            found.append(Unwatched(row.id, row.code, dict(row.name), codes, questions))
    return Watched(tuple(found), len(rows))


def nobody_asked(rule: Rule, lacking: Sequence[str]) -> Message:
    """What to do about it, in words."""
    questions = ", ".join(dict.fromkeys(group.text for group in rule.groups))
    return worded(
        "there is nobody to ask (%(questions)s) at %(assets)s, so the rule watches nothing there;"
        " complete the spaces, supplies and devices of the site file, or ask another branch",
        questions=questions,
        assets=listed(lacking),
    )


def listed(codes: Sequence[str]) -> Message:
    """The first of them, and how many more there are."""
    named, rest = ", ".join(codes[:_NAMED]), len(codes) - _NAMED
    if rest <= 0:
        return Message(named)
    return worded("%(assets)s and %(more)s more", assets=named, more=rest)


def _assets(session: Session, rule: Rule, node_id: UUID) -> list[tuple[UUID, str, UUID]]:
    top = select(Node.path).where(Node.id == node_id).scalar_subquery()
    statement = (
        select(Asset.id, Asset.code, Asset.site_id)
        .join(Node, Node.id == Asset.site_id)
        .where(
            Asset.type == rule.asset_type,
            func.substr(Node.path, 1, func.length(top)) == top,
        )
        .order_by(Asset.code)
    )
    return [(asset, code, site) for asset, code, site in session.execute(statement)]


def _points(session: Session, rule: Rule) -> dict[UUID, dict[str, int]]:
    """The points of every asset that could be asked, with their expected interval in µs, or 0."""
    statement = (
        select(Point.asset_id, Point.code, Point.expected_interval)
        .join(Asset, Asset.id == Point.asset_id)
        .join(Device, Device.id == Point.device_id)
        .where(
            Asset.type.in_({rule.asset_type, *(each.branch.asset_type for each in rule.groups)}),
            Device.state == "active",
        )
    )
    found: dict[UUID, dict[str, int]] = defaultdict(dict)
    for asset, code, seconds in session.execute(statement):
        found[asset][code] = int((seconds or 0) * MICROS)
    return found


def _asked(
    branches: Branches, points: dict[UUID, dict[str, int]], asset_id: UUID, group: Group
) -> bool:
    members = branches.members(asset_id, group.branch)
    return any(each.id in points and takes_part(group, points[each.id]) for each in members)
