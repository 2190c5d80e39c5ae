"""`install.sh` and the service call this: `python3 -m scripts.appliance install|recover`."""

import argparse
import sys
from pathlib import Path

from scripts.appliance import journal
from scripts.appliance.host import Host, SystemdHost
from scripts.appliance.installing import install
from scripts.appliance.layout import Layout
from scripts.appliance.trial import Patience
from scripts.appliance.words import Refusal, say


def main(arguments: list[str]) -> int:
    """Exit status 0 when it is done, 1 with every reason when it is not."""
    parser = argparse.ArgumentParser(prog="install.sh", description="Install Watchkeeper.")
    parser.add_argument("action", choices=("install", "recover"))
    parser.add_argument("--bundle", type=Path, help="the unpacked bundle")
    parser.add_argument("--root", type=Path, default=Path("/"), help="a folder instead of /")
    parser.add_argument(
        "--steady", type=float, default=10.0, help="seconds for which a release must be well"
    )
    given = parser.parse_args(arguments)
    layout = Layout(given.root.resolve())
    try:
        if given.action == "recover":
            journal.recover(layout)
        else:
            host = SystemdHost(layout) if layout.root == Path("/") else Host(layout)
            install(given.bundle.resolve(), layout, host, Patience(steady=given.steady))
    except Refusal as refusal:
        say(f"Stopped: {refusal}.")
        for problem in refusal.problems:
            say(f"  {problem}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
