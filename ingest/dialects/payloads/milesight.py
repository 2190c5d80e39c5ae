"""Milesight sensors (guides of Milesight-IoT/SensorDecoders): channel, type and value.

The lowest byte comes first. What a channel with type 0 means depends on the model: a door on one,
a leak on another. The model is looked for in what the network calls the device's profile.
"""

import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from ingest.decoding import Problem
from ingest.dialects.payloads.content import Content
from ingest.dialects.payloads.milesight_history import read_stored
from ingest.dialects.payloads.milesight_layouts import COMMON, Field, Layout, Layouts
from ingest.dialects.payloads.milesight_models import OF_MODEL
from ingest.dialects.payloads.milesight_registers import read_register
from ingest.dialects.spoken import DescribedPoint

_MODEL = re.compile(
    r"\b(?:AM|AT|CT|EM|GS|TS|UC|VS|WS|WT|WTS)\d{3}[A-Z]?(?:-[A-Z0-9]+)*", re.IGNORECASE
)


_HISTORY = (0xCE,)
_SMOKE, _SMOKE_SIZE = "GS524", 6
_SMOKE_EVENTS = {
    1: "alarm",
    2: "silent",
    4: "low battery",
    5: "failover",
    7: "normal",
    10: "removed",
    11: "installed",
    14: "testing alarm with normal battery",
    15: "testing alarm with low battery",
}
_SMOKE_POINTS = (
    DescribedPoint("alarm", "boolean", means="smoke"),
    DescribedPoint("battery", "number", "%", means="battery"),
    DescribedPoint("concentration", "number", "%"),
    DescribedPoint("temperature", "number", "°C", means="temperature"),
    DescribedPoint("event", "state", states=tuple(_SMOKE_EVENTS.values())),
)
# What a device answers to a setting that it was sent: of as many forms as there are settings, and
# nothing that it measured stands behind.
_ANSWERS = (0xF8, 0xF9, 0xFE, 0xFF)


def read_milesight(payload: bytes, model: str) -> Content:
    """Values under Milesight's own names; 0 is false and 1 is true: open, leak, motion.

    model: any text that may hold its name. A channel whose meaning it does not tell is
    `channel_6`; what follows one that is not known at all can't be told apart. Answers to settings,
    and zeros that fill a payload up, end it.
    """
    name = _name(model)
    if name.startswith(_SMOKE) and len(payload) == _SMOKE_SIZE:
        return _smoke(payload)
    reading = _Reading(name)
    at = 0
    while at < len(payload):
        length = reading.take(payload, at)
        if not length:
            break
        at += length
    return Content(
        reading.values, tuple(reading.history), tuple(reading.points.values()), reading.problem
    )


def with_alarm(values: Mapping[str, Any], model: str) -> Mapping[str, Any]:
    """What Milesight's codec in the network made, with `alarm` as ours tells it of smoke.

    That codec says in words what a smoke detector reports, and leaves out whether it alarms.
    """
    event = values.get("event")
    if "alarm" in values or event not in _SMOKE_EVENTS.values() or not is_smoke(values, model):
        return values
    return {**values, "alarm": event == _SMOKE_EVENTS[1]}


def is_smoke(values: Mapping[str, Any], model: str) -> bool:
    """Whether these are of a smoke detector, by what the codec calls it or by its model."""
    return values.get("type") == "smoke sensor" or _name(model).startswith(_SMOKE)


def points_by_model(values: Mapping[str, Any], model: str) -> tuple[DescribedPoint, ...]:
    """What numbers are, by the model, that a codec of the network read under Milesight's names."""
    name = _name(model)
    if "alarm" in values and is_smoke(values, model):
        return tuple(one for one in _SMOKE_POINTS if one.key in values)
    known = _fields(name) if name else {}
    return tuple(
        _point(known[key])
        for key, value in values.items()
        if key in known and known[key].kind == "number" and type(value) in (int, float)
    )


@dataclass
class _Reading:
    """What was read of a payload of one model."""

    name: str
    values: dict[str, Any] = field(default_factory=dict)
    history: list[Mapping[str, Any]] = field(default_factory=list)
    points: dict[str, DescribedPoint] = field(default_factory=dict)
    problem: Problem | None = None

    def take(self, payload: bytes, at: int) -> int:
        """Read what begins at `at`; how long it was, 0 where no more can be read."""
        found = tuple(payload[at : at + 2])
        channel, kind = found if len(found) == 2 else (found[0], -1)
        layout = _layouts(self.name).get((channel, kind)) or _unnamed(channel, kind)
        if layout is None:
            return self._register(payload, at, f"channel {channel}, type {kind} not known")
        stored = 4 if kind in _HISTORY else 0
        begin, length = at + 2 + stored, 2 + stored + layout.size
        if at + length > len(payload):
            return self._stop(at, "ends within a value")
        read = layout.read(payload[begin : at + length])
        self.points.update(
            (one.key, _point(one))
            for one in layout.fields
            if layout.told is None or one.key in read
        )
        if stored:
            self.history.append({"ts": int.from_bytes(payload[at + 2 : begin], "little"), **read})
        else:
            self.values.update(read)
        return length

    def _register(self, payload: bytes, at: int, why: str) -> int:
        try:
            stored = read_stored(self.name, payload[at:])
            found = None if stored else read_register(self.name, payload[at:])
        except (IndexError, struct.error):
            return self._stop(at, "ends within a value")
        if stored is not None:
            self.points.update((one.key, _point(one)) for one in stored.fields)
            if stored.values:
                self.history.append({"ts": stored.at, **stored.values})
            return stored.length
        if found is not None:
            key, value, length = found
            if value is not None:
                self.values[key] = value
                kind = "boolean" if isinstance(value, bool) else "number"
                self.points[key] = DescribedPoint(key, kind)
            return length
        if payload[at] in _ANSWERS or not any(payload[at:]):
            return 0
        return self._stop(at, why)

    def _stop(self, at: int, why: str) -> int:
        self.problem = Problem("wrong_shape", f"Milesight: {why}, byte {at}")
        return 0


def _smoke(payload: bytes) -> Content:
    """A smoke detector, which has no channels: what it reports, and how it is."""
    event = payload[1] & 0x0F
    values: dict[str, Any] = {
        "alarm": event == 1,
        "battery": payload[2],
        "concentration": payload[3],
        "temperature": int.from_bytes(payload[4:5], signed=True),
    }
    if event in _SMOKE_EVENTS:
        values["event"] = _SMOKE_EVENTS[event]
    return Content(values, points=_SMOKE_POINTS)


def _name(model: str) -> str:
    found = _MODEL.search(model)
    return found.group().upper() if found else ""


@lru_cache(maxsize=1_024)
def _layouts(name: str) -> Layouts:
    fitting = sorted((known for known in OF_MODEL if name.startswith(known)), key=len)
    merged = dict(COMMON)
    for known in fitting:
        merged.update(OF_MODEL[known])
    return merged


@lru_cache(maxsize=1_024)
def _fields(name: str) -> Mapping[str, Field]:
    return {one.key: one for layout in _layouts(name).values() for one in layout.fields}


def _unnamed(channel: int, kind: int) -> Layout | None:
    """A channel of one byte that is one thing on this model and another on that."""
    if kind == 0x00 and channel in range(0x03, 0x08):
        return Layout("B", (Field(f"channel_{channel}"),))
    return None


def _point(one: Field) -> DescribedPoint:
    return DescribedPoint(one.key, one.kind, one.unit, one.words, means=one.means)
