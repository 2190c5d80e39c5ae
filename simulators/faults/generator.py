"""A seeded fault plan for a site: every kind once, on things that don't disturb each other."""

from collections.abc import Iterable, Sequence
from random import Random
from typing import Any

from simulators.errors import BadInput
from simulators.faults.disturb import within
from simulators.faults.plan import Fault, FaultKind, FaultPlan
from simulators.faults.truth import with_truth
from simulators.world.site import SimulatedSite

# Normal life before the first fault, between faults of the whole site, and after the last one.
QUIET = 120.0
_SITE_WIDE = (
    (FaultKind.SITE_POWER_CUT, 180.0),
    (FaultKind.BROKER_DOWN, 60.0),
    (FaultKind.PRODUCT_DOWN, 60.0),
)
_SIGNAL_SECONDS = 300.0


# The kinds that show themselves within minutes; the others are for longer plans.
KINDS = (
    FaultKind.STUCK,
    FaultKind.DRIFT,
    FaultKind.SPIKE,
    FaultKind.CHATTER,
    FaultKind.SILENCE,
    FaultKind.OUT_OF_ORDER,
    FaultKind.DUPLICATE,
    FaultKind.DEAD_CLOCK,
    FaultKind.PUMP_FAILURE,
    FaultKind.BURST_PIPE,
    FaultKind.LIFT_ENTRAPMENT,
    FaultKind.SMOKE,
    FaultKind.GATEWAY_LOST,
    FaultKind.SITE_POWER_CUT,
    FaultKind.PRODUCT_DOWN,
    FaultKind.BROKER_DOWN,
)


def generate_plan(
    site: SimulatedSite, *, seed: int, kinds: Iterable[FaultKind] = KINDS
) -> FaultPlan:
    """One fault of every kind asked for (a pump fails in each of its ways), ground truth included.

    Faults of single things start 20 to 60 s apart and overlap; those of the whole site follow one
    by one. Raises BadInput when the site lacks the things for a kind, or a kind takes longer.
    """
    asked = frozenset(kinds)
    if slow := sorted(asked - set(KINDS)):
        raise BadInput(f"{', '.join(slow)}: only in a plan of a month, or one of your own")
    return _Generator(site, Random(f"{seed}/plan"), asked).plan(seed)


class _Generator:
    def __init__(self, site: SimulatedSite, random: Random, kinds: frozenset[FaultKind]) -> None:
        self._site = site
        self._random = random
        self._kinds = kinds
        self._taken = set[str]()
        self._faults = list[Fault]()
        self._at = QUIET

    def plan(self, seed: int) -> FaultPlan:
        """The whole plan."""
        # What reserves most goes first.
        self._gateway_lost()
        self._burst_pipe()
        self._damages()
        self._signals()
        after = max([self._at, *(fault.end for fault in self._faults)]) + QUIET
        for kind, duration in _SITE_WIDE:
            if kind in self._kinds:
                self._add(kind, "", duration, start=after)
                after += duration + QUIET
        faults = sorted(self._faults, key=lambda fault: fault.start)
        return with_truth(FaultPlan(tuple(faults), after, seed), self._site)

    def _gateway_lost(self) -> None:
        if FaultKind.GATEWAY_LOST in self._kinds:
            gateways = [one for one in self._site.devices.values() if one.gateway]
            gateway = self._choose([one.code for one in gateways], "gateway")
            behind = self._site.behind(gateway)
            self._taken |= {name for one in behind for name in (one.code, one.asset)}
            self._taken.add(self._site.devices[gateway].asset)
            self._add(FaultKind.GATEWAY_LOST, gateway, 480.0)

    def _burst_pipe(self) -> None:
        if FaultKind.BURST_PIPE in self._kinds:
            buildings = [one.place[0] for one in self._site.of_type("water_leak") if one.place]
            dry = [one for one in sorted(set(buildings)) if self._taken.isdisjoint(self._wet(one))]
            building = self._choose(dry, "building with a leak sensor")
            self._taken.update(self._wet(building))
            self._add(FaultKind.BURST_PIPE, building, 420.0)

    def _wet(self, space: str) -> list[str]:
        """What the water of a burst pipe in a space reaches."""
        kinds = ("water_leak", "drainage_pit", "fire_main")
        return [code for kind in kinds for code in within(self._site, space, kind)]

    def _damages(self) -> None:
        if FaultKind.PUMP_FAILURE in self._kinds:
            for mode in ("overheating", "bearing", "dry"):
                pump = self._asset("pump")
                self._add(FaultKind.PUMP_FAILURE, pump, 480.0, mode=mode)
        if FaultKind.LIFT_ENTRAPMENT in self._kinds:
            self._add(FaultKind.LIFT_ENTRAPMENT, self._asset("lift"), 300.0)
        if FaultKind.SMOKE in self._kinds:
            detector = self._asset("smoke_detector")
            self._add(FaultKind.SMOKE, detector, 180.0)
            if FaultKind.DUPLICATE in self._kinds:
                # The same smoke told three times is still one fire.
                start = self._faults[-1].start - 10
                device = self._site.device_of(detector).code
                self._add(FaultKind.DUPLICATE, device, 240.0, start=start, copies=3)

    def _signals(self) -> None:
        self._signal(FaultKind.STUCK, "room", point="temperature")
        self._signal(FaultKind.DRIFT, "pump", point="motor_temperature", per_second=0.4)
        self._signal(FaultKind.SPIKE, "pump", point="motor_temperature", value=120.0)
        self._signal(FaultKind.CHATTER, "water_leak", point="leak", low=False, high=True)
        self._signal(FaultKind.SILENCE, "door")
        self._signal(FaultKind.OUT_OF_ORDER, "pump", depth=2)
        self._signal(FaultKind.DUPLICATE, "distribution_board", copies=2)
        self._signal(FaultKind.DEAD_CLOCK, "fan", ts=1.33)

    def _signal(self, kind: FaultKind, asset_type: str, **options: Any) -> None:
        if kind in self._kinds:
            device = self._site.device_of(self._asset(asset_type))
            # Long enough for three missed messages and for a drift to pass its limit.
            self._add(kind, device.code, max(_SIGNAL_SECONDS, 6 * device.interval), **options)

    def _asset(self, kind: str) -> str:
        return self._choose([asset.code for asset in self._site.of_type(kind)], kind)

    def _choose(self, codes: Sequence[str], what: str) -> str:
        free = [code for code in codes if code not in self._taken]
        if not free:
            raise BadInput(f"site {self._site.code!r} has no {what} left for another fault")
        chosen = self._random.choice(free)
        self._taken.add(chosen)
        return chosen

    def _add(
        self,
        kind: FaultKind,
        target: str,
        duration: float,
        start: float | None = None,
        **options: Any,
    ) -> None:
        if start is None:
            start = self._at
            self._at += float(self._random.randint(20, 60))
        name = f"f{len(self._faults) + 1:02}"
        self._faults.append(Fault(name, kind, target, start, duration, options))
