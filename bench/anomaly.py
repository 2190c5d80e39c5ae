"""How well `anomaly()` finds faults in made-up buildings, and how often it cries wolf."""

import json
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

from bench.building_series import (
    BEGINNING,
    DAY,
    FAULTS,
    HOUR,
    KINDS,
    STEP,
    FaultKind,
    Kind,
    Reading,
    as_reported,
    begin_of_fault,
    faulty,
    usual,
)  # fmt: skip
from rules.baseline import Baseline

# Four weeks of the usual, then the fault begins within a week.
LEARNED_DAYS = 28
CLEAN_DAYS = 60
# What comes so soon after a spike is its doing.
_SPIKE_ECHO = 6 * HOUR


def episodes(baseline: Baseline, readings: Iterable[Reading]) -> list[int]:
    """When each episode began."""
    begun = list[int]()
    odd = bool(baseline.odd)
    for at, value in readings:
        now = bool(baseline.take(at, value))
        if now and not odd:
            begun.append(at)
        odd = now
    return begun


def false_episodes(kind: Kind, seed: int, days: int = CLEAN_DAYS) -> int:
    """Episodes while nothing is wrong."""
    return len(episodes(Baseline(), as_reported(kind, usual(kind, seed, days))))


class Stage:
    """One point that has learned for four weeks, and its readings after them."""

    def __init__(self, kind: Kind, seed: int) -> None:
        self.kind, self.seed = kind, seed
        self._readings = usual(kind, seed, LEARNED_DAYS + 7 + 12)
        cut = BEGINNING + LEARNED_DAYS * DAY
        baseline = Baseline()
        episodes(baseline, as_reported(kind, [each for each in self._readings if each[0] < cut]))
        self._learned = json.dumps(baseline.to_state())
        self._rest = [each for each in self._readings if each[0] >= cut - 7 * DAY]
        self._cut = cut

    def delay(self, fault: FaultKind) -> float | None:
        """Hours from the fault to its alarm; None = not found (a spike: nothing was said)."""
        begin = begin_of_fault(self.kind, fault, self.seed, LEARNED_DAYS)
        end = begin + (int(fault.days * DAY) or _SPIKE_ECHO)
        changed = faulty(self.kind, fault, self._rest, begin)
        told = [
            each for each in as_reported(self.kind, changed) if self._cut <= each[0] < end
        ]  # fmt: skip
        baseline = Baseline.from_state(json.loads(self._learned))
        odd = False
        for at, value in told:
            odd = bool(baseline.take(at, value))
            if odd and at >= begin:
                return (at - begin) / HOUR
        return None


def evaluate(seeds: Iterable[int], told: Callable[[str], None]) -> dict[str, Any]:
    """Recall, delay and false episodes, by kind of point and of fault."""
    seeds = list(seeds)
    found = defaultdict[tuple[str, str], list[float | None]](list)
    false = dict[str, float]()
    for kind in KINDS:
        told(kind.name)
        count = sum(false_episodes(kind, seed) for seed in seeds)
        false[kind.name] = round(count / len(seeds) / (CLEAN_DAYS - 7) * 30, 2)
        for seed in seeds:
            stage = Stage(kind, seed)
            for fault in FAULTS:
                if fault.name not in kind.without:
                    found[kind.name, fault.name].append(stage.delay(fault))
    return {
        "seeds": f"{seeds[0]}-{seeds[-1]}",
        "false episodes in 30 days": false,
        "faults": {
            fault.name: _of_fault(fault, {k[0]: v for k, v in found.items() if k[1] == fault.name})
            for fault in FAULTS
        },
    }


def _of_fault(fault: FaultKind, by_kind: dict[str, list[float | None]]) -> dict[str, Any]:
    every = [delay for delays in by_kind.values() for delay in delays]
    hours = [delay for delay in every if delay is not None]
    return {
        "told" if fault.alarm else "told (none should be)": f"{len(hours)}/{len(every)}",
        "hours to the alarm, median": round(statistics.median(hours), 2) if hours else None,
        "by kind": {
            name: f"{sum(delay is not None for delay in delays)}/{len(delays)}"
            for name, delays in by_kind.items()
        },
    }


def cost(readings: int = 200_000) -> dict[str, str]:
    """CPU of a reading by how often the point is read, after four weeks of learning."""
    kind = KINDS[0]
    learned = Baseline()
    episodes(learned, usual(kind, 1, LEARNED_DAYS))
    state = json.dumps(learned.to_state())
    told = {"state": f"{len(state) / 1000:.1f} kB as JSON"}
    begin = BEGINNING + LEARNED_DAYS * DAY
    values = [value for at, value in usual(kind, 1, LEARNED_DAYS + 7) if at >= begin]
    for seconds in (1, 10, 60, 300):
        baseline = Baseline.from_state(json.loads(state))
        step = seconds * 1_000_000
        count = min(readings, 7 * DAY // step - 1)
        fed = [(begin + n * step, values[n * step // STEP]) for n in range(count)]
        take = baseline.take
        started = time.process_time()
        for at, value in fed:
            take(at, value)
        spent = (time.process_time() - started) / count * 1e6
        told[f"every {seconds} s"] = f"{spent:.2f} µs"
    return told
