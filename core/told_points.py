"""Points that Watchkeeper feeds itself: what its own records tell of an asset.

Each belongs to a device of ours, one for each asset. Its code has a `/`, which no level of a topic
can have, so nothing that speaks over MQTT can pass for it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from core import events
from core.devices import Device, Point, next_series
from core.ids import new_id
from core.places import Asset, Node
from rules.catalog import TOLD

_OURS = "watchkeeper/"
# More are told under the last one's number: so many categories nobody can tell apart.
MOST_CATEGORIES = 1_000


def is_ours(code: str) -> bool:
    """Whether a device is Watchkeeper itself."""
    return code.startswith(_OURS)


def not_ours() -> ColumnElement[bool]:
    """Of devices: those that are not Watchkeeper itself."""
    return ~Device.code.startswith(_OURS, autoescape=True)


def told_by(fact: events.Event) -> str | None:
    """What Watchkeeper tells with the device or point that a fact is about; None if others do."""
    told = (fact.after or {}).get("told")
    return str(told) if told is not None else None


@dataclass(frozen=True, slots=True)
class ToldPoint:
    """Where a moment goes: the point by the codes under which ingest knows it, and its value."""

    site: str
    device: str
    code: str
    series: int
    value: float


def told_point(
    session: Session, asset_id: UUID, code: str, category: str, *, now: datetime
) -> ToldPoint | None:
    """The point of an asset to which Watchkeeper tells something, made when it is first needed.

    code: of rules.catalog.TOLD. category: what the moment's value stands for. None when the asset
    is not there any more, or when somebody took the device out of service.
    """
    found = _point(session, asset_id, code, now)
    if found is None:
        return None
    point, device = found
    number = _number(session, point, category, now)
    site = session.get_one(Node, point.site_id)
    return ToldPoint(site.code, device.code, code, point.series, float(number))


def prepare(session: Session, wanted: Iterable[tuple[UUID, str]], *, now: datetime) -> None:
    """Make points of assets, of these codes, before there is anything to tell.

    Who listens to them need not wait for them then, when something happens.
    """
    for asset_id, code in wanted:
        _point(session, asset_id, code, now)


def _point(
    session: Session, asset_id: UUID, code: str, now: datetime
) -> tuple[Point, Device] | None:
    asset = session.get(Asset, asset_id)
    if asset is None:
        return None
    device = _device(session, asset, code, now)
    if device.state != "active":
        return None
    known = select(Point).where(Point.asset_id == asset.id, Point.code == code)
    point = session.scalars(known).first()
    return point or _create(session, asset, device, code, now), device


def _device(session: Session, asset: Asset, told: str, now: datetime) -> Device:
    code = f"{_OURS}{asset.code}"
    known = select(Device).where(Device.site_id == asset.site_id, Device.code == code)
    device = session.scalars(known).first()
    if device is None:
        device = Device(
            id=new_id(),
            site_id=asset.site_id,
            asset_id=asset.id,
            code=code,
            name={"en": "Watchkeeper", "zh": "Watchkeeper"},
            state="active",
            version=1,
            clock_trusted=True,
            first_seen=now,
        )
        session.add(device)
        after: dict[str, object] = {"code": code, "state": "active", "told": told}
        _log(session, "device.create", device, now, after)
    return device


def _create(session: Session, asset: Asset, device: Device, code: str, now: datetime) -> Point:
    known = TOLD[code]
    point = Point(
        id=new_id(),
        series=next_series(session),
        site_id=asset.site_id,
        asset_id=asset.id,
        device_id=device.id,
        code=code,
        key=code,
        name={"en": known.name.en, "zh": known.name.zh},
        kind=known.kind,
        states=[],
    )
    session.add(point)
    after = {"code": code, "device": str(device.id), "series": point.series, "told": code}
    _log(session, "point.create", point, now, after)
    return point


def _number(session: Session, point: Point, category: str, now: datetime) -> int:
    states = point.states or []
    if category in states:
        return states.index(category)
    if len(states) >= MOST_CATEGORIES:
        return MOST_CATEGORIES - 1
    point.states = [*states, category]
    _log(session, "point.update", point, now, {"fields": ["states"], "told": point.code})
    return len(states)


def _log(
    session: Session, kind: str, row: Device | Point, now: datetime, after: dict[str, object]
) -> None:
    session.flush()
    events.append(
        session,
        kind,
        (kind.split(".")[0], row.id),
        actor=events.SYSTEM,
        learned_at=now,
        site_id=row.site_id,
        after=after,
    )
