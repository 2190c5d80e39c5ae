"""Creating and changing assets."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import events
from core.administration.changing import apply, log, name_problems, not_editable, refuse
from core.codes import CODE
from core.devices import Point
from core.ids import new_id
from core.places import CRITICALITIES, Asset, Space
from core.site_file import load_catalog
from rules.catalog import Catalog
from rules.located_yaml import nearest
from rules.wording import worded

EDITABLE = ("name", "type", "space_id", "criticality")


@dataclass(frozen=True, slots=True)
class NewAsset:
    """An asset to be. name: {"en": …, "zh": …}; type: a code of the catalogue."""

    code: str
    type: str
    name: Mapping[str, str]
    space_id: UUID | None = None
    criticality: str = "medium"
    id: UUID | None = None


def asset_problems(session: Session, site_id: UUID, new: NewAsset) -> list[str]:
    """Everything that keeps `new` from becoming an asset of the site."""
    problems = []
    if not CODE.fullmatch(new.code):
        problems.append(worded("code: letters, digits, _ . and -, at most 60"))
    elif session.scalar(select(Asset.id).where(Asset.site_id == site_id, Asset.code == new.code)):
        problems.append(
            worded("code: there is an asset %(code)s on this site already", code=repr(new.code))
        )
    return problems + _field_problems(
        session,
        site_id,
        {
            "name": new.name,
            "type": new.type,
            "space_id": new.space_id,
            "criticality": new.criticality,
        },
    )


def _field_problems(session: Session, site_id: UUID, fields: Mapping[str, Any]) -> list[str]:
    problems = []
    if "name" in fields:
        problems += name_problems(fields["name"])
    if "type" in fields:
        problems += _type_problems(load_catalog(session), fields["type"])
    if fields.get("space_id") is not None:
        space = session.get(Space, fields["space_id"])
        if space is None or space.site_id != site_id:
            problems.append(worded("space_id: there is no such space on this site"))
    if fields.get("criticality", "medium") not in CRITICALITIES:
        problems.append(worded("criticality: one of %(known)s", known=", ".join(CRITICALITIES)))
    return problems


def _type_problems(catalog: Catalog, code: Any) -> list[str]:
    if code in catalog:
        return []
    return [
        worded(
            "type: unknown asset type %(code)s%(hint)s",
            code=repr(code),
            hint=nearest(str(code), list(catalog)),
        )
    ]


def create_asset(
    session: Session, site_id: UUID, new: NewAsset, *, actor: events.Actor, now: datetime
) -> Asset:
    """Create an asset on a site. Raises Invalid with every problem."""
    refuse(worded("the asset"), asset_problems(session, site_id, new))
    asset = Asset(
        id=new.id or new_id(),
        site_id=site_id,
        code=new.code,
        type=new.type,
        name=dict(new.name),
        space_id=new.space_id,
        criticality=new.criticality,
    )
    session.add(asset)
    after = {"code": new.code, "type": new.type, "criticality": new.criticality}
    log(session, "asset.create", asset, actor=actor, now=now, after=after)
    return asset


def update_asset(
    session: Session,
    asset: Asset,
    changes: Mapping[str, Any],
    *,
    actor: events.Actor,
    now: datetime,
) -> Asset:
    """Change name, type, space_id or criticality. Raises Invalid with every problem."""
    problems = not_editable(changes, EDITABLE)
    problems += _field_problems(session, asset.site_id, changes)
    if not problems and "type" in changes:
        problems += _points_without_a_type(session, asset, changes["type"])
    refuse(worded("the asset"), problems)
    apply(session, "asset", asset, changes, actor=actor, now=now)
    return asset


def _points_without_a_type(session: Session, asset: Asset, new_type: str) -> list[str]:
    known = load_catalog(session)[new_type].points
    codes = session.scalars(select(Point.code).where(Point.asset_id == asset.id))
    return [
        worded(
            "type: %(new_type)s has no point %(code)s, which this asset has",
            new_type=new_type,
            code=repr(code),
        )
        for code in codes
        if code not in known
    ]
