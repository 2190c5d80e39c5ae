"""Acceptance: a fault plan against a running product, judged by the ground truth."""

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from simulators.attendance import Attendance, Pulse
from simulators.connection import BrokerAddress
from simulators.faults.disturb import OutageCommand
from simulators.faults.plan import FaultKind, FaultPlan, Limits
from simulators.faults.truth import with_truth
from simulators.figures import Figures, figures
from simulators.judgement import Judgement, Observed, Outcome, Verdict, judge
from simulators.operator import Done
from simulators.product import Product
from simulators.simulate import Pace, simulate
from simulators.world.site import SimulatedDevice, SimulatedSite

_LOOK_EVERY = 0.5
MARKERS = 6
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
    """The result of a run. read_through: whether the product had read everything in time.

    done: what people did meanwhile. limits: what it is accepted by; None: all has to be right.
    """

    judgement: Judgement
    messages: int
    read_through: bool
    figures: Figures
    done: tuple[Done, ...] = ()
    limits: Limits | None = None

    @property
    def ok(self) -> bool:
        """Whether the product is to be accepted."""
        good = self.figures.within(self.limits) if self.limits else self.judgement.ok
        return good and self.read_through

    @property
    def exit_status(self) -> int:
        """0 when the product is accepted, else 1."""
        return 0 if self.ok else 1

    def as_json(self) -> dict[str, Any]:
        """The result as plain values for a machine."""
        return self.judgement.as_json() | {
            "ok": self.ok,
            "messages": self.messages,
            "read_through": self.read_through,
            "figures": self.figures.as_json(),
            "actions": [asdict(one) for one in self.done],
        }


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
    runs only if its command is given, and is listed as skipped otherwise; so is a fault that needs
    an action which the product refused. settle: seconds the
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
    pulse = Pulse(product, site_id, _markers(site, plan))
    before = {one.id for one in product.observed(site_id)}
    if pace.simulated and start is None:
        start = _follow_on(pulse.heard())
    people = Attendance(product, site, plan, pulse, patience=settle)
    meanwhile = people.attend if plan.actions else None
    run = simulate(
        broker, site, seed=seed, pace=pace, start=start, plan=plan, truth=truth,
        outages=outages, meanwhile=meanwhile, console=screen,
    )  # fmt: skip

    outlook = _Outlook(
        product,
        site_id,
        before,
        plan,
        run.start,
        installed=installed,
        skipped=[fault.id for fault in (*run.left_out, *people.left_out)],
        assets={device.code: device.asset for device in site.devices.values()},
        by_trip=pace.speed == "max",
    )
    with screen.status("waiting until the product has read everything"):
        heard_all = _settled(lambda: pulse.reached(run.end), outlook.judged, settle)
    judgement = outlook.judged()
    found = figures(plan, judgement, outlook.observed(), run.start)
    return Acceptance(judgement, run.messages, heard_all, found, tuple(people.done), plan.limits)


@dataclass(frozen=True, slots=True)
class _Outlook:
    """What the product made of a run so far; see `judge`."""

    product: Product
    site: str
    before: set[str]
    plan: FaultPlan
    start: float
    installed: frozenset[str]
    skipped: list[str]
    assets: Mapping[str, str]
    by_trip: bool

    def observed(self) -> list[Observed]:
        """Its alarms and tickets of this run."""
        return [one for one in self.product.observed(self.site) if one.id not in self.before]

    def judged(self) -> Judgement:
        """The judgement on them."""
        return judge(
            self.plan,
            self.start,
            self.observed(),
            installed=self.installed,
            skipped=self.skipped,
            assets=self.assets,
            by_trip=self.by_trip,
        )


def only(plan: FaultPlan, kinds: frozenset[FaultKind]) -> FaultPlan:
    """The plan with the faults of some kinds alone, and what people do about them; its times
    unchanged."""
    faults = tuple(one for one in plan.faults if one.kind in kinds)
    kept = {fault.id for fault in faults}
    needed = {name for fault in faults for name in fault.needs}
    actions = tuple(
        one
        for one in plan.actions
        if one.fault in kept or (not one.fault and (not one.target or one.id in needed))
    )
    return replace(plan, faults=faults, actions=actions)


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


def kinds_table(acceptance: Acceptance) -> Table:
    """How each kind of fault came out, and what it comes to."""
    shown = [outcome for outcome in Outcome if outcome not in (Outcome.RIGHT, Outcome.QUIET)]
    grid = Table(title="Faults by kind")
    for heading in ("kind", "happened", "as it should be", *(one.value for one in shown)):
        grid.add_column(heading, justify="left" if heading == "kind" else "right")
    for kind in acceptance.figures.kinds:
        cells = [kind.outcomes.get(one.value, 0) for one in shown]
        grid.add_row(
            kind.kind,
            str(kind.happened),
            str(kind.right),
            *(str(cell) if cell else "" for cell in cells),
        )
    return grid


def figures_lines(acceptance: Acceptance) -> list[str]:
    """The figures in words, with the limits where the plan has some."""
    found, limits = acceptance.figures, acceptance.limits
    undone = [one for one in acceptance.done if not one.ok]
    return [
        f"{found.happened} faults, {found.right:.1%} of them exactly as it should be"
        + (f" (at least {limits.right:.0%})" if limits else ""),
        f"{found.doubled} doubled" + (" (none)" if limits else ""),
        f"{found.false} tickets that nobody asked for, {found.false_a_week:.2f} a week"
        + (f" (at most {limits.false_a_week:g})" if limits else ""),
        f"{found.alarms:.3f} alarms in ten minutes outside floods, {found.peak} at most"
        + (f" (on average under {limits.alarms:g})" if limits else ""),
        f"{len(acceptance.done) - len(undone)} of {len(acceptance.done)} actions done",
        *(f"  {one.action} {one.do}: {one.trouble}" for one in undone),
        "accepted" if acceptance.ok else "not accepted",
    ]


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


def _markers(site: SimulatedSite, plan: FaultPlan) -> list[SimulatedDevice]:
    """Some devices that speak often, best such as no fault touches: their words tell the time."""
    touched = {fault.target for fault in plan.faults}
    devices = sorted(site.devices.values(), key=lambda device: device.interval)
    free = [one for one in devices if not touched & {one.code, one.asset, one.via}]
    if free:
        return free[:1]
    # A whole path may be away, so one of each.
    by_path = {one.via or one.code: one for one in reversed(devices)}
    return list(by_path.values())[:MARKERS]


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
