"""Which sensors stand in the place of a walk test, and which of their points tell something."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.devices import Device, Point
from core.places import Asset, Space, is_within
from core.told_points import not_ours

# What says how the sensor itself is, and not what it watches.
_OF_ITSELF = frozenset({"battery", "rssi", "online"})


@dataclass(frozen=True, slots=True)
class Telling:
    """A point by which a sensor answers. any: each reading counts, not only a change."""

    series: int
    asset_id: UUID
    code: str
    any: bool


def spaces_below(session: Session, site_id: UUID, space_id: UUID) -> list[UUID]:
    """A place of a site and everything in it."""
    rows = session.execute(select(Space.id, Space.parent_id).where(Space.site_id == site_id))
    parents = {space: parent for space, parent in rows}
    return [space for space in parents if is_within(space, space_id, parents)]


def assets_in(session: Session, site_id: UUID, space_id: UUID) -> list[Asset]:
    """What stands in a place, by code."""
    spaces = spaces_below(session, site_id, space_id)
    statement = select(Asset).where(Asset.site_id == site_id, Asset.space_id.in_(spaces))
    return list(session.scalars(statement.order_by(Asset.code)))


def sensors_in(session: Session, site_id: UUID, space_id: UUID) -> Mapping[UUID, Sequence[Telling]]:
    """By device what it can answer with, of those that watch something in a place.

    Yes and no, states and events answer by changing; only a device that has none of these answers
    by any number that it sends.
    """
    spaces = spaces_below(session, site_id, space_id)
    statement = (
        select(Point.device_id, Point.series, Point.asset_id, Point.code, Point.kind)
        .join(Asset, Asset.id == Point.asset_id)
        .join(Device, Device.id == Point.device_id)
        .where(Asset.site_id == site_id, Asset.space_id.in_(spaces))
        .where(Device.state == "active", not_ours())
        .order_by(Device.code, Point.code)
    )
    found = defaultdict[UUID, list[tuple[Telling, str]]](list)
    for device_id, series, asset_id, code, kind in session.execute(statement):
        if code not in _OF_ITSELF or kind == "event":
            point = Telling(series, asset_id, code, any=kind in ("number", "event"))
            found[device_id].append((point, kind))
        else:
            found[device_id].extend(())
    return {device: _telling(points) for device, points in found.items()}


def _telling(points: Sequence[tuple[Telling, str]]) -> Sequence[Telling]:
    changing = [point for point, kind in points if kind != "number"]
    return changing or [point for point, _ in points]
