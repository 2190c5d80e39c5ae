"""Reasons on record are told in the reader's language, and none is lost."""

import re
from collections.abc import Iterator
from datetime import UTC

import pytest

from core.clock import EPOCH
from rules.catalog import shipped_catalog
from rules.document import load_rules
from rules.expression.nodes import View
from rules.rule import Rule
from rules.slots import Slot
from watchkeeper.first_run import packs
from web.reader import Reader
from web.reasons import told

ENGLISH, CHINESE = Reader("en", EPOCH, UTC), Reader("zh", EPOCH, UTC)


@pytest.mark.parametrize(
    ("reason", "asset_type", "english", "chinese"),
    [
        (
            "motor_temperature 92.4 °C > 85 °C held 30s",
            "pump",
            "Motor temperature 92.4 °C > 85 °C for 30 secs",
            "电机温度 92.4 °C > 85 °C，持续 30秒",
        ),
        (
            "running and flow 0.2 m³/h <= 1 m³/h held 1h30m",
            "pump",
            "Running: yes and Flow 0.2 m³/h ≤ 1 m³/h for 1 hr 30 mins",
            "运行：是 且 流量 0.2 m³/h ≤ 1 m³/h，持续 1小时 30分钟",
        ),
        ("not running", "pump", "Running: no", "运行：否"),
        (
            "not running or vibration 4.6 mm/s > 4.5 mm/s in 3 readings in a row",
            "pump",
            "Running: no or Vibration velocity 4.6 mm/s > 4.5 mm/s in 3 readings in a row",
            "运行：否 或 振动速度 4.6 mm/s > 4.5 mm/s，连续 3 次读数",
        ),
        (
            "reading 2 of 3: current -1.5e-05 A < 3 A",
            "pump",
            "reading 2 of 3: Motor current -1.5e-05 A < 3 A",
            "第 2 次读数（共需 3 次）：电机电流 -1.5e-05 A < 3 A",
        ),
        # A state is not mistaken for the point of the same name.
        ("mode door_open == door_open", "lift", "Mode door_open = door_open", None),
        ("running true != false", "pump", "Running yes ≠ no", "运行 是 ≠ 否"),
        ("running unknown == true", "pump", "Running unknown = yes", "运行 未知 = 是"),
        (
            "(pressure 0.3 MPa - tank_level 2 m) > 0.1",
            "fire_main",
            "(Pressure 0.3 MPa - Tank level 2 m) > 0.1",
            "(压力 0.3 MPa - 水箱水位 2 m) > 0.1",
        ),
        ("abs(floor -2) >= 2", "lift", "abs(Floor -2) ≥ 2", "abs(楼层 -2) ≥ 2"),
        (
            "age(battery) 26h > 1d",
            "smoke_detector",
            None,
            "电池已 1天 2小时未上报（限值 1天）",
        ),
        ("age(battery) 3.2s <= 1d", "smoke_detector", "Battery was heard 3 secs ago", None),
        (
            "path_age() 2m0.5s > 2m",
            None,
            "nothing over its path for 2 mins (limit 2 mins)",
            "其通信路径已 2分钟无消息（限值 2分钟）",
        ),
        (
            "not heard: pressure for 5m, tank_level for 6m1s",
            "fire_main",
            "not heard: Pressure for 5 mins, Tank level for 6 mins 1 sec",
            "未收到：压力（5分钟）、水箱水位（6分钟 1秒）",
        ),
        ("division by zero", "pump", "division by zero", "除数为零"),
    ],
)
def test_a_reason_is_told_in_both_languages(
    reason: str, asset_type: str | None, english: str | None, chinese: str | None
) -> None:
    if english is not None:
        assert told(ENGLISH, reason, asset_type) == english
    if chinese is not None:
        assert told(CHINESE, reason, asset_type) == chinese


@pytest.mark.parametrize(
    "reason",
    ["", "its own words 3 > 2, made by a later version", "unheard_of 3 kPa > 2 kPa", "42", "> and"],
)
def test_what_nobody_knows_stays_as_it_is(reason: str) -> None:
    assert told(ENGLISH, reason, "pump") == reason


def reasons_of(rule: Rule) -> Iterator[str]:
    """What the engine says about a rule, of its points' first values."""
    for expression in filter(None, (rule.when, rule.clear_when)):
        slots = [Slot(heard=1, interval=1) for _ in expression.points]
        asset = {point.code: Slot(heard=1, interval=1) for point in expression.points}
        view = View(
            [1.0] * len(slots),
            slots,
            asset or {"level": Slot(heard=1, interval=1)},
            Slot(heard=1),
            10**12,
        )
        truth = expression.root.evaluate(view)
        assert isinstance(truth, bool)
        reason, count = expression.root.explain(view, truth), rule.on_delay.readings
        yield (
            f"{reason} in {count} readings in a row" if count else f"{reason} held {rule.on_delay}"
        )


def test_every_reason_of_the_shipped_rules_names_its_points_in_chinese() -> None:
    catalog = shipped_catalog()
    codes = {code for known in catalog.values() for code in known.points}
    checked = 0
    for path in packs():
        for rule in load_rules(path.read_text(encoding="utf-8"), path.name, catalog).rules:
            for reason in reasons_of(rule):
                chinese = told(CHINESE, reason, rule.asset_type)
                words = set(re.findall(r"[a-z_]{3,}", chinese)) - states_of(rule)
                assert not words & (codes | {"and", "not", "held", "heard", "every"}), reason
                checked += 1
    assert checked > 20


def states_of(rule: Rule) -> set[str]:
    """Text states, which are shown as the device sends them."""
    points = [*rule.when.points, *(rule.clear_when.points if rule.clear_when else ())]
    return {state for point in points for state in point.states}


def test_no_english_joint_is_left_in_chinese() -> None:
    reason = "running and not flow_ok or pressure 1 MPa >= 0.2 MPa held 5m in 3 readings in a row"
    chinese = told(CHINESE, reason, "pump")
    assert not re.search(r"\b(and|or|not|held|in|readings)\b", chinese)
