"""Huawei Cloud IoTDA: properties, events and messages of devices, and of those behind gateways.

Topics are `$oc/devices/<device id>/sys/…`.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, TypeGuard

import orjson

from ingest.decoding import Problem
from ingest.dialects.naming import device_code, named
from ingest.dialects.spoken import Answer, Decoded, ForeignSource, Result, Spoken, Told
from ingest.dialects.values import document, flat, moment, sound

_MOST = 2_000
# yyyyMMdd'T'HHmmss'Z'
_COMPACT = re.compile(r"(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z", re.ASCII)
_SUB_DEVICES, _UPDATE = "$sub_device_manager", "sub_device_update_status"
_ENVELOPE = frozenset({"object_device_id", "name", "id"})
_STATUS = {"ONLINE": True, "OFFLINE": False}


def decode(source: ForeignSource, topic: str, payload: bytes, memory: Mapping[str, Any]) -> Result:
    """What a message tells; None for commands, shadows and whatever else is no report."""
    levels = topic.split("/")
    if len(levels) < 5 or levels[:2] != ["$oc", "devices"] or not levels[2]:
        return None
    speaker = _Speaker(levels[2], memory)
    what = "/".join(levels[3:])
    found = {
        "sys/properties/report": speaker.properties,
        "sys/gateway/sub_devices/properties/report": speaker.sub_devices,
        "sys/events/up": speaker.events,
        "sys/messages/up": speaker.message,
    }.get(what)
    if found is None:
        return None
    said = document(payload)
    if isinstance(said, Problem):
        return said
    found(said)
    return Decoded(speaker.told, speaker.problems, speaker.remember, answers=speaker.answers)


class _Speaker:
    """Who speaks in a message, and what for whom."""

    def __init__(self, gateway: str, memory: Mapping[str, Any]) -> None:
        self._gateway = gateway
        self._memory = memory
        self.told: list[Told] = []
        self.problems: list[Problem] = []
        self.remember: dict[str, Any] = {}
        self.answers: list[Answer] = []

    def properties(self, said: Mapping[str, Any]) -> None:
        """Of the device itself."""
        services = said.get("services")
        if not isinstance(services, list):
            self.problems.append(Problem("wrong_shape", "a report has services"))
            return
        self._tell(self._gateway, list(_readings(services)))

    def sub_devices(self, said: Mapping[str, Any]) -> None:
        """Of devices behind the gateway, many at once."""
        devices = said.get("devices")
        if not isinstance(devices, list):
            self.problems.append(Problem("wrong_shape", "a gateway's report has devices"))
            return
        for one in devices[:_MOST]:
            name = one.get("device_id") if isinstance(one, dict) else None
            services = one.get("services") if isinstance(one, dict) else None
            if not _is_name(name) or not isinstance(services, list):
                self.problems.append(Problem("wrong_shape", "a device has device_id and services"))
                continue
            self._tell(name, list(_readings(services)))

    def events(self, said: Mapping[str, Any]) -> None:
        """What happened at a device; of the platform's own services, which devices are there."""
        services = said.get("services")
        if not isinstance(services, list):
            self.problems.append(Problem("wrong_shape", "events have services"))
            return
        named_in = said.get("object_device_id")
        name = named_in if _is_name(named_in) else self._gateway
        messages: list[Spoken] = []
        for one in services[:_MOST]:
            if not isinstance(one, dict) or not isinstance(one.get("service_id"), str):
                continue
            if not one["service_id"].startswith("$"):
                messages += _happened(one)
            elif (one["service_id"], one.get("event_type")) == (_SUB_DEVICES, _UPDATE):
                self._statuses(one)
        self._tell(name, messages)

    def message(self, said: Mapping[str, Any]) -> None:
        """A message that the platform would only pass on: its content, where that is an object."""
        named_in = said.get("object_device_id")
        content = said.get("content", said)
        if not isinstance(content, dict):
            detail = "the content of a message is no JSON object: a mapping may read it"
            self.problems.append(Problem("unsupported", detail))
            return
        measured = flat(content, texts=True, leave=_ENVELOPE)
        name = named_in if _is_name(named_in) else self._gateway
        self._tell(name, [Spoken("readings", dict(measured))] if measured else [])

    def _statuses(self, one: Mapping[str, Any]) -> None:
        paras = one.get("paras")
        listed = paras.get("device_statuses") if isinstance(paras, dict) else None
        done = []
        for each in listed[:_MOST] if isinstance(listed, list) else ():
            name = each.get("device_id") if isinstance(each, dict) else None
            status = each.get("status") if isinstance(each, dict) else None
            online = _STATUS.get(status) if isinstance(status, str) else None
            if _is_name(name) and online is not None:
                self._tell(name, [Spoken("status", {"online": online})])
                done.append({"device_id": name, "status": status})
        if done:
            self.answers.append(self._answer(done))

    def _answer(self, done: list[dict[str, Any]]) -> Answer:
        """What a gateway's program waits for, for 30 s, when it has told who is there."""
        fields = {
            "object_device_id": self._gateway,
            "services": [
                {
                    "service_id": _SUB_DEVICES,
                    "event_type": f"{_UPDATE}_response",
                    "paras": {"successful_devices": done, "failed_devices": []},
                }
            ],
        }
        return Answer(f"$oc/devices/{self._gateway}/sys/events/down", orjson.dumps(fields))

    def _tell(self, name: str, messages: list[Spoken]) -> None:
        if not messages:
            return
        own = named({**self._memory, **self.remember} if self.remember else self._memory, name)
        if isinstance(own, Problem):
            self.problems.append(own)
            return
        self.remember.update(own.remember)
        through = None if name == self._gateway else device_code(self._gateway)
        self.told.append(Told(own.code, messages, through=through))


def _is_name(value: Any) -> TypeGuard[str]:
    return isinstance(value, str) and bool(value.strip()) and sound(value) is not None


def _when(value: Any) -> dict[str, Any]:
    """`ts` of an event_time, as ISO 8601; one that is no time is left as it is."""
    if value is None or value == "":
        return {}
    found = _COMPACT.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        return {"ts": moment(value)}
    year, month, day, hour, minute, second = found.groups()
    return {"ts": f"{year}-{month}-{day}T{hour}:{minute}:{second}+00:00"}


def _readings(services: list[Any]) -> Iterator[Spoken]:
    """Each service's properties: `Temperature.value`."""
    for one in services[:_MOST]:
        name = one.get("service_id") if isinstance(one, dict) else None
        properties = one.get("properties") if isinstance(one, dict) else None
        if isinstance(name, str) and isinstance(properties, dict):
            measured = flat({name: properties}, texts=True)
            if measured:
                yield Spoken("readings", {**measured, **_when(one.get("event_time"))})


def _happened(one: Mapping[str, Any]) -> Iterator[Spoken]:
    """An event, `Fire.alarm`, and the numbers that it brings, `Fire.alarm.level`."""
    service, kind, paras = one.get("service_id"), one.get("event_type"), one.get("paras")
    name = f"{service}.{kind}"
    if not isinstance(kind, str) or not kind or not sound(name):
        return
    when = _when(one.get("event_time"))
    yield Spoken("event", {"event": name, **when})
    measured = flat({name: paras}, texts=False) if isinstance(paras, dict) else {}
    if measured:
        yield Spoken("readings", {**measured, **when})
