"""The engine against a slow and obvious model, on random readings, restarts and replays."""

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rules.engine import AlarmState, Instance, bind, fire, next_wake, restore, step
from rules.rule import Rule
from rules.slots import ReceiptNow, Slot
from tests.rules.building import SECOND, rule
from tests.rules.reference_model import Delays, Reference

DELAYS: dict[str, dict[str, int]] = {
    "0s": {},
    "5s": {"delay": 5 * SECOND},
    "30s": {"delay": 30 * SECOND},
    "1 reading": {"count": 1},
    "3 readings": {"count": 3},
}
RULES: dict[tuple[str, str, float], Rule] = {
    (on, off, low): rule(
        "machine", when="value > 50", clear_when=f"value < {low:g}", for_=on, clear_for=off
    )
    for on in DELAYS
    for off in DELAYS
    for low in (40.0, 60.0)
}

readings = st.tuples(
    st.just("read"),
    st.integers(0, 12).map(lambda seconds: seconds * SECOND),
    st.sampled_from([30.0, 45.0, 50.0, 55.0, 70.0]),
)
waits = st.tuples(st.just("wait"), st.integers(0, 40).map(lambda s: s * SECOND), st.just(0.0))
crashes = st.tuples(st.just("crash"), st.integers(0, 4), st.just(0.0))
histories = st.lists(st.one_of(readings, readings, readings, waits, crashes), max_size=60)


class Pipeline:
    """Feeds an instance as ingest does, and loses it in crashes."""

    def __init__(self, tested: Rule) -> None:
        self.rule = tested
        self.receipt = 1_000 * SECOND
        self.event = 0
        self.stored: list[tuple[int, float]] = []
        self.log: list[tuple[str, int]] = []
        self._start(AlarmState(), Slot())

    def _start(self, state: AlarmState, slot: Slot) -> None:
        self.slot = slot
        self.now = ReceiptNow(self.receipt)
        self.instance: Instance = bind(self.rule, "machine-1", {"value": slot}, self.now)
        restore(self.instance, state)

    def _note(self, transitions: list[Any]) -> None:
        kinds = {"tripped": "trip", "cleared": "clear"}
        for each in transitions:
            assert each.before != each.after
            assert each.after.changed_at == each.at
            assert each.reason
            if each.kind.value in kinds:
                self.log.append((kinds[each.kind.value], each.at))

    def judge(self, at: int, value: float) -> None:
        self.slot.value, self.slot.at, self.slot.heard = value, at, self.receipt
        self.now.now = self.receipt
        if self.instance.test():
            self._note(step(self.instance, at, self.receipt))

    def read(self, gap: int, value: float) -> None:
        self.event += gap
        self.receipt += SECOND // 100
        self.judge(self.event, value)
        self.stored.append((self.event, value))

    def wait(self, gap: int) -> None:
        self.receipt += gap
        self.now.now = self.receipt
        wake = next_wake(self.instance)
        if wake is not None and wake <= self.receipt:
            self._note(fire(self.instance, self.receipt))

    def crash(self, unacknowledged: int) -> None:
        """The last readings were decided, but neither stored nor acknowledged: they come again."""
        keep = max(len(self.stored) - unacknowledged, 0)
        at, value = self.stored[keep - 1] if keep else (0, None)
        before = self.instance.state
        self._start(before, Slot(value, at, self.receipt))
        for again in self.stored[keep:]:
            self.receipt += SECOND // 100
            self.judge(*again)
        assert self.instance.state == before


def model(on: str, off: str, low: float) -> Reference:
    first, second = DELAYS[on], DELAYS[off]
    return Reference(
        50.0,
        low,
        Delays(
            on=first.get("delay", 0),
            on_count=first.get("count", 0),
            off=second.get("delay", 0),
            off_count=second.get("count", 0),
        ),
    )


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    on=st.sampled_from([*DELAYS]),
    off=st.sampled_from([*DELAYS]),
    low=st.sampled_from([40.0, 60.0]),
    history=histories,
)
def test_engine_decides_as_the_obvious_model_through_crashes_and_replays(
    on: str, off: str, low: float, history: list[tuple[str, int, float]]
) -> None:
    pipeline, reference = Pipeline(RULES[on, off, low]), model(on, off, low)
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


@settings(max_examples=100, deadline=None)
@given(history=histories, on=st.sampled_from([*DELAYS]))
def test_judging_the_whole_history_again_changes_nothing(
    history: list[tuple[str, int, float]], on: str
) -> None:
    pipeline = Pipeline(RULES[on, "5s", 40.0])
    for kind, amount, value in history:
        if kind == "read":
            pipeline.read(amount, value)
    pipeline.crash(len(pipeline.stored))
