"""The DuckDB store against a plain model: late readings, replacements, roll-ups, erasure."""

import math
from itertools import count
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.telemetry.duckdb_store import DuckDBStore
from core.telemetry.readings import ReadingBatch
from tests.core.telemetry.stores import HOUR, START

# Times fall on few instants around hour boundaries, so that keys meet and buckets have edges.
TIMES = st.builds(
    lambda hour, part: START + hour * HOUR + part,
    st.integers(0, 5),
    st.sampled_from([0, 1, HOUR // 4, HOUR // 2, HOUR - 1]),
)
VALUES = st.floats(-1e6, 1e6, allow_subnormal=False)
ROWS = st.lists(st.tuples(TIMES, VALUES, st.integers(0, 8 * HOUR)), min_size=1, max_size=8)
STEPS = st.one_of(
    st.sampled_from([HOUR, 2 * HOUR, 3 * HOUR, 24 * HOUR, HOUR // 2, 5 * HOUR // 2]),
    st.integers(HOUR // 10, 4 * HOUR),
)
ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("write"), ROWS),
        st.tuples(st.just("replace"), ROWS),
        st.tuples(st.just("both"), ROWS),
        st.tuples(st.just("roll up"), TIMES),
        st.tuples(st.just("delete"), st.tuples(TIMES, TIMES)),
    ),
    max_size=8,
)
NUMBERS = count(1)

Rows = list[tuple[int, float, int]]
Model = dict[int, tuple[float, int, int]]


class Pair:
    """One series in the store and in the model: at -> (value, received, order of insertion)."""

    def __init__(self, store: DuckDBStore) -> None:
        self.store = store
        self.series = next(NUMBERS)
        self.model = Model()
        self.inserted = count()

    def act(self, action: str, given: object) -> None:
        match action, given:
            case "roll up", int(now):
                # Receipts go on for hours after the event, so this leaves some for later.
                self.store.roll_up(now + 6 * HOUR)
            case "delete", (int(start), int(end)):
                doomed = [at for at in self.model if start <= at < end]
                assert self.store.delete(self.series, start, end) == len(doomed)
                for at in doomed:
                    del self.model[at]
            case _, list(rows):
                replacing = {"write": 0, "replace": len(rows), "both": len(rows) // 2}[action]
                self._write(rows[replacing:], rows[:replacing])

    def _write(self, new: Rows, replacing: Rows) -> None:
        """Those of `new` that are new indeed, then what replaces, in one go."""
        appended, odd = ReadingBatch(), ReadingBatch()
        for at, value, delay in new:
            if at not in self.model:
                appended.append(self.series, at, value, at + delay, 0)
                self.model[at] = (value, at + delay, next(self.inserted))
        chosen = {}
        for at, value, delay in replacing:
            odd.append(self.series, at, value, at + delay, 0)
            chosen[at] = (value, at + delay, next(self.inserted))
        self.store.write(appended, odd)
        for at, entry in chosen.items():
            if at not in self.model or self.model[at][0] != entry[0]:
                self.model[at] = entry

    def agree_on_series(self, start: int, end: int, step: int) -> None:
        wanted: dict[int, list[float]] = {}
        for at in sorted(self.model):
            if start <= at < end:
                wanted.setdefault(at // step * step, []).append(self.model[at][0])
        buckets = self.store.series(self.series, start, end, step)
        assert buckets.start == list(wanted)
        assert buckets.minimum == list(map(min, wanted.values()))
        assert buckets.maximum == list(map(max, wanted.values()))
        assert buckets.count == list(map(len, wanted.values()))
        means = [math.fsum(values) / len(values) for values in wanted.values()]
        assert buckets.mean == pytest.approx(means, rel=1e-9, abs=1e-6)

    def agree_on_readings(self) -> None:
        keys = [(self.series, at) for at in self.model]
        assert self.store.find([*keys, (self.series, START - 1)]) == {
            (series, at): self.model[at][0] for series, at in keys
        }
        last = self.store.last([self.series])
        assert {at: entry[:2] for at, entry in self.model.items() if at == max(self.model)} == {
            reading.at: (reading.value, reading.received) for reading in last.values()
        }
        scan = self.store.scan([self.series], 0, START * 2)
        order = sorted(self.model, key=lambda at: self.model[at][1:])
        assert [reading.at for batch in scan for reading in batch] == order


def test_every_answer_agrees_with_a_plain_model(tmp_path: Path) -> None:
    store = DuckDBStore(tmp_path / "telemetry.duckdb", run_rows=1, chunk_rows=2)

    @settings(max_examples=40, deadline=None, derandomize=True)
    @given(actions=ACTIONS, start=TIMES, end=TIMES, step=STEPS)
    def agrees(actions: list[tuple[str, object]], start: int, end: int, step: int) -> None:
        pair = Pair(store)
        for action, given_to_it in actions:
            pair.act(action, given_to_it)
            pair.agree_on_readings()
        pair.agree_on_series(start, end, step)
        pair.agree_on_series(START, START + 10 * HOUR, step)

    agrees()
    store.close()
