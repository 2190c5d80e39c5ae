"""Homie 5 (homieiot/convention): devices that describe themselves, with properties on nodes.

Topics are `<domain>/5/<device>/<node>/<property>`, beside attributes that begin with `$`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ingest.decoding import Problem
from ingest.dialects.naming import Named, named
from ingest.dialects.spoken import (
    Decoded,
    Described,
    DescribedPoint,
    ForeignSource,
    Result,
    Spoken,
    Told,
)
from ingest.dialects.values import (
    Value,
    document,
    known_unit,
    name_in,
    number_in,
    scalar,
    sound,
    words,
)

VERSION, USUAL = "5", "homie"
# What the source remembers under these and a device: {"node/property": [datatype, whether it is
# retained, states]}; the device's children; its parent; and its own state.
PROPERTIES, CHILDREN, PARENT, STATE = "properties/", "children/", "parent/", "state/"
_STATES = frozenset({"init", "ready", "disconnected", "sleeping", "lost"})
# Asleep is as its maker wants it; what begins is not there yet, and not gone.
_ONLINE = {"ready": True, "sleeping": True, "disconnected": False, "lost": False}
_DATATYPES = (
    "integer", "float", "boolean", "enum", "string", "color", "datetime", "duration", "json",
)  # fmt: skip
_KINDS = {"integer": "number", "float": "number", "boolean": "boolean", "enum": "state"}
_MOST_NODES, _MOST_PROPERTIES, _MOST_CHILDREN, _DEEPEST = 200, 500, 500, 8
# The one byte that stands for an empty text, as an empty payload removes.
_EMPTY = "\0"


@dataclass(frozen=True, slots=True)
class _Device:
    """A device by its domain and id, as one topic names it."""

    name: str
    own: Named
    memory: Mapping[str, Any] = field(repr=False)

    def known(self, what: str) -> Any:
        return self.memory.get(what + self.name)


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
    name = _name(levels[:place], device, source.topic_filter)
    own = named(memory, name)
    if isinstance(own, Problem):
        return own
    return _of_device(_Device(name, own, memory), rest, payload)


def _of_device(device: _Device, rest: list[str], payload: bytes) -> Result:
    if rest == ["$state"]:
        return _state(device, payload)
    if rest == ["$description"]:
        return _description(device, payload)
    if len(rest) == 2 and rest[0] == "$alert" and rest[1]:
        alert = Spoken("readings", {f"alert.{rest[1]}": bool(payload)})
        return _told(device, [alert])
    if len(rest) == 2 and all(rest) and not any(level.startswith("$") for level in rest):
        return _property(device, rest, payload)
    return None


def _name(before: list[str], device: str, topic_filter: str) -> str:
    """The id, after the domain where that is neither the usual one nor spelled by the filter."""
    spelled = topic_filter.split("/")
    own = [
        level
        for place, level in enumerate(before)
        if level and (place >= len(spelled) or spelled[place] != level)
    ]
    return device if own in ([], [USUAL]) else "/".join([*own, device])


def _told(
    device: _Device, messages: list[Spoken], known: Mapping[str, Any] | None = None
) -> Result:
    told = Told(device.own.code, messages)
    remember = {**device.own.remember, **(known or {})}
    return Decoded([told], remember=remember) if remember else told


def _property(device: _Device, rest: list[str], payload: bytes) -> Result:
    if not payload:
        return None
    text = words(payload)
    if isinstance(text, Problem):
        return text
    key = ".".join(rest)
    kinds = device.known(PROPERTIES) or {}
    datatype, retained, states = kinds.get("/".join(rest), (None, True, []))
    value = _value(key, text, datatype, states)
    if value is None:
        return None
    if isinstance(value, Problem):
        return value
    if retained or (isinstance(value, int | float) and not isinstance(value, bool)):
        return _told(device, [Spoken("readings", {key: value})])
    # A property that is not retained tells a moment; that something is over is none.
    if value is False:
        return None
    name = key if value is True else f"{key}.{value}"
    return _told(device, [Spoken("event", {"event": name})])


def _value(key: str, text: str, datatype: str | None, states: list[str]) -> Value | Problem | None:
    """What a property's text means by its datatype; guessed where the device has not said it."""
    if text in (_EMPTY, ""):
        return None
    if datatype in ("integer", "float"):
        found = number_in(text)
        if found is None or (datatype == "integer" and isinstance(found, float)):
            return Problem("wrong_type", f"{key[:60]}: {text[:40]!r} is no {datatype}")
        return found
    if datatype == "boolean":
        if text not in ("true", "false"):
            return Problem("wrong_type", f"{key[:60]}: {text[:40]!r} is neither true nor false")
        return text == "true"
    if datatype == "enum":
        if states and text not in states:
            detail = f"{key[:60]}: {text[:40]!r} is not one of {', '.join(states)[:200]}"
            return Problem("wrong_type", detail)
        return sound(text)
    if datatype == "string":
        return sound(text)
    # Colours, dates, durations and JSON are nothing that a rule could ask.
    return scalar(text) if datatype is None else None


def _state(device: _Device, payload: bytes) -> Result:
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
    """The state that counts: its root's, unless that is ready."""
    root, seen = name, {name}
    while (parent := memory.get(PARENT + root)) and parent not in seen:
        root = parent
        seen.add(root)
    above = memory.get(STATE + root, "ready")
    return str(memory.get(STATE + name, "init") if above == "ready" else above)


def _removed(device: _Device) -> Decoded | None:
    """An empty state: the device is gone, and says nothing any more."""
    kept = (PROPERTIES, CHILDREN, PARENT, STATE)
    remember = {each + device.name: None for each in kept if device.known(each) is not None}
    return Decoded(remember=remember) if remember else None


def _description(device: _Device, payload: bytes) -> Result:
    if not payload:
        return None
    said = document(payload)
    if isinstance(said, Problem):
        return said
    properties = dict(_properties(said))
    domain = device.name.rpartition("/")[0]
    children = [
        f"{domain}/{child}" if domain else child
        for child in _listed(said.get("children"))
        if isinstance(child, str) and child and sound(child) and "/" not in child
    ]
    above = said.get("parent", said.get("root"))
    parent = (f"{domain}/{above}" if domain else above) if sound(above) else None
    now = {
        PROPERTIES: {
            key: [one.get("datatype"), one.get("retained", True) is not False, _states(one)]
            for key, (_, one) in properties.items()
            if one.get("datatype") in _DATATYPES
        },
        CHILDREN: children or None,
        PARENT: parent if isinstance(parent, str) and parent != device.name else None,
    }
    remember = {
        what + device.name: value for what, value in now.items() if value != device.known(what)
    }
    described = Described(name_in(said.get("name")), None, None, tuple(_points(properties)))
    told = Told(device.own.code, described=described)
    return Decoded([told], remember={**device.own.remember, **remember})


def _listed(value: Any) -> list[Any]:
    return value[:_MOST_CHILDREN] if isinstance(value, list) else []


def _properties(said: Mapping[str, Any]) -> Iterator[tuple[str, tuple[str, Mapping[str, Any]]]]:
    """`node/property` to its name with the node's, and its attributes."""
    nodes, found = said.get("nodes"), 0
    for node_id, node in list(nodes.items())[:_MOST_NODES] if isinstance(nodes, dict) else ():
        inner = node.get("properties") if isinstance(node, dict) else None
        for one_id, one in inner.items() if isinstance(inner, dict) else ():
            found += 1
            if found > _MOST_PROPERTIES:
                return
            if isinstance(one, dict) and node_id and one_id and sound(f"{node_id}.{one_id}"):
                names = (name_in(node.get("name")), name_in(one.get("name")))
                title = " ".join(name for name in names if name)
                yield f"{node_id}/{one_id}", (title, one)


def _states(one: Mapping[str, Any]) -> list[str]:
    form = one.get("format")
    if one.get("datatype") != "enum" or not isinstance(form, str):
        return []
    return [state for state in form.split(",")[:100] if sound(state)]


def _points(
    properties: Mapping[str, tuple[str, Mapping[str, Any]]],
) -> Iterator[DescribedPoint]:
    for path, (title, one) in properties.items():
        kind = _KINDS.get(str(one.get("datatype")))
        key, name = path.replace("/", "."), name_in(title)
        states = _states(one)
        if one.get("retained") is False and kind in ("boolean", "state"):
            names = [key] if kind == "boolean" else [f"{key}.{state}" for state in states]
            yield from (DescribedPoint(each, "event", name=name) for each in names)
        elif kind is not None:
            unit = known_unit(one.get("unit")) if kind == "number" else None
            yield DescribedPoint(key, kind, unit, tuple(states), name)
