"""Which version of a rule holds where, and what a draft would take the place of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.errors import NotFound
from core.inventory import node_paths
from core.people import Caller, find_node
from core.places import Node
from core.rulebook import RuleVersion, places_kept_below, places_nearer
from core.rulebook_drafts import find_draft
from core.rulebook_reading import describe_rule
from rules.catalog import AssetType
from rules.document import load_rules
from rules.rule import Rule
from rules.wording import worded
from workflows.laboratory.scenes import Scoped


@dataclass(frozen=True, slots=True)
class Tried:
    """A document that somebody wants tried, and the node on which it is kept.

    version: its number, if it is one.
    """

    rule_id: str
    document: str
    node_id: UUID | None
    version: int | None = None
    draft_id: UUID | None = None


def version_asked(
    session: Session, caller: Caller, rule_id: str, version: int | None, site: Node | None = None
) -> Tried:
    """A version by its number; else the one in force, at a site if there is one, or the widest.

    NotFound where the caller may not read it, and where nothing is in force.
    """
    rows = describe_rule(session, caller, rule_id)["versions"]
    if version is not None:
        wanted = [row for row in rows if row["version"] == version]
        if not wanted:
            raise NotFound(
                worded("there is no such version"), advice=worded("Look for it among its versions.")
            )
    else:
        paths = node_paths(session)
        wanted = [row for row in rows if row["active"]]
        if site is not None:
            wanted = [row for row in wanted if site.path.startswith(paths[row["node_id"]])]
        # At a site the nearest holds; of the whole rule the widest is meant.
        wanted.sort(key=lambda row: len(paths[row["node_id"]]), reverse=site is not None)
        if not wanted:
            raise NotFound(
                worded("no rule %(rule_id)s is in force", rule_id=repr(rule_id)),
                advice=worded("Give its document."),
            )
    found = wanted[0]
    return Tried(rule_id, found["document"], found["node_id"], found["version"])


def draft_asked(session: Session, caller: Caller, draft_id: UUID) -> Tried:
    """A draft as it was saved last. NotFound where the caller may not read it."""
    draft = find_draft(session, caller, draft_id)
    return Tried(draft.rule_id, draft.document, draft.node_id, draft_id=draft.id)


def places(
    session: Session,
    caller: Caller,
    permission: str,
    rule: Rule,
    node_id: UUID | None,
    catalog: Mapping[str, AssetType],
) -> list[Scoped]:
    """Where a draft would hold, and after it each version in force there that says otherwise.

    On a node it takes the place of what holds there, except below where a version of its own is
    kept; without one it takes the place of every version in force, or holds in the whole company.
    """
    if node_id is not None:
        find_node(session, caller, permission, node_id)
    statement = select(RuleVersion).where(RuleVersion.rule_id == rule.id, RuleVersion.active)
    versions = session.scalars(statement.order_by(RuleVersion.version)).all()
    paths = node_paths(session)
    nearer = places_nearer(versions, paths)
    if node_id is None:
        # Every path begins with the empty one.
        draft = Scoped(rule, tuple(paths[each.node_id] for each in versions) or ("",))
        held = [(each, (paths[each.node_id],), nearer[each.id]) for each in versions]
    else:
        path = paths[node_id]
        below = places_kept_below(versions, paths, rule.id, path)
        draft = Scoped(rule, (path,), below)
        above = [each for each in versions if path.startswith(paths[each.node_id])]
        nearest = sorted(above, key=lambda each: len(paths[each.node_id]))[-1:]
        held = [(each, (path,), below) for each in nearest]
    if all(version.fingerprint == rule.fingerprint for version, _, _ in held):
        return [draft]
    return [draft, *_read(held, catalog)]


def _read(
    held: Sequence[tuple[RuleVersion, tuple[str, ...], tuple[str, ...]]],
    catalog: Mapping[str, AssetType],
) -> list[Scoped]:
    found = []
    for version, where, nearer in held:
        loaded = load_rules(version.document, version.rule_id, catalog).rules
        found += [Scoped(each, where, nearer) for each in loaded[:1]]
    return found
