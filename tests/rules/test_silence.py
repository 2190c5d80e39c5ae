"""Rules on silence run on the receipt clock, to the instant."""

from rules.engine import Phase, Slot, adopt, next_wake
from tests.rules.building import SECOND, Bench, rule

SILENT = rule("any", when="overdue(3)")


def _sensor(interval: int = 60) -> Bench:
    bench = Bench(SILENT, "temperature", "humidity")
    bench.slots["temperature"].interval = interval * SECOND
    return bench


def test_a_sensor_is_silent_after_three_intervals_and_clears_when_heard() -> None:
    bench = _sensor()
    bench.read(100, temperature=20)
    assert next_wake(bench.instance) == 280 * SECOND
    assert bench.wait(279.9) == []
    assert bench.wait(280) == ["tripped"]
    assert bench.told == [("tripped", 280)]
    assert bench.transitions[-1].reason == "not heard: temperature for 3m"
    assert bench.read(400, temperature=20) == ["cleared"]
    assert bench.told[-1] == ("cleared", 400)
    assert bench.transitions[-1].reason == "every expected point was heard in time"


def test_event_times_that_are_years_off_do_not_matter() -> None:
    bench = _sensor()
    bench.read(5_000_000, receipt=100, temperature=20)
    assert bench.wait(300) == ["tripped"]
    assert bench.told == [("tripped", 280)]


def test_a_late_call_still_trips_at_the_instant_of_silence() -> None:
    bench = _sensor()
    bench.read(100, temperature=20)
    assert bench.fire(1000) == ["tripped"]
    assert bench.told == [("tripped", 280)]


def test_an_old_wake_after_another_message_does_nothing() -> None:
    bench = _sensor()
    bench.read(100, temperature=20)
    bench.read(200, temperature=20)
    assert bench.fire(280) == []
    assert next_wake(bench.instance) == 380 * SECOND


def test_a_point_without_interval_or_never_heard_is_not_overdue() -> None:
    bench = _sensor()
    bench.read(100, humidity=50)
    assert next_wake(bench.instance) is None
    assert bench.fire(100_000) == []


def test_a_point_behind_a_silent_path_opens_no_alarm() -> None:
    bench = _sensor()
    bench.read(100, temperature=20)
    bench.slots["temperature"].excused = True
    assert bench.wait(1000) == []
    assert bench.fire(1000) == []
    bench.slots["temperature"].excused = False
    assert bench.fire(1001) == ["tripped"]


def test_a_silent_path_is_no_recovery_of_a_sensor_that_was_silent_before() -> None:
    bench = _sensor()
    bench.read(100, temperature=20)
    bench.wait(300)
    bench.slots["temperature"].excused = True
    assert bench.fire(500) == []
    assert bench.instance.state.phase is Phase.ACTIVE


def test_messages_cost_a_silence_rule_nothing_while_all_is_well() -> None:
    bench = _sensor()
    bench.read(100, temperature=20)
    assert bench.instance.test() is False


def test_a_gateway_is_silent_when_nothing_came_through_it() -> None:
    gateway = Slot(heard=100 * SECOND)
    bench = Bench(rule("gateway", when="path_age() > 5m", for_="1m"), "rssi", path=gateway)
    assert bench.wait(400) == []
    assert bench.wait(401) == ["pending"]
    assert bench.transitions[-1].at == 400 * SECOND + 1
    assert bench.wait(461) == ["tripped"]
    assert bench.transitions[-1].at == 460 * SECOND + 1
    gateway.heard = 500 * SECOND
    assert bench.fire(500) == ["cleared"]


def test_age_and_values_are_judged_together_on_the_receipt_clock() -> None:
    bench = Bench(rule(when="running and age(flow) > 10m"), "running", "flow")
    bench.read(1, receipt=1000, running=0, flow=3)
    assert bench.wait(1601) == []
    assert bench.read(2, receipt=1700, running=1) == ["tripped"]
    assert bench.told == [("tripped", 1700)]
    assert bench.transitions[-1].reason == "running and age(flow) 11m40s > 10m"


def test_after_a_restart_nothing_trips_before_its_last_message() -> None:
    tested = rule(when="running and age(flow) > 10m")
    bench = Bench(tested, "running", "flow")
    bench.read(1, receipt=1000, running=0, flow=3)
    running = bench.slots["running"]
    running.value, running.heard = 1.0, 1700 * SECOND
    bench.restart(tested)
    assert bench.fire(1800) == ["tripped"]
    assert bench.told == [("tripped", 1800)]


def test_silence_during_a_restart_trips_at_the_same_instant() -> None:
    bench = _sensor()
    bench.read(100, temperature=20)
    bench.restart(SILENT)
    assert bench.fire(900) == ["tripped"]
    assert bench.told == [("tripped", 280)]


def test_a_pending_silence_survives_a_restart() -> None:
    tested = rule("any", when="overdue(3)", for_="2m")
    bench = Bench(tested, "temperature")
    bench.slots["temperature"].interval = 60 * SECOND
    bench.read(100, temperature=20)
    assert bench.wait(300) == ["pending"]
    bench.restart(tested)
    assert next_wake(bench.instance) == 400 * SECOND
    assert bench.fire(900) == ["tripped"]
    assert bench.told[-1] == ("tripped", 400)


def test_a_message_before_the_end_of_the_delay_abandons_it() -> None:
    bench = Bench(rule("any", when="overdue(3)", for_="2m"), "temperature")
    bench.slots["temperature"].interval = 60 * SECOND
    bench.read(100, temperature=20)
    bench.wait(300)
    assert bench.read(350, temperature=20) == ["abandoned"]
    assert bench.wait(500) == []


def test_a_new_version_of_a_silence_rule_judges_at_the_next_wake() -> None:
    old = Bench(rule("any", when="overdue(3)", for_="10m"), "temperature")
    old.slots["temperature"].interval = 60 * SECOND
    old.read(100, temperature=20)
    old.wait(300)
    new = Bench(rule("any", when="overdue(3)", for_="1m"), "temperature")
    new.slots["temperature"].interval = 60 * SECOND
    new.slots["temperature"].heard = 100 * SECOND
    adopt(new.instance, old.instance.state)
    assert new.fire(310) == ["pending"]
    assert new.wait(400) == ["tripped"]
    assert new.told[-1] == ("tripped", 370)
