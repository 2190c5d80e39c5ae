"""Publishing at QoS 1 with a bounded number of unacknowledged messages, in order."""

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from simulators.errors import BadInput, BrokerTrouble

# paho sends only 20 by default; above 65,535 packet identifiers would be reused in flight.
MOST_IN_FLIGHT = 1_000
# After so many hang-ups without one acknowledgement in between, the message itself is at fault.
_HANG_UPS = 3
_GLANCE = 0.2


@dataclass(frozen=True, slots=True)
class BrokerAddress:
    """Where an MQTT broker listens. tls_ca: a file of certificates to trust; turns TLS on."""

    host: str = "127.0.0.1"
    port: int = 1883
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    tls_ca: str | None = None

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


class Publisher:
    """One MQTT 3.1.1 connection that publishes at QoS 1; use it as a context manager.

    `publish` blocks while `most_in_flight` messages wait for their PUBACK. While the broker is
    away up to `buffer` messages are kept, and above that it blocks. After a reconnect nothing new
    leaves before everything old is acknowledged, so the order holds. `patience`: seconds without
    any acknowledgement after which `publish` and `flush` raise BrokerTrouble; None waits for ever,
    as a gateway would.
    Not thread-safe: one thread publishes.
    """

    def __init__(
        self,
        address: BrokerAddress,
        *,
        most_in_flight: int = MOST_IN_FLIGHT,
        buffer: int = 0,
        patience: float | None = 30.0,
        connect_timeout: float = 10.0,
    ) -> None:
        self.address = address
        self.sent = 0
        self.acknowledged = 0
        self._most_in_flight = most_in_flight
        self._buffer = buffer
        self._kept = deque[tuple[str, bytes, bool]]()
        self._patience = patience
        self._connect_timeout = connect_timeout
        self._changed = threading.Condition()
        self._connected = False
        self._ready = False
        self._refusal = ""
        self._hang_ups = 0
        self._last_progress = time.monotonic()
        self._client = self._new_client()

    @property
    def in_flight(self) -> int:
        """How many messages wait for their acknowledgement."""
        return self.sent - self.acknowledged

    def __enter__(self) -> Self:
        self.connect()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def connect(self) -> None:
        """Connect and wait for the broker's answer; BrokerTrouble when it is away or refuses."""
        try:
            if self.address.tls_ca is not None:
                self._client.tls_set(ca_certs=self.address.tls_ca)
            self._client.connect(self.address.host, self.address.port, keepalive=30)
        except (OSError, ValueError) as error:
            raise BrokerTrouble(f"no MQTT broker answers at {self.address}: {error}") from error
        self._client.loop_start()
        with self._changed:
            self._changed.wait_for(lambda: self._connected or self._refusal, self._connect_timeout)
            connected, refusal = self._connected, self._refusal
        if not connected:
            self.close()
            raise BrokerTrouble(
                f"the broker at {self.address} refused the connection: {refusal}"
                if refusal
                else f"the broker at {self.address} didn't answer in {self._connect_timeout:g} s"
            )

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Hand one message over at QoS 1; blocks while too many wait for their PUBACK."""
        self._kept.append((topic, payload, retain))
        while self._kept:
            if not self._ready and len(self._kept) <= self._buffer:
                return
            self._wait(lambda: self._ready and self.in_flight < self._most_in_flight)
            self._hand_over(*self._kept.popleft())

    def flush(self) -> None:
        """Wait until every message handed over, and every one kept, is acknowledged."""
        while self._kept:
            self._wait(lambda: self._ready and self.in_flight < self._most_in_flight)
            self._hand_over(*self._kept.popleft())
        self._wait(lambda: self.in_flight == 0)

    def _hand_over(self, topic: str, payload: bytes, retain: bool) -> None:
        with self._changed:
            if self.in_flight == 0:
                self._last_progress = time.monotonic()
            self.sent += 1
        try:
            info = self._client.publish(topic, payload, qos=1, retain=retain)
        except ValueError as error:
            with self._changed:
                self.sent -= 1
            raise BadInput(f"can't publish on {topic!r}: {error}") from error
        # Without a connection paho keeps the message and sends it after the next CONNACK.
        if info.rc not in (MQTTErrorCode.MQTT_ERR_SUCCESS, MQTTErrorCode.MQTT_ERR_NO_CONN):
            raise BrokerTrouble(f"paho refused a message on {topic}: {info.rc.name}")

    def close(self) -> None:
        """Disconnect; messages not acknowledged yet are given up (call `flush` first)."""
        self._client.disconnect()
        self._client.loop_stop()

    def _wait(self, done: Callable[[], bool]) -> None:
        with self._changed:
            while not done():
                self._check_patience()
                self._changed.wait(_GLANCE)

    def _check_patience(self) -> None:
        if self._patience is None:
            return
        if self._refusal:
            raise BrokerTrouble(f"the broker at {self.address} refuses us now: {self._refusal}")
        if self._hang_ups >= _HANG_UPS and self.in_flight:
            raise BrokerTrouble(
                f"the broker at {self.address} hangs up on this message: "
                "the payload may be too large, or the topic one it doesn't take"
            )
        if time.monotonic() - self._last_progress > self._patience:
            raise BrokerTrouble(
                f"the broker at {self.address} acknowledged nothing for {self._patience:g} s; "
                f"{self.in_flight} messages still wait"
            )

    def _new_client(self) -> Client:
        client = Client(CallbackAPIVersion.VERSION2)
        client.max_inflight_messages_set(self._most_in_flight)
        client.reconnect_delay_set(1, 10)
        if self.address.username is not None:
            client.username_pw_set(self.address.username, self.address.password)
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_publish = self._on_publish
        return client

    def _on_connect(
        self,
        client: Client,
        userdata: Any,
        flags: ConnectFlags,
        reason: ReasonCode,
        properties: Properties | None,
    ) -> None:
        with self._changed:
            self._connected = not reason.is_failure
            self._refusal = str(reason) if reason.is_failure else ""
            self._ready = self._connected and self.in_flight == 0
            self._changed.notify_all()

    def _on_disconnect(
        self,
        client: Client,
        userdata: Any,
        flags: DisconnectFlags,
        reason: ReasonCode,
        properties: Properties | None,
    ) -> None:
        with self._changed:
            if self._connected:
                self._hang_ups += 1
            self._connected = self._ready = False
            self._changed.notify_all()

    def _on_publish(
        self,
        client: Client,
        userdata: Any,
        mid: int,
        reason: ReasonCode,
        properties: Properties,
    ) -> None:
        with self._changed:
            self.acknowledged += 1
            self._hang_ups = 0
            self._last_progress = time.monotonic()
            if self.in_flight == 0:
                self._ready = self._connected
            # Waking the publisher at every acknowledgement would switch threads at each message.
            if self.in_flight == 0 or self.in_flight <= self._most_in_flight // 2:
                self._changed.notify_all()
