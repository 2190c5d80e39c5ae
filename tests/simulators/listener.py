"""A listener on a real broker that keeps what it hears."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

from simulators.connection import BrokerAddress
from tests.servers.broker_process import BrokerProcess


@dataclass
class Listener:
    """What arrived, in order: (topic, payload, retained)."""

    heard: list[tuple[str, bytes, bool]] = field(default_factory=list)

    def wait_for(self, done: Callable[[], bool], limit: float = 60.0) -> None:
        """Wait until `done`, which looks at what was heard; fails the test after `limit`."""
        deadline = time.monotonic() + limit
        while not done():
            assert time.monotonic() < deadline, f"heard only {len(self.heard)} messages"
            time.sleep(0.01)

    def bodies(self, topic: str) -> list[Any]:
        """The JSON of every message on a topic."""
        return [json.loads(payload) for heard, payload, _ in self.heard if heard == topic]


def address_of(broker: BrokerProcess) -> BrokerAddress:
    """The simulators' own kind of address of a broker of the tests."""
    there = broker.address
    return BrokerAddress(there.host, there.port, there.username, there.password)


@contextmanager
def listening(address: BrokerAddress, topic_filter: str = "#") -> Iterator[Listener]:
    """A listener that is subscribed when the block begins."""
    listener, ready = Listener(), threading.Event()
    client = Client(CallbackAPIVersion.VERSION2)

    def on_message(client: Client, userdata: Any, message: MQTTMessage) -> None:
        listener.heard.append((message.topic, bytes(message.payload), message.retain))

    def on_connect(client: Client, *_: Any) -> None:
        client.subscribe(topic_filter, qos=1)

    client.on_message = on_message
    client.on_subscribe = lambda *_: ready.set()
    client.on_connect = on_connect
    if address.username is not None:
        client.username_pw_set(address.username, address.password)
    client.connect(address.host, address.port)
    client.loop_start()
    assert ready.wait(60)
    try:
        yield listener
    finally:
        client.disconnect()
        client.loop_stop()
