"""Simulate: a world that publishes, in real time or driving a product's simulated clock."""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from rich.console import Console
from rich.status import Status as Spinner

from simulators.connection import BrokerAddress, Publisher
from simulators.errors import BadInput
from simulators.faults.disturb import OutageCommand, Scheduled, disturb
from simulators.faults.plan import Fault, FaultKind, FaultPlan
from simulators.faults.truth import with_truth, write_truth
from simulators.world.messages import Tick, clock_message, encode
from simulators.world.site import SimulatedSite
from simulators.world.world import World

# What gateways keep while the broker is away: about an hour at ten messages a second.
BUFFER = 40_000


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast time passes.

    simulated: the product runs with `--clock simulated`, and `wk/v1/clock` tells it the time
    after the readings of each tick. speed: simulated seconds in a second, or "max"; anything but
    1 needs `simulated`, or the product would take the readings for ones from the future.
    """

    simulated: bool = False
    speed: float | Literal["max"] = 1.0

    def __post_init__(self) -> None:
        if self.speed != "max" and not self.speed > 0:
            raise BadInput("speed must be above 0, or 'max'")
        if not self.simulated and self.speed != 1:
            raise BadInput("another speed than 1 needs a product that runs with a simulated clock")


@dataclass(frozen=True, slots=True)
class Moment:
    """A moment of a run, after everything of it has left: for whoever does something meanwhile."""

    world: World
    publisher: Publisher
    scheduled: Scheduled
    now: float


@dataclass(frozen=True, slots=True)
class Simulated:
    """What a simulation did. end: its last moment; left_out: outages without a command."""

    start: float
    end: float
    messages: int
    left_out: tuple[Fault, ...]


def simulate(
    broker: BrokerAddress,
    site: SimulatedSite,
    *,
    seed: int = 1,
    pace: Pace | None = None,
    start: float | None = None,
    duration: float | None = None,
    step: float | None = None,
    plan: FaultPlan | None = None,
    truth: Path | None = None,
    outages: Mapping[FaultKind, OutageCommand] | None = None,
    meanwhile: Callable[[Moment], None] | None = None,
    stop: threading.Event | None = None,
    console: Console | None = None,
) -> Simulated:
    """Let a site live and publish, for `duration` seconds of its own time or until `stop` is set.

    start: its first moment, seconds since the epoch; now when left out, and always in real time.
    step: seconds between ticks, at most 5. plan: what goes wrong; its own duration and step hold
    when none is given. truth: a file for the ground-truth log, written before anything happens.
    meanwhile: called after each tick.
    """
    pace = pace or Pace()
    if step is None:
        step = plan.step if plan else 1.0
    if not 0 < step <= 5:
        raise BadInput("the step of a simulation must be above 0 and at most 5 s")
    begin = start if pace.simulated and start is not None else time.time()
    world = World(site, seed=seed, start=begin, step=step)
    scheduled = Scheduled({}, [])
    if plan is not None:
        plan = with_truth(plan, site)
        duration = plan.duration if duration is None else duration
        scheduled = disturb(world, plan, outages)
        if truth is not None:
            write_truth(plan, begin, truth)
    until = None if duration is None else begin + duration
    screen = console or Console(stderr=True)
    with (
        Publisher(broker, patience=None, buffer=BUFFER) as publisher,
        screen.status("") as spinner,
    ):
        tell = _teller(world, spinner)

        def told(tick: Tick, sent: int) -> None:
            tell(tick, sent)
            if meanwhile is not None:
                meanwhile(Moment(world, publisher, scheduled, tick.now))

        run_world(world, publisher, pace, until=until, stop=stop, told=told)
        publisher.flush()
        return Simulated(begin, world.now, publisher.sent, tuple(scheduled.left_out))


def run_world(
    world: World,
    publisher: Publisher,
    pace: Pace,
    *,
    until: float | None = None,
    stop: threading.Event | None = None,
    told: Callable[[Tick, int], None] = lambda tick, sent: None,
) -> None:
    """Publish tick after tick at the pace, until `until` or until `stop` is set.

    told: called after each tick with it and with the number of messages so far.
    """
    stop = stop or threading.Event()
    started, sent = time.monotonic(), 0
    for tick in world.ticks(until):
        if stop.wait(_seconds_to_wait(world, pace, started)):
            return
        sent += publish_tick(world, publisher, tick, with_clock=pace.simulated)
        told(tick, sent)


def publish_tick(world: World, publisher: Publisher, tick: Tick, *, with_clock: bool) -> int:
    """Publish what leaves at one moment, the clock last; returns how many messages that were."""
    for message in tick.messages:
        keys = world.site.devices[message.device].points
        out = encode(world.site.code, message, keys)
        publisher.publish(out.topic, out.payload, retain=out.retain)
    if with_clock:
        clock = clock_message(tick.now)
        publisher.publish(clock.topic, clock.payload)
    return len(tick.messages) + with_clock


def _seconds_to_wait(world: World, pace: Pace, started: float) -> float:
    """How long the present tick has to wait; a late one, after an outage, doesn't."""
    if pace.speed == "max":
        return 0.0
    if not pace.simulated:
        return max(0.0, world.now - time.time())
    return max(0.0, (world.now - world.start) / pace.speed - (time.monotonic() - started))


def _teller(world: World, spinner: Spinner) -> Callable[[Tick, int], None]:
    """Writes the simulated time and the number of messages, a few times a second at most."""
    last = 0.0

    def tell(tick: Tick, sent: int) -> None:
        nonlocal last
        if time.monotonic() - last >= 0.25:
            last = time.monotonic()
            moment = datetime.fromtimestamp(tick.now, world.site.zone)
            spinner.update(f"{world.site.code} {moment:%Y-%m-%d %H:%M:%S}, {sent:,} messages")

    return tell
