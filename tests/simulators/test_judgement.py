"""The judgement tells right, late, missing, doubled and false apart."""

import json
from dataclasses import replace

import pytest

from simulators.faults.plan import Expectation, Fault, FaultKind, FaultPlan, Tolerance
from simulators.judgement import AFTERMATH, Judgement, Observed, Outcome, judge

START = 1_000_000.0
# From 100 to 200 s after the start; its ticket is due at 130 s.
SMOKE = Fault(
    "f1",
    FaultKind.SMOKE,
    "detector",
    100,
    100,
    expected=(Expectation(("smoke", "heat"), "detector", 130),),
    tolerated=(Tolerance(("smoke", "heat"), "detector"), Tolerance(("visibility",), "corridor")),
)
SPIKE = Fault("f2", FaultKind.SPIKE, "sensor", 300, 50, expected=())
PLAN = FaultPlan((SMOKE, SPIKE), 400)


def seen(
    at: float = 110,
    rule: str = "smoke",
    asset: str = "detector",
    ticket: str | None = "t1",
    learned: float | None = None,
) -> Observed:
    name = f"{rule}/{asset}/{at}"
    return Observed(name, rule, asset, START + at, START + (learned or at), ticket)


def outcomes(judgement: Judgement) -> dict[str, Outcome]:
    return {verdict.fault: verdict.outcome for verdict in judgement.verdicts}


def test_one_ticket_in_time_is_right() -> None:
    judgement = judge(PLAN, START, [seen(at=110, learned=112)])
    assert outcomes(judgement) == {"f1": Outcome.RIGHT, "f2": Outcome.QUIET}
    assert judgement.verdicts[0].delay == 12
    assert judgement.verdicts[0].allowed == 30
    assert judgement.ok


def test_any_of_the_rules_will_do() -> None:
    assert judge(PLAN, START, [seen(rule="heat")]).ok


def test_a_ticket_learned_after_it_was_due_is_late() -> None:
    judgement = judge(PLAN, START, [seen(at=110, learned=131)])
    assert outcomes(judgement)["f1"] is Outcome.LATE
    assert not judgement.ok


def test_lateness_may_be_judged_by_the_trip() -> None:
    judgement = judge(PLAN, START, [seen(at=110, learned=131)], by_trip=True)
    assert outcomes(judgement)["f1"] is Outcome.RIGHT
    assert judgement.verdicts[0].delay == 10


def test_no_ticket_is_missing() -> None:
    judgement = judge(PLAN, START, [])
    assert outcomes(judgement)["f1"] is Outcome.MISSING
    assert not judgement.ok


def test_an_alarm_that_opened_no_ticket_is_missing() -> None:
    judgement = judge(PLAN, START, [seen(ticket=None)])
    assert outcomes(judgement)["f1"] is Outcome.MISSING
    assert "without a ticket" in judgement.verdicts[0].note
    assert judgement.false == ()


def test_two_tickets_for_one_fault_are_doubled() -> None:
    judgement = judge(PLAN, START, [seen(at=110), seen(at=150, ticket="t2")])
    assert outcomes(judgement)["f1"] is Outcome.DOUBLED
    assert not judgement.ok


def test_episodes_that_continue_one_ticket_are_right() -> None:
    assert judge(PLAN, START, [seen(at=110), seen(at=150), seen(at=190)]).ok


def test_a_second_rule_that_sees_the_same_fault_is_tolerated() -> None:
    assert judge(PLAN, START, [seen(), seen(at=150, rule="heat", ticket="t2")]).ok


def test_a_second_ticket_by_a_rule_that_is_not_tolerated_is_doubled() -> None:
    strict = FaultPlan((replace(SMOKE, tolerated=()),), 400)
    judgement = judge(strict, START, [seen(), seen(at=150, rule="heat", ticket="t2")])
    assert outcomes(judgement) == {"f1": Outcome.DOUBLED}
    assert judgement.verdicts[0].note == "2 tickets by heat and smoke"
    assert judgement.false == ()


def test_an_alarm_that_was_withheld_is_neither_doubled_nor_false() -> None:
    strict = FaultPlan((replace(SMOKE, tolerated=()),), 400)
    withheld = [seen(at=150, rule="heat", ticket=None), seen(at=20, asset="far", ticket=None)]
    assert judge(strict, START, [seen(), *withheld]).ok


def test_an_alarm_that_joined_a_right_ticket_is_not_false() -> None:
    judgement = judge(PLAN, START, [seen(), seen(at=140, rule="heat-rises", asset="corridor")])
    assert judgement.false == ()
    assert judgement.ok


def test_a_flood_has_one_ticket_and_smoke_in_it_one_of_its_own() -> None:
    wet = Expectation(("leak",), "floor-1", 160, ("floor-2", "floor-3"))
    burst = Fault("f0", FaultKind.BURST_PIPE, "riser", 100, 100, expected=(wet,))
    flood = [seen(rule="leak", asset=f"floor-{n}", ticket="incident") for n in (1, 2, 3)]
    plan = FaultPlan((burst, SMOKE), 400)
    assert judge(plan, START, [*flood, seen(at=120)]).ok
    joined = judge(plan, START, [*flood, seen(at=120, ticket="incident")])
    assert outcomes(joined) == {"f0": Outcome.RIGHT, "f1": Outcome.MISSING}
    assert joined.verdicts[1].note == "joined the ticket of f0 on floor-1"
    apart = judge(plan, START, [*flood[:2], seen(rule="leak", asset="floor-3", ticket="t9")])
    assert outcomes(apart)["f0"] is Outcome.DOUBLED


def test_a_consequence_elsewhere_is_tolerated() -> None:
    assert judge(PLAN, START, [seen(), seen(rule="visibility", asset="corridor")]).ok


@pytest.mark.parametrize(
    "stray",
    [
        seen(asset="another-detector", ticket="t9"),
        seen(rule="another-rule", ticket="t9"),
        seen(at=99, ticket="t9"),
        seen(at=200 + AFTERMATH + 1, ticket="t9"),
        seen(at=99, rule="visibility", asset="corridor", ticket="t9"),
    ],
)
def test_what_belongs_to_no_fault_is_false(stray: Observed) -> None:
    judgement = judge(PLAN, START, [seen(), stray])
    assert judgement.false == (stray,)
    assert outcomes(judgement) == {"f1": Outcome.RIGHT, "f2": Outcome.QUIET}
    assert not judgement.ok


def test_an_alarm_for_a_harmless_fault_is_false_and_blamed_on_it() -> None:
    judgement = judge(PLAN, START, [seen(), seen(at=310, rule="hot", asset="sensor", ticket="t9")])
    assert outcomes(judgement)["f2"] is Outcome.FALSE
    assert judgement.verdicts[1].note == "hot on sensor"
    assert judgement.counts()["false"] == 1


def test_a_device_is_known_by_its_asset() -> None:
    stray = seen(at=310, rule="hot", asset="room", ticket="t9")
    judgement = judge(PLAN, START, [seen(), stray], assets={"sensor": "room"})
    assert outcomes(judgement)["f2"] is Outcome.FALSE


def test_a_false_alarm_anywhere_is_blamed_on_an_outage() -> None:
    outage = Fault("f3", FaultKind.PRODUCT_DOWN, "", 500, 50, expected=())
    judgement = judge(FaultPlan((outage,), 600), START, [seen(at=520, rule="silent", asset="x")])
    assert outcomes(judgement) == {"f3": Outcome.FALSE}


def test_a_fault_that_no_installed_rule_sees_is_uncovered() -> None:
    judgement = judge(PLAN, START, [], installed=frozenset({"hot"}))
    assert outcomes(judgement)["f1"] is Outcome.UNCOVERED
    assert judgement.ok


def test_a_fault_that_an_installed_rule_should_see_is_missing() -> None:
    judgement = judge(PLAN, START, [], installed=frozenset({"heat"}))
    assert outcomes(judgement)["f1"] is Outcome.MISSING


def test_a_skipped_outage_is_listed_and_explains_nothing() -> None:
    outage = Fault("f3", FaultKind.BROKER_DOWN, "", 100, 100, expected=())
    judgement = judge(FaultPlan((outage,), 400), START, [seen()], skipped=["f3"])
    assert outcomes(judgement) == {"f3": Outcome.SKIPPED}
    assert judgement.false == (seen(),)


def test_the_result_is_plain_json() -> None:
    result = json.loads(json.dumps(judge(PLAN, START, [seen(), seen(at=310)]).as_json()))
    assert result["ok"] is True or result["counts"]["false"] == 0
    assert [verdict["outcome"] for verdict in result["verdicts"]] == ["right", "quiet"]
