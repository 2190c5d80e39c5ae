"""What a Tasmota bridge passes on: devices on Zigbee (`ZbReceived`, `ZbInfo`) and LoRaWAN."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ingest.decoding import Problem
from ingest.dialects.naming import device_code, named
from ingest.dialects.spoken import Described, Spoken, Told
from ingest.dialects.tasmota.describing import passed_points
from ingest.dialects.values import Value, flat, health, name_in, number, sound, timed

ZIGBEE, INFORMED, LORA = "ZbReceived", "ZbInfo", "LwReceived"
ENVELOPES = (ZIGBEE, INFORMED, LORA)
# What is noted under this and a device: what it has measured so far, and of which kind each is.
MEASURED = "measured/"
# What no topic can have, and an endpoint behind the device of a topic.
_UNFIT = re.compile("[/+# ]")
_ENDPOINT = re.compile(r"_\d{1,3}")
_STRONGEST = 254
# A cell's voltage; above it is a percentage.
_MOST_VOLTS = 5
_ABOUT = frozenset(
    {
        "Device", "Name", "IEEEAddr", "ModelId", "Manufacturer", "Endpoint", "Endpoints", "Config",
        "LastSeen", "LastSeenEpoch", "BatteryLastSeenEpoch", "Reachable", "Cluster", "Group",
        "Node", "Click", "Action", "Names", "ZoneType", "ZoneStatusChangeZone", "DevEUIh",
        "DevEUIl", "FPort", "Payload",
    }
)  # fmt: skip


@dataclass(slots=True)
class Passed:
    """Devices behind a bridge, as one message tells of them."""

    told: list[Told] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    remember: dict[str, Any] = field(default_factory=dict)
    note: dict[str, Any] = field(default_factory=dict)


def wrapped(last: str, said: Mapping[str, Any]) -> Mapping[str, Any]:
    """A message of a bridge as it is by default. last: the last level of its topic.

    A bridge may be set to leave out the envelope (`SetOption100`) or to make it the last level
    (`SetOption118`), and to leave out by what the device is called in it (`SetOption119`).
    """
    if last in ENVELOPES:
        said = {last: said}
    elif _is_device(said):
        said = {_envelope_of(said): said}
    elif len(said) == 1 and _is_device(one := next(iter(said.values()))):
        said = {_envelope_of(one): said}
    return {
        key: {one["Device"]: one} if key in ENVELOPES and _is_device(one) else one
        for key, one in said.items()
    }


def _is_device(one: Any) -> bool:
    address = one.get("Device") if isinstance(one, dict) else None
    return isinstance(address, str) and address.startswith("0x")


def _envelope_of(one: Mapping[str, Any]) -> str:
    if "SNR" in one:
        return LORA
    return INFORMED if "Reachable" in one else ZIGBEE


def passed_on(
    said: Mapping[str, Any], bridge: str, when: Mapping[str, Any], memory: Mapping[str, Any]
) -> Passed:
    """The devices in a bridge's message. bridge: its name. Each is named as it is on its bridge:
    short addresses are given anew by every one."""
    found = Passed()
    for envelope in ENVELOPES:
        devices = said.get(envelope)
        if not isinstance(devices, dict):
            continue
        for key, one in devices.items():
            if isinstance(one, dict):
                _add(found, envelope, key, one, bridge, when, memory)
    return found


def _add(
    found: Passed,
    envelope: str,
    key: str,
    one: Mapping[str, Any],
    bridge: str,
    when: Mapping[str, Any],
    memory: Mapping[str, Any],
) -> None:
    name = name_in(one.get("Name")) or name_in(key) or "-"
    base = _without(bridge, {name, _UNFIT.sub("_", name), key, *_addresses(one, key)})
    own = named(memory, f"{base}/{name}" if base else name)
    if isinstance(own, Problem):
        found.problems.append(own)
        return
    found.remember.update(own.remember)
    if envelope == INFORMED:
        when = timed(one.get("LastSeenEpoch"))
    measured = _measured(one)
    found.told.append(
        Told(
            own.code,
            list(_messages(envelope, one, measured, when)),
            through=device_code(base) if base else None,
            health=_lora_health(one) if envelope == LORA else _zigbee_health(one),
            described=_described(found, own.code, one, measured, memory),
        )
    )


def _addresses(one: Mapping[str, Any], key: str) -> Iterator[str]:
    for address in (one.get("Device"), key):
        if isinstance(address, str) and address.startswith("0x"):
            yield address.removeprefix("0x")


def _without(bridge: str, names: set[str]) -> str:
    """The bridge's own name: it may be set to publish each device on a topic of its own, and to
    leave its own name out of that (`SetOption89`, `112`, `120`, `125`); "" where it does so."""
    base, _, last = bridge.rpartition("/")
    return base if last in names or _ENDPOINT.sub("", last) in names else bridge


def _measured(one: Mapping[str, Any]) -> dict[str, Value]:
    """Values of a device. `Contact` is 1 while a door is open, which elsewhere is no contact."""
    measured = flat(one, texts=False, leave=_ABOUT | {"PressureUnit"})
    if measured.get("CO") in (0, 1):
        # An alarm, which nobody may take for 1 ppm.
        measured["CO"] = bool(measured["CO"])
    if measured.get("Contact") in (0, 1):
        measured["open"] = bool(measured["Contact"])
    return measured


def _messages(
    envelope: str, one: Mapping[str, Any], measured: dict[str, Value], when: Mapping[str, Any]
) -> Iterator[Spoken]:
    reachable = one.get("Reachable")
    if envelope == INFORMED and isinstance(reachable, bool):
        yield Spoken("status", {"online": reachable})
    if measured:
        yield Spoken("readings", {**measured, **when})
    for key in ("Click", "Action"):
        happened = one.get(key)
        if isinstance(happened, str) and happened and sound(happened) and envelope == ZIGBEE:
            yield Spoken("event", {"event": happened, **when})


def _zigbee_health(one: Mapping[str, Any]) -> dict[str, float]:
    quality = number(one.get("LinkQuality"))
    battery = number(one.get("BatteryPercentage", one.get("Battery")))
    voltage = number(one.get("BatteryVoltage", one.get("Voltage") if battery is not None else None))
    return health(
        battery=battery,
        battery_voltage=voltage,
        link_quality=None if quality is None else min(100.0, quality * 100 / _STRONGEST),
    )


def _lora_health(one: Mapping[str, Any]) -> dict[str, float]:
    battery = number(one.get("Battery"))
    volts = battery is not None and battery <= _MOST_VOLTS
    return health(
        battery=None if volts else battery,
        battery_voltage=battery if volts else None,
        rssi=number(one.get("RSSI")),
        snr=number(one.get("SNR")),
    )


def _described(
    found: Passed,
    code: str,
    one: Mapping[str, Any],
    measured: Mapping[str, Value],
    memory: Mapping[str, Any],
) -> Described | None:
    """What a device says it is, and all that it has measured so far: one message tells a part."""
    before = found.note.get(MEASURED + code) or memory.get(MEASURED + code)
    kinds = dict(before) if isinstance(before, dict) else {}
    kinds |= {
        key: "boolean" if isinstance(value, bool) else "number" for key, value in measured.items()
    }
    said = {key: name_in(one.get(key)) for key in ("Name", "Manufacturer", "ModelId")}
    if kinds == before and not any(said.values()):
        return None
    found.note[MEASURED + code] = kinds
    points = tuple(passed_points(kinds, one))
    return Described(said["Name"], said["Manufacturer"], said["ModelId"], points)
