"""Killed at any moment and started again, ingest decides and stores what it would have anyway."""

import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from core.db import Database, sqlite_url
from ingest.session import DUPLICATE
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
DEATHS = ("before commit", "before write", "between writes", "before acknowledgement")
BATCHES = st.lists(
    st.tuples(st.integers(1, 8), st.sampled_from([None, *DEATHS])), min_size=1, max_size=8
)

Message = tuple[str, dict[str, Any]]


@dataclass
class Feed:
    """Turns steps into messages with times of their own, the same for every run."""

    last: dict[str, Message] = field(default_factory=dict)

    def message(self, stage: Stage, step: Step) -> Message:
        known = self.last.get(step.device)
        if known is not None and step.again:
            # The time of the last message, with the same values or with others.
            return step.device, {**step.values, "ts": known[1]["ts"]}
        if known is not None and step.late and set(step.values) <= set(known[1]):
            return step.device, {**step.values, "ts": known[1]["ts"] - 90}
        message = (step.device, stage.at(stage.second - step.lag, **step.values))
        if not step.lag:
            self.last[step.device] = message
        return message


def straight(stage: Stage, steps: list[Step]) -> None:
    """Every message in its turn, with nothing in between."""
    feed = Feed()
    for step in steps:
        stage.wait(step.wait, step=30)
        device, fields = feed.message(stage, step)
        stage.say(device, fields)
        stage.finish()
    stage.wait(300, step=30)
    stage.finish()


def interrupted(stage: Stage, steps: list[Step], batches: list[tuple[int, str | None]]) -> None:
    """The same messages in batches, with deaths at their ends and what is sent again after them."""
    feed, rest, plan = Feed(), list(steps), list(batches)
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
        for device, fields in sent:
            stage.say(device, fields, flags=DUPLICATE)
        stage.finish()
    stage.wait(300, step=30)
    stage.finish()


def die(stage: Stage, death: str) -> None:
    """End the process at one of the points between decision and acknowledgement."""
    if death != "before commit":
        batch = stage.commit()
        if death != "before write":
            stage.store.write(batch.rows)
        if death == "before acknowledgement":
            stage.store.write(batch.odd, replacing=True)
    stage.restart()


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


@settings(max_examples=40, deadline=None)
@given(steps=STEPS, batches=BATCHES)
@example(steps=OUT_OF_ORDER, batches=[(2, "before write")])
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
