"""Back-tests of this process: one under way, others waiting, kept for an hour after the end."""

import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

import structlog

from core.errors import Conflict, NotFound, WatchkeeperError
from core.ids import new_id
from rules.wording import worded
from workflows.laboratory.backtest import Cancelled, Progress
from workflows.laboratory.orders import Order
from workflows.laboratory.result import Result

KEPT = timedelta(hours=1)
# Results hold every episode, so only so many are kept at once.
_MOST_KEPT = 8
# A back-test that is asked for takes its turn; whoever asks for more than this is told to wait.
_MOST_WAITING, _MOST_OF_ONE = 20, 5
State = Literal["waiting", "running", "finished", "stopped", "failed"]
Work = Callable[[Order, Progress], Result]

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Run:
    """What is known of a back-test at one moment.

    place: what it was asked from, such as an editor; empty: from nowhere in particular.
    part: how much of it is done, from 0 to 1; why: it failed; result: there is one exactly when
    it has finished.
    """

    id: UUID
    person_id: UUID
    rule_id: str
    title: Mapping[str, str]
    document: str
    node_id: UUID | None
    begun_at: datetime
    place: str = ""
    state: State = "waiting"
    part: float = 0.0
    readings: int = 0
    why: str = ""
    result: Result | None = None
    ended_at: datetime | None = None
    stopping: threading.Event = field(default_factory=threading.Event)


class Runs:
    """The back-tests of one process. Thread-safe."""

    def __init__(self, work: Work, now: Callable[[], datetime]) -> None:
        """work: does a back-test; now: the clock of the process."""
        self._work = work
        self._now = now
        self._lock = threading.Lock()
        self._runs: dict[UUID, Run] = {}
        self._queue: deque[tuple[UUID, Order]] = deque()
        self._working = False

    def start(self, person_id: UUID, order: Order, *, place: str = "") -> Run:
        """Begin a back-test in a thread of its own, or let it wait for those before it.

        place: what it is asked from; an earlier one of this person from there ends unfinished.
        Conflict while too many wait.
        """
        now = self._now()
        rule = order.rule
        title = {"en": rule.title.en, "zh": rule.title.zh}
        run = Run(new_id(), person_id, rule.id, title, rule.source, order.node_id, now, place)
        with self._lock:
            self._forget(now)
            if place:
                self._stop_others(run, now)
            self._check_room(person_id)
            self._runs[run.id] = run
            self._queue.append((run.id, order))
            if not self._working:
                self._working = True
                threading.Thread(target=self._work_off, name="back-tests", daemon=True).start()
        return run

    def _stop_others(self, run: Run, now: datetime) -> None:
        for other in list(self._runs.values()):
            if (other.person_id, other.place) == (run.person_id, run.place):
                self._end(other, now)

    def _check_room(self, person_id: UUID) -> None:
        waiting = [each for each in self._runs.values() if each.state == "waiting"]
        own = [each for each in waiting if each.person_id == person_id]
        if len(waiting) >= _MOST_WAITING or len(own) >= _MOST_OF_ONE:
            raise Conflict(
                worded(
                    "%(own)s back-tests of yours wait already, and %(waiting)s in all",
                    own=len(own),
                    waiting=len(waiting),
                ),
                advice=worded("Wait until one has ended, or stop one."),
            )

    def find(self, person_id: UUID, run_id: UUID) -> Run:
        """A back-test of this person; NotFound for any other, and when it has been forgotten."""
        with self._lock:
            run = self._runs.get(run_id)
        if run is None or run.person_id != person_id:
            raise NotFound(
                worded("there is no such back-test"),
                advice=worded("It is kept for an hour after its end; start another."),
            )
        return run

    def stop(self, person_id: UUID, run_id: UUID) -> Run:
        """Ask a back-test to end; it does within a moment."""
        run = self.find(person_id, run_id)
        with self._lock:
            self._end(self._runs.get(run_id, run), self._now())
        return self.find(person_id, run_id)

    def _end(self, run: Run, now: datetime) -> None:
        """One that waits never begins; one under way notices by itself."""
        run.stopping.set()
        if run.state == "waiting":
            self._runs[run.id] = replace(run, state="stopped", ended_at=now)
            self._queue = deque(each for each in self._queue if each[0] != run.id)

    def _forget(self, now: datetime) -> None:
        ended = [each for each in self._runs.values() if each.ended_at is not None]
        ended.sort(key=lambda each: each.ended_at or now)
        surplus = max(0, len(ended) - _MOST_KEPT + 1)
        for place, run in enumerate(ended):
            if place < surplus or now - (run.ended_at or now) > KEPT:
                del self._runs[run.id]

    def _keep(self, run: Run) -> None:
        with self._lock:
            self._runs[run.id] = run

    def _work_off(self) -> None:
        """One after another, until none waits."""
        while True:
            with self._lock:
                if not self._queue:
                    self._working = False
                    return
                run_id, order = self._queue.popleft()
                run = self._runs[run_id] = replace(self._runs[run_id], state="running")
            self._run(run, order)

    def _run(self, run: Run, order: Order) -> None:
        def progress(part: float, readings: int) -> None:
            nonlocal run
            run = replace(run, part=part, readings=readings)
            self._keep(run)
            if run.stopping.is_set():
                raise Cancelled("the back-test was stopped")

        try:
            result = self._work(order, progress)
            run = replace(run, state="finished", result=result)
        except Cancelled:
            run = replace(run, state="stopped")
        except WatchkeeperError as error:
            run = replace(run, state="failed", why=error.detail)
        except Exception:
            log.exception("a back-test failed", rule=run.rule_id)
            run = replace(run, state="failed", why=worded("something went wrong on our side"))
        self._keep(replace(run, ended_at=self._now()))
