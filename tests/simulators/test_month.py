"""The month-long plan: what is in it, that nothing in it is ambiguous, and that it comes back."""

from collections import Counter
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import pytest

from simulators.errors import BadInput
from simulators.faults.action import Deed
from simulators.faults.disturb import disturb
from simulators.faults.plan import Fault, FaultKind, FaultPlan, read_plan, write_plan
from simulators.month.agenda import DAY
from simulators.month.generator import generate_month
from simulators.month.templates import EQUIPMENT, SENSORS
from simulators.world.site import MONTH_SITE, SimulatedSite, read_site
from simulators.world.world import MODELS, World
from tests.simulators.compound import NOON

SITE = read_site(MONTH_SITE)
WHOLE_SITE = (FaultKind.SITE_POWER_CUT, FaultKind.PRODUCT_DOWN, FaultKind.BROKER_DOWN)
SEEDS = (1, 2, 7, 19)


def points(site: SimulatedSite) -> int:
    one = World(site, seed=1, start=NOON)
    return sum(len(one.models[device.asset].values()) for device in site.devices.values())


def touched(fault: Fault) -> set[str]:
    """Every asset that a fault has something to do with."""
    expected = {asset for one in fault.expected or () for asset in one.assets}
    return (expected | {_asset(fault)} | set(fault.options.get("leaks", ()))) & set(SITE.assets)


def _asset(fault: Fault) -> str:
    device = SITE.devices.get(fault.target)
    return device.asset if device else fault.target


def test_the_site_has_three_hundred_points_that_all_live() -> None:
    assert points(SITE) >= 300
    assert all(asset.type in MODELS for asset in SITE.assets.values())


@pytest.mark.parametrize("seed", SEEDS)
def test_a_month_holds_all_that_it_promises(seed: int) -> None:
    plan = generate_month(SITE, seed=seed)
    kinds = Counter(fault.kind for fault in plan.faults)
    assert set(kinds) == set(FaultKind)
    assert plan.duration == 30 * DAY
    modes = {(one.kind, one.options.get("mode")) for one in EQUIPMENT + SENSORS}
    assert modes <= {(one.kind, one.options.get("mode")) for one in plan.faults}
    tests = [one for one in plan.faults if one.kind is FaultKind.FALSE_SMOKE and one.needs]
    assert sum(one.options["times"] for one in tests) == 60
    flood = max(
        plan.faults, key=lambda one: max([len(e.assets) for e in one.expected or ()] or [0])
    )
    assert len((flood.expected or ())[0].assets) == 40
    smoke = [one for one in plan.faults if one.kind is FaultKind.SMOKE]
    assert any(flood.start < one.start < flood.end for one in smoke)
    deeds = Counter(action.do for action in plan.actions)
    assert deeds[Deed.OUT_OF_SERVICE] == deeds[Deed.HOLD] == 1
    assert deeds[Deed.CLOSE] == sum(1 for one in plan.faults if one.expected)


@pytest.mark.parametrize("seed", SEEDS)
def test_no_two_faults_touch_the_same_things_within_hours(seed: int) -> None:
    faults = [one for one in generate_month(SITE, seed=seed).faults if one.kind not in WHOLE_SITE]
    for one, other in combinations(faults, 2):
        if touched(one) & touched(other):
            first, second = sorted((one, other), key=lambda fault: fault.start)
            assert second.start - first.end >= 12 * 3600, (first, second)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_same_trouble_comes_back_only_after_a_week(seed: int) -> None:
    faults = [one for one in generate_month(SITE, seed=seed).faults if one.kind not in WHOLE_SITE]
    for one, other in combinations(faults, 2):
        same = {
            (asset, rule)
            for mine in one.expected or ()
            for yours in other.expected or ()
            for asset in mine.assets & yours.assets
            for rule in set(mine.rules) & set(yours.rules)
        }
        if same and "mains-lost" not in {rule for _, rule in same}:
            first, second = sorted((one, other), key=lambda fault: fault.start)
            assert second.start - first.end >= 7.5 * DAY, (first, second)


@pytest.mark.parametrize("seed", SEEDS)
def test_every_fault_has_one_ticket_at_most_and_can_happen(seed: int) -> None:
    plan = generate_month(SITE, seed=seed)
    for fault in plan.faults:
        assert len(fault.expected or ()) <= 1, fault
        for one in fault.expected or ():
            assert fault.start < one.by <= fault.end or fault.kind is FaultKind.GATEWAY_LOST, fault
            assert one.assets <= set(SITE.assets), fault
    world = World(SITE, seed=1, start=NOON, step=plan.step)
    left_out = disturb(world, plan).left_out
    assert {one.kind for one in left_out} == {FaultKind.PRODUCT_DOWN, FaultKind.BROKER_DOWN}


def test_the_same_seed_gives_the_same_month() -> None:
    assert generate_month(SITE, seed=3) == generate_month(SITE, seed=3)
    assert generate_month(SITE, seed=3) != generate_month(SITE, seed=4)


def test_a_month_comes_back_from_its_file(tmp_path: Path) -> None:
    plan = generate_month(SITE, seed=5)
    write_plan(plan, tmp_path / "plan.yaml")
    assert read_plan(tmp_path / "plan.yaml") == plan


def test_a_day_can_be_made_as_well() -> None:
    plan = generate_month(SITE, seed=1, days=1, equipment=8, sensors=3, mischief=False)
    assert len(plan.faults) == 11
    assert all(fault.end < DAY for fault in plan.faults)


def test_a_plan_that_cannot_hold_so_much_is_refused() -> None:
    with pytest.raises(BadInput, match=r"room for \d+ of 5000 faults only"):
        generate_month(SITE, seed=1, days=3, equipment=5000, mischief=False)
    with pytest.raises(BadInput, match="nothing that could fail"):
        generate_month(replace(SITE, assets={}, devices={}), seed=1, mischief=False)


def test_what_a_plan_names_and_does_not_hold_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "plan.yaml"
    file.write_text(
        "faults:\n"
        "- {id: f1, kind: smoke, target: t1-smoke-f3, start: 1m, duration: 3m, needs: [a9]}\n"
        "actions:\n"
        "- {id: a1, at: 1m, do: close, fault: f9}\n"
        "- {id: a2, at: 1m, do: hold, fault: f1}\n"
        "- {id: a3, at: 1m, do: tidy, target: t1}\n"
        "- {id: a4, at: 1m, do: dance}\n"
    )
    with pytest.raises(BadInput) as refused:
        read_plan(file)
    problems = refused.value.problems
    assert problems[0] == "action 2: hold needs `until`"
    assert problems[1] == "action 3: tidy takes no `target`"
    assert "'dance'" in problems[2]
    assert problems[3] == "action 'a1' names a fault 'f9' that there is not"
    assert problems[4] == "fault 'f1' needs an action 'a9' that there is not"


def test_a_plan_of_actions_is_in_order() -> None:
    plan: FaultPlan = generate_month(SITE, seed=1)
    assert [one.at for one in plan.actions] == sorted(one.at for one in plan.actions)
    assert all(0 < one.at < plan.duration for one in plan.actions)
