"""The Things Stack v3 (integrations/data-formats and /mqtt of its documentation), also of TTN.

Topics are `v3/APPLICATION@TENANT/devices/DEVICE/up` and the like. "Empty fields are omitted": a
field of a message that is 0, false or empty is absent. `decoded_payload` is a Struct, whose 0 and
false are values like others; a key that is not in it was not sent, and is never taken for false.
"""

from collections.abc import Mapping
from typing import Any

from ingest.decoding import Problem, parse
from ingest.dialects.flattened import flat
from ingest.dialects.lorawan import CODEC, Heard, best, number, read_uplink
from ingest.dialects.naming import code_of
from ingest.dialects.spoken import Decoded, Described, ForeignSource, Result, Spoken, Told

_SIMULATED = "simulated in the console of The Things Stack, and sent by no device"


def decode(source: ForeignSource, topic: str, payload: bytes, memory: Mapping[str, Any]) -> Result:
    """What a message tells of its device; None for downlinks, which are somebody else's."""
    del memory
    levels = topic.split("/")
    at = levels.index("v3") if "v3" in levels else len(levels)
    if levels[at + 2 : at + 3] != ["devices"]:
        return None
    kind = "/".join(levels[at + 4 :])
    if kind not in ("up", "join", "down/ack", "location/solved", "service/data"):
        return None
    document = parse(payload)
    if isinstance(document, Problem):
        return document
    if not isinstance(document, dict):
        return Problem("wrong_shape", "a message is an object")
    if document.get("simulated") is True:
        return Problem("unsupported", _SIMULATED)
    ids = _object(document.get("end_device_ids"))
    device = code_of(ids.get("dev_eui") or ids.get("device_id") or levels[at + 3])
    if device is None:
        return Problem("wrong_shape", "end_device_ids name no device")
    if kind == "up":
        return _up(source, device, ids, document)
    return Told(device, _other(kind, document), described=_described(ids, {}))


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _described(ids: Mapping[str, Any], versions: Mapping[str, Any], points: Any = ()) -> Described:
    said = [ids.get("device_id"), versions.get("brand_id"), versions.get("model_id")]
    name, maker, model = (each if isinstance(each, str) else None for each in said)
    return Described(name, maker, model, tuple(points))


def _up(
    source: ForeignSource, device: str, ids: Mapping[str, Any], document: Mapping[str, Any]
) -> Result:
    up = document.get("uplink_message")
    if not isinstance(up, dict):
        return Problem("wrong_shape", "uplink_message is an object")
    received = up.get("rx_metadata")
    lora = "lora" in _object(_object(up.get("settings")).get("data_rate"))
    heard = best(
        _heard(one, lora=lora)
        for one in (received if isinstance(received, list) else [])
        if isinstance(one, dict)
    )
    versions = _object(up.get("version_ids"))
    uplink = read_uplink(
        up.get("decoded_payload") or _normalized(up),
        up.get("frm_payload"),
        source.options.get(CODEC),
        f"{versions.get('model_id')} {ids.get('device_id')}",
        _when(up, document),
        "a payload formatter in The Things Stack",
    )
    level = number(_object(up.get("last_battery_percentage")).get("value"))
    battery = {"battery": level} if level is not None and 0 <= level <= 100 else {}
    told = Told(
        device,
        uplink.messages,
        through=heard.gateway,
        health={**heard.health(), **battery, **(uplink.health or {})},
        described=_described(ids, versions, uplink.points),
    )
    return Decoded([told], [uplink.problem] if uplink.problem else [])


def _heard(one: Mapping[str, Any], *, lora: bool) -> Heard:
    ids = _object(one.get("gateway_ids"))
    gateway = code_of(ids.get("gateway_id") or ids.get("eui"))
    return Heard(gateway, number(one.get("rssi")), number(one.get("snr", 0 if lora else None)))


def _normalized(up: Mapping[str, Any]) -> dict[str, Any]:
    """Measurements in the common form of The Things Stack, where that is all there is."""
    several = up.get("normalized_payload")
    found: dict[str, Any] = {}
    for each in several if isinstance(several, list) else [several]:
        found.update({key: value for key, value in _object(each).items() if key != "time"})
    return found


def _when(*places: Mapping[str, Any]) -> dict[str, Any]:
    """When the network received it: the clocks of gateways are set by whoever owns them."""
    for place in places:
        if place.get("received_at") is not None:
            return {"ts": place["received_at"]}
    return {}


def _other(kind: str, document: Mapping[str, Any]) -> list[Spoken]:
    if kind == "join":
        return [Spoken("status", {"online": True})]
    values: dict[str, Any] = {}
    if kind == "location/solved":
        place = _object(_object(document.get("location_solved")).get("location"))
        known = ("latitude", "longitude", "altitude", "accuracy")
        values = flat({"location": {name: place[name] for name in known if name in place}})
    elif kind == "service/data":
        service = _object(document.get("service_data"))
        name, data = service.get("service"), _object(service.get("data"))
        values = flat({name: data}) if isinstance(name, str) and name else flat(data)
    return [Spoken("readings", {**_when(document), **values})] if values else []
