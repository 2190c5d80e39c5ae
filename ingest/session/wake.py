"""Waiting for a socket, and being woken by another thread."""

import contextlib
import os
import select
import threading


class Waker:
    """A pipe to oneself: `wake` from any thread ends the present or the next `wait` at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._read, self._write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)

    def wake(self) -> None:
        """End a wait; nothing happens after `close`."""
        with self._lock, contextlib.suppress(BlockingIOError):
            if self._write >= 0:
                os.write(self._write, b"\0")

    def wait(self, seconds: float, descriptor: int = -1, writing: bool = False) -> None:
        """Until `descriptor` can be read (or written), a wake, or the time is over."""
        poller = select.poll()
        poller.register(self._read, select.POLLIN)
        if descriptor >= 0:
            poller.register(descriptor, select.POLLIN | (select.POLLOUT if writing else 0))
        ready = poller.poll(max(0.0, seconds) * 1000)
        if any(which == self._read for which, _ in ready):
            with contextlib.suppress(BlockingIOError):
                os.read(self._read, 65_536)

    def close(self) -> None:
        """Close both ends; safe to repeat."""
        with self._lock:
            for end in (self._read, self._write):
                if end >= 0:
                    os.close(end)
            self._read = self._write = -1
