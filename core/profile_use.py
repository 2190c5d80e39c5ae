"""Which profiles are in use: of which kind each working device is, and what is announced as one."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from core import events
from core.devices import Device, Point
from core.errors import Conflict
from core.expected_devices import ExpectedDevice
from core.places import Asset
from core.profiles import Fit, Said, Sight, best_fit, shipped_profiles
from core.profiles.matching import code_patterns
from core.profiles.own import delete_profile, load_profiles, own_document
from core.site_file import load_catalog
from core.told_points import not_ours
from rules.wording import worded


class _Fed(NamedTuple):
    """A key of a working device, as its point has it; asset_type: of what it is a point."""

    key: str
    kind: str
    unit: str | None
    asset_type: str


@dataclass(frozen=True, slots=True)
class Use:
    """What is of a kind. devices: that work; announced: that are to come as one of it."""

    devices: int = 0
    announced: int = 0


def _fed(session: Session, which: Select[UUID]) -> dict[UUID, list[_Fed]]:
    rows = session.execute(
        select(Point.device_id, Point.key, Point.kind, Point.unit, Asset.type)
        .join(Asset, Asset.id == Point.asset_id)
        .where(Point.device_id.in_(which))
        .order_by(Point.device_id, Point.key, Point.id)
    )
    found: dict[UUID, list[_Fed]] = {}
    for device_id, key, kind, unit, asset_type in rows:
        found.setdefault(device_id, []).append(_Fed(key, kind, unit, asset_type))
    return found


def _sight(code: str, maker: str | None, model: str | None, fed: Iterable[_Fed]) -> Sight:
    values = tuple(Said(one.key, kind=one.kind, unit=one.unit) for one in fed)
    return Sight(code, maker or "", model or "", values)


def _type_of(fed: Iterable[_Fed]) -> str | None:
    """The type of asset that a device feeds, where it is one alone."""
    types = {one.asset_type for one in fed}
    return types.pop() if len(types) == 1 else None


def working_sight(session: Session, device: Device) -> tuple[Sight, str | None]:
    """What is seen of a device that has points, and the type of asset that it feeds."""
    described = device.described or {}
    fed = _fed(session, select(Device.id).where(Device.id == device.id)).get(device.id, [])
    maker, model = (str(described.get(name) or "") for name in ("maker", "model"))
    return _sight(device.code, maker, model, fed), _type_of(fed)


def working_fit(session: Session, device: Device) -> Fit | None:
    """Of which kind a device is that works, by its points and what it says of itself."""
    sight, asset_type = working_sight(session, device)
    profiles = load_profiles(session).values()
    return best_fit(profiles, load_catalog(session), sight, asset_type=asset_type)


def kinds_of(
    session: Session, sites: Collection[UUID] | None = None, *, without: str | None = None
) -> dict[UUID, str]:
    """The profile of each device that works, by the device.

    sites: on these alone. without: as it would be if there were no such profile.
    """
    which = select(Device.id).where(Device.state == "active", not_ours())
    if sites is not None:
        which = which.where(Device.site_id.in_(sites))
    fed = _fed(session, which)
    maker, model = (Device.described[name].as_string() for name in ("maker", "model"))
    rows = session.execute(select(Device.id, Device.code, maker, model).where(Device.id.in_(which)))
    catalog = load_catalog(session)
    profiles = [one for one in load_profiles(session).values() if one.id != without]
    # Hundreds of a kind differ in nothing but their codes, and so are looked at once.
    seen: dict[object, str | None] = {}
    found = {}
    for device_id, code, maker_said, model_said in rows:
        points = fed.get(device_id, [])
        alike = (maker_said, model_said, code_patterns(profiles, code), tuple(points))
        if alike not in seen:
            sight = _sight(code, maker_said, model_said, points)
            fit = best_fit(profiles, catalog, sight, asset_type=_type_of(points))
            seen[alike] = fit.profile.id if fit else None
        kind = seen[alike]
        if kind is not None:
            found[device_id] = kind
    return found


def devices_of_kind(
    session: Session, code: str, sites: Collection[UUID], limit: int
) -> list[Device]:
    """Devices of these sites that work and are of a kind, by their code."""
    ids = [device for device, kind in kinds_of(session, sites).items() if kind == code]
    rows = select(Device).where(Device.id.in_(ids)).order_by(Device.code).limit(limit)
    return list(session.scalars(rows))


def uses(session: Session, sites: Collection[UUID] | None = None) -> Mapping[str, Use]:
    """What is of each kind, by the id of its profile. sites: on these alone."""
    devices = Counter(kinds_of(session, sites).values())
    announced = (
        select(ExpectedDevice.profile, func.count())
        .where(ExpectedDevice.state == "expected", ExpectedDevice.profile.is_not(None))
        .group_by(ExpectedDevice.profile)
    )
    if sites is not None:
        announced = announced.where(ExpectedDevice.site_id.in_(sites))
    to_come = {str(code): count for code, count in session.execute(announced)}
    return {code: Use(devices[code], to_come.get(code, 0)) for code in devices | to_come}


def is_needed(session: Session, code: str) -> bool:
    """Whether one's own profile can't be spared: something is announced as one of it, or works and
    would be of no kind without it. A shipped one of the same id takes its place."""
    if code in shipped_profiles():
        return False
    announced = select(ExpectedDevice.id).where(
        ExpectedDevice.state == "expected", ExpectedDevice.profile == code
    )
    if session.scalars(announced.limit(1)).first() is not None:
        return True
    ours = {device for device, kind in kinds_of(session).items() if kind == code}
    return bool(ours) and not ours <= kinds_of(session, without=code).keys()


def delete_unused(session: Session, code: str, *, actor: events.Actor, now: datetime) -> None:
    """Forget one's own profile; a shipped one of the same id counts again.

    NotFound where there is none; Conflict where it is needed.
    """
    own_document(session, code)
    if is_needed(session, code):
        raise Conflict(
            worded("devices are of this kind and of no other, or announced as one"),
            advice=worded("Change it, or write one that fits them better."),
        )
    delete_profile(session, code, actor=actor, now=now)
