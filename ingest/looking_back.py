"""The thread that reads what was measured before: charts for tickets, and lessons of baselines.

A store that hangs answers only after a minute. Whoever keeps the lease and has sirens sound must
not wait for it, so this is no work of the keeper.
"""

import threading
import time
from collections.abc import Collection

import structlog

from core.db import is_unavailable
from core.errors import WatchkeeperError
from ingest.baselines import Teacher
from ingest.charts import Charts
from ingest.committing import Tenure
from ingest.run import Run
from ingest.stores import Stores

log = structlog.get_logger(__name__)

PART = "ingest charts"
_LOOK_SECONDS = 0.25
# A ticket shows its readings live before they are copied, so the copying can wait for company.
_CHARTS_SECONDS = 1.0
# Whatever cut a chart short, it is tried again.
_AGAIN_SECONDS = 5.0
# What the store has not answered by then nobody waits for at the end.
_LAST_SECONDS = 5.0


class LookingBack:
    """Runs beside one `Run`."""

    def __init__(self, stores: Stores, tenure: Tenure, run: Run) -> None:
        self._stores = stores
        self._run = run
        self._charts = Charts(stores.database, stores.telemetry)
        self._teacher = Teacher(
            stores.database, stores.telemetry, tenure, stores.clock, self._adopt
        )
        self._due = threading.Event()
        self._next_charts = self._next_try = 0.0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="ingest-charts", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread, unless it waits for a store that hangs: then it ends with its answer."""
        self._stop.set()
        self._thread.join(_LAST_SECONDS)

    def want_charts(self) -> None:
        """There are, or may be, tickets without their chart; any thread may say so."""
        self._due.set()

    def _work(self) -> None:
        while not self._stop.is_set():
            try:
                self._once()
            except Exception as error:
                # The thread's edge: whatever it was, it is reported and tried again.
                if not is_unavailable(error) and not isinstance(error, WatchkeeperError):
                    log.exception("looking back failed; it is tried again")
                self._stores.health.report(PART, ok=False, detail=str(error)[:300])
                self._stop.wait(1.0)
            else:
                self._stores.health.report(PART, ok=True)
                self._stop.wait(_LOOK_SECONDS)

    def _once(self) -> None:
        now = time.monotonic()
        if (self._due.is_set() and now >= self._next_charts) or now >= self._next_try:
            self._next_charts, self._next_try = now + _CHARTS_SECONDS, now + _AGAIN_SECONDS
            # Before it looks: what is wanted from now on is looked for once more.
            self._due.clear()
            if self._charts.finish(now):
                self._due.set()
        self._teacher.look(self._run.judge.registry)

    def _adopt(self, series: Collection[int]) -> None:
        self._run.submit(lambda: self._run.adopt_taught(series))
