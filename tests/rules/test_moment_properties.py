"""Rules on events against a slow model, with moments that come late, kills, new versions."""

from functools import cache
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from rules.rule import Rule
from tests.rules.building import SECOND, rule
from tests.rules.moment_model import changes, count, readings, repeats, since, stands
from tests.rules.pipeline import Pipeline
from tests.rules.story import Alarm, Atom, Condition, Joint, Negation

EVENTS: dict[str, tuple[Atom, ...]] = {
    "door": (
        count("door_held", 20, ">=", 2),
        count("door_held", 60, "==", 0),
        count("access_denied", 10, ">=", 1),
        count("access_denied", 20, "<", 3),
        since("door_held", 30, ">"),
        since("access_denied", 12, "<="),
        since("access_denied", 30, ">="),
        repeats("ticket_opened", 40, ">=", 2),
        repeats("ticket_opened", 25, "<", 2),
    ),
    "checkpoint": (
        count("checkpoint_scanned", 30, "<", 1),
        count("checkpoint_scanned", 12, ">=", 2),
        since("checkpoint_scanned", 25, ">"),
        repeats("checkpoint_scanned", 40, ">=", 2),
        count("scan_refused", 20, ">=", 3),
        repeats("scan_refused", 30, ">", 1),
    ),
}
BESIDE: dict[str, tuple[Atom, ...]] = {
    "door": (
        stands("open", "open"),
        stands("battery > 20 %", "battery", 20),
        changes("open", 25, ">", 1),
        changes("open", 40, "==", 0),
        readings("battery", 20, ">=", 2),
    ),
    "checkpoint": (count("ticket_opened", 40, ">=", 1),),
}
# What the product tells of itself has a category; what a device tells only happens.
VALUES: dict[str, dict[str, tuple[float, ...]]] = {
    "door": {
        "door_held": (1.0,),
        "access_denied": (1.0,),
        "ticket_opened": (1.0, 2.0),
        "open": (0.0, 1.0),
        "battery": (10.0, 50.0),
    },
    "checkpoint": {
        "checkpoint_scanned": (1.0, 2.0),
        "scan_refused": (1.0, 2.0, 3.0),
        "ticket_opened": (1.0, 2.0),
    },
}
SECONDS = {"0s": 0, "7s": 7 * SECOND, "30s": 30 * SECOND}
Told = tuple[str, Any, Any]


def _conditions(asset_type: str) -> st.SearchStrategy[Condition]:
    event = st.sampled_from(EVENTS[asset_type])
    plain = st.sampled_from((*EVENTS[asset_type], *BESIDE[asset_type]))
    part = st.one_of(plain, plain, plain.map(Negation))
    parts = st.one_of(st.tuples(event, part), st.tuples(part, event, part))
    joined = st.builds(Joint, st.sampled_from(("and", "or")), parts)
    return st.one_of(event, event, joined, joined.map(Negation))


def _messages(asset_type: str) -> st.SearchStrategy[Told]:
    return st.sampled_from(sorted(VALUES[asset_type])).flatmap(
        lambda code: st.tuples(
            st.just("say"),
            # Behind what came before, at its time, or on time; a microsecond matters at an end.
            st.tuples(
                st.sampled_from((-9, -2, -1, 0, 0, 0, 0)), st.sampled_from((0, 0, 0, 0, -1, 1))
            ),
            st.fixed_dictionaries({code: st.sampled_from(VALUES[asset_type][code])}),
        )
    )


def _stories(asset_type: str) -> st.SearchStrategy[list[Told]]:
    message = _messages(asset_type)
    waits = st.tuples(st.just("wait"), st.sampled_from([1, 2, 3, 5, 10, 25]), st.none())
    kills = st.tuples(st.just("kill"), st.integers(0, 4), st.none())
    renewals = st.tuples(st.sampled_from(["renew", "reload"]), st.none(), st.none())
    return st.lists(
        st.one_of(message, message, message, waits, waits, kills, renewals),
        min_size=25,
        max_size=60,
    )


@cache
def _rule(asset_type: str, when: str, clear_when: str, on: str, off: str) -> Rule:
    more = {"clear_when": clear_when} if clear_when else {}
    return rule(asset_type, when=when, for_=on, clear_for=off, **more)


def _tell(pipeline: Pipeline, alarm: Alarm, told: Told) -> None:
    kind, what, values = told
    if kind == "say":
        # Whole seconds, so that moments meet the ends of windows and of delays.
        at = (pipeline.receipt // SECOND + what[0]) * SECOND + what[1]
        pipeline.say(at, values)
        alarm.read(at, values, pipeline.receipt)
        return
    if kind == "wait":
        pipeline.wait(what * SECOND)
    elif kind == "kill":
        pipeline.kill(what)
    elif kind == "reload":
        pipeline.meet({})
    else:
        pipeline.renew()
        alarm.renew(pipeline.receipt)
    alarm.pass_time(pipeline.receipt)


def _same(
    trips: Condition, clears: Condition | None, on: str, off: str, story: tuple[str, list[Told]]
) -> None:
    asset_type, happened = story
    tested = _rule(asset_type, trips.text, clears.text if clears else "", on, off)
    pipeline = Pipeline(tested, [*VALUES[asset_type]])
    alarm = Alarm(trips, clears, SECONDS[on], SECONDS[off])
    for told in happened:
        _tell(pipeline, alarm, told)
        assert pipeline.log == alarm.log


@st.composite
def _tried(draw: st.DrawFn) -> tuple[Condition, Condition | None, str, str, Any]:
    asset_type = draw(st.sampled_from(["door", "checkpoint"]))
    conditions = _conditions(asset_type)
    return (
        draw(conditions),
        draw(st.one_of(st.none(), st.none(), conditions)),
        draw(st.sampled_from(["0s", "0s", "7s", "30s"])),
        draw(st.sampled_from(["0s", "0s", "7s"])),
        (asset_type, draw(_stories(asset_type))),
    )


@settings(max_examples=100, deadline=None)
@given(_tried())
def test_events_are_decided_as_the_slow_model_does(
    tried: tuple[Condition, Condition | None, str, str, Any],
) -> None:
    _same(*tried)
