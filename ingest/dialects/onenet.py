"""OneNET (China Mobile): the messages of its HTTP push and of its message queue.

"消息源格式" of the platform's documentation (life cycle, thing model); and the older data streams,
type 1 (a value), 2 (online) and 7 (a cached command), of which several may come as one list.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from ingest.decoding import Problem, parse
from ingest.dialects.naming import device_code
from ingest.dialects.spoken import Decoded, ForeignSource, Result, Spoken, Told
from ingest.dialects.values import flat

_ONLINE = {"online": True, "offline": False}
_MOST = 5_000


def decode(source: ForeignSource, topic: str, payload: bytes, memory: Mapping[str, Any]) -> Result:
    """What a message tells; None for replies, logs of scenes, commands and positions of masts."""
    del source, topic, memory
    document = parse(payload)
    if isinstance(document, Problem):
        return document
    several = document if isinstance(document, list) else [document]
    if len(several) > _MOST or not all(isinstance(each, dict) for each in several):
        return Problem("wrong_shape", f"a message is an object, or a list of {_MOST} at most")
    found = [_one(each) for each in several]
    told = [each for each in found if isinstance(each, Told)]
    problems = [each for each in found if isinstance(each, Problem)]
    return Decoded(told, problems) if told or problems else None


def _one(message: Mapping[str, Any]) -> Told | Problem | None:
    kind = message.get("messageType")
    if kind == "notify":
        return _notified(message)
    if kind == "lifeCycle":
        return _lived(message)
    if kind is None and message.get("type") in (1, 2):
        return _of_stream(message)
    known = kind in ("reply", "sceneLog", "lbsAndWifi") or message.get("type") == 7
    return None if known else Problem("wrong_shape", "neither messageType nor type says what it is")


def _device(message: Mapping[str, Any]) -> str | Problem:
    name = message.get("deviceName") or message.get("imei") or message.get("dev_id")
    if not isinstance(name, str | int) or not str(name).strip():
        return Problem("wrong_shape", "deviceName names no device")
    return device_code(str(name).strip())


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _lived(message: Mapping[str, Any]) -> Told | Problem:
    device = _device(message)
    online = _ONLINE.get(str(_object(message.get("data")).get("status")))
    if isinstance(device, Problem):
        return device
    if online is None:
        return Problem("wrong_shape", "data.status is online or offline")
    return Told(device, [Spoken("status", {"online": online})])


def _notified(message: Mapping[str, Any]) -> Told | Problem:
    """Properties, each with a time of its own, and events."""
    device = _device(message)
    params = _object(message.get("data")).get("params")
    if isinstance(device, Problem):
        return device
    if not isinstance(params, dict):
        return Problem("wrong_shape", "data.params is an object")
    events = message.get("notifyType") == "event"
    return Told(device, list(_events(params) if events else _properties(params)))


def _properties(params: Mapping[str, Any]) -> Iterator[Spoken]:
    by_time: dict[str, dict[str, Any]] = {}
    for key, held in params.items():
        inner = _object(held)
        when = _when(inner.get("time"))
        fields = by_time.setdefault(repr(when), dict(when))
        fields.update(flat({key: inner.get("value") if "value" in inner else held}, texts=True))
    for fields in by_time.values():
        if fields.keys() - {"ts"}:
            yield Spoken("readings", fields)


def _events(params: Mapping[str, Any]) -> Iterator[Spoken]:
    """An event is told by `true` among readings; who has no such point leaves it."""
    for key, held in params.items():
        inner = _object(held)
        beside = inner.get("value")
        values = flat({key: beside}, texts=True) if isinstance(beside, dict) else {}
        yield Spoken(
            "readings", {**_when(inner.get("time")), **flat({key: True}, texts=True), **values}
        )


def _when(time: Any) -> dict[str, Any]:
    """Milliseconds, which our own messages take as they are; a text of them as well."""
    if isinstance(time, str) and time.isascii() and time.isdecimal() and len(time) <= 16:
        time = int(time)
    return {} if time is None else {"ts": time}


def _of_stream(message: Mapping[str, Any]) -> Told | Problem:
    device = _device(message)
    if isinstance(device, Problem):
        return device
    if message.get("type") == 2:
        status = message.get("status")
        if status not in (0, 1):
            return Problem("wrong_shape", "status is 0 or 1")
        return Told(device, [Spoken("status", {"online": bool(status)})])
    stream = message.get("ds_id")
    if not isinstance(stream, str) or not stream:
        return Problem("wrong_shape", "ds_id names no data stream")
    fields = flat({stream: message.get("value")}, texts=True)
    return Told(device, [Spoken("readings", {**_when(message.get("at")), **fields})])
