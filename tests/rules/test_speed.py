"""The hot path stays one compiled closure, with no allocation that grows with the rule."""

import dis
import timeit

from tests.rules.building import Bench, rule


def test_a_threshold_is_evaluated_in_well_under_a_microsecond() -> None:
    bench = Bench(rule(when="motor_temperature > 75 °C"), "motor_temperature")
    bench.read(1, motor_temperature=50)
    test = bench.instance.test
    # Generous, for a busy machine: a tree walk costs two microseconds and more.
    best = min(timeit.repeat(test, number=20_000, repeat=5)) / 20_000
    assert best < 0.6e-6


def test_the_closure_calls_nothing_while_every_value_is_known() -> None:
    bench = Bench(
        rule(when="running and (flow < 3 or current > 5 A)"), "running", "flow", "current"
    )
    code = bench.instance.test.__code__
    calls = [each for each in dis.get_instructions(code) if each.opname.startswith("CALL")]
    # The one call is the slow path, for values that are not known yet.
    assert len(calls) == 1
