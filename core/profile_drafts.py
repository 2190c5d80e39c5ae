"""Where a profile of one's own begins: at another profile, or at a device that speaks."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import yaml
from sqlalchemy import select
from sqlalchemy.orm import Session

from core.adoption import sight_of, suggest
from core.clock import MICROS
from core.devices import Device, Point
from core.places import Asset
from core.profile_use import working_fit, working_sight
from core.profiles import Battery, Fit, Key, Profile, ProfilePoint, Sight
from core.profiles.own import load_profiles
from core.site_file import load_catalog
from rules import units
from rules.catalog import Catalog, PointType, Text
from rules.durations import format_duration


def as_profile_yaml(document: Mapping[str, Any]) -> str:
    """A profile as people edit it: lists and pairs on one line, Chinese as it is written."""
    text: str = yaml.safe_dump(
        dict(document), allow_unicode=True, sort_keys=False, width=96, default_flow_style=None
    )
    return text


def document_of(profile: Profile) -> dict[str, Any]:
    """A profile as it would be written, without its id."""
    written: dict[str, Any] = {"name": _text(profile.name)}
    if profile.known:
        written["known"] = [
            _filled(
                maker=one.maker,
                model=list(one.model),
                code=list(one.code),
                battery=_battery(one.battery),
            )
            for one in profile.known
        ]
    written["asset"] = profile.asset_type
    written["points"] = {code: _point(one) for code, one in profile.points.items()}
    return written | _filled(
        interval=_interval(profile.interval),
        battery=_battery(profile.battery),
        rules=list(profile.rules),
        needs=profile.needs if profile.needs > 1 else None,
        beside=profile.beside,
    )


def _filled(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value}


def _text(name: Text) -> dict[str, str]:
    return _filled(en=name.en, zh=name.zh)


def _battery(battery: Battery | None) -> dict[str, Any] | None:
    if battery is None:
        return None
    return {"cell": battery.cell} | ({"count": battery.count} if battery.count > 1 else {})


def _interval(seconds: float | None) -> str | None:
    return None if seconds is None else format_duration(round(seconds * MICROS))


def _key(key: Key) -> str | dict[str, Any]:
    if not key.invert and key.unit is None:
        return key.pattern
    return {"key": key.pattern} | _filled(invert=key.invert, unit=key.unit)


def _point(point: ProfilePoint) -> dict[str, Any]:
    return _filled(
        keys=[_key(key) for key in point.keys],
        means=list(point.means),
        words=[list(pair) for pair in point.words],
        optional=point.optional,
    )


class _Fed(NamedTuple):
    """A key of a device, and how it feeds a point."""

    key: str
    code: str
    scale: float
    shift: float
    states: Sequence[str]
    interval: float | None


def document_of_device(session: Session, device: Device) -> dict[str, Any]:
    """A profile after what one device sends: adopted ones as they were adopted, others as proposed.

    What a profile can't say, such as a scale that is no unit, is left out: a value that would be
    read wrongly is worse than none.
    """
    asset_type, fed, fit = _seen(session, device)
    catalog = load_catalog(session)
    kind = catalog.get(asset_type or "")
    described = device.described or {}
    told = {str(one.get("key")): one.get("unit") for one in described.get("points") or ()}
    points = {}
    for one in fed:
        type_ = kind.points.get(one.code) if kind else None
        written = _fed_point(one, type_, told.get(one.key)) if type_ else None
        if written is not None:
            points[one.code] = written
    maker, model = (str(described.get(name) or "")[:120] for name in ("maker", "model"))
    called = f"{maker} {model}".strip() or device.code
    alike = fit.profile if fit else _of_type(session, asset_type)
    return (
        {"name": {"en": called, "zh": called}}
        | ({"known": [_filled(maker=maker, model=[model])]} if model else {})
        | {"asset": asset_type or "", "points": points}
        | _filled(
            interval=_interval(min((one.interval for one in fed if one.interval), default=None)),
            battery=_battery(fit.battery if fit else None),
            rules=list(alike.rules) if alike else [],
        )
    )


def _seen(session: Session, device: Device) -> tuple[str | None, list[_Fed], Fit | None]:
    """The type of asset, what feeds which point, and the profile that fits now."""
    if device.state == "waiting":
        found = suggest(session, device)
        profile = load_profiles(session).get(found.profile or "")
        fed = [
            _Fed(
                one.key,
                one.code,
                1.0 if one.scale is None else one.scale,
                one.shift or 0.0,
                one.states,
                one.expected_interval,
            )
            for one in found.points
            if one.code
        ]
        fit = Fit(profile, 0) if profile else None
        return found.asset_type, fed, fit
    rows = session.execute(
        select(Point, Asset.type)
        .join(Asset, Asset.id == Point.asset_id)
        .where(Point.device_id == device.id)
        .order_by(Point.code, Point.id)
    ).all()
    types = Counter(type_ for _, type_ in rows)
    # A device that feeds assets of several kinds is of the kind of most of its points.
    chosen = types.most_common(1)[0][0] if types else None
    fed = [
        _Fed(
            point.key,
            point.code,
            1.0 if point.scale is None else point.scale,
            point.shift or 0.0,
            point.states or (),
            point.expected_interval,
        )
        for point, type_ in rows
        if type_ == chosen
    ]
    return chosen, fed, working_fit(session, device)


def _fed_point(fed: _Fed, kind: PointType, unit: str | None) -> dict[str, Any] | None:
    key = Key(fed.key)
    if kind.kind == "boolean" and (fed.scale, fed.shift) == (-1.0, 1.0):
        key = Key(fed.key, invert=True)
    elif (fed.scale, fed.shift) != (1.0, 0.0) and unit is None:
        found = _unit_of(fed.scale, fed.shift, kind)
        if found is None:
            return None
        key = Key(fed.key, unit=found)
    words = [list(fed.states)] if kind.kind == "boolean" and len(fed.states) == 2 else []
    return _filled(keys=[_key(key)], words=words, optional=kind.optional)


def _unit_of(scale: float, shift: float, kind: PointType) -> str | None:
    """In which unit a value comes that is converted so; None where it is none that we know."""
    for unit in sorted(units.COMMON_UNITS) if kind.unit else ():
        try:
            if units.linear(unit, str(kind.unit)) == (scale, shift):
                return unit
        except units.UnitError:
            continue
    return None


def _of_type(session: Session, asset_type: str | None) -> Profile | None:
    profiles = load_profiles(session).values()
    return next((one for one in profiles if one.asset_type == asset_type), None)


def seen_of(session: Session, device: Device) -> Sight:
    """What a profile would be told of a device: what it says now, or what its points have."""
    return sight_of(device) if device.state == "waiting" else working_sight(session, device)[0]


def points_of_type(catalog: Catalog, asset_type: str) -> Sequence[PointType]:
    """What a kind of equipment may say, as the catalogue lists it."""
    kind = catalog.get(asset_type)
    return tuple(kind.points.values()) if kind else ()
