"""The Things Stack v3 (integrations/data-formats and /mqtt of its documentation), also of TTN.

Topics are `v3/APPLICATION@TENANT/devices/DEVICE/up` and the like. "Empty fields are omitted": a
field of a message that is 0, false or empty is absent. `decoded_payload` is a Struct, whose 0 and
false are values like others; a key that is not in it was not sent, and is never taken for false.
"""

from collections.abc import Mapping
from typing import Any

from ingest.decoding import Problem
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
from ingest.dialects.spoken import Described, ForeignSource, Result, Spoken
from ingest.dialects.values import document, flat, name_in, timed

_KINDS = ("up", "join", "down/ack", "location/solved", "service/data")
_BROKER = "packetbroker"
_SIMULATED = "simulated in the console of The Things Stack, and sent by no device"


def decode(source: ForeignSource, topic: str, payload: bytes, memory: Mapping[str, Any]) -> Result:
    """What a message tells of its device; None for downlinks, which are somebody else's."""
    levels = topic.split("/")
    at = levels.index("v3") if "v3" in levels else len(levels)
    kind = "/".join(levels[at + 4 :])
    if levels[at + 2 : at + 3] != ["devices"] or kind not in _KINDS:
        return None
    said = document(payload)
    if isinstance(said, Problem):
        return said
    if said.get("simulated") is True:
        return Problem("unsupported", _SIMULATED)
    ids = _object(said.get("end_device_ids"))
    device = ids.get("dev_eui") or ids.get("device_id") or levels[at + 3]
    if kind == "up":
        return _up(source, device, ids, said, memory)
    return told(memory, device, _other(kind, said), described=_described(ids, {}))


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _described(
    ids: Mapping[str, Any], versions: Mapping[str, Any], uplink: Uplink | None = None
) -> Described:
    return Described(
        name_in(ids.get("device_id")),
        name_in(versions.get("brand_id")),
        name_in(versions.get("model_id")),
        uplink.points if uplink else (),
    )


def _up(
    source: ForeignSource,
    device: Any,
    ids: Mapping[str, Any],
    said: Mapping[str, Any],
    memory: Mapping[str, Any],
) -> Result:
    up = said.get("uplink_message")
    if not isinstance(up, dict):
        return Problem("wrong_shape", "uplink_message is an object")
    versions = _object(up.get("version_ids"))
    uplink = read_uplink(
        up.get("decoded_payload") or _normalized(up) or up.get("decoded_payload"),
        up.get("frm_payload"),
        source.options.get(CODEC),
        f"{versions.get('model_id')} {ids.get('device_id')}",
        # The clocks of gateways are set by whoever owns them.
        timed(up.get("received_at", said.get("received_at"))),
        "a payload formatter in The Things Stack",
    )
    known = battery(_object(up.get("last_battery_percentage")).get("value"))
    return told(memory, device, uplink, _heard(up), known, _described(ids, versions, uplink))


def _heard(up: Mapping[str, Any]) -> Heard:
    lora = "lora" in _object(_object(up.get("settings")).get("data_rate"))
    received = up.get("rx_metadata")
    several = (
        [one for one in received if isinstance(one, dict)] if isinstance(received, list) else []
    )
    gateways = [_object(one.get("gateway_ids")) for one in several]
    return best(
        [
            heard_by(_gateway(one, ids), one.get("rssi"), one.get("snr"), lora=lora)
            for one, ids in zip(several, gateways, strict=True)
        ]
    )


def _gateway(heard: Mapping[str, Any], ids: Mapping[str, Any]) -> Any:
    name = ids.get("gateway_id") or ids.get("eui")
    if name != _BROKER:
        return name
    # All gateways of other networks go by this name.
    behind = _object(heard.get("packet_broker"))
    return behind.get("forwarder_gateway_id") or behind.get("forwarder_gateway_eui") or name


def _normalized(up: Mapping[str, Any]) -> dict[str, Any]:
    """Measurements in the common form of The Things Stack, where that is all there is."""
    several = up.get("normalized_payload")
    found: dict[str, Any] = {}
    for each in several if isinstance(several, list) else [several]:
        found.update({key: value for key, value in _object(each).items() if key != "time"})
    return found


def _other(kind: str, said: Mapping[str, Any]) -> Uplink:
    when = timed(said.get("received_at"))
    if kind == "join":
        return Uplink((Spoken("status", {"online": True}),))
    if kind == "location/solved":
        place = _object(_object(said.get("location_solved")).get("location"))
        known = {
            name: place.get(name) for name in ("latitude", "longitude", "altitude", "accuracy")
        }
        return readings(when, flat({"location": known}, texts=False))
    if kind == "service/data":
        service = _object(said.get("service_data"))
        found = _object(service.get("data"))
        name = name_in(service.get("service"))
        return readings(when, flat({name: found} if name else found, texts=True))
    return Uplink()
