"""What devices say, before and after it becomes topics and bytes."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from simulators.world.model import Value

CLOCK_TOPIC = "wk/v1/clock"


@dataclass(frozen=True, slots=True)
class Report:
    """One `readings` message of a device. values: by point code; ts: None leaves the time out."""

    device: str
    ts: float | None
    values: Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Status:
    """A device's retained word about itself: it is online or it is not."""

    device: str
    online: bool


@dataclass(frozen=True, slots=True)
class Happening:
    """One `event` message of a device. event: by point code."""

    device: str
    ts: float
    event: str


@dataclass(frozen=True, slots=True)
class Tick:
    """Everything that leaves the site at one moment. now: seconds since the epoch."""

    now: float
    messages: list[Report | Status | Happening] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Publication:
    """A message as the broker gets it."""

    topic: str
    payload: bytes
    retain: bool = False


def encode(
    site: str, message: Report | Status | Happening, keys: Mapping[str, str] | None
) -> Publication:
    """The message on its topic; `keys` are payload key → point code, None for the codes."""
    base = f"wk/v1/{site}/{message.device}"
    if isinstance(message, Status):
        return Publication(f"{base}/status", b"online" if message.online else b"offline", True)
    if isinstance(message, Happening):
        named = (key for key, code in (keys or {}).items() if code == message.event)
        said = {"ts": message.ts, "event": next(named, message.event)}
        return Publication(f"{base}/event", json.dumps(said, separators=(",", ":")).encode())
    body: dict[str, Value] = {} if message.ts is None else {"ts": message.ts}
    if keys is None:
        body.update(message.values)
    else:
        body.update(
            {key: message.values[code] for key, code in keys.items() if code in message.values}
        )
    return Publication(f"{base}/readings", json.dumps(body, separators=(",", ":")).encode())


def clock_message(now: float) -> Publication:
    """The message that moves a product that runs with a simulated clock."""
    return Publication(CLOCK_TOPIC, json.dumps({"now": now}).encode())
