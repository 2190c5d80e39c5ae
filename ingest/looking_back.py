"""The thread that reads what was measured before: charts for tickets, and lessons of baselines.

A store that hangs answers only after a minute. Whoever keeps the lease and has sirens sound must
not wait for it, so this is no work of the keeper.
"""

import threading
import time
from collections.abc import Collection

from ingest.baselines import Teacher
from ingest.beside import Beside
from ingest.charts import Charts
from ingest.committing import Tenure
from ingest.run import Run
from ingest.stores import Stores

PART = "ingest charts"
_LOOK_SECONDS = 0.25
# A ticket shows its readings live before they are copied, so the copying can wait for company.
_CHARTS_SECONDS = 1.0
# Whatever cut a chart short, it is tried again.
_AGAIN_SECONDS = 5.0
# What the store has not answered by then nobody waits for at the end.
_LAST_SECONDS = 5.0


class LookingBack(Beside):
    """Runs beside one `Run`."""

    def __init__(self, stores: Stores, tenure: Tenure, run: Run) -> None:
        super().__init__(stores, PART, "ingest-charts", patience=_LAST_SECONDS)
        self._run = run
        self._charts = Charts(stores.database, stores.telemetry)
        self._teacher = Teacher(
            stores.database, stores.telemetry, tenure, stores.clock, self._adopt
        )
        self._due = threading.Event()
        self._next_charts = self._next_try = 0.0

    def want_charts(self) -> None:
        """There are, or may be, tickets without their chart; any thread may say so."""
        self._due.set()

    def _turn(self) -> float:
        now = time.monotonic()
        if (self._due.is_set() and now >= self._next_charts) or now >= self._next_try:
            self._next_charts, self._next_try = now + _CHARTS_SECONDS, now + _AGAIN_SECONDS
            # Before it looks: what is wanted from now on is looked for once more.
            self._due.clear()
            if self._charts.finish(now):
                self._due.set()
        self._teacher.look(self._run.judge.registry)
        self._stores.health.report(PART, ok=True)
        return _LOOK_SECONDS

    def _adopt(self, series: Collection[int]) -> None:
        self._run.submit(lambda: self._run.adopt_taught(series))
