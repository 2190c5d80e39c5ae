"""A real Mosquitto with persistence, on a free port, in a folder of the test."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ingest.session import BrokerAddress
from tests.servers import find_program, free_port
from tests.servers.broker_process import BrokerProcess

PACKAGE = "mosquitto"


def mosquitto_program() -> str:
    """The path of Mosquitto; a missing one fails the test."""
    return find_program("mosquitto", "/usr/sbin/mosquitto", package=PACKAGE)


def account_lines() -> list[str]:
    """Mosquitto gives root's rights up, and then can't write into a folder of root's."""
    return ["user root"] if os.geteuid() == 0 else []


@contextmanager
def mosquitto(folder: Path, extra_lines: Iterable[str] = ()) -> Iterator[BrokerProcess]:
    """A running broker that lets everybody in; `extra_lines` are added to its configuration."""
    address = BrokerAddress("127.0.0.1", free_port())
    lines = [
        *account_lines(),
        "per_listener_settings false",
        "allow_anonymous true",
        "persistence true",
        f"persistence_location {folder}/",
        "max_inflight_messages 0",
        "max_queued_messages 0",
        "set_tcp_nodelay true",
        f"listener {address.port} {address.host}",
        *extra_lines,
    ]
    with mosquitto_of(folder, lines, address) as broker:
        yield broker


@contextmanager
def mosquitto_of(
    folder: Path, lines: Iterable[str], address: BrokerAddress
) -> Iterator[BrokerProcess]:
    """A running broker with exactly this configuration, which must listen on `address`."""
    file = folder / "mosquitto.conf"
    file.write_text("\n".join(lines) + "\n")
    command = [mosquitto_program(), "-c", str(file)]
    broker = BrokerProcess("mosquitto", command, address, folder)
    broker.start()
    try:
        yield broker
    finally:
        broker.stop()
