"""Worlds over the demo compound, and what leaves them."""

from collections.abc import Iterable
from typing import Any

from simulators.faults.disturb import disturbance_of
from simulators.faults.plan import Fault, FaultKind
from simulators.world.messages import Report, Tick
from simulators.world.site import SimulatedSite, read_site
from simulators.world.world import World

# Noon in Shanghai on a working day.
NOON = 1_767_585_600.0
SITE = read_site()


def world(seed: int = 1, site: SimulatedSite = SITE, start: float = NOON) -> World:
    """A compound from noon on."""
    return World(site, seed=seed, start=start)


def lived(one: World, seconds: float) -> list[Tick]:
    """The ticks of the next seconds."""
    return list(one.ticks(one.now + seconds))


def reports(ticks: Iterable[Tick], device: str) -> list[Report]:
    """What a device reported, in the order in which it left."""
    return [
        message
        for tick in ticks
        for message in tick.messages
        if isinstance(message, Report) and message.device == device
    ]


def with_fault(kind: FaultKind, target: str, duration: float = 120, **options: Any) -> World:
    """A compound in which a fault begins after ten seconds."""
    fault = Fault("f", kind, target, 10, duration, options)
    one = world()
    one.schedule(disturbance_of(fault, SITE), one.start + fault.start, one.start + fault.end)
    return one
