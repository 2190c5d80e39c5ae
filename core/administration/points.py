"""Creating and changing points: what a key of a device says about an asset."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import events
from core.administration.changing import apply, log, not_editable, refuse
from core.devices import Device, Point, next_series
from core.ids import new_id
from core.places import Asset
from core.site_file import load_catalog
from rules.catalog import TOLD, AssetType, PointType
from rules.located_yaml import nearest
from rules.wording import worded

_MOST_SCALE = 1e12
EDITABLE = ("key", "low", "high", "expected_interval", "scale", "shift")


@dataclass(frozen=True, slots=True)
class NewPoint:
    """A point to be: `key` of the device feeds point `code` of the asset's type.

    kind, unit and states are the catalogue's; who states them too must state the same. states of a
    boolean: the two words that the device writes, the one for no first.
    low, high: a narrower range than the catalogue's. expected_interval: seconds. scale, shift: what
    the device says, times scale and plus shift, is the value in the catalogue's unit.
    """

    key: str
    code: str
    kind: str | None = None
    unit: str | None = None
    low: float | None = None
    high: float | None = None
    states: Sequence[str] | None = None
    expected_interval: float | None = None
    scale: float | None = None
    shift: float | None = None


def point_problems(
    session: Session,
    device: Device,
    asset_type: AssetType | None,
    asset: Asset | None,
    points: Sequence[NewPoint],
) -> list[str]:
    """Everything that keeps `points` from being fed by `device`; asset: None for a new one."""
    problems = _doubles("key", [point.key for point in points])
    problems += _doubles("code", [point.code for point in points])
    for number, point in enumerate(points):
        faults = _faults(point, asset_type)
        if asset is not None and not faults:
            faults = _taken(session, device, asset, point)
        place = f"points[{number}]"
        problems += [worded("%(place)s.%(problem)s", place=place, problem=one) for one in faults]
    return problems


def _doubles(field: str, values: list[str]) -> list[str]:
    return [
        worded(
            "points: %(field)s %(one)s stands %(count)s times",
            field=field,
            one=repr(one),
            count=count,
        )
        for one, count in Counter(values).items()
        if count > 1
    ]


def _faults(point: NewPoint, asset_type: AssetType | None) -> list[str]:
    faults: list[str] = []
    if not 0 < len(point.key) <= 120:
        faults.append(worded("key: between 1 and 120 characters"))
    faults += _number_faults(point.low, point.high, point.expected_interval)
    faults += conversion_faults(point.scale, point.shift)
    if asset_type is None:
        return faults
    known = asset_type.points.get(point.code)
    if known is None:
        hint = nearest(point.code, list(asset_type.points))
        return [
            *faults,
            worded(
                "code: %(type)s has no point %(code)s%(hint)s",
                type=asset_type.code,
                code=repr(point.code),
                hint=hint,
            ),
        ]
    faults += _disagreements(point, known) + _event_faults(point, known)
    return faults + _kind_faults(known.kind, point.scale, point.shift)


def _event_faults(point: NewPoint, known: PointType) -> list[str]:
    if known.code in TOLD:
        return [
            worded("code: %(code)s is told by Watchkeeper itself, not by a device", code=known.code)
        ]
    if known.kind != "event":
        return []
    given = {"low": point.low, "high": point.high, "expected_interval": point.expected_interval}
    return [
        worded(
            "%(name)s: %(code)s is an event, which has none; leave it out",
            name=name,
            code=known.code,
        )
        for name, value in given.items()
        if value is not None
    ]


def _number_faults(
    low: float | None, high: float | None, expected_interval: float | None
) -> list[str]:
    faults: list[str] = []
    if low is not None and high is not None and low >= high:
        faults.append(worded("low: must be below high"))
    if expected_interval is not None and not 0 < expected_interval <= 366 * 86_400:
        faults.append(worded("expected_interval: seconds, more than 0 and at most a year"))
    return faults


def conversion_faults(scale: float | None, shift: float | None) -> list[str]:
    """What is wrong with a conversion, whatever it converts."""
    faults: list[str] = []
    if scale is not None and not 0 < abs(scale) <= _MOST_SCALE:
        faults.append(worded("scale: neither 0 nor beyond %(most)s", most=f"{_MOST_SCALE:g}"))
    if shift is not None and not abs(shift) <= _MOST_SCALE:
        faults.append(worded("shift: not beyond %(most)s", most=f"{_MOST_SCALE:g}"))
    return faults


def _kind_faults(kind: str, scale: float | None, shift: float | None) -> list[str]:
    """What a kind of point can't have: only numbers are converted, and booleans turned round."""
    stated = (1.0 if scale is None else scale, shift or 0.0)
    if kind == "number" or stated == (1.0, 0.0):
        return []
    if kind == "boolean":
        return (
            []
            if stated == (-1.0, 1.0)
            else [worded("scale: a boolean has -1, with shift 1, or none")]
        )
    return [worded("scale: only numbers and booleans are converted; leave it out")]


def _disagreements(point: NewPoint, known: PointType) -> list[str]:
    faults: list[str] = []
    if point.kind is not None and point.kind != known.kind:
        faults.append(worded("kind: %(code)s is a %(kind)s", code=known.code, kind=known.kind))
    if point.unit and point.unit != known.unit:
        faults.append(
            worded("unit: %(code)s is measured in %(unit)s", code=known.code, unit=known.unit)
            if known.unit
            else worded("unit: %(code)s has no unit", code=known.code)
        )
    if known.kind == "boolean" and point.states:
        if len(set(point.states)) != 2 or len(point.states) != 2:
            faults.append(worded("states: of yes and no two words, the one for no first"))
    elif point.states and tuple(point.states) != known.states:
        faults.append(
            worded("states: %(code)s has %(known)s", code=known.code, known=", ".join(known.states))
            if known.states
            else worded("states: %(code)s has none", code=known.code)
        )
    return faults


def _standing(session: Session, asset: Asset, code: str) -> Point | None:
    statement = select(Point).where(Point.asset_id == asset.id, Point.code == code)
    return session.scalars(statement).first()


def _taken(session: Session, device: Device, asset: Asset, point: NewPoint) -> list[str]:
    standing = _standing(session, asset, point.code)
    if standing is not None and not _may_take_over(session, standing):
        feeder = session.get_one(Device, standing.device_id)
        text = worded(
            "code: point '%(point)s' of %(asset)s is fed by '%(device)s' already",
            point=point.code,
            asset=asset.code,
            device=feeder.code,
        )
        return [text]
    return _key_taken(session, device, asset, point.key, point.code)


def _key_taken(session: Session, device: Device, asset: Asset, key: str, code: str) -> list[str]:
    other = session.scalar(
        select(Point.code).where(
            Point.device_id == device.id,
            Point.asset_id == asset.id,
            Point.key == key,
            Point.code != code,
        )
    )
    if other is None:
        return []
    return [worded("key: '%(key)s' feeds point '%(point)s' already", key=key, point=other)]


def _may_take_over(session: Session, point: Point) -> bool:
    # A replaced sensor goes on with its point, and the readings of both make one history.
    return session.get_one(Device, point.device_id).state == "retired"


def write_points(
    session: Session,
    device: Device,
    asset: Asset,
    asset_type: AssetType,
    points: Sequence[NewPoint],
) -> list[Point]:
    """Create the points, or take them over from a retired device; they were checked before."""
    written = []
    for new in points:
        point = _standing(session, asset, new.code)
        if point is None:
            point = Point(
                id=new_id(),
                series=next_series(session),
                site_id=device.site_id,
                asset_id=asset.id,
                code=new.code,
            )
            session.add(point)
        _fill(point, device, asset_type.points[new.code], new)
        written.append(point)
    session.flush()
    return written


def _fill(point: Point, device: Device, known: PointType, new: NewPoint) -> None:
    point.device_id = device.id
    point.key = new.key
    point.name = {k: v for k, v in (("en", known.name.en), ("zh", known.name.zh)) if v}
    point.kind = known.kind
    point.unit = known.unit
    point.low = known.low if new.low is None else new.low
    point.high = known.high if new.high is None else new.high
    words = list(new.states or ()) if known.kind == "boolean" else []
    point.states = list(known.states) or words or None
    point.expected_interval = new.expected_interval
    point.scale = new.scale
    point.shift = new.shift


def create_points(
    session: Session,
    device: Device,
    asset: Asset,
    points: Sequence[NewPoint],
    *,
    actor: events.Actor,
    now: datetime,
) -> list[Point]:
    """Let a device feed further points. Raises Invalid with every problem."""
    asset_type = load_catalog(session).get(asset.type)
    problems: list[str] = (
        [] if asset.site_id == device.site_id else [worded("asset_id: is on another site")]
    )
    problems += point_problems(session, device, asset_type, asset, points)
    if asset_type is None:
        problems.append(
            worded("asset_id: its type %(type)s is in no catalogue", type=repr(asset.type))
        )
    refuse(worded("the points"), problems)
    assert asset_type is not None
    written = write_points(session, device, asset, asset_type, points)
    for point in written:
        after = {"code": point.code, "device": str(device.id), "series": point.series}
        log(session, "point.create", point, actor=actor, now=now, after=after)
    return written


def update_point(
    session: Session,
    point: Point,
    changes: Mapping[str, Any],
    *,
    actor: events.Actor,
    now: datetime,
) -> Point:
    """Change key, range, interval, scale or shift. Raises Invalid with every problem."""
    problems = not_editable(changes, EDITABLE)
    values = {name: changes.get(name, getattr(point, name)) for name in EDITABLE}
    problems += _number_faults(values["low"], values["high"], values["expected_interval"])
    problems += conversion_faults(values["scale"], values["shift"])
    problems += _kind_faults(point.kind, values["scale"], values["shift"])
    if point.kind == "event":
        fixed = [name for name in ("low", "high", "expected_interval") if changes.get(name)]
        problems += [worded("%(name)s: an event has none", name=name) for name in fixed]
    key = values["key"]
    if not isinstance(key, str) or not 0 < len(key) <= 120:
        problems.append(worded("key: between 1 and 120 characters"))
    else:
        device = session.get_one(Device, point.device_id)
        asset = session.get_one(Asset, point.asset_id)
        problems += _key_taken(session, device, asset, key, point.code)
    refuse(worded("the point"), problems)
    apply(session, "point", point, changes, actor=actor, now=now)
    return point
