"""The runner: one of many works, another takes over, and nothing missed is lost or doubled."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from core import leases, runs
from core.clock import SimulatedClock, SystemClock, to_micros
from core.db import Database
from core.events import Event
from core.health import Health
from core.leases import Lease
from jobs.deadlines import mark_deadlines
from jobs.runner import THREADS, JobsRunner, standard_sweeps
from jobs.work import Sweep, Work
from tests.fixtures import NOON, SmallSite
from tests.jobs.conftest import open_one, settings_of

ROOT = Path(__file__).resolve().parent.parent.parent
MINUTE = timedelta(minutes=1)
QUICK = 0.05


def wait_until(true: Callable[[], bool], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it never came to be"
        time.sleep(0.01)


class Counting:
    """A sweep that counts its runs."""

    def __init__(self, name: str = "counting", every: timedelta = timedelta(0)) -> None:
        self.runs: list[datetime] = []
        self.sweep = Sweep(name, QUICK, self._run, every)

    def _run(self, work: Work, now: datetime) -> int:
        del work
        self.runs.append(now)
        return 1


@pytest.fixture
def runner_of(database: Database, clock: SimulatedClock) -> Iterator[Callable[..., JobsRunner]]:
    """Makes started runners on the same database; they are stopped at the end."""
    with ExitStack() as stack:

        def make(*sweeps: Sweep) -> JobsRunner:
            runner = JobsRunner(
                database,
                None,
                clock,
                settings_of(),
                Health(clock),
                sweeps=sweeps,
                lifetime=timedelta(seconds=0.4),
            )
            runner.start()
            stack.callback(runner.stop)
            return runner

        yield make


def test_of_two_runners_one_works(
    runner_of: Callable[..., JobsRunner],
) -> None:
    first, second = Counting(), Counting()
    leader = runner_of(first.sweep)
    wait_until(lambda: leader.leading)
    follower = runner_of(second.sweep)
    wait_until(lambda: len(first.runs) >= 10)
    assert not follower.leading
    assert second.runs == []


def test_the_lease_is_renewed_although_every_thread_hangs(
    runner_of: Callable[..., JobsRunner], database: Database, clock: SimulatedClock
) -> None:
    """Servers of others hang, and each takes a thread: another runner would begin it all again."""
    hanging = []

    def hang(work: Work, now: datetime) -> int:
        hanging.append(now)
        work.stopping.wait()
        return 0

    def expires() -> datetime:
        with database.read() as session:
            return session.scalars(select(Lease.ends_at)).one()

    runner_of(*(Sweep(f"hangs {n}", QUICK, hang) for n in range(THREADS)))
    wait_until(lambda: len(hanging) == THREADS)
    before = expires()
    clock.advance_to(to_micros(NOON + timedelta(seconds=0.2)))
    wait_until(lambda: expires() > before, 10)


def test_a_runner_that_stops_hands_over_at_once(runner_of: Callable[..., JobsRunner]) -> None:
    first, second = Counting(), Counting()
    leader = runner_of(first.sweep)
    wait_until(lambda: leader.leading)
    runner_of(second.sweep)
    leader.stop()
    done = len(first.runs)
    # The clock stands still, so the lease did not run out: it was given back.
    wait_until(lambda: bool(second.runs))
    assert len(first.runs) == done


def test_who_lost_the_lease_stops_and_its_transaction_does_not_commit(
    database: Database, clock: SimulatedClock, runner_of: Callable[..., JobsRunner]
) -> None:
    entered, go_on = threading.Event(), threading.Event()

    def slow(work: Work, now: datetime) -> int:
        entered.set()
        go_on.wait(60)
        with work.transaction() as session:
            runs.succeeded(session, "too-late", now)
        return 1

    runner = runner_of(Sweep("slow", QUICK, slow))
    assert entered.wait(60)
    with database.write() as session:
        lease = session.get_one(Lease, "jobs")
        lease.owner, lease.epoch = "another", lease.epoch + 1
        lease.ends_at = clock.now() + timedelta(days=1)
    go_on.set()
    wait_until(lambda: not runner.leading)
    with database.read() as session:
        assert runs.last_success(session, "too-late") is None


def test_a_sweep_that_failed_is_tried_again_long_before_its_next_turn(
    runner_of: Callable[..., JobsRunner], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs.runner.RETRY_SECONDS", QUICK)
    tries: list[datetime] = []

    def away_at_first(work: Work, now: datetime) -> int:
        del work
        tries.append(now)
        if len(tries) < 3:
            raise OSError("its store is away")
        return 0

    # Its own second turn would come after the end of this test.
    runner = runner_of(Sweep("rare", 3600.0, away_at_first))
    wait_until(lambda: runner.leading)
    runner.look_now("rare")
    wait_until(lambda: len(tries) == 3)
    wait_until(lambda: not runner.failing)
    time.sleep(5 * QUICK)
    assert len(tries) == 3


def test_a_restarted_runner_catches_up_each_missed_deadline_exactly_once(
    database: Database,
    site: SmallSite,
    clock: SimulatedClock,
    runner_of: Callable[..., JobsRunner],
) -> None:
    for minutes in (1, 2, 3):
        open_one(database, site, NOON, respond=minutes * MINUTE, resolve=10 * minutes * MINUTE)
    sweep = Sweep("deadlines", QUICK, mark_deadlines)
    first = runner_of(sweep)
    wait_until(lambda: first.leading)
    clock.advance_to(to_micros(NOON + MINUTE))
    wait_until(lambda: overdue(database) == 1)
    first.stop()
    clock.advance_to(to_micros(NOON + timedelta(days=1)))
    runner_of(sweep)
    runner_of(sweep)
    wait_until(lambda: overdue(database) == 6)
    time.sleep(5 * QUICK)
    assert overdue(database) == 6


def overdue(database: Database) -> int:
    with database.read() as session:
        kind = Event.kind == "ticket.overdue"
        return session.scalar(select(func.count(Event.seq)).where(kind)) or 0


def test_a_sweep_that_is_due_now_and_then_remembers_its_last_success(
    database: Database, clock: SimulatedClock, runner_of: Callable[..., JobsRunner]
) -> None:
    hourly = Counting("hourly", timedelta(hours=1))
    runner = runner_of(hourly.sweep)
    wait_until(lambda: len(hourly.runs) == 1)
    time.sleep(5 * QUICK)
    assert len(hourly.runs) == 1
    runner.stop()
    clock.advance_to(to_micros(NOON + timedelta(hours=5)))
    runner_of(hourly.sweep)
    wait_until(lambda: len(hourly.runs) == 2)
    time.sleep(5 * QUICK)
    assert len(hourly.runs) == 2
    with database.read() as session:
        assert runs.last_success(session, "hourly") == NOON + timedelta(hours=5)


def test_a_failing_sweep_is_ill_on_record_and_stops_no_other(
    database: Database, clock: SimulatedClock
) -> None:
    broken = threading.Event()
    broken.set()

    def run(work: Work, now: datetime) -> int:
        del work, now
        if broken.is_set():
            raise ValueError("no luck")
        return 0

    other, health = Counting(), Health(clock)
    runner = JobsRunner(
        database,
        None,
        clock,
        settings_of(),
        health,
        sweeps=[Sweep("broken", QUICK, run), other.sweep],
    )
    runner.start()
    try:
        wait_until(lambda: any("no luck" in state.detail for state in health.snapshot()))
        assert [state.faults for state in health.snapshot() if not state.ok] == [1]
        wait_until(lambda: len(other.runs) > 2)
        wait_until(lambda: last_errors(database).get("broken") == "ValueError: no luck")
        broken.clear()
        wait_until(lambda: all(state.ok for state in health.snapshot()))
        wait_until(lambda: last_errors(database).get("broken") == "")
    finally:
        runner.stop()


def last_errors(database: Database) -> dict[str, str]:
    with database.read() as session:
        return {row.name: row.last_error for row in runs.all_runs(session)}


def test_the_ingest_watch_and_the_webhook_run_only_where_they_can() -> None:
    with_both = standard_sweeps(settings_of(webhook_url="http://127.0.0.1/x"), SystemClock())
    assert {"outbox", "ingest-watch"} <= {sweep.name for sweep in with_both}
    neither = standard_sweeps(settings_of(), SimulatedClock(0))
    assert not {"outbox", "ingest-watch"} & {sweep.name for sweep in neither}


CHILD = """
import sys, time
from datetime import timedelta
from core.clock import SystemClock
from core.db import Database
from core.health import Health
from core.settings import Settings
from jobs.runner import JobsRunner

clock = SystemClock()
runner = JobsRunner(Database(sys.argv[1]), None, clock, Settings(), Health(clock), sweeps=[],
                    lifetime=timedelta(hours=1))
runner.start()
while not runner.leading:
    time.sleep(0.01)
print("leading", flush=True)
time.sleep(300)
"""


def test_when_a_runner_is_killed_another_takes_over(database: Database, site: SmallSite) -> None:
    # A lease of an hour, which no machine is too busy to renew; the hour passes at our word.
    clock = SimulatedClock(SystemClock().micros())
    open_one(database, site, clock.now() - 2 * MINUTE, respond=MINUTE)
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, database.url], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    try:
        assert child.stdout is not None
        assert any(line == "leading\n" for line in child.stdout)
        sweep = Sweep("deadlines", QUICK, mark_deadlines)
        runner = JobsRunner(
            database,
            None,
            clock,
            settings_of(),
            Health(clock),
            sweeps=[sweep],
            lifetime=timedelta(seconds=1),
        )
        runner.start()
        try:
            time.sleep(0.5)
            assert not runner.leading
            child.kill()
            child.wait()
            clock.advance_to(to_micros(clock.now() + timedelta(hours=2)))
            wait_until(lambda: overdue(database) == 1)
        finally:
            runner.stop()
    finally:
        child.kill()
        child.communicate()
    with database.read() as session:
        assert session.get_one(Lease, "jobs").epoch == 2
    assert leases.claim(database, "jobs", "x", now=clock.now(), lifetime=MINUTE) == 3
