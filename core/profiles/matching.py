"""Which profile a device fits, by what it says of itself and by what it sends."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from core.profiles.model import Battery, Key, Known, Profile, ProfilePoint
from rules import units
from rules.catalog import Catalog, PointType

# A model that is known leaves no doubt; codes that makers give nearly none; the rest is evidence.
_BY_MODEL, _BY_CODE, _BY_KIND, _BY_VALUE = 10_000, 5_000, 1_000, 10
# What parts words, of any script: home-made boxes call their values 温度 and 湿度.
_BETWEEN = re.compile(r"[\W_]+")


@dataclass(frozen=True, slots=True)
class Said:
    """A value that a device sends. value: the last one, None where it was only described.

    kind, unit, means, interval (seconds): as the device, or its bridge, describes it.
    """

    key: str
    value: Any = None
    kind: str | None = None
    unit: str | None = None
    means: str | None = None
    states: tuple[str, ...] = ()
    interval: float | None = None


@dataclass(frozen=True, slots=True)
class Sight:
    """What is seen of a device: its code, what it calls itself, and its values."""

    code: str
    maker: str = ""
    model: str = ""
    values: tuple[Said, ...] = ()


@dataclass(frozen=True, slots=True)
class Feed:
    """How a value becomes the reading of a point: value × scale + shift.

    words: what it writes for no and for yes.
    """

    code: str
    scale: float = 1.0
    shift: float = 0.0
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Fit:
    """A profile that a device fits, and what each of its keys feeds then."""

    profile: Profile
    score: int
    feeds: Mapping[str, Feed] = field(default_factory=dict)
    known: Known | None = None

    @property
    def battery(self) -> Battery | None:
        """What is in this model, or in most of its kind."""
        return (self.known and self.known.battery) or self.profile.battery


def best_fit(
    profiles: Iterable[Profile], catalog: Catalog, sight: Sight, *, asset_type: str | None = None
) -> Fit | None:
    """The profile that a device fits best; of equals the first. asset_type: no other than that."""
    best = None
    for profile in profiles:
        if asset_type is not None and profile.asset_type != asset_type:
            continue
        fit = fit_of(profile, catalog, sight)
        if fit is not None and (best is None or fit.score > best.score):
            best = fit
    return best


def fit_of(profile: Profile, catalog: Catalog, sight: Sight, *, chosen: bool = False) -> Fit | None:
    """How well a device fits a profile; None where it is of another kind.

    chosen: a person says that it is of this kind, so that it is, whatever speaks for it.
    """
    kind = catalog.get(profile.asset_type)
    if kind is None:
        return None
    feeds = _feeds(profile, kind.points, sight.values)
    evidence = _BY_VALUE * len(feeds)
    known, certainty = known_as(profile, sight)
    if known is not None:
        return Fit(profile, certainty + evidence, feeds, known)
    fed = {feed.code for feed in feeds.values()}
    needed = {point.code for point in profile.points.values() if not point.optional}
    if not chosen and (not needed <= fed or len(fed) < profile.needs):
        return None
    return Fit(profile, evidence + (0 if profile.beside else _BY_KIND), feeds)


def known_as(profile: Profile, sight: Sight) -> tuple[Known | None, int]:
    """The model that a device says it is, and how certain that is; (None, 0) for another."""
    best: tuple[Known | None, int] = (None, 0)
    said = f" {_plain(f'{sight.maker} {sight.model}')} "
    code = sight.code.casefold()
    for known in profile.known:
        for model in known.model:
            # Two makers may use the same word; who is named as well counts more.
            word = _plain(model)
            # Of signs alone nothing is left, which would stand in everything.
            if word and f" {word} " in said:
                named = 100 if f" {_plain(known.maker)} " in said else 0
                best = max(best, (known, _BY_MODEL + named + len(model)), key=lambda one: one[1])
        for pattern in known.code:
            if _pattern(pattern).fullmatch(_plain(code)):
                best = max(best, (known, _BY_CODE + len(pattern)), key=lambda one: one[1])
    return best


def code_patterns(profiles: Iterable[Profile], code: str) -> frozenset[str]:
    """Which patterns of codes fit a code: all that a code says of what its device is."""
    plain = _plain(code)
    patterns = (one for profile in profiles for known in profile.known for one in known.code)
    return frozenset(one for one in patterns if _pattern(one).fullmatch(plain))


def _plain(text: str) -> str:
    return _BETWEEN.sub(" ", text.casefold()).strip()


@lru_cache(maxsize=4096)
def _pattern(text: str) -> re.Pattern[str]:
    """A pattern of keys or codes, whatever stands between their words."""
    first, *rest = (re.escape(_plain(part)) for part in text.split("*"))
    if not rest:
        return re.compile(first)
    # The first place where a part stands is as good as any later one, so none is tried again: a
    # pattern of many asterisks would take hours to say no.
    *between, last = rest
    return re.compile(f"{first}{''.join(f'(?>.*?{part})' for part in between)}.*{last}")


def _feeds(
    profile: Profile, points: Mapping[str, PointType], values: Iterable[Said]
) -> dict[str, Feed]:
    """What each key feeds: keys that are named go before device classes; one key, one point."""
    said = list(values)
    feeds: dict[str, Feed] = {}
    fed = set[str]()
    for by_key in (True, False):
        for point in profile.points.values():
            kind = points.get(point.code)
            if kind is None or point.code in fed:
                continue
            for value, key in _candidates(point, said, by_key=by_key):
                feed = None if value.key in feeds else feed_of(point, key, value, kind)
                if feed is not None:
                    feeds[value.key] = feed
                    fed.add(point.code)
                    break
    return feeds


def _candidates(
    point: ProfilePoint, said: Iterable[Said], *, by_key: bool
) -> Iterable[tuple[Said, Key]]:
    values = list(said)
    if not by_key:
        yield from ((value, Key(value.key)) for value in values if value.means in point.means)
        return
    for key in point.keys:
        pattern = _pattern(key.pattern)
        yield from ((value, key) for value in values if pattern.fullmatch(_plain(value.key)))


def feed_of(point: ProfilePoint, key: Key, said: Said, kind: PointType) -> Feed | None:
    """How a value feeds a point; None where it can't be one of it."""
    scale, shift = 1.0, 0.0
    if kind.kind == "number":
        unit = said.unit or key.unit
        if unit and kind.unit and unit != kind.unit:
            try:
                scale, shift = units.linear(unit, kind.unit)
            except units.UnitError:
                return None
        return Feed(point.code, scale, shift) if _is_number(said, kind, scale, shift) else None
    if kind.kind in ("boolean", "event"):
        words = _words(point, said)
        if words is None:
            return None
        if key.invert and words:
            words = words[::-1]
        elif key.invert:
            scale, shift = -1.0, 1.0
        return Feed(point.code, scale, shift, words)
    return Feed(point.code) if _is_state(said, kind) else None


def _is_number(said: Said, kind: PointType, scale: float, shift: float) -> bool:
    if said.value is None:
        return said.kind in (None, "number")
    if isinstance(said.value, bool) or not isinstance(said.value, int | float):
        return False
    value = said.value * scale + shift
    low = -float("inf") if kind.low is None else kind.low
    high = float("inf") if kind.high is None else kind.high
    return low <= value <= high


def _words(point: ProfilePoint, said: Said) -> tuple[str, ...] | None:
    """What a value writes for no and yes: () where it is true and false; None where neither."""
    value = said.value
    if isinstance(value, str) or (value is None and said.states):
        known = {value} if isinstance(value, str) else set(said.states)
        return next((pair for pair in point.words if known <= set(pair)), None)
    if value is None:
        return () if said.kind in (None, "boolean", "event") else None
    return () if value in (0, 1) else None


def _is_state(said: Said, kind: PointType) -> bool:
    if said.value is not None:
        return said.value in kind.states
    return bool(said.states) and set(said.states) <= set(kind.states)
