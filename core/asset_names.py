"""Other assets that a reason names by their codes: what people call them."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.places import Asset
from rules.members import named_in

# By code, as evidence keeps it: the type of an asset, and its name in each language.
Assets = Mapping[str, Mapping[str, Any]]


def assets_named(
    session: Session, said: Iterable[tuple[UUID, str | None]]
) -> Mapping[UUID, Assets]:
    """What is known of the assets that some reasons name, by site. said: (site, reason).

    Whoever may read a reason may read these names, which are of the same site. Nothing is asked
    of the database where no reason names any.
    """
    wanted: dict[UUID, set[str]] = defaultdict(set)
    for site_id, reason in said:
        wanted[site_id].update(named_in(reason or ""))
    codes = set[str]().union(*wanted.values())
    found: dict[UUID, dict[str, Mapping[str, Any]]] = {site_id: {} for site_id in wanted}
    if not codes:
        return found
    statement = select(Asset.site_id, Asset.code, Asset.type, Asset.name).where(
        Asset.site_id.in_(wanted), Asset.code.in_(codes)
    )
    for site_id, code, kind, name in session.execute(statement):
        if code in wanted[site_id]:
            found[site_id][code] = {"type": kind, "name": dict(name)}
    return found


def assets_of_types(
    session: Session, sites: Collection[UUID], types: Collection[str]
) -> Mapping[UUID, Assets]:
    """What is known of all assets of some types, by site; with their `id`."""
    found: dict[UUID, dict[str, Mapping[str, Any]]] = {site_id: {} for site_id in sites}
    if not types:
        return found
    statement = select(Asset.site_id, Asset.id, Asset.code, Asset.type, Asset.name).where(
        Asset.site_id.in_(sites), Asset.type.in_(types)
    )
    for site_id, asset_id, code, kind, name in session.execute(statement):
        found[site_id][code] = {"id": str(asset_id), "type": kind, "name": dict(name)}
    return found


def those_named(known: Assets, reasons: Iterable[str]) -> Assets:
    """Of what is known, only that of the assets that some reasons name."""
    codes = dict.fromkeys(code for reason in reasons for code in named_in(reason))
    return {code: known[code] for code in codes if code in known}


def name_assets(session: Session, items: Iterable[dict[str, Any]]) -> None:
    """Put `assets` beside the `reason` of each; they have a `site_id` too."""
    rows = list(items)
    named = assets_named(session, ((item["site_id"], item["reason"]) for item in rows))
    for item in rows:
        item["assets"] = those_named(named[item["site_id"]], [item["reason"] or ""])
