"""Acceptance: a fault plan against a running product, judged by the ground truth."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console
from rich.table import Table

from simulators.connection import BrokerAddress
from simulators.faults.disturb import OutageCommand
from simulators.faults.plan import FaultKind, FaultPlan
from simulators.faults.truth import with_truth
from simulators.judgement import Judgement, Outcome, Verdict, judge
from simulators.product import Product
from simulators.simulate import Pace, simulate
from simulators.world.site import SimulatedDevice, SimulatedSite

_LOOK_EVERY = 0.5
_COLOURS = {
    Outcome.RIGHT: "green",
    Outcome.QUIET: "green",
    Outcome.LATE: "yellow",
    Outcome.UNCOVERED: "yellow",
    Outcome.SKIPPED: "yellow",
    Outcome.MISSING: "red",
    Outcome.DOUBLED: "red",
    Outcome.FALSE: "red",
}


@dataclass(frozen=True, slots=True)
class Acceptance:
    """The result of a run. read_through: whether the product had read everything in time."""

    judgement: Judgement
    messages: int
    read_through: bool

    @property
    def exit_status(self) -> int:
        """0 when everything came out right, else 1."""
        return 0 if self.judgement.ok and self.read_through else 1


def accept(
    broker: BrokerAddress,
    product: Product,
    site: SimulatedSite,
    plan: FaultPlan,
    *,
    seed: int = 1,
    pace: Pace | None = None,
    start: float | None = None,
    settle: float = 60.0,
    truth: Path | None = None,
    outages: Mapping[FaultKind, OutageCommand] | None = None,
    console: Console | None = None,
) -> Acceptance:
    """Run a plan against a product that nothing else feeds with this site, and judge it.

    The product must know the site; tickets it had before are left out of the judgement. An outage
    runs only if its command is given, and is listed as skipped otherwise. settle: seconds the
    product gets after the last message to read it and to open what is still to come. start: the
    first moment of a run in simulated time; by default where the last run ended, or now. At the
    speed "max" the product takes in minutes of simulated time at once, so that lateness is judged
    by when alarms tripped; at any other speed by when the product learned of them.
    Raises BrokerTrouble, ProductTrouble, BadInput.
    """
    screen = console or Console(stderr=True)
    pace = pace or Pace()
    plan = with_truth(plan, site)
    site_id, installed = product.site_id(site.code), product.rules()
    marker = _marker(site, plan)
    marker_id = product.asset_id(site_id, marker.asset)
    before = {one.id for one in product.observed(site_id)}
    if pace.simulated and start is None:
        start = _follow_on(product.heard(marker_id))
    run = simulate(
        broker,
        site,
        seed=seed,
        pace=pace,
        start=start,
        plan=plan,
        truth=truth,
        outages=outages,
        console=screen,
    )

    def judged() -> Judgement:
        return judge(
            plan,
            run.start,
            [one for one in product.observed(site_id) if one.id not in before],
            installed=installed,
            skipped=[fault.id for fault in run.left_out],
            assets={device.code: device.asset for device in site.devices.values()},
            by_trip=pace.speed == "max",
        )

    spoken = run.end - marker.interval - 1
    with screen.status("waiting until the product has read everything"):
        heard_all = _settled(lambda: product.heard(marker_id) >= spoken, judged, settle)
    return Acceptance(judged(), run.messages, heard_all)


def only(plan: FaultPlan, kinds: frozenset[FaultKind]) -> FaultPlan:
    """The plan with the faults of some kinds alone, its times unchanged."""
    return replace(plan, faults=tuple(one for one in plan.faults if one.kind in kinds))


def table(acceptance: Acceptance) -> Table:
    """The result for people: a line for each thing expected, then what nobody asked for."""
    grid = Table(title="Faults and what the product made of them")
    for heading in ("fault", "kind", "asset", "outcome", "after", "allowed", "by / note"):
        grid.add_column(heading, justify="right" if heading in ("after", "allowed") else "left")
    for verdict in acceptance.judgement.verdicts:
        grid.add_row(*_cells(verdict))
    for one in acceptance.judgement.false:
        grid.add_row("-", "-", one.asset, "[red]false", "", "", f"{one.rule}, nobody asked for it")
    return grid


def summary(acceptance: Acceptance) -> str:
    """One line: how many came out how."""
    counts = acceptance.judgement.counts()
    words = ", ".join(f"{number} {name}" for name, number in counts.items() if number)
    tail = "" if acceptance.read_through else "; the product had not read everything in time"
    return f"{words} ({acceptance.messages:,} messages){tail}"


def _cells(verdict: Verdict) -> tuple[str, ...]:
    return (
        verdict.fault,
        verdict.kind,
        verdict.asset,
        f"[{_COLOURS[verdict.outcome]}]{verdict.outcome.value}",
        "" if verdict.delay is None else f"{verdict.delay:.1f} s",
        "" if verdict.allowed is None else f"{verdict.allowed:g} s",
        verdict.note or " | ".join(verdict.rules),
    )


def _marker(site: SimulatedSite, plan: FaultPlan) -> SimulatedDevice:
    """The device that speaks most often of those no fault touches: its last word tells the time."""
    touched = {fault.target for fault in plan.faults}
    devices = sorted(site.devices.values(), key=lambda device: device.interval)
    free = [one for one in devices if not touched & {one.code, one.asset, one.via}]
    return (free or devices)[0]


def _follow_on(heard: float) -> float | None:
    """The moment after the last run: a leap would be a silence of the whole site, and noticed."""
    return heard + 1 if heard else None


def _settled(read: Callable[[], bool], judged: Callable[[], Judgement], settle: float) -> bool:
    """Wait for what is still to come, `settle` seconds at most; whether all was read in time."""
    deadline = time.monotonic() + settle
    read_through = _until(read, deadline)
    # What is still missing may yet come; what is false may, too, so that is looked for last.
    _until(lambda: not _waits(judged()), deadline)
    return read_through


def _waits(judgement: Judgement) -> bool:
    return any(verdict.outcome is Outcome.MISSING for verdict in judgement.verdicts)


def _until(done: Callable[[], bool], deadline: float) -> bool:
    while not done():
        if time.monotonic() >= deadline:
            return False
        time.sleep(_LOOK_EVERY)
    return True
