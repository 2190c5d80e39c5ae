"""The world: every asset of a site moves on, tick by tick, and its devices speak."""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Protocol

from simulators.errors import BadInput
from simulators.world.building import Door, Fan, Lift, Room, SmokeDetector
from simulators.world.cooling import Chiller
from simulators.world.messages import Happening, Report, Status, Tick
from simulators.world.model import Model, Value
from simulators.world.power import DistributionBoard, Gateway, Machine, Transformer
from simulators.world.site import SimulatedDevice, SimulatedSite
from simulators.world.surroundings import Surroundings, Weather
from simulators.world.water import DrainagePit, FireMain, LeakSensor, Pump

MODELS: dict[str, type[Model]] = {
    "pump": Pump,
    "lift": Lift,
    "fire_main": FireMain,
    "smoke_detector": SmokeDetector,
    "water_leak": LeakSensor,
    "door": Door,
    "distribution_board": DistributionBoard,
    "drainage_pit": DrainagePit,
    "fan": Fan,
    "room": Room,
    "transformer": Transformer,
    "chiller": Chiller,
    "machine": Machine,
    "gateway": Gateway,
}
# What the mains feed; the rest lives on batteries.
_ON_MAINS = (Pump, FireMain, DrainagePit, Lift, DistributionBoard, Fan, Chiller)


class Disturbance(Protocol):
    """Something that goes wrong for a while: in the models, on the way, or both."""

    def begin(self, world: "World") -> None:
        """Its first tick: change the models."""
        ...

    def alter(self, world: "World", reports: list[Report]) -> list[Report]:
        """The reports of one tick as they leave, in order; the same list when nothing changes."""
        ...

    def end(self, world: "World") -> list[Report]:
        """Put the models right again; what was still held back leaves now."""
        ...


@dataclass(slots=True)
class _Scheduled:
    """A disturbance with its time: from `start` on, before `end`, seconds since the epoch."""

    disturbance: Disturbance
    start: float
    end: float
    running: bool = False


@dataclass(slots=True)
class _Rhythm:
    """When a device speaks next, and the contacts it last told of. due: a number of ticks."""

    due: float
    every: float
    contacts: tuple[Value, ...]


class World:
    """A simulated site from a moment on. The same site, seed, start and step: the same messages.

    start: seconds since the epoch. step: seconds between ticks.
    """

    def __init__(self, site: SimulatedSite, *, seed: int, start: float, step: float = 1.0) -> None:
        if step <= 0:
            raise BadInput("the step of a simulation must be above 0")
        self.site = site
        self.step = step
        self.start = start
        self.now = start
        self.around = Surroundings(now=start)
        self.statuses = list[Status]()
        self._cut = list[str]()
        self._dark = frozenset[str]()
        self._ticks = 0
        self._weather = Weather(site.zone, Random(f"{seed}/weather"))
        self.models = {
            asset.code: MODELS[asset.type](Random(f"{seed}/{asset.code}"))
            for asset in site.assets.values()
            if asset.type in MODELS
        }
        self._devices = [one for one in site.devices.values() if one.asset in self.models]
        self._rhythms = {one.code: self._rhythm(one, seed) for one in self._devices}
        self._scheduled = list[_Scheduled]()
        self.statuses += [Status(one.code, True) for one in self._devices if one.gateway]

    def _rhythm(self, device: SimulatedDevice, seed: int) -> _Rhythm:
        every = max(1.0, device.interval / self.step)
        phase = Random(f"{seed}/{device.code}/phase").uniform(0, every)
        return _Rhythm(1 + phase, every, self.models[device.asset].contacts())

    @property
    def left_out(self) -> list[str]:
        """The codes of assets of types that nothing here can simulate."""
        return [code for code in self.site.assets if code not in self.models]

    def schedule(self, disturbance: Disturbance, start: float, end: float) -> None:
        """Let something go wrong from `start` until `end`, seconds since the epoch."""
        self._scheduled.append(_Scheduled(disturbance, start, end))
        self._scheduled.sort(key=lambda one: one.start)

    def cancel(self, disturbance: Disturbance) -> None:
        """Take something off the calendar that has not begun."""
        self._scheduled = [
            one for one in self._scheduled if one.running or one.disturbance is not disturbance
        ]

    def cut_off(self, board: str, *, cut: bool) -> None:
        """Open or close the breaker of a board; what it feeds goes dark with it."""
        if cut:
            self._cut.append(board)
        else:
            self._cut.remove(board)
        self._dark = frozenset(code for one in self._cut for code in (one, *self.site.fed_by(one)))

    def ticks(self, until: float | None = None) -> Iterator[Tick]:
        """Tick after tick, to and including `until`; without it, for ever."""
        while until is None or self.start + (self._ticks + 1) * self.step <= until + 1e-9:
            yield self.advance()

    def advance(self) -> Tick:
        """Move one step on and tell what leaves the site at that moment."""
        self._ticks += 1
        # Multiplied, not summed up, so that a long run doesn't drift.
        self.now = round(self.start + self._ticks * self.step, 3)
        self._weather.advance(self.around, self.now, self.step)
        released = self._switch_disturbances()
        for code, model in self.models.items():
            if isinstance(model, _ON_MAINS):
                model.powered = self.around.mains and code not in self._dark
            model.step(self.step, self.around)
        reports = [self.report(device) for device in self._devices if self._speaks(device)]
        reports = released + reports
        for one in self._scheduled:
            if one.running:
                reports = one.disturbance.alter(self, reports)
        statuses, self.statuses = self.statuses, []
        return Tick(self.now, [*statuses, *reports, *self._happenings()])

    def _happenings(self) -> Iterator[Happening]:
        for device in self._devices:
            # Only what a device lists, as few devices have events.
            listed = (device.points or {}).values()
            for event in self.models[device.asset].happenings() if listed else ():
                if event in listed:
                    yield Happening(device.code, self.now, event)

    def report(self, device: SimulatedDevice) -> Report:
        """What a device would say now."""
        return Report(device.code, self.now, self.models[device.asset].values())

    def device(self, code: str) -> SimulatedDevice:
        """The device with this code. Raises BadInput when the site has none."""
        if code not in self.site.devices:
            raise BadInput(f"site {self.site.code!r} has no device {code!r}")
        return self.site.devices[code]

    def model(self, asset: str) -> Model:
        """The model of an asset. Raises BadInput when there is none."""
        if asset not in self.models:
            raise BadInput(f"site {self.site.code!r} has no simulated asset {asset!r}")
        return self.models[asset]

    def _speaks(self, device: SimulatedDevice) -> bool:
        rhythm = self._rhythms[device.code]
        due = self._ticks >= rhythm.due
        if due:
            rhythm.due += rhythm.every
        contacts = self.models[device.asset].contacts()
        if contacts != rhythm.contacts:
            rhythm.contacts = contacts
            return True
        return due

    def _switch_disturbances(self) -> list[Report]:
        released = list[Report]()
        for one in list(self._scheduled):
            if self.now >= one.end:
                self._scheduled.remove(one)
                if one.running:
                    released += one.disturbance.end(self)
            elif self.now >= one.start and not one.running:
                one.running = True
                one.disturbance.begin(self)
        return released
