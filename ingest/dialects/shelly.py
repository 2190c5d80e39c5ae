"""Shelly Gen2 and newer (RPC over MQTT): notifications, states of components, BLU devices behind.

Topics are `<prefix>/events/rpc`, `<prefix>/status/<component>` and `<prefix>/online`; the prefix is
the device's id unless somebody set another, and may have levels.
"""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from ingest.decoding import Problem
from ingest.dialects.naming import beside, named
from ingest.dialects.spoken import (
    Decoded,
    Described,
    DescribedPoint,
    ForeignSource,
    Result,
    Spoken,
    Told,
)
from ingest.dialects.values import Value, document, flat, health, number, sound, timed

# What is noted under this and a device: the ids that its topic was last used by, newest first.
IDS = "ids/"
# What is remembered under this and a device: that it sleeps, so that it is no fault if it is gone.
SLEEPS = "sleeps/"
# What is noted under this and a device: what it has measured so far, and of which kind each is.
MEASURED = "measured/"
_ONLINE = {b"true": True, b"false": False}
_NOTIFIED = ("NotifyStatus", "NotifyFullStatus")
# Parts of a device that measure nothing in the building.
_HOUSEKEEPING = frozenset(
    {
        "ble", "bthome", "cloud", "dali", "eth", "ht_ui", "knx", "matter", "modbus", "mqtt",
        "plugpm_ui", "plugs_ui", "plugus_ui", "script", "service", "sys", "ts", "ui", "v_eve",
        "wd_ui", "wifi", "ws", "schedule", "zigbee",
    }
)  # fmt: skip
# Of a component: its number, and when and why it changed.
_ABOUT = frozenset(
    {
        "id", "source", "by_minute", "xby_minute", "minute_ts", "live_track", "sensor_ver",
        "last_updated_ts", "last_update_ts", "tag",
        "timer_started_at", "timer_duration", "errors", "flags", "packet_id", "aencrypted",
        "paired", "rpc", "rsv", "on_time_rst_ts", "switch_on_rst_ts", "on_above_thr_rst_ts",
    }
)  # fmt: skip
# What happens to the device itself, not at it.
_WORK = frozenset(
    {
        "config_changed", "component_added", "component_removed", "sys_btn_down", "sys_btn_push",
        "ota_begin", "ota_progress", "ota_success", "ota_error", "scheduled_restart", "sleep",
        "associated_dev_add", "associated_dev_del", "device_discovered", "discovery_done",
        "sta_connected", "sta_disconnected", "restart", "sys_btn_up",
    }
)  # fmt: skip
# The unit of a value by its last name, without the phase that stands before it.
_UNITS = {
    "tC": "°C", "tF": "°F", "current_C": "°C", "target_C": "°C", "rh": "%", "apower": "W",
    "act_power": "W", "aprt_power": "VA", "voltage": "V", "V": "V", "current": "A", "freq": "Hz",
    "lux": "lx", "percent": "%", "current_pos": "%", "brightness": "%", "rssi": "dBm",
}  # fmt: skip
# What a component's value means that is there for it alone.
_MEANS = {
    ("devicepower", "percent"): "battery",
    ("flood", "alarm"): "moisture",
    ("humidity", "rh"): "humidity",
    ("illuminance", "lux"): "illuminance",
    ("presencezone", "value"): "occupancy",
    ("smoke", "alarm"): "smoke",
    ("temperature", "tC"): "temperature",
}
# Values of BTHome as the maker's script names them: kind, unit and what they mean.
_OF_BLU: Mapping[str, tuple[str, str | None, str | None]] = {
    "battery": ("number", "%", "battery"),
    "humidity": ("number", "%", "humidity"),
    "illuminance": ("number", "lx", "illuminance"),
    "motion": ("boolean", None, "motion"),
    "temperature": ("number", "°C", "temperature"),
    "vibration": ("boolean", None, "vibration"),
    "distance_mm": ("number", "mm", "distance"),
    "window": ("boolean", None, "window"),
}
# They tell their minutes as events, too, and their sums as readings.
_SUMS = frozenset({"emdata", "em1data"})
_LEFT = _HOUSEKEEPING | _SUMS
_PHASE = re.compile(r"^(?:total|[abcn])_")
_ID = re.compile(r"([A-Za-z0-9]+)-[0-9A-Fa-f]{12}", re.ASCII)
_MAC = re.compile(r"(?:[0-9a-f]{2}:?){6}", re.ASCII | re.IGNORECASE)
_MOST_EVENTS, _MOST_BUTTONS = 200, 16
# Of what a script tells of a device on Bluetooth: about the packet, and presses.
_OF_PACKETS = frozenset(
    {
        "address", "encryption", "BTHome_version", "pid", "model", "button",
        *(f"button_{place}" for place in range(1, _MOST_BUTTONS + 1)),
    }
)  # fmt: skip


def decode(source: ForeignSource, topic: str, payload: bytes, memory: Mapping[str, Any]) -> Result:
    """What a message tells; None for requests and for what only the device's maker reads."""
    kind, part, name = _parted(topic, source.topic_filter)
    if not kind or not payload:
        return None
    if kind == "online":
        online = _ONLINE.get(payload.strip())
        if online is None:
            return Problem("wrong_shape", "online is true or false")
        return _here(name, online, memory)
    said = document(payload)
    if isinstance(said, Problem):
        return said
    if kind == "status":
        return _told(name, {part: said}, {}, name, memory)
    return _answer(source, said, memory) if kind == "rpc" else _event(name, said, memory)


@lru_cache(maxsize=16_384)
def _parted(topic: str, topic_filter: str) -> tuple[str, str, str]:
    """Which kind of message a topic brings, of which component, and the device's name."""
    levels = topic.split("/")
    if len(levels) > 2 and levels[-2:] == ["events", "rpc"]:
        return "events", "", beside(levels[:-2], topic_filter)
    if len(levels) > 1 and levels[-1] in ("online", "rpc"):
        return levels[-1], "", beside(levels[:-1], topic_filter)
    if len(levels) > 2 and levels[-2] == "status" and levels[-1]:
        return "status", levels[-1], beside(levels[:-2], topic_filter)
    return "", "", ""


def _here(name: str, online: bool, memory: Mapping[str, Any]) -> Result:
    """Its status; one that sleeps between its reports is missed by silence, as others like it."""
    own = named(memory, name)
    if isinstance(own, Problem):
        return own
    if not online and memory.get(SLEEPS + own.code):
        return None
    told = Told(own.code, [Spoken("status", {"online": online})])
    return Decoded([told], remember=own.remember) if own.remember else told


def _told(
    name: str,
    parts: Mapping[str, Any],
    when: Mapping[str, Any],
    called: Any,
    memory: Mapping[str, Any],
) -> Result:
    """What components tell. called: the device's id, as far as it is known."""
    own = named(memory, name)
    if isinstance(own, Problem):
        return own
    measured = _measured(parts)
    described, note = _described(own.code, measured, called, memory)
    messages = [Spoken("readings", {**measured, **when})] if measured else []
    told = Told(own.code, messages, health=_health(parts), described=described)
    remember = {**own.remember, **_sleeping(own.code, parts, memory)}
    return Decoded([told], remember=remember, note=note) if remember or note else told


def _sleeping(code: str, parts: Mapping[str, Any], memory: Mapping[str, Any]) -> dict[str, Any]:
    system = parts.get("sys")
    period = number(system.get("wakeup_period")) if isinstance(system, dict) else None
    if period is None or (period > 0) == bool(memory.get(SLEEPS + code)):
        return {}
    return {SLEEPS + code: True if period > 0 else None}


def _event(name: str, said: Mapping[str, Any], memory: Mapping[str, Any]) -> Result:
    """A notification: what changed, everything, or what happened."""
    fields = said.get("params")
    if not isinstance(fields, dict):
        return Problem("wrong_shape", "a notification has params")
    method = said.get("method")
    if method not in (*_NOTIFIED, "NotifyEvent"):
        return None
    own = named(memory, name)
    if isinstance(own, Problem):
        return own
    note = _ids(own.code, said.get("src"), memory)
    if isinstance(note, Problem):
        return note
    if method in _NOTIFIED:
        result = _told(name, fields, timed(fields.get("ts")), said.get("src"), memory)
        if not note or isinstance(result, Problem | None):
            return result
        done = Decoded([result]) if isinstance(result, Told) else result
        return Decoded(done.told, remember=done.remember, note={**done.note, **note})
    told = [Told(own.code, list(_happened(fields)))]
    for passed, known in _blu(own.code, fields, memory):
        told.append(passed)
        note |= known
    return Decoded(told, remember=own.remember, note=note)


def _ids(code: str, said: Any, memory: Mapping[str, Any]) -> dict[str, Any] | Problem:
    """What is to be noted of the id behind a topic.

    Another id is a device that replaced the first; if the first speaks again, there are two.
    """
    if not isinstance(said, str) or not sound(said):
        return {}
    known = memory.get(IDS + code)
    ids = known if isinstance(known, list) else []
    if ids[:1] == [said]:
        return {}
    if said in ids:
        detail = f"{said[:60]!r} and {str(ids[0])[:60]!r} publish on the same topic"
        return Problem("unsupported", f"{detail}: give one another prefix")
    return {IDS + code: [said, *ids[:1]]}


def _answer(source: ForeignSource, said: Mapping[str, Any], memory: Mapping[str, Any]) -> Result:
    """An answer to whoever asked for the whole state; the device is named in it only."""
    result, name = said.get("result"), said.get("src")
    if not isinstance(result, dict) or not isinstance(name, str) or not sound(name):
        return None
    if isinstance(result.get("params"), dict):
        result = result["params"]
    if not any(":" in key for key in result):
        # Of one component, which the answer doesn't name, or of something else.
        return None
    return _told(name, result, {}, name, memory)


def _measured(parts: Mapping[str, Any]) -> dict[str, Value]:
    """Values under component and path: `switch:0.apower`, `temperature:0.tC`."""
    measured: dict[str, Value] = {}
    for part, state in parts.items():
        if part.partition(":")[0] in _HOUSEKEEPING or not isinstance(state, dict):
            continue
        measured |= flat({part: state}, texts=True, leave=_ABOUT)
    return measured


def _described(
    code: str, measured: Mapping[str, Value], called: Any, memory: Mapping[str, Any]
) -> tuple[Described | None, dict[str, Any]]:
    """What a device is by its id, and all that it has measured so far: a delta tells a part."""
    before = memory.get(MEASURED + code)
    known = before if isinstance(before, dict) else {}
    fresh = {key: _kind(value) for key, value in measured.items() if key not in known}
    if not fresh:
        return None, {}
    kinds = {**known, **fresh}
    points = tuple(_point(key, kind) for key, kind in kinds.items() if kind != "text")
    model = _ID.fullmatch(called) if isinstance(called, str) else None
    return Described(None, "Shelly", model[1] if model else None, points), {MEASURED + code: kinds}


def _kind(value: Value) -> str:
    if isinstance(value, str):
        return "text"
    return "boolean" if isinstance(value, bool) else "number"


def _point(key: str, kind: str) -> DescribedPoint:
    if key in _OF_BLU:
        kind, unit, means = _OF_BLU[key]
        return DescribedPoint(key, kind, unit, means=means)
    part, _, path = key.partition(".")
    component, last = part.partition(":")[0], path.rpartition(".")[2]
    if component in _SUMS or path.endswith("aenergy.total"):
        unit = "Wh"
    else:
        unit = _UNITS.get(_PHASE.sub("", last)) if kind == "number" else None
    return DescribedPoint(key, kind, unit, means=_MEANS.get((component, last)))


def _health(parts: Mapping[str, Any]) -> dict[str, float]:
    radio, cell = parts.get("wifi"), parts.get("devicepower:0")
    battery = cell.get("battery") if isinstance(cell, dict) else None
    known = battery if isinstance(battery, dict) else {}
    rssi = number(radio.get("rssi")) if isinstance(radio, dict) else None
    return health(
        battery=number(known.get("percent")),
        battery_voltage=number(known.get("V")),
        # It is 0 where the device is on a cable.
        rssi=rssi if rssi else None,
    )


def _events(fields: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Component and name of each event, with all that is said of it."""
    listed = fields.get("events")
    for one in listed[:_MOST_EVENTS] if isinstance(listed, list) else ():
        if not isinstance(one, dict):
            continue
        part, event = one.get("component"), one.get("event")
        if isinstance(part, str) and isinstance(event, str) and part and event:
            yield part, event, one


def _happened(fields: Mapping[str, Any]) -> Iterator[Spoken]:
    """Presses and the like: `input:0.double_push`."""
    for part, event, one in _events(fields):
        name = f"{part}.{event}"
        if event in _WORK or part.partition(":")[0] in _LEFT or not sound(name):
            continue
        if isinstance(one.get("idx"), int) and not isinstance(one["idx"], bool):
            name = f"{part}.{sound(one['idx'])}.{event}"
        yield Spoken("event", {"event": name, **timed(one.get("ts", fields.get("ts")))})


def _blu(
    gateway: str, fields: Mapping[str, Any], memory: Mapping[str, Any]
) -> Iterator[tuple[Told, dict[str, Any]]]:
    """Devices on Bluetooth that a script of the gateway tells, by their address; and what is to be
    noted of each."""
    for part, _, one in _events(fields):
        data = one.get("data")
        address = data.get("address") if isinstance(data, dict) else None
        if not part.startswith("script:") or not isinstance(address, str):
            continue
        if not isinstance(data, dict) or not _MAC.fullmatch(address):
            continue
        when = timed(one.get("ts", fields.get("ts")))
        measured = flat(data, texts=False, leave=_OF_PACKETS)
        messages = [Spoken("readings", {**measured, **when})] if measured else []
        for place, pressed in _pressed(data):
            if pressed:
                messages.append(Spoken("event", {"event": f"button.{place}.{pressed}", **when}))
        code = address.replace(":", "").lower()
        described, note = _described(code, measured, None, memory)
        told = Told(
            code,
            messages,
            through=gateway,
            health=health(battery=number(data.get("battery")), rssi=number(data.get("rssi"))),
            described=described,
        )
        yield told, note


# Presses by their number in BTHome; 0 is none. Older firmware says 254 of a button that is held.
_PRESSES = {
    1: "push", 2: "double_push", 3: "triple_push", 4: "long_push", 5: "long_double_push",
    6: "long_triple_push", 128: "hold", 254: "hold",
}  # fmt: skip


def _pressed(data: Mapping[str, Any]) -> Iterator[tuple[int, str | None]]:
    """Number and press of each button: one, a list of several, or each under a key of its own."""
    whole = data.get("button")
    for place, one in enumerate(whole[:_MOST_BUTTONS] if isinstance(whole, list) else [whole], 1):
        yield place, _press(one)
    for place in range(1, _MOST_BUTTONS + 1):
        yield place, _press(data.get(f"button_{place}"))


def _press(one: Any) -> str | None:
    return _PRESSES.get(one) if isinstance(one, int) and not isinstance(one, bool) else None
