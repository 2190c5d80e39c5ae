"""CTWing (China Telecom AIoT): the messages of its HTTP subscriptions and of its message queue.

`dataReport`, `dataReportTupUnion`, `eventReport`, `deviceOnlineOfflineReport` and `commandResponse`
of its documentation of the subscription service.
"""

from collections.abc import Mapping
from typing import Any

from ingest.decoding import Problem, parse
from ingest.dialects.naming import named
from ingest.dialects.spoken import Decoded, Described, ForeignSource, Result, Spoken, Told
from ingest.dialects.values import counted, flat, name_in, sound, unquoted

BY = "device"
_IMEI = "IMEI"
# Remembered under this and the platform's id: the IMEI, which not every message tells.
_KNOWN_AS = "imei/"
_LONGEST_KEY = 100
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
    by = str(source.options.get(BY, "deviceId"))
    name = _name(document, by, memory)
    if name is None:
        return Problem("wrong_shape", "neither deviceId nor IMEI names the device")
    messages = _messages(kind, document)
    if isinstance(messages, Problem):
        return messages
    own = named(memory, name)
    if isinstance(own, Problem):
        return own
    told = Told(own.code, messages, described=_described(document))
    return Decoded([told], [], {**own.remember, **_learnt(document, by, memory)})


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


def _name(document: Mapping[str, Any], by: str, memory: Mapping[str, Any]) -> str | None:
    """What the device goes by. Who is there is told by the platform's id alone, so that the IMEI
    which data brought is remembered."""
    number, imei = _known(document.get("deviceId")), _imei(document)
    if by == _IMEI:
        return imei or _known(memory.get(f"{_KNOWN_AS}{number}")) or number
    return number or imei


def _imei(document: Mapping[str, Any]) -> str | None:
    """Of data in capitals, and of who is there in small letters."""
    return _known(document.get(_IMEI)) or _known(document.get("imei"))


def _learnt(document: Mapping[str, Any], by: str, memory: Mapping[str, Any]) -> dict[str, Any]:
    number, imei = _known(document.get("deviceId")), _imei(document)
    key = f"{_KNOWN_AS}{number}"
    if by != _IMEI or number is None or imei is None or memory.get(key) == imei:
        return {}
    # No id is longer; names under which something is remembered are short.
    return {key: imei} if len(key) <= _LONGEST_KEY and sound(key) and sound(imei) else {}


def _known(value: Any) -> str | None:
    text = str(value).strip() if isinstance(value, str | int) else ""
    return None if text in _UNKNOWN else text


def _described(document: Mapping[str, Any]) -> Described | None:
    """What is printed on the device, as nobody knows it by the platform's id; and its product."""
    name = _imei(document) or _known(document.get("deviceSn"))
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
