"""Real servers and programs that tests start, each on a free port and gone when the test ends."""

import glob
import os
import secrets
import shutil
import socket
from itertools import count, islice

import pytest

# Below those that systems give to outgoing connections (from 32768 on Linux), one of which could
# take a free port before its server does; and a part for each process of the tests.
FIRST_PORT = 16_000
PORTS_A_PROCESS = 1_000
PROCESSES = 16
_process = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % PROCESSES
# Not where the run before began: its servers may still be ending.
_ports = count(secrets.randbelow(PORTS_A_PROCESS))


def free_port() -> int:
    """A TCP port on the loopback address that nothing listens on and no other test is given."""
    for number in islice(_ports, PORTS_A_PROCESS):
        port = FIRST_PORT + PORTS_A_PROCESS * _process + number % PORTS_A_PROCESS
        with socket.socket() as probe:
            # As servers do, so that connections of the past that linger do no harm.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    pytest.fail(f"none of {PORTS_A_PROCESS} ports is free", pytrace=False)


def find_program(name: str, *places: str, package: str) -> str:
    """The path of an installed program: the newest match of the places, else on PATH.

    A missing program fails the test and says which Debian package brings it; a test that
    was skipped instead would look like a test that passed.
    """
    for place in places:
        found = sorted(glob.glob(place), key=lambda path: (len(path), path))
        if found and os.access(found[-1], os.X_OK):
            return found[-1]
    on_path = shutil.which(name)
    if on_path is None:
        message = f"{name} is missing: install Debian's package {package}, or run make test as root"
        pytest.fail(message, pytrace=False)
    return on_path


def bound_to_this_process(command: list[str], user: str | None = None) -> list[str]:
    """The command, run through setpriv: it ends when the test run dies, however that dies.

    `user` names the account it runs as; only root can ask for one.
    """
    setpriv = find_program("setpriv", "/usr/bin/setpriv", package="util-linux")
    account = ["--reuid", user, "--regid", user, "--init-groups"] if user else []
    # The one signal that can't be ignored: shells have what they start with & ignore others.
    return [setpriv, *account, "--pdeathsig", "KILL", "--", *command]
