"""From a fault plan to the disturbances of a world."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from simulators.errors import BadInput
from simulators.faults.damage import (
    PUMP_MODES,
    BurstPipe,
    LiftEntrapment,
    Outage,
    PumpFailure,
    SitePowerCut,
    Smoke,
)
from simulators.faults.equipment import (
    BatteryLow,
    BoardFailure,
    BranchPowerCut,
    ChillerFailure,
    DoorFailure,
    Failure,
    FalseSmoke,
    FanFailure,
    FireMainLeak,
    LiftFailure,
    PitFailure,
    RoomFailure,
    TransformerFailure,
    WeakSignal,
)
from simulators.faults.plan import OUTAGES, Fault, FaultKind, FaultPlan
from simulators.faults.signal import (
    Chatter,
    DeadClock,
    Drift,
    Duplicate,
    GatewayLost,
    OutOfOrder,
    Silence,
    Spike,
    Stuck,
)
from simulators.world.site import SimulatedSite
from simulators.world.world import Disturbance, World

Build = Callable[[Fault, SimulatedSite], Disturbance]


@dataclass(frozen=True, slots=True)
class OutageCommand:
    """How to end the product or the broker, and how to start it again."""

    stop: Callable[[], None]
    start: Callable[[], None]


@dataclass(frozen=True, slots=True)
class Scheduled:
    """What became of a plan: the disturbance of each fault that is on the calendar of a world, and
    the outages for which no command was given."""

    disturbances: Mapping[str, Disturbance]
    left_out: list[Fault]


def disturb(
    world: World, plan: FaultPlan, outages: Mapping[FaultKind, OutageCommand] | None = None
) -> Scheduled:
    """Schedule every fault of the plan.

    Raises BadInput for a fault whose target or options don't fit the site.
    """
    left_out = list[Fault]()
    scheduled = dict[str, Disturbance]()
    for fault in plan.faults:
        command = (outages or {}).get(fault.kind)
        if fault.kind in OUTAGES and command is None:
            left_out.append(fault)
            continue
        disturbance = (
            Outage(command.stop, command.start) if command else disturbance_of(fault, world.site)
        )
        world.schedule(disturbance, world.start + fault.start, world.start + fault.end)
        scheduled[fault.id] = disturbance
    return Scheduled(scheduled, left_out)


def disturbance_of(fault: Fault, site: SimulatedSite) -> Disturbance:
    """The disturbance of one fault. Raises BadInput when it doesn't fit the site."""
    try:
        return _BUILDERS[fault.kind](fault, site)
    except (TypeError, ValueError, KeyError) as error:
        raise BadInput(f"fault {fault.id} ({fault.kind}) can't be made: {error}") from error


def within(site: SimulatedSite, space: str, kind: str) -> list[str]:
    """The codes of the assets of one type that stand in a space or below it."""
    return [asset.code for asset in site.of_type(kind) if space in asset.place]


def burst(fault: Fault, site: SimulatedSite) -> BurstPipe:
    """What a burst pipe reaches: what its options name, else all there is in the space."""
    options = fault.options
    leaks = options.get("leaks", within(site, fault.target, "water_leak"))
    if not leaks:
        raise BadInput(f"fault {fault.id}: no leak sensor stands in space {fault.target!r}")
    return BurstPipe(
        leaks,
        options.get("pits", within(site, fault.target, "drainage_pit")),
        options.get("mains", within(site, fault.target, "fire_main")),
    )


def _device(fault: Fault, site: SimulatedSite) -> str:
    if fault.target not in site.devices:
        raise BadInput(f"fault {fault.id}: site {site.code!r} has no device {fault.target!r}")
    return fault.target


def _asset(fault: Fault, site: SimulatedSite) -> str:
    if fault.target not in site.assets:
        raise BadInput(f"fault {fault.id}: site {site.code!r} has no asset {fault.target!r}")
    return fault.target


def _pump_failure(fault: Fault, site: SimulatedSite) -> Disturbance:
    if fault.options["mode"] not in PUMP_MODES:
        raise BadInput(f"fault {fault.id}: a pump fails by {', '.join(PUMP_MODES)}")
    return PumpFailure(_asset(fault, site), **fault.options)


def _failure(kind: type[Failure]) -> Build:
    return lambda fault, site: kind(_asset(fault, site), **fault.options)


_BUILDERS: Mapping[FaultKind, Build] = {
    FaultKind.STUCK: lambda fault, site: Stuck(_device(fault, site), **fault.options),
    FaultKind.DRIFT: lambda fault, site: Drift(_device(fault, site), **fault.options),
    FaultKind.SPIKE: lambda fault, site: Spike(_device(fault, site), **fault.options),
    FaultKind.CHATTER: lambda fault, site: Chatter(_device(fault, site), **fault.options),
    FaultKind.SILENCE: lambda fault, site: Silence(_device(fault, site)),
    FaultKind.OUT_OF_ORDER: lambda fault, site: OutOfOrder(_device(fault, site), **fault.options),
    FaultKind.DUPLICATE: lambda fault, site: Duplicate(_device(fault, site), **fault.options),
    FaultKind.DEAD_CLOCK: lambda fault, site: DeadClock(_device(fault, site), **fault.options),
    FaultKind.PUMP_FAILURE: _pump_failure,
    FaultKind.BURST_PIPE: burst,
    FaultKind.LIFT_ENTRAPMENT: lambda fault, site: LiftEntrapment(_asset(fault, site)),
    FaultKind.SMOKE: lambda fault, site: Smoke(_asset(fault, site)),
    FaultKind.FALSE_SMOKE: lambda fault, site: FalseSmoke(_asset(fault, site), **fault.options),
    FaultKind.FAN_FAILURE: _failure(FanFailure),
    FaultKind.BOARD_FAILURE: _failure(BoardFailure),
    FaultKind.PIT_FAILURE: _failure(PitFailure),
    FaultKind.LIFT_FAILURE: _failure(LiftFailure),
    FaultKind.DOOR_FAILURE: _failure(DoorFailure),
    FaultKind.ROOM_FAILURE: _failure(RoomFailure),
    FaultKind.FIRE_MAIN_LEAK: _failure(FireMainLeak),
    FaultKind.TRANSFORMER_FAILURE: _failure(TransformerFailure),
    FaultKind.CHILLER_FAILURE: _failure(ChillerFailure),
    FaultKind.BATTERY_LOW: lambda fault, site: BatteryLow(_asset(fault, site)),
    FaultKind.WEAK_SIGNAL: lambda fault, site: WeakSignal(_asset(fault, site)),
    FaultKind.BRANCH_POWER_CUT: lambda fault, site: BranchPowerCut(_asset(fault, site)),
    FaultKind.GATEWAY_LOST: lambda fault, site: GatewayLost(_device(fault, site)),
    FaultKind.SITE_POWER_CUT: lambda fault, site: SitePowerCut(),
}
