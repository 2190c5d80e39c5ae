"""A device that publishes with QoS 1 and waits until the broker has taken everything."""

import socket
import time
from collections.abc import Iterator, Sequence

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from ingest.session import BrokerAddress
from tests.ingest.session.scripted_broker import publish_frame

Published = tuple[str, bytes]

_WINDOW = 2_000


def publish(
    address: BrokerAddress, messages: Sequence[Published], *, qos: int = 1, retain: bool = False
) -> None:
    """Publish all in order; fails when the broker doesn't take them within 60 seconds."""
    client = Client(CallbackAPIVersion.VERSION2, client_id="publisher")
    client.max_inflight_messages_set(1_000)
    if address.username is not None:
        client.username_pw_set(address.username, address.password)
    client.connect(address.host, address.port)
    client.loop_start()
    try:
        for some in _portions(messages):
            for info in [client.publish(topic, body, qos, retain) for topic, body in some]:
                info.wait_for_publish(60)
                assert info.is_published()
    finally:
        client.disconnect()
        client.loop_stop()


def publish_retained(address: BrokerAddress, messages: Sequence[Published]) -> None:
    """Publish values to be kept, and wait until whoever subscribes is told all of them.

    NATS acknowledges such a message some milliseconds before it tells it to a new subscriber.
    """
    publish(address, messages, retain=True)
    deadline = time.monotonic() + 60
    while not _are_told(address, messages):
        assert time.monotonic() < deadline, "the broker never tells what it keeps"


def _are_told(address: BrokerAddress, messages: Sequence[Published]) -> bool:
    told: set[str] = set()
    client = Client(CallbackAPIVersion.VERSION2, client_id="probe")
    client.on_message = lambda _client, _data, message: told.add(message.topic)

    def ask(*_: object) -> None:
        client.subscribe([(topic, 0) for topic, _ in messages])

    client.on_connect = ask
    if address.username is not None:
        client.username_pw_set(address.username, address.password)
    client.connect(address.host, address.port)
    wanted = {topic for topic, _ in messages}
    deadline = time.monotonic() + 0.5
    while told != wanted and time.monotonic() < deadline:
        client.loop(0.05)
    client.disconnect()
    client.loop(0.05)
    return told == wanted


def flood(address: BrokerAddress, messages: Sequence[Published]) -> None:
    """Publish as `publish` does with QoS 1, on a bare socket and many times faster."""
    fields = [b"flood", (address.username or "").encode(), (address.password or "").encode()]
    flags = b"\xc2" if address.username is not None else b"\x02"
    head = b"\x00\x04MQTT\x04" + flags + b"\x00\x00"
    texts = fields if address.username is not None else fields[:1]
    body = head + b"".join(len(text).to_bytes(2, "big") + text for text in texts)
    with socket.create_connection((address.host, address.port), timeout=30) as sock:
        sock.sendall(b"\x10" + bytes([len(body)]) + body)
        with sock.makefile("rb") as answers:
            assert answers.read(4) == b"\x20\x02\x00\x00"
            for some in _portions(messages):
                frames = [
                    publish_frame(topic.encode(), payload, mid)
                    for mid, (topic, payload) in enumerate(some, start=1)
                ]
                for start in range(0, len(frames), _WINDOW):
                    window = frames[start : start + _WINDOW]
                    sock.sendall(b"".join(window))
                    assert len(answers.read(4 * len(window))) == 4 * len(window)
        sock.sendall(b"\xe0\x00")


def _portions(messages: Sequence[Published]) -> Iterator[Sequence[Published]]:
    # There are only 65,535 packet identifiers.
    for start in range(0, len(messages), 10_000):
        yield messages[start : start + 10_000]


def readings(count: int, start: int = 0) -> list[Published]:
    """Numbered messages on a few topics."""
    numbers = range(start, start + count)
    return [(f"wk/v1/site/device-{number % 7}/readings", b"%d" % number) for number in numbers]
