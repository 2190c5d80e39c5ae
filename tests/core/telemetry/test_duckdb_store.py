"""What is particular to the DuckDB store: its file, its upkeep, and many threads at once."""

import random
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import duckdb
import pytest

from core.telemetry.duckdb_store import DuckDBStore
from core.telemetry.readings import Reading, ReadingBatch
from core.telemetry.store import TelemetryError
from tests.core.telemetry.stores import DAY, HOUR, START, batch_of, eager


def some_rows(series: int, first: int, count: int) -> ReadingBatch:
    batch = ReadingBatch()
    for index in range(first, first + count):
        batch.append(series, START + index, float(index), START + index, 0)
    return batch


def test_everything_is_there_after_opening_again(tmp_path: Path) -> None:
    store = eager(tmp_path)
    store.write(batch_of((1, START, 1.0), (1, START + 1, 2.0)))
    store.roll_up(START + HOUR)
    store.write(batch_of((1, START + 2, 3.0)))
    store.close()
    store = eager(tmp_path)
    store.write(batch_of((1, START + 3, 4.0, START, 0)))
    scanned = [reading.value for batch in store.scan([1], 0, START * 2) for reading in batch]
    assert scanned == [1.0, 4.0, 2.0, 3.0]
    store.close()


def test_insertion_order_goes_on_where_everything_was_settled(tmp_path: Path) -> None:
    for value in (1.0, 2.0, 3.0):
        store = eager(tmp_path)
        store.write(batch_of((1, START - int(value), value, START, 0)))
        store.roll_up(START + HOUR)
        store.close()
    store = eager(tmp_path)
    assert [r.value for batch in store.scan([1], 0, START) for r in batch] == [1.0, 2.0, 3.0]
    store.close()


def test_the_engine_uses_no_more_memory_than_it_may(tmp_path: Path) -> None:
    most = 16 * 1024**2
    store = DuckDBStore(tmp_path / "telemetry.duckdb", memory_bytes=most, run_rows=1)
    draw = random.Random(1)
    for part in range(12):
        batch = ReadingBatch()
        for index in range(part * 100_000, (part + 1) * 100_000):
            batch.append(index % 600, START + index, draw.random(), START + index, 0)
        store.write(batch)
        store.roll_up(START + HOUR)
    # Once more than fits was read through, and nothing is missing.
    assert sum(map(len, store.scan(list(range(600)), 0, START * 2))) == 1_200_000
    assert 0 < store.memory() <= most < store.size().bytes_on_disk
    store.close()


def test_a_file_of_a_newer_schema_is_refused_and_left_alone(tmp_path: Path) -> None:
    eager(tmp_path).close()
    file = tmp_path / "telemetry.duckdb"
    with duckdb.connect(str(file)) as connection:
        connection.execute("UPDATE schema_version SET version = 2")
    with pytest.raises(TelemetryError, match="schema 2; this program knows 1"):
        eager(tmp_path)
    with duckdb.connect(str(file)) as connection:
        assert connection.execute("SELECT version FROM schema_version").fetchall() == [(2,)]


def test_a_file_that_is_not_telemetry_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "telemetry.duckdb"
    with duckdb.connect(str(file)) as connection:
        connection.execute("CREATE TABLE books (title VARCHAR)")
    with pytest.raises(TelemetryError, match="not one of telemetry"):
        eager(tmp_path)
    file.write_bytes(b"no database at all" * 1000)
    with pytest.raises(TelemetryError, match="cannot be opened"):
        eager(tmp_path)


def test_a_file_that_another_process_has_is_refused(tmp_path: Path) -> None:
    eager(tmp_path).close()
    file = tmp_path / "telemetry.duckdb"
    code = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('open', flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", code, str(file)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"open\n"
        with pytest.raises(TelemetryError, match="lock"):
            eager(tmp_path)
        other.kill()


def test_roll_up_leaves_open_hours_and_does_nothing_twice(tmp_path: Path) -> None:
    store = eager(tmp_path)
    store.write(batch_of((1, START, 1.0), (2, START, 1.0), (1, START + HOUR, 2.0)))
    assert store.roll_up(START + HOUR - 1) == 0
    assert store.roll_up(START + HOUR + 5) == 2
    assert store.roll_up(START + HOUR + 5) == 0
    store.write(batch_of((1, START + 7, 9.0, START + HOUR + 7, 3)))
    assert store.roll_up(START + 2 * HOUR) == 2
    hours = store.series(1, START, START + 2 * HOUR, HOUR)
    assert (hours.mean, hours.count) == ([5.0, 2.0], [2, 1])
    store.close()


def test_roll_up_waits_for_a_run_worth_sorting_but_no_longer_than_a_day(tmp_path: Path) -> None:
    store = DuckDBStore(tmp_path / "telemetry.duckdb", run_rows=3)
    store.write(batch_of((1, START, 1.0), (2, START, 1.0)))
    assert store.roll_up(START + DAY) == 0
    assert store.roll_up(START + DAY + 1) == 2
    store.write(batch_of((1, START + 1, 1.0), (2, START + 1, 1.0), (3, START + 1, 1.0)))
    assert store.roll_up(START + HOUR) == 3
    store.close()


def test_space_of_expired_readings_is_used_again(tmp_path: Path) -> None:
    store = DuckDBStore(tmp_path / "telemetry.duckdb")
    sizes = []
    for round_ in range(6):
        first = round_ * 200_000
        store.write(some_rows(round_, first, 200_000))
        store.roll_up(START + first + 2 * HOUR)
        store.expire(START + first)
        sizes.append(store.size().bytes_on_disk)
    assert store.size().readings == 200_000
    assert sizes[-1] < 2 * sizes[1]
    store.close()


def test_reads_do_not_wait_behind_an_append(tmp_path: Path) -> None:
    store = DuckDBStore(tmp_path / "telemetry.duckdb")
    store.write(some_rows(1, 0, 1000))

    def read() -> None:
        assert store.last([1])[1].value == 999.0
        assert store.series(1, START, START + HOUR, HOUR).count == [1000]
        assert sum(len(batch) for batch in store.scan([1], START, START + HOUR)) == 1000
        store.check()

    # The write lock is held as a long append would hold it, and longer than any append.
    with store._writing, ThreadPoolExecutor(1) as pool:
        pool.submit(read).result(timeout=60)
    store.close()


def test_an_open_scan_holds_up_neither_appends_nor_upkeep(tmp_path: Path) -> None:
    store = eager(tmp_path)
    store.write(some_rows(1, 0, 25_000))
    scan = store.scan([1], START, START * 2)
    seen = len(next(scan))
    store.write(some_rows(1, 25_000, 10))
    assert store.roll_up(START + HOUR) > 0
    assert seen + sum(map(len, scan)) == 25_000
    store.close()


def run_together(works: list[Callable[[], None]], seconds: float) -> None:
    """Repeat each work in a thread of its own; whatever one raises fails the test."""
    stop = threading.Event()
    failures: list[BaseException] = []

    def repeat(work: Callable[[], None]) -> None:
        try:
            while not stop.is_set():
                work()
        except BaseException as failure:  # noqa: BLE001 - raised again below
            failures.append(failure)
            stop.set()

    threads = [threading.Thread(target=repeat, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    stop.wait(seconds)
    stop.set()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


def test_writers_readers_and_upkeep_together_lose_and_double_nothing(tmp_path: Path) -> None:
    store = DuckDBStore(tmp_path / "telemetry.duckdb", run_rows=1, chunk_rows=3_000)
    written = [0, 0, 0]
    rows = 200

    def append(series: int) -> None:
        store.write(some_rows(series, written[series], rows))
        written[series] += rows

    def replace_newest() -> None:
        # The newest readings are the ones that upkeep may be moving at this moment.
        for number, last in store.last([0, 1]).items():
            store.write(ReadingBatch(), batch_of((number, last.at, -1.0, last.received, 5)))

    def read() -> None:
        before = written[0]
        assert sum(store.series(0, START, START + HOUR, HOUR).count) >= before
        assert store.last([0])[0].at >= START + before - 1 if before else True

    def settle() -> None:
        store.roll_up(START + HOUR)

    works = [lambda: append(0), lambda: append(1), lambda: append(2)]
    run_together([*works, replace_newest, read, settle], 4)
    assert min(written) > 5 * rows
    for series in range(3):
        scanned: list[Reading] = [
            reading for batch in store.scan([series], START, START + HOUR) for reading in batch
        ]
        assert sorted(reading.at - START for reading in scanned) == list(range(written[series]))
        hour = store.series(series, START, START + HOUR, HOUR)
        assert hour.count == [written[series]]
        mean = sum(reading.value for reading in scanned) / len(scanned)
        assert hour.mean == pytest.approx([mean])
        assert store.last([series])[series].at == START + written[series] - 1
    store.check()
    store.close()


def test_a_failed_write_is_told_by_check_until_one_succeeds(tmp_path: Path) -> None:
    store = eager(tmp_path)
    real = store._connection
    store._connection = duckdb.connect()
    with pytest.raises(TelemetryError, match="cannot be written"):
        store.write(batch_of((1, START, 1.0)))
    store._connection.close()
    store._connection = real
    with pytest.raises(TelemetryError, match="cannot be written"):
        store.check()
    store.write(batch_of((1, START, 1.0)))
    store.check()
    store.close()
