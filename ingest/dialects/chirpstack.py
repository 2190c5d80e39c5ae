"""ChirpStack v4 (integrations/events and integrations/mqtt of its documentation), JSON encoding.

Topics end in `device/DEV_EUI/event/EVENT`. By the mapping of protobuf to JSON a value that is 0,
false or empty may be absent; what stands in `object` is a Struct, in which it never is.
"""

import base64
from collections.abc import Mapping
from functools import lru_cache, partial
from typing import Any

import msgspec

from ingest.decoding import Problem, moment_in, parse
from ingest.dialects.lorawan import (
    CODEC,
    Heard,
    Uplink,
    battery,
    best,
    heard_by,
    read_uplink,
    readings,
    told,
)
from ingest.dialects.naming import device_code, named
from ingest.dialects.spoken import (
    Described,
    DescribedPoint,
    ForeignSource,
    Ordinary,
    Plan,
    Result,
    Shape,
    Spoken,
    TimeText,
)
from ingest.dialects.values import document, flat, health, name_in, number, timed

_EUI_BYTES = 8
_EVENTS = ("up", "status", "join", "ack", "location", "integration", "log")


def decode(source: ForeignSource, topic: str, payload: bytes, memory: Mapping[str, Any]) -> Result:
    """What an event tells of its device; None for commands, `txack` and what gateways say."""
    levels = topic.split("/")
    if len(levels) < 4 or levels[-4] != "device" or levels[-2] != "event":
        return None
    event = levels[-1]
    if event not in _EVENTS:
        return None
    said = document(payload)
    if isinstance(said, Problem):
        return said
    info = _object(said.get("deviceInfo", said))
    device = info.get("devEui") or levels[-3]
    if event == "log":
        return _log(device, said)
    if event == "up":
        return _up(source, device, info, said, memory)
    known = _status(said) if event == "status" else {}
    return told(memory, device, _other(event, said), known=known, described=_described(info))


class _Gateway(msgspec.Struct, rename="camel", gc=False):
    gateway_id: str | None = None
    rssi: float | None = None
    snr: float | None = None


class _Info(msgspec.Struct, rename="camel", gc=False):
    dev_eui: str


class _Around(msgspec.Struct, rename="camel", gc=False, kw_only=True):
    """What is read of an uplink beside its values; the rest is skipped."""

    time: TimeText | float | None = None
    device_info: _Info
    rx_info: list[_Gateway] = []


class _Usual(_Around, rename="camel", gc=False):
    """An uplink that ChirpStack's codec has decoded. A list in `object` may be stored history, and
    is none of it."""

    object: dict[str, bool | int | float | str | dict[str, Any] | None]


_decode_usual = msgspec.json.Decoder(_Usual).decode


def plan(source: ForeignSource, topic: str, memory: Mapping[str, Any]) -> Plan | None:
    """How uplinks are read that are decoded already."""
    levels = topic.split("/")
    if len(levels) < 4 or levels[-4] != "device" or levels[-2:] != ["event", "up"]:
        return None
    own = named(memory, levels[-3])
    if not levels[-3].strip() or isinstance(own, Problem) or own.remember:
        return None
    name = levels[-3]
    return Plan(own.code, partial(_ordinary, name), shape=_SHAPE, name=name)


def _ordinary(name: str, payload: bytes) -> Ordinary | None:
    said = _decode_usual(payload)
    if "event" in said.object and "alarm" not in said.object:
        # A smoke detector may say so that it alarms (`with_alarm`), which its decoder makes out.
        return None
    return (said.object, said.time, _through(said, name)) if said.object else None


def _through(said: _Around, name: str) -> str | None:
    """The gateway that heard it best. ValueError for an uplink of another device, and TypeError
    where one doesn't say how well it heard."""
    if said.device_info.dev_eui != name:
        raise ValueError("another device")
    gateways = said.rx_info
    if not gateways:
        return None
    best = gateways[0]
    if len(gateways) > 1:
        best = max(gateways, key=lambda one: (one.snr + 0, one.rssi + 0))  # type: ignore[operator]
    return device_code(best.gateway_id) if best.gateway_id else None


_SHAPE = Shape(_Around, moment_in, "object", closed=True, through=_through)


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _described(info: Mapping[str, Any], uplink: Uplink | None = None) -> Described:
    name, model = info.get("deviceName"), info.get("deviceProfileName")
    return _about(
        name if isinstance(name, str) else None,
        model if isinstance(model, str) else None,
        uplink.points if uplink else (),
    )


@lru_cache(maxsize=4_096)
def _about(name: str | None, model: str | None, points: tuple[DescribedPoint, ...]) -> Described:
    """The same for each message of a device."""
    return Described(name_in(name), model=name_in(model), points=points)


def _up(
    source: ForeignSource,
    device: Any,
    info: Mapping[str, Any],
    said: Mapping[str, Any],
    memory: Mapping[str, Any],
) -> Result:
    lora = "lora" in _object(_object(said.get("txInfo")).get("modulation"))
    received = said.get("rxInfo")
    heard = best(
        [
            _heard(one, lora=lora)
            for one in (received if isinstance(received, list) else ())
            if isinstance(one, dict)
        ]
    )
    uplink = read_uplink(
        said.get("object", _spelled(said.get("objectJSON"))),
        said.get("data"),
        source.options.get(CODEC),
        f"{info.get('deviceProfileName')} {info.get('deviceName')}",
        # It has nanoseconds, of which microseconds are kept.
        timed(said.get("time")),
        "a codec on the device profile",
    )
    return told(memory, device, uplink, heard, described=_described(info, uplink))


def _heard(one: Mapping[str, Any], *, lora: bool) -> Heard:
    if "gatewayID" in one:
        return heard_by(
            _in_digits(one["gatewayID"]), one.get("rssi"), one.get("loRaSNR"), lora=lora
        )
    return heard_by(one.get("gatewayId"), one.get("rssi"), one.get("snr"), lora=lora)


def _in_digits(gateway: Any) -> Any:
    """As version 4 writes it: version 3 wrote the bytes of an EUI in base64, unless told not to."""
    try:
        raw = base64.b64decode(gateway, validate=True)
    except (TypeError, ValueError):
        return gateway
    return raw.hex() if len(raw) == _EUI_BYTES else gateway


def _spelled(text: Any) -> Any:
    """What the codec made, as version 3 wrote it: a text of JSON."""
    return parse(text.encode("utf-8", "replace")) if isinstance(text, str) and text else None


def _other(event: str, said: Mapping[str, Any]) -> Uplink:
    when = timed(said.get("time"))
    if event == "join":
        return Uplink((Spoken("status", {"online": True}),))
    if event == "location":
        place = _object(said.get("location"))
        known = {name: place.get(name) for name in ("latitude", "longitude", "altitude")}
        return readings(when, flat({"location": known}, texts=False))
    if event == "integration":
        found = _object(said.get("object"))
        name = name_in(said.get("integrationName"))
        return readings(when, flat({name: found} if name else found, texts=True))
    return Uplink()


def _status(said: Mapping[str, Any]) -> dict[str, float]:
    """A level beside `externalPowerSource` or `batteryLevelUnavailable` is 0 and no level."""
    unknown = said.get("externalPowerSource") or said.get("batteryLevelUnavailable")
    level = {} if unknown else battery(said.get("batteryLevel"))
    return {**health(snr=number(said.get("margin", 0))), **level}


def _log(device: Any, said: Mapping[str, Any]) -> Result:
    """What the network server could not do with a device; its other notes are its own business."""
    if said.get("level") not in ("ERROR", 2):
        return None
    detail = f"ChirpStack on device {device}: {said.get('code')}: {said.get('description')}"
    return Problem("unsupported", detail[:400].encode("utf-8", "replace").decode())
