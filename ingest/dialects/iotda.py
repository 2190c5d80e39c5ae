"""Huawei Cloud IoTDA: properties, events and messages of devices, and of those behind gateways.

Topics are `$oc/devices/<device id>/sys/…`, of older devices `/huawei/v1/devices/<id>/data/json`.
What the platform pushes over HTTP ("数据转发") comes in an envelope of its own.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, TypeGuard

import orjson

from ingest.decoding import Problem, parse
from ingest.dialects.naming import device_code
from ingest.dialects.speaker import Speaker
from ingest.dialects.spoken import Answer, Decoded, Described, ForeignSource, Result, Spoken
from ingest.dialects.values import counted, document, flat, name_in, numbers, sound, unquoted

_MOST = 2_000
# yyyyMMdd'T'HHmmss'Z'
_COMPACT = re.compile(r"(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z", re.ASCII)
_SUB_DEVICES, _UPDATE = "$sub_device_manager", "sub_device_update_status"
_ENVELOPE = frozenset({"object_device_id", "name", "id"})
_STATUS = {"ONLINE": True, "OFFLINE": False}
# What is pushed over HTTP is heard below this.
_PUSHED = "http"
_DEVICE = "device."
_OLD = ["", "huawei", "v1", "devices"]


def decode(source: ForeignSource, topic: str, payload: bytes, memory: Mapping[str, Any]) -> Result:
    """What a message tells; None for commands, shadows and whatever else is no report."""
    levels = topic.split("/")
    if levels[0] == _PUSHED:
        return _pushed(payload, memory)
    if levels[:4] == _OLD and levels[5:] == ["data", "json"] and levels[4]:
        return _reported(levels[4], payload, memory)
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


def _pushed(payload: bytes, memory: Mapping[str, Any]) -> Result:
    """What the platform passes on of a device; None for what is done by its application."""
    said = document(payload)
    if isinstance(said, Problem):
        return said
    resource, data = said.get("resource"), _object(said.get("notify_data"))
    # The platform's own example of a status has the body beside the data, not within.
    header, body = _object(data.get("header")), _object(data.get("body", said.get("body")))
    name = header.get("device_id")
    if not isinstance(resource, str) or not data:
        return Problem("wrong_shape", "what IoTDA pushes has resource and notify_data")
    hear = _ABOUT.get(resource.removeprefix(_DEVICE)) if resource.startswith(_DEVICE) else None
    if hear is None:
        return None
    if not _is_name(name):
        return Problem("wrong_shape", "header.device_id names no device")
    speaker = _Speaker(name, memory, _when({"event_time": _pushed_at(said)}))
    hear(speaker, body)
    gateway = header.get("gateway_id")
    through = device_code(gateway) if _is_name(gateway) and gateway != name else None
    about = Described(name=name_in(header.get("node_id")), model=name_in(header.get("product_id")))
    told = [replace(one, through=one.through or through, described=about) for one in speaker.told]
    return Decoded(told, speaker.problems, speaker.remember)


def _pushed_at(said: Mapping[str, Any]) -> Any:
    """When the platform heard of what it passes on, which it may try to for hours."""
    return said.get("event_time_ms") or said.get("event_time")


def _reported(name: str, payload: bytes, memory: Mapping[str, Any]) -> Result:
    """What devices of the platform's older interface report; None for their other messages."""
    said = document(payload)
    if isinstance(said, Problem):
        return said
    if said.get("msgType") != "deviceReq":
        return None
    speaker = _Speaker(name, memory)
    if isinstance(said.get("devices"), list):
        devices = [_object(one) for one in said["devices"][:_MOST]]
        renewed = [
            {"device_id": one.get("deviceId"), "services": _renewed(one.get("services"))}
            for one in devices
        ]
        speaker.sub_devices({"devices": renewed})
    else:
        speaker.properties({"services": _renewed(said.get("data"))})
    return Decoded(speaker.told, speaker.problems, speaker.remember)


def _renewed(services: Any) -> Any:
    """Services of the older interface as those of the newer."""
    if not isinstance(services, list):
        return services
    return [
        {
            "service_id": one.get("serviceId"),
            "properties": one.get("serviceData", one.get("data")),
            "event_time": one.get("eventTime"),
        }
        for one in map(_object, services[:_MOST])
    ]


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


class _Speaker(Speaker):
    """Who speaks in a message, and what for whom."""

    def __init__(
        self,
        gateway: str,
        memory: Mapping[str, Any],
        heard: Mapping[str, Any] = MappingProxyType({}),
    ) -> None:
        """heard: `ts` of what tells no time of its own, where something knows one."""
        super().__init__(gateway, memory)
        self._heard = heard
        self.answers: list[Answer] = []

    def properties(self, said: Mapping[str, Any]) -> None:
        """Of the device itself."""
        services = said.get("services")
        if not isinstance(services, list):
            self.problems.append(Problem("wrong_shape", "a report has services"))
            return
        self.tell(self.name, list(_readings(services, self._heard)))

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
            self.tell(name, list(_readings(services)))

    def events(self, said: Mapping[str, Any]) -> None:
        """What happened at a device; of the platform's own services, which devices are there."""
        services = said.get("services")
        if not isinstance(services, list):
            self.problems.append(Problem("wrong_shape", "events have services"))
            return
        named_in = said.get("object_device_id")
        name = named_in if _is_name(named_in) else self.name
        messages: list[Spoken] = []
        for one in services[:_MOST]:
            if not isinstance(one, dict) or not isinstance(one.get("service_id"), str):
                continue
            if not one["service_id"].startswith("$"):
                messages += _happened(one, self._heard)
            elif (one["service_id"], one.get("event_type")) == (_SUB_DEVICES, _UPDATE):
                self._statuses(one)
        self.tell(name, messages)

    def message(self, said: Mapping[str, Any]) -> None:
        """A message that the platform would only pass on: its content, where that is an object."""
        named_in = said.get("object_device_id")
        content = said.get("content", said)
        if isinstance(content, str):
            # An object that was written as a text.
            content = parse(content.encode("utf-8", "replace"))
        if not isinstance(content, dict):
            detail = "the content of a message is no JSON object: a mapping may read it"
            self.problems.append(Problem("unsupported", detail))
            return
        measured = unquoted(flat(content, texts=True, leave=_ENVELOPE))
        name = named_in if _is_name(named_in) else self.name
        self.tell(name, [Spoken("readings", {**self._heard, **measured})] if measured else [])

    def status(self, said: Mapping[str, Any]) -> None:
        """Whether the device is there, as the platform sees it."""
        status = said.get("status")
        online = _STATUS.get(status) if isinstance(status, str) else None
        if online is not None:
            self.tell(self.name, [Spoken("status", {"online": online})])

    def _statuses(self, one: Mapping[str, Any]) -> None:
        paras = one.get("paras")
        listed = paras.get("device_statuses") if isinstance(paras, dict) else None
        done = []
        for each in listed[:_MOST] if isinstance(listed, list) else ():
            name = each.get("device_id") if isinstance(each, dict) else None
            status = each.get("status") if isinstance(each, dict) else None
            online = _STATUS.get(status) if isinstance(status, str) else None
            if _is_name(name) and online is not None:
                self.tell(name, [Spoken("status", {"online": online})])
                done.append({"device_id": name, "status": status})
        if done:
            self.answers.append(self._answer(done))

    def _answer(self, done: list[dict[str, Any]]) -> Answer:
        """What a gateway's program waits for, for 30 s, when it has told who is there."""
        fields = {
            "object_device_id": self.name,
            "services": [
                {
                    "service_id": _SUB_DEVICES,
                    "event_type": f"{_UPDATE}_response",
                    "paras": {"successful_devices": done, "failed_devices": []},
                }
            ],
        }
        return Answer(f"$oc/devices/{self.name}/sys/events/down", orjson.dumps(fields))


# What the platform pushes of a device, by what it is about.
_ABOUT = {
    "property": _Speaker.properties,
    "event": _Speaker.events,
    "message": _Speaker.message,
    "status": _Speaker.status,
}


def _is_name(value: Any) -> TypeGuard[str]:
    return isinstance(value, str) and bool(value.strip()) and sound(value) is not None


def _when(one: Mapping[str, Any]) -> dict[str, Any]:
    """`ts` of an event_time, as ISO 8601; one that is no time is left as it is."""
    value = one.get("event_time", one.get("eventTime"))
    if value is None or value == "":
        return {}
    found = _COMPACT.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        return {"ts": counted(value)}
    year, month, day, hour, minute, second = found.groups()
    return {"ts": f"{year}-{month}-{day}T{hour}:{minute}:{second}+00:00"}


def _readings(
    services: list[Any], heard: Mapping[str, Any] = MappingProxyType({})
) -> Iterator[Spoken]:
    """Each service's properties: `Temperature.value`."""
    for one in services[:_MOST]:
        name = one.get("service_id") if isinstance(one, dict) else None
        properties = one.get("properties") if isinstance(one, dict) else None
        if isinstance(name, str) and isinstance(properties, dict):
            measured = unquoted(flat({name: properties}, texts=True))
            if measured:
                yield Spoken("readings", {**measured, **heard, **_when(one)})


def _happened(one: Mapping[str, Any], heard: Mapping[str, Any]) -> Iterator[Spoken]:
    """An event, `Fire.alarm`, and the numbers that it brings, `Fire.alarm.level`."""
    service, kind, paras = one.get("service_id"), one.get("event_type"), one.get("paras")
    name = f"{service}.{kind}"
    if not isinstance(kind, str) or not kind or not sound(name):
        return
    when = {**heard, **_when(one)}
    yield Spoken("event", {"event": name, **when})
    measured = numbers({name: paras}) if isinstance(paras, dict) else {}
    if measured:
        yield Spoken("readings", {**measured, **when})
