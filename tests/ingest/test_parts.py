"""The small parts: decoding, local times, the receipt clock, settling, the writer."""

import json
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any, cast
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.exc import OperationalError

from core.clock import MICROS, SystemClock, from_micros, to_micros
from core.errors import Invalid
from core.health import Health
from core.local_time import resolve, zone
from core.telemetry.readings import Quality, ReadingBatch
from ingest.committing import Tenure
from ingest.decoding import (
    EARLIEST,
    Problem,
    claimed_time,
    messages_of,
    number,
    own_topic,
    parse,
    stamp,
    status_online,
    topic_text,
)
from ingest.pipeline import CLOCK_TOPIC
from ingest.receipt_clock import ReceiptClock, Span
from ingest.registry import Registry
from ingest.session import DUPLICATE, EVERYTHING, RETAINED, Message
from ingest.settling import QUIET, SETTLE, SETTLE_AT_MOST, Settling
from ingest.subscribing import Subscribing
from ingest.writer import Work, Writer
from tests.ingest.building import START
from tests.ingest.loop_broker import NOWHERE, LoopBroker
from tests.ingest.memory_store import MemoryStore
from tests.ingest.stage import Stage

BERLIN, SHANGHAI = ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Shanghai")
ANYTHING: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)

# ---------------------------------------------------------------- decoding


@given(st.binary() | ANYTHING.map(lambda value: json.dumps(value).encode()))
def test_no_payload_raises(payload: bytes) -> None:
    document = parse(payload)
    status_online(payload)
    claimed_time(document)
    if not isinstance(document, Problem):
        list(messages_of(document))


@given(ANYTHING, st.booleans(), st.booleans())
def test_no_value_raises_and_what_comes_out_is_finite(
    value: Any, states: bool, boolean: bool
) -> None:
    result = number(value, {"on": 1} if states else None, boolean=boolean)
    assert isinstance(result, Problem) or abs(result) < float("inf")


@given(ANYTHING | st.datetimes().map(datetime.isoformat), st.booleans())
def test_no_time_raises_and_what_comes_out_is_plausible(value: Any, trusted: bool) -> None:
    when = stamp(value, START, BERLIN, trusted=trusted)
    assert EARLIEST <= when.at <= START + 5 * 60 * MICROS
    assert when.quality is Quality.GOOD or when.at == START


@given(st.binary())
def test_no_topic_raises(topic: bytes) -> None:
    text = topic_text(topic)
    assert "\0" not in text
    own_topic(text)


@pytest.mark.parametrize("ts", [1732400000.123, 1732400000123, "2024-11-23T22:13:20.123Z"])
def test_the_three_ways_to_write_a_time_are_the_same_time(ts: Any) -> None:
    assert stamp(ts, START, BERLIN).at == 1732400000123000


# ---------------------------------------------------------------- local times


@pytest.mark.parametrize(
    ("local", "utc"),
    [
        ("2026-07-01T12:00:00", "2026-07-01T10:00:00"),
        ("2026-10-25T02:30:00", "2026-10-25T00:30:00"),  # Twice: the earlier one.
        ("2026-10-25T03:00:00", "2026-10-25T02:00:00"),
        ("2026-03-29T02:30:00", "2026-03-29T01:30:00"),  # Never: an hour on, 03:30.
        ("2026-03-29T03:00:00", "2026-03-29T01:00:00"),
    ],
)
def test_local_times_that_exist_twice_or_never_are_resolved(local: str, utc: str) -> None:
    expected = to_micros(datetime.fromisoformat(utc).replace(tzinfo=UTC))
    assert resolve(datetime.fromisoformat(local), BERLIN) == expected
    assert stamp(local, START, BERLIN).at == expected
    later = datetime.fromisoformat(local).replace(fold=1)
    assert resolve(later, BERLIN) == expected


@pytest.mark.parametrize(
    "name", ["", "Mars/Olympus", "../../etc/passwd", "Asia", "\0", "/etc/passwd"]
)
def test_a_zone_that_there_is_not_is_refused(name: str) -> None:
    with pytest.raises(Invalid):
        zone(name)


def test_a_source_may_have_a_zone_of_its_own(stage: Stage) -> None:
    with stage.database.write() as session:
        session.connection().exec_driver_sql(
            """UPDATE source SET options = '{"zone": "Europe/Berlin"}'"""
        )
    stage.reload()
    stage.say("leak-1", {"ts": "2026-11-24T04:59:30", "battery": 50})
    stage.finish()
    assert [row[0] for row in stage.readings("leak-1/battery")] == [-30.0]


# ---------------------------------------------------------------- the receipt clock

GAPS = st.lists(st.tuples(st.integers(1, 1_000), st.integers(0, 1_000)), max_size=6)


def _spans(lengths: list[tuple[int, int]]) -> list[Span]:
    spans, at = [], 10_000
    for gap, pause in lengths:
        spans.append((at, at + gap))
        at += gap + pause + 1
    return spans


@given(GAPS, st.integers(0, 500), st.lists(st.integers(0, 30_000), min_size=2))
def test_receipt_time_never_goes_back_and_never_runs_faster(
    gaps: list[tuple[int, int]], lost: int, walls: list[int]
) -> None:
    clock = ReceiptClock(_spans(gaps), lost)
    times = [(wall, clock.receipt(wall)) for wall in sorted(walls)]
    for (wall, receipt), (next_wall, next_receipt) in pairwise(times):
        assert 0 <= next_receipt - receipt <= next_wall - wall


@given(GAPS, st.integers(0, 30_000))
def test_wall_time_of_a_receipt_time_leads_back_to_it(
    gaps: list[tuple[int, int]], wall: int
) -> None:
    spans = _spans(gaps)
    clock = ReceiptClock(spans)
    receipt = clock.receipt(wall)
    assert clock.receipt(clock.wall(receipt)) == receipt
    inside = [start for start, end in spans if start <= wall <= end]
    assert clock.wall(receipt) == (inside[0] if inside else wall)


def test_a_clock_of_remembered_gaps_is_the_clock_that_lived_through_them() -> None:
    lived = ReceiptClock()
    lived.begin(1_000)
    gaps = []
    for wall, cut in [(2_000, False), (5_000, True), (6_000, False), (9_000, True)]:
        if cut:
            lived.freeze()
        gap = lived.beat(wall)
        gaps += [gap] if gap else []
    assert gaps == [(2_000, 5_000), (6_000, 9_000)]
    remembered = ReceiptClock(gaps)
    remembered.resume_from(9_000)
    assert remembered.now() == lived.now() == 9_000 - 6_000
    forgetful = ReceiptClock(gaps[1:], 3_000)
    for wall in range(5_000, 12_000, 100):
        assert forgetful.receipt(wall) == remembered.receipt(wall) == lived.receipt(wall)


def test_heartbeats_that_come_back_out_of_order_do_not_turn_the_clock_back() -> None:
    clock = ReceiptClock()
    clock.begin(1_000)
    clock.beat(3_000)
    assert clock.beat(2_000) is None
    assert clock.now() == 3_000


# ---------------------------------------------------------------- settling


def _message(second: float | str | None, flags: int = 0, topic: bytes = b"a") -> Message:
    return topic, json.dumps({"ts": second}).encode(), 1, flags


def test_what_is_sent_again_takes_its_place_in_the_order_of_time() -> None:
    settling = Settling(0)
    settling.add([_message(5), _message(6), _message(9, topic=b"b")], 0.1)
    settling.add([_message(3, DUPLICATE), _message(4, DUPLICATE), _message(7)], 1.0)
    times = [json.loads(payload)["ts"] for topic, payload, _, _ in settling.release()]
    assert times == [3, 4, 9, 5, 6, 7]


def test_text_and_numbers_are_put_in_one_order() -> None:
    settling = Settling(0)
    messages = [
        _message("2026-11-24T04:00:02+00:00"),
        _message(START / MICROS + 1),
        _message((START + 3 * MICROS) / 1000),
        _message(START // MICROS, DUPLICATE),
    ]
    settling.add(messages, 0.1)
    assert settling.release() == [messages[3], messages[1], messages[0], messages[2]]


def test_without_times_what_is_sent_again_comes_first_and_in_its_order() -> None:
    settling = Settling(0)
    first, second = (b"a", b"1", 1, DUPLICATE), (b"a", b"2", 2, DUPLICATE)
    settling.add([(b"a", b"3", 3, 0)], 0.1)
    settling.add([first, second], 0.5)
    assert settling.release() == [first, second, (b"a", b"3", 3, 0)]


@pytest.mark.parametrize(
    "payload", [b"\xff", b"[[[", b'{"ts": 1e999}', b'{"ts": ' + b"9" * 400 + b"}"]
)
def test_settling_takes_any_payload(payload: bytes) -> None:
    settling = Settling(0)
    settling.add([(b"a", payload, 1, DUPLICATE), _message(1)], 0.1)
    assert len(settling.release()) == 2


def test_heartbeats_that_were_held_say_nothing_and_the_simulated_clock_keeps_its_place() -> None:
    beat = (b"wk/v1/_beat/main/beat", b"{}", 5, 0)
    tick = (CLOCK_TOPIC, b'{"now": 1}', 2, 0)
    settling = Settling(0)
    settling.add([beat, tick, _message(2)], 0.1)
    settling.add([_message(1, DUPLICATE)], 0.2)
    released = settling.release()
    assert released == [(beat[0], b"", 5, 0), tick, _message(1, DUPLICATE), _message(2)]


def test_what_is_retained_need_not_wait_for_its_acknowledgement() -> None:
    told = (b"wk/v1/riverside/leak-1/status", b"online", 7, RETAINED)
    settling = Settling(0)
    assert settling.add([_message(1), told, (b"c", b"qos 0", 0, RETAINED)], 0.1) == [7]
    assert settling.add([_message(2)], 0.2) == []
    released = settling.release()
    assert [mid for _, _, mid, _ in released] == [1, 0, 0, 1]
    assert [flags for *_, flags in released] == [0, RETAINED, RETAINED, 0]


def test_settling_ends_when_nothing_is_sent_again_any_more() -> None:
    settling = Settling(100)
    assert not settling.over(100 + SETTLE - 0.1)
    assert settling.over(100 + SETTLE)
    settling.add([_message(1, DUPLICATE)], 100 + SETTLE)
    assert not settling.over(100 + SETTLE + QUIET / 2)
    assert settling.over(100 + SETTLE + QUIET)
    for second in range(int(SETTLE_AT_MOST)):
        settling.add([_message(second, DUPLICATE)], 100 + second)
    assert settling.over(100 + SETTLE_AT_MOST)


# ---------------------------------------------------------------- subscribing


class Away:
    """A database that doesn't answer."""

    def write(self) -> Any:
        raise OperationalError("insert", None, OSError("away"))


def test_filters_on_record_stand_while_the_database_is_away() -> None:
    """To give one up loses, on some brokers, what waits for it."""
    on_record = ("tele/#", EVERYTHING, "wk/v1/#")
    subscribing = Subscribing(cast(Any, Away()), Tenure("main", "one", 1), on_record)
    session = cast(Any, LoopBroker().open_session(NOWHERE, on_state=lambda state: None))
    registry = Registry(own_filters=["wk/v1/#", "building/#"])
    subscribing.follow(registry, session)
    assert set(session.filters) == {"tele/#", "wk/v1/#"}
    assert registry.follows_anew
    session.set_subscriptions(["building/#"])
    subscribing._followed = True
    subscribing.follow(registry, session)
    assert session.filters == ["building/#"]


# ---------------------------------------------------------------- the writer


def _work(mids: list[int], at: int = 1, odd: bool = False) -> Work:
    batch = ReadingBatch()
    batch.append(1, at, 5.0, at, Quality.GOOD)
    empty = ReadingBatch()
    return Work(empty if odd else batch, batch if odd else empty, 3, mids)


def _writer(store: MemoryStore, acknowledged: list[tuple[int, list[int], int]]) -> Writer:
    def acknowledge(generation: int, mids: list[int]) -> None:
        acknowledged.append((generation, list(mids), len(store.rows)))

    health = Health(SystemClock())
    return Writer(store, acknowledge, health, flush_rows=10, flush_seconds=0.05)


def test_acknowledgements_follow_the_readings() -> None:
    store, acknowledged = MemoryStore(), list[tuple[int, list[int], int]]()
    writer = _writer(store, acknowledged)
    writer.start()
    writer.put(_work([1, 2]))
    writer.put(_work([3], at=2))
    assert writer.stop(drain=True)
    assert [(generation, mids) for generation, mids, _ in acknowledged] == [(3, [1, 2]), (3, [3])]
    assert all(rows > 0 for _, _, rows in acknowledged)
    assert len(store.rows) == 2


def test_new_readings_and_replacing_ones_are_stored_in_one_go() -> None:
    store, acknowledged = MemoryStore(), list[tuple[int, list[int], int]]()
    writer = _writer(store, acknowledged)
    work = _work([1])
    work.odd.append(1, 1, 6.0, 2, Quality.GOOD)
    work.odd.append(2, 1, 7.0, 2, Quality.LATE)
    writer.start()
    writer.put(work)
    assert writer.stop(drain=True)
    assert store.writes == 1
    assert {key: row.value for key, row in store.rows.items()} == {(1, 1): 6.0, (2, 1): 7.0}
    assert acknowledged == [(3, [1], 2)]


def test_what_could_not_be_stored_is_not_acknowledged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ingest.writer.DRAIN_SECONDS", 0.2)
    store, acknowledged = MemoryStore(), list[tuple[int, list[int], int]]()
    store.away = True
    writer = _writer(store, acknowledged)
    writer.start()
    writer.put(_work([1]))
    assert not writer.stop(drain=True)
    assert acknowledged == []


def test_a_writer_that_failed_says_so_and_acknowledges_nothing() -> None:
    store, acknowledged = MemoryStore(), list[tuple[int, list[int], int]]()
    store.write(_work([], at=1).rows)
    writer = _writer(store, acknowledged)
    writer.start()
    writer.put(_work([1], at=1))
    assert not writer.stop(drain=True)
    assert isinstance(writer.failure, AssertionError)
    assert acknowledged == []


def test_micros_and_datetimes_are_each_others_inverse() -> None:
    assert to_micros(from_micros(START + 1)) == START + 1
    assert stamp("2026-11-24T12:00:00", START, SHANGHAI).at == START
