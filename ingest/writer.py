"""The writer thread: readings to telemetry, then acknowledgements, off the deciding thread."""

import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog

from core.errors import WatchkeeperError
from core.health import Health
from core.telemetry.readings import ReadingBatch
from core.telemetry.store import TelemetryStore
from ingest import metrics

log = structlog.get_logger(__name__)

Acknowledge = Callable[[int, list[int]], None]
# Messages that stop coming may be waiting for our acknowledgement: a broker that allows only 20
# under way would otherwise deliver 20 a flush.
QUIET_SECONDS = 0.05
_LONGEST_PAUSE = 5.0
DRAIN_SECONDS = 10.0


@dataclass(slots=True)
class Work:
    """Readings whose decisions are committed, and the messages that they came in.

    then: called after the readings are durable and before the next work.
    """

    rows: ReadingBatch
    odd: ReadingBatch
    generation: int
    mids: list[int]
    then: list[Callable[[], None]] = field(default_factory=list)


class Writer:
    """Gathers work up to `flush_rows` readings or `flush_seconds`, writes it, acknowledges it."""

    def __init__(
        self,
        store: TelemetryStore,
        acknowledge: Acknowledge,
        health: Health,
        *,
        flush_rows: int,
        flush_seconds: float,
    ) -> None:
        self._store = store
        self._acknowledge = acknowledge
        self._health = health
        self._flush_rows = flush_rows
        self._flush_seconds = flush_seconds
        self._queue: queue.Queue[Work | None] = queue.Queue(maxsize=256)
        self._rows_waiting = 0
        self._lock = threading.Lock()
        self._abandon = threading.Event()
        self.failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="ingest-writer", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    @property
    def full(self) -> bool:
        """Whether so much waits that no more should be taken in."""
        return self._rows_waiting >= 10 * self._flush_rows or self._queue.qsize() >= 200

    @property
    def idle(self) -> bool:
        """Whether everything handed over is durable and acknowledged."""
        return self._queue.unfinished_tasks == 0

    def put(self, work: Work) -> None:
        """Hand work over; the caller looks at `full` first, so this does not block for long."""
        with self._lock:
            self._rows_waiting += _readings(work)
        self._queue.put(work)

    def stop(self, *, drain: bool) -> bool:
        """End the thread; returns whether everything handed over is durable and acknowledged.

        Draining may take DRAIN_SECONDS. What a store that is away won't take in that time is not
        acknowledged, so it comes again.
        """
        if not drain:
            self._abandon.set()
        self._queue.put(None)
        self._thread.join(DRAIN_SECONDS)
        self._abandon.set()
        self._thread.join()
        # The end mark itself is never counted as done.
        return self.failure is None and self._queue.unfinished_tasks <= 1

    def _run(self) -> None:
        try:
            while (first := self._queue.get()) is not None:
                gathered, ended = self._gather(first)
                if not self._write(gathered):
                    break
                for _ in gathered:
                    self._queue.task_done()
                if ended:
                    break
        except BaseException as error:
            self.failure = error
            log.exception("the writer has failed")

    def _gather(self, first: Work) -> tuple[list[Work], bool]:
        gathered = [first]
        rows = _readings(first)
        ends = time.monotonic() + self._flush_seconds
        while rows < self._flush_rows:
            rest = min(ends - time.monotonic(), QUIET_SECONDS)
            if rest <= 0:
                break
            try:
                work = self._queue.get(timeout=rest)
            except queue.Empty:
                break
            if work is None:
                return gathered, True
            gathered.append(work)
            rows += _readings(work)
        return gathered, False

    def _write(self, gathered: list[Work]) -> bool:
        rows, odd = _merged(gathered)
        pause = 0.05
        ill = False
        while not self._abandon.is_set():
            started = time.perf_counter()
            try:
                if len(rows) or len(odd):
                    self._store.write(rows, odd)
            except WatchkeeperError as error:
                ill = True
                self._health.report("telemetry", ok=False, detail=error.detail)
                self._abandon.wait(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)
                continue
            if ill:
                self._health.report("telemetry", ok=True)
            metrics.WRITE_SECONDS.observe(time.perf_counter() - started)
            self._finish(gathered)
            return True
        return False

    def _finish(self, gathered: list[Work]) -> None:
        for work in gathered:
            if work.mids:
                self._acknowledge(work.generation, work.mids)
            for follow_up in work.then:
                follow_up()
        count = sum(map(_readings, gathered))
        metrics.STORED.inc(count)
        with self._lock:
            self._rows_waiting -= count
        metrics.WAITING_ROWS.set(self._rows_waiting)


def _readings(work: Work) -> int:
    return len(work.rows) + len(work.odd)


def _merged(gathered: list[Work]) -> tuple[ReadingBatch, ReadingBatch]:
    if len(gathered) == 1:
        return gathered[0].rows, gathered[0].odd
    rows, odd = ReadingBatch(), ReadingBatch()
    for work in gathered:
        rows.extend(work.rows)
        odd.extend(work.odd)
    return rows, odd
