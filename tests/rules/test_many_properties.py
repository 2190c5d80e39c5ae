"""Rules that ask many assets against a slow model: clocks, kills, who comes and goes."""

from functools import cache
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from rules.rule import Rule
from tests.rules.building import SECOND, rule
from tests.rules.many_model import Ask
from tests.rules.pipeline import Pipeline
from tests.rules.story import Alarm, Atom, Condition, Joint, Negation, Truth, View


def _says(code: str, limit: float = 0) -> Any:
    def holds(view: View) -> Truth:
        value = view.value(code)
        return None if value is None else value > limit

    return holds


FAULT = Atom("{fault}", "fault", _says("fault"))
RUNNING = Atom("{running}", "running", _says("running"))
FLOW = Atom("{flow} > 5", "flow", _says("flow", 5))
INNER: tuple[Condition, ...] = (
    FAULT,
    FAULT,
    Negation(FAULT),
    Joint("and", (FLOW, RUNNING)),
    Joint("or", (FAULT, FLOW)),
    Negation(Joint("or", (RUNNING, FLOW))),
    Negation(Joint("and", (FAULT, FLOW))),
)
QUESTIONS: tuple[Ask, ...] = (
    *(Ask(how, "pump", inner, "below") for inner in INNER for how in ("any", "all")),
    *(
        Ask("count", "pump", inner, "below", sign, limit)
        for inner in INNER
        for sign, limit in ((">=", 2), ("==", 1), ("!=", 2), ("<", 2), (">", 0), ("<=", 0))
    ),
    *(Ask(how, "fan", RUNNING, "in space") for how in ("any", "all")),
)
LEVEL = Atom("level > 2 m", "level", _says("level", 2))
OVERFLOW = Atom("overflow", "overflow", _says("overflow"))
HIGH = Atom(
    "max(level, 20s) > 2 m",
    "level",
    lambda view: max(told) > 2 if (told := view.through("level", 20 * SECOND)) else None,
    20 * SECOND,
)
TICKETS = Atom(
    "count(ticket_opened, 20s) >= 1",
    "ticket_opened",
    lambda view: len(view.within("ticket_opened", 20 * SECOND)) >= 1,
    20 * SECOND,
)
OWN = ("level", "overflow", "ticket_opened")
# b and c lack points; z is no pump.
WHO = {
    "a": ("pump", frozenset({"fault", "flow", "running"})),
    "b": ("pump", frozenset({"fault", "flow"})),
    "c": ("pump", frozenset({"fault"})),
    "d": ("pump", frozenset({"fault", "flow", "running"})),
    "z": ("fan", frozenset({"running"})),
}
# No two clocks agree to the microsecond: whose reading is the newest is always plain.
SKEW = {
    "": 0,
    "a": 1,
    "b": 6 * SECOND + 2,
    "c": -12 * SECOND + 3,
    "d": 4,
    "z": 3 * SECOND + 5,
}
KEYS = (*OWN, *(f"{name}/{code}" for name, (_, codes) in WHO.items() for code in sorted(codes)))
VALUES = {"level": (1.0, 3.0), "flow": (3.0, 7.0), "ticket_opened": (1.0, 2.0)}
SECONDS = {"0s": 0, "6s": 6 * SECOND, "11s": 11 * SECOND}


def _conditions(atoms: tuple[Condition, ...]) -> st.SearchStrategy[Condition]:
    # There are always pumps, but fans come and go.
    asks = st.sampled_from([each for each in QUESTIONS if each.asset_type == "pump"])
    plain = st.one_of(st.sampled_from(QUESTIONS), st.sampled_from(atoms))
    part = st.one_of(plain, plain.map(Negation))
    parts = st.one_of(st.tuples(asks, part), st.tuples(part, asks, part))
    joined = st.builds(Joint, st.sampled_from(("and", "or")), parts)
    return st.one_of(asks, joined, joined.map(Negation))


@cache
def _rule(when: str, clear_when: str, on: str, off: str) -> Rule:
    more = {"clear_when": clear_when} if clear_when else {}
    return rule("water_tank", when=when, for_=on, clear_for=off, **more)


@st.composite
def messages(draw: st.DrawFn) -> tuple[str, Any, Any]:
    name = draw(st.sampled_from(("", *WHO)))
    own = [key for key in KEYS if key.rpartition("/")[0] == name]
    keys = draw(st.lists(st.sampled_from(own), min_size=1, max_size=3, unique=True))
    values = {
        key: draw(st.sampled_from(VALUES.get(key.rpartition("/")[2], (0.0, 1.0)))) for key in keys
    }
    # Behind what it said before, at the same time, or ahead of it.
    return "say", (name, draw(st.sampled_from((-9, -2, 0, 0, 0, 1, 4))) * SECOND), values


WAITS = st.tuples(st.just("wait"), st.sampled_from([1, 5, 8, 30]), st.none())
KILLS = st.tuples(st.just("kill"), st.integers(0, 4), st.none())
# One of the pumps is always there.
MEETS = st.tuples(st.just("meet"), st.frozensets(st.sampled_from(("b", "c", "d", "z"))), st.none())
RENEWALS = st.tuples(st.just("renew"), st.none(), st.none())
STORIES = st.lists(
    st.one_of(messages(), messages(), messages(), messages(), WAITS, KILLS, MEETS, RENEWALS),
    min_size=15,
    max_size=45,
)


def _others(names: frozenset[str]) -> dict[str, tuple[str, frozenset[str]]]:
    return {name: each for name, each in WHO.items() if name == "a" or name in names}


def _tell(pipeline: Pipeline, alarm: Alarm, told: tuple[str, Any, Any]) -> None:
    kind, what, values = told
    if kind == "say":
        name, late = what
        at = pipeline.receipt + SKEW[name] + late
        pipeline.say(at, values)
        alarm.read(at, values, pipeline.receipt)
    elif kind == "wait":
        pipeline.wait(what * SECOND)
        alarm.pass_time(pipeline.receipt)
    elif kind == "kill":
        pipeline.kill(what)
        alarm.pass_time(pipeline.receipt)
    elif kind == "meet":
        pipeline.meet(_others(what))
        alarm.meet(_others(what), pipeline.receipt)
        alarm.pass_time(pipeline.receipt)
    else:
        pipeline.renew()
        alarm.renew(pipeline.receipt)
        alarm.pass_time(pipeline.receipt)


def _same(
    trips: Condition, clears: Condition | None, on: str, off: str, story: list[tuple[str, Any, Any]]
) -> None:
    tested = _rule(trips.text, clears.text if clears else "", on, off)
    others = _others(frozenset("bc"))
    pipeline = Pipeline(tested, KEYS, others)
    alarm = Alarm(trips, clears, SECONDS[on], SECONDS[off], asks=True)
    alarm.story.others = others
    windowed = any(True for each in (trips, clears) if each for _ in each.spans())
    for told in story:
        if windowed and told[0] == "meet":
            # Windows stand where the newest reading is; let it not be of one who leaves.
            _tell(pipeline, alarm, ("wait", 11, None))
            _tell(pipeline, alarm, ("say", ("", 0), dict.fromkeys(OWN, 1.0)))
        _tell(pipeline, alarm, told)
        assert pipeline.log == alarm.log


PLAIN = _conditions((LEVEL, OVERFLOW))
WINDOWED = _conditions((LEVEL, HIGH, TICKETS))


@settings(max_examples=100, deadline=None)
@given(
    trips=PLAIN,
    clears=st.one_of(st.none(), PLAIN),
    on=st.sampled_from(["0s", "0s", "6s"]),
    off=st.sampled_from(["0s", "0s", "11s"]),
    story=STORIES,
)
def test_questions_to_many_are_decided_as_the_slow_model_does(
    trips: Condition,
    clears: Condition | None,
    on: str,
    off: str,
    story: list[tuple[str, Any, Any]],
) -> None:
    _same(trips, clears, on, off, story)


@settings(max_examples=100, deadline=None)
@given(
    trips=WINDOWED,
    clears=st.one_of(st.none(), WINDOWED),
    on=st.sampled_from(["0s", "0s", "6s"]),
    off=st.sampled_from(["0s", "0s", "11s"]),
    story=STORIES,
)
def test_windows_beside_a_question_are_decided_as_the_slow_model_does(
    trips: Condition,
    clears: Condition | None,
    on: str,
    off: str,
    story: list[tuple[str, Any, Any]],
) -> None:
    _same(trips, clears, on, off, story)
