"""Cases that try rules: read with every fault at its place, and run as ingest would."""

from collections.abc import Sequence

import pytest

from rules.cases import Case, failures, load_cases, run
from rules.catalog import shipped_catalog
from rules.rule import Rule
from tests.rules import building

HOT = building.rule(when="motor_temperature > 75 °C", for_="2m", clear_for="1m")
COUNTED = building.rule(when="motor_temperature > 75 °C", for_="2 readings")
LIFT = building.rule("lift", when='mode == "fault"')
RATIO = building.rule(when="current / flow > 2")
SILENT = building.rule("any", when="overdue(3)")
GATEWAY = building.rule("gateway", when="path_age() > 5m")


def indented(*lines: str) -> str:
    return "\n".join(f"    {line}" for line in lines)


def one_case(*lines: str) -> str:
    return "cases:\n  - rule: tested\n" + indented(*lines) + "\n"


def problems(text: str, tested: Rule = HOT) -> list[str]:
    found = load_cases(text, "t_test.yaml", {"tested": tested}, shipped_catalog())
    assert not found.cases
    return [str(each).removeprefix("t_test.yaml:") for each in found.problems]


def case(tested: Rule, *lines: str) -> Case:
    found = load_cases(one_case(*lines), "t_test.yaml", {"tested": tested}, shipped_catalog())
    assert [str(each) for each in found.problems] == []
    return found.cases[0]


def told(tested: Rule, readings: Sequence[str], expect: str, *more: str) -> list[str]:
    """What a case with these readings says: nothing when it holds."""
    story = case(tested, f"readings: [{', '.join(readings)}]", f"expect: {expect}", *more)
    return [f"{each.line}:{each.column}: {each.message}" for each in failures(story, run(story))]


def temperature(at: str, value: float, *more: str) -> str:
    parts = [f"at: {at}", *more, f"values: {{motor_temperature: {value}}}"]
    return "{" + ", ".join(parts) + "}"


READING = "readings: [{at: 0s, values: {motor_temperature: 76}}]"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", ["1:1: a mapping with cases is expected here"]),
        ("- 1\n", ["1:1: a mapping with cases is expected here"]),
        ("cases: [\n", ["2:1: not valid YAML: did not find expected node content"]),
        ("rules: a.yaml\n", ["1:1: 'cases' is missing"]),
        ("cases: []\n", ["1:8: cases is empty"]),
        ("cases:\n  - 5\n", ["2:5: a case is expected here, as a mapping"]),
        ("rules: [5]\ncases: nothing\n", ["1:8: rules must be", "2:8: cases must be a list"]),
        ("cases:\n  - {rule: tasted, expect: nothing}\n", ["2:12: there is no rule 'tasted'; did"]),
        (one_case(READING), ["2:5: 'expect' is missing; write nothing for none"]),
        (one_case(READING, "expect: []"), ["4:13: expect is empty; write nothing for none"]),
        (one_case("expect: nothing"), ["2:5: 'readings' is missing"]),
        (one_case(READING, "expect: nothing", "when: 1"), ["5:5: unknown key 'when'"]),
        (one_case(READING, "expect: [{trip: 2x}]"), ["4:21: '2x' is no time; write it from the"]),
        (one_case(READING, "expect: [{at: 2m}]"), ["4:14: say one of trip", "4:15: unknown key"]),
        (
            one_case(READING, "expect: [{trip: 2m, severity: hi}]"),
            ["4:35: severity must be one of low"],
        ),
        (
            one_case(READING, "expect: [{trip: 2026-01-01T00:00:00Z}]"),
            ["4:21: write all times of a case from its start, or all with a date"],
        ),
        (one_case(READING, "expect: nothing", "until: 2026-01-01T00:00"), ["5:12: '2026-01-01T00"]),
        (
            one_case(READING, "expect: [{trip: 2m}]", "until: 1m"),
            ["5:12: until is before the last reading or decision"],
        ),
    ],
)  # fmt: skip
def test_every_fault_of_a_document_is_told_at_its_place(text: str, wanted: list[str]) -> None:
    found = problems(text)
    assert len(found) == len(wanted), found
    for each, start in zip(found, wanted, strict=True):
        assert each.startswith(start), each


@pytest.mark.parametrize(
    ("reading", "wanted"),
    [
        ("{values: {motor_temperature: 1}}", "3:16: 'at' is missing"),
        ("{at: soon, values: {motor_temperature: 1}}", "3:21: 'soon' is no time"),
        ("{at: 0s}", "3:16: say one of values, through: true and restart: true here"),
        ("{at: 0s, restart: false}", "3:34: restart can only be true"),
        ("{at: 0s, through: true}", "3:25: only a rule with path_age() hears"),
        ("{at: 0s, values: {}}", "3:33: values is empty"),
        ("{at: 0s, valeus: 1}", "3:25: unknown key 'valeus'; did you mean 'values'?"),
        ("{at: 0s, values: {motor_temprature: 1}}", "3:34: no point 'motor_temprature' on assets"),
        ("{at: 0s, values: {motor_temperature: hot}}", "3:53: motor_temperature: 'hot' is no"),
        ("{at: 0s, values: {motor_temperature: 1 bar}}", "3:53: motor_temperature: bar doesn't"),
        ("{at: 0s, values: {motor_temperature: 251}}", "3:53: motor_temperature: 251 °C is"),
        ("{at: 0s, values: {running: 2}}", "3:43: running: 2 is neither true nor false"),
    ],
)  # fmt: skip
def test_every_fault_of_a_reading_is_told_at_its_place(reading: str, wanted: str) -> None:
    found = problems(one_case(f"readings: [{reading}]", "expect: nothing"))
    assert found, reading
    assert any(each.startswith(wanted) for each in found), found


def test_faults_of_points_and_states_are_told_at_their_place() -> None:
    silent = one_case("readings: [{at: 0s, values: {x: 1}}]", "expect: nothing", "points: {x: {}}")
    assert problems(silent, SILENT) == [
        "5:13: overdue() watches points with an interval; give one to a point"
    ]
    lift = one_case("readings: [{at: 0s, values: {mode: falt}}]", "expect: nothing")
    assert problems(lift, LIFT)[0].startswith("3:40: mode: 'falt' is no state of mode")
    lacking = one_case(READING, "expect: nothing", "points: {running: {interval: 1x}}")
    assert [each.partition(" ")[0] for each in problems(lacking)] == ["3:34:", "5:34:"]
    order = "readings: [{at: 1m, values: {running: 1}}, {at: 0s, values: {running: 1}}]"
    assert problems(one_case(order, "expect: nothing"))[0].startswith("3:48: this is received")


def test_a_timer_between_readings_ends_with_its_own_time() -> None:
    readings = [temperature("0s", 76), temperature("3m", 60), temperature("10m", 60)]
    assert told(HOT, readings, "[{trip: 2m}, {clear: 4m}]") == []


def test_a_delay_that_ends_in_quiet_counts_up_to_until() -> None:
    assert told(HOT, [temperature("0s", 76)], "[{trip: 2m}]") == []
    assert told(HOT, [temperature("0s", 76)], "nothing", "until: 1m59.999s") == []
    assert told(HOT, [temperature("0s", 76)], "nothing", "until: 2m") != []


def test_at_the_same_instant_the_reading_goes_before_the_timer() -> None:
    assert told(HOT, [temperature("0s", 76), temperature("2m", 74)], "nothing") == []
    later = [temperature("0s", 76), temperature("2m0.000001s", 74)]
    assert told(HOT, later, "[{trip: 2m}]") == []


def test_a_late_reading_and_one_sent_twice_change_nothing() -> None:
    late = [temperature("0s", 76), temperature("1m", 76), temperature("30s", 60, "received: 90s")]
    assert told(HOT, late, "[{trip: 2m}]") == []
    twice = [temperature("0s", 76), temperature("0s", 76, "received: 1m")]
    assert told(COUNTED, twice, "nothing") == []


def test_a_delayed_delivery_trips_with_the_time_of_its_readings() -> None:
    readings = [temperature("0s", 76, "received: 1h"), temperature("2m", 76, "received: 1h")]
    assert told(HOT, readings, "[{trip: 2m}]") == []


def test_a_message_without_a_point_of_the_rule_is_no_reading_to_count() -> None:
    other = "{at: 1m, values: {vibration: 1}}"
    assert told(COUNTED, [temperature("0s", 76), other], "nothing") == []
    counted = [temperature("0s", 76), other, temperature("2m", 76)]
    assert told(COUNTED, counted, "[{trip: 2m, reason: in 2 readings in a row}]") == []


def test_a_restart_goes_on_with_a_running_delay() -> None:
    readings = [temperature("0s", 76), "{at: 1m, restart: true}"]
    assert told(HOT, readings, "[{trip: 2m}]") == []


def test_silence_trips_by_the_receipt_clock_and_ends_with_what_is_heard() -> None:
    points = "points: {x: {interval: 1m}}"
    heard = ["{at: 0s, values: {x: 1}}", "{at: 5m, values: {x: 1}}"]
    assert told(SILENT, heard, "[{trip: 3m}, {clear: 5m}]", points) == []
    assert told(SILENT, heard[:1], "nothing", points, "until: 2m59.999999s") == []
    old = "{at: 2020-01-01T00:00:00Z, received: 2026-01-01T00:00:00Z, values: {x: 1}}"
    assert told(SILENT, [old], "[{trip: 2026-01-01T08:03:00+08:00}]", points) == []


def test_a_path_is_heard_by_its_own_readings_and_by_what_comes_through_it() -> None:
    own = "{at: 0s, values: {online: true}}"
    through = "{at: 5m, through: true}"
    assert told(GATEWAY, [own, through], "[{trip: 10m0.000001s}]") == []
    assert told(GATEWAY, [own, through], "nothing", "until: 10m") == []


def test_states_booleans_and_units_are_read_as_devices_and_people_write_them() -> None:
    assert told(LIFT, ["{at: 0s, values: {mode: fault}}"], "[{trip: 0s}]") == []
    assert told(LIFT, ["{at: 0s, values: {mode: 4}}"], "[{trip: 0s}]") == []
    warm = ["{at: 0s, values: {motor_temperature: 170 °F}}"]
    assert told(HOT, warm, "[{trip: 2m, reason: motor_temperature 76.6667 °C}]") == []


def test_a_condition_that_fails_is_a_decision_too() -> None:
    readings = ["{at: 0s, values: {current: 1, flow: 0}}", "{at: 1m, values: {flow: 1}}"]
    assert told(RATIO, readings, "[{fail: 0s, reason: division}, {recover: 1m}]") == []


def test_each_difference_is_told_with_what_happened_and_why() -> None:
    readings = [temperature("0s", 76), temperature("3m", 60), temperature("10m", 60)]
    assert told(HOT, readings, "[{trip: 3m}, {clear: 4m}]") == [
        "4:14: expected trip at 3m, but it tripped at 2m: motor_temperature 76 °C > 75 °C held 2m"
    ]
    assert told(HOT, readings, "[{trip: 2m, severity: low, reason: vibration}, {clear: 4m}]") == [
        "4:14: expected severity low, but the rule has high",
        "4:14: expected a reason with 'vibration', but it is:"
        " motor_temperature 76 °C > 75 °C held 2m",
    ]  # fmt: skip
    (missing,) = told(HOT, readings, "[{trip: 2m}, {clear: 4m}, {trip: 11m}]")
    assert missing == "4:39: expected trip at 11m, but nothing more was decided up to 11m"
    (unwanted,) = told(HOT, readings, "[{trip: 2m}]")
    assert unwanted.startswith("4:13: nothing more is expected, but it cleared at 4m: ")
