"""What a bridge says of its devices: names, units, states, and words for true and false."""

from collections.abc import Iterator, Mapping
from typing import Any

from ingest.dialects.spoken import Described, DescribedPoint
from ingest.dialects.values import known_unit, name_in, says_nothing, sound

_MOST_POINTS = 200
_MOST_STATES = 100


def _features(one: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Each feature that a definition exposes, with the key of its readings."""
    definition = one.get("definition")
    exposed = definition.get("exposes") if isinstance(definition, dict) else None
    waiting: list[tuple[str, Any]] = [("", each) for each in _listed(exposed)]
    found = 0
    while waiting and found < _MOST_POINTS:
        path, each = waiting.pop(0)
        found += 1
        if not isinstance(each, dict):
            continue
        key = each.get("property")
        whole = f"{path}.{key}" if path and isinstance(key, str) else key
        inner = _listed(each.get("features"))
        if inner:
            # Of lights, locks and the like the features are properties of the device itself.
            deeper = str(whole) if each.get("type") == "composite" and key else path
            waiting += [(deeper, feature) for feature in inner]
        elif isinstance(whole, str) and sound(whole) and whole:
            yield whole, each


def _listed(value: Any) -> list[Any]:
    return value[:_MOST_POINTS] if isinstance(value, list) else []


def _states(feature: Mapping[str, Any]) -> tuple[str, ...]:
    listed = _listed(feature.get("values"))[:_MOST_STATES]
    return tuple(each for each in listed if isinstance(each, str) and sound(each))


def known_of(one: Mapping[str, Any]) -> dict[str, Any]:
    """What a source remembers of a device: words for true and false, whether it tells volts, and
    which states it has that elsewhere mean that there is no value: a smoke detector's `unknown`."""
    meant, listed, volts = {}, {}, False
    for key, feature in _features(one):
        pair = [feature.get("value_on"), feature.get("value_off")]
        plain = all(isinstance(each, str | int) for each in pair)
        if feature.get("type") == "binary" and plain and pair not in ([True, False], [1, 0]):
            meant[key] = [sound(each) for each in pair]
        volts |= key == "voltage" and feature.get("unit") == "V"
        if odd := [each for each in _states(feature) if says_nothing(each)]:
            listed[key] = odd
    known = {"words": meant, "volts": volts, "states": listed}
    return {name: value for name, value in known.items() if value}


def description_of(one: Mapping[str, Any]) -> Described:
    """What a bridge says that a device is: names as they are there, and the points it exposes."""
    definition = one.get("definition")
    about = definition if isinstance(definition, dict) else {}
    return Described(
        name_in(one.get("friendly_name")),
        name_in(about.get("vendor")) or name_in(one.get("manufacturer")),
        name_in(about.get("model")) or name_in(one.get("model_id")),
        tuple(_points(one)),
    )


def _points(one: Mapping[str, Any]) -> Iterator[DescribedPoint]:
    kinds = {"binary": "boolean", "numeric": "number", "enum": "state"}
    for key, feature in _features(one):
        kind = kinds.get(str(feature.get("type")))
        access = feature.get("access", 1)
        if kind is None or (isinstance(access, int) and not access & 1):
            continue
        title = name_in(feature.get("label")) or name_in(feature.get("name"))
        states = _states(feature)
        if key == "action":
            yield from (DescribedPoint(each, "event", name=each) for each in states)
            continue
        unit = known_unit(feature.get("unit")) if kind == "number" else None
        yield DescribedPoint(key, kind, unit, states if kind == "state" else (), title)
        if key == "contact":
            yield DescribedPoint("open", "boolean", name="Open", means="opening")
