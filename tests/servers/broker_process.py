"""A broker that tests start, stop, kill and start again on the same port and store."""

import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ingest.session import BrokerAddress
from tests.servers import bound_to_this_process

_START_LIMIT_S = 60.0
_STOP_LIMIT_S = 60.0


class BrokerProcess:
    """One broker's command line over one folder."""

    def __init__(self, name: str, command: list[str], address: BrokerAddress, folder: Path) -> None:
        self.name = name
        self.address = address
        self.folder = folder
        self._command = command
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def output(self) -> Path:
        """What the broker printed since its last start."""
        return self.folder / f"{self.name}.out"

    def start(self) -> None:
        """Start it and wait until its port answers; fails the test when it doesn't."""
        with self.output.open("wb") as output:
            self._process = subprocess.Popen(
                bound_to_this_process(self._command), stdout=output, stderr=subprocess.STDOUT
            )
        self._wait(self._answers, _START_LIMIT_S, "doesn't start")

    def stop(self) -> None:
        """End it cleanly; nothing happens when it doesn't run."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it at this instant, as by a crash."""
        self._end(signal.SIGKILL)

    def _end(self, way: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(way)
            self._process.wait(_STOP_LIMIT_S)
            self._process = None

    def _answers(self) -> bool:
        assert self._process is not None
        if self._process.poll() is not None:
            self._fail(f"ended with code {self._process.returncode}")
        try:
            socket.create_connection((self.address.host, self.address.port), timeout=1).close()
        except OSError:
            return False
        return True

    def _wait(self, condition: Callable[[], bool], limit: float, trouble: str) -> None:
        deadline = time.monotonic() + limit
        while not condition():
            if time.monotonic() > deadline:
                self._fail(trouble)
            time.sleep(0.02)

    def _fail(self, trouble: str) -> None:
        words = self.output.read_text(errors="replace")[-2000:]
        pytest.fail(f"{self.name} {trouble}: {words}", pytrace=False)
