"""The brokers that benchmarks run on, each fresh and as the product configures it."""

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from core.errors import Refused
from ingest.broker import BrokerConfig, EmbeddedBroker
from ingest.session import BrokerAddress

BROKERS = ("nats", "mosquitto")
Durability = Literal["process", "power"]


@contextmanager
def broker(kind: str, folder: Path, durability: Durability = "process") -> Iterator[BrokerAddress]:
    """A running broker of the given kind with its store in `folder`.

    durability: of the embedded broker; Mosquitto knows only one.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with _nats(folder, durability) if kind == "nats" else _mosquitto(folder) as address:
        yield address


@contextmanager
def _nats(folder: Path, durability: Durability) -> Iterator[BrokerAddress]:
    embedded = EmbeddedBroker(BrokerConfig(directory=folder, port=0, durability=durability))
    embedded.start()
    try:
        embedded.wait_ready()
        yield embedded.address
    finally:
        embedded.stop()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def _mosquitto(folder: Path) -> Iterator[BrokerAddress]:
    program = shutil.which("mosquitto", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")
    if program is None:
        raise Refused("mosquitto is not installed", advice="Install Debian's package mosquitto.")
    port = _free_port()
    settings = folder / "mosquitto.conf"
    settings.write_text(
        f"listener {port} 127.0.0.1\nallow_anonymous true\npersistence true\n"
        f"persistence_location {folder}/\nmax_inflight_messages 20000\n"
        "max_queued_messages 0\nset_tcp_nodelay true\nuser root\n"
    )
    child = subprocess.Popen(
        [program, "-c", str(settings)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        _wait_for(port)
        yield BrokerAddress("127.0.0.1", port)
    finally:
        child.terminate()
        child.wait(10)


def _wait_for(port: int) -> None:
    ends = time.monotonic() + 10
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if time.monotonic() > ends:
                raise
            time.sleep(0.05)
        else:
            return
