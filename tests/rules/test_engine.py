"""An alarm trips, clears, waits, counts, fails and recovers."""

from dataclasses import replace

import pytest

from rules.engine import (
    AlarmState,
    BindError,
    Input,
    Phase,
    ReceiptNow,
    Slot,
    adopt,
    bind,
    next_wake,
)
from tests.rules.building import SECOND, Bench, rule

HOT = rule(
    when="motor_temperature > 75 °C", clear_when="motor_temperature < 70 °C", for_="2m",
    clear_for="5m",
)  # fmt: skip


def test_a_value_that_stays_high_trips_at_the_end_of_its_delay() -> None:
    bench = Bench(HOT, "motor_temperature")
    assert bench.read(0.5, motor_temperature=82.1) == ["pending"]
    assert bench.read(100, motor_temperature=83) == []
    assert bench.read(130, motor_temperature=84) == ["tripped"]
    tripped = bench.transitions[-1]
    assert tripped.at == round(120.5 * SECOND)
    assert tripped.reason == "motor_temperature 83 °C > 75 °C held 2m"
    assert tripped.inputs == (Input("motor_temperature", 83.0, 100 * SECOND),)
    assert tripped.after.tripped_at == tripped.at


def test_a_reading_at_the_very_instant_of_the_delay_goes_first() -> None:
    bench = Bench(HOT, "motor_temperature")
    bench.read(1, motor_temperature=80)
    assert bench.read(121, motor_temperature=60) == ["abandoned"]
    bench.read(200, motor_temperature=80)
    assert bench.read(320, motor_temperature=80) == ["tripped"]


def test_a_timer_due_before_a_reading_trips_even_when_the_reading_is_normal() -> None:
    bench = Bench(HOT, "motor_temperature")
    bench.read(1, motor_temperature=80)
    assert bench.read(122, motor_temperature=60) == ["tripped", "clearing"]
    assert bench.told[-2:] == [("tripped", 121), ("clearing", 122)]


def test_a_short_excursion_opens_nothing() -> None:
    bench = Bench(HOT, "motor_temperature")
    bench.read(1, motor_temperature=80)
    assert bench.read(60, motor_temperature=72) == ["abandoned"]
    assert bench.transitions[-1].reason == "motor_temperature 72 °C <= 75 °C"
    assert bench.wait(10_000) == []


def test_a_quiet_device_trips_by_the_receipt_clock_with_the_same_trip_time() -> None:
    bench = Bench(HOT, "motor_temperature")
    bench.read(1, receipt=5000, motor_temperature=80)
    assert next_wake(bench.instance) == (5000 + 120 + 1) * SECOND
    assert bench.wait(5120.9) == []
    assert bench.wait(5121) == ["tripped"]
    assert bench.told[-1] == ("tripped", 121)
    assert next_wake(bench.instance) is None


def test_the_deadband_holds_the_alarm_and_chatter_resumes_it() -> None:
    bench = Bench(HOT, "motor_temperature")
    bench.read(1, motor_temperature=80)
    bench.read(200, motor_temperature=72)
    assert bench.instance.state.phase is Phase.ACTIVE
    assert bench.read(210, motor_temperature=69) == ["clearing"]
    assert bench.read(220, motor_temperature=71) == ["resumed"]
    assert bench.read(230, motor_temperature=69) == ["clearing"]
    assert bench.read(600, motor_temperature=69) == ["cleared"]
    assert bench.told[-1] == ("cleared", 530)
    assert bench.instance.state.cleared_at == 530 * SECOND


def test_readings_not_newer_than_the_last_transition_are_ignored() -> None:
    bench = Bench(rule(when="motor_temperature > 75"), "motor_temperature")
    assert bench.read(10, motor_temperature=80) == ["tripped"]
    assert bench.read(10, motor_temperature=60) == []
    assert bench.read(9, motor_temperature=60) == []
    assert bench.read(11, motor_temperature=60) == ["cleared"]


def test_when_both_conditions_hold_it_trips_and_clears_only_from_the_next_reading() -> None:
    bench = Bench(
        rule(when="motor_temperature > 50", clear_when="motor_temperature < 90"),
        "motor_temperature",
    )
    assert bench.read(1, motor_temperature=60) == ["tripped"]
    assert bench.read(2, motor_temperature=60) == ["cleared"]
    assert bench.read(3, motor_temperature=60) == ["tripped"]


def test_three_readings_in_a_row_are_counted_and_the_count_survives_a_restart() -> None:
    tested = rule(when="motor_temperature > 75", for_="3 readings")
    bench = Bench(tested, "motor_temperature")
    assert bench.read(1, motor_temperature=80) == ["pending"]
    assert bench.read(2, motor_temperature=81) == ["counted"]
    assert bench.instance.state.count == 2
    bench.restart(tested)
    assert bench.read(2, motor_temperature=81) == []
    assert bench.read(3, motor_temperature=82) == ["tripped"]
    assert bench.transitions[-1].reason.endswith("in 3 readings in a row")
    assert bench.told[-1] == ("tripped", 3)


def test_a_normal_reading_starts_the_count_anew() -> None:
    bench = Bench(rule(when="motor_temperature > 75", for_="2 readings"), "motor_temperature")
    bench.read(1, motor_temperature=80)
    assert bench.read(2, motor_temperature=70) == ["abandoned"]
    assert bench.read(3, motor_temperature=80) == ["pending"]
    assert bench.instance.state.count == 1


def test_a_running_delay_survives_a_restart_with_the_values_that_started_it() -> None:
    bench = Bench(HOT, "motor_temperature")
    bench.read(1, receipt=100, motor_temperature=80)
    bench.restart(HOT)
    assert bench.read(300, motor_temperature=50) == ["tripped", "clearing"]
    assert bench.transitions[1].inputs == (Input("motor_temperature", 80.0, SECOND),)
    assert bench.transitions[1].at == 121 * SECOND


def test_division_by_zero_is_told_once_and_so_is_its_end() -> None:
    bench = Bench(rule(when="flow / current > 3"), "flow", "current")
    assert bench.read(1, flow=1, current=0) == ["failed"]
    assert bench.instance.state.failing == "division by zero"
    assert bench.read(2, flow=2, current=0) == []
    assert bench.read(3, flow=2, current=1) == ["recovered"]
    assert bench.instance.state.failing is None
    assert bench.read(4, flow=2, current=0) == ["failed"]
    assert bench.read(5, flow=9, current=1) == ["recovered", "tripped"]


def test_a_result_beyond_the_range_of_numbers_fails_the_rule() -> None:
    bench = Bench(rule(when="flow * flow > 3"), "flow")
    assert bench.read(1, flow=1e200) == ["failed"]
    assert "finite" in (bench.instance.state.failing or "")
    bench = Bench(rule(when="3 / (flow * flow) < 1"), "flow")
    assert bench.read(1, flow=1e200) == ["failed"]


def test_a_failure_keeps_the_standing_alarm_and_the_running_timer() -> None:
    bench = Bench(rule(when="flow / current > 3", for_="10s"), "flow", "current")
    bench.read(1, flow=9, current=1)
    assert bench.read(5, flow=9, current=0) == ["failed"]
    assert bench.instance.state.phase is Phase.PENDING
    assert bench.read(20, flow=9, current=1) == ["tripped", "recovered"]
    assert bench.told[-2:] == [("tripped", 11), ("recovered", 20)]


def test_one_known_point_can_trip_while_another_was_never_heard() -> None:
    bench = Bench(
        rule(when="motor_temperature > 75 °C or vibration > 3"), "motor_temperature", "vibration"
    )
    assert bench.read(1, motor_temperature=60) == []
    assert bench.read(2, motor_temperature=80) == ["tripped"]
    assert bench.transitions[-1].reason == "motor_temperature 80 °C > 75 °C"
    # Vibration may be high still, so nobody can say that the fault is over.
    assert bench.read(3, motor_temperature=60) == []


def test_a_point_that_the_asset_lacks_neither_trips_nor_holds_an_alarm() -> None:
    bench = Bench(rule(when="motor_temperature > 75 °C or vibration > 3"), "motor_temperature")
    assert bench.read(2, motor_temperature=80) == ["tripped"]
    assert bench.transitions[-1].inputs == (Input("motor_temperature", 80.0, 2 * SECOND),)
    assert bench.read(3, motor_temperature=60) == ["cleared"]
    bench = Bench(rule(when="motor_temperature > 75 and vibration > 3"), "motor_temperature")
    assert bench.read(2, motor_temperature=80) == []
    bench = Bench(rule(when="not (running and flow > 1 or vibration > 3)"), "running", "vibration")
    assert bench.read(2, running=0, vibration=1) == ["tripped"]
    assert bench.read(3, running=1) == ["cleared"]


def test_an_unknown_point_keeps_both_from_holding() -> None:
    bench = Bench(rule(when="running and flow < 1 m³/h"), "running", "flow")
    assert bench.read(1, running=1) == []
    assert bench.read(2, flow=0.2) == ["tripped"]
    assert bench.transitions[-1].reason == "running and flow 0.2 m³/h < 1 m³/h"
    assert bench.read(3, running=0) == ["cleared"]
    assert bench.transitions[-1].reason == "not running"


def test_states_and_booleans_are_told_by_their_names() -> None:
    bench = Bench(
        rule("lift", when='between_floors and occupied and mode == "fault"', life_safety="true"),
        "mode", "between_floors", "occupied",
    )  # fmt: skip
    bench.read(1, mode=1, between_floors=1, occupied=1)
    assert bench.read(2, mode=4) == ["tripped"]
    assert bench.transitions[-1].reason == "between_floors and occupied and mode fault == fault"


def test_an_asset_without_any_of_the_points_is_refused() -> None:
    with pytest.raises(BindError, match="motor_temperature"):
        bind(HOT, "asset-1", {"flow": Slot()}, ReceiptNow())


def test_a_new_version_inherits_the_standing_alarm() -> None:
    bench = Bench(HOT, "motor_temperature")
    bench.read(1, motor_temperature=80)
    bench.read(200, motor_temperature=80)
    standing = bench.instance.state
    milder = rule(when="motor_temperature > 90")
    renewed = Bench(milder, "motor_temperature")
    adopt(renewed.instance, standing)
    assert renewed.instance.state == standing
    assert renewed.read(300, motor_temperature=85) == ["cleared"]


def test_a_new_version_starts_a_running_delay_again_even_on_a_quiet_device() -> None:
    bench = Bench(HOT, "motor_temperature")
    bench.read(10, motor_temperature=80)
    pending = bench.instance.state
    shorter = Bench(rule(when="motor_temperature > 75", for_="30s"), "motor_temperature")
    shorter.slots["motor_temperature"].value = 80.0
    shorter.slots["motor_temperature"].at = 10 * SECOND
    adopt(shorter.instance, pending)
    assert shorter.instance.state.phase is Phase.NORMAL
    assert shorter.instance.state.due is None
    assert next_wake(shorter.instance) == 0
    assert shorter.fire(1000) == ["pending"]
    assert next_wake(shorter.instance) == 1031 * SECOND
    assert shorter.fire(1031) == ["tripped"]
    assert shorter.told[-1] == ("tripped", 40)


def test_a_new_version_that_no_longer_matches_drops_the_delay() -> None:
    other = Bench(rule(when="motor_temperature > 90", for_="30s"), "motor_temperature")
    other.slots["motor_temperature"].value = 80.0
    pending = replace(AlarmState(), phase=Phase.PENDING, since=1, due=2, due_receipt=3)
    adopt(other.instance, pending)
    assert other.fire(1000) == []
    assert next_wake(other.instance) is None


def test_history_is_judged_in_its_own_time_however_old() -> None:
    bench = Bench(HOT, "motor_temperature")
    for minute in range(4):
        bench.read(minute * 60 + 1, receipt=9_000_000 + minute, motor_temperature=80)
    assert bench.told == [("pending", 1), ("tripped", 121)]
