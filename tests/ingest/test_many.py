"""Rules that ask many assets, in ingest: killed and started again, with assets that come and go."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import example, given, settings
from sqlalchemy import delete, select, update

from core.clock import MICROS, from_micros
from core.db import Database, sqlite_url
from core.devices import Device
from core.people import Caller, company_node
from core.places import Asset, Supply
from core.rulebook import RuleVersion
from core.rulebook_members import unasked
from core.rulebook_sampling import unsuited
from tests.ingest import test_replay
from tests.ingest.building import publish_rules
from tests.ingest.stage import Incident, Stage
from tests.ingest.test_interruptions import (
    BATCHES,
    STEPS,
    Copies,
    Feed,
    Message,
    Step,
    interrupted,
    straight,
)
from tests.ingest.test_replay import Story, happened, orders
from tests.rules.building import rule
from workflows.laboratory import Tried, why
from workflows.tickets import TicketEvidence

RULES = """\
id: two-warm
title: {en: Two warm, zh: 两台偏热}
applies_to: {asset_type: distribution_board}
when: count(pump.motor_temperature > 60 °C in building) >= 2
severity: medium
ticket: {kind: repair, category: electrical, team: maintenance}
---
id: all-warm
title: {en: All warm, zh: 全部偏热}
applies_to: {asset_type: distribution_board}
when: all(pump.motor_temperature > 60 °C below) and power > 2 kW
clear_when: not any(pump.motor_temperature > 70 °C below)
for: 20s
clear_for: 5s
severity: medium
ticket: {kind: repair, category: electrical, team: maintenance}
---
id: wet-and-shaking
title: {en: Wet and shaking, zh: 漏水且振动}
applies_to: {asset_type: gateway}
when: any(water_leak.leak in space) and max(online, 5m) >= 0 or any(pump.vibration > 5 in site)
severity: low
ticket: {kind: repair, category: electrical, team: maintenance}
""".replace("max(online, 5m) >= 0", "not count(pump.running in site) > 0")
# Whose clock is how far ahead, in seconds.
SKEW = {"pump-3": 20.0, "leak-1": -15.0}


@pytest.fixture(scope="module")
def asking(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The building with rules that ask many assets, and no others."""
    path = tmp_path_factory.mktemp("asking") / "template.sqlite"
    path.write_bytes(template.read_bytes())
    database = Database(sqlite_url(path))
    with database.write() as session:
        session.execute(update(RuleVersion).values(active=False))
        ids = {row.code: row for row in session.scalars(select(Asset))}
        board = ids["board-1"]
        session.add_all(
            Supply(supplier_id=board.id, consumer_id=ids[code].id, site_id=board.site_id)
            for code in ("pump-1", "pump-3")
        )
        publish_rules(session, RULES)
    database.close()
    return path


@pytest.fixture
def copies(asking: Path, tmp_path: Path) -> Iterator[Copies]:
    made = Copies(asking, tmp_path)
    yield made
    made.close()


@pytest.fixture(scope="module")
def many(asking: Path, tmp_path_factory: pytest.TempPathFactory) -> Copies:
    return Copies(asking, tmp_path_factory.mktemp("copies"))


@dataclass
class Skewed(Feed):
    """Devices whose clocks differ."""

    skew: dict[str, float] = field(default_factory=lambda: dict(SKEW))

    def message(self, stage: Stage, step: Step) -> Message:
        known = self.last.get(step.device)
        device, fields = super().message(stage, step)
        if not (known is not None and fields["ts"] in (known[1]["ts"], known[1]["ts"] - 90.25)):
            fields["ts"] += self.skew.get(device, 0.0)
        return device, fields


@settings(max_examples=15, deadline=None)
@given(steps=STEPS, batches=BATCHES)
@example(
    steps=[
        Step(1.0, "pump-3", {"vib": 1}),
        Step(1.0, "pump-3", {"vib": 9}, again=True),
        Step(0.0, "pump-1", {"run": True}),
    ],
    batches=[(4, "before acknowledgement")],
)
@example(
    steps=[
        Step(0.0, "pump-3", {"temp": 80}),
        Step(1.0, "pump-1", {"temp": 80}),
        Step(1.0, "pump-1", {"temp": 20}),
    ],
    batches=[(2, "before write"), (1, "before acknowledgement")],
)
def test_an_interrupted_run_decides_the_same(
    many: Copies, steps: list[Step], batches: list[tuple[int, str | None]]
) -> None:
    # Nobody else speaks of pump-2, and who was never heard keeps a count from being told.
    steps = [Step(0.0, "pump-2", {"temp": 20}), *steps]
    try:
        whole, broken = many.stage(), many.stage()
        straight(whole, steps, Skewed())
        interrupted(broken, steps, batches, Skewed())
        assert broken.incidents() == whole.incidents()
        assert broken.stored() == whole.stored()
    finally:
        many.close()


def _say(stage: Stage, device: str, skew: float = 0.0, **values: object) -> None:
    stage.wait(1)
    stage.say(device, stage.at(stage.second + skew, **values))
    stage.finish()


def _all(stage: Stage, rule: str) -> list[Incident]:
    return [one for one in stage.incidents() if one.rule == rule]


def test_a_clock_that_is_behind_ends_what_one_ahead_began(copies: Copies) -> None:
    stage = copies.stage()
    _say(stage, "pump-1", temp=80)
    _say(stage, "pump-2", temp=20)
    _say(stage, "pump-3", skew=20, temp=80)
    assert _all(stage, "two-warm") == [Incident("two-warm", "board-1", 23.0, None)]
    stage.restart()
    _say(stage, "pump-1", temp=20)
    (one,) = _all(stage, "two-warm")
    assert one.cleared == pytest.approx(23.0, abs=0.001)


def test_the_members_that_count_are_on_the_ticket(copies: Copies) -> None:
    stage = copies.stage()
    _say(stage, "pump-1", temp=80)
    _say(stage, "pump-2", temp=20)
    _say(stage, "pump-3", temp=90)
    with stage.database.read() as session:
        (proof,) = session.scalars(select(TicketEvidence.data))
    assert proof["reason"] == (
        "count(pump.motor_temperature > 60 °C in building) 2 of 3 >= 2"
        " [pump-1: motor_temperature 80 °C > 60 °C; pump-3: motor_temperature 90 °C > 60 °C]"
    )
    told = [(each["point"], each["value"], each["unit"]) for each in proof["inputs"]]
    assert told == [
        ("pump-1/motor_temperature", 80.0, "°C"),
        ("pump-3/motor_temperature", 90.0, "°C"),
    ]
    assert all(each["series"] for each in proof["inputs"])


def test_who_leaves_is_asked_no_more_and_the_alarm_goes_on(copies: Copies) -> None:
    stage = copies.stage()
    for pump in ("pump-1", "pump-2", "pump-3"):
        _say(stage, pump, temp=80)
    (one,) = _all(stage, "two-warm")
    for pump, stands in (("pump-1", True), ("pump-3", False)):
        with stage.database.write() as session:
            session.execute(update(Device).where(Device.code == pump).values(state="retired"))
        stage.reload()
        stage.wait(2)
        stage.finish()
        (now,) = _all(stage, "two-warm")
        assert now.tripped == one.tripped
        assert (now.cleared is None) is stands


def test_who_joins_may_end_it_although_nothing_is_heard(copies: Copies) -> None:
    stage = copies.stage()
    _say(stage, "board-1", kw=5)
    with stage.database.write() as session:
        session.execute(update(Device).where(Device.code == "pump-3").values(state="retired"))
    stage.restart()
    _say(stage, "pump-1", temp=80)
    stage.wait(30)
    stage.finish()
    assert len(_all(stage, "all-warm")) == 1
    with stage.database.write() as session:
        session.execute(update(Device).where(Device.code == "pump-1").values(state="retired"))
        session.execute(update(Device).where(Device.code == "pump-3").values(state="active"))
    stage.reload()
    # Nobody knows anything of pump-3 yet, so nothing is decided.
    stage.wait(30)
    stage.finish()
    assert _all(stage, "all-warm")[0].cleared is None
    _say(stage, "pump-3", temp=65)
    stage.wait(30)
    stage.finish()
    assert _all(stage, "all-warm")[0].cleared is not None


def test_without_any_member_it_watches_nothing(copies: Copies) -> None:
    stage = copies.stage()
    with stage.database.write() as session:
        session.execute(delete(Supply))
        publish_rules(session, RULES.split("---")[1].replace("power > 2 kW", "true"))
    stage.reload()
    bound = {binding.facts.rule_id for binding in stage.judge.registry.bindings.values()}
    assert "all-warm" not in bound


@pytest.mark.parametrize("seed", range(4))
def test_a_back_test_decides_what_ingest_decided(
    copies: Copies, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(test_replay, "RULES", RULES)
    monkeypatch.setattr(test_replay, "RULE_IDS", ("two-warm", "all-warm", "wet-and-shaking"))
    stage = copies.stage()
    story = Story(stage, random.Random(seed), repeats=seed % 2 == 0)
    lived = story.live()
    told = [one for wanted in orders(stage) for one in happened(stage, wanted, story.rows)]
    assert sorted(map(str, told)) == sorted(map(str, lived))
    assert {one[0] for one in lived} >= {"two-warm", "wet-and-shaking"}


def test_why_names_the_members(copies: Copies) -> None:
    stage = copies.stage()
    for pump, value in (("pump-1", 80), ("pump-3", 65)):
        _say(stage, pump, temp=value)
    with stage.database.read() as session:
        board = session.scalars(select(Asset).where(Asset.code == "board-1")).one()
        rights = dict.fromkeys(("telemetry.read", "tickets.read"), frozenset({board.site_id}))
        caller = Caller(uuid4(), "", "en", rights)
        moment = from_micros(stage.now + MICROS)
        wanted = why.ask(
            session, caller, Tried("two-warm", RULES, None), board.id, moment, shard="main"
        )
    found = why.explain(wanted, stage.store)
    assert [(part.text, part.holds) for part in found.when] == [
        (
            "count(pump.motor_temperature > 60 °C in building) 2 to 3 of 3 >= 2"
            " [pump-1: motor_temperature 80 °C > 60 °C; pump-3: motor_temperature 65 °C > 60 °C]",
            True,
        )
    ]
    assert {each.point for each in found.points} == {
        f"{pump}/motor_temperature" for pump in ("pump-1", "pump-2", "pump-3")
    }


def test_a_rule_that_has_nobody_to_ask_is_told_so(copies: Copies) -> None:
    stage = copies.stage()
    with stage.database.write() as session:
        node = company_node(session)
        assert node is not None
        everywhere = rule("distribution_board", when="any(fan.running in floor)")
        ((key, problem),) = unsuited(session, everywhere, node.id)
        assert key == "when"
        assert problem.startswith("there is nobody to ask (fan.running in floor) at board-1, so")
        assert unasked(session, rule(when="any(pump.running below)"), node.id)[0] == [
            "pump-1",
            "pump-2",
            "pump-3",
        ]
        fed = rule("distribution_board", when="any(pump.running below)")
        assert unsuited(session, fed, node.id) == []
        either = rule(when="running or any(pump.running below)")
        assert unsuited(session, either, node.id) == []


def test_a_delay_shorter_than_the_interval_of_those_asked_is_refused(copies: Copies) -> None:
    stage = copies.stage()
    with stage.database.write() as session:
        node = company_node(session)
        assert node is not None
        hasty = rule("distribution_board", when="any(pump.motor_temperature > 60 °C below)")
        assert unsuited(session, hasty, node.id) == []
        hasty = rule(
            "distribution_board", when="any(pump.motor_temperature > 60 °C below)", for_="5s"
        )
        ((key, problem),) = unsuited(session, hasty, node.id)
        assert key == "for"
        assert problem.startswith(
            "5s is shorter than the 10s between two readings of pump.motor_temperature, so"
        )
        assert problem.endswith("write at least 20s (board-1)")
