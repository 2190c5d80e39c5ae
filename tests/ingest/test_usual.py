"""Rules on what is usual in ingest: taught from what is stored, killed and started again."""

import json
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, update

from core.baselines import LearnedBaseline
from core.db import Database, sqlite_url
from core.people import Caller
from core.places import Node
from core.rulebook import RuleVersion
from core.telemetry.readings import Quality, Reading
from rules.baseline import Baseline
from tests.ingest.building import START, publish_rules
from tests.ingest.living import Make, until
from tests.ingest.stage import Stage
from tests.ingest.test_interruptions import DEATHS, Copies, Feed, Step, interrupted, straight
from workflows.alarms.model import Episode
from workflows.laboratory import order, run

Values = dict[str, st.SearchStrategy[Any]]

MINUTE = 60_000_000
HOUR = 60 * MINUTE
RULES = """\
id: unusual
title: {en: Unusual, zh: 异常}
applies_to: {asset_type: pump}
when: anomaly(motor_temperature)
severity: medium
ticket: {kind: repair, category: electrical, team: maintenance}
---
id: unusual-and-warm
title: {en: Unusual and warm, zh: 异常偏热}
applies_to: {asset_type: pump}
when: anomaly(motor_temperature) and motor_temperature > 62 °C
for: 10m
clear_when: not anomaly(motor_temperature)
severity: medium
ticket: {kind: repair, category: electrical, team: maintenance}
---
id: both-unusual
title: {en: Both unusual, zh: 均异常}
applies_to: {asset_type: pump}
when: anomaly(motor_temperature) and anomaly(vibration)
severity: medium
ticket: {kind: repair, category: mechanical, team: maintenance}
---
id: unusual-and-shaking
title: {en: Unusual and shaking, zh: 异常且振动}
applies_to: {asset_type: pump}
when: >-
  anomaly(motor_temperature) and vibration > 62 mm/s or
  anomaly(vibration) and motor_temperature > 62 °C
clear_when: not anomaly(motor_temperature) and not anomaly(vibration)
severity: medium
ticket: {kind: repair, category: mechanical, team: maintenance}
"""


@pytest.fixture(scope="module")
def learning(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The building with rules that ask what is usual, and no others."""
    path = tmp_path_factory.mktemp("learning") / "template.sqlite"
    path.write_bytes(template.read_bytes())
    database = Database(sqlite_url(path))
    with database.write() as session:
        session.execute(update(RuleVersion).values(active=False))
        publish_rules(session, RULES)
    database.close()
    return path


@pytest.fixture
def copies(learning: Path, tmp_path: Path) -> Iterator[Copies]:
    made = Copies(learning, tmp_path)
    yield made
    made.close()


@pytest.fixture(scope="module")
def many(learning: Path, tmp_path_factory: pytest.TempPathFactory) -> Copies:
    return Copies(learning, tmp_path_factory.mktemp("copies"))


ONE_POINT = ("pump-1/motor_temperature",)
TWO_POINTS = ("pump-3/motor_temperature", "pump-3/vibration")


def usual(number: int) -> float:
    """What pump 1 tells at a half hour before the start: it is warmer by day."""
    hour = (START // HOUR + number // 2 + 8) % 24
    return 50.0 + 10 * (8 <= hour < 18) + (number * 7 % 11) / 10


def taught(stage: Stage, days: int = 10, points: Collection[str] = ONE_POINT) -> None:
    """The stage after so many days of readings that nobody judged."""
    for point in points:
        series = stage.names.series[point]
        for number in range(-48 * days, 0):
            at = START + number * 30 * MINUTE
            stage.store.rows[series, at] = Reading(series, at, usual(number), at + 5, Quality.GOOD)
    stage.restart()
    assert stage.judge.registry.taught == set()
    stage.teach()
    assert stage.blind == []


def the_baseline(stage: Stage) -> Baseline:
    device = stage.judge.registry.sites["riverside"].devices["pump-1"]
    found = [point.learned for point in device.points.values() if point.learned is not None]
    assert len(found) == 1
    return found[0]


def test_what_is_usual_goes_by_the_clock_of_the_site(copies: Copies) -> None:
    stage = copies.stage()
    taught(stage)
    assert the_baseline(stage).offset(START) == 8 * HOUR


@pytest.mark.parametrize("how", [Stage.reload, Stage.restart])
def test_what_is_usual_is_taught_anew_when_its_site_has_another_time_zone(
    copies: Copies, how: Callable[[Stage], None]
) -> None:
    stage = copies.stage()
    taught(stage)
    before = stage.judge.registry.taught
    assert before
    with stage.database.write() as session:
        session.execute(update(Node).where(Node.kind == "site").values(time_zone="Europe/Berlin"))
    how(stage)
    assert stage.judge.registry.taught == set()
    stage.teach()
    assert stage.judge.registry.taught == before
    assert the_baseline(stage).offset(START) in (HOUR, 2 * HOUR)


def warm(stage: Stage, temperatures: list[float], **more: bool) -> None:
    for value in temperatures:
        stage.wait(1800, step=600)
        stage.say("pump-1", stage.at(stage.second, temp=value, **more))
        stage.finish()


def _steps(device: str, needed: Values, optional: Values) -> st.SearchStrategy[list[Step]]:
    values = st.fixed_dictionaries(needed, optional=optional).filter(bool)
    lag = st.sampled_from([0.0, 0.4])
    apart = st.builds(Step, st.sampled_from([600.0, 1800.0, 5400.0]), st.just(device), values, lag)
    # Soon after, or the clock of the device would not be trusted any more.
    again = st.builds(
        Step, st.just(1.0), st.just(device), values, lag, st.booleans(), st.booleans()
    )
    return st.lists(st.one_of(apart, apart, again), min_size=2, max_size=6)


def _one_point(*temperature: float) -> st.SearchStrategy[list[Step]]:
    needed = {"temp": st.sampled_from(temperature)}
    return _steps("pump-1", needed, {"run": st.booleans()})


def _two_points(*values: float) -> st.SearchStrategy[list[Step]]:
    either = {"temp": st.sampled_from(values), "vib": st.sampled_from(values)}
    return _steps("pump-3", {}, either)


def _in_turn(*parts: st.SearchStrategy[list[Step]]) -> st.SearchStrategy[list[Step]]:
    return st.tuples(*parts).map(lambda found: [step for part in found for step in part])


# Warm for hours, then perhaps as usual again.
STEPS = _in_turn(_one_point(58.0, 60.3), _one_point(75.0, 90.0, 90.0), _one_point(51.0, 60.0))
STEPS_OF_TWO = _in_turn(
    _two_points(58.0, 60.3), _two_points(60.0, 90.0, 90.0), _two_points(51.0, 60.0, 90.0)
)
BATCHES = st.lists(
    st.tuples(st.integers(1, 5), st.sampled_from([None, *DEATHS])), min_size=2, max_size=8
)


@settings(max_examples=8, deadline=None)
@given(steps=STEPS, batches=BATCHES)
def test_an_interrupted_run_decides_the_same(
    many: Copies, steps: list[Step], batches: list[tuple[int, str | None]]
) -> None:
    _compare(many, ONE_POINT, steps, batches)


# What one message tells of one point is new, and what the next tells of the other replaces.
ONE_NEW_ONE_REPLACED = [
    Step(1.0, "pump-3", {"vib": 58.0}),
    Step(1.0, "pump-3", {"temp": 60.3}),
    Step(600.0, "pump-3", {"temp": 90.0, "vib": 90.0}),
    Step(1800.0, "pump-3", {"vib": 90.0}),
    Step(5400.0, "pump-3", {"temp": 90.0}),
    Step(1.0, "pump-3", {"temp": 90.0, "vib": 90.0}),
    Step(1.0, "pump-3", {"temp": 60.0}),
    Step(1.0, "pump-3", {"temp": 90.0, "vib": 90.0}, again=True),
]


@settings(max_examples=8, deadline=None)
@given(steps=STEPS_OF_TWO, batches=BATCHES)
@example(steps=ONE_NEW_ONE_REPLACED, batches=[(1, None), (3, None), (4, "between messages")])
def test_with_two_points_in_one_message_it_decides_the_same(
    many: Copies, steps: list[Step], batches: list[tuple[int, str | None]]
) -> None:
    _compare(many, TWO_POINTS, steps, batches)


def _compare(
    many: Copies,
    points: Collection[str],
    steps: list[Step],
    batches: list[tuple[int, str | None]],
) -> None:
    try:
        whole, broken = many.stage(), many.stage()
        taught(whole, points=points)
        taught(broken, points=points)
        straight(whole, steps, Feed(late_again=False))
        interrupted(broken, steps, batches, Feed(late_again=False))
        broken.restart()
        assert broken.incidents() == whole.incidents()
        assert broken.stored() == whole.stored()
        assert _states(broken) == _states(whole)
        assert whole.blind == broken.blind == []
    finally:
        many.close()


def _states(stage: Stage) -> list[str]:
    return [
        json.dumps(point.learned.to_state())
        for point in stage.judge.registry.points()
        if point.learned is not None and point.learned.last
    ]


def test_what_is_not_as_usual_trips_and_says_why(copies: Copies) -> None:
    stage = copies.stage()
    taught(stage)
    warm(stage, [90.0] * 6)
    told = [(each.rule, each.asset) for each in stage.incidents()]
    assert told == [("unusual", "pump-1"), ("unusual-and-warm", "pump-1")]
    with stage.database.read() as session:
        reason = session.scalars(select(Episode.reason).order_by(Episode.tripped_micros)).first()
    assert reason is not None
    assert reason.startswith("motor_temperature 90 °C; usual for Tuesday")


def test_nothing_is_said_before_it_was_taught(copies: Copies) -> None:
    stage = copies.stage()
    warm(stage, [50.0, 90.0, 90.0, 90.0, 90.0])
    assert stage.incidents() == []


def test_a_back_test_decides_as_it_did_live(copies: Copies) -> None:
    stage = copies.stage()
    taught(stage)
    warm(stage, [58.0] * 40 + [90.0] * 6 + [58.0] * 10 + [75.0] * 3)
    with stage.database.read() as session:
        sites = frozenset(session.scalars(select(Node.id).where(Node.kind == "site")))
        caller = Caller(uuid4(), "", "en", dict.fromkeys(("telemetry.read", "tickets.read"), sites))
        # The span begins when what came before was learned already.
        wanted = order(
            session, caller, RULES, rule_id="unusual-and-warm", start=START + 40 * HOUR // 2,
            end=stage.now, shard="main",
        )  # fmt: skip
    assert wanted.start - wanted.lead < START - 9 * 24 * HOUR
    result = run(wanted, stage.store, lambda *_: None)
    told = [
        (each.tripped_at, each.cleared_at)
        for episodes in result.new.episodes.values()
        for each in episodes
    ]
    live = [each for each in stage.incidents() if each.rule == "unusual-and-warm"]
    assert live
    assert [(at - START) / 1e6 for at, _ in told] == [each.tripped for each in live]
    assert [at and (at - START) / 1e6 for _, at in told] == [each.cleared for each in live]


def test_what_was_learned_is_kept_every_hour(copies: Copies) -> None:
    stage = copies.stage()
    taught(stage)
    warm(stage, [usual(number) for number in range(5)])
    with stage.database.read() as session:
        (kept,) = session.scalars(
            select(LearnedBaseline).where(
                LearnedBaseline.series == stage.names.series["pump-1/motor_temperature"]
            )
        )
        assert kept.last >= START + HOUR
        assert kept.first == START - 10 * 24 * HOUR
    before = _states(stage)
    stage.reload()
    assert _states(stage) == before


def test_a_state_of_another_version_is_learned_anew(copies: Copies) -> None:
    stage = copies.stage()
    taught(stage)
    before = _states(stage)
    with stage.database.write() as session:
        for row in session.scalars(select(LearnedBaseline)):
            row.state = json.dumps({"format": 0})
    stage.restart()
    assert stage.judge.registry.taught == set()
    stage.teach()
    assert _states(stage) == before


def test_a_running_ingest_teaches_and_takes_over(copies: Copies, make: Make) -> None:
    living = make(copies.stage().database)
    series = living.names.series["pump-1/motor_temperature"]
    now = living.clock.micros()
    for number in range(480):
        at = now - (480 - number) * 30 * MINUTE
        living.memory.rows[series, at] = Reading(series, at, usual(number), at + 5, Quality.GOOD)
    living.start()
    run_now = living.service._run
    assert run_now is not None
    until(lambda: series in run_now.judge.registry.taught)
    point = next(p for p in run_now.judge.registry.points() if p.series == series)
    assert point.learned is not None
    assert point.learned.last == now - 30 * MINUTE
    assert point.learned.tell() is not None
