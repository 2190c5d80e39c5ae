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
from core.errors import Invalid, NotFound
from core.lifecycle import move
from core.places import Asset
from core.profiles import Battery, Feed, Fit, Said, Sight, best_fit, fit_of
from core.profiles.own import load_profiles
from core.site_file import load_catalog
from rules.catalog import AssetType, Catalog, PointType
from rules.wording import worded

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


class NothingFits(Invalid):
    """Nobody can tell from what a device says what it is."""


class NoSuchProfile(NotFound):
    """Somebody names a profile that is not there."""

    def __init__(self, profile: str) -> None:
        super().__init__(
            worded("there is no profile %(profile)s", profile=repr(profile)),
            advice=worded("Choose one of the list."),
        )
        self.profile = profile


@dataclass(frozen=True, slots=True)
class SuggestedPoint:
    """A key that the device sent, and the point it may feed; code is None where none fits.

    value: as sent; None where it was only described. scale, shift: what it says, times scale and
    plus shift, is the value. words: what it writes for no and for yes. expected_interval: seconds.
    """

    key: str
    value: Any
    code: str | None
    kind: str
    unit: str | None = None
    low: float | None = None
    high: float | None = None
    states: tuple[str, ...] = ()
    scale: float | None = None
    shift: float | None = None
    expected_interval: float | None = None

    @property
    def reading(self) -> float | None:
        """What its point would read now; None where it says nothing that it could."""
        value = self.value
        if isinstance(value, str):
            value = self.states.index(value) if value in self.states else None
        if not isinstance(value, int | float):
            return None
        scale = 1.0 if self.scale is None else self.scale
        return float(value) * scale + (self.shift or 0.0)

    def new(self) -> NewPoint:
        """The point as it would be made."""
        return NewPoint(
            key=self.key,
            code=self.code or "",
            states=self.states if self.kind == "boolean" else None,
            expected_interval=self.expected_interval,
            scale=self.scale,
            shift=self.shift,
        )


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What a waiting device probably is; only a person makes it so.

    asset_id: an asset of that code stands already. asset_type: None where nothing fits. profile:
    its id, where one fits. name: as the device calls itself, in both languages. rules: ids of
    those that would watch it.
    """

    asset_code: str
    asset_id: UUID | None
    asset_type: str | None
    points: tuple[SuggestedPoint, ...]
    name: Mapping[str, str]
    maker: str = ""
    model: str = ""
    profile: str | None = None
    battery: Battery | None = None
    rules: tuple[str, ...] = ()

    @property
    def ready(self) -> bool:
        """Whether it can be adopted as it stands."""
        return self.asset_type is not None and any(point.code for point in self.points)


def sight_of(device: Device) -> Sight:
    """What is seen of a device: what it says of itself, and what it said last."""
    described = device.described or {}
    sample = {key: value for key, value in (device.last_sample or {}).items() if key != "ts"}
    told = {str(one["key"]): one for one in described.get("points") or () if one.get("key")}
    values = tuple(
        Said(
            key,
            sample.get(key),
            kind=told.get(key, {}).get("kind"),
            unit=told.get(key, {}).get("unit"),
            means=told.get(key, {}).get("means"),
            states=tuple(told.get(key, {}).get("states") or ()),
            interval=told.get(key, {}).get("interval"),
        )
        for key in (*sample, *(key for key in told if key not in sample))
    )
    maker, model = str(described.get("maker") or ""), str(described.get("model") or "")
    return Sight(device.code, maker, model, values)


def suggest(session: Session, device: Device, *, profile: str | None = None) -> Suggestion:
    """What a device probably is: by the profile that fits it, else guessed from its words.

    profile: of which somebody says that it is. NotFound where there is no such profile.
    """
    catalog, profiles = load_catalog(session), load_profiles(session)
    sight = sight_of(device)
    code = re.sub(r"[^\w.-]+", "-", device.code)[:60].lstrip(".-") or "device"
    asset = session.scalars(
        select(Asset).where(Asset.site_id == device.site_id, Asset.code == code)
    ).first()
    if profile is not None:
        if profile not in profiles:
            raise NoSuchProfile(profile)
        fit = fit_of(profiles[profile], catalog, sight, chosen=True)
    else:
        kind_of = asset.type if asset else None
        fit = best_fit(profiles.values(), catalog, sight, asset_type=kind_of)
    sample = {value.key: value.value for value in sight.values if value.value is not None}
    kind = catalog.get(asset.type if asset else fit.profile.asset_type if fit else "")
    if kind is None and asset is None and fit is None:
        kind = _best_type(catalog, sample)
    # What a person chose for an asset of another kind feeds nothing of it.
    feeds = fit.feeds if fit and kind and fit.profile.asset_type == kind.code else {}
    rest = {key: value for key, value in sample.items() if key not in feeds}
    taken = {feed.code for feed in feeds.values()}
    guessed = {
        key: point
        for key, point in (_match(kind, rest)[1] if kind else {}).items()
        if point.code not in taken
    }
    called = str((device.described or {}).get("name") or "").strip()[:120] or device.code
    return Suggestion(
        asset_code=code,
        asset_id=asset.id if asset else None,
        asset_type=kind.code if kind else None,
        points=tuple(
            _suggested(value, kind, feeds.get(value.key), guessed.get(value.key), fit)
            for value in sight.values
        ),
        name={"en": called, "zh": called},
        maker=sight.maker,
        model=sight.model,
        profile=fit.profile.id if fit else None,
        battery=fit.battery if fit else None,
        rules=fit.profile.rules if fit else (),
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


def _suggested(
    said: Said, kind: AssetType | None, feed: Feed | None, guess: PointType | None, fit: Fit | None
) -> SuggestedPoint:
    point = kind.points.get(feed.code) if kind and feed else guess
    if point is None:
        told = "boolean" if isinstance(said.value, bool) else said.kind or "number"
        plain = "state" if isinstance(said.value, str) else told
        return SuggestedPoint(said.key, said.value, None, plain)
    converted = feed is not None and (feed.scale, feed.shift) != (1.0, 0.0)
    return SuggestedPoint(
        said.key,
        said.value,
        point.code,
        point.kind,
        point.unit,
        point.low,
        point.high,
        point.states or (feed.words if feed else ()),
        feed.scale if feed and converted else None,
        feed.shift if feed and converted else None,
        _interval(said, point, fit),
    )


def _interval(said: Said, point: PointType, fit: Fit | None) -> float | None:
    """How often a value is expected: as it says itself, else as its profile does. Those who
    describe themselves by classes send yes and no, and states, when they change, which may be
    never."""
    if said.interval is not None and point.kind != "event":
        return said.interval
    if fit is None or point.kind == "event" or (said.means and point.kind != "number"):
        return None
    return fit.profile.interval


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
            worded("device %(code)s was not adopted", code=repr(device.code)),
            problems=problems,
            advice=worded("Correct them and adopt it again; until then it keeps waiting."),
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


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person says of a proposal. name: None for the proposed one."""

    profile: str | None = None
    name: Mapping[str, str] | None = None
    space_id: UUID | None = None


def adopt_as_proposed(
    session: Session, device: Device, wish: Wish, *, actor: events.Actor, now: datetime
) -> Device:
    """Adopt a device as what it probably is. NothingFits: then a person chooses."""
    DEVICE.target("adopt", device.state)
    found = suggest(session, device, profile=wish.profile)
    if not found.ready or found.asset_type is None:
        raise NothingFits(
            worded("device %(code)s was not adopted", code=repr(device.code)),
            problems=[worded("profile: nothing that it says fits one")],
            advice=worded("Choose its profile, or say by hand what each of its values means."),
        )
    name = dict(wish.name or found.name)
    asset: Asset | NewAsset
    if found.asset_id is not None:
        asset = session.get_one(Asset, found.asset_id)
    else:
        asset = NewAsset(found.asset_code, found.asset_type, name, wish.space_id)
    points = [point.new() for point in found.points if point.code]
    if not device.name:
        device.name = name
    return adopt(session, device, asset=asset, points=points, actor=actor, now=now)


def _problems(
    session: Session,
    device: Device,
    asset: Asset | NewAsset,
    kind: AssetType | None,
    points: Sequence[NewPoint],
) -> list[str]:
    if isinstance(asset, NewAsset):
        faults = asset_problems(session, device.site_id, asset)
        problems = [worded("asset.%(fault)s", fault=fault) for fault in faults]
        standing = None
    else:
        problems = [] if asset.site_id == device.site_id else [worded("asset: is on another site")]
        if kind is None:
            problems.append(
                worded("asset: its type %(type)s is in no catalogue", type=repr(asset.type))
            )
        standing = asset
    if not points:
        problems.append(worded("points: choose at least one"))
    return problems + point_problems(session, device, kind, standing, points)
