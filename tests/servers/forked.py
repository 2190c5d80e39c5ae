"""Commands of the product as processes of their own that need not load it anew each.

A server process has loaded the product once; each command is forked from it, with the arguments,
the environment and the output that a container would give it.
"""

import ctypes
import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from multiprocessing import forkserver
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest

_PR_SET_PDEATHSIG = 1
# Rich reads how wide it may print once, when it is loaded.
COLUMNS = "200"


def begin(
    words: Sequence[str],
    environment: Mapping[str, str],
    output: Path,
    folder: Path,
    complaints: Path | None = None,
) -> BaseProcess:
    """Start `watchkeeper words…` in a folder; what it prints is added to `output`.

    complaints: where its standard error goes, if not there too.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.servers.loaded", __name__])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", COLUMNS)
        forkserver.ensure_running()
    given = list(words), dict(environment), str(output), str(complaints or output), str(folder)
    process = context.Process(target=_run, args=given, daemon=True)
    process.start()
    return process


class Forked:
    """A process that was forked, with what tests ask of a `subprocess.Popen`."""

    def __init__(self, process: BaseProcess) -> None:
        self._process = process
        assert process.pid is not None
        self.pid = process.pid

    def poll(self) -> int | None:
        """Its exit status, negative for the signal that ended it; None while it runs."""
        return self._process.exitcode

    def wait(self, timeout: float) -> int:
        """Its exit status once it has ended; raises TimeoutExpired after `timeout` seconds."""
        self._process.join(timeout)
        code = self.poll()
        if code is None:
            raise subprocess.TimeoutExpired(["watchkeeper"], timeout)
        return code

    def send_signal(self, signal_number: signal.Signals) -> None:
        """Send it a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, signal_number)

    def kill(self) -> None:
        """SIGKILL it, unless it has ended."""
        self.send_signal(signal.SIGKILL)


def run(
    words: Sequence[str], environment: Mapping[str, str], folder: Path, limit: float
) -> subprocess.CompletedProcess[str]:
    """Run `watchkeeper words…` in a folder to its end; raises TimeoutExpired after the limit."""
    with tempfile.TemporaryDirectory() as place:
        output, complaints = Path(place, "output"), Path(place, "complaints")
        process = begin(words, environment, output, folder, complaints)
        process.join(limit)
        code = process.exitcode
        if code is None:
            process.kill()
            process.join()
            raise subprocess.TimeoutExpired(["watchkeeper", *words], limit)
        process.close()
        said = (file.read_text() if file.exists() else "" for file in (output, complaints))
        return subprocess.CompletedProcess(["watchkeeper", *words], code, *said)


def _run(
    words: list[str], environment: dict[str, str], output: str, complaints: str, folder: str
) -> None:
    # It ends with the server process, and that with the test run, however that dies.
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    # No signal of the terminal at which the tests run is meant for it.
    os.setsid()
    # A process of multiprocessing ignores what a terminal sends.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    for number, file in enumerate((output, complaints), start=1):
        sink = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        os.dup2(sink, number)
    sys.argv = ["watchkeeper", *words]
    # Loaded in the server process already.
    from watchkeeper.__main__ import main  # noqa: PLC0415

    main()
