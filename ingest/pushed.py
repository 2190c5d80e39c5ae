"""The thread that has ingest take in what platforms pushed over HTTP.

The API commits each message into a box before it answers; here it leaves the box, in the order of
receipt, once its decisions and its readings are durable. A kill anywhere in between only repeats
work: the same message makes the same readings.
"""

import threading
import time
from collections.abc import Sequence
from functools import partial

from core.http_ingest import Waiting, forget_deliveries, taken, waiting
from ingest.beside import Beside
from ingest.run import Run
from ingest.stores import Stores

PART = "http ingest"
LOOK_SECONDS = 0.1
# So many at once: their decisions are committed one by one, their readings are stored together.
PORTION = 200
_FORGET_SECONDS = 300.0


class Inbox(Beside):
    """Runs beside one `Run`."""

    def __init__(self, stores: Stores, run: Run) -> None:
        super().__init__(stores, PART, "ingest-inbox")
        self._run = run
        self._next_forgetting = time.monotonic() + _FORGET_SECONDS

    def _turn(self) -> float:
        busy = self.look()
        self._stores.health.report(PART, ok=True)
        return 0.0 if busy else LOOK_SECONDS

    def look(self) -> bool:
        """Have the oldest taken in, and drop them from the box; whether there were any."""
        if time.monotonic() >= self._next_forgetting:
            self._next_forgetting = time.monotonic() + _FORGET_SECONDS
            with self._stores.database.write() as session:
                forget_deliveries(session, now=self._stores.clock.now())
        with self._stores.database.read() as session:
            messages = waiting(session, PORTION)
        if not messages:
            return False
        if self._taken_in(messages):
            with self._stores.database.write() as session:
                taken(session, [message.id for message in messages])
        return True

    def _taken_in(self, messages: Sequence[Waiting]) -> bool:
        """Whether all of them are durable, for which this waits; not when asked to stop before."""
        durable = threading.Event()
        for message in messages:
            self._run.submit(partial(self._run.take_pushed, message))
        self._run.submit(lambda: self._run.settled(durable.set))
        while not durable.wait(LOOK_SECONDS):
            if self._stop.is_set():
                return False
        return True
