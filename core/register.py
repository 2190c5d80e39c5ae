"""The register of assets, devices, sources and points: scoped pages of plain rows, for programs."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import Select, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from core.devices import Device, Point, Source
from core.errors import NotFound
from core.paging import Page, Wish, newest_first, rows_of
from core.people import Caller, scoped
from core.places import Asset, Node, Space
from core.told_points import not_ours
from rules.wording import Message, worded

Row = TypeVar("Row", Asset, Device, Point, Source, Space, Node)
READ_OF: Mapping[type, str] = {
    Asset: "places.read",
    Device: "devices.read",
    Source: "devices.read",
    Point: "telemetry.read",
    Space: "places.read",
}
# What somebody is told who asks for a row that isn't there, or isn't theirs to see.
_MISSING: Mapping[str, tuple[Message, Message]] = {
    "asset": (worded("there is no such asset"), worded("Look for it in the list of assets.")),
    "device": (worded("there is no such device"), worded("Look for it in the list of devices.")),
    "source": (worded("there is no such source"), worded("Look for it in the list of sources.")),
    "point": (
        worded("there is no such measuring point"),
        worded("Look for it in the list of points."),
    ),
    "space": (worded("there is no such space"), worded("Look for it in the list of spaces.")),
}
_ASSETS = rows_of(
    Asset.id,
    Asset.site_id,
    Asset.space_id,
    Asset.type,
    Asset.code,
    Asset.name,
    Asset.criticality,
)
_DEVICES = rows_of(
    Device.id,
    Device.site_id,
    Device.source_id,
    Device.path_id,
    Device.asset_id,
    Device.code,
    Device.name,
    Device.state,
    Device.clock_trusted,
    Device.first_seen,
    Device.last_sample,
    Device.described,
)
_SOURCES = rows_of(
    Source.id,
    Source.site_id,
    Source.code,
    Source.topic_filter,
    Source.dialect,
    Source.options,
    Source.enabled,
)
_POINTS = rows_of(
    Point.id,
    Point.series,
    Point.site_id,
    Point.asset_id,
    Asset.code.label("asset_code"),
    Point.device_id,
    Point.code,
    Point.key,
    Point.name,
    Point.kind,
    Point.unit,
    Point.low,
    Point.high,
    Point.states,
    Point.expected_interval,
    Point.scale,
    Point.shift,
).join(Asset, Asset.id == Point.asset_id)


@dataclass(frozen=True, slots=True)
class RegisterFilter:
    """What is wanted; None does not restrict, and what a list lacks is ignored by it.

    text: part of a code or a name.
    """

    site_id: UUID | None = None
    asset_id: UUID | None = None
    type: str | None = None
    state: str | None = None
    text: str | None = None


def _where(statement: Select[Any], given: Mapping[Any, Any]) -> Select[Any]:
    for column, value in given.items():
        if value is not None:
            statement = statement.where(column == value)
    return statement


def _named(statement: Select[Any], model: Any, text: str | None) -> Select[Any]:
    if not text:
        return statement
    columns = (model.code, model.name["en"].as_string(), model.name["zh"].as_string())
    return statement.where(or_(*(column.icontains(text, autoescape=True) for column in columns)))


def list_assets(
    session: Session, caller: Caller, wanted: RegisterFilter, wish: Wish
) -> Page[dict[str, Any]]:
    """Assets that the caller may read. Key: id."""
    statement = scoped(_ASSETS, Asset.site_id, caller, "places.read")
    statement = _where(statement, {Asset.site_id: wanted.site_id, Asset.type: wanted.type})
    return newest_first(session, _named(statement, Asset, wanted.text), (Asset.id,), wish)


def list_devices(
    session: Session, caller: Caller, wanted: RegisterFilter, wish: Wish
) -> Page[dict[str, Any]]:
    """Devices that the caller may read. Key: id."""
    statement = scoped(_DEVICES, Device.site_id, caller, "devices.read")
    # Watchkeeper itself is nothing to be set up.
    statement = statement.where(not_ours())
    exact = {
        Device.site_id: wanted.site_id,
        Device.asset_id: wanted.asset_id,
        Device.state: wanted.state,
    }
    statement = _named(_where(statement, exact), Device, wanted.text)
    return newest_first(session, statement, (Device.id,), wish)


def working_devices(session: Session, site_id: UUID, limit: int = 1_000) -> list[Device]:
    """The devices of a site that work, by code. The caller has judged who may see them."""
    statement = select(Device).where(Device.site_id == site_id, Device.state == "active")
    return list(session.scalars(statement.where(not_ours()).order_by(Device.code).limit(limit)))


def list_sources(
    session: Session, caller: Caller, wanted: RegisterFilter, wish: Wish
) -> Page[dict[str, Any]]:
    """Sources that the caller may read. Key: id."""
    statement = scoped(_SOURCES, Source.site_id, caller, "devices.read")
    return newest_first(
        session, _where(statement, {Source.site_id: wanted.site_id}), (Source.id,), wish
    )


def list_points(
    session: Session, caller: Caller, wanted: RegisterFilter, wish: Wish
) -> Page[dict[str, Any]]:
    """Points that the caller may read. Key: id."""
    statement = scoped(_POINTS, Point.site_id, caller, "telemetry.read")
    exact = {Point.site_id: wanted.site_id, Point.asset_id: wanted.asset_id}
    return newest_first(session, _where(statement, exact), (Point.id,), wish)


def _one(
    session: Session,
    caller: Caller,
    statement: Select[Any],
    site: InstrumentedAttribute[UUID],
    what: tuple[str, str],
) -> dict[str, Any]:
    noun, permission = what
    row = session.execute(scoped(statement, site, caller, permission)).mappings().first()
    if row is None:
        raise _missing(noun)
    return dict(row)


def _missing(noun: str) -> NotFound:
    """That there is none of what a row of the register is called, or that it is hidden."""
    what, advice = _MISSING[noun]
    return NotFound(what, advice=advice)


def describe_asset(session: Session, caller: Caller, asset_id: UUID) -> dict[str, Any]:
    """One asset as the list shows it. NotFound when the caller may not read it."""
    statement = _ASSETS.where(Asset.id == asset_id)
    return _one(session, caller, statement, Asset.site_id, ("asset", "places.read"))


def describe_device(session: Session, caller: Caller, device_id: UUID) -> dict[str, Any]:
    """One device as the list shows it. NotFound when the caller may not read it."""
    statement = _DEVICES.where(Device.id == device_id)
    return _one(session, caller, statement, Device.site_id, ("device", "devices.read"))


def describe_source(session: Session, caller: Caller, source_id: UUID) -> dict[str, Any]:
    """One source as the list shows it. NotFound when the caller may not read it."""
    statement = _SOURCES.where(Source.id == source_id)
    return _one(session, caller, statement, Source.site_id, ("source", "devices.read"))


def describe_point(session: Session, caller: Caller, point_id: UUID) -> dict[str, Any]:
    """One point as the list shows it. NotFound when the caller may not read it."""
    statement = _POINTS.where(Point.id == point_id)
    return _one(session, caller, statement, Point.site_id, ("point", "telemetry.read"))


def find(
    session: Session, caller: Caller, model: type[Row], row_id: UUID, *, to_change: bool = False
) -> Row:
    """One row of the register that the caller may read; NotFound otherwise.

    to_change: lock it until commit.
    """
    table: Any = model
    statement: Select[Any] = select(model).where(table.id == row_id)
    statement = scoped(statement, table.site_id, caller, READ_OF[model])
    if to_change:
        statement = statement.with_for_update(of=model)
    row: Row | None = session.scalars(statement).first()
    if row is None:
        raise _missing(model.__name__.lower())
    return row


def points_of_asset(session: Session, caller: Caller, asset_id: UUID) -> list[dict[str, Any]]:
    """Every point of an asset, by code, as far as the caller may read it."""
    statement = scoped(_POINTS, Point.site_id, caller, "telemetry.read")
    rows = session.execute(statement.where(Point.asset_id == asset_id).order_by(Point.code))
    return [dict(row) for row in rows.mappings()]
