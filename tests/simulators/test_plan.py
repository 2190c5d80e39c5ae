"""Fault plans: seeded, readable, refused when wrong; and the truth they carry."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from simulators.errors import BadInput
from simulators.faults.disturb import disturbance_of
from simulators.faults.generator import KINDS, generate_plan
from simulators.faults.plan import (
    OUTAGES,
    Fault,
    FaultKind,
    FaultPlan,
    read_plan,
    write_plan,
)
from simulators.faults.truth import truth_of, with_truth, write_truth
from tests.simulators.compound import NOON, SITE

# Flaws of the signal that ask for nothing.
HARMLESS = {
    FaultKind.SPIKE,
    FaultKind.OUT_OF_ORDER,
    FaultKind.DUPLICATE,
    FaultKind.DEAD_CLOCK,
    *OUTAGES,
}


def test_the_same_seed_gives_the_same_plan() -> None:
    assert generate_plan(SITE, seed=4) == generate_plan(SITE, seed=4)
    assert generate_plan(SITE, seed=4) != generate_plan(SITE, seed=5)


@pytest.mark.parametrize("seed", range(20))
def test_a_plan_holds_every_kind_and_every_fault_fits_the_site(seed: int) -> None:
    plan = generate_plan(SITE, seed=seed)
    assert {fault.kind for fault in plan.faults} == set(KINDS)
    for fault in plan.faults:
        if fault.kind not in OUTAGES:
            disturbance_of(fault, SITE)


@pytest.mark.parametrize("seed", range(20))
def test_faults_of_a_plan_do_not_disturb_each_other(seed: int) -> None:
    plan = generate_plan(SITE, seed=seed)
    lost = next(fault for fault in plan.faults if fault.kind is FaultKind.GATEWAY_LOST)
    silent = {device.asset for device in SITE.behind(lost.target)}
    single = [fault for fault in plan.faults if fault.target]
    expected = [one.asset for fault in single for one in fault.expected or ()]
    assert len(expected) == len(set(expected))
    assert silent.isdisjoint(expected)
    whole = [fault for fault in plan.faults if not fault.target]
    for fault in whole:
        others = [one for one in plan.faults if one is not fault]
        assert all(one.end <= fault.start or one.start >= fault.end for one in others)


@pytest.mark.parametrize("seed", range(20))
def test_every_ticket_is_due_before_its_fault_ends(seed: int) -> None:
    for fault in generate_plan(SITE, seed=seed).faults:
        for expectation in fault.expected or ():
            assert fault.start < expectation.by <= fault.end, fault


def test_a_plan_may_hold_some_kinds_only() -> None:
    plan = generate_plan(SITE, seed=1, kinds=[FaultKind.SMOKE, FaultKind.SITE_POWER_CUT])
    assert [fault.kind for fault in plan.faults] == [FaultKind.SMOKE, FaultKind.SITE_POWER_CUT]


def test_a_site_without_the_things_for_a_kind_is_refused() -> None:
    bare = replace(SITE, assets={}, devices={})
    for kind in set(KINDS) - OUTAGES - {FaultKind.SITE_POWER_CUT}:
        with pytest.raises(BadInput, match="left"):
            generate_plan(bare, seed=1, kinds=[kind])


def test_only_what_people_must_know_of_asks_for_a_ticket() -> None:
    for fault in generate_plan(SITE, seed=2).faults:
        assert (not fault.expected) == (fault.kind in HARMLESS), fault


def test_a_power_cut_asks_for_one_ticket_at_the_incoming_board() -> None:
    expected, tolerated = truth_of(Fault("f", FaultKind.SITE_POWER_CUT, "", 0, 60), SITE)
    assert [(one.rules, one.asset) for one in expected] == [(("mains-lost",), "substation-board")]
    assert len(tolerated) == len(SITE.of_type("distribution_board")) - 1


def test_a_burst_pipe_asks_for_a_ticket_at_everything_the_water_reaches() -> None:
    expected, _ = truth_of(Fault("f", FaultKind.BURST_PIPE, "b2", 0, 60), SITE)
    assert {one.asset for one in expected} == {"b2-leak-pumproom", "b2-pit-1", "b2-fire-main"}


def test_a_lost_gateway_asks_for_one_ticket_on_the_path() -> None:
    expected, tolerated = truth_of(Fault("f", FaultKind.GATEWAY_LOST, "gw-b1", 0, 60), SITE)
    assert [(one.rules, one.asset) for one in expected] == [(("gateway-silent",), "b1-gateway")]
    assert tolerated == ()


def test_chatter_of_a_number_asks_for_nothing() -> None:
    options = {"point": "vibration", "low": 4, "high": 9}
    fault = Fault("f", FaultKind.CHATTER, "b1-pump-1", 0, 60, options)
    assert truth_of(fault, SITE) == ((), ())


def test_a_plan_comes_back_from_its_file(tmp_path: Path) -> None:
    plan = generate_plan(SITE, seed=6)
    write_plan(plan, tmp_path / "plan.yaml")
    assert read_plan(tmp_path / "plan.yaml") == plan


def test_a_plan_without_expectations_is_given_the_truth(tmp_path: Path) -> None:
    file = tmp_path / "plan.yaml"
    file.write_text(
        "faults:\n"
        "- {kind: smoke, target: b1-smoke-f9, start: 1m, duration: 3m}\n"
        "- {kind: silence, target: b1-lift-1, start: 30s, duration: 2m, expect: []}\n"
    )
    plan = with_truth(read_plan(file), SITE)
    assert plan.duration == 240 + 120
    assert [fault.kind for fault in plan.faults] == [FaultKind.SILENCE, FaultKind.SMOKE]
    silence, smoke = plan.faults
    assert silence.expected == (), "what a plan states itself is left as it is"
    assert [one.asset for one in smoke.expected or ()] == ["b1-smoke-f9"]


def test_a_wrong_plan_is_refused_with_all_its_problems(tmp_path: Path) -> None:
    file = tmp_path / "plan.yaml"
    file.write_text(
        "faults:\n"
        "- {kind: somke, start: 1m, duration: 3m}\n"
        "- {kind: smoke, start: 1m}\n"
        "- {kind: smoke, start: soon, duration: 3m}\n"
        "- {kind: drift, start: 1m, duration: 3m, options: {point: a}}\n"
        "- {kind: smoke, start: 1m, duration: 3m, options: {colour: red}}\n"
        "- {kind: smoke, start: 1m, duration: 3m, colour: red}\n"
        "- nothing\n"
        "- {id: a, kind: smoke, start: 1m, duration: 3m}\n"
        "- {id: a, kind: smoke, start: 1m, duration: 3m}\n"
    )
    with pytest.raises(BadInput) as refused:
        read_plan(file)
    wanted = ["'somke'", "'duration' is missing", "'soon'", "per_second", "colour", "colour"]
    for number, (problem, word) in enumerate(zip(refused.value.problems, wanted, strict=False), 1):
        assert problem.startswith(f"fault {number}: ")
        assert word in problem
    assert len(refused.value.problems) == 8
    assert refused.value.problems[-1] == "the id 'a' is used twice"


@pytest.mark.parametrize("text", ["", "faults: []", "faults: 3", "- a", "a: [", "\x00"])
def test_what_is_no_plan_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "plan.yaml"
    file.write_text(text)
    with pytest.raises(BadInput):
        read_plan(file)


def test_the_ground_truth_log_holds_a_line_for_each_fault(tmp_path: Path) -> None:
    plan = FaultPlan((Fault("f01", FaultKind.SMOKE, "b1-smoke-f9", 60, 120),), 300)
    write_truth(with_truth(plan, SITE), NOON, tmp_path / "truth.jsonl")
    lines = (tmp_path / "truth.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == [
        {
            "id": "f01",
            "kind": "smoke",
            "target": "b1-smoke-f9",
            "options": {},
            "from": "2026-01-05T04:01:00Z",
            "to": "2026-01-05T04:03:00Z",
            "expected": [
                {
                    "rules": ["smoke-detected"],
                    "asset": "b1-smoke-f9",
                    "by": "2026-01-05T04:01:25Z",
                }
            ],
            "tolerated": [],
        }
    ]
