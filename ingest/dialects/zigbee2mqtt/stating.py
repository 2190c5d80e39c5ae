"""What a device's state says: readings, an action, and how the device itself is."""

from collections.abc import Iterator, Mapping
from math import isfinite
from typing import Any

from ingest.dialects.spoken import Spoken
from ingest.dialects.values import (
    flat,
    health,
    is_text,
    measured,
    number,
    sound,
    switched,
    timed,
)

_STRONGEST = 255
# No cell is so empty; below it is volts, of which a bridge may not have told.
_LEAST_MILLIVOLTS = 100
# What was pressed, in either word: bridges of version 1 may say `click`, alone or beside the other.
PRESSES = ("action", "click")
# Of an update of its firmware, and of the device itself where it is set to tell it each time.
NOT_MEASURED = frozenset(
    {"ts", "last_seen", *PRESSES, "update", "update_available", "device", "elapsed"}
)


def messages(said: dict[str, Any], known: Mapping[str, Any] | None) -> Iterator[Spoken]:
    """What a state tells. known: what the source remembers of the device, as by `known_of`; None of
    one that its bridge has not listed.
    """
    when = timed(said.get("last_seen"))
    found = _values(said, known.get("words", {}) if known else {})
    if known is not None:
        found = measured(found, known.get("states", {}))
    contact = found.get("contact")
    if isinstance(contact, bool) and "open" not in found:
        # True is a door that is closed; rules ask whether it is open.
        found["open"] = not contact
    if found:
        yield Spoken("readings", {**found, **when})
    action = said.get("action") or said.get("click")
    if isinstance(action, str) and action and sound(action):
        yield Spoken("event", {"event": action, **when})


def _values(said: dict[str, Any], meant: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in said.items():
        if key in NOT_MEASURED:
            continue
        kind = type(value)
        # Most are these, and there are many of them.
        if (
            kind is bool
            or (kind is float and isfinite(value))
            or (kind is int and -1e6 < value < 1e6)
        ):
            one = value if key not in meant else _read(value, meant[key])
        else:
            one = _read(value, meant.get(key))
        if one is None:
            if kind is dict or kind is list:
                found |= flat({key: value}, texts=True)
        elif key.isascii() or is_text(key):
            found[key] = one
    return found


def _read(value: Any, pair: Any) -> Any:
    """A value as what it means: pair is what the property says for true and for false."""
    if pair and not isinstance(value, bool):
        if value == pair[0]:
            return True
        if value == pair[1]:
            return False
    if value == "":
        return None
    return sound(switched(value))


def health_of(said: Mapping[str, Any], *, volts: bool) -> dict[str, float]:
    """What a state tells of the device itself. volts: whether its voltage is in V."""
    battery = number(said.get("battery"))
    quality = number(said.get("linkquality"))
    voltage = number(said.get("voltage")) if battery is not None else None
    if battery is None and quality is None:
        return {}
    if voltage is not None and not volts and voltage >= _LEAST_MILLIVOLTS:
        voltage /= 1000
    return health(
        battery=battery,
        battery_voltage=voltage,
        link_quality=None if quality is None else quality * 100 / _STRONGEST,
    )
