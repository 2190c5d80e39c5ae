"""A connection whose one purpose is to say on one topic that we are there, and when we are gone.

A client has one will, and the broker publishes it when the client is lost: so what is to be said of
each topic needs a connection of its own beside that of ingest.
"""

import time
from collections.abc import Callable
from typing import Any, Protocol

from paho.mqtt.client import Client, MQTTMessage, MQTTMessageInfo
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.reasoncodes import ReasonCode

from ingest.session.address import BrokerAddress
from ingest.session.backoff import delay

_KEEPALIVE = 30
_LAST_WORDS = 2.0
# A broker that never answers is given up, and asked anew.
_PATIENCE = 10.0


class Words(Protocol):
    """What is said, and on which topic."""

    @property
    def topic(self) -> str:
        """Where it is said."""

    @property
    def retained(self) -> bool:
        """Whether the broker keeps it for those who come later."""

    def said(self, *, online: bool, at: int) -> bytes:
        """The payload. at: ms since 1970."""

    def offline_since(self, payload: bytes) -> int | None:
        """When we were gone by this payload, ms, 0 where it tells no time; None if it is none."""


class Presence:
    """One such connection. One thread only calls `look` and `leave`, and `look` again and again.

    Will and birth of a connection bear the same time, as hosts of Sparkplug are asked to (3.0,
    chapter 5.8): by it who listens tells a will that comes late from a new one.
    """

    def __init__(
        self, address: BrokerAddress, client_id: str, words: Words, now: Callable[[], int]
    ) -> None:
        """now: ms since 1970."""
        self.error: str | None = None
        self.online = False
        self._address = address
        self._client_id = client_id
        self._words = words
        self._now = now
        self._client: Client | None = None
        self._at = 0
        self._newest = 0
        self._attempts = 0
        self._retry_at = self._begun_at = 0.0

    def look(self, seconds: float) -> None:
        """Connect if need be; else wait so long at most for what the broker says, and answer it."""
        if self._client is None:
            pause = self._retry_at - time.monotonic()
            if pause > 0:
                time.sleep(min(pause, seconds))
            else:
                self._connect()
            return
        self._client.loop(seconds)
        late = not self.online and time.monotonic() - self._begun_at > _PATIENCE
        if self._client.socket() is None or late:
            self._lose("the broker did not answer" if late else "the connection was lost")

    def leave(self) -> None:
        """Say that we go, and go: who disconnects in good order leaves no will."""
        client, self._client = self._client, None
        if client is None:
            return
        # Our own last words come back to us, and are not to be contradicted.
        client.on_message = None
        if self.online:
            at = max(self._now(), self._at)
            sent = self._say(client, online=False, at=at)
            deadline = time.monotonic() + _LAST_WORDS
            while not sent.is_published() and client.socket() and time.monotonic() < deadline:
                client.loop(0.05)
        self.online = False
        client.disconnect()

    def _connect(self) -> None:
        # Who listens takes no time before the newest that it knows: of a clock that was ahead, too.
        self._at = max(self._now(), self._newest)
        client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=self._client_id,
            clean_session=True,
            protocol=MQTTProtocolVersion.MQTTv311,
            transport=self._address.transport,
            reconnect_on_failure=False,
        )
        will = self._words.said(online=False, at=self._at)
        client.will_set(self._words.topic, will, qos=1, retain=self._words.retained)
        client.on_connect = self._when_answered
        client.on_subscribe = self._when_subscribed
        client.on_message = self._when_told
        address = self._address
        if address.username is not None:
            client.username_pw_set(address.username, address.password)
        self._begun_at = time.monotonic()
        try:
            context = address.tls_context()
            if context is not None:
                client.tls_set_context(context)
            client.connect(address.host, address.port or 1, _KEEPALIVE)
        except (OSError, ValueError) as error:
            self._lose(f"can't reach the broker: {error}")
        else:
            self._client = client

    def _lose(self, why: str) -> None:
        client, self._client = self._client, None
        self._attempts = 1 if self.online else self._attempts + 1
        self.online = False
        self.error = self.error or why
        self._retry_at = time.monotonic() + delay(self._attempts)
        if client is not None and client.socket() is not None:
            client.disconnect()

    def _when_answered(
        self, client: Client, userdata: Any, flags: Any, reason: ReasonCode, properties: Any
    ) -> None:
        if reason.is_failure:
            self.error = f"the broker refused the connection: {reason}"
            return
        client.subscribe(self._words.topic, qos=1)

    def _when_subscribed(self, client: Client, *_: Any) -> None:
        # Also where we may not read it: others may.
        self.error = None
        self.online = True
        self._attempts = 0
        self._say(client, online=True, at=self._at)

    def _say(self, client: Client, *, online: bool, at: int) -> MQTTMessageInfo:
        said = self._words.said(online=online, at=at)
        return client.publish(self._words.topic, said, qos=1, retain=self._words.retained)

    def _when_told(self, client: Client, userdata: Any, message: MQTTMessage) -> None:
        """Somebody who was us is gone, such as an earlier connection: we are here."""
        gone = self._words.offline_since(bytes(message.payload))
        if gone is None:
            return
        if gone > self._at:
            # Nobody would believe us with an older time: come again with a newer one.
            self._newest = gone + 1
            client.disconnect()
        elif self.online:
            self._say(client, online=True, at=self._at)
