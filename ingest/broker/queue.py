"""How full the embedded broker's queue is, asked of JetStream over the NATS client protocol."""

import json
import socket
from dataclasses import dataclass
from io import BufferedRWPair
from typing import Any

from ingest.broker.process import BrokerError

_INBOX = "_INBOX.watchkeeper"
_STREAM = "$MQTT_msgs"


@dataclass(frozen=True, slots=True)
class QueueState:
    """What waits in the broker for all its persistent sessions.

    `messages` and `size` (bytes) are stored; `undelivered` and `unacknowledged` sum over the
    subscriptions; `capacity` is the size at which the broker takes no more.
    """

    messages: int
    size: int
    undelivered: int
    unacknowledged: int
    capacity: int

    @property
    def fill(self) -> float:
        """From 0 (empty) to 1 (full)."""
        return self.size / self.capacity


def queue_state(port: int, user: str, password: str, capacity: int) -> QueueState:
    """Ask the server whose NATS protocol listens on this loopback port; BrokerError if it can't.

    Before the first persistent session there is no stream, and all figures are 0.
    """
    try:
        with (
            socket.create_connection(("127.0.0.1", port), timeout=5.0) as sock,
            sock.makefile("rwb") as wire,
        ):
            introduce(wire, user, password)
            stored = ask(wire, f"$JS.API.STREAM.INFO.{_STREAM}")
            if "state" not in stored:
                return QueueState(0, 0, 0, 0, capacity)
            consumers = _consumers(wire)
    except (OSError, ValueError, LookupError) as error:
        raise BrokerError(f"the broker doesn't tell how full its queue is: {error}") from error
    return QueueState(
        stored["state"]["messages"],
        stored["state"]["bytes"],
        sum(one["num_pending"] for one in consumers),
        sum(one["num_ack_pending"] for one in consumers),
        capacity,
    )


def _consumers(wire: BufferedRWPair) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while True:
        answer = ask(wire, f"$JS.API.CONSUMER.LIST.{_STREAM}", {"offset": len(found)})
        page = answer.get("consumers") or []
        found += page
        if not page or len(found) >= answer["total"]:
            return found


def introduce(wire: BufferedRWPair, user: str, password: str) -> None:
    """Sign in on a fresh connection; what the server thinks of it shows at the first question."""
    wire.readline()
    options = {"verbose": False, "pedantic": False, "user": user, "pass": password}
    wire.write(f"CONNECT {json.dumps(options)}\r\nSUB {_INBOX} 1\r\n".encode())


def ask(
    wire: BufferedRWPair, subject: str, question: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Ask one question of the server; ValueError when it hangs up or complains."""
    body = b"" if question is None else json.dumps(question).encode()
    wire.write(f"PUB {subject} {_INBOX} {len(body)}\r\n".encode() + body + b"\r\n")
    wire.flush()
    while True:
        line = wire.readline().split()
        if not line or line[0] == b"-ERR":
            raise ValueError(b" ".join(line).decode() or "it hung up")
        if line[0] == b"PING":
            wire.write(b"PONG\r\n")
            wire.flush()
        if line[0] == b"MSG":
            answer: dict[str, Any] = json.loads(wire.read(int(line[-1]) + 2))
            return answer
