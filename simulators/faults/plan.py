"""A fault plan: what goes wrong when, and which tickets an ideal product opens for it."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar

import yaml

from simulators.errors import BadInput
from simulators.faults.action import Action, action_entry, read_action
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
    FALSE_SMOKE = "false_smoke"
    FAN_FAILURE = "fan_failure"
    BOARD_FAILURE = "board_failure"
    PIT_FAILURE = "pit_failure"
    LIFT_FAILURE = "lift_failure"
    DOOR_FAILURE = "door_failure"
    ROOM_FAILURE = "room_failure"
    FIRE_MAIN_LEAK = "fire_main_leak"
    TRANSFORMER_FAILURE = "transformer_failure"
    CHILLER_FAILURE = "chiller_failure"
    BATTERY_LOW = "battery_low"
    WEAK_SIGNAL = "weak_signal"
    BRANCH_POWER_CUT = "branch_power_cut"
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
    FaultKind.FALSE_SMOKE: ("times", "every"),
    FaultKind.FAN_FAILURE: ("mode!",),
    FaultKind.BOARD_FAILURE: ("mode!",),
    FaultKind.PIT_FAILURE: ("mode!",),
    FaultKind.LIFT_FAILURE: ("mode!",),
    FaultKind.DOOR_FAILURE: ("mode!",),
    FaultKind.ROOM_FAILURE: ("mode!",),
    FaultKind.FIRE_MAIN_LEAK: ("mode!",),
    FaultKind.TRANSFORMER_FAILURE: ("mode!",),
    FaultKind.CHILLER_FAILURE: ("mode!",),
    FaultKind.BATTERY_LOW: (),
    FaultKind.WEAK_SIGNAL: (),
    FaultKind.BRANCH_POWER_CUT: (),
    FaultKind.GATEWAY_LOST: (),
    FaultKind.SITE_POWER_CUT: (),
    FaultKind.PRODUCT_DOWN: (),
    FaultKind.BROKER_DOWN: (),
}


@dataclass(frozen=True, slots=True)
class Expectation:
    """One ticket an ideal product opens: on `asset`, by any of `rules`, at the latest at `by`.

    by: seconds from the start of the run. also: further assets whose alarms belong to the same
    ticket, as those of a flood to that of its incident.
    """

    rules: tuple[str, ...]
    asset: str
    by: float
    also: tuple[str, ...] = ()

    @property
    def assets(self) -> frozenset[str]:
        """Every asset on which an alarm of this ticket may be."""
        return frozenset((self.asset, *self.also))


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
    needs: the ids of actions without which it makes no sense, so it does not happen either.
    flood: many alarms at once are what it is about; the rate of alarms is counted without it.
    """

    id: str
    kind: FaultKind
    target: str
    start: float
    duration: float
    options: Mapping[str, Any] = field(default_factory=dict)
    expected: tuple[Expectation, ...] | None = None
    tolerated: tuple[Tolerance, ...] = ()
    needs: tuple[str, ...] = ()
    flood: bool = False

    @property
    def end(self) -> float:
        """When it is over, in seconds from the start of the run."""
        return self.start + self.duration


@dataclass(frozen=True, slots=True)
class Limits:
    """What a run is accepted by. right: the least share of the faults with exactly one right
    ticket; no limit allows a doubled one. false_a_week: the most tickets that nobody asked for.
    alarms: the most alarms in ten minutes, on average and for each operator, outside floods.
    """

    right: float = 0.99
    false_a_week: float = 1.0
    alarms: float = 1.0


@dataclass(frozen=True, slots=True)
class FaultPlan:
    """Faults in the order in which they start. duration: seconds of the whole run.

    actions: what people do meanwhile, in order. step: seconds between two moments of the world.
    limits: what the run is to be accepted by; without it everything has to be right.
    """

    faults: tuple[Fault, ...]
    duration: float
    seed: int = 0
    actions: tuple[Action, ...] = ()
    step: float = 1.0
    limits: Limits | None = None

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
    problems = list[str]()
    faults = _each("fault", entries, _fault, problems)
    actions = _each("action", document.get("actions") or (), read_action, problems)
    problems += _doubled([fault.id for fault in faults] + [action.id for action in actions])
    problems += _strangers(faults, actions)
    if problems:
        raise BadInput(f"{path} can't be used", problems)
    faults.sort(key=lambda one: one.start)
    actions.sort(key=lambda one: one.at)
    end = max(fault.end for fault in faults)
    try:
        return FaultPlan(
            tuple(faults),
            seconds(document.get("duration", end + 120)),
            int(document.get("seed", 0)),
            tuple(actions),
            seconds(document.get("step", 1.0)),
            Limits(**document["limits"]) if document.get("limits") else None,
        )
    except (TypeError, ValueError) as error:
        raise BadInput(f"{path} can't be used: {error}") from error


Entry = TypeVar("Entry")


def _each(
    what: str, entries: Any, read: Callable[[dict[str, Any], int], Entry], problems: list[str]
) -> list[Entry]:
    """What could be read of a list; what couldn't is told in `problems`."""
    found = list[Entry]()
    for number, entry in enumerate(entries, 1):
        try:
            found.append(read(entry, number))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            problems.append(f"{what} {number}: {_said(error)}")
    return found


def write_plan(plan: FaultPlan, path: Path) -> None:
    """Write a plan so that `read_plan` gives the same one back."""
    document = {
        "seed": plan.seed,
        "duration": plan.duration,
        "step": plan.step,
        **({"limits": asdict(plan.limits)} if plan.limits else {}),
        "faults": [_entry(fault) for fault in plan.faults],
        **({"actions": [action_entry(one) for one in plan.actions]} if plan.actions else {}),
    }
    text = yaml.safe_dump(document, sort_keys=False, allow_unicode=True, default_flow_style=None)
    path.write_text(text, encoding="utf-8")


def _fault(entry: dict[str, Any], number: int) -> Fault:
    known = {"id", "kind", "target", "start", "duration", "options", "expect", "tolerate"}
    known |= {"needs", "flood"}
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
        needs=tuple(entry.get("needs") or ()),
        flood=bool(entry.get("flood", False)),
    )


def _check_options(kind: FaultKind, options: Mapping[str, Any]) -> None:
    names = {name.rstrip("!") for name in OPTIONS[kind]}
    missing = {name.rstrip("!") for name in OPTIONS[kind] if name.endswith("!")} - set(options)
    if missing:
        raise ValueError(f"{kind} needs the options {', '.join(sorted(missing))}")
    if unknown := sorted(set(options) - names):
        raise ValueError(f"{kind} doesn't know the options {', '.join(unknown)}")


def _expectation(entry: dict[str, Any]) -> Expectation:
    also = tuple(entry.get("also") or ())
    return Expectation(tuple(entry["rules"]), str(entry["asset"]), seconds(entry["by"]), also)


def _tolerance(entry: dict[str, Any]) -> Tolerance:
    return Tolerance(tuple(entry["rules"]), str(entry["asset"]))


def _doubled(names: list[str]) -> list[str]:
    return [
        f"the id {name!r} is used twice"
        for name in sorted({n for n in names if names.count(n) > 1})
    ]


def _strangers(faults: list[Fault], actions: list[Action]) -> list[str]:
    """What the actions and needs of a plan name and the plan does not hold."""
    known, doable = {fault.id for fault in faults}, {action.id for action in actions}
    return [
        *(
            f"action {one.id!r} names a fault {one.fault!r} that there is not"
            for one in actions
            if one.fault and one.fault not in known
        ),
        *(
            f"fault {fault.id!r} needs an action {name!r} that there is not"
            for fault in faults
            for name in fault.needs
            if name not in doable
        ),
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
            {"rules": list(one.rules), "asset": one.asset, "by": one.by}
            | ({"also": list(one.also)} if one.also else {})
            for one in fault.expected
        ]
    if fault.needs:
        entry["needs"] = list(fault.needs)
    if fault.flood:
        entry["flood"] = True
    return entry
