"""Quarantined messages are taken in again a portion at a time, in order, however many wait."""

from collections import deque
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, cast
from uuid import UUID

import pytest
from sqlalchemy import select

from core import quarantine
from core.db import Database
from core.ids import new_id
from core.quarantine import Quarantined, Rejected
from ingest import replaying
from ingest.replaying import Replays
from ingest.run import Run
from tests.fixtures import NOON

SITE = new_id()


class Taking:
    """Of a run what is asked of it here; `work` does what was submitted."""

    def __init__(self) -> None:
        self.tasks = deque[Callable[[], None]]()
        self.portions: list[tuple[list[UUID], int, bool]] = []

    def submit(self, task: Callable[[], None]) -> None:
        self.tasks.append(task)

    def replay(self, rows: list[tuple[UUID, list[Any]]], *, judged: bool) -> None:
        count = sum(len(bodies) for _, bodies in rows)
        self.portions.append(([row_id for row_id, _ in rows], count, judged))

    def work(self) -> None:
        self.tasks.popleft()()


@pytest.fixture
def taking() -> Taking:
    return Taking()


def waiting(database: Database, minutes: int, each: int = 3) -> Sequence[UUID]:
    """Rows of one minute each."""
    items = [
        Rejected(SITE, "d1", "t", "unknown_device", "why", b"{}", NOON + timedelta(minutes=minute))
        for minute in range(minutes)
        for _ in range(each)
    ]
    with database.write() as session:
        quarantine.keep(session, items)
        return list(session.scalars(select(Quarantined.id).order_by(Quarantined.first_at)))


def replays(database: Database, taking: Taking) -> Replays:
    return Replays(database, cast(Run, taking))


@pytest.mark.parametrize(("limit", "most"), [("PORTION_MESSAGES", 6), ("PORTION_BYTES", 12)])
def test_the_next_portion_comes_when_the_one_before_is_taken_in(
    database: Database, taking: Taking, monkeypatch: pytest.MonkeyPatch, limit: str, most: int
) -> None:
    monkeypatch.setattr(replaying, limit, most)
    rows = waiting(database, 5)
    asking = replays(database, taking)
    asking.ask(rows, judged=True)
    for _ in range(3):
        asking.look()
        asking.look()
        assert len(taking.tasks) == 1
        taking.work()
    asking.look()
    assert not taking.tasks
    assert taking.portions == [(rows[:2], 6, True), (rows[2:4], 6, True), (rows[4:], 3, True)]


def test_what_is_judged_and_what_is_not_are_portions_of_their_own(
    database: Database, taking: Taking
) -> None:
    rows = waiting(database, 3)
    asking = replays(database, taking)
    asking.ask(rows[:2], judged=False)
    asking.ask(rows[2:], judged=True)
    for _ in range(2):
        asking.look()
        taking.work()
    assert taking.portions == [(rows[:2], 6, False), (rows[2:], 3, True)]


def test_a_portion_that_fails_does_not_keep_the_next_one_waiting(
    database: Database, taking: Taking, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replaying, "PORTION_MESSAGES", 1)
    rows = waiting(database, 2)
    asking = replays(database, taking)
    asking.ask(rows, judged=True)
    asking.look()
    with monkeypatch.context() as patched:
        patched.setattr(taking, "replay", lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            taking.work()
    asking.look()
    taking.work()
    assert [row_ids for row_ids, _, _ in taking.portions] == [[rows[1]]]
