"""`event` messages: an object that names what happened becomes a moment of that event's point."""

from collections.abc import Mapping
from typing import Any

from ingest.decoding import Problem, parse
from ingest.registry import DeviceState

# The key under which it is named; whatever stands beside is for others and is not kept.
KEY = "event"


def as_reading(device: DeviceState, fields: dict[str, Any]) -> dict[str, Any] | Problem:
    """The object of an event message as a `readings` object says the same, or what is wrong."""
    name = fields.get(KEY)
    if not isinstance(name, str) or not name:
        return Problem("wrong_shape", 'an event message names what happened: {"event": "name"}')
    point = device.points.get(name)
    if point is None or not point.event:
        return Problem("unknown_point", f"{name[:60]!r} is no event of the device")
    moment: dict[str, Any] = {name: True}
    if fields.get("ts") is not None:
        moment["ts"] = fields["ts"]
    return moment


def event_of(payload: bytes) -> Mapping[str, Any]:
    """What an event message of a device that nobody adopted yet says, as it would be a reading."""
    document = parse(payload)
    latest = document[-1] if isinstance(document, list) and document else document
    name = latest.get(KEY) if isinstance(latest, dict) else None
    return {name: True} if isinstance(name, str) and name else {}
