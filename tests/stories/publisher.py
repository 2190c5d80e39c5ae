"""A gateway that never gives up: publishes a stream at a pace, over every outage of its broker."""

import random
import threading
import time
from collections.abc import Sequence

from paho.mqtt.client import Client

from simulators.connection import BrokerAddress, Publisher
from tests.stories.load import Sent


class EagerPublisher(Publisher):
    """Reconnects within half a second, so that a test needn't wait for its back-off."""

    def _new_client(self) -> Client:
        client = super()._new_client()
        client.reconnect_delay_set(0.1, 0.4)  # type: ignore[arg-type] # it only ever adds them
        return client


class Gateway:
    """Publishes in a thread, in bursts of a seeded length, `rate` messages a second on average."""

    def __init__(
        self, address: BrokerAddress, stream: Sequence[Sent], *, rate: float, seed: int
    ) -> None:
        self._stream = stream
        self._rate = rate
        self._draw = random.Random(seed)
        self._publisher = EagerPublisher(address, patience=None)
        self._failure: BaseException | None = None
        # Longer than a delay of the rules, and the product rightly takes the devices for quiet.
        self.longest_pause = 0.0
        self._thread = threading.Thread(target=self._run, name="gateway", daemon=True)

    @property
    def acknowledged(self) -> int:
        """Messages that the broker has acknowledged."""
        return self._publisher.acknowledged

    @property
    def finished(self) -> bool:
        """Whether every message is acknowledged; raises what ended the thread early."""
        if self._failure is not None:
            raise self._failure
        return not self._thread.is_alive()

    def start(self) -> None:
        """Start publishing."""
        self._thread.start()

    def _run(self) -> None:
        try:
            with self._publisher as publisher:
                self._publish(publisher)
                publisher.flush()
        except Exception as error:  # noqa: BLE001 - handed to whoever looks at `finished`
            self._failure = error

    def _publish(self, publisher: Publisher) -> None:
        sent = 0
        due = published = time.monotonic()
        while sent < len(self._stream):
            # Bursts, so that a kill also falls into the midst of a full pipeline.
            burst = self._draw.choice((1, 5, 20, 100, 300))
            for message in self._stream[sent : sent + burst]:
                publisher.publish(message.topic, message.payload)
            sent += burst
            self.longest_pause = max(self.longest_pause, time.monotonic() - published)
            published = time.monotonic()
            due = max(due + burst / self._rate, time.monotonic() - 1)
            time.sleep(max(0.0, due - time.monotonic()))
