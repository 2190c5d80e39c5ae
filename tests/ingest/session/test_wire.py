"""What a session makes of a broker that answers in pieces, wrongly or not at all."""

import random
import time

import pytest

from ingest.session import DUPLICATE, RETAINED, BrokerAddress, Phase
from ingest.session.messages import _MOST_REPEATS, Unacknowledged
from tests.ingest.session.conftest import Sessions
from tests.ingest.session.scripted_broker import (
    Peer,
    publish_frame,
    scripted_broker,
    slowly,
)
from tests.servers import free_port

PUBACK = 0x40
DISCONNECT = 0xE0


def test_frames_that_come_byte_by_byte_are_put_together(sessions: Sessions) -> None:
    frames = [
        publish_frame(b"a", b"one", 1),
        publish_frame(b"a/b", b"x" * 200, 2, duplicate=True),
        publish_frame(b"a", b"", 3, retain=True),
        publish_frame(b"q/0", b"zero"),
    ]

    def script(peer: Peer) -> None:
        peer.accept()
        peer.send(b"\x90\x03\x00\x01\x01")
        slowly(peer, b"".join(frames))
        assert peer.until(PUBACK)[1:] == b"\x00\x02"
        peer.until(DISCONNECT)

    with scripted_broker(script) as address:
        ingest = sessions.connect(address, "#")
        came = ingest.take(4)
        ingest.acknowledge(came[1:2])
        ingest.session.close()
    assert came == [
        (b"a", b"one", 1, 0),
        (b"a/b", b"x" * 200, 2, DUPLICATE),
        (b"a", b"", 3, RETAINED),
        (b"q/0", b"zero", 0, 0),
    ]


def test_a_batch_is_acknowledged_in_order_between_whole_packets(sessions: Sessions) -> None:
    count = 2_000
    acknowledged: list[int] = []

    def script(peer: Peer) -> None:
        peer.accept()
        peer.send(b"".join(publish_frame(b"t", b"%d" % n, n) for n in range(1, count + 1)))
        while len(acknowledged) < count:
            acknowledged.append(int.from_bytes(peer.until(PUBACK)[1:], "big"))
        peer.until(DISCONNECT)

    with scripted_broker(script) as address:
        ingest = sessions.connect(address, "#")
        came = ingest.take(count)
        ingest.session.acknowledge(1, [message[2] for message in came])
        ingest.session.publish("between", b"y" * 1_000)
        ingest.session.poll(0.1)
        ingest.session.close()
    assert acknowledged == list(range(1, count + 1))


def test_a_repeat_is_dropped_and_a_reused_identifier_is_not(sessions: Sessions) -> None:
    acknowledged: list[int] = []

    def script(peer: Peer) -> None:
        peer.accept()
        peer.send(publish_frame(b"t", b"first", 7))
        peer.send(publish_frame(b"t", b"first", 7, duplicate=True))
        peer.send(publish_frame(b"t", b"second", 7))
        peer.send(publish_frame(b"t", b"end", 8))
        acknowledged.append(int.from_bytes(peer.until(PUBACK)[1:], "big"))
        acknowledged.append(int.from_bytes(peer.until(PUBACK)[1:], "big"))
        peer.until(DISCONNECT)

    with scripted_broker(script) as address:
        ingest = sessions.connect(address, "#")
        came = ingest.take(3)
        assert [message[1] for message in came] == [b"first", b"second", b"end"]
        # The broker has freed 7 of the first message: acknowledging it would settle the second.
        ingest.acknowledge(came[:1])
        ingest.acknowledge(came[2:])
        ingest.acknowledge(came[1:2])
        ingest.session.close()
    assert acknowledged == [8, 7]


def test_a_repeat_that_crossed_with_its_acknowledgement_is_dropped(sessions: Sessions) -> None:
    acknowledged: list[int] = []

    def script(peer: Peer) -> None:
        peer.accept()
        # From before this connection, so taken although it is marked.
        peer.send(publish_frame(b"t", b"kept", 6, duplicate=True))
        peer.send(publish_frame(b"t", b"first", 7))
        acknowledged.append(int.from_bytes(peer.until(PUBACK)[1:], "big"))
        acknowledged.append(int.from_bytes(peer.until(PUBACK)[1:], "big"))
        peer.send(publish_frame(b"t", b"first", 7, duplicate=True))
        peer.send(publish_frame(b"t", b"second", 7))
        peer.send(publish_frame(b"t", b"second", 7, duplicate=True))
        acknowledged.append(int.from_bytes(peer.until(PUBACK)[1:], "big"))
        peer.until(DISCONNECT)

    with scripted_broker(script) as address:
        ingest = sessions.connect(address, "#")
        before = ingest.take(2)
        assert [message[1] for message in before] == [b"kept", b"first"]
        ingest.acknowledge(before)
        after = ingest.take(1)
        assert [message[1] for message in after] == [b"second"]
        ingest.acknowledge(after)
        assert ingest.quiet(0.2) == []
        ingest.session.close()
    assert acknowledged == [6, 7, 7]


def test_a_marked_message_that_comes_again_although_it_was_settled_is_taken(
    sessions: Sessions,
) -> None:
    acknowledged: list[int] = []

    def script(peer: Peer) -> None:
        peer.accept()
        peer.send(publish_frame(b"t", b"first", 7))
        acknowledged.append(int.from_bytes(peer.until(PUBACK)[1:], "big"))
        for _ in range(_MOST_REPEATS + 1):
            peer.send(publish_frame(b"t", b"second", 7, duplicate=True))
        acknowledged.append(int.from_bytes(peer.until(PUBACK)[1:], "big"))
        peer.until(DISCONNECT)

    with scripted_broker(script) as address:
        ingest = sessions.connect(address, "#")
        ingest.acknowledge(ingest.take(1))
        second = ingest.take(1)
        assert second == [(b"t", b"second", 7, DUPLICATE)]
        ingest.acknowledge(second)
        assert ingest.quiet(0.2) == []
        ingest.session.close()
    assert acknowledged == [7, 7]


def test_repeats_that_were_sent_while_we_were_held_up_are_dropped(sessions: Sessions) -> None:
    """Several may lie before us when the acknowledgement goes out."""
    acknowledged: list[int] = []

    def script(peer: Peer) -> None:
        peer.accept()
        peer.send(publish_frame(b"t", b"first", 7))
        acknowledged.append(int.from_bytes(peer.until(PUBACK)[1:], "big"))
        peer.send(publish_frame(b"t", b"first", 7, duplicate=True) * 3)
        peer.send(publish_frame(b"t", b"second", 8))
        acknowledged.append(int.from_bytes(peer.until(PUBACK)[1:], "big"))
        peer.until(DISCONNECT)

    with scripted_broker(script) as address:
        ingest = sessions.connect(address, "#")
        ingest.acknowledge(ingest.take(1))
        second = ingest.take(1)
        assert second == [(b"t", b"second", 8, 0)]
        ingest.acknowledge(second)
        ingest.session.close()
    assert acknowledged == [7, 8]


def test_what_was_settled_is_forgotten_before_its_identifier_is_given_again() -> None:
    window, identifiers = 20_000, 65_535
    known = Unacknowledged()
    for mid in range(1, identifiers + 1):
        assert known.admit(mid, 0)
        if mid > window:
            assert known.settle([mid - window]) == [mid - window]
    # The broker may give 1 to a new message as soon as it goes round, though others are under way.
    assert known.admit(1, DUPLICATE)
    assert not known.admit(identifiers - window, DUPLICATE)


@pytest.mark.parametrize(
    "nonsense",
    [
        b"\x32\xff\xff\xff\xff\xff\x01",
        b"\x32\x04\x00\x09ab",
        b"\x36\x05\x00\x01a\x00\x01",
        b"\x32\x05\x00\x01a\x00\x00",
        b"\x32\x01\x00",
        b"\x00\x00",
        b"\x90\x00",
        b"\x40\x01\x00",
        b"\xf0\x02\x00\x00",
        b"\x20\x01\x00",
    ],
    ids=[
        "length-of-five-bytes",
        "topic-beyond-the-end",
        "qos-3",
        "identifier-0",
        "no-topic",
        "type-0",
        "empty-suback",
        "short-puback",
        "reserved-type",
        "short-connack",
    ],
)
def test_a_malformed_packet_costs_the_connection_and_nothing_more(
    sessions: Sessions, nonsense: bytes
) -> None:
    def broken(peer: Peer) -> None:
        peer.accept()
        peer.send(publish_frame(b"t", b"before", 1))
        peer.send(nonsense)
        peer.read_to_the_end()

    def whole(peer: Peer) -> None:
        peer.accept()
        peer.send(publish_frame(b"t", b"after", 1))
        peer.until(DISCONNECT)

    with scripted_broker(broken, whole) as address:
        ingest = sessions.connect(address, "#")
        came = ingest.take(2)
        ingest.session.close()
    assert {message[1] for message in came} == {b"before", b"after"}
    assert "malformed" in ingest.errors[0]


@pytest.mark.parametrize("seed", range(8))
def test_noise_never_raises(sessions: Sessions, seed: int) -> None:
    noise = random.Random(seed).randbytes(4_000)

    def script(peer: Peer) -> None:
        peer.accept()
        try:
            peer.send(noise)
            peer.sock.shutdown(1)
        except OSError:
            return
        peer.read_to_the_end()

    with scripted_broker(script) as address:
        ingest = sessions.make(address, "#")
        ingest.until(lambda: bool(ingest.errors))
    assert ingest.session.generation == 1


def test_a_message_before_the_connection_is_accepted_ends_it(sessions: Sessions) -> None:
    def script(peer: Peer) -> None:
        peer.until(0x10)
        peer.send(publish_frame(b"t", b"too early", 1))
        peer.read_to_the_end()

    with scripted_broker(script) as address:
        ingest = sessions.make(address, "#")
        came = ingest.until(lambda: len(ingest.states) > 1)
    assert came == []
    assert "before it accepted" in str(ingest.session.state.error)


def test_subscriptions_are_asked_for_again_at_every_connection(sessions: Sessions) -> None:
    asked: list[bytes] = []

    def script(peer: Peer) -> None:
        peer.accept()
        asked.append(peer.received[-1][3:])

    with scripted_broker(script, script) as address:
        ingest = sessions.make(address, "a/#", "b/+")
        ingest.until(lambda: ingest.session.generation == 2)
        ingest.until(lambda: ingest.session.state.phase is Phase.DISCONNECTED)
    assert asked == [b"\x00\x03a/#\x01\x00\x03b/+\x01"] * 2


def test_a_broker_out_of_reach_is_tried_again_with_growing_pauses(sessions: Sessions) -> None:
    ingest = sessions.make(BrokerAddress("127.0.0.1", free_port()), "#")
    begun = time.monotonic()
    ingest.until(lambda: ingest.session.state.attempts == 3)
    assert 0.7 <= time.monotonic() - begun < 30.0
    assert "can't reach the broker" in str(ingest.session.state.error)
    assert ingest.session.poll(0.0) == []


def test_bytes_that_are_not_utf8_in_a_topic_arrive_as_they_are(sessions: Sessions) -> None:
    def script(peer: Peer) -> None:
        peer.accept()
        peer.send(publish_frame(b"\xff\xfe/x", b"{}", 1))
        peer.until(DISCONNECT)

    with scripted_broker(script) as address:
        ingest = sessions.connect(address, "#")
        assert ingest.take(1) == [(b"\xff\xfe/x", b"{}", 1, 0)]
        ingest.session.close()
