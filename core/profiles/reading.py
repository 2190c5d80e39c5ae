"""Profiles out of YAML, with every problem at its place."""

import re
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

from core.profiles.model import Battery, Key, Known, Profile, ProfilePoint, Profiles
from rules import units
from rules.catalog import Catalog, PointType, Text, shipped_catalog
from rules.durations import SECOND, DurationError, parse_duration
from rules.located_yaml import Located, LocatedYamlError, Problem, load, nearest
from rules.wording import worded

ID = re.compile(r"[a-z0-9][a-z0-9-]{0,59}")
_CELL = re.compile(r"[A-Za-z0-9][A-Za-z0-9 .-]{0,19}")
_MOST = 200
_LONGEST = 120

Path = tuple[str | int, ...]


@cache
def shipped_profiles() -> Profiles:
    """The profiles that come with the product, by id, in the order in which they are tried."""
    found: dict[str, Profile] = {}
    folder = files("core").joinpath("profiles/shipped")
    for file in sorted(folder.iterdir(), key=lambda one: one.name):
        if file.name.endswith(".yaml"):
            text = file.read_text(encoding="utf-8")
            found |= read_profiles(text, file.name, shipped_catalog())
    return MappingProxyType(found)


def read_profiles(text: str, filename: str, catalog: Catalog, *, own: bool = False) -> Profiles:
    """The profiles of a document. Raises LocatedYamlError with every problem in it."""
    reader = _Reader(load(text, filename), catalog, own)
    found = reader.profiles()
    if reader.problems:
        raise LocatedYamlError(sorted(reader.problems))
    return found


def read_profile(text: str, code: str, catalog: Catalog, *, own: bool = False) -> Profile:
    """One profile, written as under its id. Raises LocatedYamlError with every problem in it."""
    located = load(text, code)
    reader = _Reader(located, catalog, own)
    found = reader.profile((), code, located.value)
    if reader.problems:
        raise LocatedYamlError(sorted(reader.problems))
    return found


class _Reader:
    """Turns located plain values into profiles, collecting problems rather than stopping."""

    def __init__(self, located: Located, catalog: Catalog, own: bool) -> None:
        self._located = located
        self._catalog = catalog
        self._own = own
        self.problems: list[Problem] = []

    def profiles(self) -> Profiles:
        body = self._mapping((), self._located.value)
        found = {code: self.profile((code,), code, value) for code, value in body.items()}
        return MappingProxyType(found)

    def _refuse(self, path: Path, message: str) -> None:
        self.problems.append(self._located.problem(path, message))

    def _mapping(self, path: Path, value: Any) -> dict[str, Any]:
        if isinstance(value, dict):
            return {str(key): body for key, body in value.items()}
        self._refuse(path, worded("a mapping is expected here"))
        return {}

    def _only(self, path: Path, value: Mapping[str, Any], known: str) -> None:
        names = known.split()
        for key in value:
            if key not in names:
                where = self._located.problem_with_key
                message = worded("unknown key '%(key)s'%(hint)s", key=key, hint=nearest(key, names))
                self.problems.append(where((*path, key), message))

    def _list(self, path: Path, value: Any) -> list[Any]:
        if value is None:
            return []
        if not isinstance(value, list) or len(value) > _MOST:
            self._refuse(path, worded("a list of at most %(most)s is expected here", most=_MOST))
            return []
        return value

    def _texts(self, path: Path, value: Any) -> tuple[str, ...]:
        found = []
        for number, one in enumerate(self._list(path, value)):
            text = str(one) if isinstance(one, str | int) and not isinstance(one, bool) else ""
            if 0 < len(text) <= _LONGEST:
                found.append(text)
            else:
                self._refuse(
                    (*path, number),
                    worded("a text of 1 to %(longest)s characters", longest=_LONGEST),
                )
        return tuple(found)

    def profile(self, path: Path, code: str, value: Any) -> Profile:
        """The profile that stands at a path."""
        if not ID.fullmatch(code):
            message = worded("the short name: small letters, digits and -, at most 60")
            self.problems.append(self._located.problem_with_key(path, message))
        body = self._mapping(path, value)
        self._only(path, body, "name known asset points interval battery rules needs beside")
        points = self._points(path, body)
        return Profile(
            id=code,
            name=self._name((*path, "name"), body.get("name")),
            asset_type=str(body.get("asset")),
            points=points,
            known=tuple(
                self._known((*path, "known", number), one)
                for number, one in enumerate(self._list((*path, "known"), body.get("known")))
            ),
            interval=self._interval((*path, "interval"), body.get("interval")),
            battery=self._battery((*path, "battery"), body.get("battery")),
            rules=self._texts((*path, "rules"), body.get("rules")),
            needs=self._count((*path, "needs"), body.get("needs", 1)),
            beside=self._flag((*path, "beside"), body.get("beside", False)),
            own=self._own,
        )

    def _name(self, path: Path, value: Any) -> Text:
        if isinstance(value, str):
            return Text(en=value)
        body = self._mapping(path, value)
        self._only(path, body, "en zh")
        name = Text(str(body.get("en") or ""), str(body.get("zh") or ""))
        if name == Text():
            self._refuse(path, worded("a name is needed, {en: …, zh: …}"))
        return name

    def _known(self, path: Path, value: Any) -> Known:
        body = self._mapping(path, value)
        self._only(path, body, "maker model code battery")
        known = Known(
            maker=str(body.get("maker") or ""),
            model=self._texts((*path, "model"), body.get("model")),
            code=self._texts((*path, "code"), body.get("code")),
            battery=self._battery((*path, "battery"), body.get("battery")),
        )
        if not known.model and not known.code:
            self._refuse(path, worded("a model, or a pattern of codes, is needed"))
        return known

    def _points(self, path: Path, body: Mapping[str, Any]) -> Mapping[str, ProfilePoint]:
        asset_type = body.get("asset")
        known = self._catalog.get(str(asset_type))
        if known is None:
            hint = nearest(str(asset_type), list(self._catalog))
            self._refuse(
                (*path, "asset"),
                worded("unknown asset type '%(type)s'%(hint)s", type=asset_type, hint=hint),
            )
        points = self._mapping((*path, "points"), body.get("points"))
        if not points:
            self._refuse((*path, "points"), worded("at least one point is needed"))
        found = {}
        for code, value in points.items():
            place = (*path, "points", code)
            kind = known.points.get(code) if known else None
            if known and kind is None:
                hint = nearest(code, list(known.points))
                self._refuse(
                    place,
                    worded(
                        "%(type)s has no point '%(code)s'%(hint)s",
                        type=known.code,
                        code=code,
                        hint=hint,
                    ),
                )
            found[code] = self._point(place, code, value, kind)
        return MappingProxyType(found)

    def _point(self, path: Path, code: str, value: Any, kind: PointType | None) -> ProfilePoint:
        body = self._mapping(path, value)
        self._only(path, body, "keys means words optional")
        keys = tuple(
            self._key((*path, "keys", number), one, kind)
            for number, one in enumerate(self._list((*path, "keys"), body.get("keys")))
        )
        if not keys:
            self._refuse(path, worded("at least one key is needed"))
        words = self._list((*path, "words"), body.get("words"))
        if words and kind and kind.kind != "boolean":
            self._refuse(
                (*path, "words"), worded("words are for yes and no; %(code)s is none", code=code)
            )
        return ProfilePoint(
            code=code,
            keys=keys,
            means=self._texts((*path, "means"), body.get("means")),
            words=tuple(self._pairs((*path, "words"), words)),
            optional=self._flag((*path, "optional"), body.get("optional", False)),
        )

    def _pairs(self, path: Path, words: Iterable[Any]) -> Iterable[tuple[str, str]]:
        for number, pair in enumerate(words):
            texts = self._texts((*path, number), pair)
            if len(texts) == 2 and texts[0] != texts[1]:
                yield texts[0], texts[1]
            else:
                self._refuse(
                    (*path, number), worded("two words: the one for no, then the one for yes")
                )

    def _key(self, path: Path, value: Any, kind: PointType | None) -> Key:
        if isinstance(value, str) and 0 < len(value) <= _LONGEST:
            return Key(value)
        body = self._mapping(path, value)
        self._only(path, body, "key invert unit")
        pattern = body.get("key")
        if not isinstance(pattern, str) or not 0 < len(pattern) <= _LONGEST:
            self._refuse(path, worded("a key of 1 to %(longest)s characters", longest=_LONGEST))
        key = Key(
            str(pattern),
            self._flag((*path, "invert"), body.get("invert", False)),
            str(body["unit"]) if body.get("unit") is not None else None,
        )
        if kind and key.invert and kind.kind != "boolean":
            self._refuse((*path, "invert"), worded("only yes and no turn round; this is none"))
        if kind and key.unit is not None:
            self._check_unit((*path, "unit"), key.unit, kind)
        return key

    def _check_unit(self, path: Path, unit: str, kind: PointType) -> None:
        if kind.unit is None:
            self._refuse(path, worded("%(code)s has no unit", code=kind.code))
            return
        try:
            units.linear(unit, kind.unit)
        except units.UnitError as error:
            self._refuse(path, error.message)

    def _battery(self, path: Path, value: Any) -> Battery | None:
        if value is None:
            return None
        body = self._mapping(path, value)
        self._only(path, body, "cell count")
        cell = str(body.get("cell") or "")
        if not _CELL.fullmatch(cell):
            self._refuse(path, worded("cell: the type as people order it, such as CR2032"))
        return Battery(cell, self._count((*path, "count"), body.get("count", 1)))

    def _count(self, path: Path, value: Any) -> int:
        if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 100:
            return value
        self._refuse(path, worded("a whole number from 1 to 100"))
        return 1

    def _flag(self, path: Path, value: Any) -> bool:
        if not isinstance(value, bool):
            self._refuse(path, worded("true or false"))
        return value is True

    def _interval(self, path: Path, value: Any) -> float | None:
        if value is None:
            return None
        try:
            return parse_duration(str(value)) / SECOND
        except DurationError as error:
            self._refuse(path, error.message)
            return None
