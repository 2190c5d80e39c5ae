"""Asking the embedded broker who is connected, and to read its configuration again.

By the system account of NATS (docs.nats.io, System Events): over the client protocol on the
loopback port, so that no port is open on which anybody else could ask.
"""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from io import BufferedRWPair
from typing import Any

from core.device_credentials import Connection
from ingest.broker.process import BrokerError
from ingest.broker.queue import ask, introduce

_PAGE = 1_000
_PING = "$SYS.REQ.SERVER.PING"
_TAKEN_OVER = "Duplicate Client ID"


def read_configuration_again(port: int, user: str, password: str) -> None:
    """Have the server read its file; returns once it holds. BrokerError when it did not."""
    with _asking(port, user, password) as wire:
        server = ask(wire, f"{_PING}.IDZ")["id"]
        answer = ask(wire, f"$SYS.REQ.SERVER.{server}.RELOAD")
    if "error" in answer:
        raise BrokerError(f"it refuses its configuration: {answer['error'].get('description')}")


def connections(port: int, user: str, password: str) -> list[Connection]:
    """Who is connected over MQTT, and who was taken over lately. BrokerError if it can't tell."""
    with _asking(port, user, password) as wire:
        present = list(_pages(wire, {"auth": True, "state": 0, "sort": "cid"}))
        gone = ask(wire, f"{_PING}.CONNZ", {"auth": True, "state": 1, "limit": _PAGE})
    left = [one for one in gone["data"]["connections"] if one.get("reason") == _TAKEN_OVER]
    return [
        *(_connection(one) for one in present if one.get("type") == "mqtt"),
        *(_connection(one, taken_over=True) for one in left),
    ]


def _pages(wire: BufferedRWPair, question: dict[str, Any]) -> Iterator[dict[str, Any]]:
    offset = 0
    while True:
        page = ask(wire, f"{_PING}.CONNZ", {**question, "limit": _PAGE, "offset": offset})["data"]
        yield from page["connections"]
        offset += len(page["connections"])
        if not page["connections"] or offset >= page["total"]:
            return


def _connection(told: dict[str, Any], *, taken_over: bool = False) -> Connection:
    return Connection(
        told["cid"],
        told.get("authorized_user", ""),
        told.get("mqtt_client", ""),
        told.get("ip", ""),
        datetime.fromisoformat(told["start"]),
        datetime.fromisoformat(told["stop"] if taken_over else told["last_activity"]),
        taken_over=taken_over,
    )


@contextmanager
def _asking(port: int, user: str, password: str) -> Iterator[BufferedRWPair]:
    try:
        with (
            socket.create_connection(("127.0.0.1", port), timeout=5.0) as sock,
            sock.makefile("rwb") as wire,
        ):
            introduce(wire, user, password)
            yield wire
    except (OSError, ValueError, LookupError) as error:
        raise BrokerError(f"the broker can't be asked: {error}") from error
