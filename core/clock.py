"""The one clock every process reads; it is injected, never imported as a function."""

import threading
import time
from datetime import UTC, datetime
from typing import Protocol

MICROS = 1_000_000


def to_micros(moment: datetime) -> int:
    """Microseconds since the Unix epoch of an aware datetime, exactly."""
    delta = moment - EPOCH
    return (delta.days * 86_400 + delta.seconds) * MICROS + delta.microseconds


def from_micros(micros: int) -> datetime:
    """The aware UTC datetime of `micros` microseconds since the Unix epoch, exactly."""
    seconds, rest = divmod(micros, MICROS)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest)


EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Clock(Protocol):
    """Where "now" comes from. Implementations are thread-safe."""

    simulated: bool

    def micros(self) -> int:
        """Now, in microseconds since the Unix epoch, UTC."""
        ...

    def now(self) -> datetime:
        """Now, as an aware datetime in UTC."""
        ...


class SystemClock:
    """The machine's clock."""

    simulated = False

    def micros(self) -> int:
        """Now, in microseconds since the Unix epoch, UTC."""
        return time.time_ns() // 1000

    def now(self) -> datetime:
        """Now, as an aware datetime in UTC."""
        return from_micros(self.micros())


class SimulatedClock:
    """A clock that stands still until somebody moves it: for tests and for simulated sites."""

    simulated = True

    def __init__(self, micros: int) -> None:
        self._micros = micros
        self._lock = threading.Lock()

    def micros(self) -> int:
        """Now, in microseconds since the Unix epoch, UTC."""
        return self._micros

    def now(self) -> datetime:
        """Now, as an aware datetime in UTC."""
        return from_micros(self._micros)

    def advance_to(self, micros: int) -> None:
        """Move to `micros`; a clock never goes back, so an earlier moment is ignored."""
        with self._lock:
            self._micros = max(self._micros, micros)
