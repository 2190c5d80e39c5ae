"""ThingsBoard's MQTT API for gateways, and for devices where the topic says whose they are.

`v1/gateway/…` names devices in its payloads. `v1/devices/me/…` names none: ThingsBoard knows a
device by the user of its connection, which another broker tells only in front of the topic.
ThingsBoard's own gateway says nothing before it was told how much it may send, so it is told.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson

from ingest.decoding import Problem, parse
from ingest.dialects.naming import beside, device_code, named
from ingest.dialects.spoken import Answer, Decoded, Described, ForeignSource, Result, Spoken, Told
from ingest.dialects.values import counted, flat, measured, name_in, unquoted

_GATEWAY = ["v1", "gateway"]
_DEVICE = ["v1", "devices", "me"]
# The short topics of devices that count their bytes; behind `j` is JSON, which is also the default.
_SHORT = {"v2/t": "telemetry", "v2/a": "attributes"}
# What a gateway says of a device whose type nobody stated.
_NO_TYPE = ("default", "Default")
_DEEPEST = 4
# What a gateway is answered that asks for the limits of its session: none but of the size.
_LIMITS = orjson.dumps(
    {
        "maxPayloadSize": 262_144,
        "maxInflightMessages": 100,
        "rateLimits": {},
        "gatewayRateLimits": {},
    }
)
_MOST = 50_000
_NOBODY = Problem(
    "no_identity",
    "v1/devices/me names no device: have the broker put the user before it (USER/v1/devices/me/…)",
)
_PROTOBUF = Problem(
    "unsupported",
    "protobuf of a schema of the device profile's: have the device send JSON (v2/t/j)",
)
_NO_OBJECT = Problem("wrong_shape", "telemetry is an object, {ts, values}, or an array of these")


def decode(source: ForeignSource, topic: str, payload: bytes, memory: Mapping[str, Any]) -> Result:
    """What a message tells; None for calls, claims, and all requests but for limits."""
    levels = topic.split("/")
    if levels[-6:-1] == [*_DEVICE, "rpc", "request"]:
        return _asked(levels, payload)
    if levels[-1] == "p" and "/".join(levels[-3:-1]) in _SHORT:
        return _PROTOBUF
    outer, kind = _own(levels)
    if kind is not None:
        what = _measured if kind == "telemetry" else _stated
        return _of_device(source, outer, what, payload, memory)
    if levels[-3:-1] != _GATEWAY or levels[-1] not in _OF_GATEWAY:
        return None
    said = parse(payload)
    if isinstance(said, Problem):
        return said
    if not isinstance(said, dict):
        return Problem("wrong_shape", "a gateway says an object by names of devices")
    before = beside(levels[:-3], source.topic_filter) if levels[:-3] else ""
    through = device_code(before) if before else None
    return _OF_GATEWAY[levels[-1]](said, through, memory)


def _own(levels: list[str]) -> tuple[list[str], str | None]:
    """What stands before the topic of a device's own values, and which of its topics it is."""
    if levels[-1] in ("telemetry", "attributes") and levels[-4:-1] == _DEVICE:
        return levels[:-4], levels[-1]
    short = levels[:-1] if levels[-1] == "j" else levels
    return short[:-2], _SHORT.get("/".join(short[-2:]))


def _asked(levels: list[str], payload: bytes) -> Result:
    said = parse(payload)
    if not isinstance(said, dict) or said.get("method") != "getSessionLimits":
        return None
    return Decoded(answers=[Answer("/".join([*levels[:-2], "response", levels[-1]]), _LIMITS)])


def _of_device(
    source: ForeignSource,
    before: Sequence[str],
    what: Any,
    payload: bytes,
    memory: Mapping[str, Any],
) -> Result:
    name = beside(before, source.topic_filter) if before else ""
    if not name:
        return _NOBODY
    said = parse(payload)
    if isinstance(said, Problem):
        return said
    own = named(memory, name)
    if isinstance(own, Problem):
        return own
    messages, problems = what(said)
    return Decoded([Told(own.code, messages)], problems, remember=own.remember)


def _by_name(
    said: Mapping[str, Any], through: str | None, memory: Mapping[str, Any], what: Any
) -> Decoded:
    told: list[Told] = []
    problems: list[Problem] = []
    remember: dict[str, Any] = {}
    for name, values in said.items():
        if name_in(name) is None:
            problems.append(Problem("wrong_shape", "a device has no name that can be written"))
            continue
        own = named({**memory, **remember} if remember else memory, name)
        if isinstance(own, Problem):
            problems.append(own)
            continue
        remember.update(own.remember)
        messages, wrong = what(values)
        problems += wrong
        # A code that is not the name as it stands would leave nobody to know it by.
        about = Described(name=name_in(name)) if own.code != name else None
        told.append(Told(own.code, messages, through=through, described=about))
    return Decoded(told, problems, remember=remember)


def _telemetry(said: Mapping[str, Any], through: str | None, memory: Mapping[str, Any]) -> Result:
    return _by_name(said, through, memory, _measured)


def _attributes(said: Mapping[str, Any], through: str | None, memory: Mapping[str, Any]) -> Result:
    if isinstance(said.get("device"), str):
        # The server's own, on its way to the gateway.
        return None
    return _by_name(said, through, memory, _stated)


def _connected(said: Mapping[str, Any], through: str | None, memory: Mapping[str, Any]) -> Result:
    return _presence(said, through, memory, online=True)


def _gone(said: Mapping[str, Any], through: str | None, memory: Mapping[str, Any]) -> Result:
    return _presence(said, through, memory, online=False)


def _presence(
    said: Mapping[str, Any], through: str | None, memory: Mapping[str, Any], *, online: bool
) -> Result:
    name = name_in(said.get("device"))
    if name is None:
        return Problem("wrong_shape", "connect and disconnect name a device")
    own = named(memory, name)
    if isinstance(own, Problem):
        return own
    kind = name_in(said.get("type"))
    about = Described(name=name, model=None if kind in _NO_TYPE else kind)
    message = Spoken("status", {"online": online})
    told = Told(own.code, [message], through=through, described=about if online else None)
    return Decoded([told], remember=own.remember)


_OF_GATEWAY = {
    "telemetry": _telemetry,
    "attributes": _attributes,
    "connect": _connected,
    "disconnect": _gone,
}


def _measured(said: Any) -> tuple[list[Spoken], list[Problem]]:
    """Telemetry in any of its shapes, older values first."""
    messages: list[Spoken] = []
    problems: list[Problem] = []
    for each in _entries(said, _DEEPEST):
        if not isinstance(each, dict):
            problems = [_NO_OBJECT]
        elif isinstance(each.get("values"), dict) and ("ts" in each or len(each) == 1):
            # In quotes or not, to ThingsBoard it is a number (its setting json.type_cast_enabled).
            values, at = unquoted(flat(each["values"], texts=True)), counted(each.get("ts"))
            when = {} if at is None else {"ts": at}
            messages += [Spoken("readings", {**when, **values})] if values else []
        else:
            values = unquoted(flat(each, texts=True))
            messages += [Spoken("readings", dict(values))] if values else []
    return sorted(messages, key=_age), problems


def _age(message: Spoken) -> float:
    """For sorting: what has no time of its own is of now."""
    ts = message.fields.get("ts")
    return float(ts) if isinstance(ts, int | float) else float("inf")


def _entries(said: Any, depth: int) -> Iterator[Any]:
    """Arrays may hold arrays, as gateways before 3.0 sent them."""
    if not isinstance(said, list) or not depth:
        yield said
        return
    for each in said[:_MOST]:
        yield from _entries(each, depth - 1)


def _stated(said: Any) -> tuple[list[Spoken], list[Problem]]:
    """Attributes: what is so now, without a time."""
    if not isinstance(said, dict):
        return [], [Problem("wrong_shape", "attributes are an object")]
    values = measured(flat(said, texts=True))
    return ([Spoken("readings", dict(values))] if values else []), []
