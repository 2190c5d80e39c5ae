"""Adoption: a device that spoke before anybody knew it gets its asset and its points."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import events
from core.administration.assets import NewAsset, asset_problems, create_asset
from core.administration.points import NewPoint, point_problems, write_points
from core.devices import DEVICE, Device
from core.errors import Invalid
from core.lifecycle import move
from core.places import Asset
from core.site_file import load_catalog
from rules.catalog import AssetType, Catalog, PointType

# What devices commonly call things, beside the catalogue's own words.
_OTHER_WORDS: Mapping[str, str] = MappingProxyType(
    {
        "temp": "temperature",
        "t": "temperature",
        "hum": "humidity",
        "rh": "humidity",
        "h": "humidity",
        "batt": "battery",
        "bat": "battery",
        "press": "pressure",
        "vib": "vibration",
        "run": "running",
        "state": "running",
        "on": "running",
        "contact": "open",
        "water": "leak",
        "alarm": "smoke",
        "lvl": "level",
        "volt": "voltage",
        "u": "voltage",
        "amp": "current",
        "i": "current",
        "p": "power",
        "signal": "rssi",
    }
)
_EXACT, _MEANT, _PART = 4, 3, 2
_WORD = re.compile(r"[a-z]+|\d+")


@dataclass(frozen=True, slots=True)
class SuggestedPoint:
    """A key that the device sent, and the point it may feed; code is None where none fits."""

    key: str
    value: Any
    code: str | None
    kind: str
    unit: str | None = None
    low: float | None = None
    high: float | None = None
    states: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What a waiting device probably is; only a person makes it so.

    asset_id: an asset of that code stands already. asset_type: None where nothing fits.
    """

    asset_code: str
    asset_id: UUID | None
    asset_type: str | None
    points: tuple[SuggestedPoint, ...]


def suggest(session: Session, device: Device) -> Suggestion:
    """Guess asset type and points from what the device said last."""
    sample = {key: value for key, value in (device.last_sample or {}).items() if key != "ts"}
    catalog = load_catalog(session)
    code = re.sub(r"[^\w.-]+", "-", device.code)[:60].lstrip(".-") or "device"
    asset = session.scalars(
        select(Asset).where(Asset.site_id == device.site_id, Asset.code == code)
    ).first()
    kind = catalog.get(asset.type) if asset else _best_type(catalog, sample)
    matches = _match(kind, sample)[1] if kind else {}
    return Suggestion(
        asset_code=code,
        asset_id=asset.id if asset else None,
        asset_type=kind.code if kind else None,
        points=tuple(_suggested(key, value, matches.get(key)) for key, value in sample.items()),
    )


def _best_type(catalog: Catalog, sample: Mapping[str, Any]) -> AssetType | None:
    """The type that explains most of the keys; of equals, the first in the catalogue."""
    scored = [(_match(kind, sample)[0], kind) for kind in catalog.values()]
    best = max(scored, key=lambda item: item[0], default=None)
    return best[1] if best and best[0] > 0 else None


def _match(kind: AssetType, sample: Mapping[str, Any]) -> tuple[int, dict[str, PointType]]:
    """How well a type explains the keys, and which point each of them would feed."""
    pairs = [
        (_likeness(key, point.code), key, point)
        for key, value in sample.items()
        for point in kind.points.values()
        if _could_be(value, point)
    ]
    total, matches, taken = 0, {}, set()
    for score, key, point in sorted(pairs, key=lambda pair: -pair[0]):
        if score and key not in matches and point.code not in taken:
            matches[key] = point
            taken.add(point.code)
            total += score
    return total, matches


def _words(name: str) -> list[str]:
    split = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
    return [_OTHER_WORDS.get(word, word) for word in _WORD.findall(split)]


def _likeness(key: str, code: str) -> int:
    if key.lower() == code:
        return _EXACT
    said, known = _words(key), _words(code)
    if said == known:
        return _MEANT
    return _PART if said and set(said) & set(known) and said[-1] == known[-1] else 0


def _could_be(value: Any, point: PointType) -> bool:
    if isinstance(value, bool):
        return point.kind in ("boolean", "event")
    if isinstance(value, str):
        return value in point.states
    if not isinstance(value, int | float):
        return False
    if point.kind == "boolean":
        return value in (0, 1)
    low = -float("inf") if point.low is None else point.low
    high = float("inf") if point.high is None else point.high
    return point.kind == "number" and low <= value <= high


def _suggested(key: str, value: Any, point: PointType | None) -> SuggestedPoint:
    if point is None:
        kind = "boolean" if isinstance(value, bool) else "state" if isinstance(value, str) else ""
        return SuggestedPoint(key, value, None, kind or "number")
    return SuggestedPoint(
        key, value, point.code, point.kind, point.unit, point.low, point.high, point.states
    )


def adopt(
    session: Session,
    device: Device,
    *,
    asset: Asset | NewAsset,
    points: Sequence[NewPoint],
    actor: events.Actor,
    now: datetime,
) -> Device:
    """Give a waiting device its asset and its points; judging starts now.

    What it said while it waited stands in quarantine and becomes history. Conflict unless it
    waits, Invalid with every problem at once.
    """
    DEVICE.target("adopt", device.state)
    kind = load_catalog(session).get(asset.type)
    problems = _problems(session, device, asset, kind, points)
    if problems or kind is None:
        raise Invalid(
            f"device {device.code!r} was not adopted",
            problems=problems,
            advice="Correct them and adopt it again; until then it keeps waiting.",
        )
    if isinstance(asset, NewAsset):
        asset = create_asset(session, device.site_id, asset, actor=actor, now=now)
    written = write_points(session, device, asset, kind, points)
    values = {"asset_id": asset.id, "last_sample": None}
    facts = {"asset": str(asset.id), "points": [str(point.id) for point in written]}
    move(
        session,
        device,
        DEVICE,
        "adopt",
        actor=actor,
        learned_at=now,
        values=values,
        facts=facts,
    )
    return device


def _problems(
    session: Session,
    device: Device,
    asset: Asset | NewAsset,
    kind: AssetType | None,
    points: Sequence[NewPoint],
) -> list[str]:
    if isinstance(asset, NewAsset):
        problems = [f"asset.{fault}" for fault in asset_problems(session, device.site_id, asset)]
        standing = None
    else:
        problems = [] if asset.site_id == device.site_id else ["asset: is on another site"]
        if kind is None:
            problems.append(f"asset: its type {asset.type!r} is in no catalogue")
        standing = asset
    if not points:
        problems.append("points: choose at least one")
    return problems + point_problems(session, device, kind, standing, points)
