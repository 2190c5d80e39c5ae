"""Uplinks of a LoRaWAN, whichever network server passes them on."""

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import isfinite
from types import MappingProxyType
from typing import Any

from ingest.decoding import Problem
from ingest.dialects.naming import device_code, named
from ingest.dialects.payloads import (
    CODECS,
    Content,
    points_by_key,
    points_by_model,
    with_alarm,
)
from ingest.dialects.spoken import Decoded, Described, DescribedPoint, Result, Spoken, Told
from ingest.dialects.values import Value, flat, health, is_text, known_unit, number, number_in

CODEC = "codec"
# What codecs commonly call a battery: the key, and under which name its health is told.
_BATTERIES = (
    ("battery", "battery"),
    ("battery_level", "battery"),
    ("batteryLevel", "battery"),
    ("battery_voltage", "battery_voltage"),
    ("BatV", "battery_voltage"),
    ("BAT_V", "battery_voltage"),
    ("Bat_V", "battery_voltage"),
    ("Bat", "battery"),
    ("bat", "battery"),
)
# Of Elsys and others, in mV.
_SUPPLY = "vdd"
# Of these 4 may be volts as well as percent, so that it is neither.
_EITHER = ("Bat", "bat")
# What doesn't say whether it is a level: a fraction between these is the voltage of a cell. What is
# called a level is one, or a cell that is nearly empty would pass for a full one.
_UNSAID = ("battery", *_EITHER)
_LEAST_VOLTS, _MOST_VOLTS = 1, 5
# A number and its unit: `30.11 °C`. Without a blank between them a code may look so (`1F`), so that
# such a unit begins with no letter, or stands behind a decimal point and has more than one of them.
_MEASURED = re.compile(
    r"([+-]?[0-9]{1,15}(?:\.[0-9]{1,15})?)\s+(\S{1,12})"
    r"|([+-]?[0-9]{1,15}(?:\.[0-9]{1,15})?)([%°℃℉]\S{0,4})"
    r"|([+-]?[0-9]{1,15}\.[0-9]{1,15})(V|[^\W\d_]{2,6})"
)
_FLAGS = {"true": True, "false": False}
_LONGEST_FLAG = 5
_HIGHEST = {"battery": 100.0, "battery_voltage": 60.0}


@dataclass(frozen=True, slots=True)
class Uplink:
    """What one uplink says, whether its network decoded it or a codec of ours."""

    messages: tuple[Spoken, ...] = ()
    health: Mapping[str, float] = field(default_factory=dict)
    points: tuple[DescribedPoint, ...] = ()
    problem: Problem | None = None


def read_uplink(
    decoded: Any, raw: Any, codec: Any, model: str, when: Mapping[str, Any], hint: str
) -> Uplink:
    """decoded: the object that the network's codec made, if any; raw: the bytes in base64.

    codec: the source's, for what the network did not decode. model: any text that may name the
    device's. hint: where the network would decode, for who reads why nothing was.
    """
    if isinstance(decoded, dict) and decoded:
        content = _of_object(decoded)
        content = replace(content, values=with_alarm(content.values, model))
        known = {one.key: one for one in points_by_key(content.values)}
        known.update((one.key, one) for one in points_by_model(content.values, model))
        known.update((one.key, one) for one in content.points)
        return _uplink(replace(content, points=tuple(known.values())), when)
    if isinstance(decoded, dict) and codec is None:
        # Of this one the network's codec made nothing.
        return Uplink()
    if not isinstance(raw, str) or not raw:
        # An uplink without a payload only answers the network.
        return Uplink()
    try:
        payload = base64.b64decode(raw, validate=True)
    except (binascii.Error, ValueError):
        return Uplink(problem=Problem("wrong_shape", "the payload is not base64"))
    read = CODECS.get(codec) if isinstance(codec, str) else None
    if read is None:
        # Kept whole, so that it becomes readings when a codec was chosen and it is replayed.
        detail = f"nothing decoded the bytes: set {hint}, or the option codec of the source"
        return Uplink(problem=Problem("unsupported", detail))
    return _uplink(read(payload, model), when)


def _uplink(content: Content, when: Mapping[str, Any]) -> Uplink:
    content = _with_cells(content)
    if not content.history:
        now = (Spoken("readings", {**when, **content.values}),) if content.values else ()
        return Uplink(now, _battery(content.values), content.points, content.problem)
    # What was stored is older than what is measured now, and is told in order.
    stored = sorted(content.history, key=lambda each: float(each["ts"]))
    messages = [Spoken("readings", dict(each)) for each in stored if len(each) > 1]
    if content.values:
        messages.append(Spoken("readings", {**when, **content.values}))
    return Uplink(tuple(messages), _battery(content.values), content.points, content.problem)


def _with_cells(content: Content) -> Content:
    """With the unit of what is only called `battery` and is the voltage of a cell."""
    described = {one.key for one in content.points if one.unit is not None}
    cells = [
        DescribedPoint(key, "number", "V", means="voltage")
        for key in _UNSAID
        if key not in described and _is_voltage(content.values.get(key))
    ]
    if not cells:
        return content
    told = {one.key for one in cells}
    others = (one for one in content.points if one.key not in told)
    return replace(content, points=(*others, *cells))


def _is_voltage(value: Any) -> bool:
    """A level in percent is a whole number, or higher."""
    found = number(value)
    return found is not None and _LEAST_VOLTS < found < _MOST_VOLTS and not found.is_integer()


def _of_object(decoded: Mapping[str, Any]) -> Content:
    """What a codec of the network made. Lists of objects with a `timestamp` are stored history."""
    if not any(isinstance(value, list) for value in decoded.values()):
        return _read_texts(flat(decoded, texts=True))
    history: list[Mapping[str, Any]] = []
    now: dict[str, Any] = {}
    for key, value in decoded.items():
        if key == "messages" and isinstance(value, list) and (measured := _measured(value)):
            now.update(measured)
        elif _is_history(value):
            history += [_stored(each) for each in value]
        else:
            now[key] = value
    return replace(_read_texts(flat(now, texts=True)), history=tuple(history))


def _read_texts(values: Mapping[str, Value]) -> Content:
    """What a codec wrote as texts, and the units that it wrote behind numbers."""
    units = {key: _measured_in(value) for key, value in values.items() if isinstance(value, str)}
    points = [DescribedPoint(key, "number", found[1]) for key, found in units.items() if found]
    return Content(_plain(values), points=tuple(points))


def _measured_in(text: str) -> tuple[int | float, str] | None:
    """A number and its unit as rules know it; None for any other text."""
    found = _MEASURED.fullmatch(text.strip())
    if found is None:
        return None
    said, unit = (part for part in found.groups() if part is not None)
    value, unit_known = number_in(said), known_unit(unit)
    return None if value is None or unit_known is None else (value, unit_known)


def _plain(values: Mapping[str, Value]) -> dict[str, Value]:
    """Codecs write numbers as texts where they round them, and some write true and false so."""
    return {
        key: _number_or_flag(value) if isinstance(value, str) else value
        for key, value in values.items()
    }


def _number_or_flag(text: str) -> Value:
    flag = _FLAGS.get(text.lower()) if len(text) <= _LONGEST_FLAG else None
    if flag is not None:
        return flag
    found = number_in(text)
    if found is not None:
        return found
    measured = _measured_in(text)
    return text if measured is None else measured[0]


def _measured(messages: list[Any]) -> dict[str, Any]:
    """Of SenseCAP's codecs: objects, or lists of them, that come and go, so that none has a place
    of its own. Empty for any other list."""
    found: dict[str, Any] = {}
    several = [one for each in messages for one in (each if isinstance(each, list) else [each])]
    if not all(isinstance(one, dict) for one in several):
        return {}
    for one in several:
        name = one.get("measurementId")
        if isinstance(name, int | str):
            found[f"measurement_{name}"] = one.get("measurementValue")
        else:
            found.update({key: value for key, value in one.items() if key != "type"})
    return found if any("measurementId" in one for one in several) else {}


def _is_history(value: Any) -> bool:
    return (
        isinstance(value, list)
        and bool(value)
        and all(isinstance(each, dict) and _is_time(each.get("timestamp")) for each in value)
    )


def _is_time(value: Any) -> bool:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    return 0 < value < 1e15 and isfinite(value)


def _stored(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    values = _plain(flat(entry, texts=True, leave=frozenset({"timestamp"})))
    return {"ts": entry["timestamp"], **values}


def _battery(values: Mapping[str, Any]) -> dict[str, float]:
    found: dict[str, float] = {}
    supply = number(values.get(_SUPPLY))
    if supply is not None and 1000 * _LEAST_VOLTS < supply < 1000 * _MOST_VOLTS:
        found["battery_voltage"] = supply / 1000
    for key, name in _BATTERIES:
        if key in values:
            value = number(values[key])
            volts = key in _UNSAID and _is_voltage(value)
            what = "battery_voltage" if volts else name
            if value is None or (key in _EITHER and what == name and value < _MOST_VOLTS):
                continue
            if 0 <= value <= _HIGHEST[what]:
                found.setdefault(what, value)
    return found


@dataclass(frozen=True, slots=True)
class Heard:
    """A gateway that heard a device, and how well."""

    gateway: str | None = None
    rssi: float | None = None
    snr: float | None = None


def heard_by(gateway: Any, rssi: Any, snr: Any, *, lora: bool) -> Heard:
    """A gateway as a message tells of it. lora: what is 0 may be left out, and on LoRa there is
    always a signal to noise."""
    code = device_code(gateway) if isinstance(gateway, str) and gateway else None
    return Heard(code, number(rssi), number(0 if snr is None and lora else snr))


def best(heard: Sequence[Heard]) -> Heard:
    """The gateway that heard it best: by signal to noise, then by strength."""
    if len(heard) == 1:
        return heard[0]
    return max(heard, key=lambda one: (_or_least(one.snr), _or_least(one.rssi)), default=Heard())


def _or_least(value: float | None) -> float:
    return float("-inf") if value is None else value


def told(
    memory: Mapping[str, Any],
    name: Any,
    uplink: Uplink,
    heard: Heard = Heard(),
    known: Mapping[str, float] = MappingProxyType({}),
    described: Described | None = None,
) -> Result:
    """What a device told, under the code of its name. known: of its health, beside the uplink."""
    if not isinstance(name, str) or not name.strip("/ ") or not is_text(name):
        return Problem("wrong_shape", "the message names no device")
    own = named(memory, name)
    if isinstance(own, Problem):
        return own
    one = Told(
        own.code,
        uplink.messages,
        through=heard.gateway,
        health={**health(rssi=heard.rssi, snr=heard.snr), **known, **uplink.health},
        described=described,
    )
    return Decoded([one], [uplink.problem] if uplink.problem else [], remember=own.remember)


def readings(when: Mapping[str, Any], values: Mapping[str, Any]) -> Uplink:
    """Values that are no uplink of the device itself: where it is, what a service found out."""
    return Uplink((Spoken("readings", {**when, **values}),) if values else ())


def battery(level: Any) -> dict[str, float]:
    """A level in percent, where it is one."""
    found = number(level)
    return {"battery": found} if found is not None and 0 <= found <= 100 else {}
