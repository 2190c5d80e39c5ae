"""CTWing (China Telecom AIoT): the messages of its HTTP subscriptions and of its message queue.

`dataReport`, `dataReportTupUnion`, `eventReport`, `deviceOnlineOfflineReport` and `commandResponse`
of its documentation of the subscription service.
"""

from collections.abc import Mapping
from typing import Any

from ingest.decoding import Problem, parse
from ingest.dialects.naming import device_code
from ingest.dialects.spoken import ForeignSource, Result, Spoken, Told
from ingest.dialects.values import flat

BY = "device"
# Bytes of the device's own, which no model of the platform explains.
_RAW = "APPdata"
# What the platform writes where it knows nothing.
_UNKNOWN = ("", "undefined", "null")


def decode(source: ForeignSource, topic: str, payload: bytes, memory: Mapping[str, Any]) -> Result:
    """What a message tells; None for answers to commands."""
    del topic, memory
    document = parse(payload)
    if isinstance(document, Problem):
        return document
    if not isinstance(document, dict):
        return Problem("wrong_shape", "a message is an object")
    kind = document.get("messageType")
    if kind == "commandResponse":
        return None
    device = _device(document, str(source.options.get(BY, "deviceId")))
    if device is None:
        return Problem("wrong_shape", "neither deviceId nor IMEI names the device")
    when = {} if document.get("timestamp") is None else {"ts": document["timestamp"]}
    if kind in ("dataReport", "dataReportTupUnion"):
        return _data(device, when, document.get("payload"))
    if kind == "eventReport":
        return _event(device, when, document)
    if kind == "deviceOnlineOfflineReport":
        online = document.get("eventType")
        if online not in (0, 1):
            return Problem("wrong_shape", "eventType is 1 (online) or 0")
        return Told(device, [Spoken("status", {"online": bool(online)})])
    return Problem("unsupported", f"messageType {str(kind)[:40]!r} has no use yet; it is kept")


def _device(document: Mapping[str, Any], by: str) -> str | None:
    names = (document.get(by), document.get("deviceId"), document.get("IMEI"))
    known = (str(name) for name in names if isinstance(name, str | int))
    return next((device_code(name.strip()) for name in known if name.strip() not in _UNKNOWN), None)


def _data(device: str, when: Mapping[str, Any], payload: Any) -> Result:
    if not isinstance(payload, dict):
        return Problem("wrong_shape", "payload is an object")
    if _RAW in payload:
        detail = f"{_RAW} holds bytes of the device's own: a mapping says what they mean"
        return Problem("unsupported", detail)
    inner = payload.get("serviceData")
    fields = flat(inner if isinstance(inner, dict) else payload, texts=True)
    return Told(device, [Spoken("readings", {**when, **fields})] if fields else [])


def _event(device: str, when: Mapping[str, Any], document: Mapping[str, Any]) -> Result:
    content = document.get("eventContent")
    fields = flat(content, texts=True) if isinstance(content, dict) else {}
    service = document.get("serviceId")
    if isinstance(service, str | int) and str(service).strip() not in _UNKNOWN:
        # An event among readings is told by `true`; who has no such point leaves it.
        fields = {**flat({f"event.{service}": True}, texts=True), **fields}
    return Told(device, [Spoken("readings", {**when, **fields})] if fields else [])
