"""Normal life for ever: a fault within a minute, a mild one now and then, a guard's rounds."""

import threading
import time
from collections.abc import Callable, Sequence
from random import Random

from simulators.connection import BrokerAddress, Publisher
from simulators.demo.patrol import Guard
from simulators.faults.disturb import disturbance_of
from simulators.faults.plan import Fault, FaultKind
from simulators.simulate import BUFFER, Pace, run_world
from simulators.world.messages import Tick
from simulators.world.site import SimulatedSite, read_site
from simulators.world.world import World

# Seconds between two faults of the random kind.
_CALM = (120.0, 300.0)
# What a visitor sees first: a wet floor at once, and a bearing that shakes more than it may.
FIRST_FAULTS = (
    Fault("first-bearing", FaultKind.PUMP_FAILURE, "b1-pump-1", 8, 240, {"mode": "bearing"}),
    Fault(
        "first-leak",
        FaultKind.BURST_PIPE,
        "b1",
        25,
        150,
        {"leaks": ["b1-leak-pumproom"], "pits": [], "mains": []},
    ),
)


def run_demo(
    broker: BrokerAddress,
    *,
    site: SimulatedSite | None = None,
    seed: int = 1,
    stop: threading.Event | None = None,
    on_fault: Callable[[Fault], None] = lambda fault: None,
) -> None:
    """Publish the demo compound in real time until `stop` is set; waits out a broker that is away.

    site: a site to live instead of the demo compound; then the first faults and the guard's rounds
    are left out.
    on_fault: called when a fault is put on the calendar. Raises BrokerTrouble at the start only.
    """
    world = World(site or read_site(), seed=seed, start=time.time())
    mishaps = Mishaps(world.site, Random(f"{seed}/demo"), () if site else FIRST_FAULTS)

    guard = None if site else Guard(world.site.code, world.start, Random(f"{seed}/guard"))

    def told(tick: Tick, sent: int) -> None:
        for fault in mishaps.due(tick.now - world.start):
            schedule(world, fault)
            on_fault(fault)
        for scan in guard.scans(tick.now) if guard else ():
            publisher.publish(scan.topic, scan.payload)

    with Publisher(broker, patience=None, buffer=BUFFER) as publisher:
        for fault in mishaps.due(0.0):
            schedule(world, fault)
            on_fault(fault)
        run_world(world, publisher, Pace(), stop=stop, told=told)


def schedule(world: World, fault: Fault) -> None:
    """Let a fault happen in a world."""
    disturbance = disturbance_of(fault, world.site)
    world.schedule(disturbance, world.start + fault.start, world.start + fault.end)


class Mishaps:
    """An endless row of mild faults that end by themselves; `first` come as they are given."""

    def __init__(self, site: SimulatedSite, random: Random, first: Sequence[Fault] = ()) -> None:
        self._site = site
        self._random = random
        self._first = list(first)
        self._count = 0
        self._next = max([random.uniform(*_CALM), *(fault.end for fault in first)])

    def due(self, elapsed: float) -> list[Fault]:
        """The faults to put on the calendar now, `elapsed` seconds after the start."""
        first, self._first = self._first, []
        if elapsed < self._next:
            return first
        fault = self._mishap(self._next)
        self._next += self._random.uniform(*_CALM)
        return [*first, *([fault] if fault else [])]

    def _mishap(self, start: float) -> Fault | None:
        self._count += 1
        draw = self._random
        kind, target_type, duration, options = draw.choice(_MILD)
        heard = {device.asset for device in self._site.devices.values()}
        assets = [asset for asset in self._site.of_type(target_type) if asset.code in heard]
        if not assets:
            return None
        asset = draw.choice(assets).code
        target = asset
        if kind is FaultKind.BURST_PIPE:
            options = {"leaks": [asset], "pits": [], "mains": []}
        elif kind in (FaultKind.SILENCE, FaultKind.SPIKE, FaultKind.CHATTER):
            target = self._site.device_of(asset).code
        return Fault(f"mishap-{self._count}", kind, target, start, duration, options)


_MILD: tuple[tuple[FaultKind, str, float, dict[str, object]], ...] = (
    (FaultKind.BURST_PIPE, "water_leak", 120.0, {}),
    (FaultKind.PUMP_FAILURE, "pump", 300.0, {"mode": "bearing"}),
    (FaultKind.PUMP_FAILURE, "pump", 480.0, {"mode": "overheating"}),
    (FaultKind.PUMP_FAILURE, "pump", 240.0, {"mode": "dry"}),
    (FaultKind.LIFT_ENTRAPMENT, "lift", 180.0, {}),
    (FaultKind.SILENCE, "room", 300.0, {}),
    (FaultKind.SPIKE, "pump", 60.0, {"point": "motor_temperature", "value": 118.0}),
    (FaultKind.CHATTER, "door", 30.0, {"point": "forced", "low": False, "high": True}),
)
