"""Rules with windows in ingest: killed and started again, reloaded, without their store."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from sqlalchemy import select, update

from core.db import Database, sqlite_url
from core.places import Node
from core.rulebook import RuleVersion
from core.shift_codes import ShiftCodeRow
from core.telemetry.readings import Last, ReadingBatch
from core.telemetry.store import TelemetryError
from ingest.session import RETAINED
from tests.ingest.building import publish_rules
from tests.ingest.stage import Incident, Stage
from tests.ingest.test_interruptions import (
    BATCHES,
    STEPS,
    Copies,
    Feed,
    Step,
    interrupted,
    straight,
)

RULES = """\
id: restless
title: {en: Restless, zh: 频繁变化}
applies_to: {asset_type: pump}
when: changes(motor_temperature, 2m) > 2
severity: medium
ticket: {kind: repair, category: electrical, team: maintenance}
---
id: warm-on-average
title: {en: Warm on average, zh: 平均偏热}
applies_to: {asset_type: pump}
when: avg(motor_temperature, 90s) > 60 °C and max(motor_temperature, 30s) > 64 °C
clear_when: avg(motor_temperature, 3m) < 60 °C
for: 20s
severity: medium
ticket: {kind: repair, category: electrical, team: maintenance}
---
id: unchanged
title: {en: Unchanged, zh: 长时间不变}
applies_to: {asset_type: pump}
when: since(motor_temperature) >= 70s and running
severity: low
ticket: {kind: repair, category: electrical, team: maintenance}
---
id: unsteady
title: {en: Unsteady, zh: 波动}
applies_to: {asset_type: distribution_board}
when: stddev(power, 2m) > 1 kW or rate(current, 1m) > 5 A/min
severity: low
ticket: {kind: repair, category: electrical, team: maintenance}
---
id: running-by-day
title: {en: Runs by day, zh: 白天运行}
applies_to: {asset_type: pump}
when: running and during(midday)
for: 30s
severity: low
ticket: {kind: repair, category: electrical, team: maintenance}
"""


@pytest.fixture(scope="module")
def windowed(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The building with rules that look at windows, and no others."""
    path = tmp_path_factory.mktemp("windowed") / "template.sqlite"
    path.write_bytes(template.read_bytes())
    database = Database(sqlite_url(path))
    with database.write() as session:
        session.execute(update(RuleVersion).values(active=False))
        # NOON is 12:00 in Shanghai.
        for node in session.scalars(select(Node).where(Node.kind == "site")):
            code = ShiftCodeRow(
                node_id=node.id, code="midday", name={"en": "Midday", "zh": "中午"},
                written=[], kind="duty", starts="12:01", ends="12:02", retired=False, version=1,
            )  # fmt: skip
            session.add(code)
        publish_rules(session, RULES)
    database.close()
    return path


@pytest.fixture
def copies(windowed: Path, tmp_path: Path) -> Iterator[Copies]:
    made = Copies(windowed, tmp_path)
    yield made
    made.close()


@pytest.fixture(scope="module")
def many(windowed: Path, tmp_path_factory: pytest.TempPathFactory) -> Copies:
    return Copies(windowed, tmp_path_factory.mktemp("copies"))


# The clock went on over an instant that the correction of an old reading makes one to trip at.
CORRECTED_LATE = [
    Step(1.0, "pump-1", {"temp": 80, "run": False}),
    Step(76.0, "pump-1", {"temp": 65, "run": True}, again=True),
]
CORRECTED_TWICE = [
    Step(0.0, "pump-3", {"temp": 20}),
    Step(0.0, "board-1", {"kw": 1}),
    Step(7.0, "pump-3", {"vib": 1, "temp": 65}, again=True),
    Step(0.0, "pump-3", {"temp": 20, "vib": 1}),
    Step(61.0, "board-1", {"kw": 1}),
    Step(0.0, "board-1", {"kw": 1, "amp": 0}),
    Step(0.0, "pump-3", {"vib": 1, "temp": 65}),
]


@settings(max_examples=15, deadline=None)
@given(steps=STEPS, batches=BATCHES)
def test_an_interrupted_run_decides_the_same(
    many: Copies, steps: list[Step], batches: list[tuple[int, str | None]]
) -> None:
    _decides_the_same(many, steps, batches, belated=False)


@pytest.mark.parametrize(
    ("steps", "batches"),
    [
        (CORRECTED_LATE, [(1, "before write")]),
        (CORRECTED_TWICE, [(5, "before acknowledgement"), (1, "between messages")]),
    ],
)
def test_a_belated_correction_that_the_clock_did_not_get_ahead_of_decides_the_same(
    many: Copies, steps: list[Step], batches: list[tuple[int, str | None]]
) -> None:
    _decides_the_same(many, steps, batches, belated=True)


def _decides_the_same(
    many: Copies, steps: list[Step], batches: list[tuple[int, str | None]], *, belated: bool
) -> None:
    # A late reading that replaces another is in windows built anew, and not in running ones.
    def feed() -> Feed:
        return Feed(late_again=False, belated=belated)

    try:
        whole, broken = many.stage(), many.stage()
        straight(whole, steps, feed())
        interrupted(broken, steps, batches, feed())
        assert broken.incidents() == whole.incidents()
        assert broken.stored() == whole.stored()
        assert whole.blind == broken.blind == []
    finally:
        many.close()


def _warm(stage: Stage, temperatures: Sequence[float], gap: float = 10) -> None:
    for value in temperatures:
        stage.wait(gap)
        stage.say("pump-1", stage.at(stage.second, temp=value, run=True))
        stage.finish()


def _all(stage: Stage, rule: str) -> list[Incident]:
    return [one for one in stage.incidents() if one.rule == rule]


def test_half_a_window_opens_nothing_and_a_whole_one_does(copies: Copies) -> None:
    stage = copies.stage()
    _warm(stage, [70] * 9)
    assert _all(stage, "warm-on-average") == []
    _warm(stage, [70] * 4)
    # The first reading, at 10 s, left the span at 100 s; then the delay of 20 s.
    assert _all(stage, "warm-on-average") == [Incident("warm-on-average", "pump-1", 120.0, None)]


def test_readings_that_leave_in_quiet_end_an_alarm(copies: Copies) -> None:
    stage = copies.stage()
    _warm(stage, [20] * 13 + [60, 20, 60])
    stage.wait(300)
    stage.finish()
    # The last change but two, at 140 s, leaves its two minutes at 260 s.
    assert _all(stage, "restless") == [Incident("restless", "pump-1", 160.0, 260.0)]


def test_a_rule_that_is_new_knows_the_past_at_once(copies: Copies) -> None:
    stage = copies.stage()
    with stage.database.write() as session:
        session.execute(
            update(RuleVersion).where(RuleVersion.rule_id == "unchanged").values(active=False)
        )
    stage.reload()
    _warm(stage, [40] * 20)
    with stage.database.write() as session:
        session.execute(
            update(RuleVersion).where(RuleVersion.rule_id == "unchanged").values(active=True)
        )
    stage.reload()
    _warm(stage, [40])
    assert _all(stage, "unchanged") == [Incident("unchanged", "pump-1", 210.0, None)]


def test_a_reload_in_between_changes_nothing(copies: Copies) -> None:
    stage = copies.stage()
    _warm(stage, [20] * 13 + [60])
    stage.reload()
    _warm(stage, [20, 60])
    assert _all(stage, "restless") == [Incident("restless", "pump-1", 160.0, None)]


def test_the_value_at_the_beginning_may_be_old(copies: Copies) -> None:
    stage = copies.stage()
    _warm(stage, [20])
    stage.wait(2000, step=60)
    _warm(stage, [60, 20])
    stage.restart()
    _warm(stage, [60])
    assert _all(stage, "restless")[-1].tripped == 2040.0


def test_a_retained_value_is_present_but_not_past(copies: Copies) -> None:
    stage = copies.stage()
    _warm(stage, [20] * 14)
    for value in (60, 20, 60):
        stage.say("pump-1", {"temp": value}, flags=RETAINED)
        stage.wait(1)
        stage.finish()
    _warm(stage, [20, 20])
    assert _all(stage, "restless") == []


def test_another_value_at_the_same_time_replaces_it_in_the_window(copies: Copies) -> None:
    stage = copies.stage()
    _warm(stage, [20] * 13 + [60, 20])
    stage.wait(10)
    message: dict[str, Any] = stage.at(stage.second, temp=20)
    stage.say("pump-1", message)
    assert _all(stage, "restless") == []
    stage.wait(1)
    stage.say("pump-1", {**message, "temp": 60})
    stage.finish()
    assert [one.tripped for one in _all(stage, "restless")] == [160.0]


def test_what_can_not_be_rebuilt_says_that_it_is_blind_and_guesses_nothing(
    copies: Copies, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = copies.stage()
    _warm(stage, [20] * 13 + [60, 20])

    def away(*args: object) -> Iterator[ReadingBatch]:
        raise TelemetryError("the store is away")

    with monkeypatch.context() as patch:
        patch.setattr(stage.store, "scan", away)
        stage.restart()
    assert any("restless is blind" in problem for problem in stage.blind)
    _warm(stage, [60])
    assert _all(stage, "restless") == []
    _warm(stage, [20] * 12 + [60, 20, 60])
    assert len(_all(stage, "restless")) == 1


def test_readings_that_wait_in_the_spool_make_it_blind_too(
    copies: Copies, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = copies.stage()
    _warm(stage, [20] * 13 + [60, 20])
    store = stage.store
    waits = store.rows.pop(max(store.rows, key=lambda key: key[1]))
    last = store.last

    def also_waiting(series: Sequence[int] | None = None) -> dict[int, Last]:
        return {**last(series), waits.series: Last(*waits[1:])}

    monkeypatch.setattr(store, "last", also_waiting)
    stage.restart()
    assert any("not stored yet" in problem for problem in stage.blind)


def test_hours_begin_and_end_in_quiet(copies: Copies) -> None:
    stage = copies.stage()
    _warm(stage, [20])
    stage.wait(300)
    stage.finish()
    # It runs from 12:00:10 on; the hours are from 12:01 to 12:02.
    assert _all(stage, "running-by-day") == [Incident("running-by-day", "pump-1", 90.0, 120.0)]


def test_hours_that_a_site_does_not_have_are_told(copies: Copies) -> None:
    stage = copies.stage()
    with stage.database.write() as session:
        publish_rules(session, RULES.split("---")[-1].replace("midday", "opening_hours"))
    stage.reload()
    assert stage.judge.registry.problems == [
        "running-by-day: there are no hours called opening-hours here"
    ]


def test_what_waited_before_adoption_is_in_the_windows_and_leaves_them(copies: Copies) -> None:
    stage = copies.stage()
    stage.wait(200)
    pump = stage.judge.registry.sites["riverside"].devices["pump-1"]
    for second, value in [(10, 20), (130, 60), (140, 20), (150, 60)]:
        body = json.dumps(stage.at(second, temp=value)).encode()
        topic = "wk/v1/riverside/pump-1/readings"
        assert stage.taker.replay(topic, body, stage.now, judged=False) == []
    assert _all(stage, "restless") == []
    assert pump.instances
    stage.say("pump-1", stage.at(stage.second, temp=60))
    stage.finish()
    stage.wait(300)
    stage.finish()
    assert _all(stage, "restless") == [Incident("restless", "pump-1", 200.0, 250.0)]
