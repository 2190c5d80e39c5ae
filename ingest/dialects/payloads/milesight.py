"""Milesight sensors (guides of Milesight-IoT/SensorDecoders): channel, type and value.

The lowest byte comes first. What a channel with type 0 means depends on the model: a door on one,
a leak on another. The model is looked for in what the network calls the device's profile.
"""

import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ingest.decoding import Problem
from ingest.dialects.payloads.content import Content
from ingest.dialects.spoken import DescribedPoint

_MODEL = re.compile(r"\b(?:AM|AT|CT|EM|GS|UC|VS|WS|WT)\d{3}(?:-[A-Z0-9]+)*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Field:
    """A value of a layout. divisor: 0 for one that is true or false (not 0 is true)."""

    key: str
    divisor: int = 1
    unit: str | None = None
    means: str | None = None


@dataclass(frozen=True, slots=True)
class _Layout:
    """format: of struct, without its byte order; `x` for bytes that say nothing."""

    format: str
    fields: tuple[_Field, ...] = ()

    @property
    def size(self) -> int:
        return struct.calcsize("<" + self.format)

    def read(self, body: bytes) -> dict[str, float | bool]:
        numbers = struct.unpack("<" + self.format, body)
        return {
            field.key: bool(number) if field.divisor == 0 else _over(number, field.divisor)
            for field, number in zip(self.fields, numbers, strict=True)
        }


def _over(number: int, divisor: int) -> float:
    return number if divisor == 1 else number / divisor


_TEMPERATURE = _Field("temperature", 10, "°C", "temperature")
_HUMIDITY = _Field("humidity", 2, "%", "humidity")
_MAGNET = _Field("magnet_status", 0, means="door")
_LEAK = _Field("leakage_status", 0, means="moisture")
_PIR = _Field("pir", 0, means="motion")
_OCCUPANCY = _Field("occupancy", 0, means="occupancy")
_TILT = _Field("position", 0, means="tilt")
_TAMPER = _Field("tamper_status", 0, means="tamper")
_DAYLIGHT = _Field("daylight", 0, means="light")
_DISTANCE = _Field("distance", 1, "mm", "distance")
_DEPTH = _Field("depth", 1, means="depth")
_CO2 = _Field("co2", 1, "ppm", "carbon_dioxide")
_LIGHT = _Field("light_level")
_PRESSURE = _Field("pressure", 10, means="atmospheric_pressure")
_TVOC_INDEX = _Field("tvoc", 100)
_TVOC = _Field("tvoc", 1, "µg/m³")
_PM2_5 = _Field("pm2_5", 1, "µg/m³", "pm25")
_PM10 = _Field("pm10", 1, "µg/m³", "pm10")
_CURRENT = _Field("current", 100, "A", "current")
_TEMPERATURE_ALARM = _Field("temperature_alarm", 0)

# (channel, type): the same on every model that has it.
_COMMON: Mapping[tuple[int, int], _Layout] = {
    (0x01, 0x75): _Layout("B", (_Field("battery", 1, "%", "battery"),)),
    (0x03, 0x67): _Layout("h", (_TEMPERATURE,)),
    (0x04, 0x68): _Layout("B", (_HUMIDITY,)),
    (0x03, 0x74): _Layout("H", (_Field("voltage", 10, "V", "voltage"),)),
    (0x03, 0x77): _Layout("H", (_DEPTH,)),
    (0x03, 0x7B): _Layout("H", (_Field("pressure", 1, "kPa", "pressure"),)),
    (0x03, 0x82): _Layout("H", (_DISTANCE,)),
    (0x04, 0x82): _Layout("H", (_DISTANCE,)),
    (0x03, 0x97): _Layout("I", (_Field("total_current", 100),)),
    (0x04, 0x80): _Layout("I", (_Field("active_power", 1, "W", "power"),)),
    (0x04, 0x98): _Layout("H", (_CURRENT,)),
    (0x05, 0x81): _Layout("B", (_Field("power_factor", 1, "%", "power_factor"),)),
    (0x05, 0x8E): _Layout("B", (_Field("gas_status", 0, means="gas"),)),
    (0x06, 0x73): _Layout("H", (_PRESSURE,)),
    (0x09, 0x73): _Layout("H", (_PRESSURE,)),
    (0x06, 0x83): _Layout("I", (_Field("power_consumption", 1, "Wh", "energy"),)),
    (0x06, 0xCB): _Layout("B", (_LIGHT,)),
    (0x07, 0x7D): _Layout("H", (_CO2,)),
    (0x07, 0xC9): _Layout("H", (_Field("current", 1, "mA", "current"),)),
    (0x08, 0x70): _Layout("B", (_Field("socket_status", 0, means="switch"),)),
    (0x08, 0x7D): _Layout("H", (_TVOC_INDEX,)),
    (0x08, 0xE6): _Layout("H", (_TVOC,)),
    (0x08, 0x90): _Layout("I", (_Field("life_remain", 1, "s"),)),
    (0x09, 0x67): _Layout("h", (_TEMPERATURE,)),
    (0x0B, 0x7D): _Layout("H", (_PM2_5,)),
    (0x0C, 0x7D): _Layout("H", (_PM10,)),
    (0x0E, 0x01): _Layout("B", (_Field("buzzer_status", 0),)),
    (0x83, 0x67): _Layout("hB", (_TEMPERATURE, _TEMPERATURE_ALARM)),
    (0x89, 0x67): _Layout("hB", (_TEMPERATURE, _TEMPERATURE_ALARM)),
    (0x83, 0xD7): _Layout("h2xB", (_TEMPERATURE, _TEMPERATURE_ALARM)),
    (0x83, 0xE9): _Layout("H2xB", (_DISTANCE, _Field("distance_alarm", 0))),
    (0x84, 0x82): _Layout("HB", (_DISTANCE, _Field("distance_alarm", 0))),
    (0x84, 0x98): _Layout("4xHB", (_CURRENT, _Field("current_alarm"))),
    # What a device says of itself when it is switched on, and never a measurement.
    (0xFF, 0x01): _Layout("x"),
    (0xFF, 0x08): _Layout("6x"),
    (0xFF, 0x09): _Layout("2x"),
    (0xFF, 0x0A): _Layout("2x"),
    (0xFF, 0x0B): _Layout("x"),
    (0xFF, 0x0F): _Layout("x"),
    (0xFF, 0x16): _Layout("8x"),
    (0xFF, 0x2E): _Layout("B", (_Field("button"),)),
    (0xFF, 0xFE): _Layout("x"),
    (0xFF, 0xFF): _Layout("2x"),
}
_AIR = (_TEMPERATURE, _HUMIDITY, _PIR, _LIGHT, _CO2)
# By how a model begins; the longest that fits. What stands here goes before the common ones.
_OF_MODEL: Mapping[str, Mapping[tuple[int, int], _Layout]] = {
    "AM307": {
        (0x05, 0x00): _Layout("B", (_PIR,)),
        (0x20, 0xCE): _Layout("hHBBHHH", (*_AIR, _TVOC_INDEX, _PRESSURE)),
        (0x21, 0xCE): _Layout("hHBBHHH", (*_AIR, _TVOC, _PRESSURE)),
    },
    "AM308": {
        (0x05, 0x00): _Layout("B", (_PIR,)),
        (0x20, 0xCE): _Layout("hHBBHHHHH", (*_AIR, _TVOC_INDEX, _PRESSURE, _PM2_5, _PM10)),
        (0x21, 0xCE): _Layout("hHBBHHHHH", (*_AIR, _TVOC, _PRESSURE, _PM2_5, _PM10)),
    },
    "AM": {(0x05, 0x00): _Layout("B", (_PIR,))},
    "EM300": {(0x20, 0xCE): _Layout("hBx", (_TEMPERATURE, _HUMIDITY))},
    "EM300-MCS": {
        (0x06, 0x00): _Layout("B", (_MAGNET,)),
        (0x20, 0xCE): _Layout("hBB", (_TEMPERATURE, _HUMIDITY, _MAGNET)),
    },
    "EM300-MLD": {
        (0x06, 0x00): _Layout("B", (_LEAK,)),
        (0x20, 0xCE): _Layout("3xB", (_LEAK,)),
    },
    "EM300-SLD": {
        (0x05, 0x00): _Layout("B", (_LEAK,)),
        (0x20, 0xCE): _Layout("hBB", (_TEMPERATURE, _HUMIDITY, _LEAK)),
    },
    "EM300-ZLD": {
        (0x05, 0x00): _Layout("B", (_LEAK,)),
        (0x20, 0xCE): _Layout("hBB", (_TEMPERATURE, _HUMIDITY, _LEAK)),
    },
    "EM310-UDL": {(0x04, 0x00): _Layout("B", (_TILT,))},
    "EM320-TH": {(0x20, 0xCE): _Layout("hB", (_TEMPERATURE, _HUMIDITY))},
    "EM400": {(0x05, 0x00): _Layout("B", (_TILT,))},
    "EM500-CO2": {
        (0x05, 0x7D): _Layout("H", (_CO2,)),
        (0x20, 0xCE): _Layout("HHhB", (_CO2, _PRESSURE, _TEMPERATURE, _HUMIDITY)),
    },
    "EM500-PT100": {(0x20, 0xCE): _Layout("h", (_TEMPERATURE,))},
    "EM500-SWL": {(0x20, 0xCE): _Layout("H", (_DEPTH,))},
    "EM500-UDL": {(0x20, 0xCE): _Layout("H", (_DISTANCE,))},
    "VS34": {(0x03, 0x00): _Layout("B", (_OCCUPANCY,))},
    "VS370": {(0x03, 0x00): _Layout("B", (_OCCUPANCY,)), (0x04, 0x00): _Layout("B", (_LIGHT,))},
    "WS202": {(0x03, 0x00): _Layout("B", (_PIR,)), (0x04, 0x00): _Layout("B", (_DAYLIGHT,))},
    "WS203": {
        (0x05, 0x00): _Layout("B", (_OCCUPANCY,)),
        (0x20, 0xCE): _Layout("xBhB", (_OCCUPANCY, _TEMPERATURE, _HUMIDITY)),
    },
    "WS301": {(0x03, 0x00): _Layout("B", (_MAGNET,)), (0x04, 0x00): _Layout("B", (_TAMPER,))},
    "WS303": {(0x03, 0x00): _Layout("B", (_LEAK,))},
}
_HISTORY = (0xCE,)


def read_milesight(payload: bytes, model: str) -> Content:
    """Values under Milesight's own names; 0 is false and 1 is true: open, leak, motion.

    model: any text that may hold its name. A channel whose meaning it does not tell is
    `channel_6`; what follows one that is not known at all can't be told apart.
    """
    layouts = _layouts(model)
    values: dict[str, Any] = {}
    history: list[Mapping[str, Any]] = []
    points: dict[str, DescribedPoint] = {}
    problem = None
    at = 0
    while at < len(payload):
        found = tuple(payload[at : at + 2])
        channel, kind = found if len(found) == 2 else (found[0], -1)
        layout = layouts.get((channel, kind)) or _unnamed(channel, kind)
        stored = 4 if kind in _HISTORY else 0
        end = at + 2 + stored + (layout.size if layout else 0)
        if layout is None or end > len(payload):
            said = "ends within a value" if layout else f"channel {channel}, type {kind} not known"
            problem = Problem("wrong_shape", f"Milesight: {said}, byte {at}")
            break
        read = layout.read(payload[at + 2 + stored : end])
        points.update((field.key, _point(field)) for field in layout.fields)
        if stored:
            history.append({"ts": int.from_bytes(payload[at + 2 : at + 6], "little"), **read})
        else:
            values.update(read)
        at = end
    return Content(values, tuple(history), tuple(points.values()), problem)


def _layouts(model: str) -> Mapping[tuple[int, int], _Layout]:
    found = _MODEL.search(model)
    name = found.group().upper() if found else ""
    fitting = sorted((known for known in _OF_MODEL if name.startswith(known)), key=len)
    merged = dict(_COMMON)
    for known in fitting:
        merged.update(_OF_MODEL[known])
    return merged


def _unnamed(channel: int, kind: int) -> _Layout | None:
    """A channel of one byte that is one thing on this model and another on that."""
    if kind == 0x00 and channel in range(0x03, 0x08):
        return _Layout("B", (_Field(f"channel_{channel}"),))
    return None


def _point(field: _Field) -> DescribedPoint:
    kind = "number" if field.divisor else "boolean"
    return DescribedPoint(field.key, kind, field.unit, means=field.means)
