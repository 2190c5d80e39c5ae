"""Homie 3 and 4 (homieiot/convention v3.0.1, v4.0.0): each attribute stands on a topic of its own.

Topics are `<base>/<device>/<node>/<property>`. Attributes begin with `$` and come in any order, so
that they are collected as the document that they would be in Homie 5.
"""

from collections.abc import Mapping
from typing import Any

from ingest.decoding import Problem
from ingest.dialects.homie.properties import (
    DATATYPES,
    UNKNOWN,
    USUAL,
    Device,
    Kind,
    kind_of,
    name_of,
    points_of,
    properties_of,
    property_of,
    told_of,
)
from ingest.dialects.naming import named
from ingest.dialects.spoken import Decoded, Described, ForeignSource, Result, Spoken, Told
from ingest.dialects.values import health, name_in, number_in, sound, words

# What the source remembers under this and a device: the version that it names, or "", its name, its
# firmware, and its nodes as in Homie 5. Whoever named no version and no state is none of Homie's.
ABOUT = "about/"
_ONLINE = {
    "init": None, "ready": True, "alert": True, "sleeping": True, "disconnected": False,
    "lost": False,
}  # fmt: skip
_MOST_ATTRIBUTES = 2_000
_OF_NODES = {"$name": "name", "$type": "type"}
_OF_PROPERTIES = {
    "$name": "name", "$datatype": "datatype", "$unit": "unit", "$format": "format",
    "$retained": "retained",
}  # fmt: skip


def decode(source: ForeignSource, topic: str, payload: bytes, memory: Mapping[str, Any]) -> Result:
    """What a message tells; None for what is to be set, broadcasts, and what isn't Homie's."""
    levels = topic.split("/")
    place = _base(source.topic_filter)
    if len(levels) < place + 2 or not all(levels[place:]) or levels[place].startswith("$"):
        return None
    name = name_of(levels[:place], levels[place], source.topic_filter)
    rest = levels[place + 1 :]
    if ABOUT + name not in memory and not any(level.startswith("$") for level in rest):
        return None
    own = named(memory, name)
    if isinstance(own, Problem):
        return own
    return _of_device(Device(name, own, memory), rest, payload)


def knows(source: ForeignSource, topic: str, memory: Mapping[str, Any]) -> bool:
    """Whether a topic is one of a device that is known to be of these versions."""
    levels = topic.split("/")
    place = _base(source.topic_filter)
    known = len(levels) > place and name_of(levels[:place], levels[place], source.topic_filter)
    return bool(known) and f"{ABOUT}{known}" in memory


def _base(topic_filter: str) -> int:
    """How many levels stand before the device: what the filter spells, as far as `homie` in it."""
    levels = topic_filter.split("/")
    spelled = next((at for at, level in enumerate(levels) if level in ("+", "#")), len(levels))
    if USUAL in levels[:spelled]:
        return levels.index(USUAL) + 1
    return max(1, spelled)


def _of_device(device: Device, rest: list[str], payload: bytes) -> Result:
    about = device.known(ABOUT)
    if rest in (["$state"], ["$online"], ["$homie"]):
        return _itself(device, rest[0], payload)
    if about is not None and len(rest) == 2 and not any(level.startswith("$") for level in rest):
        return property_of(device, rest, payload, _kind(about, rest))
    if rest[0] == "$stats":
        return _statistics(device, rest[1:], payload) if about is not None else None
    return _attribute(device, rest, payload)


def _kind(about: Mapping[str, Any], rest: list[str]) -> Kind:
    """Of an array's node (Homie 3: `lights_0`) the attributes stand with the array."""
    nodes = about.get("nodes") or {}
    for node in (rest[0], rest[0].rpartition("_")[0]):
        one = nodes.get(node, {}).get("properties", {}).get(rest[1])
        if one and one.get("datatype") in DATATYPES:
            return kind_of(one)
    return UNKNOWN


def _itself(device: Device, attribute: str, payload: bytes) -> Result:
    """What makes it a device: its version, or its state (`$online` in Homie 2)."""
    about = device.known(ABOUT)
    if not payload:
        # It was removed; the rest is being cleared away.
        return Decoded(remember={ABOUT + device.name: None}) if about is not None else None
    text = words(payload)
    if isinstance(text, Problem):
        return text if about is not None else None
    if attribute == "$homie":
        return _described(device, {"homie": text}) if text[:1].isdigit() else None
    if attribute == "$online" and text in ("true", "false"):
        return _told(device, text == "true", [])
    if attribute == "$state" and text in _ONLINE:
        alert = [Spoken("readings", {"alert": text == "alert"})]
        return _told(device, _ONLINE[text], alert if text in ("alert", "ready") else [])
    if about is None:
        return None
    known = ", ".join(sorted(_ONLINE)) if attribute == "$state" else "true and false"
    return Problem("wrong_shape", f"{attribute} is one of {known}")


def _told(device: Device, online: bool | None, others: list[Spoken]) -> Result:
    said = [] if online is None else [Spoken("status", {"online": online})]
    about = device.known(ABOUT) or {}
    if "homie" in about:
        return told_of(device, [*said, *others])
    about = {**about, "homie": ""}
    told = Told(device.own.code, [*said, *others], described=_description(about))
    return Decoded([told], remember={**device.own.remember, ABOUT + device.name: about})


def _statistics(device: Device, rest: list[str], payload: bytes) -> Result:
    """`$stats/signal` and `battery`, both in percent; the others are the device's own business."""
    text = words(payload)
    value = None if isinstance(text, Problem) else number_in(text)
    name = {"signal": "link_quality", "battery": "battery"}.get("/".join(rest))
    if name is None or value is None or not 0 <= value <= 100:
        return None
    return Told(device.own.code, health=health(**{name: value}))


def _attribute(device: Device, rest: list[str], payload: bytes) -> Result:
    """An attribute of a device, a node or a property; None for any other."""
    if not payload and device.known(ABOUT) is None:
        # What is left of a device that was removed.
        return None
    text = words(payload)
    if isinstance(text, Problem) or (text and not sound(text) and rest[-1] != "$format"):
        return None
    value: Any = text[:2_000]
    if rest == ["$name"]:
        return _described(device, {"name": value})
    if rest == ["$fw", "name"]:
        return _described(device, {"firmware": value})
    if len(rest) == 2 and rest[1] in _OF_NODES:
        return _described(device, {"nodes": {rest[0]: {_OF_NODES[rest[1]]: value}}})
    if len(rest) == 3 and rest[2] in _OF_PROPERTIES:
        name = _OF_PROPERTIES[rest[2]]
        value = text != "false" if name == "retained" else value
        return _described(device, {"nodes": {rest[0]: {"properties": {rest[1]: {name: value}}}}})
    return None


def _described(device: Device, said: Mapping[str, Any]) -> Result:
    """Take in an attribute; what is known by now describes the device."""
    before = device.known(ABOUT) or {}
    about = _merged(before, said)
    if _size(about) > _MOST_ATTRIBUTES:
        return Problem("too_large", f"a device has at most {_MOST_ATTRIBUTES} attributes")
    # Without a version or a state it may yet be none of Homie's.
    known = "homie" in about
    told = [Told(device.own.code, described=_description(about))] if known else []
    remember = {} if about == before else {ABOUT + device.name: about}
    return Decoded(told, remember={**device.own.remember, **remember})


def _description(about: Mapping[str, Any]) -> Described:
    points = tuple(points_of(dict(properties_of(about))))
    return Described(name_in(about.get("name")), None, name_in(about.get("firmware")), points)


def _merged(before: Mapping[str, Any], said: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(before)
    for key, value in said.items():
        inner = merged.get(key)
        both = isinstance(value, dict) and isinstance(inner, dict)
        merged[key] = _merged(inner, value) if both else value  # type: ignore[arg-type]
    return merged


def _size(about: Any) -> int:
    return sum(map(_size, about.values())) if isinstance(about, dict) else 1
