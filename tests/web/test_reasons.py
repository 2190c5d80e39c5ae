"""Reasons on record are told in the reader's language, and none is lost."""

import re
from collections.abc import Iterator
from datetime import UTC

import pytest

from core.clock import EPOCH
from rules.baseline import Finding, explain
from rules.baseline.verdict import SORTS, Sort
from rules.catalog import shipped_catalog
from rules.document import load_rules
from rules.expression.nodes import View, number_text
from rules.rule import Rule
from rules.slots import Slot
from watchkeeper.first_run import packs
from web.charts import limits_of
from web.reader import Reader
from web.reasons import told
from web.reasons_many import input_name

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
            "flow 4.1 m³/h; usual for Monday 03:00 is 0.3 ± 0.2 m³/h (9 days); it swings 4.4 times"
            " as far as usual for 3.5 h and during(night) held 15m",
            "pump",
            "Flow 4.1 m³/h; usual for Monday 03:00 is 0.3 ± 0.2 m³/h (from 9 days); it swings 4.4"
            " times as far as usual, so far for 3.5 hrs and within Night shift for 15 mins",
            "流量 4.1 m³/h；星期一 03:00 平时为 0.3 ± 0.2 m³/h（据9天的数据）；波动幅度为平时的 4.4"
            " 倍，已持续3.5小时 且 处于夜班时段，持续 15分钟",
        ),
        (
            "motor_temperature 91.32 °C has not changed for 9 h; usual is at most 2 h (6 weeks)",
            "pump",
            "Motor temperature 91.32 °C has not changed for 9 hrs; usual is at most 2 hrs"
            " (from 6 wks)",
            "电机温度 91.32 °C 已9小时未变化；平时最长2小时不变（据6周的数据）",
        ),
        (
            "flow is as usual held 5m",
            "pump",
            "Flow is as usual for 5 mins",
            "流量与平时一致，持续 5分钟",
        ),
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
        (
            "count(pump.motor_temperature > 60 °C in building) 2 to 3 of 4 >= 2"
            " [p-1: motor_temperature 80 °C > 60 °C; p-2: unknown; and 3 more] held 20s",
            "distribution_board",
            "Pump in the same building: 2 to 3 of 4 say “Motor temperature > 60 °C” (≥ 2)"
            " (p-1: Motor temperature 80 °C > 60 °C; p-2: unknown; and 3 more) for 20 secs",
            "同一楼栋的水泵 4 个中有 2～3 个“电机温度 > 60 °C”（≥ 2）"
            "（p-1 电机温度 80 °C > 60 °C；p-2 未知；另有 3 个），持续 20秒",
        ),
        (
            "not any(pump.fault below) and all(not pump.running in wing) [p-1: not running]",
            "water_tank",
            "Pump supplied by it: none says “Drive fault: yes” and Pump in the same “wing”:"
            " all say “Running: no” (p-1: Running: no)",
            "由其供给的水泵均无“故障信号：是” 且 同一“wing”内的水泵全部“运行：否”（p-1 运行：否）",
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
            "count(door_held, 1h) 3 >= 3",
            "door",
            "Door held open, times in 1 hr: 3 ≥ 3",
            "开门超时1小时内次数 3 ≥ 3",
        ),
        (
            "repeats(ticket_opened, 30d) 3 >= 3",
            "pump",
            "Ticket opened on it, most of one category in 30 days: 3 ≥ 3",
            "新开工单30天内同类最多次数 3 ≥ 3",
        ),
        (
            "since(door_held) > 8h",
            "door",
            "no event “Door held open” for 8 hrs",
            "8小时内未发生“开门超时”",
        ),
        (
            "since(door_held) <= 8h",
            "door",
            "Door held open within the last 8 hrs",
            "最近8小时内发生过“开门超时”",
        ),
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
        (
            "avg(motor_temperature, 10m) 82.1 °C > 75 °C held 2m",
            "pump",
            "Motor temperature, mean of 10 mins: 82.1 °C > 75 °C for 2 mins",
            "电机温度10分钟平均值 82.1 °C > 75 °C，持续 2分钟",
        ),
        (
            "changes(running, 1h) 31 > 24",
            "pump",
            "Running, changes in 1 hr: 31 > 24",
            "运行1小时内变化次数 31 > 24",
        ),
        ("since(running) >= 8h", "pump", "Running unchanged for 8 hrs", "运行8小时未变化"),
        ("since(running) < 8h", "pump", "Running changed within 8 hrs", "运行8小时内有变化"),
        (
            "flow reported the same value within 2h and running",
            "pump",
            "Flow always reported the same value in 2 hrs and Running: yes",
            "流量2小时内读数始终不变 且 运行：是",
        ),
        (
            "running and during(night)",
            "pump",
            "Running: yes and within Night shift",
            "运行：是 且 处于夜班时段",
        ),
        ("outside(opening-hours)", "pump", "outside opening-hours", "处于opening-hours时段之外"),
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


@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize("unit", ["m³/h", "%", None])
def test_whatever_a_baseline_says_is_told_in_chinese(sort: Sort, unit: str | None) -> None:
    for number, per_hour in ((1.234e-05, True), (-20.0, False), (1234567.0, True)):
        finding = Finding(
            sort=sort, value=number, usual=number, spread=abs(number) / 3, measure=12.34,
            limit=5.0, local=0, lasted=2 * 86_400_000_000, days=1, per_hour=per_hour,
            held=7_200_000_000, longest=60_000_000,
        )  # fmt: skip
        chinese = told(CHINESE, explain("flow", unit, finding, number_text), "pump")
        assert not re.findall(r"[a-z]{4,}", chinese), chinese


def reasons_of(rule: Rule) -> Iterator[str]:
    """What the engine says about a rule, of its points' first values."""
    for expression in filter(None, (rule.when, rule.clear_when)):
        slots = [Slot(heard=1, interval=1) for _ in expression.points]
        asset = {point.code: Slot(heard=1, interval=1) for point in expression.points}
        view = View(
            [1.0] * len(slots),
            [1.0] * len(expression.looks),
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


def test_other_assets_are_called_by_their_names() -> None:
    assets = {"p-1": {"type": "pump", "name": {"en": "Pump 1", "zh": "1号泵"}}}
    reason = "any(pump.fault below) [p-1: fault]"
    assert told(CHINESE, reason, "water_tank", assets) == (
        "由其供给的水泵中至少有一个“故障信号：是”（1号泵 故障信号：是）"
    )
    catalog = shipped_catalog()
    assert input_name("p-1/fault", "water_tank", assets, catalog, ENGLISH) == "Pump 1 · Drive fault"
    assert input_name("level", "water_tank", assets, catalog, ENGLISH) == "Level"
    assert limits_of(
        "count(pump.flow > 3 in space) > 1 and level < 2 m",
        [{"point": "pump.flow", "unit": "m³/h"}, {"point": "level", "unit": "m"}],
    ) == {"pump.flow": [3.0], "level": [2.0]}
