"""What every version of Homie has: devices, and properties on their nodes by datatype."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ingest.decoding import Problem
from ingest.dialects.naming import Named
from ingest.dialects.spoken import Decoded, DescribedPoint, Result, Spoken, Told
from ingest.dialects.values import Value, known_unit, name_in, number_in, scalar, sound, words

USUAL = "homie"
DATATYPES = (
    "integer", "float", "boolean", "enum", "string", "color", "datetime", "duration", "json",
)  # fmt: skip
_KINDS = {"integer": "number", "float": "number", "boolean": "boolean", "enum": "state"}
_MOST_NODES, _MOST_PROPERTIES = 200, 500
# The one byte that stands for an empty text, as an empty payload removes.
_EMPTY = "\0"


# Of a property: its datatype, whether it is retained, and the states of an enumeration.
Kind = Sequence[Any]
UNKNOWN: Kind = (None, True, ())


@dataclass(frozen=True, slots=True)
class Device:
    """A device by its domain and id, as one topic names it, and what its source remembers."""

    name: str
    own: Named
    memory: Mapping[str, Any] = field(repr=False)

    def known(self, what: str) -> Any:
        """What is remembered of it under a name."""
        return self.memory.get(what + self.name)


def name_of(before: list[str], device: str, topic_filter: str) -> str:
    """The id, after the domain where that is neither the usual one nor spelled by the filter."""
    spelled = topic_filter.split("/")
    own = [
        level
        for place, level in enumerate(before)
        if level and (place >= len(spelled) or spelled[place] != level)
    ]
    return device if own in ([], [USUAL]) else "/".join([*own, device])


def told_of(
    device: Device, messages: list[Spoken], known: Mapping[str, Any] | None = None
) -> Result:
    """What a device told. known: what is to be remembered with it."""
    told = Told(device.own.code, messages)
    remember = {**device.own.remember, **(known or {})}
    return Decoded([told], remember=remember) if remember else told


def property_of(device: Device, rest: list[str], payload: bytes, kind: Kind) -> Result:
    """A value of a property, or the moment that it tells. rest: node and property."""
    if not payload:
        return None
    text = words(payload)
    if isinstance(text, Problem):
        return text
    key = ".".join(rest)
    datatype, retained, states = kind
    value = _value(key, text, datatype, states)
    if value is None:
        return None
    if isinstance(value, Problem):
        return value
    if retained or (isinstance(value, int | float) and not isinstance(value, bool)):
        return told_of(device, [Spoken("readings", {key: value})])
    # A property that is not retained tells a moment; that something is over is none.
    if value is False:
        return None
    name = key if value is True else f"{key}.{value}"
    return told_of(device, [Spoken("event", {"event": name})])


def _value(
    key: str, text: str, datatype: str | None, states: Sequence[str]
) -> Value | Problem | None:
    """What a property's text means by its datatype; guessed where the device has not said it."""
    if text in (_EMPTY, ""):
        return None
    if datatype in ("integer", "float"):
        found = number_in(text)
        # One beyond 2^53 is whole all the same, and known as nearly as it can be kept.
        whole = isinstance(found, int) or text.lstrip("+-").isdigit()
        if found is None or (datatype == "integer" and not whole):
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


def properties_of(said: Mapping[str, Any]) -> Iterator[tuple[str, tuple[str, Mapping[str, Any]]]]:
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
                # What has no name goes by its id.
                title = f"{names[0] or node_id} {names[1] or one_id}" if any(names) else ""
                yield f"{node_id}/{one_id}", (title, one)


def kind_of(one: Mapping[str, Any]) -> list[Any]:
    """The `Kind` of a property, by its attributes."""
    return [one.get("datatype"), one.get("retained", True) is not False, states_of(one)]


def states_of(one: Mapping[str, Any]) -> list[str]:
    """The states of an enumeration, by the attributes of its property."""
    form = one.get("format")
    if one.get("datatype") != "enum" or not isinstance(form, str):
        return []
    states = [state.strip() for state in form.split(",")[:100]]
    return [state for state in states if state and sound(state)]


def points_of(
    properties: Mapping[str, tuple[str, Mapping[str, Any]]],
) -> Iterator[DescribedPoint]:
    """What properties, as `properties_of` has them, describe."""
    for path, (title, one) in properties.items():
        kind = _KINDS.get(str(one.get("datatype")))
        key, name = path.replace("/", "."), name_in(title)
        states = states_of(one)
        if one.get("retained") is False and kind in ("boolean", "state"):
            names = [key] if kind == "boolean" else [f"{key}.{state}" for state in states]
            yield from (DescribedPoint(each, "event", name=name) for each in names)
        elif kind is not None:
            unit = known_unit(one.get("unit")) if kind == "number" else None
            yield DescribedPoint(key, kind, unit, tuple(states), name)
