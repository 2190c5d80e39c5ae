"""`install.sh` and the service call this: `python3 -m scripts.appliance install|recover`."""

import argparse
import os
import signal
import subprocess
import sys
from pathlib import Path

from scripts.appliance import journal
from scripts.appliance.host import Host, SystemdHost
from scripts.appliance.installing import INTERRUPTS, install
from scripts.appliance.layout import Layout
from scripts.appliance.trial import Patience
from scripts.appliance.words import Refusal, say


def main(arguments: list[str]) -> int:
    """Exit status 0 when it is done, 1 with every reason when it is not."""
    parser = argparse.ArgumentParser(prog="install.sh", description="Install Watchkeeper.")
    parser.add_argument("action", choices=("install", "recover"))
    parser.add_argument("--bundle", type=Path, help="the unpacked bundle")
    parser.add_argument("--root", type=Path, default=Path("/"), help="a folder instead of /")
    parser.add_argument("--from", type=Path, default=Path(), help=argparse.SUPPRESS, dest="origin")
    parser.add_argument(
        "--steady", type=float, default=10.0, help="seconds for which a release must be well"
    )
    given = parser.parse_args(arguments)
    layout = Layout((given.origin / given.root).resolve())
    # The service reads what is laid down here, and is not root: however careful root's own is.
    os.umask(0o022)
    for number in INTERRUPTS:
        signal.signal(number, signal.default_int_handler)
    try:
        if given.action == "recover":
            journal.recover_before_start(layout)
        else:
            host = SystemdHost(layout) if layout.root == Path("/") else Host(layout)
            install(given.bundle.resolve(), layout, host, Patience(steady=given.steady))
    except Refusal as refusal:
        say(f"Stopped: {refusal}.")
        for problem in refusal.problems:
            say(f"  {problem}")
        return 1
    except (OSError, subprocess.SubprocessError, KeyboardInterrupt) as error:
        say(f"Stopped: {str(error) or 'it was interrupted'}.")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
