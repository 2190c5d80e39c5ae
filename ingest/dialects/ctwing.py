"""CTWing (China Telecom AIoT): the messages of its HTTP subscriptions and of its message queue.

`dataReport`, `dataReportTupUnion`, `eventReport`, `deviceOnlineOfflineReport` and `commandResponse`
of its documentation of the subscription service.
"""

from collections.abc import Mapping
from typing import Any

from ingest.decoding import Problem, parse
from ingest.dialects.naming import named
from ingest.dialects.spoken import Decoded, Described, ForeignSource, Result, Spoken, Told
from ingest.dialects.values import counted, flat, name_in, unquoted

BY = "device"
# Bytes of the device's own, which no model of the platform explains.
_RAW = "APPdata"
# What the platform writes where it knows nothing.
_UNKNOWN = ("", "undefined", "null")
_PRESENT = {"1": True, "0": False}


def decode(source: ForeignSource, topic: str, payload: bytes, memory: Mapping[str, Any]) -> Result:
    """What a message tells; None for answers to commands."""
    del topic
    document = parse(payload)
    if isinstance(document, Problem):
        return document
    if not isinstance(document, dict):
        return Problem("wrong_shape", "a message is an object")
    kind = document.get("messageType")
    if kind == "commandResponse":
        return None
    name = _name(document, str(source.options.get(BY, "deviceId")))
    if name is None:
        return Problem("wrong_shape", "neither deviceId nor IMEI names the device")
    messages = _messages(kind, document)
    if isinstance(messages, Problem):
        return messages
    own = named(memory, name)
    if isinstance(own, Problem):
        return own
    return Decoded([Told(own.code, messages, described=_described(document))], [], own.remember)


def _messages(kind: Any, document: Mapping[str, Any]) -> list[Spoken] | Problem:
    at = counted(document.get("timestamp"))
    when = {} if at is None else {"ts": at}
    if kind in ("dataReport", "dataReportTupUnion"):
        return _data(when, document.get("payload"))
    if kind == "eventReport":
        return _event(when, document)
    if kind == "deviceOnlineOfflineReport":
        online = _PRESENT.get(str(document.get("eventType")))
        if online is None:
            return Problem("wrong_shape", "eventType is 1 (online) or 0")
        return [Spoken("status", {"online": online})]
    return Problem("unsupported", f"messageType {str(kind)[:40]!r} has no use yet; it is kept")


def _name(document: Mapping[str, Any], by: str) -> str | None:
    names = (document.get(by), document.get("deviceId"), document.get("IMEI"))
    return next((said for said in map(_known, names) if said is not None), None)


def _known(value: Any) -> str | None:
    text = str(value).strip() if isinstance(value, str | int) else ""
    return None if text in _UNKNOWN else text


def _described(document: Mapping[str, Any]) -> Described | None:
    """What is printed on the device, as nobody knows it by the platform's id; and its product."""
    name = _known(document.get("IMEI")) or _known(document.get("deviceSn"))
    product = _known(document.get("productId"))
    if name is None and product is None:
        return None
    return Described(name=name_in(name), model=name_in(product))


def _data(when: Mapping[str, Any], payload: Any) -> list[Spoken] | Problem:
    payload = _opened(payload)
    parts = payload if isinstance(payload, list) else [payload]
    if not parts or not all(isinstance(part, dict) for part in parts):
        return Problem("wrong_shape", "payload is an object, or a list of these")
    fields: dict[str, Any] = {}
    for part in parts:
        if _RAW in part:
            detail = f"{_RAW} holds bytes of the device's own: a mapping says what they mean"
            return Problem("unsupported", detail)
        inner = _opened(part.get("serviceData"))
        fields |= unquoted(flat(inner if isinstance(inner, dict) else part, texts=True))
    return [Spoken("readings", {**when, **fields})] if fields else []


def _opened(value: Any) -> Any:
    """What was written as a text, where it is JSON; anything else as it is."""
    found = parse(value.encode("utf-8", "replace")) if isinstance(value, str) else value
    return value if isinstance(found, Problem) else found


def _event(when: Mapping[str, Any], document: Mapping[str, Any]) -> list[Spoken]:
    content = _opened(document.get("eventContent"))
    fields = unquoted(flat(content, texts=True)) if isinstance(content, dict) else {}
    service = document.get("serviceId")
    if isinstance(service, str | int) and str(service).strip() not in _UNKNOWN:
        # An event among readings is told by `true`; who has no such point leaves it.
        fields = {**flat({f"event.{service}": True}, texts=True), **fields}
    return [Spoken("readings", {**when, **fields})] if fields else []
