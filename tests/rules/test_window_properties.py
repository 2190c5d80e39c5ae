"""Rules with windows against a slow and obvious model: readings, quiet, restarts, replays."""

from collections.abc import Callable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from rules.engine import AlarmState, bind, fire, next_wake, restore, step
from rules.rule import Rule
from rules.slots import ReceiptNow, Slot
from tests.rules.building import SECOND, rule
from tests.rules.window_model import Past, Reference, Truth

SPAN = 30 * SECOND


def _over(tell: Callable[[Past, int], float | None], limit: float) -> Truth:
    def truth(past: Past, now: int) -> bool | None:
        value = tell(past, now)
        return None if value is None else value > limit

    return truth


def _through(tell: Callable[[list[float]], float | None]) -> Callable[[Past, int], float | None]:
    def told(past: Past, now: int) -> float | None:
        values = past.through(now, SPAN)
        return tell(values) if values else None

    return told


def _stuck(values: list[float]) -> float | None:
    if len(set(values)) > 1:
        return 0.0
    return 1.0 if len(values) > 2 else None


def _unchanged(past: Past, now: int) -> float | None:
    """since(value) >= 30s, which a change within the span refutes although it began before us."""
    values = past.within(now, SPAN)
    first = past.held(now - SPAN)
    told = values if first is None else [first, *values]
    if len(set(told)) > 1:
        return 0.0
    return None if first is None else 1.0


CONDITIONS: dict[str, tuple[str, Truth]] = {
    "avg": ("avg(value, 30s) > 50", _over(lambda p, t: p.mean(t, SPAN), 50)),
    "min": ("min(value, 30s) > 45", _over(_through(min), 45)),
    "max": ("max(value, 30s) > 55", _over(_through(max), 55)),
    "sum": ("sum(value, 30s) > 120", _over(_through(lambda v: sum(v[1:])), 120)),
    "count": ("count(value, 30s) > 3", _over(_through(lambda v: len(v) - 1), 3)),
    "stddev": ("stddev(value, 30s) > 10", _over(lambda p, t: p.spread(t, SPAN), 10)),
    "delta": ("delta(value, 30s) > 10", _over(_through(lambda v: v[-1] - v[0]), 10)),
    "rate": ("rate(value, 30s) > 0.5", _over(_through(lambda v: (v[-1] - v[0]) / 30), 0.5)),
    "changes": ("changes(value, 30s) > 2", _over(lambda p, t: p.changes(t, SPAN), 2)),
    "stuck": ("stuck(value, 30s)", _over(_through(_stuck), 0.5)),
    "since": ("since(value) >= 30s", _over(_unchanged, 0.5)),
}


def _not(truth: Truth) -> Truth:
    def negated(past: Past, now: int) -> bool | None:
        value = truth(past, now)
        return None if value is None else not value

    return negated


RULES: dict[tuple[str, str, str], Rule] = {
    (name, on, off): rule("machine", when=text, for_=on, clear_for=off)
    for name, (text, _) in CONDITIONS.items()
    for on in ("0s", "12s")
    for off in ("0s", "25s")
}

readings = st.tuples(
    st.just("read"),
    st.sampled_from([1, 3, 5, 5, 8, 8, 14]).map(lambda seconds: seconds * SECOND),
    st.sampled_from([30.0, 45.0, 50.0, 50.1, 55.0, 70.0]),
)
waits = st.tuples(
    st.just("wait"), st.sampled_from([1, 6, 13, 27, 60]).map(lambda s: s * SECOND), st.just(0.0)
)
crashes = st.tuples(st.just("crash"), st.integers(0, 4), st.just(0.0))
# Long ones: a window must fill before anything can happen.
histories = st.lists(
    st.one_of(readings, readings, readings, readings, waits, crashes), min_size=20, max_size=50
)


class Pipeline:
    """Feeds an instance as ingest does, and loses it in crashes."""

    def __init__(self, tested: Rule) -> None:
        self.rule = tested
        self.receipt = 1_000 * SECOND
        self.event = 500 * SECOND
        self.stored: list[tuple[int, float, int]] = []
        self.log: list[tuple[str, int]] = []
        self._start(AlarmState(), [])

    def _start(self, state: AlarmState, stored: list[tuple[int, float, int]]) -> None:
        self.slot = Slot()
        if stored:
            self.slot.at, self.slot.value, self.slot.heard = stored[-1]
        self.now = ReceiptNow(self.receipt)
        self.instance = bind(self.rule, "machine-1", {"value": self.slot}, self.now)
        assert self.instance.past is not None
        self.instance.past.rebuild({"value": [(at, value) for at, value, _ in stored]})
        restore(self.instance, state)

    def _note(self, transitions: list[Any]) -> None:
        kinds = {"tripped": "trip", "cleared": "clear"}
        for each in transitions:
            assert each.after.changed_at == each.at
            assert each.reason
            if each.kind.value in kinds:
                self.log.append((kinds[each.kind.value], each.at))

    def judge(self, at: int, value: float, heard: int) -> None:
        self.slot.at, self.slot.value, self.slot.heard = at, value, heard
        self.now.now = self.receipt
        if self.instance.test():
            self._note(step(self.instance, at, self.receipt))

    def read(self, gap: int, value: float) -> None:
        self.event += gap
        self.receipt += SECOND // 100
        self.judge(self.event, value, self.receipt)
        self.stored.append((self.event, value, self.receipt))

    def wait(self, gap: int) -> None:
        self.receipt += gap
        self.now.now = self.receipt
        wake = next_wake(self.instance)
        if wake is not None and wake <= self.receipt:
            self._note(fire(self.instance, self.receipt))
        later = next_wake(self.instance)
        assert later is None or later > self.receipt

    def crash(self, unstored: int) -> None:
        """The newest readings were judged, but not stored yet: they come again."""
        keep = len(self.stored) - unstored
        lost, self.stored = self.stored[max(keep, 0) :], self.stored[: max(keep, 0)]
        before = list(self.log)
        self._start(self.instance.state, self.stored)
        for at, value, heard in lost:
            self.judge(at, value, heard)
            self.stored.append((at, value, heard))
        assert self.log == before


@settings(max_examples=300, deadline=None)
@given(
    history=histories,
    name=st.sampled_from([*CONDITIONS]),
    on=st.sampled_from(["0s", "12s"]),
    off=st.sampled_from(["0s", "25s"]),
)
def test_windows_decide_as_the_slow_model_does(
    history: list[tuple[str, int, float]], name: str, on: str, off: str
) -> None:
    pipeline = Pipeline(RULES[name, on, off])
    truth = CONDITIONS[name][1]
    seconds = {"0s": 0, "12s": 12 * SECOND, "25s": 25 * SECOND}
    reference = Reference(truth, _not(truth), seconds[on], seconds[off], SPAN)
    for kind, amount, value in history:
        if kind == "read":
            pipeline.read(amount, value)
            reference.read(pipeline.event, value, pipeline.receipt)
        elif kind == "wait":
            pipeline.wait(amount)
            reference.pass_time(pipeline.receipt)
        else:
            pipeline.crash(amount)
        assert pipeline.log == reference.log
