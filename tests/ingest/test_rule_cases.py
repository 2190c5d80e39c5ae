"""What a case of a rule test says is what ingest decides from the same messages."""

import random

import pytest

from core.clock import MICROS
from rules.cases import Case, Step, StepKind, run
from rules.catalog import shipped_catalog
from rules.document import load_rules
from rules.rule import Rule
from rules.states import TransitionKind
from tests.ingest.building import RULES, START
from tests.ingest.stage import Stage
from workflows.alarms import Finding

TESTED = {
    rule.id: rule
    for rule in load_rules(RULES, "rules.yaml", shipped_catalog()).rules
    if rule.id in ("hot", "warm-long", "shaking", "silent")
}
END = 1800
Message = tuple[int, int, dict[str, float]]


def messages(seed: int) -> list[Message]:
    """(event second, second of receipt, values): some late, some at one instant, with gaps."""
    chance = random.Random(seed)
    found: list[Message] = [(0, 0, {"motor_temperature": 50.0, "vibration": 1.0})]
    now = 0
    while now < END - 120:
        now += chance.choice((0, 5, 5, 10, 20, 35, 90))
        late = chance.choice((0, 0, 0, 0, 7, 45))
        values = {"motor_temperature": chance.choice((50.0, 65.0, 65.0, 72.0, 76.0))}
        if chance.random() < 0.7:
            values["vibration"] = chance.choice((1.0, 6.0, 6.0, 7.0))
        if chance.random() < 0.1:
            del values["motor_temperature"]
        if values:
            found.append((max(0, now - late), now, values))
    return found


def decided(rule: Rule, told: list[Message]) -> list[tuple[float, float | None]]:
    """(tripped, cleared) in seconds, as a case has it."""
    steps = tuple(
        Step(StepKind.MESSAGE, START + at * MICROS, START + received * MICROS, values)
        for at, received, values in told
    )
    points = {"motor_temperature": 10 * MICROS, "vibration": 10 * MICROS}
    case = Case(rule, "", points, steps, START + END * MICROS, (), True, 1, 1, 1, 1)
    episodes: list[tuple[float, float | None]] = []
    for each in run(case):
        second = (each.at - START) / MICROS
        if each.kind is TransitionKind.TRIPPED:
            episodes.append((second, None))
        elif each.kind is TransitionKind.CLEARED:
            episodes[-1] = (episodes[-1][0], second)
    return episodes


def episodes(stage: Stage, found: list[Finding], rule: Rule) -> list[tuple[float, float | None]]:
    """(tripped, cleared) in seconds, as ingest found it on pump-3."""
    lived: list[tuple[float, float | None]] = []
    for each in found:
        if (each.rule.rule_id, stage.names.asset_codes[each.asset_id]) != (rule.id, "pump-3"):
            continue
        second = (each.at - START) / MICROS
        if each.transition.kind is TransitionKind.TRIPPED:
            lived.append((second, None))
        elif each.transition.kind is TransitionKind.CLEARED:
            lived[-1] = (lived[-1][0], second)
    return lived


@pytest.mark.parametrize("seed", range(6))
def test_a_case_decides_what_ingest_decides(stage: Stage, seed: int) -> None:
    told = messages(seed)
    keys = {"motor_temperature": "temp", "vibration": "vib"}
    for at, received, values in told:
        if received > stage.second:
            stage.wait(received - stage.second)
        stage.say("pump-3", stage.at(at, **{keys[code]: value for code, value in values.items()}))
    # Ingest comes to know of a delay that ended in quiet a second later.
    stage.wait(END + 1 - stage.second)
    # What was found, rather than the episodes on record, where chatter is one.
    found = stage.finish().findings
    compared = 0
    for rule in TESTED.values():
        live = episodes(stage, found, rule)
        assert decided(rule, told) == [pytest.approx(one, abs=1e-3) for one in live], rule.id
        compared += len(live)
    assert compared > 5
