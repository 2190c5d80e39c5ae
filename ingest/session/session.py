"""One persistent MQTT 3.1.1 session: messages in, acknowledgements and a few messages out."""

import socket
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from ingest.session.address import BrokerAddress
from ingest.session.backoff import LASTING, delay
from ingest.session.links import link
from ingest.session.messages import Message
from ingest.session.sieve import close_socket, finish_sending, presume_alive, real_socket
from ingest.session.state import Phase, SessionState, wall_clock
from ingest.session.subscriptions import Subscriptions
from ingest.session.wake import Waker

if TYPE_CHECKING:
    from paho.mqtt.client import SocketLike

BATCH = 4_000
MOST_AHEAD = 65_535
MOST_AHEAD_BYTES = 64 * 1024 * 1024
MOST_PUBLICATIONS = 1_000
_HOUSEKEEPING = 1.0
# paho sends its PINGREQ only once the keep-alive time is over, and a broker waits for half as much
# again: looking several times in that half keeps even a short one.
_LOOKS_A_KEEPALIVE = 8
_LAST_WORDS = 1.0
# A busy broker refuses a filter that it takes a little later.
_ASK_AGAIN = 5.0
# While so few messages wait for their acknowledgement for so many seconds, longer than the broker
# puts one off, it sends what it has as it gets it.
_FEW = 500
_CALM = 10.0
_TOPIC = itemgetter(0)


class _Publication(NamedTuple):
    topic: str
    payload: bytes
    qos: int
    retain: bool


class Session:
    """The connection of one ingest thread to one broker.

    `poll`, `keep_alive` and `close` belong to that thread, which does all reading and writing;
    `acknowledge`, `publish` and `set_subscriptions` may be called by any. `on_state` is called on
    the ingest thread at every change. `generation` counts the connections: packet identifiers are
    reused after a reconnect, so an acknowledgement carries the generation that its message came in.
    `former` names filters of earlier runs that the broker's session may still hold: those no
    longer wanted are given up at the first connect. `fast` False takes paho's own path. `together`
    merges several filters (`Subscriptions`), and lets nothing through that none of them takes.
    """

    def __init__(
        self,
        address: BrokerAddress,
        client_id: str,
        subscriptions: Sequence[str],
        *,
        former: Sequence[str] = (),
        together: bool = False,
        fast: bool = True,
        keepalive: int = 30,
        on_state: Callable[[SessionState], None] = lambda state: None,
    ) -> None:
        self.generation = 0
        self.session_present = False
        self.state = SessionState(Phase.DISCONNECTED, wall_clock())
        self._address = address
        self._keepalive = keepalive
        self._housekeeping = min(_HOUSEKEEPING, keepalive / _LOOKS_A_KEEPALIVE)
        self._on_state = on_state
        self._subscriptions = Subscriptions(subscriptions, former, together=together)
        self._acknowledgements: deque[tuple[int, Iterable[int]]] = deque()
        self._publications: deque[_Publication] = deque(maxlen=MOST_PUBLICATIONS)
        self._ahead: list[Message] = []
        self._ahead_bytes = 0
        self._waker = Waker()
        self._connected = False
        self._generation_before = 0
        self._closing = False
        self._connected_at = self._retry_at = self._kept_at = self._asked_at = 0.0
        self._crowded_at = 0.0
        self._link = link(client_id, address.transport, fast)
        self._prepare(self._link.client)

    def _prepare(self, client: Client) -> None:
        address = self._address
        if address.username is not None:
            client.username_pw_set(address.username, address.password)
        context = address.tls_context()
        if context is not None:
            client.tls_set_context(context)
        client.max_queued_messages_set(MOST_PUBLICATIONS)
        client.on_connect = self._when_answered
        client.on_disconnect = self._when_disconnected
        client.on_subscribe = self._when_subscribed
        client.on_unsubscribe = self._when_unsubscribed
        client.on_socket_open = self._when_opened
        client.on_socket_close = self._when_closing

    @property
    def subscribed(self) -> bool:
        """Whether the broker has answered for every filter wanted at this moment."""
        return self._connected and self._subscriptions.settled

    @property
    def held(self) -> tuple[str, ...]:
        """The filters that the broker's session may hold at this moment."""
        return self._subscriptions.held

    def merges(self, filters: Iterable[str]) -> bool:
        """Whether the broker may be asked for everything in place of these."""
        return self._subscriptions.merges(filters)

    # What any thread may call.

    def acknowledge(self, generation: int, mids: Iterable[int]) -> None:
        """Acknowledge messages that are durable now; `mids` must not change afterwards.

        Zeros (QoS 0), unknown identifiers and those of an older generation are ignored. All that
        is queued goes out in one write.
        """
        self._acknowledgements.append((generation, mids))
        self._waker.wake()

    def publish(self, topic: str, payload: bytes, qos: int = 0, retain: bool = False) -> None:
        """Send a message; while disconnected, QoS 0 is lost and QoS 1 is sent at the reconnect.

        The newest MOST_PUBLICATIONS are kept. ValueError for a topic that can't be published to.
        """
        if not topic or len(topic.encode()) > 65_535 or set(topic) & set("+#\0"):
            raise ValueError(f"can't publish to the topic {topic!r}")
        if qos not in (0, 1):
            raise ValueError(f"the QoS must be 0 or 1, not {qos}")
        if qos or self._connected:
            self._publications.append(_Publication(topic, payload, qos, retain))
            self._waker.wake()

    def set_subscriptions(self, filters: Iterable[str]) -> None:
        """Replace the topic filters; only the differences are sent to the broker."""
        self._subscriptions.want(filters)
        self._waker.wake()

    # What the ingest thread calls.

    def poll(self, timeout: float) -> list[Message]:
        """The messages that have arrived, about BATCH at most, as soon as there is one.

        [] after `timeout` seconds without any. All of them belong to the present `generation`.
        Connects and reconnects by itself, for which it may take some seconds longer.
        """
        deadline = time.monotonic() + timeout
        while not self._closing:
            messages = self._take_ahead() or self._turn()
            if messages:
                return messages
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                break
            self._wait(remaining)
        return []

    def keep_alive(self) -> None:
        """Keep the connection while the pipeline can take no messages; call it every second or so.

        Acknowledgements and publications still go out. Reading ahead goes on within MOST_AHEAD
        messages and MOST_AHEAD_BYTES, because a broker that can't write hangs up on a slow reader,
        and repeats of what is unacknowledged are dropped on arrival.
        """
        if not self._link.is_open:
            return
        if len(self._ahead) < MOST_AHEAD and self._ahead_bytes < MOST_AHEAD_BYTES:
            messages = self._turn()
            self._ahead += messages
            self._ahead_bytes += sum(len(message[1]) for message in messages)
        else:
            presume_alive(self._link.client)
            self._send()
            self._keep_house(time.monotonic())

    def close(self, drain: float = 5.0) -> None:
        """Send what is queued, for at most `drain` seconds, then DISCONNECT; the session is kept.

        Call it from the ingest thread, or after that has ended.
        """
        if self._closing:
            return
        deadline = time.monotonic() + drain
        self._send()
        while self._link.is_open and self._link.wants_write and time.monotonic() < deadline:
            self._waker.wait(0.05, self._link.fileno(), writing=True)
            self._link.flush()
        self._closing = True
        self._link.client.disconnect()
        close_socket(self._link.client)
        self._connected = False
        self._waker.close()
        self._enter(SessionState(Phase.DISCONNECTED, wall_clock()))

    # The turns of the ingest thread.

    def _turn(self) -> list[Message]:
        now = time.monotonic()
        if not self._link.is_open:
            if now >= self._retry_at:
                self._connect()
            return []
        self._send()
        messages = self._link.receive(BATCH)
        if messages and self.generation == self._generation_before:
            self._link.abandon("the broker sent a message before it accepted the connection")
            return []
        if self._subscriptions.merged:
            messages = self._wanted(messages)
        if len(self._link.unacknowledged.mids) >= _FEW:
            self._crowded_at = now
        self._renew_subscriptions(now)
        self._keep_house(now)
        return messages

    def _wanted(self, messages: list[Message]) -> list[Message]:
        """What is to be let through; the rest, which nobody asked for, is done with at once."""
        topics = self._subscriptions.topics
        if topics.taken.issuperset(map(_TOPIC, messages)):
            return messages
        take = topics.take
        wanted = [message for message in messages if take(message[0])]
        if len(wanted) < len(messages):
            self._link.acknowledge([one[2] for one in messages if not take(one[0])])
        return wanted

    def _wait(self, seconds: float) -> None:
        if not self._link.is_open:
            self._waker.wait(min(seconds, self._retry_at - time.monotonic()))
        elif not self._link.buffered:
            writing = self._link.wants_write
            self._waker.wait(min(seconds, self._housekeeping), self._link.fileno(), writing)

    def _take_ahead(self) -> list[Message]:
        taken = self._ahead[:BATCH]
        if taken:
            del self._ahead[:BATCH]
            self._ahead_bytes -= sum(len(message[1]) for message in taken)
            self._send()
        return taken

    def _send(self) -> None:
        """Hand queued acknowledgements and publications over, then write once."""
        while self._acknowledgements:
            generation, mids = self._acknowledgements.popleft()
            if self._connected and generation == self.generation:
                self._link.acknowledge(mids)
        while self._connected and self._publications:
            self._link.client.publish(*self._publications.popleft())
        if self._link.is_open:
            self._link.flush()

    def _renew_subscriptions(self, now: float) -> None:
        if self._connected:
            refused = self._subscriptions.refused
            if refused and now - self._asked_at >= _ASK_AGAIN:
                self._subscriptions.ask_again()
            calm = now - max(self._crowded_at, self._connected_at) >= _CALM
            merged = self._subscriptions.merged
            if self._subscriptions.renew(self._link.client, calm=calm):
                self._asked_at = now
                if self._subscriptions.merged and not merged:
                    # From now on what was asked for before has its time to come to an end.
                    self._crowded_at = now
                self._link.flush()
            if self._subscriptions.refused != refused:
                self._report_refused()

    def _keep_house(self, now: float) -> None:
        if now - self._kept_at >= self._housekeeping:
            self._kept_at = now
            self._link.client.loop_misc()
            if self._link.is_open:
                self._link.flush()

    # Connecting.

    def _connect(self) -> None:
        self._ahead.clear()
        self._ahead_bytes = 0
        self._generation_before = self.generation
        self._enter(replace(self.state, phase=Phase.CONNECTING, since=wall_clock()))
        try:
            self._link.connect(self._address.host, self._address.port or 1, self._keepalive)
        except (OSError, ValueError) as error:
            self._fail(f"can't reach the broker at {self._address}: {error}")
        else:
            self._link.flush()

    def _fail(self, why: str) -> None:
        lasted = self._connected and time.monotonic() - self._connected_at >= LASTING
        attempts = 1 if lasted else self.state.attempts + 1
        self._connected = False
        self._retry_at = time.monotonic() + delay(attempts)
        self._enter(SessionState(Phase.DISCONNECTED, wall_clock(), why, (), attempts))

    def _enter(self, state: SessionState) -> None:
        self.state = state
        self._on_state(state)

    def _report_refused(self) -> None:
        refused = tuple(sorted(self._subscriptions.refused))
        self._enter(replace(self.state, refused=refused))

    # What paho calls back, on the ingest thread.

    def _when_opened(self, client: Client, userdata: Any, sock: "SocketLike") -> None:
        real = real_socket(sock)
        if real.family != socket.AF_UNIX:
            real.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def _when_closing(self, client: Client, userdata: Any, sock: "SocketLike") -> None:
        if self._closing:
            finish_sending(sock, _LAST_WORDS)

    def _when_answered(
        self,
        client: Client,
        userdata: Any,
        flags: ConnectFlags,
        reason: ReasonCode,
        properties: Properties | None,
    ) -> None:
        if reason.is_failure:
            self._link.ended = f"the broker refused the connection: {reason}"
            return
        self.generation += 1
        self.session_present = flags.session_present
        self._connected = True
        self._connected_at = time.monotonic()
        self._subscriptions.restart()
        self._enter(replace(self.state, phase=Phase.CONNECTED, since=wall_clock(), error=None))

    def _when_disconnected(
        self,
        client: Client,
        userdata: Any,
        flags: DisconnectFlags,
        reason: ReasonCode,
        properties: Properties | None,
    ) -> None:
        if self._closing:
            return
        malformed = reason == "Protocol error"
        why = "the broker sent a malformed packet" if malformed else "the connection was lost"
        self._fail(self._link.ended or f"{why}: {reason}")

    def _when_subscribed(
        self,
        client: Client,
        userdata: Any,
        mid: int,
        codes: list[ReasonCode],
        properties: Properties | None,
    ) -> None:
        if self._subscriptions.subscribed(mid, codes):
            self._report_refused()

    def _when_unsubscribed(
        self,
        client: Client,
        userdata: Any,
        mid: int,
        codes: list[ReasonCode],
        properties: Properties | None,
    ) -> None:
        self._subscriptions.unsubscribed(mid)
