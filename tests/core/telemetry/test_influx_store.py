"""The InfluxDB store: what reaches a real server, what it does with every answer, its roll-ups."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.telemetry import influx_server
from core.telemetry.influx_lines import Numbers, is_whole, requests
from core.telemetry.influx_reader import InfluxReader
from core.telemetry.influx_server import InfluxAddress, InfluxServer
from core.telemetry.influx_store import InfluxStore
from core.telemetry.readings import Quality, Reading, ReadingBatch
from core.telemetry.spool import SpooledStore
from core.telemetry.store import BatchRefused, TelemetryError
from tests.core.telemetry.stores import DAY, HOUR, SECOND, START, batch_of
from tests.servers.influx.compiler import flux_compiler
from tests.servers.influx.real import prepare
from tests.servers.influx.stand_in import ORG, TOKEN, StandIn, stand_in
from tests.servers.influx.victoria import victoria_metrics

NOTHING = ReadingBatch()
# An answer of the server in place of its own.
Answer = tuple[int, dict[str, str], str] | None
ILL: list[Answer] = [
    None,
    (401, {}, "unauthorized access"),
    (403, {}, "insufficient permissions for write"),
    (404, {}, 'bucket "watchkeeper" not found'),
    (408, {}, "request timed out"),
    (429, {"Retry-After": "90"}, "too many requests"),
    (500, {}, "unexpected error writing points to database"),
    (503, {}, "unavailable"),
]


@pytest.fixture
def server() -> Iterator[StandIn]:
    with stand_in(flux_compiler()) as opened:
        prepare(address_of(opened))
        yield opened


@pytest.fixture
def store(server: StandIn) -> Iterator[InfluxStore]:
    opened = InfluxStore(address_of(server))
    yield opened
    opened.close()


class Time:
    """A monotonic clock that the test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def spooled(server: StandIn, tmp_path: Path, time: Time) -> Iterator[SpooledStore]:
    opened = SpooledStore(
        lambda: InfluxStore(address_of(server)),
        tmp_path / "spool",
        monotonic=time,
        takes_whole=is_whole,
    )
    yield opened
    opened.close()


def address_of(server: StandIn) -> InfluxAddress:
    return InfluxAddress(server.url, ORG, "watchkeeper", TOKEN)


def values(store: InfluxReader | SpooledStore, series: int = 1) -> list[float]:
    batches = store.scan([series], 0, START + 1000 * DAY)
    return [reading.value for batch in batches for reading in batch]


def test_what_is_written_stands_in_a_real_server_of_the_same_write_api(
    server: StandIn, tmp_path: Path
) -> None:
    with victoria_metrics(tmp_path) as victoria:
        host, port = victoria.address.host, victoria.address.port
        assert port is not None
        server.forward = (host, port)
        store = InfluxStore(address_of(server))
        # Two days, of which the later is received first, and a value for each kind of number.
        rows = [(index % 3, START + DAY + index * SECOND, index / 3) for index in range(1000)]
        late = [(4, START + index * SECOND, 1e-9 * index, START + DAY, 3) for index in range(9)]
        large = [(5, START, 1.7e308), (6, START, -2.5), (7, START, 1e16)]
        store.write(batch_of(*rows, *late, *large))
        # The same again is the same.
        store.write(NOTHING, batch_of(*rows[:50]))
        wanted = {
            (reading.series, reading.at // 1000): reading.value
            for reading in batch_of(*rows, *late, *large)
        }
        found = by_key(victoria.samples("v"))
        assert found.keys() == wanted.keys()
        # It keeps twelve digits.
        assert all(found[key] == pytest.approx(value) for key, value in wanted.items())
        assert set(victoria.samples("q")[4].values()) == {3}
        assert set(victoria.samples("r")[4].values()) == {START + DAY}
        numbers = by_key(victoria.samples("n"))
        assert len(set(numbers.values())) == len(wanted)
        store.close()


def by_key(samples: dict[int, dict[int, float]]) -> dict[tuple[int, int], float]:
    return {(series, at): value for series, of in samples.items() for at, value in of.items()}


def test_lines_go_to_a_real_server_without_anything_between(tmp_path: Path) -> None:
    with victoria_metrics(tmp_path) as victoria:
        server = InfluxServer(InfluxAddress(victoria.url, "anybody", "wk", "any token"))
        batch = batch_of(*((7, START + index * SECOND, index / 4) for index in range(5000)))
        for _, lines in requests(batch, Numbers(1)):
            server.write(lines)
        assert [*victoria.samples("v")[7].values()] == [*batch.value]
        victoria.stop()
        with pytest.raises(TelemetryError, match="does not answer"):
            server.write(["reading,series=7 v=1 1"])
        victoria.start()
        server.write([f"reading,series=7 v=-1 {START + DAY}"])
        assert victoria.samples("v")[7][(START + DAY) // 1000] == -1
        server.close()


def test_a_batch_goes_message_by_message_and_each_request_lies_within_a_day() -> None:
    batch = batch_of(
        (1, START + DAY, 1.0, START + DAY + 9, 0),
        (2, START, 2.0, START + DAY + 5, 3),
        (1, START + 1, 3.0, START + DAY + 9, 3),
        (2, START + DAY + 4, 4.0, START + DAY + 5, 0),
    )
    parts = [(list(part.value), len(lines)) for part, lines in requests(batch, Numbers(10))]
    # Each with the mark of its hour.
    assert parts == [([2.0], 2), ([4.0], 2), ([3.0], 2), ([1.0], 2)]
    assert not is_whole(batch)
    one_day = batch_of((1, START, 1.0), (2, START + DAY - 1, 2.0))
    assert is_whole(one_day)
    ((_, lines),) = requests(one_day, Numbers(10))
    assert lines == [
        f"reading,series=1 v=1.0,r={START}i,q=0i,n=10i {START}",
        f"reading,series=2 v=2.0,r={START + DAY - 1}i,q=0i,n=11i {START + DAY - 1}",
        f"written n=11i {START}",
        f"written n=11i {START + 23 * HOUR}",
    ]
    assert list(requests(NOTHING, Numbers(1))) == []


def test_a_batch_that_spans_days_is_one_record_of_the_spool_before_it_moves(
    server: StandIn, spooled: SpooledStore
) -> None:
    server.failures = [None]
    spooled.write(batch_of((1, START + DAY - 1, 1.0), (1, START + DAY, 2.0)))
    # The first of its two requests was cut off: whole in the spool, and nobody asked for it twice.
    assert spooled.state().readings_waiting == 2
    assert spooled.last()[1].value == 2.0
    spooled.close()
    assert not server.buckets["watchkeeper"].points("reading")


@pytest.mark.parametrize("answer", ILL, ids=lambda answer: str(answer[0] if answer else "cut off"))
def test_an_ill_server_lets_readings_wait_and_loses_none(
    server: StandIn, spooled: SpooledStore, time: Time, answer: Answer
) -> None:
    server.failures = [answer]
    spooled.write(batch_of((1, START, 1.0)))
    state = spooled.state()
    assert state.readings_waiting == 1
    assert state.error is not None
    assert TOKEN not in state.error
    assert (answer[2] if answer else "does not answer") in state.error
    time.now += 2
    spooled.drain()
    # Told to stay away it does; nobody else needs to be asked again and again.
    asked_to_wait = answer is not None and "Retry-After" in answer[1]
    assert spooled.state().readings_waiting == asked_to_wait
    time.now += 90
    spooled.drain()
    assert values(spooled) == [1.0]
    assert not spooled.refused.all()


def test_a_server_that_hangs_holds_nobody_up_for_long(
    server: StandIn, spooled: SpooledStore, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(influx_server, "_WRITE_MS", 200)
    monkeypatch.setattr(influx_server, "_STATE_MS", 200)
    server.awake.clear()
    for at in range(3):
        spooled.write(batch_of((1, START + at, float(at))))
        time.now += 5
    state = spooled.state()
    assert state.readings_waiting == 3
    assert "does not answer" in (state.error or "")
    server.awake.set()
    while spooled.state().spooling:
        time.now += 5
        spooled.drain()
    assert values(spooled) == [0.0, 1.0, 2.0]


def test_a_request_that_is_too_large_is_halved(server: StandIn, store: InfluxStore) -> None:
    rows = [(index % 40, START + index, index / 7) for index in range(2000)]
    server.largest = 4000
    store.write(batch_of(*rows))
    assert server.buckets["watchkeeper"].points("reading") == 2000
    assert store.size().readings == 2000


def test_a_reading_too_large_for_the_server_is_refused(server: StandIn, store: InfluxStore) -> None:
    server.largest = 1
    with pytest.raises(BatchRefused, match="413") as refusal:
        store.write(batch_of((1, START, 1.0)))
    assert refusal.value.readings == batch_of((1, START, 1.0))


def test_what_the_server_will_never_take_is_set_aside_alone_and_written_when_asked(
    server: StandIn, spooled: SpooledStore, time: Time
) -> None:
    # Its bucket keeps ten days, as somebody has set it by hand.
    server.buckets["watchkeeper"].keeps_s = 10 * 86_400
    server.now = lambda: (START + 20 * DAY) * 1_000
    rows = [(1, START + 20 * DAY - index * HOUR, float(index)) for index in range(20)]
    old = (2, START, 7.0, START + 20 * DAY, Quality.LATE)
    spooled.write(batch_of(*rows[:10]))
    spooled.write(batch_of(old))
    spooled.write(batch_of(*rows[10:]))
    while spooled.drain():
        pass
    assert sorted(values(spooled)) == [float(index) for index in range(20)]
    (refusal,) = spooled.refused.all()
    assert (refusal.readings, refusal.received) == (1, START + 20 * DAY)
    assert "422" in refusal.reason
    assert "partial write" in refusal.reason
    assert spooled.state().error is None
    # Asked for before the cause is gone it is set aside again.
    assert spooled.refused.ask_again() == 1
    time.now += 10
    spooled.drain()
    (again,) = spooled.refused.all()
    assert not again.asked_again
    server.buckets["watchkeeper"].keeps_s = 0
    spooled.refused.ask_again()
    time.now += 10
    spooled.write(batch_of((1, START + 21 * DAY, 99.0)))
    spooled.drain()
    assert values(spooled, 2) == [7.0]
    assert spooled.refused.all() == []


def test_one_bad_reading_in_a_drained_segment_holds_nothing_up(
    server: StandIn, spooled: SpooledStore, time: Time
) -> None:
    # Somebody else wrote text-like numbers under our name: the type of a field stays.
    server.bucket("watchkeeper").write(f"reading,series=3 v=1i {START}", 1_000)
    server.failures = [None]
    spooled.write(batch_of((1, START, 1.0), (3, START + 1, 2.0), (4, START + 2, 3.0)))
    time.now += 2
    while spooled.state().spooling:
        spooled.drain()
        time.now += 2
    assert (values(spooled, 1), values(spooled, 4)) == ([1.0], [3.0])
    (refusal,) = spooled.refused.all()
    assert refusal.readings == 1


def test_refused_readings_that_cannot_be_kept_are_not_acknowledged(
    server: StandIn, tmp_path: Path
) -> None:
    spooled = SpooledStore(
        lambda: InfluxStore(address_of(server)), tmp_path / "spool", limit_bytes=200
    )
    for at in range(2):
        server.failures = [(400, {}, "unable to parse")]
        spooled.write(batch_of((1, START + at, 1.0)))
    # The second is in the spool, and is written when the first has made room.
    assert len(spooled.refused.all()) == 1
    state = spooled.state()
    assert state.readings_waiting == 1
    assert "may take 200 bytes" in (state.error or "")
    spooled.close()


def test_a_server_that_has_not_been_set_up_or_is_newer_says_what_to_do(server: StandIn) -> None:
    hours = server.buckets["watchkeeper-hours"]
    hours.write("store schema=2i 0", 1_000)
    with pytest.raises(TelemetryError, match="telemetry schema 2"):
        InfluxStore(address_of(server))
    hours.columns.clear()
    with pytest.raises(TelemetryError, match="run `watchkeeper telemetry init`"):
        InfluxStore(address_of(server))
    reader = InfluxReader(address_of(server))
    with pytest.raises(TelemetryError, match="has not been set up"):
        reader.check()
    reader.close()


def test_an_error_within_an_answer_is_no_end_of_it(server: StandIn, store: InfluxStore) -> None:
    store.write(batch_of((1, START, 1.0)))
    server.broken_after = 1
    with pytest.raises(TelemetryError, match="cut short by the server"):
        store.last()
    server.broken_after = None
    assert store.last()[1].value == 1.0


def test_the_reader_of_another_process_writes_nothing(server: StandIn) -> None:
    reader = InfluxReader(address_of(server))
    for refused in (
        lambda: reader.write(batch_of((1, START, 1.0))),
        lambda: reader.delete(1, START, START + 1),
        lambda: reader.roll_up(START),
        lambda: reader.expire(START),
    ):
        with pytest.raises(TelemetryError, match="only reads"):
            refused()
    reader.close()


def scripts_that_read(server: StandIn, measurement: str) -> list[str]:
    return [script for script in server.scripts if f'r._measurement == "{measurement}"' in script]


def test_a_chart_of_years_is_drawn_from_roll_ups_alone(server: StandIn, store: InfluxStore) -> None:
    for day in range(0, 400, 20):
        store.write(batch_of(*((1, START + day * DAY + h * HOUR, float(h)) for h in range(24))))
    assert store.roll_up(START + 400 * DAY) == 480
    assert store.roll_up(START + 400 * DAY) == 0
    server.scripts.clear()
    buckets = store.series(1, START, START + 400 * DAY, DAY)
    assert (len(buckets.start), set(buckets.count), set(buckets.mean)) == (20, {24}, {11.5})
    assert scripts_that_read(server, "reading") == []


def test_a_late_reading_is_in_the_answer_before_and_after_its_hour_is_rolled_up_again(
    server: StandIn, store: InfluxStore
) -> None:
    store.write(batch_of((1, START, 1.0), (2, START, 5.0), (1, START + 5 * HOUR, 9.0)))
    store.roll_up(START + 6 * HOUR)
    store.write(batch_of((1, START + SECOND, 2.0, START + 7 * HOUR, Quality.LATE)))
    for _ in range(2):
        buckets = store.series(1, START, START + 6 * HOUR, HOUR)
        assert (buckets.count, buckets.mean) == ([2, 1], [1.5, 9.0])
        assert store.series(2, START, START + 6 * HOUR, HOUR).mean == [5.0]
        # The other hour stays as it was.
        server.scripts.clear()
        store.roll_up(START + 8 * HOUR)
    assert all("05:00:00Z" not in script for script in server.scripts if "upto" in script)


def test_influxdbs_own_task_rolls_up_what_answers_then_use(
    server: StandIn, store: InfluxStore
) -> None:
    store.write(batch_of(*((1, START + m * 60 * SECOND, float(m)) for m in range(180))))
    store.write(batch_of((2, START + HOUR, 4.0)))
    now = START + 3 * HOUR + 600 * SECOND
    server.now = lambda: now * 1_000
    (task,) = server.tasks.values()
    server.query(task["flux"])
    server.scripts.clear()
    assert store.series(1, START, START + 3 * HOUR, HOUR).mean == [29.5, 89.5, 149.5]
    assert store.series(2, START, START + 3 * HOUR, HOUR).count == [1]
    assert scripts_that_read(server, "reading") == []
    # Nothing is left for our own upkeep, until something comes late.
    assert store.roll_up(now) == 0
    store.write(batch_of((1, START + 1, 100.0, now, Quality.LATE)))
    assert store.series(1, START, START + HOUR, HOUR).maximum == [100.0]
    assert store.roll_up(now) == 1


MIDNIGHT = START + DAY
TO_BEGIN = (1, MIDNIGHT + SECOND, 1.0, MIDNIGHT + SECOND, Quality.GOOD)


def heard(at: int, received: int) -> tuple[int, int, float, int, Quality]:
    return (1, at, 5.0, MIDNIGHT + received * SECOND, Quality.GOOD)


@pytest.mark.parametrize(
    ("rows", "failures"),
    [
        # In the order of receipt the first reading of the batch is the last to be written.
        ([heard(MIDNIGHT + 9, 9), heard(MIDNIGHT + 2, 2), heard(MIDNIGHT - 9, 3)], []),
        # A message that goes back and forth over midnight.
        ([heard(MIDNIGHT - 9, 9), heard(MIDNIGHT + 9, 9), heard(MIDNIGHT - 8, 9)], []),
        # The first of two requests is refused, and written in halves before the second.
        (
            [heard(MIDNIGHT - 9, 2), heard(MIDNIGHT - 8, 2), heard(MIDNIGHT + 9, 9)],
            [(400, {}, "unable to parse")],
        ),
    ],
    ids=["late first", "to and fro", "in halves"],
)
def test_influxdbs_task_between_two_requests_of_a_batch_leaves_no_hour_short(
    server: StandIn,
    store: InfluxStore,
    rows: list[tuple[int, int, float, int, Quality]],
    failures: list[Answer],
) -> None:
    store.write(batch_of(TO_BEGIN))
    server.now = lambda: (MIDNIGHT + HOUR + 600 * SECOND) * 1_000
    (task,) = server.tasks.values()
    bucket = server.buckets["watchkeeper"]
    write = bucket.write

    def roll_up_and_write(body: str, unit: int, now: int | None = None) -> None:
        server.query(task["flux"])
        write(body, unit, now)

    bucket.write = roll_up_and_write  # type: ignore[method-assign]
    server.failures = failures
    store.write(batch_of(*rows))
    wanted = [sum(at < MIDNIGHT for _, at, *_ in rows)]
    wanted.append(len(rows) - wanted[0] + 1)
    for _ in range(2):
        assert store.series(1, MIDNIGHT - HOUR, MIDNIGHT + HOUR, HOUR).count == wanted
        store.roll_up(MIDNIGHT + 2 * HOUR)


def test_roll_ups_of_a_thinned_hour_are_continued_not_made_anew(store: InfluxStore) -> None:
    store.write(batch_of((1, START, 2.0), (1, START + SECOND, 4.0)))
    assert store.expire(START + DAY) == 2
    late = (1, START + 2 * SECOND, 9.0, START + 2 * DAY, Quality.LATE)
    store.write(batch_of(late))
    for _ in range(2):
        hour = store.series(1, START, START + HOUR, HOUR)
        assert (hour.count, hour.mean, hour.minimum, hour.maximum) == ([3], [5.0], [2.0], [9.0])
        store.roll_up(START + 3 * DAY)
    # Erased, it is what remains of the readings, as with the file.
    store.delete(1, START, START + SECOND)
    assert store.series(1, START, START + HOUR, HOUR).count == [1]


def test_readings_laid_aside_while_others_are_erased_come_back_after_a_kill(
    server: StandIn, store: InfluxStore
) -> None:
    kept = (1, START + SECOND, 2.0, START + 2 * DAY, Quality.LATE)
    store.write(batch_of((1, START, 1.0), kept))
    # Roll-ups and horizon are written, the one that stays is laid aside; then comes the erasure.
    real = server.buckets["watchkeeper"].erase

    def cut(predicate: str, start: int, stop: int) -> None:
        real(predicate, start, stop)
        server.failures = [None]

    server.buckets["watchkeeper"].erase = cut  # type: ignore[method-assign]
    with pytest.raises(TelemetryError):
        store.expire(START + DAY)
    server.buckets["watchkeeper"].erase = real  # type: ignore[method-assign]
    assert values(store) == []
    again = InfluxStore(address_of(server))
    again.expire(START + DAY)
    batches = list(again.scan([1], START, START + DAY))
    assert [reading for batch in batches for reading in batch] == [Reading._make(kept)]
    assert server.buckets["watchkeeper"].points("kept") == 0
    assert again.series(1, START, START + HOUR, HOUR).count == [2]
    again.close()


def test_the_first_expiry_of_a_long_past_lets_writers_in_day_by_day(
    server: StandIn, store: InfluxStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    hours = 50
    store.write(batch_of(*((1, MIDNIGHT + n * HOUR, 1.0) for n in range(hours))))
    bucket = server.buckets["watchkeeper"]
    real, spans = bucket.erase, list[int]()

    def noted(predicate: str, start: int, stop: int) -> None:
        spans.append((stop - start) // 1_000)
        real(predicate, start, stop)

    monkeypatch.setattr(bucket, "erase", noted)
    assert store.expire(MIDNIGHT + hours * HOUR) == hours
    assert len(spans) == 3
    assert max(spans) <= DAY
    assert values(store) == []
    assert sum(store.series(1, MIDNIGHT, MIDNIGHT + hours * HOUR, HOUR).count) == hours


def test_numbers_of_insertion_go_on_after_a_restart(server: StandIn, store: InfluxStore) -> None:
    same = START + DAY
    store.write(batch_of((1, START + 9, 1.0, same, 0)))
    again = InfluxStore(address_of(server))
    again.write(batch_of((1, START + 5, 2.0, same, 0)))
    assert values(again) == [1.0, 2.0]
    again.close()


def test_many_keys_are_looked_for_in_few_questions(server: StandIn, store: InfluxStore) -> None:
    rows = [(series, START + series * SECOND, float(series)) for series in range(450)]
    store.write(batch_of(*rows, *((series, START, -1.0) for series in range(300))))
    server.scripts.clear()
    found = store.find([(series, at) for series, at, _ in rows] + [(3, START + DAY)])
    assert found == {(series, at): value for series, at, value in rows} | {(0, START): -1.0}
    # Three for the day of many, one for the other.
    assert len(server.scripts) == 4
    server.scripts.clear()
    assert len(store.find([(series, START) for series in range(300)])) == 300
    assert len(server.scripts) == 1
