"""Importing a site file: created, updated in place by code, never deleted."""

from collections import Counter
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from core import events
from core.places import Node
from core.site_file.catalog import store_asset_types
from core.site_file.content import ContentWriter
from core.site_file.model import ImportReport, SiteFile
from core.site_file.tree import TreeWriter


def import_site(
    session: Session, site_file: SiteFile, *, actor: events.Actor, now: datetime
) -> ImportReport:
    """Bring the database to what `site_file` says, inside the caller's transaction.

    Importing the same file again changes nothing and appends no event. What the file does not
    list is kept and reported. Raises Invalid when the file belongs to another company.
    """
    tree = TreeWriter(session, actor, now)
    new_types, changed_types = store_asset_types(session, site_file.asset_types)
    _log_asset_types(session, new_types, changed_types, actor, now)
    sites = _write_tree(tree, site_file)
    created, changed, unchanged = tree.created, tree.changed, tree.unchanged
    _count(created, "asset_type", len(new_types))
    _count(changed, "asset_type", len(changed_types))
    catalog_changed = bool(new_types or changed_types)
    missing: list[str] = []
    retired: list[str] = []
    for entry in site_file.sites:
        site = sites[entry.code]
        content = ContentWriter(session, site, entry, actor, now)
        content.write()
        if content.created or content.changed or catalog_changed:
            _log_site(session, site, content, actor, now)
        created += content.created
        changed += content.changed
        unchanged += content.unchanged
        missing += content.missing
        retired += content.retired
    ids = {code: node.id for code, node in sites.items()}
    # Bulk statements went past the objects that the session may hold.
    session.flush()
    session.expire_all()
    return ImportReport(
        dict(created),
        dict(changed),
        dict(unchanged),
        tuple(missing),
        tuple(retired),
        ids,
        tuple(tree.moved),
    )


def _write_tree(tree: TreeWriter, site_file: SiteFile) -> dict[str, Node]:
    company = tree.company(site_file.company)
    regions = {entry.code: tree.region(entry, company) for entry in site_file.regions}
    return {
        entry.code: tree.site(entry, regions[entry.region] if entry.region else company)
        for entry in site_file.sites
    }


def _count(counter: Counter[str], kind: str, number: int) -> None:
    if number:
        counter[kind] += number


def _log_asset_types(
    session: Session, new: list[str], changed: list[str], actor: events.Actor, now: datetime
) -> None:
    for verb, codes in (("create", new), ("update", changed)):
        for code in codes:
            subject = ("asset_type", code)
            events.append(session, f"asset_type.{verb}", subject, actor=actor, learned_at=now)


def _log_site(
    session: Session, site: Node, content: ContentWriter, actor: events.Actor, now: datetime
) -> None:
    facts: dict[str, Any] = {
        "created": dict(content.created),
        "changed": dict(content.changed),
        "missing": len(content.missing),
    }
    events.append(
        session,
        "site.import",
        ("site", site.id),
        actor=actor,
        learned_at=now,
        site_id=site.id,
        after=facts,
    )
