"""Real servers and programs that tests start, each on a free port and gone when the test ends."""

import glob
import os
import shutil
import socket

import pytest


def free_port() -> int:
    """A TCP port on the loopback address that nothing listened on a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


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
    return [setpriv, *account, "--pdeathsig", "QUIT", "--", *command]
