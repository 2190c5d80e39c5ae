"""What a Tasmota bridge passes on: devices on Zigbee (`ZbReceived`, `ZbInfo`) and LoRaWAN."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ingest.decoding import Problem
from ingest.dialects.naming import device_code, named
from ingest.dialects.spoken import Described, Spoken, Told
from ingest.dialects.values import flat, health, name_in, number, sound, timed

ZIGBEE, INFORMED, LORA = "ZbReceived", "ZbInfo", "LwReceived"
ENVELOPES = (ZIGBEE, INFORMED, LORA)
_STRONGEST = 254
# A cell's voltage; above it is a percentage.
_MOST_VOLTS = 5
_ABOUT = frozenset(
    {
        "Device", "Name", "IEEEAddr", "ModelId", "Manufacturer", "Endpoint", "Endpoints", "Config",
        "LastSeen", "LastSeenEpoch", "Reachable", "Cluster", "Group", "Node", "Click", "Action",
    }
)  # fmt: skip


@dataclass(slots=True)
class Passed:
    """Devices behind a bridge, as one message tells of them."""

    told: list[Told] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    remember: dict[str, Any] = field(default_factory=dict)


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
    base = _without(bridge, {name, key, *_addresses(one, key)})
    own = named(memory, f"{base}/{name}")
    if isinstance(own, Problem):
        found.problems.append(own)
        return
    found.remember.update(own.remember)
    if envelope == INFORMED:
        when = timed(one.get("LastSeenEpoch"))
    described = _described(one, name) if envelope == INFORMED else None
    found.told.append(
        Told(
            own.code,
            list(_messages(envelope, one, when)),
            through=device_code(base),
            health=_lora_health(one) if envelope == LORA else _zigbee_health(one),
            described=described,
        )
    )


def _addresses(one: Mapping[str, Any], key: str) -> Iterator[str]:
    for address in (one.get("Device"), key):
        if isinstance(address, str) and address.startswith("0x"):
            yield address.removeprefix("0x")


def _without(bridge: str, names: set[str]) -> str:
    """The bridge's own name: it may be set to publish each device on a topic of its own."""
    base, _, last = bridge.rpartition("/")
    return base if base and last in names else bridge


def _messages(envelope: str, one: Mapping[str, Any], when: Mapping[str, Any]) -> Iterator[Spoken]:
    reachable = one.get("Reachable")
    if envelope == INFORMED and isinstance(reachable, bool):
        yield Spoken("status", {"online": reachable})
    measured = flat(one, texts=False, leave=_ABOUT | {"PressureUnit"})
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


def _described(one: Mapping[str, Any], name: str) -> Described:
    return Described(name_in(name), name_in(one.get("Manufacturer")), name_in(one.get("ModelId")))
