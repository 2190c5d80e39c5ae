"""What a session says about its connection."""

import time
from dataclasses import dataclass
from enum import StrEnum


class Phase(StrEnum):
    CONNECTING = "connecting"
    CONNECTED = "connected"
    DISCONNECTED = "disconnected"


@dataclass(frozen=True, slots=True)
class SessionState:
    """One moment of a connection.

    `since` is in microseconds since the Unix epoch, UTC. `error` says why the last connection
    ended or the last attempt failed, None once connected. `refused` are the topic filters that the
    broker would not subscribe. `attempts` counts the failures since the last lasting connection.
    """

    phase: Phase
    since: int
    error: str | None = None
    refused: tuple[str, ...] = ()
    attempts: int = 0


def wall_clock() -> int:
    """Microseconds since the Unix epoch."""
    return time.time_ns() // 1000
