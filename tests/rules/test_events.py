"""Conditions on events: what may be asked of them, and what is decided at and between them."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.catalog import ANY, TOLD, load_catalog, shipped_catalog, told_of
from rules.document import load_rules
from rules.engine import ReceiptNow, Slot, bind
from rules.expression import ExpressionError, compile_expression
from rules.located_yaml import LocatedYamlError
from rules.replay import Columns, PlacedDevice, PlacedPoint, PlacedRule, Replay, Scene, replay
from rules.replay import skipping as skipping_module
from rules.rule import Rule
from tests.rules.building import SECOND, Bench, rule

DOOR = shipped_catalog()["door"].points
COUNTED = "count(door_held, 60s) >= 3"


@pytest.mark.parametrize(
    ("condition", "complaint"),
    [
        ("door_forced", "it happens and doesn't last. Say how often and in what time, as in"
         " count(door_forced, 10m) >= 1"),
        ("not door_forced", "it happens and doesn't last"),
        ("door_forced > 3", "it happens and doesn't last"),
        ("open and door_forced == true", "it happens and doesn't last"),
        ("abs(door_forced) > 1", "it happens and doesn't last"),
        ("avg(door_forced, 1h) > 1", "avg() can't be told of an event such as door_forced; use"
         " count(), since() or repeats()"),
        ("age(door_forced) > 1h", "age() can't be told of an event"),
        ("stuck(door_forced, 1h)", "stuck() can't be told of an event"),
        ("repeats(battery, 1h) > 2", "repeats() takes an event, and battery is none"),
        ("count(door_forced, 32d) > 2", "a window is at most 31d long"),
        ("count(battery, 8d) > 2", "a window is at most 7d long"),
        ("since(door_forced) > 32d", "a window is at most 31d long"),
    ],
)  # fmt: skip
def test_what_can_t_be_asked_of_an_event_is_refused_with_advice(
    condition: str, complaint: str
) -> None:
    with pytest.raises(ExpressionError) as refused:
        compile_expression(condition, DOOR)
    assert complaint in str(refused.value)


def test_a_rule_for_any_asset_may_name_what_the_product_tells_of_any() -> None:
    for condition in (
        "repeats(ticket_opened, 30d) >= 3",
        "count(ticket_opened, 30d) > 4 and during(night)",
        "since(ticket_opened) > 30d",
    ):
        compile_expression(condition, None)
    with pytest.raises(ExpressionError, match=r"only overdue\(\) and events: ticket_opened"):
        compile_expression("door_forced", None)
    with pytest.raises(ExpressionError, match="it happens and doesn't last"):
        compile_expression("ticket_opened", None)


def test_every_asset_has_what_the_product_tells_and_no_catalogue_may_take_its_name() -> None:
    for code, each in shipped_catalog().items():
        assert each.points.keys() & TOLD.keys() == told_of(code).keys()
    assert told_of("pump").keys() == told_of(ANY).keys() == {"ticket_opened"}
    assert told_of("checkpoint").keys() == TOLD.keys()
    text = "kiln:\n  points:\n    ticket_opened: {kind: event}\n"
    with pytest.raises(LocatedYamlError, match="'ticket_opened' can't be a name"):
        load_catalog(text, "c.yaml")


def test_an_event_has_no_unit_and_no_states() -> None:
    text = (
        "kiln:\n  points:\n    rang: {kind: event, unit: V}\n    hit: {kind: event, states: []}\n"
    )
    with pytest.raises(LocatedYamlError) as refused:
        load_catalog(text, "c.yaml")
    assert [each.line for each in refused.value.problems] == [3, 4]


def test_the_first_event_ever_counts_and_the_alarm_clears_when_it_is_past() -> None:
    bench = Bench(rule("door", when="count(door_forced, 60s) >= 1"), "door_forced")
    bench.wait(100)
    assert bench.read(200, door_forced=1) == ["tripped"]
    bench.read(230, door_forced=1)
    bench.wait(400)
    assert bench.told == [("tripped", 200), ("cleared", 290)]
    assert bench.transitions[0].reason == "count(door_forced, 1m) 1 >= 1"


def test_a_condition_on_an_event_that_never_happened_is_known() -> None:
    tested = rule("door", when="open and count(door_forced, 60s) == 0")
    bench = Bench(tested, "open", "door_forced")
    assert bench.read(10, open=1) == ["tripped"]


def test_a_controller_without_the_event_needs_no_window() -> None:
    tested = rule("door", when="forced or count(door_forced, 60s) >= 1")
    plain = Bench(tested, "forced")
    assert plain.instance.past is None
    assert plain.read(10, forced=1) == ["tripped"]
    other = Bench(tested, "door_forced")
    assert other.read(10, door_forced=1) == ["tripped"]


def test_the_time_since_an_event_is_unknown_until_it_happened_once() -> None:
    bench = Bench(rule("door", when="since(door_held) > 60s"), "door_held", "open")
    bench.read(500, open=1)
    bench.wait(900)
    assert bench.told == []
    bench.read(1000, door_held=1)
    bench.wait(2000)
    bench.read(2000, door_held=1)
    assert bench.told == [("tripped", 1060.000001), ("cleared", 2000)]


def test_only_moments_of_the_same_category_are_repeats() -> None:
    bench = Bench(rule("door", when="repeats(ticket_opened, 60s) >= 3"), "ticket_opened")
    for at, category in enumerate((2, 5, 2, 7), 1):
        assert bench.read(at, ticket_opened=category) == []
    assert bench.read(5, ticket_opened=2) == ["tripped"]
    bench.wait(200)
    assert bench.told[1:] == [("cleared", 61)]


@pytest.mark.parametrize("blind", [False, True])
def test_a_past_that_could_not_be_read_is_not_taken_for_one_without_events(blind: bool) -> None:
    slots = {"door_held": Slot(1.0, 1000 * SECOND, 1000 * SECOND)}
    tested = rule("door", when="count(door_held, 60s) < 3", for_="1s")
    instance = bind(tested, "door", slots, ReceiptNow())
    assert instance.past is not None
    instance.past.rebuild({} if blind else {"door_held": [(1000 * SECOND, 1.0)]})
    assert instance.verdict() is (None if blind else True)
    instance.past.move_to(1060 * SECOND)
    assert instance.verdict() is True


def test_a_delay_on_an_event_runs_while_it_goes_on_happening() -> None:
    bench = Bench(rule("door", when="count(access_denied, 60s) >= 1", for_="2m"), "access_denied")
    for at in (0, 50, 100):
        bench.read(at + 1, access_denied=1)
    bench.wait(500)
    assert [kind for kind, _ in bench.told] == ["pending", "tripped", "cleared"]
    assert bench.told[1][1] == 121


def test_readings_can_t_be_counted_where_events_are() -> None:
    text = (
        "id: x\ntitle: {en: X}\napplies_to: {asset_type: door}\n"
        "when: count(door_held, 1h) >= 1\nfor: 3 readings\nseverity: low\n"
        "ticket: {kind: hazard, category: security, team: security}\n"
    )
    (problem,) = load_rules(text, "x.yaml", shipped_catalog()).problems
    assert "can't count readings; give a duration" in str(problem)


ATOMS = (
    "count(door_held, 20s) >= 2",
    "count(door_held, 60s) == 0",
    "count(access_denied, 20s) >= 1",
    "since(door_held) > 30s",
    "repeats(ticket_opened, 60s) >= 2",
    "changes(open, 40s) > 1",
    "open",
    "forced",
)
CODES = ("door_held", "access_denied", "ticket_opened", "open", "forced")
conditions = st.lists(st.sampled_from(ATOMS), min_size=1, max_size=3, unique=True).flatmap(
    lambda some: st.sampled_from((" and ".join(some), " or ".join(some), f"not ({some[0]})"))
)


@st.composite
def tried(draw: st.DrawFn) -> Rule:
    more = {"for_": draw(st.sampled_from(("0s", "7s"))), "clear_for": draw(st.just("0s"))}
    return rule("door", when=draw(conditions), **more)


def _columns(steps: Sequence[tuple[int, int, int]], points: Sequence[PlacedPoint]) -> Columns:
    rows, received, last = [], 100 * SECOND, dict[int, int]()
    for gap, which, value in steps:
        received += gap * SECOND + 1
        if which >= len(points) or last.get(which) == received:
            continue
        last[which] = received
        happens = points[which].code in ("door_held", "access_denied")
        rows.append((which, received, 1.0 if happens else float(value), received))
    whole = [np.array([row[i] for row in rows], float if i == 2 else int) for i in range(4)]
    return Columns(whole[0], whole[1], whole[2], whole[3], whole[3])


@settings(max_examples=120, deadline=None)
@given(
    tried(),
    st.lists(
        st.tuples(st.sampled_from((0, 3, 10, 70)), st.integers(0, 4), st.integers(0, 1)),
        max_size=30,
    ),
)
def test_the_quick_replay_decides_on_events_as_the_plain_one(
    tested: Rule, steps: list[tuple[int, int, int]]
) -> None:
    points = tuple(PlacedPoint("door", code, i // 3) for i, code in enumerate(CODES))
    scene = Scene(points, (PlacedDevice(), PlacedDevice()), (PlacedRule(tested, "door"),))
    columns, until = _columns(steps, points), 3000 * SECOND
    plain = Replay(scene, 0)
    plain.feed(columns)
    plain.wait(until)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(skipping_module, "_WORTH_A_JUMP", 0)
        assert replay(scene, columns, 0, until) == list(plain.outcomes())
