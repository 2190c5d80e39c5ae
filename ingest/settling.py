"""Settling: after an unclean break, what the broker sends again takes its place in time order.

Mosquitto redelivers at once and in order. NATS redelivers only after its `ack_wait`, behind newer
messages, which would make a fault in the last unacknowledged moment look late.
"""

from collections import defaultdict

from ingest.decoding import PREFIX, claimed_time, parse
from ingest.pipeline import BEAT_SITE, CLOCK_TOPIC
from ingest.session import DUPLICATE, RETAINED, Message

# Longer than the `ack_wait` of the brokers that we configure, by what a busy machine takes;
# `settle_seconds` sets it for others.
SETTLE = 5.0
# Repeats that are still coming postpone the end, up to this.
QUIET = 1.0
SETTLE_AT_MOST = 30.0
_BEATS = f"{PREFIX}{BEAT_SITE}/".encode()


class Settling:
    """Holds messages back from `started` until what is unacknowledged has come again.

    Moments are seconds of a monotonic clock, since this is about the broker and not about the
    readings. After a further break of the connection a new one begins: what this one held was not
    acknowledged, so it comes again.

    seconds: how long at least; longer than the broker waits before it sends something again.
    """

    def __init__(self, started: float, seconds: float = SETTLE) -> None:
        self._started = started
        self._seconds = seconds
        self._last_repeat = started
        self._messages: list[Message] = []

    def add(self, messages: list[Message], now: float) -> list[int]:
        """Hold messages back; returns the packet identifiers that can be acknowledged at once.

        They are of retained messages, which each connection is told anew, whatever became of them
        in the one before. NATS counts them among those under way but limits only the others: so
        thousands of them would keep back everything that is said meanwhile.
        """
        retained = [message[2] for message in messages if message[3] & RETAINED and message[2]]
        self._messages += map(_without_identifier, messages) if retained else messages
        if any(message[3] & DUPLICATE for message in messages):
            self._last_repeat = now
        return retained

    def over(self, now: float) -> bool:
        """Whether judging can go on."""
        waited = now - self._started
        if waited >= max(SETTLE_AT_MOST, self._seconds):
            return True
        return waited >= self._seconds and now - self._last_repeat >= QUIET

    def release(self) -> list[Message]:
        """The held messages, each topic's in the order of their device times.

        Heartbeats among them are emptied: while we hold messages back we do not listen, so the
        receipt clock stands still until a heartbeat comes that was not held.
        """
        messages = [_silenced(message) for message in self._messages]
        self._messages = []
        places: dict[bytes, list[int]] = defaultdict(list)
        for index, message in enumerate(messages):
            if message[0] != CLOCK_TOPIC:
                places[message[0]].append(index)
        ordered = list(messages)
        for indexes in places.values():
            held = [messages[index] for index in indexes]
            for index, message in zip(indexes, sorted(held, key=_place), strict=True):
                ordered[index] = message
        return ordered


def _without_identifier(message: Message) -> Message:
    """A retained message as one that is acknowledged already; any other one as it is."""
    topic, payload, _, flags = message
    return (topic, payload, 0, flags) if flags & RETAINED else message


def _silenced(message: Message) -> Message:
    topic, _, mid, flags = message
    return (topic, b"", mid, flags) if topic.startswith(_BEATS) else message


def _place(message: Message) -> tuple[int, int]:
    """Device time where there is one; without, what is sent again came before what is new."""
    repeated = 0 if message[3] & DUPLICATE else 1
    at = claimed_time(parse(message[1]))
    return 0 if at is None else at, repeated
