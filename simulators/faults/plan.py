"""A fault plan: what goes wrong when, and which tickets an ideal product opens for it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

import yaml

from simulators.errors import BadInput
from simulators.world.site import seconds


class FaultKind(StrEnum):
    """The kinds of fault; `OPTIONS` tells what each may be given."""

    STUCK = "stuck"
    DRIFT = "drift"
    SPIKE = "spike"
    CHATTER = "chatter"
    SILENCE = "silence"
    OUT_OF_ORDER = "out_of_order"
    DUPLICATE = "duplicate"
    DEAD_CLOCK = "dead_clock"
    PUMP_FAILURE = "pump_failure"
    BURST_PIPE = "burst_pipe"
    LIFT_ENTRAPMENT = "lift_entrapment"
    SMOKE = "smoke"
    GATEWAY_LOST = "gateway_lost"
    SITE_POWER_CUT = "site_power_cut"
    PRODUCT_DOWN = "product_down"
    BROKER_DOWN = "broker_down"


OUTAGES = frozenset({FaultKind.PRODUCT_DOWN, FaultKind.BROKER_DOWN})
# The option names of a kind; those marked with "!" must be given.
OPTIONS: Mapping[FaultKind, tuple[str, ...]] = {
    FaultKind.STUCK: ("point",),
    FaultKind.DRIFT: ("point!", "per_second!"),
    FaultKind.SPIKE: ("point!", "value!"),
    FaultKind.CHATTER: ("point!", "low!", "high!", "period"),
    FaultKind.SILENCE: (),
    FaultKind.OUT_OF_ORDER: ("depth",),
    FaultKind.DUPLICATE: ("copies",),
    FaultKind.DEAD_CLOCK: ("ts",),
    FaultKind.PUMP_FAILURE: ("mode!", "severity"),
    FaultKind.BURST_PIPE: ("leaks", "pits", "mains"),
    FaultKind.LIFT_ENTRAPMENT: (),
    FaultKind.SMOKE: (),
    FaultKind.GATEWAY_LOST: (),
    FaultKind.SITE_POWER_CUT: (),
    FaultKind.PRODUCT_DOWN: (),
    FaultKind.BROKER_DOWN: (),
}


@dataclass(frozen=True, slots=True)
class Expectation:
    """One ticket an ideal product opens: on `asset`, by any of `rules`, at the latest at `by`.

    by: seconds from the start of the run.
    """

    rules: tuple[str, ...]
    asset: str
    by: float


@dataclass(frozen=True, slots=True)
class Tolerance:
    """Tickets that are right as well, but not asked for: the fault's further consequences."""

    rules: tuple[str, ...]
    asset: str


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong. start, duration: seconds, from the start of the run.

    target: a device's code for faults of the signal and the gateway, an asset's for faults of
    the thing itself, a space's for a burst pipe, empty for the whole site.
    expected: None until the ground truth has been worked out (see truth.py).
    """

    id: str
    kind: FaultKind
    target: str
    start: float
    duration: float
    options: Mapping[str, Any] = field(default_factory=dict)
    expected: tuple[Expectation, ...] | None = None
    tolerated: tuple[Tolerance, ...] = ()

    @property
    def end(self) -> float:
        """When it is over, in seconds from the start of the run."""
        return self.start + self.duration


@dataclass(frozen=True, slots=True)
class FaultPlan:
    """Faults in the order in which they start. duration: seconds of the whole run."""

    faults: tuple[Fault, ...]
    duration: float
    seed: int = 0

    def without(self, kinds: frozenset[FaultKind]) -> "FaultPlan":
        """The plan without some kinds, its length unchanged."""
        return replace(self, faults=tuple(one for one in self.faults if one.kind not in kinds))


def read_plan(path: Path) -> FaultPlan:
    """Read a plan from YAML. Raises BadInput with every problem found in it."""
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadInput(f"can't read {path}: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise BadInput(f"{path} is not YAML: {error}") from error
    entries = document.get("faults") if isinstance(document, dict) else None
    if not isinstance(entries, list) or not entries:
        raise BadInput(f"{path} is not a fault plan: it needs a list `faults`")
    faults, problems = list[Fault](), list[str]()
    for number, entry in enumerate(entries, 1):
        try:
            faults.append(_fault(entry, number))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            problems.append(f"fault {number}: {_said(error)}")
    problems += _doubled(faults)
    if problems:
        raise BadInput(f"{path} can't be used", problems)
    faults.sort(key=lambda one: one.start)
    end = max(fault.end for fault in faults)
    duration = seconds(document.get("duration", end + 120))
    return FaultPlan(tuple(faults), duration, int(document.get("seed", 0)))


def write_plan(plan: FaultPlan, path: Path) -> None:
    """Write a plan so that `read_plan` gives the same one back."""
    document = {
        "seed": plan.seed,
        "duration": plan.duration,
        "faults": [_entry(fault) for fault in plan.faults],
    }
    text = yaml.safe_dump(document, sort_keys=False, allow_unicode=True, default_flow_style=None)
    path.write_text(text, encoding="utf-8")


def _fault(entry: dict[str, Any], number: int) -> Fault:
    known = {"id", "kind", "target", "start", "duration", "options", "expect", "tolerate"}
    if unknown := sorted(set(entry) - known):
        raise ValueError(f"unknown keys {', '.join(unknown)}; known are {', '.join(sorted(known))}")
    kind = FaultKind(entry["kind"])
    options = dict(entry.get("options") or {})
    _check_options(kind, options)
    expected = entry.get("expect")
    return Fault(
        id=str(entry.get("id", f"f{number:02}")),
        kind=kind,
        target=str(entry.get("target", "")),
        start=seconds(entry["start"]),
        duration=seconds(entry["duration"]),
        options=options,
        expected=None if expected is None else tuple(_expectation(one) for one in expected),
        tolerated=tuple(_tolerance(one) for one in entry.get("tolerate") or ()),
    )


def _check_options(kind: FaultKind, options: Mapping[str, Any]) -> None:
    names = {name.rstrip("!") for name in OPTIONS[kind]}
    missing = {name.rstrip("!") for name in OPTIONS[kind] if name.endswith("!")} - set(options)
    if missing:
        raise ValueError(f"{kind} needs the options {', '.join(sorted(missing))}")
    if unknown := sorted(set(options) - names):
        raise ValueError(f"{kind} doesn't know the options {', '.join(unknown)}")


def _expectation(entry: dict[str, Any]) -> Expectation:
    return Expectation(tuple(entry["rules"]), str(entry["asset"]), seconds(entry["by"]))


def _tolerance(entry: dict[str, Any]) -> Tolerance:
    return Tolerance(tuple(entry["rules"]), str(entry["asset"]))


def _doubled(faults: list[Fault]) -> list[str]:
    names = [fault.id for fault in faults]
    return [
        f"the id {name!r} is used twice"
        for name in sorted({n for n in names if names.count(n) > 1})
    ]


def _said(error: Exception) -> str:
    return f"{error.args[0]!r} is missing" if isinstance(error, KeyError) else str(error)


def _entry(fault: Fault) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "id": fault.id,
        "kind": fault.kind.value,
        "target": fault.target,
        "start": fault.start,
        "duration": fault.duration,
        "options": dict(fault.options),
        "tolerate": [{"rules": list(one.rules), "asset": one.asset} for one in fault.tolerated],
    }
    if fault.expected is not None:
        entry["expect"] = [
            {"rules": list(one.rules), "asset": one.asset, "by": one.by} for one in fault.expected
        ]
    return entry
