"""What a learned baseline finds odd, and that it goes on identically after a restart."""

import csv
import itertools
import json
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, seed, settings
from hypothesis import strategies as st

from bench.anomaly import Stage, episodes, false_episodes
from bench.building_series import (
    BEGINNING,
    DAY,
    FAULTS,
    HOUR,
    KINDS,
    STEP,
    FaultKind,
    Reading,
    begin_of_fault,
    faulty,
    usual,
)
from rules.baseline import Baseline, Finding, explain, offset_in
from rules.expression.nodes import number_text

KIND = {kind.name: kind for kind in KINDS}
FAULT = {fault.name: fault for fault in FAULTS}
MOTOR = KIND["motor temperature"]
NAB = Path(__file__).resolve().parents[3] / "shared" / "data" / "nab"


def learned(readings: list[Reading]) -> Baseline:
    baseline = Baseline()
    for at, value in readings:
        baseline.take(at, value)
    return baseline


@pytest.fixture(scope="module")
def flow() -> Stage:
    return Stage(KIND["flow"], 3)


@pytest.mark.parametrize("fault", [each for each in FAULTS if each.alarm], ids=lambda f: f.name)
def test_a_fault_is_told_while_it_lasts(flow: Stage, fault: FaultKind) -> None:
    assert flow.delay(fault) is not None


def test_a_single_spike_is_no_anomaly(flow: Stage) -> None:
    assert flow.delay(FAULT["single spike"]) is None


@pytest.mark.parametrize("name", ["power", "CO2", "constant"])
def test_a_building_that_is_well_stays_quiet(name: str) -> None:
    assert false_episodes(KIND[name], 4, days=35) == 0


def test_nothing_is_said_in_the_first_week() -> None:
    readings = usual(MOTOR, 1, 9)
    baseline = Baseline()
    said = [(at, baseline.take(at, value)) for at, value in readings]
    first = next(at for at, verdict in said if verdict is not None)
    assert 7 * DAY <= first - BEGINNING < 8 * DAY
    assert baseline.tell() == 0.0


def test_a_new_level_is_usual_after_three_days() -> None:
    readings = usual(MOTOR, 2, 42)
    begin = BEGINNING + 28 * DAY
    moved = [(at, value + 25 if at >= begin else value) for at, value in readings]
    baseline = Baseline()
    said = [(at, baseline.take(at, value)) for at, value in moved]
    odd = [at for at, verdict in said if verdict and at >= begin]
    assert odd[0] - begin < HOUR
    assert 3 * DAY <= odd[-1] - begin < 3 * DAY + 2 * HOUR


def test_what_has_lost_its_shape_is_learned_anew() -> None:
    kind = KIND["power"]
    begin = BEGINNING + 28 * DAY
    readings = [
        (at, value if at < begin else 500.0 - 4 * value + (at // STEP % 5) * 30)
        for at, value in usual(kind, 2, 40)
    ]
    baseline = Baseline()
    said = [(at, baseline.take(at, value)) for at, value in readings]
    after = [verdict for at, verdict in said if begin + 4 * DAY < at < begin + 5 * DAY]
    assert set(after) <= {None, False}


def test_late_readings_and_repeated_ones_change_nothing() -> None:
    readings = usual(MOTOR, 5, 3)
    baseline = learned(readings)
    before = json.dumps(baseline.to_state())
    for at, value in readings[-50:]:
        baseline.take(at, value + 100)
    assert json.dumps(baseline.to_state()) == before


@seed(20260224)
@settings(max_examples=3, deadline=None)
@given(
    st.sampled_from(["motor temperature", "running", "temperature on change", "tank level"]),
    st.lists(st.floats(0.0, 1.0), min_size=1, max_size=4),
)
def test_a_restart_anywhere_changes_no_verdict(name: str, cuts: list[float]) -> None:
    kind = KIND[name]
    begin = begin_of_fault(kind, FAULT["stuck"], 1, 9)
    readings = faulty(kind, FAULT["stuck"], usual(kind, 1, 18), begin)
    straight, stopped = Baseline(), Baseline()
    restarts = {int(cut * (len(readings) - 1)) for cut in cuts}
    for number, (at, value) in enumerate(readings):
        if number in restarts:
            stopped = Baseline.from_state(json.loads(json.dumps(stopped.to_state())))
        assert straight.take(at, value) == stopped.take(at, value)
    assert straight.finding == stopped.finding
    assert json.dumps(straight.to_state()) == json.dumps(stopped.to_state())


def test_its_state_is_some_kilobytes_however_long_it_learns() -> None:
    assert len(json.dumps(learned(usual(MOTOR, 1, 43)).to_state())) < 16_000


def test_a_state_of_another_format_is_refused() -> None:
    with pytest.raises(ValueError, match="learn it anew"):
        Baseline.from_state({"format": 0})


def test_a_counter_is_judged_by_how_fast_it_rises() -> None:
    begin = BEGINNING + 21 * DAY
    total, readings = 1000.0, list[Reading]()
    for at, used in usual(KIND["flow"], 1, 24):
        total += used * (6 if at >= begin else 1) / 12
        readings.append((at, total))
    baseline = Baseline()
    begun = episodes(baseline, readings)
    assert begun
    assert begun[0] - begin < 6 * HOUR
    assert baseline.finding is not None
    assert baseline.finding.per_hour


def test_seasons_follow_the_local_clock() -> None:
    shanghai = ZoneInfo("Asia/Shanghai")

    def offset(at: int) -> int:
        told = datetime.fromtimestamp(at / 1e6, UTC).astimezone(shanghai).utcoffset()
        assert told is not None
        return int(told.total_seconds() * 1e6)

    baseline = Baseline(offset)
    for at, value in usual(KIND["power"], 1, 20):
        baseline.take(at, value + (500 if at > BEGINNING + 19 * DAY else 0))
    assert baseline.finding is not None
    assert baseline.finding.local == (baseline.last // STEP) * STEP + 8 * HOUR


def test_what_was_learned_in_another_time_zone_is_not_gone_on_with() -> None:
    shanghai, berlin = (offset_in(ZoneInfo(each)) for each in ("Asia/Shanghai", "Europe/Berlin"))
    baseline = Baseline(shanghai)
    for at, value in usual(MOTOR, 1, 2):
        baseline.take(at, value)
    state = json.loads(json.dumps(baseline.to_state()))
    assert Baseline.from_state(state, shanghai).to_state() == state
    with pytest.raises(ValueError, match="another time zone"):
        Baseline.from_state(state, berlin)


def test_a_day_that_is_an_hour_longer_or_shorter_is_no_anomaly() -> None:
    berlin = ZoneInfo("Europe/Berlin")

    def offset(at: int) -> int:
        told = datetime.fromtimestamp(at / 1e6, UTC).astimezone(berlin).utcoffset()
        assert told is not None
        return int(told.total_seconds() * 1e6)

    # From 5 October, a Monday; summer time ends on 25 October 2026.
    shift = datetime(2026, 10, 5, tzinfo=UTC).timestamp() * 1e6 - BEGINNING
    baseline = Baseline(offset)
    readings = dict(usual(KIND["power"], 5, 28))
    begun = list[int]()
    for at in itertools.islice(readings, 27 * 288):
        # People keep to the clock on the wall.
        moment = int(at + shift)
        wall = at + offset(moment) - 2 * HOUR
        if baseline.take(moment, readings.get(wall, readings[at])):
            begun.append(moment)
    assert begun == []


def _finding(**changes: object) -> Finding:
    numbers: dict[str, object] = {
        "sort": "beat",
        "value": 91.32,
        "usual": 78.23,
        "spread": 1.9,
        "measure": 6.5,
        "limit": 5.0,
        # A Tuesday, 14:00.
        "local": BEGINNING + DAY + 14 * HOUR,
        "lasted": 25 * 60_000_000,
        "days": 43,
        "per_hour": False,
        "held": 9 * HOUR,
        "longest": 2 * HOUR,
    }
    return Finding(**{**numbers, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({}, "motor 91.32 °C; usual for Tuesday 14:00 is 78.2 ± 1.9 °C (6 weeks); 6.9 times its"
         " usual spread for 25 min"),
        ({"sort": "hours", "lasted": 3 * HOUR}, "motor 91.32 °C; usual for Tuesday 14:00 is 78.2 ±"
         " 1.9 °C (6 weeks); 6.5 times its usual spread through the last hours for 3 h"),
        ({"sort": "still"}, "motor 91.32 °C has not changed for 9 h; usual is at most 2 h"
         " (6 weeks)"),
        ({"sort": "restless", "measure": 3.0, "days": 9}, "motor 91.32 °C; usual for Tuesday 14:00"
         " is 78.2 ± 1.9 °C (9 days); it swings 4.4 times as far as usual for 25 min"),
        ({"per_hour": True}, "motor 91.32 °C/h; usual for Tuesday 14:00 is 78.2 ± 1.9 °C/h"
         " (6 weeks); 6.9 times its usual spread for 25 min"),
    ],
)  # fmt: skip
def test_a_verdict_is_told_in_words_and_numbers(changes: dict[str, object], told: str) -> None:
    assert explain("motor", "°C", _finding(**changes), number_text) == told


def test_a_real_machine_s_failures_are_told() -> None:
    """Where its recording stands beside the project; it is not ours to bring along."""
    if not NAB.exists():
        return

    def micros(text: str) -> int:
        return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1e6)

    with (NAB / "machine_temperature_system_failure.csv").open(encoding="utf-8") as file:
        rows = [(micros(row["timestamp"]), float(row["value"])) for row in csv.DictReader(file)]
    (pairs,) = json.loads((NAB / "windows.json").read_text(encoding="utf-8")).values()
    windows = [(micros(begin), micros(end)) for begin, end in pairs]
    begun = episodes(Baseline(), rows)
    found = [[at for at in begun if start <= at <= end] for start, end in windows]
    assert sum(bool(each) for each in found) >= 3
    for number, (start, end) in enumerate(windows):
        if number in (1, 3):
            collapse = min(at for at, value in rows if start <= at <= end and value < 40)
            assert found[number][0] <= collapse
    assert len(begun) - sum(map(len, found)) <= 4
