"""The frame reader by itself: any cutting of the same bytes gives the same messages."""

import time

from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.session.frames import FrameReader, acknowledgements
from ingest.session.messages import Message
from tests.ingest.session.scripted_broker import publish_frame

PINGRESP = b"\xd0\x00"

packets = st.one_of(
    st.just(PINGRESP),
    st.builds(
        publish_frame,
        st.binary(min_size=1, max_size=40),
        st.one_of(st.binary(max_size=200), st.sampled_from([b"x" * 20_000, b"y" * 2_100_000])),
        st.integers(0, 65_535),
        retain=st.booleans(),
    ),
)


def read_all(reader: FrameReader, limit: int) -> list[Message]:
    came = reader.read(limit)
    while reader.has_more:
        came += reader.read(limit)
    return came


@settings(max_examples=60, deadline=None)
@given(st.lists(packets, max_size=12), st.lists(st.integers(1, 5_000), max_size=30), st.data())
def test_any_cutting_gives_the_same_messages(
    sent: list[bytes], cuts: list[int], data: st.DataObject
) -> None:
    stream = b"".join(sent)
    whole = FrameReader()
    whole.feed(stream)
    expected = read_all(whole, 10_000)
    limit = data.draw(st.integers(1, 5))
    reader, came, position = FrameReader(), [], 0
    for cut in [*cuts, len(stream)]:
        reader.feed(stream[position : position + cut])
        position += cut
        came += read_all(reader, limit)
    assert came == expected
    assert len(expected) == sum(packet != PINGRESP for packet in sent)
    assert bytes(reader.control) == PINGRESP * sent.count(PINGRESP)


def test_a_limit_leaves_the_rest_for_the_next_time() -> None:
    reader = FrameReader()
    reader.feed(b"".join(publish_frame(b"t", b"x", mid) for mid in range(1, 11)))
    assert len(reader.read(4)) == 4
    assert reader.has_more
    assert len(reader.read(6)) == 6
    assert not reader.has_more


def test_a_length_of_five_bytes_is_malformed_after_the_messages_before_it() -> None:
    reader = FrameReader()
    reader.feed(publish_frame(b"t", b"good", 1) + b"\x32\xff\xff\xff\xff\x01")
    assert reader.read(10) == [(b"t", b"good", 1, 0)]
    assert reader.malformed == "a remaining length of more than four bytes"


def test_acknowledgements_are_four_bytes_each() -> None:
    assert acknowledgements([1, 258, 65_535]) == b"\x40\x02\x00\x01\x40\x02\x01\x02\x40\x02\xff\xff"
    assert acknowledgements([]) == b""


def test_a_message_costs_little() -> None:
    body = (
        b'{"ts":1732400000.123,"temperature":41.2,"running":true,"vibration":2.31,"x":"' + b"." * 40
    )
    stream = b"".join(
        publish_frame(b"wk/v1/site/device-%d/readings" % (mid % 1000), body, mid)
        for mid in range(1, 4_001)
    )
    # About 0.6 µs where it was written; a slow machine gets room, a second loop does not.
    wanted, best = 3e-6, float("inf")
    for _ in range(200):
        if best / 4_000 < wanted:
            break
        reader = FrameReader()
        begun = time.thread_time()
        reader.feed(stream)
        mids = [message[2] for message in reader.read(4_000)]
        acknowledgements(reader.unacknowledged.settle(mids))
        best = min(best, time.thread_time() - begun)
    assert best / 4_000 < wanted
