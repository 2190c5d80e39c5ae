"""A device that publishes with QoS 1 and waits until the broker has taken everything."""

from collections.abc import Iterable

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from ingest.session import BrokerAddress

Published = tuple[str, bytes]


def publish(
    address: BrokerAddress, messages: Iterable[Published], *, qos: int = 1, retain: bool = False
) -> None:
    """Publish all in order; fails when the broker doesn't take them within 60 seconds."""
    client = Client(CallbackAPIVersion.VERSION2, client_id="publisher")
    client.max_inflight_messages_set(1_000)
    if address.username is not None:
        client.username_pw_set(address.username, address.password)
    client.connect(address.host, address.port)
    client.loop_start()
    try:
        for info in [client.publish(topic, body, qos, retain) for topic, body in messages]:
            info.wait_for_publish(60)
            assert info.is_published()
    finally:
        client.disconnect()
        client.loop_stop()


def readings(count: int, start: int = 0) -> list[Published]:
    """Numbered messages on a few topics."""
    numbers = range(start, start + count)
    return [(f"wk/v1/site/device-{number % 7}/readings", b"%d" % number) for number in numbers]
