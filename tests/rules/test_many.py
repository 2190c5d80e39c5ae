"""Questions to many assets: how they are read, answered, and kept through clocks and crashes."""

from collections.abc import Sequence
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.cases import failures, load_cases, run
from rules.catalog import shipped_catalog
from rules.document import load_rules
from rules.engine import (
    AlarmState,
    BindError,
    Instance,
    Member,
    bind,
    fire,
    next_wake,
    restore,
    step,
)
from rules.expression import ExpressionError, compile_expression
from rules.form import form_of
from rules.rule import Rule
from rules.slots import ReceiptNow, Slot
from tests.rules.building import SECOND, rule

CATALOG = shipped_catalog()


@pytest.mark.parametrize(
    ("text", "offset", "message"),
    [
        ("any(pump.falt in space)", 4, "no point 'falt' here; did you mean 'fault'?"),
        ("any(pumps.fault in space)", 4, "no asset type 'pumps' here; did you mean 'pump'?"),
        ("any(fault in space)", 4, "write the type before the point, such as pump.fault"),
        ("any(1 > 0 in space)", 4, "name a point of the assets that are asked about"),
        ("any(pump.fault behind it)", 15, "no relation 'behind' here; write in space"),
        ("any(pump.fault in)", 17, "a kind of space is missing here"),
        ("any(pump.fault)", 0, "any() asks many assets: any(pump.fault in space)"),
        ("pump.fault", 0, "pump.fault is of other assets; ask for it: any(pump.fault in space)"),
        ("any(pump.flow in space)", 4, "flow is not true or false"),
        ("any(pump.fault and fan.running in space)", 19, "one question asks about assets of one"),
        ("any(pump.fault in space, 3)", 0, "write any(), all() or count() with one question"),
        ("abs(pump.flow in space) > 2", 0, "write any(), all() or count() with one question"),
        ("any(any(pump.fault in space) in site)", 19, "a question about many can't stand in"),
        ("any(avg(pump.flow, 10m) > 3 in space)", 4, "any(), all() and count() ask for present"),
        ("any(age(pump.flow) > 3m in space)", 4, "any(), all() and count() ask for present"),
        ("count(pump.fault in space)", 0, "count() is not true or false; compare it"),
        ("count(pump.fault in space) > 2 kW", 29, "a count of assets can only be compared"),
        ("count(pump.fault in space) > level", 29, "a count of assets can only be compared"),
        ("count(pump.fault in space) + 1 > 2", 0, "a count of assets can only be compared"),
        ("any(pump.flow > 3 °C in space)", 16, "3 °C doesn't fit m³/h"),
        ("any(pump.fault in space) and age(level) > 3m", 0, "silence (age, overdue, path_age)"),
        ("(pump.fault in space)", 12, "'in' can't stand here"),
    ],
)
def test_a_fault_is_told_at_its_place(text: str, offset: int, message: str) -> None:
    with pytest.raises(ExpressionError) as refused:
        compile_expression(text, CATALOG["water_tank"].points, CATALOG)
    assert [fault.offset for fault in refused.value.faults] == [offset]
    assert message in refused.value.faults[0].message


def test_a_rule_for_any_asset_asks_nobody() -> None:
    with pytest.raises(ExpressionError, match="name the type of one that stands for all"):
        compile_expression("any(pump.fault in space)", None, CATALOG)


def test_readings_of_many_can_not_be_counted() -> None:
    text = """\
id: x
title: {en: X, zh: 甲}
applies_to: {asset_type: water_tank}
when: any(pump.fault below)
for: 3 readings
severity: low
ticket: {kind: repair, category: plumbing, team: maintenance}
"""
    (problem,) = load_rules(text, "x.yaml", CATALOG).problems
    assert "a rule on many assets can't count readings" in str(problem)
    # The form leaves alone what it can't show.
    assert form_of(text).form is None


def bound(
    tested: Rule, members: dict[str, Slot], own: dict[str, Slot] | None = None
) -> tuple[Instance, ReceiptNow]:
    now = ReceiptNow(0)
    (group,) = tested.groups
    code = group.points[0].code
    others = {group.branch: [Member(name, name, {code: slot}) for name, slot in members.items()]}
    return bind(tested, "asset-1", own or {}, now, None, {}, others), now


def test_nobody_to_ask_is_like_a_point_that_the_asset_lacks() -> None:
    with pytest.raises(BindError):
        bound(rule("water_tank", when="any(pump.fault below)"), {})
    either = rule("water_tank", when="overflow or any(pump.fault below)")
    overflow = Slot(1.0, SECOND, SECOND)
    instance, _ = bound(either, {}, {"overflow": overflow})
    assert instance.test()
    (tripped,) = step(instance, SECOND, SECOND)
    assert tripped.reason == "overflow"


def test_a_calculation_that_fails_at_a_member_is_an_alarm_on_the_rule() -> None:
    tested = rule("water_tank", when="any(pump.current / pump.flow > 2 below)")
    (group,) = tested.groups
    slots = {"current": Slot(1.0, SECOND, SECOND), "flow": Slot(0.0, SECOND, SECOND)}
    members = {group.branch: [Member("p", "p", slots)]}
    instance = bind(tested, "asset-1", {}, ReceiptNow(0), None, {}, members)
    (failed,) = step(instance, SECOND, SECOND)
    assert failed.kind.value == "failed"


def test_many_are_named_up_to_five() -> None:
    tested = rule("water_tank", when="count(pump.fault below) > 0")
    slots = {f"p{n}": Slot(1.0, SECOND, SECOND) for n in range(8)}
    instance, _ = bound(tested, slots)
    (tripped,) = step(instance, SECOND, SECOND)
    assert tripped.reason == (
        "count(pump.fault below) 8 of 8 > 0"
        " [p0: fault; p1: fault; p2: fault; p3: fault; p4: fault; and 3 more]"
    )
    assert len(tripped.inputs) == 8


# The slow model: every way in which those not heard could answer is tried.


def verdicts(how: str, limit: int, answers: Sequence[bool | None]) -> bool | None:
    """What is asked of these answers, None where it depends on who was not heard."""
    ways = product(*([each] if each is not None else [False, True] for each in answers))
    found = {
        {"any": any(way), "all": all(way)}.get(
            how, sum(way) >= limit if how == "count" else sum(way) == limit
        )
        for way in ways
    }
    return found.pop() if len(found) == 1 else None


class Reference:
    """The whole story of one rule, told from all that was heard."""

    def __init__(self, how: str, limit: int, members: Sequence[str], delay: int) -> None:
        self.how, self.limit, self.delay = how, limit, delay
        self.said: dict[str, list[tuple[int, bool]]] = {name: [] for name in members}
        self.log: list[tuple[str, int]] = []
        self.active = False
        self.since: int | None = None
        self.heard = 0
        self.changed = 0

    def read(self, name: str, at: int, value: bool, receipt: int) -> None:
        """A reading is received."""
        if any(before >= at for before, _ in self.said[name]):
            return
        self.said[name].append((at, value))
        now = max(max(at for at, _ in told) for told in self.said.values() if told)
        now = max(now, self.changed + 1)
        self._expire(now - 1)
        answers = [told[-1][1] if told else None for told in self.said.values()]
        holds = verdicts(self.how, self.limit, answers)
        wanted = not self.active
        if self.active or not self.delay:
            if holds is wanted:
                self._change(now)
        elif self.since is None and holds:
            self.since, self.heard, self.changed = now, receipt, now
        elif self.since is not None and not holds:
            self.since, self.changed = None, now
        self._expire(now)

    def pass_time(self, receipt: int) -> None:
        """The receipt clock moves."""
        if self.since is not None and self.heard + self.delay + SECOND <= receipt:
            self._expire(self.since + self.delay)

    def _expire(self, latest: int) -> None:
        if self.since is not None and self.since + self.delay <= latest:
            self._change(self.since + self.delay)

    def _change(self, at: int) -> None:
        self.active = not self.active
        self.log.append(("tripped" if self.active else "cleared", at))
        self.since, self.changed = None, at


RULES = {
    (how, delay): rule("water_tank", when=when, for_=delay)
    for how, when in {
        "any": "any(pump.fault below)",
        "all": "all(pump.fault below)",
        "count": "count(pump.fault below) >= 2",
        "equal": "count(pump.fault below) == 2",
    }.items()
    for delay in ("0s", "5s")
}
MEMBERS = ("a", "b", "c")
SKEW = {"a": 0, "b": 20 * SECOND, "c": -15 * SECOND}


class Pipeline:
    """Feeds the engine as ingest does, and loses it in crashes."""

    def __init__(self, tested: Rule) -> None:
        self.rule = tested
        self.receipt = 1_000 * SECOND
        self.stored: list[tuple[str, int, bool]] = []
        self.log: list[tuple[str, int]] = []
        self._start(AlarmState(), [])

    def _start(self, state: AlarmState, stored: Sequence[tuple[str, int, bool]]) -> None:
        self.slots = {name: Slot() for name in MEMBERS}
        for name, at, value in stored:
            slot = self.slots[name]
            slot.value, slot.at, slot.heard = float(value), at, self.receipt
        self.instance, self.now = bound(self.rule, self.slots)
        restore(self.instance, state)
        self.wait(0)

    def judge(self, name: str, at: int, value: bool) -> bool:
        slot = self.slots[name]
        if at <= slot.at:
            return False
        slot.value, slot.at, slot.heard = float(value), at, self.receipt
        self.now.now = self.receipt
        when = self.instance.time_of(at) if self.instance.test() else None
        if when is not None:
            self._note(step(self.instance, when, self.receipt))
        return True

    def _note(self, transitions: Sequence[object]) -> None:
        for each in transitions:
            kind, at = each.kind.value, each.at  # type: ignore[attr-defined]
            if kind in ("tripped", "cleared"):
                self.log.append((kind, at))

    def read(self, name: str, at: int, value: bool) -> None:
        self.receipt += SECOND // 100
        if self.judge(name, at, value):
            self.stored.append((name, at, value))

    def wait(self, gap: int) -> None:
        self.receipt += gap
        wake = next_wake(self.instance)
        if wake is not None and wake <= self.receipt:
            self.now.now = self.receipt
            self._note(fire(self.instance, self.receipt))

    def crash(self, unstored: int) -> None:
        """The last readings were decided on, but not stored: they come again."""
        keep = max(len(self.stored) - unstored, 0)
        before = self.instance.state
        self._start(before, self.stored[:keep])
        for again in self.stored[keep:]:
            self.receipt += SECOND // 100
            self.judge(*again)
        assert self.instance.state.phase is before.phase


READ = st.tuples(
    st.sampled_from(MEMBERS), st.integers(-3, 9).map(lambda s: s * SECOND), st.booleans()
)
WAIT = st.tuples(st.just("wait"), st.integers(0, 9).map(lambda s: s * SECOND), st.just(False))
CRASH = st.tuples(st.just("crash"), st.integers(0, 4), st.just(False))


@settings(max_examples=150, deadline=None)
@given(
    how=st.sampled_from(["any", "all", "count", "equal"]),
    delay=st.sampled_from(["0s", "5s"]),
    story=st.lists(st.one_of(READ, READ, READ, WAIT, CRASH), max_size=40),
)
def test_the_engine_decides_as_the_slow_model_through_clocks_and_crashes(
    how: str, delay: str, story: list[tuple[str, int, bool]]
) -> None:
    pipeline = Pipeline(RULES[how, delay])
    model = Reference(how, 2, MEMBERS, 5 * SECOND if delay == "5s" else 0)
    for name, amount, value in story:
        if name == "wait":
            pipeline.wait(amount)
            model.pass_time(pipeline.receipt)
        elif name == "crash":
            pipeline.crash(amount)
            model.pass_time(pipeline.receipt)
        else:
            at = pipeline.receipt + SKEW[name] + amount
            pipeline.read(name, at, value)
            model.read(name, at, value, pipeline.receipt)
        assert pipeline.log == model.log


def test_what_is_stored_less_far_than_judged_is_unknown_until_it_is_heard() -> None:
    pipeline = Pipeline(RULES["all", "0s"])
    start = pipeline.receipt
    for name in MEMBERS:
        pipeline.read(name, start + SECOND, True)
    assert pipeline.instance.state.phase.value == "active"
    pipeline._start(pipeline.instance.state, [("b", start, False), *pipeline.stored[:1]])
    pipeline.judge("a", start + 5 * SECOND, True)
    assert pipeline.log == [("tripped", start + SECOND)]
    pipeline.judge("b", start + 6 * SECOND, False)
    assert pipeline.log[1:] == [("cleared", start + 6 * SECOND)]


CASES = """\
cases:
  - rule: tested
    around: {around}
    readings:
      - {{at: 0s, values: {values}}}
    expect: nothing
"""


@pytest.mark.parametrize(
    ("around", "values", "message"),
    [
        ("{p-1: fan}", "{p-1/fault: true}", "the rule asks about assets of type pump, not 'fan'"),
        ("{p-1: {type: pump, where: above}}", "{p-1/fault: true}", "the rule asks below, not"),
        ("{p-1: {type: pump, were: below}}", "{p-1/fault: true}", "unknown key 'were'"),
        ("{p/1: pump}", "{p-1/fault: true}", "the name of an asset is text without a /"),
        ("{p-1: pump}", "{p-2/fault: true}", "no point 'p-2/fault' on assets of this type"),
        ("{p-1: pump}", "{p-1/fault: true, level: 2}", "a message is of one asset"),
        ("{p-1: pump}", "{p-1/fault: 7}", "7 is neither true nor false"),
    ],
)
def test_what_is_wrong_with_the_others_of_a_case_is_told(
    around: str, values: str, message: str
) -> None:
    tested = {"tested": rule("water_tank", when="any(pump.fault below)")}
    found = load_cases(CASES.format(around=around, values=values), "t.yaml", tested, CATALOG)
    assert any(message in each.message for each in found.problems)


def test_a_rule_that_asks_nobody_has_no_others_in_its_case() -> None:
    text = CASES.format(around="{p-1: pump}", values="{overflow: true}")
    tested = {"tested": rule("water_tank", when="overflow")}
    (problem,) = load_cases(text, "t.yaml", tested, CATALOG).problems
    assert "the rule asks about no other assets" in problem.message


def test_hours_and_windows_stand_beside_a_question() -> None:
    tested = rule(
        "water_tank", when="any(pump.fault below) and during(night) and max(level, 10m) < 2 m"
    )
    text = """\
cases:
  - rule: tested
    around: {p-1: pump}
    hours: {night: "00:10-06:00"}
    readings:
      - {at: 2026-01-01T00:00:00Z, values: {level: 1 m}}
      - {at: 2026-01-01T00:05:00Z, values: {p-1/fault: true}}
      - {at: 2026-01-01T00:12:00Z, restart: true}
      - {at: 2026-01-01T00:13:00Z, values: {p-1/fault: false}}
    until: 2026-01-01T01:00:00Z
    expect:
      - {trip: 2026-01-01T00:10:00Z, reason: "any(pump.fault below) [p-1: fault] and during(night)"}
      - {clear: 2026-01-01T00:13:00Z}
"""
    loaded = load_cases(text, "t.yaml", {"tested": tested}, CATALOG)
    assert [str(each) for each in loaded.problems] == []
    (case,) = loaded.cases
    assert failures(case, run(case)) == []
