"""Faults of equipment that fails in several ways: one class each, one name a way."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from simulators.errors import BadInput
from simulators.faults.damage import Damage, part
from simulators.world.building import Door, Fan, Lift, Room, SmokeDetector
from simulators.world.cooling import Chiller
from simulators.world.messages import Report
from simulators.world.model import Model
from simulators.world.power import DistributionBoard, Gateway, Transformer
from simulators.world.water import DrainagePit, FireMain, LeakSensor
from simulators.world.world import World

# Percent that a battery near its end shows.
_NEARLY_EMPTY = 12.0


@dataclass
class Failure(Damage):
    """Something about one asset is set wrong, and set right again when somebody has mended it.

    MODES: name of the way it fails → attribute of the model → value while it fails.
    """

    asset: str
    mode: str
    KIND: ClassVar[type[Model]]
    MODES: ClassVar[Mapping[str, Mapping[str, Any]]]

    def __post_init__(self) -> None:
        if self.mode not in self.MODES:
            known = ", ".join(self.MODES)
            raise BadInput(f"{self.asset} fails by {known}, not by {self.mode!r}")
        self._sound = dict[str, Any]()

    def begin(self, world: World) -> None:
        """It fails."""
        model = part(world, self.asset, self.KIND)
        for name, value in self.MODES[self.mode].items():
            self._sound[name] = getattr(model, name)
            setattr(model, name, value)

    def end(self, world: World) -> list[Report]:
        """Somebody has mended it."""
        model = part(world, self.asset, self.KIND)
        for name, value in self._sound.items():
            setattr(model, name, value)
        return []


class FanFailure(Failure):
    """A bearing wears, so that it shakes all the time or, worn, whenever it runs; a belt slips."""

    KIND = Fan
    MODES: ClassVar = {
        "bearing": {"wear": 7.0, "held_on": True},
        "worn": {"wear": 7.0},
        "belt": {"slips": True, "held_on": True},
    }


class BoardFailure(Failure):
    """A joint burns, current leaks to earth, too much hangs on it, or the voltage sags."""

    KIND = DistributionBoard
    MODES: ClassVar = {
        "hot_joint": {"fouled": 75.0},
        "earth_leakage": {"leakage": 420.0},
        "overload": {"added": 420.0},
        "low_voltage": {"sag": 42.0},
    }


class TransformerFailure(Failure):
    """Its ducts are blocked, or its fan stands still while it is warm."""

    KIND = Transformer
    MODES: ClassVar = {"blocked_ducts": {"blocked": 85.0}, "fan_stands": {"fan_dead": True}}


class ChillerFailure(Failure):
    """Its own protection has stopped it, or its condenser is fouled."""

    KIND = Chiller
    MODES: ClassVar = {"tripped": {"tripped": True}, "fouled": {"fouled": 6.0}}


class PitFailure(Failure):
    """The pump does not start, or more water comes than it can move."""

    KIND = DrainagePit
    MODES: ClassVar = {
        "pump_dead": {"broken": True, "flood": 0.0008},
        "flooded": {"flood": 0.0065},
    }


class LiftFailure(Failure):
    """The door is blocked, or the machine gets hot."""

    KIND = Lift
    MODES: ClassVar = {"door_blocked": {"door_blocked": True}, "hot_machine": {"heat": 75.0}}


class DoorFailure(Failure):
    """It is forced, or something holds it open."""

    KIND = Door
    MODES: ClassVar = {"forced": {"forced": True}, "held": {"held": True}}


class RoomFailure(Failure):
    """Its cooling failed, or water evaporates in it."""

    KIND = Room
    MODES: ClassVar = {"hot": {"heat": 22.0}, "humid": {"damp": 45.0}}


class FireMainLeak(Failure):
    """It seeps, so that the jockey pump never rests, or it has burst."""

    KIND = FireMain
    MODES: ClassVar = {"seeping": {"leak": 0.00118}, "burst": {"leak": 0.012}}


@dataclass
class BatteryLow(Damage):
    """The battery of a sensor is nearly empty until somebody changes it."""

    asset: str

    def begin(self, world: World) -> None:
        """It is nearly empty."""
        self._battery(world).level = _NEARLY_EMPTY

    def end(self, world: World) -> list[Report]:
        """A new one."""
        self._battery(world).level = 98.0
        return []

    def _battery(self, world: World) -> Any:
        model = world.model(self.asset)
        if not isinstance(model, SmokeDetector | LeakSensor | Door):
            raise BadInput(f"asset {self.asset!r} has no battery")
        return model.battery


@dataclass
class WeakSignal(Damage):
    """A gateway whose antenna came loose."""

    asset: str

    def begin(self, world: World) -> None:
        """The signal falls to where messages begin to be lost."""
        part(world, self.asset, Gateway).loss = 48.0

    def end(self, world: World) -> list[Report]:
        """The antenna is screwed on again."""
        part(world, self.asset, Gateway).loss = 0.0
        return []


@dataclass
class FalseSmoke(Damage):
    """Joss paper, a cook, dust: a detector goes off for a minute, `times` times, no fire at all."""

    detector: str
    times: int = 3
    every: float = 600.0

    def begin(self, world: World) -> None:
        """Remember when the first wisp came."""
        self._began = world.now
        part(world, self.detector, SmokeDetector)

    def alter(self, world: World, reports: list[Report]) -> list[Report]:
        """Let the smoke come and go."""
        since = world.now - self._began
        wisp = since % self.every < 60.0 and since < self.times * self.every
        part(world, self.detector, SmokeDetector).burning = wisp
        return reports

    def end(self, world: World) -> list[Report]:
        """The air is clear."""
        part(world, self.detector, SmokeDetector).burning = False
        return []


@dataclass
class BranchPowerCut(Damage):
    """The breaker of a board has opened: it and everything that it feeds is dark."""

    board: str

    def begin(self, world: World) -> None:
        """Dark."""
        part(world, self.board, DistributionBoard)
        world.cut_off(self.board, cut=True)

    def end(self, world: World) -> list[Report]:
        """The breaker is closed again."""
        world.cut_off(self.board, cut=False)
        return []
