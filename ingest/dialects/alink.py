"""Alibaba Cloud Alink (properties, events and their batches): devices that speak to that platform.

Topics are `/sys/<productKey>/<deviceName>/thing/…`, and `/ext/session/…` where gateways say which
of their devices are there; the answers of the platform are given in its place.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from ingest.decoding import Problem
from ingest.dialects.naming import beside
from ingest.dialects.speaker import Speaker
from ingest.dialects.spoken import Answer, Decoded, ForeignSource, Result, Spoken
from ingest.dialects.values import counted, document, flat, numbers, sound, unquoted

_PROPERTIES = ("thing", "event", "property", "post")
_PACK = ("thing", "event", "property", "pack", "post")
_BATCH = ("thing", "event", "property", "batch", "post")
_HISTORY = ("thing", "event", "property", "history", "post")
_RAW = ("thing", "model", "up_raw")
# What a gateway says of the devices behind it: whether they are there.
_SESSIONS = {
    "combine/login": True,
    "combine/batch_login": True,
    "combine/logout": False,
    "combine/batch_logout": False,
}
_MOST = 2_000
_GOOD, _REFUSED = 200, 460


def decode(source: ForeignSource, topic: str, payload: bytes, memory: Mapping[str, Any]) -> Result:
    """What a message tells, with the answer that its sender waits for; None for other requests."""
    levels = topic.split("/")
    session = "/".join(levels[5:])
    if levels[:3] == ["", "ext", "session"] and session in _SESSIONS and all(levels[3:5]):
        return _present(source, topic, levels, payload, memory)
    place = 1 if levels[:2] == ["", "sys"] else 0
    if levels[place] == "sys" and tuple(levels[place + 3 :]) == _RAW:
        detail = "up_raw holds bytes of the device's own: a mapping says what they mean"
        return Problem("unsupported", detail)
    if levels[place] != "sys" or len(levels) < place + 6 or levels[-1] != "post":
        return None
    device, what = levels[place + 1 : place + 3], tuple(levels[place + 3 :])
    event = what[2] if len(what) == 4 and what[:2] == ("thing", "event") else None
    if not all(device) or (not event and what not in (_PACK, _BATCH, _HISTORY)):
        return None
    said = document(payload)
    if isinstance(said, Problem):
        return said
    speaker = _Speaker(source, place + 1, device, memory)
    params = said.get("params")
    sound_shape = isinstance(params, list) if what == _HISTORY else isinstance(params, dict)
    if not sound_shape:
        problem = Problem("wrong_shape", "params holds what is posted")
        return Decoded(problems=[problem], answers=_answers(topic, what, said, _REFUSED))
    speaker.hear(what, event, params)
    answers = _answers(topic, what, said, _GOOD)
    return Decoded(speaker.told, speaker.problems, speaker.remember, answers=answers)


def _present(
    source: ForeignSource,
    topic: str,
    levels: list[str],
    payload: bytes,
    memory: Mapping[str, Any],
) -> Result:
    """Which devices a gateway has found, or lost."""
    said = document(payload)
    if isinstance(said, Problem):
        return said
    params = said.get("params")
    listed = params.get("deviceList") if isinstance(params, dict) else params
    speaker = _Speaker(source, 3, levels[3:5], memory)
    online = _SESSIONS["/".join(levels[5:])]
    for one in _listed(listed) if isinstance(listed, list) else [params]:
        device = _identity({"identity": one})
        if device is None:
            speaker.problems.append(Problem("wrong_shape", "a device says its identity"))
        else:
            speaker.present(device, online=online)
    code = _GOOD if speaker.told else _REFUSED
    answers = _answers(topic, tuple(levels[5:]), said, code)
    return Decoded(speaker.told, speaker.problems, speaker.remember, answers=answers)


def _answers(topic: str, what: tuple[str, ...], said: Mapping[str, Any], code: int) -> list[Answer]:
    """The platform's answer, unless the device says that it wants none, or gives no id."""
    number, wishes = sound(said.get("id")), said.get("sys")
    wanted = wishes.get("ack", 1) if isinstance(wishes, dict) else 1
    if number is None or wanted == 0:
        return []
    fields = {
        "code": code,
        "data": {},
        "id": number,
        "message": "success" if code == _GOOD else "request parameter error",
        "method": ".".join(what),
        "version": "1.0",
    }
    return [Answer(f"{topic}_reply", orjson.dumps(fields))]


def _both(one: Mapping[str, Any]) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Properties and events of one device; history has a list of each."""
    properties, events = one.get("properties"), one.get("events")
    return (
        properties if isinstance(properties, dict) else {},
        events if isinstance(events, dict) else {},
    )


class _Speaker(Speaker):
    """Who speaks in a message, and what for whom."""

    def __init__(
        self, source: ForeignSource, before: int, device: list[str], memory: Mapping[str, Any]
    ) -> None:
        self._filter = source.topic_filter
        # So many levels stand before product and device.
        self._before = before
        self._device = device
        super().__init__(self._name(device), memory)

    def _name(self, device: list[str]) -> str:
        """Product and device, without the product where the source's filter spells it."""
        levels = [""] * self._before + device
        return beside(levels, self._filter)

    def hear(self, what: tuple[str, ...], event: str | None, params: Any) -> None:
        """What is posted on a topic."""
        if what == _PROPERTIES:
            self.say(self._device, params, {})
        elif event:
            self.say(self._device, {}, {event: params})
        elif what == _BATCH:
            self.say(self._device, *_both(params))
        elif what == _PACK:
            self.say(self._device, *_both(params))
            self._several(_listed(params.get("subDevices")))
        else:
            self._several(params)

    def _several(self, listed: list[Any]) -> None:
        """What a gateway says for others, each by its identity; history has lists of moments."""
        for one in listed[:_MOST]:
            device = _identity(one)
            if device is None:
                self.problems.append(Problem("wrong_shape", "a device says its identity"))
                continue
            self.say(device, *_both(one))
            for each in _listed(one.get("properties")):
                self.say(device, each if isinstance(each, dict) else {}, {})
            for each in _listed(one.get("events")):
                self.say(device, {}, each if isinstance(each, dict) else {})

    def say(
        self, device: list[str], properties: Mapping[str, Any], events: Mapping[str, Any]
    ) -> None:
        """Note what one device says, in the order of its moments."""
        self.tell(self._name(device), [*_readings(properties), *_happened(events)])

    def present(self, device: list[str], *, online: bool) -> None:
        """Note whether a device is there."""
        self.tell(self._name(device), [Spoken("status", {"online": online})])


def _identity(one: Any) -> list[str] | None:
    said = one.get("identity") if isinstance(one, dict) else None
    if not isinstance(said, dict):
        return None
    parts = [said.get(key) for key in ("productKey", "deviceName")]
    texts = [part for part in parts if isinstance(part, str) and part and "/" not in part]
    return texts if len(texts) == 2 and all(sound(text) for text in texts) else None


def _listed(value: Any) -> list[Any]:
    return value[:_MOST] if isinstance(value, list) else []


def _moments(value: Any) -> Iterator[tuple[Any, Any]]:
    """Each value with its time: bare, as {value, time}, or a list of those."""
    for one in value[:_MOST] if isinstance(value, list) and _are_moments(value) else [value]:
        if isinstance(one, dict) and "value" in one and ("time" in one or len(one) == 1):
            yield one["value"], counted(one.get("time"))
        else:
            yield one, None


def _are_moments(value: list[Any]) -> bool:
    return bool(value) and all(isinstance(one, dict) and "value" in one for one in value)


def _readings(properties: Mapping[str, Any]) -> Iterator[Spoken]:
    """One message for each time that its values have."""
    by_time: dict[Any, dict[str, Any]] = {}
    for key, value in list(properties.items())[:_MOST]:
        for said, at in _moments(value):
            measured = unquoted(flat({key: said}, texts=True))
            if measured:
                by_time.setdefault(at, {}).update(measured)
    for at in sorted(by_time, key=_order):
        yield Spoken("readings", {**by_time[at], **({} if at is None else {"ts": at})})


def _order(at: Any) -> tuple[int, float, str]:
    """Moments in their order; before them what has none, and after them what is no number."""
    if isinstance(at, str):
        return 2, 0.0, at
    return (0, 0.0, "") if at is None or at != at else (1, float(at), "")


def _happened(events: Mapping[str, Any]) -> Iterator[Spoken]:
    """Events by their identifier, and the numbers that they bring: `fire.level`."""
    for name, value in list(events.items())[:_MOST]:
        if not sound(name) or not name:
            continue
        for said, at in _moments(value):
            when = {} if at is None else {"ts": at}
            yield Spoken("event", {"event": name, **when})
            measured = numbers({name: said}) if isinstance(said, dict) else {}
            if measured:
                yield Spoken("readings", {**measured, **when})
