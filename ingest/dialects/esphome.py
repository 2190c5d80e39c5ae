"""ESPHome (MQTT client component): one bare value a topic, below `<prefix>/<type>/<name>/state`."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from ingest.decoding import Problem
from ingest.dialects.naming import beside, device_code, named
from ingest.dialects.spoken import Decoded, Described, ForeignSource, Result, Spoken, Told
from ingest.dialects.values import (
    Value,
    document,
    flat,
    health,
    name_in,
    number_in,
    says_nothing,
    scalar,
    sound,
    words,
)

_DISCOVERY = ["esphome", "discover"]
_TYPES = frozenset(
    {
        "alarm_control_panel", "binary_sensor", "button", "climate", "cover", "date", "datetime",
        "event", "fan", "light", "lock", "number", "select", "sensor", "switch", "text",
        "text_sensor", "time", "update", "valve",
    }
)  # fmt: skip
# Of these a text stays one, even if it looks like something else.
_TEXTS = frozenset({"select", "text", "text_sensor", "lock", "alarm_control_panel"})
# What these measure is known by its name alone, as long as no other type has the same.
_MEASURING = frozenset({"sensor", "binary_sensor"})
# What the source remembers under this, a device and a name: which of those types has it.
KEY = "key/"
_ONLINE = {b"online": True, b"offline": False}
_CHARGES = ("battery", "battery_level", "battery_percent", "battery_percentage")
_MOST_VOLTS, _LEAST_MILLIVOLTS = 5, 500


def decode(source: ForeignSource, topic: str, payload: bytes, memory: Mapping[str, Any]) -> Result:
    """What a message tells; None for commands and logs, and for an empty one, which removes."""
    levels = topic.split("/")
    if levels[:2] == _DISCOVERY:
        return _discovered(levels[2:], payload)
    kind, key, name = _parted(topic, source.topic_filter)
    if not kind or not payload:
        return None
    own = named(memory, name)
    if isinstance(own, Problem):
        return own
    if kind == "status":
        online = _ONLINE.get(payload.strip())
        if online is None:
            return Problem("wrong_shape", "status is online or offline")
        return _result(Told(own.code, [Spoken("status", {"online": online})]), own.remember)
    text = words(payload)
    if isinstance(text, Problem):
        return text
    short, remember = _key(kind, key, own.code, memory)
    said = _said(kind, short, text, payload)
    if isinstance(said, Problem):
        return said
    told = Told(own.code, [said] if said else [], health=_health(kind, key, text))
    return _result(told, {**own.remember, **remember})


def _result(told: Told, remember: Mapping[str, Any]) -> Result:
    return Decoded([told], remember=remember) if remember else told


def _key(
    kind: str, key: str, code: str, memory: Mapping[str, Any]
) -> tuple[str, Mapping[str, Any]]:
    """The key of a component's readings: its name, after its type where that tells it apart."""
    name = key.removeprefix(f"{kind}.")
    if kind not in _MEASURING:
        return key, {}
    known = memory.get(f"{KEY}{code}/{name}")
    if known is None:
        return name, {f"{KEY}{code}/{name}": kind}
    return (name if known == kind else key), {}


@lru_cache(maxsize=16_384)
def _parted(topic: str, topic_filter: str) -> tuple[str, str, str]:
    """Type of the component, key of its readings, and the device's name; or `status` of one."""
    levels = topic.split("/")
    if len(levels) > 1 and levels[-1] == "status" and levels[-2] not in _TYPES:
        return "status", "", beside(levels[:-1], topic_filter)
    if levels[-1] != "state":
        return "", "", ""
    # `fan/<name>/speed/state` and the like have a level more than most.
    for place in (len(levels) - 3, len(levels) - 4):
        if place > 0 and levels[place] in _TYPES and all(levels[place + 1 :]):
            key = ".".join(levels[place:-1])
            return levels[place], key, beside(levels[:place], topic_filter)
    return "", "", ""


def _said(kind: str, key: str, text: str, payload: bytes) -> Spoken | Problem | None:
    """What a bare value says. Text sensors speak as `sensor`, so any text may come from one."""
    if text.startswith("{"):
        return _structured(kind, key, payload)
    value = _text(text) if kind in _TEXTS else scalar(text)
    if kind == "event":
        return Spoken("event", {"event": f"{key}.{text}"}) if sound(text) and text else None
    if kind == "number" and isinstance(value, str):
        return Problem("wrong_type", f"{key[:60]}: {text[:40]!r} is no number")
    if kind == "binary_sensor" and value is not None and not isinstance(value, bool):
        return Problem("wrong_type", f"{key[:60]}: {text[:40]!r} is neither ON nor OFF")
    return None if value is None else Spoken("readings", {key: value})


def _text(text: str) -> Value | None:
    return None if says_nothing(text) else sound(text)


def _structured(kind: str, key: str, payload: bytes) -> Spoken | Problem | None:
    """Lights and events say a JSON object."""
    said = document(payload)
    if isinstance(said, Problem):
        return said
    if kind == "event":
        happened = said.get("event_type")
        if not isinstance(happened, str) or not sound(happened) or not happened:
            return None
        return Spoken("event", {"event": f"{key}.{happened}"})
    measured = flat({key: said}, texts=True)
    return Spoken("readings", dict(measured)) if measured else None


def _health(kind: str, key: str, text: str) -> dict[str, float]:
    """What the usual names of sensors say of the device itself."""
    value = number_in(text) if kind == "sensor" else None
    name = key.rpartition(".")[2]
    if value is None:
        return {}
    if "wifi_signal" in name or name in ("rssi", "wifi_rssi"):
        # Some have it in percent, under the same names.
        percent = value if 0 < value <= 100 else None
        return health(rssi=value if value < 0 else None, link_quality=percent)
    if name.endswith("battery_voltage") or (name.endswith("battery") and _is_voltage(value)):
        # Some have it in mV; no cell has so many volts.
        return health(battery_voltage=value / 1000 if value >= _LEAST_MILLIVOLTS else value)
    if name.endswith(_CHARGES):
        return health(battery=value) if 0 <= value <= 100 else {}
    return {}


def _is_voltage(value: float) -> bool:
    """Whether what is only called `battery` is the voltage of a cell, as often it is."""
    return isinstance(value, float) and 0 < value < _MOST_VOLTS and not value.is_integer()


def _discovered(rest: list[str], payload: bytes) -> Result:
    """`esphome/discover/<name>`: what a device is. Empty ones, and the question, are left."""
    if len(rest) != 1 or not rest[0] or not payload:
        return None
    said = document(payload)
    if isinstance(said, Problem):
        return said
    title = name_in(said.get("friendly_name")) or name_in(said.get("name"))
    described = Described(title, "ESPHome", name_in(said.get("board")))
    return Told(device_code(rest[0]), described=described)
