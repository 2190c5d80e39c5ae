"""The two ways to read messages through paho: past it, by the sieve, and its own."""

import select
import struct
import time
from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Any

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.exception import MQTTException

from ingest.session.frames import acknowledgements
from ingest.session.messages import DUPLICATE, RETAINED, Message, Unacknowledged
from ingest.session.sieve import SievedClient, TidyClient, presume_alive, raw_topic

# Above BUSY messages a second, reads stand at least GATHER seconds apart: a broker that writes one
# message a packet then costs one system call for many messages instead of one for each.
BUSY = 4_000.0
GATHER = 0.002
_MEMORY = 0.05
_UNREADABLE = (ValueError, LookupError, TypeError, struct.error, MQTTException)


class Pace:
    """How fast messages arrive, and how long to let them gather."""

    def __init__(self) -> None:
        self.rate = 0.0
        self._read_at = 0.0

    def gather(self) -> None:
        """Sleep out the rest of GATHER when messages are plenty, otherwise return at once."""
        if self.rate >= BUSY:
            rest = self._read_at + GATHER - time.monotonic()
            if rest > 0:
                time.sleep(rest)

    def count(self, messages: int) -> None:
        """Take what one read brought into the average over about 50 ms."""
        now = time.monotonic()
        elapsed, self._read_at = now - self._read_at, now
        if elapsed >= _MEMORY:
            self.rate = messages / elapsed
        else:
            self.rate += (messages - self.rate * elapsed) / _MEMORY


class Link(ABC):
    """One paho client and the messages that came through its current connection."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.ended: str | None = None
        self._taken: list[Message] = []
        self._exactly_once: set[int] = set()
        client.on_message = self._take

    @property
    def is_open(self) -> bool:
        """Whether there is a socket, connected to MQTT or not yet."""
        return self.client.socket() is not None

    @property
    @abstractmethod
    def unacknowledged(self) -> Unacknowledged:
        """What was delivered in the present connection and not acknowledged."""

    @property
    @abstractmethod
    def wants_write(self) -> bool:
        """Whether the socket should be polled for writing."""

    @property
    @abstractmethod
    def buffered(self) -> bool:
        """Whether there is something to read that polling the socket can't see."""

    @abstractmethod
    def receive(self, limit: int) -> list[Message]:
        """What has arrived, about `limit` messages at most, without waiting for more."""

    @abstractmethod
    def flush(self) -> None:
        """Write what waits, as far as the socket takes it now."""

    @abstractmethod
    def _acknowledge(self, mids: list[int]) -> None: ...

    def connect(self, host: str, port: int, keepalive: int) -> None:
        """Open a connection and send CONNECT; OSError or ValueError when that fails."""
        self.ended = None
        self._taken.clear()
        self.client.connect(host, port, keepalive)

    def acknowledge(self, mids: Iterable[int]) -> None:
        """Acknowledge what is still unacknowledged of these packet identifiers."""
        settled = self.unacknowledged.settle(mids)
        if self._exactly_once:
            twice = self._exactly_once.intersection(settled)
            self._exactly_once -= twice
            settled = [mid for mid in settled if mid not in twice]
            for mid in twice:
                self.client.ack(mid, 2)
        if settled:
            self._acknowledge(settled)

    def fileno(self) -> int:
        """The socket's descriptor, -1 without one."""
        sock = self.client.socket()
        return -1 if sock is None else sock.fileno()

    def abandon(self, why: str) -> None:
        """Give up a connection that can't be trusted any more."""
        self.ended = self.ended or why
        self.client.disconnect()

    def _loop_read(self) -> None:
        try:
            self.client.loop_read()
        except _UNREADABLE as error:
            self.abandon(f"the broker sent a malformed packet: {error}")

    def _take(self, client: Client, userdata: Any, message: MQTTMessage) -> None:
        flags = (RETAINED if message.retain else 0) | (DUPLICATE if message.dup else 0)
        mid = message.mid if message.qos else 0
        if message.qos and not mid:
            self.abandon("the broker sent a malformed packet: a PUBLISH without an identifier")
            return
        if mid:
            if not self.unacknowledged.admit(mid, flags & DUPLICATE):
                return
            if message.qos == 2:
                self._exactly_once.add(mid)
        self._taken.append((raw_topic(message), bytes(message.payload), mid, flags))


class SievedLink(Link):
    """The fast path, for plain TCP and TLS."""

    client: SievedClient

    def __init__(self, client: SievedClient) -> None:
        super().__init__(client)
        self._pace = Pace()

    @property
    def unacknowledged(self) -> Unacknowledged:
        return self.client.sieve.reader.unacknowledged

    @property
    def wants_write(self) -> bool:
        return self.client.sieve.wants_write

    @property
    def buffered(self) -> bool:
        sieve = self.client.sieve
        return sieve.reader.has_more or sieve.buffered

    def receive(self, limit: int) -> list[Message]:
        sieve = self.client.sieve
        reader = sieve.reader
        if not reader.has_more:
            self._pace.gather()
            if sieve.fill():
                presume_alive(self.client)
        messages = reader.read(limit)
        if reader.malformed is not None:
            sieve.ended = sieve.ended or f"the broker sent a malformed packet: {reader.malformed}"
        if reader.control or sieve.ended is not None:
            self._show_paho()
            messages += self._taken
            self._taken.clear()
        self._pace.count(len(messages))
        return messages

    def _show_paho(self) -> None:
        """Let paho read the control packets, then the end, once no message waits before it."""
        sieve = self.client.sieve
        while self.is_open and sieve.reader.control:
            self._loop_read()
        if self.is_open and sieve.ended is not None and not sieve.reader.has_more:
            self.ended = self.ended or sieve.ended
            self._loop_read()

    def flush(self) -> None:
        self.client.sieve.flush()

    def _acknowledge(self, mids: list[int]) -> None:
        self.client.sieve.send(acknowledgements(mids))


class PahoLink(Link):
    """paho's own path, for websockets and Unix sockets, and for any transport by setting."""

    def __init__(self, client: Client) -> None:
        super().__init__(client)
        self._unacknowledged = Unacknowledged()

    @property
    def unacknowledged(self) -> Unacknowledged:
        return self._unacknowledged

    @property
    def wants_write(self) -> bool:
        return self.client.want_write()

    @property
    def buffered(self) -> bool:
        return bool(self._taken) or self._pending()

    def _pending(self) -> bool:
        pending = getattr(self.client.socket(), "pending", None)
        return pending is not None and pending() > 0

    def connect(self, host: str, port: int, keepalive: int) -> None:
        self._unacknowledged = Unacknowledged()
        super().connect(host, port, keepalive)

    def receive(self, limit: int) -> list[Message]:
        while self.is_open and len(self._taken) < limit:
            seen = len(self._taken)
            self._loop_read()
            if len(self._taken) == seen and not self._readable():
                break
        messages = self._taken[:limit]
        del self._taken[:limit]
        return messages

    def _readable(self) -> bool:
        if not self.is_open:
            return False
        poller = select.poll()
        poller.register(self.fileno(), select.POLLIN)
        return self._pending() or bool(poller.poll(0))

    def flush(self) -> None:
        if self.client.want_write():
            self.client.loop_write()

    def _acknowledge(self, mids: list[int]) -> None:
        for mid in mids:
            self.client.ack(mid, 1)


def link(client_id: str, transport: Any, fast: bool) -> Link:
    """The link for a transport: the fast one wherever it is wanted and works."""
    settings: dict[str, Any] = {
        "callback_api_version": CallbackAPIVersion.VERSION2,
        "client_id": client_id,
        "clean_session": False,
        "protocol": MQTTProtocolVersion.MQTTv311,
        "transport": transport,
        "manual_ack": True,
        # paho would answer a refusal by trying an older protocol in the same call.
        "reconnect_on_failure": False,
    }
    if fast and transport == "tcp":
        return SievedLink(SievedClient(**settings))
    return PahoLink(TidyClient(**settings))
