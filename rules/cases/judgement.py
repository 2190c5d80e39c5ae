"""What a case expected against what its rule decided, told for people."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from rules.cases.case import DECISIONS, Case, Expected
from rules.cases.moments import format_moment
from rules.states import Transition, TransitionKind

_WORDS = {kind: word for word, kind in DECISIONS.items()}
_PAST = {
    TransitionKind.TRIPPED: "tripped",
    TransitionKind.CLEARED: "cleared",
    TransitionKind.FAILED: "failed",
    TransitionKind.RECOVERED: "recovered",
}


@dataclass(frozen=True, slots=True)
class Failure:
    """One thing that a case expected in vain, or that it did not expect."""

    line: int
    column: int
    message: str


def failures(case: Case, happened: Sequence[Transition]) -> list[Failure]:
    """Every difference between what `case` expects and the decisions in `happened`, in order."""
    decided = [each for each in happened if each.kind in _WORDS]
    found: list[Failure] = []
    for expected, decision in zip_longest(case.expected, decided):
        if expected is None:
            message = f"nothing more is expected, but it {_told(case, decision)}"
            found.append(Failure(case.expect_line, case.expect_column, message))
        else:
            found.extend(
                Failure(expected.line, expected.column, message)
                for message in _differences(case, expected, decision)
            )
    return found


def history(case: Case, happened: Sequence[Transition]) -> list[str]:
    """One line for each thing that the alarm did: when, what and why."""
    return [
        f"{format_moment(each.at, absolute=case.absolute)} {each.kind.value}: {each.reason}"
        for each in happened
    ]


def _told(case: Case, decision: Transition) -> str:
    at = format_moment(decision.at, absolute=case.absolute)
    return f"{_PAST[decision.kind]} at {at}: {decision.reason}"


def _differences(case: Case, expected: Expected, decision: Transition | None) -> Iterator[str]:
    at = format_moment(expected.at, absolute=case.absolute)
    wanted = f"expected {_WORDS[expected.kind]} at {at}"
    if decision is None:
        until = format_moment(case.until, absolute=case.absolute)
        yield f"{wanted}, but nothing more was decided up to {until}"
        return
    if (decision.kind, decision.at) != (expected.kind, expected.at):
        yield f"{wanted}, but it {_told(case, decision)}"
        return
    if expected.severity not in (None, case.rule.severity):
        yield f"expected severity {expected.severity}, but the rule has {case.rule.severity}"
    if expected.reason is not None and expected.reason not in decision.reason:
        yield f"expected a reason with {expected.reason!r}, but it is: {decision.reason}"
