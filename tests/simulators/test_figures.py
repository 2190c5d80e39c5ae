"""What a run comes to, from verdicts and alarms."""

from simulators.faults.plan import Fault, FaultKind, FaultPlan, Limits
from simulators.figures import WEEK, figures
from simulators.judgement import Judgement, Observed, Outcome, Verdict

LIMITS = Limits()


def fault(
    name: str, kind: FaultKind = FaultKind.SMOKE, start: float = 0, *, flood: bool = False
) -> Fault:
    return Fault(name, kind, "x", start, 600, flood=flood)


def verdict(name: str, outcome: Outcome) -> Verdict:
    return Verdict(name, "smoke", "x", (), outcome)


def told(at: float, ticket: str | None = "t") -> Observed:
    return Observed(f"e{at}", "smoke", "x", at, at, ticket)


def test_a_fault_is_as_good_as_its_worst_verdict() -> None:
    plan = FaultPlan((fault("a"), fault("b"), fault("c", FaultKind.SPIKE)), WEEK)
    verdicts = (
        verdict("a", Outcome.RIGHT),
        verdict("a", Outcome.DOUBLED),
        verdict("b", Outcome.RIGHT),
        verdict("c", Outcome.QUIET),
    )
    found = figures(plan, Judgement(verdicts, ()), [], 0)
    assert {one.kind: (one.happened, one.right) for one in found.kinds} == {
        "smoke": (2, 1),
        "spike": (1, 1),
    }
    assert (found.happened, found.right, found.doubled) == (3, 2 / 3, 1)
    assert not found.within(LIMITS)


def test_what_was_skipped_did_not_happen_and_what_no_rule_sees_is_not_right() -> None:
    plan = FaultPlan((fault("a"), fault("b"), fault("c")), WEEK)
    verdicts = (
        verdict("a", Outcome.RIGHT),
        verdict("b", Outcome.SKIPPED),
        verdict("c", Outcome.UNCOVERED),
    )
    found = figures(plan, Judgement(verdicts, ()), [], 0)
    assert (found.happened, found.right) == (2, 0.5)


def test_false_tickets_are_counted_by_the_week_and_once_each() -> None:
    plan = FaultPlan((fault("a"),), 2 * WEEK)
    false = (told(1, "t1"), told(2, "t1"), told(3, "t2"), told(4, "t3"))
    found = figures(plan, Judgement((verdict("a", Outcome.RIGHT),), false), [], 0)
    assert (found.false, found.false_a_week) == (3, 1.5)
    assert not found.within(LIMITS)
    assert found.within(Limits(false_a_week=2))


def test_the_rate_of_alarms_leaves_floods_out() -> None:
    start = 1_000_000.0
    plan = FaultPlan((fault("a", start=600, flood=True), fault("b")), 6_720)
    verdicts = (verdict("a", Outcome.RIGHT), verdict("b", Outcome.RIGHT))
    in_flood = [told(start + 600 + n) for n in range(40)]
    outside = [told(start + 3_000 + 100 * n) for n in range(5)]
    withheld = [told(start + 4_000, None)]
    seen = in_flood + outside + withheld
    found = figures(plan, Judgement(verdicts, ()), seen, start)
    # 6,720 s without the 720 s of the flood and its aftermath are ten times ten minutes.
    assert (found.alarms, found.peak) == (0.5, 5)
    assert figures(plan, Judgement(verdicts, ()), seen, start, operators=2).alarms == 0.25
    assert found.within(LIMITS)
