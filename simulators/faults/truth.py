"""The ground truth: which tickets an ideal product opens for each fault, and by when.

Written from what a person on site would want to be told of, before and apart from the detectors;
the names are those of the rules that ship. A fault that is only a flaw of the signal asks for no
ticket, and any ticket for it is a false one.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from simulators.faults.disturb import burst
from simulators.faults.plan import Expectation, Fault, FaultKind, FaultPlan, Tolerance
from simulators.world.site import SimulatedSite

Truth = tuple[tuple[Expectation, ...], tuple[Tolerance, ...]]
# Seconds between a reading and its ticket that nobody would call late.
PROMPT = 10.0
_NOTHING: Truth = ((), ())
# What may tell of a wandering value: a rule that knows drift, or the limit it drifts over.
_DRIFT_LIMITS = {
    "motor_temperature": ("pump-motor-overheating", "lift-motor-overheating"),
    "temperature": ("room-too-hot",),
    "busbar_temperature": ("busbar-overheating",),
    "residual_current": ("residual-current-high",),
}
# A bouncing contact is one fault, however often it bounces.
_CONTACTS = {
    "leak": "water-leak",
    "smoke": "smoke-detected",
    "forced": "door-forced",
    "high_float": "pit-high-float",
}
# What else sees a fault that one of these rules tells of, sooner, later or from another side.
_COMPANIONS = {
    "pump-motor-overheating": ("pump-heating-fast",),
    "busbar-overheating": ("busbar-heating-fast",),
    "residual-current-high": ("residual-current-creeping",),
    "room-too-hot": ("room-heating-fast",),
    "pit-high-float": ("pit-level-rising-fast", "pit-pump-runs-too-long"),
}
# Mode of failure: (rules that tell of it, seconds until one ought to, what else is right).
_PUMP_RULES: Mapping[str, tuple[tuple[str, ...], float]] = {
    # It warms over its limit within three minutes and must stay there for two.
    "overheating": (("pump-motor-overheating",), 330.0),
    "bearing": (("pump-vibration-dangerous", "pump-vibration-high"), 60.0),
    "dry": (("pump-running-without-flow", "pump-outlet-pressure-low"), 90.0),
}
# Kind and mode of a failure: (rules that tell of it, seconds until one ought to). The times are
# those of the physics, of the patience that the field asks for, and of two reports.
_FAILURES: Mapping[tuple[FaultKind, str], tuple[tuple[str, ...], float]] = {
    (FaultKind.FAN_FAILURE, "bearing"): (("fan-vibration-dangerous", "fan-vibration-high"), 600),
    # It stands still at night; it shakes at the latest when it starts in the morning.
    (FaultKind.FAN_FAILURE, "worn"): (("fan-vibration-dangerous", "fan-vibration-high"), 57_600),
    (FaultKind.FAN_FAILURE, "belt"): (("fan-running-without-turning",), 600),
    (FaultKind.BOARD_FAILURE, "hot_joint"): (("busbar-overheating",), 1_800),
    (FaultKind.BOARD_FAILURE, "earth_leakage"): (("residual-current-high",), 300),
    (FaultKind.BOARD_FAILURE, "overload"): (("board-overload",), 900),
    (FaultKind.BOARD_FAILURE, "low_voltage"): (("voltage-out-of-limits",), 300),
    (FaultKind.TRANSFORMER_FAILURE, "blocked_ducts"): (("transformer-winding-hot",), 7_200),
    (FaultKind.TRANSFORMER_FAILURE, "fan_stands"): (("transformer-uncooled",), 7_200),
    (FaultKind.CHILLER_FAILURE, "tripped"): (("chiller-fault",), 300),
    (FaultKind.CHILLER_FAILURE, "fouled"): (("chiller-condenser-dirty",), 9_000),
    (FaultKind.PIT_FAILURE, "pump_dead"): (("pit-level-high-pump-off", "pit-high-float"), 3_600),
    (FaultKind.PIT_FAILURE, "flooded"): (("pit-high-float",), 1_800),
    (FaultKind.LIFT_FAILURE, "door_blocked"): (("lift-door-held-open",), 900),
    (FaultKind.LIFT_FAILURE, "hot_machine"): (("lift-motor-overheating",), 3_600),
    (FaultKind.DOOR_FAILURE, "forced"): (("door-forced",), PROMPT),
    (FaultKind.DOOR_FAILURE, "held"): (("door-left-open",), 900),
    (FaultKind.ROOM_FAILURE, "hot"): (("room-too-hot",), 3_600),
    (FaultKind.ROOM_FAILURE, "humid"): (("room-too-humid",), 5_400),
    (FaultKind.FIRE_MAIN_LEAK, "seeping"): (("fire-jockey-pump-without-rest",), 3_600),
    (FaultKind.FIRE_MAIN_LEAK, "burst"): (("fire-main-pressure-low",), 240),
}
_STUCK = {
    "motor_temperature": ("pump-temperature-sensor-stuck",),
    "pressure": ("fire-pressure-sensor-stuck",),
    "current": ("board-meter-stuck",),
}
# Other batteries are changed in rounds, which no alarm asks for.
_BATTERIES = {"smoke_detector": "smoke-detector-battery-low"}


def with_truth(plan: FaultPlan, site: SimulatedSite) -> FaultPlan:
    """The plan with the expectations of every fault that doesn't state its own."""
    return replace(plan, faults=tuple(_completed(fault, site) for fault in plan.faults))


def truth_of(fault: Fault, site: SimulatedSite) -> Truth:
    """What an ideal product opens for this fault, and what else would be right."""
    known = _TRUTHS.get(fault.kind)
    return known(fault, site) if known else _NOTHING


def truth_lines(plan: FaultPlan, start: float) -> Iterator[str]:
    """One line of JSON for each fault of a run that starts at `start`, seconds since the epoch."""
    for fault in plan.faults:
        entry: dict[str, Any] = {
            "id": fault.id,
            "kind": fault.kind.value,
            "target": fault.target,
            "options": dict(fault.options),
            "from": _moment(start + fault.start),
            "to": _moment(start + fault.end),
            "expected": [
                {"rules": one.rules, "asset": one.asset, "by": _moment(start + one.by)}
                for one in fault.expected or ()
            ],
            "tolerated": [{"rules": one.rules, "asset": one.asset} for one in fault.tolerated],
        }
        yield json.dumps(entry, ensure_ascii=False)


def write_truth(plan: FaultPlan, start: float, path: Path) -> None:
    """Write the ground-truth log of a run as JSON lines."""
    path.write_text("".join(f"{line}\n" for line in truth_lines(plan, start)), encoding="utf-8")


def _completed(fault: Fault, site: SimulatedSite) -> Fault:
    if fault.expected is not None:
        return fault
    expected, tolerated = truth_of(fault, site)
    return replace(fault, expected=expected, tolerated=(*fault.tolerated, *tolerated))


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")


def _one(fault: Fault, rules: tuple[str, ...], asset: str, within: float) -> Truth:
    """One ticket by any of the rules; a second rule that sees the same fault is right as well."""
    expected = (Expectation(rules, asset, fault.start + within),)
    also = _companions(rules) if len(rules) == 1 else (*rules, *_companions(rules))
    return expected, (Tolerance(also, asset),) if also else ()


def _companions(rules: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(further for rule in rules for further in _COMPANIONS.get(rule, ()))


def _asset(fault: Fault, site: SimulatedSite) -> str:
    device = site.devices.get(fault.target)
    return device.asset if device else fault.target


def _stuck(fault: Fault, site: SimulatedSite) -> Truth:
    asset = _asset(fault, site)
    # A rule for every sensor, one for those of this type, or one for this quantity.
    rules = ("sensor-stuck", f"{site.assets[asset].type.replace('_', '-')}-sensor-stuck")
    known = _STUCK.get(fault.options.get("point", ""), ())
    return _one(fault, (*rules, *known), asset, fault.duration)


def _drift(fault: Fault, site: SimulatedSite) -> Truth:
    rules = ("sensor-drift", *_DRIFT_LIMITS.get(fault.options["point"], ()))
    return _one(fault, rules, _asset(fault, site), fault.duration)


def _chatter(fault: Fault, site: SimulatedSite) -> Truth:
    rule = _CONTACTS.get(fault.options["point"])
    return _one(fault, (rule,), _asset(fault, site), PROMPT) if rule else _NOTHING


def _silence(fault: Fault, site: SimulatedSite) -> Truth:
    interval = site.devices[fault.target].interval
    # Three missed messages, counted from the last one, which may be a whole interval old.
    return _one(fault, ("sensor-silent",), _asset(fault, site), 4 * interval + PROMPT)


def _dead_clock(fault: Fault, site: SimulatedSite) -> Truth:
    return (), (Tolerance(("device-clock",), _asset(fault, site)),)


def _pump_failure(fault: Fault, site: SimulatedSite) -> Truth:
    rules, within = _PUMP_RULES[fault.options["mode"]]
    # The times are those of a pump that reports every ten seconds.
    slower = max(0.0, site.device_of(fault.target).interval - 10)
    return _one(fault, rules, fault.target, within + 2 * slower)


def _burst_pipe(fault: Fault, site: SimulatedSite) -> Truth:
    pipe = burst(fault, site)
    expected = [Expectation(("water-leak",), one, fault.start + PROMPT) for one in pipe.leaks]
    # Water needs its time: two minutes to the float, two and a half to a main without pressure.
    expected += [Expectation(("pit-high-float",), one, fault.start + 150) for one in pipe.pits]
    expected += [
        Expectation(("fire-main-pressure-low",), one, fault.start + 180) for one in pipe.mains
    ]
    beside = ("pit-level-high-pump-off", *_COMPANIONS["pit-high-float"])
    tolerated = [Tolerance(beside, one) for one in pipe.pits]
    further = ("fire-jockey-pump-without-rest", "fire-tank-level-low")
    tolerated += [Tolerance(further, one) for one in pipe.mains]
    return tuple(expected), tuple(tolerated)


def _lift_entrapment(fault: Fault, site: SimulatedSite) -> Truth:
    return _one(fault, ("lift-entrapment",), fault.target, PROMPT)


def _smoke(fault: Fault, site: SimulatedSite) -> Truth:
    # The smoke needs about ten seconds to fill the chamber of the detector.
    return _one(fault, ("smoke-detected",), fault.target, 15 + PROMPT)


def _failure(fault: Fault, site: SimulatedSite) -> Truth:
    rules, within = _FAILURES[fault.kind, fault.options["mode"]]
    return _one(fault, rules, fault.target, within)


def _false_smoke(fault: Fault, site: SimulatedSite) -> Truth:
    # Nobody knows yet that it is none: somebody has to look. However often, one ticket.
    return _one(fault, ("smoke-detected",), fault.target, 15 + PROMPT)


def _battery_low(fault: Fault, site: SimulatedSite) -> Truth:
    rule = _BATTERIES.get(site.assets[fault.target].type)
    if rule is None:
        return _NOTHING
    within = 3 * site.device_of(fault.target).interval + PROMPT
    return _one(fault, (rule,), fault.target, within)


def _weak_signal(fault: Fault, site: SimulatedSite) -> Truth:
    return _one(fault, ("gateway-signal-weak",), fault.target, 3_600)


def _branch_power_cut(fault: Fault, site: SimulatedSite) -> Truth:
    return _one(fault, ("mains-lost",), fault.target, 5 + PROMPT)


def _gateway_lost(fault: Fault, site: SimulatedSite) -> Truth:
    # Five minutes without a word, counted at the latest from its last will.
    return _one(fault, ("gateway-silent",), _asset(fault, site), 345 + PROMPT)


def _site_power_cut(fault: Fault, site: SimulatedSite) -> Truth:
    boards = site.of_type("distribution_board")
    incoming = [board for board in boards if board.code not in site.supplied]
    expected = [
        Expectation(("mains-lost",), one.code, fault.start + 5 + PROMPT) for one in incoming
    ]
    # The boards further down tell the same story; one ticket at the top would do.
    tolerated = [Tolerance(("mains-lost",), one.code) for one in boards if one not in incoming]
    return tuple(expected), tuple(tolerated)


_TRUTHS: Mapping[FaultKind, Callable[[Fault, SimulatedSite], Truth]] = {
    FaultKind.STUCK: _stuck,
    FaultKind.DRIFT: _drift,
    FaultKind.CHATTER: _chatter,
    FaultKind.SILENCE: _silence,
    FaultKind.DEAD_CLOCK: _dead_clock,
    FaultKind.PUMP_FAILURE: _pump_failure,
    FaultKind.BURST_PIPE: _burst_pipe,
    FaultKind.LIFT_ENTRAPMENT: _lift_entrapment,
    FaultKind.SMOKE: _smoke,
    FaultKind.FALSE_SMOKE: _false_smoke,
    FaultKind.FAN_FAILURE: _failure,
    FaultKind.BOARD_FAILURE: _failure,
    FaultKind.TRANSFORMER_FAILURE: _failure,
    FaultKind.CHILLER_FAILURE: _failure,
    FaultKind.PIT_FAILURE: _failure,
    FaultKind.LIFT_FAILURE: _failure,
    FaultKind.DOOR_FAILURE: _failure,
    FaultKind.ROOM_FAILURE: _failure,
    FaultKind.FIRE_MAIN_LEAK: _failure,
    FaultKind.BATTERY_LOW: _battery_low,
    FaultKind.WEAK_SIGNAL: _weak_signal,
    FaultKind.BRANCH_POWER_CUT: _branch_power_cut,
    FaultKind.GATEWAY_LOST: _gateway_lost,
    FaultKind.SITE_POWER_CUT: _site_power_cut,
}
