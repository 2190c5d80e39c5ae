"""OneNET (China Mobile): the messages of its HTTP push and of its message queue.

"消息源格式" of the platform's documentation (life cycle, thing model); and the older data streams,
type 1 (a value), 2 (online) and 7 (a cached command), of which several may come as one list. What
devices themselves publish on topics below `$sys/` stands in onejson.py.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ingest.decoding import Problem, parse
from ingest.dialects import onejson
from ingest.dialects.naming import named
from ingest.dialects.spoken import Decoded, Described, ForeignSource, Result, Spoken, Told
from ingest.dialects.values import counted, flat, name_in, unquoted

_ONLINE = {"online": True, "offline": False}
_MOST = 5_000


def decode(source: ForeignSource, topic: str, payload: bytes, memory: Mapping[str, Any]) -> Result:
    """What a message tells; None for replies, logs of scenes, commands and positions of masts."""
    if topic.startswith(f"{onejson.PREFIX}/"):
        return onejson.hear(topic, payload, memory)
    document = parse(payload)
    if isinstance(document, Problem):
        return document
    if isinstance(document, dict) and "msg" in document and "messageType" not in document:
        # The envelope of a push that nobody took it out of.
        inner = document["msg"]
        document = parse(inner.encode("utf-8", "replace")) if isinstance(inner, str) else inner
        if isinstance(document, Problem):
            return Problem("unsupported", "msg is encrypted, or no JSON: use the profile onenet")
    several = document if isinstance(document, list) else [document]
    if len(several) > _MOST or not all(isinstance(each, dict) for each in several):
        return Problem("wrong_shape", f"a message is an object, or a list of {_MOST} at most")
    told: list[Told] = []
    problems: list[Problem] = []
    remember: dict[str, Any] = {}
    for each in several:
        found = _one(each)
        if isinstance(found, Told):
            own = named({**memory, **remember} if remember else memory, found.device)
            found = own if isinstance(own, Problem) else replace(found, device=own.code)
            remember |= {} if isinstance(own, Problem) else own.remember
        if isinstance(found, Told):
            told.append(found)
        elif found is not None:
            problems.append(found)
    return Decoded(told, problems, remember) if told or problems else None


def _one(message: Mapping[str, Any]) -> Told | Problem | None:
    """What one message tells of a device, which is called by its name, not yet by its code."""
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
    return str(name).strip()


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _lived(message: Mapping[str, Any]) -> Told | Problem:
    device = _device(message)
    online = _ONLINE.get(str(_object(message.get("data")).get("status")))
    if isinstance(device, Problem):
        return device
    if online is None:
        return Problem("wrong_shape", "data.status is online or offline")
    return Told(device, [Spoken("status", {"online": online})], described=_described(message))


def _notified(message: Mapping[str, Any]) -> Told | Problem:
    """Properties, each with a time of its own, and events."""
    device = _device(message)
    params = _object(message.get("data")).get("params")
    if isinstance(device, Problem):
        return device
    if not isinstance(params, dict):
        return Problem("wrong_shape", "data.params is an object")
    events = message.get("notifyType") == "event"
    said = onejson.events(params) if events else onejson.properties(params)
    return Told(device, list(said), described=_described(message))


def _described(message: Mapping[str, Any]) -> Described | None:
    """The product, which is all that a message says of what the device is."""
    product = message.get("productId")
    model = name_in(str(product)) if isinstance(product, str | int) else None
    name = name_in(message.get("deviceName"))
    return None if model is None else Described(name=name, model=model)


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
    fields = unquoted(flat({stream: message.get("value")}, texts=True))
    at = counted(message.get("at"))
    return Told(device, [Spoken("readings", {**({} if at is None else {"ts": at}), **fields})])
