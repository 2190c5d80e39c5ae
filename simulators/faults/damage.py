"""Faults of the thing itself: the models break, and the messages tell the truth about it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from simulators.errors import BadInput
from simulators.world.building import Lift, SmokeDetector
from simulators.world.messages import Report
from simulators.world.model import Model
from simulators.world.water import DrainagePit, FireMain, LeakSensor, Pump
from simulators.world.world import World

Kind = TypeVar("Kind", bound=Model)
PUMP_MODES = ("overheating", "bearing", "dry")


class Damage:
    """A disturbance that leaves the reports as they come."""

    def alter(self, world: World, reports: list[Report]) -> list[Report]:
        """The reports tell the truth."""
        return reports

    def begin(self, world: World) -> None:
        """Break it."""
        raise NotImplementedError

    def end(self, world: World) -> list[Report]:
        """Mend it."""
        raise NotImplementedError


@dataclass
class PumpFailure(Damage):
    """A motor that overheats, a bearing that wears, or a pump that runs dry.

    severity: 1 as in the field; above it, faster and worse.
    """

    pump: str
    mode: str
    severity: float = 1.0

    def begin(self, world: World) -> None:
        """The pump keeps running, and one thing about it is wrong."""
        pump = part(world, self.pump, Pump)
        pump.held_on = True
        if self.mode == "overheating":
            pump.cooling = 0.3 / self.severity
        elif self.mode == "bearing":
            pump.wear = 9.0 * self.severity
        elif self.mode == "dry":
            pump.dry = True
        else:
            raise BadInput(f"a pump fails by {', '.join(PUMP_MODES)}, not by {self.mode!r}")

    def end(self, world: World) -> list[Report]:
        """Somebody has repaired it."""
        pump = part(world, self.pump, Pump)
        pump.held_on, pump.cooling, pump.wear, pump.dry = False, 1.0, 0.0, False
        return []


@dataclass
class BurstPipe(Damage):
    """A pipe bursts: floors get wet, pits fill, fire mains lose their pressure."""

    leaks: Sequence[str]
    pits: Sequence[str] = ()
    mains: Sequence[str] = ()

    def begin(self, world: World) -> None:
        """Water comes."""
        self._flow(world, wet=True, flood=0.015, leak=0.012)

    def end(self, world: World) -> list[Report]:
        """The valve is shut and the floor dried."""
        self._flow(world, wet=False, flood=0.0, leak=0.0)
        return []

    def _flow(self, world: World, *, wet: bool, flood: float, leak: float) -> None:
        for code in self.leaks:
            part(world, code, LeakSensor).wet = wet
        for code in self.pits:
            part(world, code, DrainagePit).flood = flood
        for code in self.mains:
            part(world, code, FireMain).leak = leak


@dataclass
class LiftEntrapment(Damage):
    """A lift stops between two floors with people inside."""

    lift: str

    def begin(self, world: World) -> None:
        """It stops."""
        part(world, self.lift, Lift).trapped = True

    def end(self, world: World) -> list[Report]:
        """They are free."""
        lift = part(world, self.lift, Lift)
        lift.trapped = lift.occupied = False
        return []


@dataclass
class Smoke(Damage):
    """Something smoulders under a detector."""

    detector: str

    def begin(self, world: World) -> None:
        """It begins to smoulder."""
        part(world, self.detector, SmokeDetector).burning = True

    def end(self, world: World) -> list[Report]:
        """It is put out."""
        part(world, self.detector, SmokeDetector).burning = False
        return []


class SitePowerCut(Damage):
    """The grid is away; what has a battery goes on."""

    def begin(self, world: World) -> None:
        """Dark."""
        world.around.mains = False

    def end(self, world: World) -> list[Report]:
        """Light."""
        world.around.mains = True
        return []


@dataclass
class Outage(Damage):
    """The product or the broker is away: the caller's own commands end and start it."""

    stop: Callable[[], None]
    start: Callable[[], None]

    def begin(self, world: World) -> None:
        """End it."""
        self.stop()

    def end(self, world: World) -> list[Report]:
        """Start it."""
        self.start()
        return []


def part(world: World, asset: str, kind: type[Kind]) -> Kind:
    """The model of an asset, which has to be of this kind. Raises BadInput otherwise."""
    model = world.model(asset)
    if not isinstance(model, kind):
        raise BadInput(f"asset {asset!r} is a {type(model).__name__}, not a {kind.__name__}")
    return model
