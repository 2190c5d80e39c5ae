"""The quick replay and the plain one, on any rule and any history."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.replay import (
    Columns,
    Listening,
    PlacedDevice,
    PlacedPoint,
    PlacedRule,
    Replay,
    Scene,
    gaps_within,
    quick,
    replay,
    skipping,
)
from rules.rule import Rule
from tests.rules.building import rule

SECOND = 1_000_000
POINTS = ("power", "current", "voltage", "residual_current", "supply")
VALUES = {
    "power": (0.0, 4.0, 9.0, 1e308),
    "current": (0.0, 3.0, 5.0, 1e-300),
    "voltage": (0.0, 210.0, 230.0),
    "residual_current": (0.0, 49.0, 50.0),
    "supply": (0.0, 1.0),
}
ATOMS = (
    "power > 5 kW",
    "power < 4500 W",
    "current >= 3 A",
    "voltage != 210 V",
    "supply",
    "supply == true",
    "power * 10 / current > 2",
    "voltage / power >= 0",
    "abs(residual_current - 49.5) < 1",
    "current > residual_current",
    "power * 10 > 1",
    "power + power > power",
    "avg(power, 20s) > 4 kW",
    "max(current, 30s) - min(current, 30s) >= 2 A",
    "stddev(residual_current, 20s) > 0.4 mA",
    "delta(voltage, 9s) > 0 V",
    "changes(supply, 40s) > 1",
    "stuck(current, 20s)",
    "since(voltage) >= 25s",
    "sum(voltage, 20s) > 400 V",
    "count(voltage, 20s) < 2",
    "power > avg(power, 30s) * 1.5",
)
conditions = st.recursive(
    st.sampled_from(ATOMS),
    lambda inner: st.one_of(
        st.builds("({} and {})".format, inner, inner),
        st.builds("({} or {})".format, inner, inner),
        st.builds("not ({})".format, inner),
    ),
    max_leaves=4,
)
delays = st.sampled_from(("0s", "7s", "30s", "2 readings", "3 readings"))


@st.composite
def rules(draw: st.DrawFn) -> Rule:
    when, clear_when = draw(conditions), draw(st.none() | conditions)
    # A rule with windows can't count readings.
    windows = any(f"{span}s" in f"{when} {clear_when}" for span in (9, 20, 25, 30, 40))
    allowed = delays.filter(lambda each: not (windows and "readings" in each))
    more = {"for_": draw(allowed), "clear_for": draw(allowed)}
    if clear_when is not None:
        more["clear_when"] = clear_when
    return rule("distribution_board", when=when, **more)


@st.composite
def histories(draw: st.DrawFn, points: tuple[PlacedPoint, ...]) -> Columns:
    """Messages of one or two devices: some late, some for a moment that was there already."""
    rows: list[tuple[int, int, float, int]] = []
    received = 100 * SECOND
    for _ in range(draw(st.integers(0, 40))):
        received += draw(st.sampled_from((1, SECOND, 3 * SECOND, 20 * SECOND)))
        at = received - draw(st.sampled_from((0, 0, 0, 2, 9, 25))) * SECOND
        device = draw(st.integers(0, 1))
        able = [number for number, point in enumerate(points) if point.device == device]
        if not able:
            continue
        for which in draw(st.lists(st.sampled_from(able), min_size=1, unique=True)):
            value = draw(st.sampled_from(VALUES[points[which].code]))
            rows.append((which, at - at % draw(st.sampled_from((1, SECOND))), value, received))
    return columns_of(rows)


def columns_of(rows: list[tuple[int, int, float, int]]) -> Columns:
    whole: Any = [np.array([row[i] for row in rows], float if i == 2 else int) for i in range(4)]
    return Columns(whole[0], whole[1], whole[2], whole[3], whole[3])


@st.composite
def stories(draw: st.DrawFn) -> tuple[Scene, Columns]:
    tried = draw(rules())
    codes = sorted(draw(st.sets(st.sampled_from(POINTS))) | {tried.points[0]})
    points = tuple(PlacedPoint("board", code, draw(st.integers(0, 1))) for code in codes)
    scene = Scene(points, (PlacedDevice(), PlacedDevice()), (PlacedRule(tried, "board"),))
    return scene, draw(histories(points))


@settings(max_examples=250, deadline=None)
@given(stories())
def test_the_quick_replay_decides_as_the_plain_one(story: tuple[Scene, Columns]) -> None:
    scene, columns = story
    until = 2000 * SECOND
    plain = Replay(scene, 0)
    plain.feed(columns)
    plain.wait(until)
    with pytest.MonkeyPatch.context() as patch:
        # Jump wherever that is possible, not only where it is worth it.
        patch.setattr(skipping, "_WORTH_A_JUMP", 0)
        assert replay(scene, columns, 0, until) == list(plain.outcomes())


def minutes(values: list[float]) -> Columns:
    return columns_of(
        [(0, minute * 60 * SECOND, value, minute * 60 * SECOND) for minute, value in
         enumerate(values, 1)]
    )  # fmt: skip


def test_the_engine_is_asked_only_where_something_may_happen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = []
    judge = quick._Quick._judge

    def counted(self: Any, row: int, receipt: int) -> None:
        asked.append(row)
        judge(self, row, receipt)

    monkeypatch.setattr(quick._Quick, "_judge", counted)
    tried = rule(when="motor_temperature > 75 °C", for_="2m")
    scene = Scene(
        (PlacedPoint("pump", "motor_temperature", 0),), (PlacedDevice(),),
        (PlacedRule(tried, "pump"),),
    )  # fmt: skip
    values = [50.0] * 1000 + [80.0] * 500 + [50.0] * 1000
    (outcome,) = replay(scene, minutes(values), 0, 10_000 * 60 * SECOND)
    assert [(each.tripped_at, each.cleared_at) for each in outcome.episodes] == [
        (1003 * 60 * SECOND, 1501 * 60 * SECOND)
    ]
    assert len(asked) < 10


def test_the_receipt_clock_of_the_past_stands_still_while_nobody_listened() -> None:
    listening = gaps_within([(0, 50), (100, 200), (300, 310)], 20, 305)
    assert listening == Listening(((20, 50), (100, 200), (300, 305)))
    walls = np.array([10, 20, 40, 60, 100, 150, 200, 250, 400])
    receipts = listening.receipts(walls).tolist()
    assert receipts == [10, 20, 20, 30, 70, 70, 70, 120, 265]
    assert [listening.wall(each) for each in (10, 20, 30, 70, 120)] == [10, 20, 60, 100, 250]


def test_a_scan_of_nothing_is_no_episode() -> None:
    tried = rule(when="motor_temperature > 75 °C")
    points = (PlacedPoint("pump", "motor_temperature", 0),)
    scene = Scene(points, (PlacedDevice(),), (PlacedRule(tried, "pump"),))
    (outcome,) = replay(scene, columns_of([]), 0, SECOND)
    assert not outcome.episodes


def on_two_devices(tried: Rule, *codes: str) -> Scene:
    """A rule on a board, each of whose points has a device of its own."""
    points = tuple(PlacedPoint("board", code, place) for place, code in enumerate(codes))
    devices = tuple(PlacedDevice() for _ in codes)
    return Scene(points, devices, (PlacedRule(tried, "board"),))


def columns_in(seconds: Sequence[tuple[int, float, float, int]]) -> Columns:
    """Rows of a point, its event time, its value, and when it was received, in seconds."""
    return columns_of(
        [(which, round(at * SECOND), value, by * SECOND) for which, at, value, by in seconds]
    )


def test_a_device_that_catches_up_lets_the_clock_decide_sooner() -> None:
    tried = rule("distribution_board", when="since(voltage) >= 25s or supply", for_="0s")
    scene = on_two_devices(tried, "supply", "voltage")
    seconds = [
        (1, 91, 0.0, 100),
        # Nine seconds behind, then six: what comes at 116 is known at 123 then, and not at 126.
        (0, 111, 0.0, 120),
        (0, 115, 0.0, 121),
        # By then it is too late to say that it changed before.
        (1, 115.5, 230.0, 124),
    ]
    columns = columns_in(seconds)
    plain = Replay(scene, 0)
    plain.feed(columns)
    plain.wait(130 * SECOND)
    [found] = plain.outcomes()
    assert [each.tripped_at for each in found.episodes] == [116 * SECOND]


def test_a_reading_that_leaves_another_window_first_lets_the_clock_look_sooner() -> None:
    when, clear = "count(voltage, 20s) < 2", "power > avg(power, 30s) * 1.5"
    tried = rule("distribution_board", when=when, clear_when=clear, for_="0s")
    scene = on_two_devices(tried, "power", "voltage")
    # The power leaves its window at 154 s; the voltage, which comes later, at 142 s.
    seconds = [(0, 124, 9.0, 124), (1, 122, 0.0, 125), (1, 141, 210.0, 145)]
    columns = columns_in(seconds)
    plain = Replay(scene, 0)
    plain.feed(columns)
    plain.wait(146 * SECOND)
    [found] = plain.outcomes()
    [episode] = found.episodes
    assert (episode.tripped_at, episode.reason) == (142 * SECOND, "count(voltage, 20s) 0 < 2")


def test_what_comes_later_and_is_as_old_leaves_the_windows_before_it_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(skipping, "_WORTH_A_JUMP", 0)
    tried = rule("distribution_board", when="power < 4500 W and count(voltage, 20s) < 2", for_="0s")
    scene = on_two_devices(tried, "power", "voltage")
    seconds = [
        (1, 95, 0.0, 120),
        (0, 119, 9.0, 121),
        (0, 121, 0.0, 122),
        (0, 122, 0.0, 123),
        (1, 97, 0.0, 124),
    ]
    columns = columns_in(seconds)
    [found] = replay(scene, columns, 0, 130 * SECOND)
    assert [each.tripped_at for each in found.episodes] == [121 * SECOND]


def test_the_first_point_of_the_newest_time_tells_how_late_it_is_after_a_jump(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(skipping, "_WORTH_A_JUMP", 0)
    tried = rule("distribution_board", when="power < 4500 W and count(voltage, 20s) < 2", for_="0s")
    scene = on_two_devices(tried, "power", "voltage")
    # The voltage of 120 s was heard at once, the power two seconds later: 140 s comes at 141 s.
    seconds = [
        (1, 120, 230.0, 120),
        (1, 96, 210.0, 121),
        (0, 120, 4.0, 122),
        (1, 140, 0.0, 142),
    ]
    columns = columns_in(seconds)
    [found] = replay(scene, columns, 0, 150 * SECOND)
    [episode] = found.episodes
    assert episode.reason == "power 4 kW < 4500 W (4.5 kW) and count(voltage, 20s) 0 < 2"
