"""Faults of the signal: the thing is well, but its messages are not."""

from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from simulators.world.messages import Report, Status
from simulators.world.model import Value
from simulators.world.world import World


class SignalFault:
    """A disturbance that leaves the models alone and rewrites the reports of one device."""

    def __init__(self, device: str) -> None:
        self.device = device

    def begin(self, world: World) -> None:
        """Nothing in the world changes; an unknown device is refused."""
        world.device(self.device)

    def alter(self, world: World, reports: list[Report]) -> list[Report]:
        """Rewrite the reports of the device, and leave the others as they are."""
        altered = list[Report]()
        for report in reports:
            altered += self.rewrite(world, report) if report.device == self.device else [report]
        return altered

    def rewrite(self, world: World, report: Report) -> list[Report]:
        """What leaves instead of one report."""
        raise NotImplementedError

    def end(self, world: World) -> list[Report]:
        """Nothing was held back."""
        return []


class Stuck(SignalFault):
    """A sensor that repeats its last value under new times. point: only this one sticks."""

    def __init__(self, device: str, point: str | None = None) -> None:
        super().__init__(device)
        self._point = point
        self._held: dict[str, Value] = {}

    def rewrite(self, world: World, report: Report) -> list[Report]:
        """Hold the first values seen."""
        held = {
            code: value
            for code, value in report.values.items()
            if self._point is None or code == self._point
        }
        self._held = self._held or held
        return [replace(report, values={**report.values, **self._held})]


class Drift(SignalFault):
    """A sensor that wanders away from the truth, `per_second` units of its point a second."""

    def __init__(self, device: str, point: str, per_second: float) -> None:
        super().__init__(device)
        self._point = point
        self._per_second = per_second
        self._began = 0.0

    def begin(self, world: World) -> None:
        """Remember when it began."""
        super().begin(world)
        self._began = world.now

    def rewrite(self, world: World, report: Report) -> list[Report]:
        """Add what it has drifted so far."""
        value = _number(report, self._point) + self._per_second * (world.now - self._began)
        return [replace(report, values={**report.values, self._point: round(value, 3)})]


class Spike(SignalFault):
    """One reading, the first, with a value that never was."""

    def __init__(self, device: str, point: str, value: Value) -> None:
        super().__init__(device)
        self._point = point
        self._value = value
        self._done = False

    def rewrite(self, world: World, report: Report) -> list[Report]:
        """Replace the value in the first report only."""
        if self._done:
            return [report]
        self._done = True
        return [replace(report, values={**report.values, self._point: self._value})]


class Chatter(SignalFault):
    """A value that jumps between `high` and `low` every `period` seconds, telling each time."""

    def __init__(
        self, device: str, point: str, low: Value, high: Value, period: float = 5.0
    ) -> None:
        super().__init__(device)
        self._point = point
        self._values = (high, low)
        self._period = period
        self._began = 0.0
        self._phase = -1

    def begin(self, world: World) -> None:
        """Remember when it began."""
        super().begin(world)
        self._began = world.now

    def alter(self, world: World, reports: list[Report]) -> list[Report]:
        """Add a report at every jump, as a bouncing contact does."""
        phase = int((world.now - self._began) / self._period)
        if phase != self._phase:
            self._phase = phase
            others = [report for report in reports if report.device != self.device]
            reports = [*others, world.report(world.device(self.device))]
        return super().alter(world, reports)

    def rewrite(self, world: World, report: Report) -> list[Report]:
        """The value of the present phase."""
        return [
            replace(report, values={**report.values, self._point: self._values[self._phase % 2]})
        ]


class Silence(SignalFault):
    """A device that says nothing."""

    def rewrite(self, world: World, report: Report) -> list[Report]:
        """Nothing leaves."""
        return []


class Duplicate(SignalFault):
    """Every message arrives several times, as after a lost acknowledgement."""

    def __init__(self, device: str, copies: int = 2) -> None:
        super().__init__(device)
        self._copies = copies

    def rewrite(self, world: World, report: Report) -> list[Report]:
        """The same message, `copies` times."""
        return [report] * self._copies


class OutOfOrder(SignalFault):
    """Messages are held back `depth` at a time and then leave shuffled, times unchanged.

    A depth of three or more holds a device back for so long that it counts as silent.
    """

    def __init__(self, device: str, depth: int = 2, random: Random | None = None) -> None:
        super().__init__(device)
        self._depth = depth
        self._random = random or Random(device)
        self._held = list[Report]()

    def rewrite(self, world: World, report: Report) -> list[Report]:
        """Hold back, or let the full hand go in another order."""
        self._held.append(report)
        return self._release() if len(self._held) >= self._depth else []

    def end(self, world: World) -> list[Report]:
        """What is still held leaves."""
        return self._release()

    def _release(self) -> list[Report]:
        held, self._held = self._held, []
        shuffled = self._random.sample(held, len(held))
        # A shuffle of few may leave them in order; then the fault would be none.
        return shuffled[::-1] if shuffled == held else shuffled


class DeadClock(SignalFault):
    """A device whose clock was never set: its times are those of its first second of life."""

    def __init__(self, device: str, ts: float = 1.33) -> None:
        super().__init__(device)
        self._ts = ts

    def rewrite(self, world: World, report: Report) -> list[Report]:
        """The same reading under a time near the epoch."""
        return [replace(report, ts=self._ts)]


@dataclass
class GatewayLost:
    """A gateway without power or network: it and everything behind it fall silent.

    The broker tells of it by the last will, after one and a half keep-alives of 30 s.
    """

    gateway: str
    _silent: set[str] = field(default_factory=set)
    _will_at: float | None = None

    def begin(self, world: World) -> None:
        """Find out who falls silent."""
        device = world.device(self.gateway)
        self._silent = {device.code, *(one.code for one in world.site.behind(device.code))}
        self._will_at = world.now + 45.0

    def alter(self, world: World, reports: list[Report]) -> list[Report]:
        """Drop what came through the gateway."""
        if self._will_at is not None and world.now >= self._will_at:
            world.statuses.append(Status(self.gateway, False))
            self._will_at = None
        return [report for report in reports if report.device not in self._silent]

    def end(self, world: World) -> list[Report]:
        """It is back and says so."""
        world.statuses.append(Status(self.gateway, True))
        return []


def _number(report: Report, point: str) -> float:
    value: Any = report.values.get(point, 0.0)
    return float(value)
