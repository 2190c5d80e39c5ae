"""The catalogue of an installation: the shipped asset types with what site files add to them."""

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.places import AssetTypeRow
from rules import catalog as shipped
from rules.catalog import Catalog


def load_catalog(session: Session) -> Catalog:
    """Every asset type that assets and rules of this installation may use."""
    rows = session.scalars(select(AssetTypeRow).order_by(AssetTypeRow.code)).all()
    if not rows:
        return shipped.shipped_catalog()
    # JSON is YAML, so what was stored goes through the same checks as the file that it came from.
    return _with(json.dumps({row.code: row.document for row in rows}, ensure_ascii=False))


@lru_cache(maxsize=4)
def _with(text: str) -> Catalog:
    """The shipped catalogue with additions; the same object for the same text, since whoever
    follows the installation asks at each change of anything."""
    return shipped.merge(shipped.shipped_catalog(), shipped.load_catalog(text, "asset types"))


def store_asset_types(
    session: Session, additions: Mapping[str, Mapping[str, Any]]
) -> tuple[list[str], list[str]]:
    """Keep a file's asset types; returns the codes that are new and those that changed.

    What an earlier file added stays: points are joined, a newer definition of one wins.
    """
    created, changed = [], []
    for code, addition in additions.items():
        row = session.get(AssetTypeRow, code)
        if row is None:
            session.add(AssetTypeRow(code=code, document=dict(addition)))
            created.append(code)
            continue
        points = {**(row.document.get("points") or {}), **(addition.get("points") or {})}
        document = {**row.document, **addition, "points": points}
        if document != {"points": {}, **row.document}:
            row.document = document
            changed.append(code)
    session.flush()
    return created, changed
