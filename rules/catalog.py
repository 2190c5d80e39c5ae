"""Asset types and the points each may carry: the vocabulary that rules are checked against."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Literal, cast

from rules import units
from rules.located_yaml import Located, LocatedYamlError, Problem, load, nearest

# An event is told by moments: its readings say that something happened then, and nothing lasts.
PointKind = Literal["number", "boolean", "state", "event"]
KINDS: tuple[PointKind, ...] = ("number", "boolean", "state", "event")
WORDS_OF_EXPRESSIONS = frozenset({"and", "or", "not", "true", "false"})
ANY = "any"

_CODE = re.compile(r"[^\W\d]\w{0,63}")


@dataclass(frozen=True, slots=True)
class Text:
    """An administered name in both languages; either may be empty."""

    en: str = ""
    zh: str = ""

    def get(self, locale: str) -> str:
        """The text for `locale` (`zh`, `zh-CN`, `en`, …), or the other language's."""
        return (self.zh or self.en) if locale.lower().startswith("zh") else (self.en or self.zh)


@dataclass(frozen=True, slots=True)
class PointType:
    """What a point measures: `low` and `high` bound what is physically possible, in `unit`."""

    code: str
    name: Text
    kind: PointKind = "number"
    unit: str | None = None
    low: float | None = None
    high: float | None = None
    states: tuple[str, ...] = ()
    # Few devices have it, so a device that lists no points is not expected to send it.
    optional: bool = False


@dataclass(frozen=True, slots=True)
class AssetType:
    """A kind of equipment and the points it may carry, by their code."""

    code: str
    name: Text
    points: Mapping[str, PointType]

    @property
    def usual_points(self) -> tuple[PointType, ...]:
        """The points that a device of this type sends unless something else is said of it."""
        return tuple(point for point in self.points.values() if not point.optional)


Catalog = Mapping[str, AssetType]

# What Watchkeeper itself tells of assets, from its own records. The value of a moment says which
# category it was; repeats() counts the most frequent one.
TOLD: Mapping[str, PointType] = MappingProxyType(
    {
        each.code: each
        for each in (
            PointType(
                "ticket_opened",
                Text("Ticket opened on it", "新开工单"),
                kind="event",
                optional=True,
            ),
            PointType(
                "checkpoint_scanned",
                Text("Scanned by somebody", "已打点"),
                kind="event",
                optional=True,
            ),
            PointType(
                "scan_refused",
                Text("Scan refused", "打点被拒"),
                kind="event",
                optional=True,
            ),
            PointType(
                "checkpoint_missed",
                Text("Missed on a round", "漏巡"),
                kind="event",
                optional=True,
            ),
        )
    }
)
# What is told of assets of one type alone.
TOLD_OF: Mapping[str, str] = MappingProxyType(
    dict.fromkeys(("checkpoint_scanned", "scan_refused", "checkpoint_missed"), "checkpoint")
)


def told_of(asset_type: str) -> Mapping[str, PointType]:
    """What Watchkeeper itself tells of assets of a type, or of `any`."""
    return {
        code: each for code, each in TOLD.items() if TOLD_OF.get(code, asset_type) == asset_type
    }


def state_number(point_type: PointType, text: str) -> int:
    """The number that stands for state `text`: its place in the point's list, from 0.

    Raises ValueError when the point has no such state.
    """
    try:
        return point_type.states.index(text)
    except ValueError:
        known = ", ".join(point_type.states)
        hint = nearest(text, point_type.states)
        raise ValueError(f"{text!r} is no state of {point_type.code} ({known}){hint}") from None


def state_text(point_type: PointType, number: float) -> str:
    """The state that `number` stands for, or the number itself when the list is shorter."""
    index = int(number)
    return point_type.states[index] if 0 <= index < len(point_type.states) else str(index)


@cache
def shipped_catalog() -> Catalog:
    """The asset types that come with the product."""
    text = files("rules").joinpath("catalog.yaml").read_text(encoding="utf-8")
    return load_catalog(text, "catalog.yaml")


def load_catalog(text: str, filename: str) -> Catalog:
    """Reads a catalogue document. Raises LocatedYamlError with every problem in it."""
    located = load(text, filename)
    types, problems = read_asset_types(located, ())
    if problems:
        raise LocatedYamlError(problems)
    return types


def read_asset_types(
    located: Located, path: tuple[str | int, ...]
) -> tuple[Catalog, list[Problem]]:
    """Asset types from the mapping at `path` of any document, with all its problems."""
    reader = _Reader(located)
    value = located.value
    for part in path:
        value = value[part]
    if value is None:
        return MappingProxyType({}), []
    entries = reader.mapping(path, value)
    types = {code: reader.asset_type((*path, code), code, body) for code, body in entries.items()}
    return MappingProxyType(types), sorted(reader.problems)


def merge(catalog: Catalog, extra: Catalog) -> Catalog:
    """`catalog` with a site's additions: new types, and new or changed points of known types."""
    merged = dict(catalog)
    for code, addition in extra.items():
        known = catalog.get(code)
        points = {**(known.points if known else {}), **addition.points}
        name = addition.name if addition.name != Text() or not known else known.name
        merged[code] = AssetType(code, name, MappingProxyType(points))
    return MappingProxyType(merged)


class _Reader:
    """Turns located plain values into types, collecting problems rather than stopping."""

    def __init__(self, located: Located) -> None:
        self._located = located
        self.problems: list[Problem] = []

    def _refuse(self, path: tuple[str | int, ...], message: str, *, key: bool = False) -> None:
        say = self._located.problem_with_key if key else self._located.problem
        self.problems.append(say(path, message))

    def mapping(self, path: tuple[str | int, ...], value: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            self._refuse(path, "a mapping is expected here")
            return {}
        return {str(key): body for key, body in value.items()}

    def known_keys(self, path: tuple[str | int, ...], value: dict[str, Any], known: str) -> None:
        names = known.split()
        for key in value:
            if key not in names:
                self._refuse((*path, key), f"unknown key {key!r}{nearest(key, names)}", key=True)

    def asset_type(self, path: tuple[str | int, ...], code: str, body: Any) -> AssetType:
        self._check_code(path, code, reserved={ANY})
        body = self.mapping(path, body)
        self.known_keys(path, body, "name points")
        points = self.mapping((*path, "points"), body.get("points") or {})
        return AssetType(
            code,
            self.text((*path, "name"), body.get("name")),
            MappingProxyType(
                {name: self.point((*path, "points", name), name, p) for name, p in points.items()}
                | dict(told_of(code))
            ),
        )

    def _check_code(self, path: tuple[str | int, ...], code: str, reserved: set[str]) -> None:
        if not _CODE.fullmatch(code) or code in reserved | WORDS_OF_EXPRESSIONS:
            message = f"{code!r} can't be a name: use letters, digits and _, no reserved word"
            self._refuse(path, message, key=True)

    def text(self, path: tuple[str | int, ...], value: Any) -> Text:
        if value is None:
            return Text()
        if isinstance(value, str):
            return Text(en=value)
        body = self.mapping(path, value)
        self.known_keys(path, body, "en zh")
        return Text(str(body.get("en") or ""), str(body.get("zh") or ""))

    def point(self, path: tuple[str | int, ...], code: str, body: Any) -> PointType:
        self._check_code(path, code, reserved=set(TOLD))
        body = self.mapping(path, body)
        self.known_keys(path, body, "name kind unit range states optional")
        low, high = self._range((*path, "range"), body.get("range"))
        return PointType(
            code=code,
            name=self.text((*path, "name"), body.get("name")),
            kind=self._kind((*path, "kind"), body.get("kind", "number")),
            unit=self._unit(path, body),
            low=low,
            high=high,
            states=self._states(path, body),
            optional=self._optional((*path, "optional"), body.get("optional", False)),
        )

    def _kind(self, path: tuple[str | int, ...], kind: Any) -> PointKind:
        if kind not in KINDS:
            self._refuse(path, f"kind must be one of {', '.join(KINDS)}")
            return "number"
        return cast(PointKind, kind)

    def _optional(self, path: tuple[str | int, ...], value: Any) -> bool:
        if not isinstance(value, bool):
            self._refuse(path, "optional must be true or false")
        return value is True

    def _unit(self, path: tuple[str | int, ...], body: dict[str, Any]) -> str | None:
        unit = body.get("unit")
        if unit is None:
            return None
        if body.get("kind", "number") != "number":
            self._refuse((*path, "unit"), "only a number can have a unit")
            return None
        try:
            units.require(str(unit))
        except units.UnitError as error:
            self._refuse((*path, "unit"), str(error))
            return None
        return str(unit)

    def _range(self, path: tuple[str | int, ...], value: Any) -> tuple[float | None, float | None]:
        if value is None:
            return None, None
        if not (isinstance(value, list) and len(value) == 2 and all(map(_is_number, value))):
            self._refuse(path, "range must be two numbers: [lowest, highest]")
            return None, None
        low, high = value
        if low >= high:
            self._refuse(path, "the lowest value must be below the highest")
        return float(low), float(high)

    def _states(self, path: tuple[str | int, ...], body: dict[str, Any]) -> tuple[str, ...]:
        states = body.get("states")
        if body.get("kind") != "state":
            if states is not None:
                self._refuse((*path, "states"), "only a point of kind state has states", key=True)
            return ()
        if not isinstance(states, list) or not states:
            self._refuse((*path, "states"), "a point of kind state needs its list of states")
            return ()
        texts = tuple(str(state) for state in states)
        if len(set(texts)) != len(texts):
            self._refuse((*path, "states"), "a state stands twice")
        return texts


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
