"""Homie 5 (homieiot/convention): devices that describe themselves, with properties on nodes.

Topics are `<domain>/5/<device>/<node>/<property>`, beside attributes that begin with `$`.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from ingest.decoding import Problem
from ingest.dialects.homie.properties import (
    DATATYPES,
    UNKNOWN,
    Device,
    kind_of,
    name_of,
    points_of,
    properties_of,
    property_of,
    told_of,
)
from ingest.dialects.naming import Named, named
from ingest.dialects.spoken import Decoded, Described, ForeignSource, Result, Spoken, Told
from ingest.dialects.values import document, name_in, sound, words

VERSION = "5"
# What the source remembers under these and a device: {"node/property": [datatype, whether it is
# retained, states]}; the device's children; its root; and its own state.
PROPERTIES, CHILDREN, PARENT, STATE = "properties/", "children/", "parent/", "state/"
_STATES = frozenset({"init", "ready", "disconnected", "sleeping", "lost"})
# Asleep is as its maker wants it; what begins is not there yet, and not gone.
_ONLINE = {"ready": True, "sleeping": True, "disconnected": False, "lost": False}
_MOST_CHILDREN, _DEEPEST = 500, 8


def is_five(topic: str) -> bool:
    """Whether a topic is of this version: `5` stands behind a domain."""
    return VERSION in topic.split("/")[1:]


def decode(source: ForeignSource, topic: str, payload: bytes, memory: Mapping[str, Any]) -> Result:
    """What a message tells; None for what is to be set, logs, and broadcasts."""
    levels = topic.split("/")
    place = next((at for at, level in enumerate(levels) if level == VERSION and at), None)
    if place is None or len(levels) < place + 3:
        return None
    rest = levels[place + 2 :]
    device = levels[place + 1]
    if not device or device.startswith("$"):
        return None
    name = name_of(levels[:place], device, source.topic_filter)
    own = named(memory, name)
    if isinstance(own, Problem):
        return own
    return _of_device(Device(name, own, memory), rest, payload)


def _of_device(device: Device, rest: list[str], payload: bytes) -> Result:
    if rest == ["$state"]:
        return _state(device, payload)
    if rest == ["$description"]:
        return _description(device, payload)
    if len(rest) == 2 and rest[0] == "$alert" and rest[1]:
        alert = Spoken("readings", {f"alert.{rest[1]}": bool(payload)})
        return told_of(device, [alert])
    if len(rest) == 2 and all(rest) and not any(level.startswith("$") for level in rest):
        kinds = device.known(PROPERTIES) or {}
        return property_of(device, rest, payload, kinds.get("/".join(rest), UNKNOWN))
    return None


def _state(device: Device, payload: bytes) -> Result:
    """`$state` of a device; what holds of a root holds of all behind it."""
    if not payload:
        return _removed(device)
    text = words(payload)
    if isinstance(text, Problem):
        return text
    if text not in _STATES:
        return Problem("wrong_shape", f"$state is one of {', '.join(sorted(_STATES))}")
    remember = {} if device.known(STATE) == text else {STATE + device.name: text}
    memory = {**device.memory, STATE + device.name: text}
    told = []
    for name, depth in _family(device.name, memory):
        online = _ONLINE.get(_effective(name, memory))
        one = device.own if not depth else named(memory, name)
        if online is not None and isinstance(one, Named):
            told.append(Told(one.code, [Spoken("status", {"online": online})]))
    return Decoded(told, remember={**device.own.remember, **remember})


def _family(name: str, memory: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    """A device and all below it whose own state is known, each once."""
    waiting, seen = [(name, 0)], {name}
    while waiting and len(seen) <= _MOST_CHILDREN:
        one, depth = waiting.pop(0)
        if not depth or STATE + one in memory:
            yield one, depth
        if depth < _DEEPEST:
            children = [each for each in memory.get(CHILDREN + one, []) if each not in seen]
            seen.update(children)
            waiting += [(each, depth + 1) for each in children]


def _effective(name: str, memory: Mapping[str, Any]) -> str:
    """The state that counts: its own, unless its root is lost."""
    root, seen = name, {name}
    while (parent := memory.get(PARENT + root)) and parent not in seen:
        root = parent
        seen.add(root)
    lost = memory.get(STATE + root) == "lost"
    return "lost" if lost else str(memory.get(STATE + name, "init"))


def _removed(device: Device) -> Decoded | None:
    """An empty state: the device is gone, and says nothing any more."""
    kept = (PROPERTIES, CHILDREN, PARENT, STATE)
    remember = {each + device.name: None for each in kept if device.known(each) is not None}
    return Decoded(remember=remember) if remember else None


def _description(device: Device, payload: bytes) -> Result:
    if not payload:
        return None
    said = document(payload)
    if isinstance(said, Problem):
        return said
    properties = dict(properties_of(said))
    domain = device.name.rpartition("/")[0]
    children = [
        f"{domain}/{child}" if domain else child
        for child in _listed(said.get("children"))
        if isinstance(child, str) and child and sound(child) and "/" not in child
    ]
    above = said.get("root", said.get("parent"))
    parent = (f"{domain}/{above}" if domain else above) if sound(above) else None
    now = {
        PROPERTIES: {
            key: kind_of(one)
            for key, (_, one) in properties.items()
            if one.get("datatype") in DATATYPES
        },
        CHILDREN: children or None,
        PARENT: parent if isinstance(parent, str) and parent != device.name else None,
    }
    remember = {
        what + device.name: value for what, value in now.items() if value != device.known(what)
    }
    described = Described(name_in(said.get("name")), None, None, tuple(points_of(properties)))
    told = Told(device.own.code, described=described)
    return Decoded([told], remember={**device.own.remember, **remember})


def _listed(value: Any) -> list[Any]:
    return value[:_MOST_CHILDREN] if isinstance(value, list) else []
