"""Commands of the product as processes of their own that need not load it anew each.

A server process has loaded the product once; each command is forked from it, with the arguments,
the environment and the output that a container would give it.
"""

import ctypes
import multiprocessing
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from multiprocessing.process import BaseProcess
from pathlib import Path

_PR_SET_PDEATHSIG = 1


def begin(
    words: Sequence[str], environment: Mapping[str, str], output: Path, folder: Path
) -> BaseProcess:
    """Start `watchkeeper words…` in a folder; what it prints is added to `output`."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["watchkeeper.cli", __name__])
    given = list(words), dict(environment), str(output), str(folder)
    process = context.Process(target=_run, args=given, daemon=True)
    process.start()
    return process


def _run(words: list[str], environment: dict[str, str], output: str, folder: str) -> None:
    # It ends with the server process, and that with the test run, however that dies.
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    # A process of multiprocessing ignores what a terminal sends.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sink = os.open(output, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.dup2(sink, 1)
    os.dup2(sink, 2)
    sys.argv = ["watchkeeper", *words]
    # Loaded in the server process already.
    from watchkeeper.__main__ import main  # noqa: PLC0415

    main()
