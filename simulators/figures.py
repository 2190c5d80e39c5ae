"""What a run comes to: how each kind of fault came out, false tickets, the rate of alarms."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from simulators.faults.plan import Fault, FaultPlan, Limits
from simulators.judgement import AFTERMATH, Judgement, Observed, Outcome

TEN_MINUTES, WEEK = 600.0, 7 * 86_400.0
# Of several verdicts on one fault the worst is the fault's.
_WORST_FIRST = (
    Outcome.DOUBLED,
    Outcome.MISSING,
    Outcome.FALSE,
    Outcome.LATE,
    Outcome.UNCOVERED,
    Outcome.SKIPPED,
    Outcome.RIGHT,
    Outcome.QUIET,
)
_AS_WANTED = (Outcome.RIGHT, Outcome.QUIET)


@dataclass(frozen=True, slots=True)
class Tally:
    """How the faults of one kind came out. happened: those that were not skipped."""

    kind: str
    happened: int
    outcomes: dict[str, int]

    @property
    def right(self) -> int:
        """Faults with exactly the ticket they ask for, or with none where none is asked for."""
        return sum(self.outcomes.get(outcome.value, 0) for outcome in _AS_WANTED)


@dataclass(frozen=True, slots=True)
class Figures:
    """The figures of a run.

    right: the share of the faults that happened; alarms: in ten minutes, on average and for each
    operator, outside the floods of the plan; peak: the most in any ten minutes of that.
    """

    kinds: tuple[Tally, ...]
    happened: int
    right: float
    doubled: int
    false: int
    false_a_week: float
    alarms: float
    peak: int

    def within(self, limits: Limits) -> bool:
        """Whether the run is to be accepted."""
        return (
            self.right >= limits.right
            and self.doubled == 0
            and self.false_a_week <= limits.false_a_week
            and self.alarms < limits.alarms
        )

    def as_json(self) -> dict[str, Any]:
        """The figures as plain values for a machine."""
        return asdict(self) | {
            "kinds": {
                one.kind: {"happened": one.happened, "right": one.right, **one.outcomes}
                for one in self.kinds
            }
        }


@dataclass(slots=True)
class _Counted:
    happened: int = 0
    outcomes: dict[str, int] = field(default_factory=dict)


def figures(
    plan: FaultPlan,
    judgement: Judgement,
    observed: Sequence[Observed],
    start: float,
    *,
    operators: int = 1,
) -> Figures:
    """The figures of a run that began at `start`, seconds since the epoch."""
    by_fault = dict[str, list[Outcome]]()
    for verdict in judgement.verdicts:
        by_fault.setdefault(verdict.fault, []).append(verdict.outcome)
    kinds = dict[str, _Counted]()
    for fault in plan.faults:
        outcome = min(by_fault[fault.id], key=_WORST_FIRST.index)
        counted = kinds.setdefault(fault.kind.value, _Counted())
        counted.happened += outcome is not Outcome.SKIPPED
        counted.outcomes[outcome.value] = counted.outcomes.get(outcome.value, 0) + 1
    tallies = tuple(Tally(kind, one.happened, one.outcomes) for kind, one in sorted(kinds.items()))
    happened = sum(one.happened for one in tallies)
    told, quiet_time = _outside_floods(plan, observed, start)
    false = len({one.ticket for one in judgement.false})
    return Figures(
        tallies,
        happened,
        sum(one.right for one in tallies) / happened if happened else 1.0,
        sum(one.outcomes.get(Outcome.DOUBLED.value, 0) for one in tallies),
        false,
        false / max(plan.duration / WEEK, 1.0),
        len(told) / max(quiet_time / TEN_MINUTES, 1.0) / operators,
        _peak(told),
    )


def _outside_floods(
    plan: FaultPlan, observed: Sequence[Observed], start: float
) -> tuple[list[float], float]:
    """When alarms were told of outside the floods of the plan, and how long that time was."""
    floods = [_span(fault, start) for fault in plan.faults if fault.flood]
    told = sorted(
        one.tripped
        for one in observed
        if one.ticket and not any(begin <= one.tripped <= end for begin, end in floods)
    )
    flooded, until = 0.0, start
    for begin, end in sorted(floods):
        flooded += max(0.0, end - max(begin, until))
        until = max(until, end)
    return told, plan.duration - flooded


def _span(fault: Fault, start: float) -> tuple[float, float]:
    return start + fault.start, start + fault.end + AFTERMATH


def _peak(moments: Sequence[float]) -> int:
    """The most moments within any ten minutes."""
    most, first = 0, 0
    for number, moment in enumerate(moments):
        while moments[first] <= moment - TEN_MINUTES:
            first += 1
        most = max(most, number - first + 1)
    return most
