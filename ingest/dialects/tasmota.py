"""Tasmota (docs/MQTT.md of tasmota/docs): telemetry of its devices, cards at a PN532 among it.

Topics are `%prefix%/%topic%/SENSOR` by default, and in any other order that a device is set to.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from math import isfinite
from typing import Any
from zoneinfo import ZoneInfo

from core.clock import from_micros
from core.errors import Invalid
from core.local_time import resolve
from ingest.decoding import Problem, parse
from ingest.dialects.spoken import ForeignSource, Spoken, Told

PREFIX = "tele"
# A message whose own JSON stands for something else than the state of its device.
_CARD_READERS = ("PN532", "RDM6300", "RC522")
_BEACON = "IBEACON"
_SWITCHED = {"ON": True, "OFF": False}
_NOT_MEASURED = ("Time", "Epoch", "TempUnit", "PressureUnit", "SpeedUnit", _BEACON, *_CARD_READERS)
_DEEPEST = 4


def decode(
    source: ForeignSource, topic: str, payload: bytes, memory: Mapping[str, Any]
) -> Told | Problem | None:
    """What a message tells; None for commands, their results, and what devices tell of themselves.

    What stands in the source's filter as it is says where, not which device it is. `Time` is local
    and names no zone: it is the source's.
    """
    *path, last = topic.split("/")
    if PREFIX not in path or last not in ("SENSOR", "STATE", "LWT"):
        return None
    device = _device(path, source.topic_filter.split("/"))
    if last == "LWT":
        online = {b"Online": True, b"Offline": False}.get(payload.strip())
        if online is None:
            return Problem("wrong_shape", "LWT is Online or Offline")
        return Told(device, [Spoken("status", {"online": online})])
    document = parse(payload)
    if isinstance(document, Problem):
        return document
    if not isinstance(document, dict):
        return Problem("wrong_shape", f"{last} is an object")
    return Told(device, list(_messages(document, _time(document, source.zone))))


def _device(path: list[str], wanted: list[str]) -> str:
    """The code of a device: what its topic holds beside the prefix and what the filter spells."""
    names = [
        (place, name) for place, name in enumerate(path) if place != path.index(PREFIX) and name
    ]
    spelled = dict(enumerate(wanted))
    own = [name for place, name in names if spelled.get(place, "#") != name]
    return ".".join(own) or (names[-1][1] if names else PREFIX)


def _time(document: dict[str, Any], zone: ZoneInfo) -> dict[str, Any]:
    """`ts`, where the message says when it was; a text that is no time is left as it is."""
    epoch = document.get("Epoch")
    if isinstance(epoch, int | float) and not isinstance(epoch, bool) and isfinite(epoch):
        return {"ts": epoch}
    # One that is no time takes nothing away from the text beside it.
    said = document.get("Time")
    if not isinstance(said, str):
        return {} if said is None else {"ts": said}
    try:
        moment = datetime.fromisoformat(said)
        if moment.tzinfo is None:
            said = from_micros(resolve(moment, zone)).isoformat()
        return {"ts": said}
    except (Invalid, OverflowError, ValueError):
        return {"ts": said}


def _messages(document: dict[str, Any], when: dict[str, Any]) -> Iterator[Spoken]:
    for name in _CARD_READERS:
        read = document.get(name)
        if isinstance(read, dict) and read.get("UID"):
            # What the card holds beside its number, and whether a key opened it, is not asked:
            # a number is all that a reader of this kind proves.
            yield Spoken("scan", {**when, "guard": read["UID"]})
    heard = document.get(_BEACON)
    if isinstance(heard, dict) and heard.get("MAC") and heard.get("STATE", "ON") == "ON":
        loud = {"rssi": heard["RSSI"]} if "RSSI" in heard else {}
        yield Spoken("scan", {**when, "badge": heard["MAC"], **loud})
    measured = {
        key: value
        for name, inner in document.items()
        if name not in _NOT_MEASURED
        for key, value in _flat(name, inner, _DEEPEST)
    }
    if measured:
        yield Spoken("readings", {**when, **measured})


def _flat(name: str, value: Any, depth: int) -> Iterator[tuple[str, float | bool]]:
    """Numbers and switches under the path to them: `DS18B20.Temperature`, `ENERGY.Current.1`."""
    if isinstance(value, bool | int | float):
        yield name, value
    elif isinstance(value, str) and value in _SWITCHED:
        yield name, _SWITCHED[value]
    elif depth and isinstance(value, dict):
        for inner, each in value.items():
            yield from _flat(f"{name}.{inner}", each, depth - 1)
    elif depth and isinstance(value, list):
        for place, each in enumerate(value, 1):
            yield from _flat(f"{name}.{place}", each, depth - 1)
