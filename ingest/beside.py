"""Threads that run beside a run of ingest."""

import threading

import structlog

from core.db import is_unavailable
from core.errors import WatchkeeperError
from ingest.stores import Stores

log = structlog.get_logger(__name__)

# After a turn that failed.
_PAUSE = 1.0


class Beside:
    """A thread that takes one turn after another until it is stopped, whatever happens in one."""

    def __init__(
        self, stores: Stores, part: str, name: str, *, patience: float | None = None
    ) -> None:
        """part: under which it reports how it is. name: of the thread.

        patience: seconds for which its end is waited for; None until it has ended. One that asks a
        store that hangs ends with its answer.
        """
        self._stores = stores
        self._part = part
        self._patience = patience
        self._stop = threading.Event()
        self._woken = threading.Event()
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread."""
        self._stop.set()
        self._woken.set()
        self._thread.join(self._patience)

    def wake(self) -> None:
        """Have the next turn now; any thread may ask."""
        self._woken.set()

    def _work(self) -> None:
        while not self._stop.is_set():
            # Before it looks: whoever wakes it from now on has it look once more.
            self._woken.clear()
            try:
                pause = self._turn()
            except Exception as error:
                # The thread's edge: whatever it was, it is reported and tried again.
                if not is_unavailable(error) and not isinstance(error, WatchkeeperError):
                    log.exception("a thread of ingest stumbled; it goes on", part=self._part)
                self._stores.health.report(self._part, ok=False, detail=str(error)[:300])
                pause = _PAUSE
            if not self._stop.is_set():
                self._woken.wait(pause)
        self._end()

    def _turn(self) -> float:
        """Do what is due, and report it; returns after how many seconds the next turn is due."""
        raise NotImplementedError

    def _end(self) -> None:
        """What the thread does last of all."""
