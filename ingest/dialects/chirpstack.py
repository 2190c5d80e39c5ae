"""ChirpStack v4 (integrations/events and integrations/mqtt of its documentation), JSON encoding.

Topics end in `device/DEV_EUI/event/EVENT`. By the mapping of protobuf to JSON a value that is 0,
false or empty may be absent; what stands in `object` is a Struct, in which it never is.
"""

from collections.abc import Mapping
from typing import Any

from ingest.decoding import Problem, parse
from ingest.dialects.flattened import flat
from ingest.dialects.lorawan import CODEC, Heard, best, number, read_uplink
from ingest.dialects.naming import code_of
from ingest.dialects.spoken import Decoded, Described, ForeignSource, Result, Spoken, Told

_EVENTS = ("up", "status", "join", "ack", "location", "integration", "log")
_OBJECT = Problem("wrong_shape", "an event is an object")


def decode(source: ForeignSource, topic: str, payload: bytes, memory: Mapping[str, Any]) -> Result:
    """What an event tells of its device; None for commands, `txack` and what gateways say."""
    del memory
    levels = topic.split("/")
    if len(levels) < 4 or levels[-4] != "device" or levels[-2] != "event":
        return None
    event = levels[-1]
    if event not in _EVENTS:
        return None
    document = parse(payload)
    if isinstance(document, Problem):
        return document
    if not isinstance(document, dict):
        return _OBJECT
    info = _object(document.get("deviceInfo"))
    device = code_of(info.get("devEui") or levels[-3])
    if device is None:
        return Problem("wrong_shape", "deviceInfo names no devEui")
    if event == "log":
        return _log(device, document)
    if event == "up":
        return _up(source, device, info, document)
    return _other(event, device, info, document)


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _when(document: Mapping[str, Any]) -> dict[str, Any]:
    """`time` has nanoseconds, of which microseconds are kept."""
    said = document.get("time")
    return {} if said is None else {"ts": said}


def _described(info: Mapping[str, Any], points: Any = ()) -> Described:
    name, model = info.get("deviceName"), info.get("deviceProfileName")
    return Described(
        name=name if isinstance(name, str) else None,
        model=model if isinstance(model, str) else None,
        points=tuple(points),
    )


def _up(
    source: ForeignSource, device: str, info: Mapping[str, Any], document: Mapping[str, Any]
) -> Result:
    lora = "lora" in _object(_object(document.get("txInfo")).get("modulation"))
    received = document.get("rxInfo")
    heard = best(
        Heard(
            code_of(one.get("gatewayId")),
            number(one.get("rssi")),
            number(one.get("snr", 0 if lora else None)),
        )
        for one in (received if isinstance(received, list) else [])
        if isinstance(one, dict)
    )
    model = f"{info.get('deviceProfileName')} {info.get('deviceName')}"
    uplink = read_uplink(
        document.get("object"),
        document.get("data"),
        source.options.get(CODEC),
        model,
        _when(document),
        "a codec on the device profile",
    )
    told = Told(
        device,
        uplink.messages,
        through=heard.gateway,
        health={**heard.health(), **(uplink.health or {})},
        described=_described(info, uplink.points),
    )
    return Decoded([told], [uplink.problem] if uplink.problem else [])


def _other(event: str, device: str, info: Mapping[str, Any], document: Mapping[str, Any]) -> Result:
    messages: list[Spoken] = []
    health: dict[str, float] = {}
    if event == "join":
        messages.append(Spoken("status", {"online": True}))
    elif event == "status":
        health = _status(document)
    elif event == "location":
        values = flat({"location": _place(document.get("location"))})
        messages += [Spoken("readings", {**_when(document), **values})] if values else []
    elif event == "integration":
        name = document.get("integrationName")
        said = _object(document.get("object"))
        values = flat({name: said}) if isinstance(name, str) and name else flat(said)
        messages += [Spoken("readings", {**_when(document), **values})] if values else []
    return Told(device, messages, health=health, described=_described(info))


def _status(document: Mapping[str, Any]) -> dict[str, float]:
    """A level beside `externalPowerSource` or `batteryLevelUnavailable` is 0 and no level."""
    health = {"snr": number(document.get("margin", 0))}
    if not document.get("externalPowerSource") and not document.get("batteryLevelUnavailable"):
        level = number(document.get("batteryLevel"))
        health["battery"] = level if level is not None and 0 <= level <= 100 else None
    return {name: value for name, value in health.items() if value is not None}


def _place(value: Any) -> dict[str, Any]:
    place = _object(value)
    return {name: place[name] for name in ("latitude", "longitude", "altitude") if name in place}


def _log(device: str, document: Mapping[str, Any]) -> Result:
    """What the network server could not do with a device; its other notes are its own business."""
    if document.get("level") not in ("ERROR", 2):
        return None
    said = f"{document.get('code')}: {document.get('description')}"
    return Problem("unsupported", f"ChirpStack on device {device}: {said}"[:400])
