"""One message by hand: publish it at QoS 1 and wait for the broker's acknowledgement."""

import json
import time

from simulators.connection import BrokerAddress, Publisher
from simulators.errors import BadInput

_LONGEST_TOPIC = 65_535


def publish_message(
    broker: BrokerAddress,
    topic: str,
    text: str,
    *,
    retain: bool = False,
    check_json: bool = True,
    timeout: float = 10.0,
) -> float:
    """Publish `text` on `topic` and wait for the PUBACK; returns how many seconds that took.

    check_json: refuse what is not JSON before anything is sent.
    Raises BadInput for a topic or text that can't be sent, BrokerTrouble when the broker is
    away, refuses us, or doesn't acknowledge within `timeout` seconds.
    """
    check_topic(topic)
    if check_json:
        check_text(text)
    with Publisher(broker, patience=timeout, connect_timeout=timeout) as publisher:
        started = time.perf_counter()
        publisher.publish(topic, text.encode(), retain=retain)
        publisher.flush()
        return time.perf_counter() - started


def check_topic(topic: str) -> None:
    """Refuse what no broker takes as a topic to publish on (MQTT 3.1.1, section 4.7)."""
    if not topic:
        raise BadInput("the topic is empty")
    if any(character in topic for character in "#+"):
        raise BadInput(f"{topic!r} is a filter: '+' and '#' may only stand in subscriptions")
    if "\0" in topic or len(topic.encode()) > _LONGEST_TOPIC:
        raise BadInput("the topic holds a null character or is longer than 65,535 bytes")
    if " " in topic:
        raise BadInput(f"{topic!r} holds a space, which some brokers hang up on")


def check_text(text: str) -> None:
    """Refuse what is not JSON, with the place where it stops being so."""
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise BadInput(f"the payload is not JSON: {error.msg} at {where}") from error
