"""Checkpoints: assets that patrols go to; made, changed, retired."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from core import events
from core.administration import NewAsset, create_asset, update_asset
from core.errors import Conflict, Invalid, NotFound
from core.lifecycle import move
from core.paging import Page, Wish, newest_first, rows_of
from core.people import Caller, scoped
from core.places import Asset
from rules.wording import worded
from workflows.patrol.model import ASSET_TYPE, CHECKPOINT, Checkpoint

# See checkpoints and scans; scan; see whose scans they are; set all this up.
READ, SCAN, PEOPLE, WRITE = "patrol.read", "patrol.scan", "scans.read", "patrol.write"
# Less than this no phone can tell, and more is no place.
SMALLEST_RADIUS_M, LARGEST_RADIUS_M = 5.0, 1000.0
USUAL_RADIUS_M = 30.0
OF_ASSET = ("name", "space_id", "criticality")
OF_POSITION = ("latitude", "longitude", "radius_m")
# A checkpoint, whether or not patrols kept anything of it so far.
ROWS = (
    rows_of(
        Asset.id,
        Asset.site_id,
        Asset.space_id,
        Asset.code,
        Asset.name,
        Asset.criticality,
        func.coalesce(Checkpoint.state, "active").label("state"),
        func.coalesce(Checkpoint.version, 1).label("version"),
        Checkpoint.latitude,
        Checkpoint.longitude,
        Checkpoint.radius_m,
    )
    .outerjoin(Checkpoint, Checkpoint.id == Asset.id)
    .where(Asset.type == ASSET_TYPE)
)


@dataclass(frozen=True, slots=True)
class NewCheckpoint:
    """A checkpoint to be. name: {"en": …, "zh": …}; position in degrees (WGS 84), radius in m."""

    code: str
    name: Mapping[str, str]
    space_id: UUID | None = None
    criticality: str = "medium"
    latitude: float | None = None
    longitude: float | None = None
    radius_m: float | None = None
    id: UUID | None = None

    @property
    def asset(self) -> NewAsset:
        """The asset that it will be."""
        return NewAsset(self.code, ASSET_TYPE, self.name, self.space_id, self.criticality, self.id)


def create_checkpoint(
    session: Session, site_id: UUID, new: NewCheckpoint, *, actor: events.Actor, now: datetime
) -> Checkpoint:
    """Make an asset of the type `checkpoint` and what patrols keep of it.

    Raises Invalid with every problem.
    """
    position = _position(
        {"latitude": new.latitude, "longitude": new.longitude, "radius_m": new.radius_m}
    )
    asset = create_asset(session, site_id, new.asset, actor=actor, now=now)
    return _make(session, asset, position, actor, now)


def _position(given: Mapping[str, float | None]) -> dict[str, float | None]:
    """A whole position or none. Invalid with every problem."""
    latitude, longitude, radius = (given[name] for name in OF_POSITION)
    problems: list[str] = []
    if (latitude is None) != (longitude is None):
        problems.append(worded("latitude, longitude: give both, or neither"))
    if latitude is None and radius is not None:
        problems.append(worded("radius_m: it needs a position around which it is"))
    if latitude is not None and not (math.isfinite(latitude) and abs(latitude) <= 90):
        problems.append(worded("latitude: -90 to 90"))
    if longitude is not None and not (math.isfinite(longitude) and abs(longitude) <= 180):
        problems.append(worded("longitude: -180 to 180"))
    if radius is not None and not SMALLEST_RADIUS_M <= radius <= LARGEST_RADIUS_M:
        problems.append(
            worded(
                "radius_m: %(least)s to %(most)s",
                least=f"{SMALLEST_RADIUS_M:g}",
                most=f"{LARGEST_RADIUS_M:g}",
            )
        )
    if problems:
        raise Invalid(worded("the position was not saved"), problems=problems)
    if latitude is None:
        return dict.fromkeys(OF_POSITION)
    return {
        "latitude": latitude,
        "longitude": longitude,
        "radius_m": USUAL_RADIUS_M if radius is None else radius,
    }


def _make(
    session: Session,
    asset: Asset,
    position: Mapping[str, float | None],
    actor: events.Actor,
    now: datetime,
) -> Checkpoint:
    row = Checkpoint(id=asset.id, site_id=asset.site_id, state="active", version=1, **position)
    session.add(row)
    session.flush()
    events.append(
        session,
        "checkpoint.create",
        ("checkpoint", row.id),
        actor=actor,
        learned_at=now,
        site_id=row.site_id,
        after={"asset": str(asset.id), "code": asset.code},
    )
    return row


def checkpoint_of(
    session: Session, asset: Asset, *, actor: events.Actor, now: datetime
) -> Checkpoint:
    """The checkpoint that an asset of that type is, made when it is needed for the first time.

    So one that a site file or a spreadsheet brought is one, too. Invalid for another type.
    """
    row = session.get(Checkpoint, asset.id)
    if row is not None:
        return row
    if asset.type != ASSET_TYPE:
        raise Invalid(
            worded("this asset is no checkpoint"),
            problems=[worded("type: %(type)s, not %(wanted)s", type=asset.type, wanted=ASSET_TYPE)],
        )
    try:
        with session.begin_nested():
            return _make(session, asset, dict.fromkeys(OF_POSITION), actor, now)
    except IntegrityError:
        # Somebody else needed it at the same moment.
        return session.get_one(Checkpoint, asset.id)


def change_checkpoint(
    session: Session,
    row: Checkpoint,
    changes: Mapping[str, Any],
    *,
    actor: events.Actor,
    now: datetime,
    expected_version: int | None = None,
) -> Checkpoint:
    """Change name, space_id, criticality or position. Raises Invalid with every problem.

    The log tells that the position was changed, not what it is.
    """
    unknown = [name for name in changes if name not in (*OF_ASSET, *OF_POSITION)]
    if unknown:
        problems = [worded("%(name)s: cannot be changed", name=name) for name in unknown]
        raise Invalid(worded("the checkpoint was not changed"), problems=problems)
    kept = {name: getattr(row, name) for name in OF_POSITION}
    given = {name: changes[name] for name in OF_POSITION if name in changes}
    if given.get("latitude", 0) is None and given.get("longitude", 0) is None:
        given.setdefault("radius_m", None)
    position = _position({**kept, **given})
    asset = session.get_one(Asset, row.id)
    of_asset = {name: changes[name] for name in OF_ASSET if name in changes}
    if of_asset:
        update_asset(session, asset, of_asset, actor=actor, now=now)
    differing = sorted(name for name in OF_POSITION if position[name] != kept[name])
    move(
        session,
        row,
        CHECKPOINT,
        "change",
        actor=actor,
        learned_at=now,
        values=position,
        facts={"fields": [*sorted(of_asset), *differing]},
        expected_version=expected_version,
    )
    return row


def retire_checkpoint(
    session: Session,
    row: Checkpoint,
    *,
    actor: events.Actor,
    now: datetime,
    expected_version: int | None = None,
) -> None:
    """Take a checkpoint out of use: what is scanned there counts no more. Conflict if it is."""
    _move(session, row, "retire", actor, now, expected_version)


def reactivate_checkpoint(
    session: Session,
    row: Checkpoint,
    *,
    actor: events.Actor,
    now: datetime,
    expected_version: int | None = None,
) -> None:
    """Take a retired checkpoint into use again."""
    _move(session, row, "reactivate", actor, now, expected_version)


def _move(
    session: Session,
    row: Checkpoint,
    action: str,
    actor: events.Actor,
    now: datetime,
    expected_version: int | None,
) -> None:
    move(
        session,
        row,
        CHECKPOINT,
        action,
        actor=actor,
        learned_at=now,
        expected_version=expected_version,
    )


def find_checkpoint(
    session: Session,
    caller: Caller,
    checkpoint_id: UUID,
    *,
    now: datetime,
    permission: str = READ,
) -> Checkpoint:
    """A checkpoint to be changed, where the caller may read them; NotFound otherwise.

    Makes the row that it may lack; who only reads asks `describe_checkpoint`.
    permission: what they must hold on its site beside that; NotAllowed otherwise.
    """
    statement = select(Asset).where(Asset.id == checkpoint_id, Asset.type == ASSET_TYPE)
    asset = session.scalars(scoped(statement, Asset.site_id, caller, READ)).first()
    if asset is None:
        raise _unknown()
    caller.require(permission, asset.site_id)
    return checkpoint_of(session, asset, actor=events.Actor.person(caller.person_id), now=now)


def require_active(row: Checkpoint) -> None:
    """Conflict for a checkpoint that is out of use."""
    if row.state != "active":
        raise Conflict(
            worded("this checkpoint is out of use"),
            advice=worded("Take it into use again, or choose another."),
        )


def describe_checkpoint(session: Session, caller: Caller, checkpoint_id: UUID) -> dict[str, Any]:
    """One checkpoint as the list shows it. NotFound when the caller may not read it."""
    statement = scoped(ROWS.where(Asset.id == checkpoint_id), Asset.site_id, caller, READ)
    row = session.execute(statement).mappings().first()
    if row is None:
        raise _unknown()
    return dict(row)


def list_checkpoints(
    session: Session,
    caller: Caller,
    wish: Wish,
    *,
    site_id: UUID | None = None,
    state: str | None = None,
    text: str | None = None,
) -> Page[dict[str, Any]]:
    """Checkpoints that the caller may read, the last made first. Key: id.

    state: active or retired. text: part of the code or a name.
    """
    statement = scoped(ROWS, Asset.site_id, caller, READ)
    if site_id is not None:
        statement = statement.where(Asset.site_id == site_id)
    return newest_first(session, narrowed(statement, state, text), (Asset.id,), wish)


def narrowed(statement: Select[Any], state: str | None, text: str | None) -> Select[Any]:
    """The checkpoints among ROWS with a state, and with a text in their code or a name."""
    if state is not None:
        statement = statement.where(func.coalesce(Checkpoint.state, "active") == state)
    if text:
        names = (Asset.code, Asset.name["en"].as_string(), Asset.name["zh"].as_string())
        statement = statement.where(or_(*(one.icontains(text, autoescape=True) for one in names)))
    return statement


def _unknown() -> NotFound:
    return NotFound(
        worded("there is no such checkpoint"),
        advice=worded("Look for it in the list of checkpoints."),
    )
