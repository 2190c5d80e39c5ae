"""Present values that are judged once more: when others are asked, and when a rule is replaced."""

from tests.rules.building import SECOND, rule
from tests.rules.pipeline import Pipeline

PUMP = ("pump", frozenset({"fault"}))
A, B = {"a": PUMP}, {"a": PUMP, "b": PUMP}
KEYS = ("level", "ticket_opened", "a/fault", "b/fault")
QUIET = "any(pump.fault below) and count(ticket_opened, 30s) == 0"


def _pipeline(
    when: str, others: dict[str, tuple[str, frozenset[str]]], for_: str = "0s"
) -> Pipeline:
    return Pipeline(rule("water_tank", when=when, for_=for_), KEYS, others)


def _say(pipeline: Pipeline, second: int, **values: float) -> None:
    pipeline.say(second * SECOND, {key.replace("_fault", "/fault"): v for key, v in values.items()})


def test_nothing_is_decided_before_anything_was_heard() -> None:
    pipeline = _pipeline("any(pump.fault below) or count(ticket_opened, 20s) == 0", A)
    pipeline.meet(B)
    pipeline.kill(0)
    assert pipeline.log == []


def test_who_leaves_before_anything_was_decided_with_them_makes_it_judged_again() -> None:
    pipeline = _pipeline("all(pump.fault below)", A)
    _say(pipeline, 1, a_fault=1)
    _say(pipeline, 2, a_fault=0)
    pipeline.meet(B)
    _say(pipeline, 5, a_fault=1)
    pipeline.meet(A)
    assert pipeline.log[2:] == [("trip", 5 * SECOND)]


def test_what_is_to_be_judged_again_outlasts_one_more_reload() -> None:
    pipeline = _pipeline("all(pump.fault below)", B)
    _say(pipeline, 5, a_fault=1)
    pipeline.meet(A, at_once=False)
    pipeline.meet(A)
    assert pipeline.log == [("trip", 5 * SECOND)]


def test_a_window_that_emptied_in_quiet_is_empty_when_others_are_asked() -> None:
    pipeline = _pipeline(QUIET, A)
    _say(pipeline, 10, ticket_opened=1)
    _say(pipeline, 20, a_fault=1)
    pipeline.wait(60 * SECOND)
    assert pipeline.log == [("trip", 40 * SECOND)]
    pipeline.meet(B)
    pipeline.wait(60 * SECOND)
    assert pipeline.log == [("trip", 40 * SECOND)]


def test_a_window_that_emptied_in_quiet_is_empty_for_a_new_version() -> None:
    tested = rule("water_tank", when="count(ticket_opened, 30s) == 0", for_="20s")
    pipeline = Pipeline(tested, ["ticket_opened"])
    _say(pipeline, 10, ticket_opened=1)
    pipeline.wait(35 * SECOND)
    pipeline.renew()
    pipeline.wait(60 * SECOND)
    assert pipeline.log == [("trip", 60 * SECOND)]


def test_who_comes_with_values_that_are_known_is_judged_by_them_beside_a_window() -> None:
    pipeline = _pipeline(QUIET, A)
    _say(pipeline, 10, b_fault=1)
    _say(pipeline, 11, a_fault=0)
    pipeline.meet(B)
    assert pipeline.log == [("trip", 11 * SECOND)]


def test_a_delay_that_ended_before_a_newcomer_spoke_has_ended_first() -> None:
    pipeline = _pipeline("all(pump.fault below)", A, for_="6s")
    _say(pipeline, 30, b_fault=0)
    _say(pipeline, 10, a_fault=1)
    pipeline.meet(B)
    assert pipeline.log == [("trip", 16 * SECOND), ("clear", 30 * SECOND)]
