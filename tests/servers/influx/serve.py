"""The stand-in as a process of its own: `python -m tests.servers.influx.serve PORT HOST:PORT`."""

import sys
import threading

from tests.servers.influx.compiler import flux_compiler
from tests.servers.influx.stand_in import StandIn


def main(port: int, forward: str) -> None:
    """Serve until the process is ended; `forward` is where writes go first, HOST:PORT."""
    server = StandIn(flux_compiler(), port)
    host, _, number = forward.partition(":")
    server.forward = (host, int(number))
    threading.Event().wait()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
