"""Killed at any moment and started again, ingest decides and stores what it would have anyway."""

import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from core.clock import MICROS
from core.db import Database, sqlite_url
from core.telemetry.readings import ReadingBatch
from ingest.pipeline import Batch
from rules.engine import GRACE
from tests.ingest.building import START
from tests.ingest.stage import Incident, Stage

BY_SILENCE = ("silent", "gateway-silent")
DEVICES: dict[str, dict[str, st.SearchStrategy[Any]]] = {
    "pump-1": {"temp": st.sampled_from([20, 65, 69, 72, 80]), "run": st.booleans()},
    "pump-3": {"temp": st.sampled_from([20, 65, 80]), "vib": st.sampled_from([1, 9])},
    "leak-1": {"leak": st.booleans()},
    "board-1": {"kw": st.sampled_from([1, 5]), "amp": st.sampled_from([0, 2, 9])},
}


@dataclass(frozen=True)
class Step:
    """Time passes, then a device speaks.

    lag: seconds that its message was under way; less than the grace that timers give. late: it is
    older than what is known of its points. again: it has the time of the device's last message.
    """

    wait: float
    device: str
    values: dict[str, Any]
    lag: float = 0.0
    late: bool = False
    again: bool = False


def _steps_of(device: str) -> st.SearchStrategy[Step]:
    values = st.fixed_dictionaries({}, optional=DEVICES[device]).filter(bool)
    return st.builds(
        Step,
        wait=st.sampled_from([0.0, 0.0, 1.0, 7.0, 61.0]),
        device=st.just(device),
        values=values,
        lag=st.sampled_from([0.0, 0.0, 0.4]),
        late=st.sampled_from([False, False, True]),
        again=st.sampled_from([False, False, True]),
    )


STEPS = st.lists(st.sampled_from(sorted(DEVICES)).flatmap(_steps_of), min_size=1, max_size=24)
# After how many steps a batch ends, and how: None is well, the others die at that point.
DEATHS = ("before commit", "before write", "between messages", "before acknowledgement")
BATCHES = st.lists(
    st.tuples(st.integers(1, 8), st.sampled_from([None, *DEATHS])), min_size=1, max_size=8
)

Message = tuple[str, dict[str, Any]]


@dataclass
class Feed:
    """Turns steps into messages with times of their own, the same for every run.

    late_again: whether the time of a message that is not the newest may come again, with others.
    belated: whether a moment may be corrected after timers have given up waiting for that. What the
    clock decided by then stands, and after a death it decides later.
    """

    late_again: bool = True
    belated: bool = False
    last: dict[str, Message] = field(default_factory=dict)

    def message(self, stage: Stage, step: Step) -> Message:
        known = self.last.get(step.device)
        if known is not None and step.again:
            # The time of the last message, with the same values or with others.
            ts = known[1]["ts"]
            waited = stage.second - (ts - START / MICROS)
            if waited < GRACE / MICROS or self.belated:
                return step.device, {**step.values, "ts": ts}
            return known
        if known is not None and step.late and set(step.values) <= set(known[1]):
            return step.device, {**step.values, "ts": known[1]["ts"] - 90.25}
        message = (step.device, stage.at(stage.second - step.lag, **step.values))
        if not step.lag:
            self.last[step.device] = message
        elif not self.late_again:
            self.last.pop(step.device, None)
        return message


def straight(stage: Stage, steps: list[Step], feed: Feed | None = None) -> None:
    """Every message in its turn, with nothing in between."""
    feed = feed or Feed()
    for step in steps:
        stage.wait(step.wait, step=30)
        device, fields = feed.message(stage, step)
        stage.say(device, fields)
        stage.finish()
    stage.wait(300, step=30)
    stage.finish()


def interrupted(
    stage: Stage,
    steps: list[Step],
    batches: list[tuple[int, str | None]],
    feed: Feed | None = None,
) -> None:
    """The same messages in batches, with deaths at their ends and what is sent again after them."""
    feed, rest, plan = feed or Feed(), list(steps), list(batches)
    while rest:
        size, death = plan.pop(0) if plan else (len(rest), None)
        sent: list[Message] = []
        for step in rest[:size]:
            stage.wait(step.wait, step=30)
            sent.append(feed.message(stage, step))
            stage.say(*sent[-1])
        del rest[:size]
        if death is None:
            stage.finish()
            continue
        die(stage, death)
        stage.say_again(sent)
        stage.finish()
    stage.wait(300, step=30)
    stage.finish()


def die(stage: Stage, death: str) -> None:
    """End the process at one of the points between decision and acknowledgement."""
    if death != "before commit":
        batch = stage.commit()
        if death == "between messages":
            stage.store.write(ReadingBatch(), first_half(batch))
        if death == "before acknowledgement":
            stage.write(batch)
    stage.restart()


def first_half(batch: Batch) -> ReadingBatch:
    """What is stored of half the messages by a store that can't write all of them at once."""
    rows = sorted([*batch.rows, *batch.odd], key=lambda row: row.received)
    messages = sorted({row.received for row in rows})
    stored = ReadingBatch()
    for row in rows:
        if row.received in messages[: len(messages) // 2]:
            stored.append(*row)
    return stored


def decided(stage: Stage) -> list[Incident]:
    return [one for one in stage.incidents() if one.rule not in BY_SILENCE]


def faults(stage: Stage) -> list[str]:
    """The rules of all tickets. Silence is left out: it runs on the clock that deaths stop."""
    rules = [str(ticket.rule_id) for ticket in stage.tickets()]
    return sorted(rule for rule in rules if rule not in BY_SILENCE)


class Copies:
    """Stages on copies of the building, closed when the example is over."""

    def __init__(self, template: Path, folder: Path) -> None:
        self._template, self._folder = template, folder
        self._open: list[Database] = []

    def stage(self) -> Stage:
        path = self._folder / f"{len(self._open)}.sqlite"
        for name in (path, path.with_suffix(".sqlite-wal"), path.with_suffix(".sqlite-shm")):
            name.unlink(missing_ok=True)
        shutil.copyfile(self._template, path)
        self._open.append(Database(sqlite_url(path)))
        return Stage(self._open[-1])

    def close(self) -> None:
        for database in self._open:
            database.close()
        self._open.clear()


@pytest.fixture(scope="module")
def copies(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Copies:
    return Copies(template, tmp_path_factory.mktemp("copies"))


OUT_OF_ORDER = [
    Step(0.0, "board-1", {"kw": 1}),
    Step(0.0, "board-1", {"amp": 0}, lag=0.4),
]


# What comes again first says, of the moment at which the alarm tripped, what it was before.
TAKEN_BACK = [
    Step(0.0, "board-1", {"amp": 2}),
    Step(1.0, "board-1", {"kw": 1}),
    Step(1.0, "board-1", {"kw": 5}, again=True),
    Step(7.0, "board-1", {"amp": 2}),
]


# Said before, otherwise, and as before, of one moment; of which only the first was judged.
THERE_AND_BACK = [
    Step(0.0, "pump-1", {"temp": 65}),
    Step(0.0, "pump-1", {"temp": 80}, again=True),
    Step(0.0, "pump-1", {"temp": 65}, again=True),
]


# The newer message says nothing of the point whose delay the older one begins.
BEHIND = [
    Step(0.0, "pump-3", {"vib": 1}),
    Step(0.0, "pump-3", {"vib": 1, "temp": 65}, lag=0.4),
]


@settings(max_examples=40, deadline=None)
@given(steps=STEPS, batches=BATCHES)
@example(steps=OUT_OF_ORDER, batches=[(2, "before write")])
@example(steps=BEHIND, batches=[(8, "before write")])
@example(steps=THERE_AND_BACK, batches=[(1, None), (2, "before commit")])
@example(steps=TAKEN_BACK, batches=[(4, "before acknowledgement")])
@example(steps=TAKEN_BACK, batches=[(2, None), (2, "before acknowledgement")])
@example(steps=TAKEN_BACK, batches=[(2, None), (2, "before commit")])
def test_an_interrupted_run_decides_and_stores_the_same(
    copies: Copies, steps: list[Step], batches: list[tuple[int, str | None]]
) -> None:
    try:
        whole, broken = copies.stage(), copies.stage()
        straight(whole, steps)
        interrupted(broken, steps, batches)
        assert decided(broken) == decided(whole)
        assert broken.stored() == whole.stored()
        assert faults(broken) == faults(whole)
        assert broken.reasons() == whole.reasons() == {}
    finally:
        copies.close()
