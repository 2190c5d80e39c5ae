"""The spool: what happens to readings while the store behind it is away, and afterwards."""

import errno
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from core.clock import SystemClock
from core.errors import Invalid
from core.health import Health
from core.telemetry.duckdb_store import DuckDBStore
from core.telemetry.readings import Last, Quality, ReadingBatch
from core.telemetry.spool import SpooledStore
from core.telemetry.spool_log import SpoolFull, SpoolLog
from core.telemetry.store import TelemetryError
from tests.core.telemetry.stores import HOUR, START, batch_of, eager
from tests.ingest.memory_store import MemoryStore
from watchkeeper.product import _refused_detail


class Switch:
    """Opens the DuckDB store, unless it is broken; breaking it closes the one that is open."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.broken = False
        self.opened: list[DuckDBStore] = []
        self.now = 0.0

    def open(self) -> DuckDBStore:
        if self.broken:
            raise TelemetryError("the disk is on fire")
        self.opened.append(eager(self.folder))
        return self.opened[-1]

    def break_down(self) -> None:
        self.broken = True
        if self.opened:
            self.opened[-1].close()

    def heal(self) -> None:
        self.broken = False

    def spooled(self, **options: Any) -> SpooledStore:
        return SpooledStore(self.open, self.folder / "spool", monotonic=lambda: self.now, **options)


@pytest.fixture
def switch(tmp_path: Path) -> Switch:
    return Switch(tmp_path)


@pytest.fixture
def store(switch: Switch) -> Iterator[SpooledStore]:
    opened = switch.spooled()
    yield opened
    opened.close()


def drain_all(store: SpooledStore, switch: Switch) -> None:
    switch.now += 60
    while store.drain():
        pass


def values(store: SpooledStore, series: int) -> list[float]:
    """Stored values in order of receipt and insertion."""
    return [r.value for batch in store.scan([series], 0, START * 2) for r in batch]


def test_a_well_store_is_written_directly(store: SpooledStore) -> None:
    store.write(batch_of((1, START, 1.0)))
    assert store.state() == (False, 0, 0, None, None)
    assert values(store, 1) == [1.0]
    store.check()


def test_readings_wait_while_the_store_is_down_and_arrive_in_order_and_once(
    store: SpooledStore, switch: Switch
) -> None:
    store.write(batch_of((1, START, 1.0, START, 0)))
    switch.break_down()
    store.write(batch_of((1, START + 1, 2.0, START, 0), (1, START + 2, 3.0, START, 0)))
    store.write(batch_of((1, START + 3, 4.0, START, 0)))
    state = store.state()
    assert (state.spooling, state.readings_waiting, state.since) == (True, 3, START)
    assert state.error is not None
    with pytest.raises(TelemetryError, match="3 readings wait in the spool"):
        store.check()
    switch.heal()
    drain_all(store, switch)
    assert store.state() == (False, 0, 0, None, None)
    assert values(store, 1) == [1.0, 2.0, 3.0, 4.0]
    store.check()


def test_a_store_that_cannot_be_opened_at_the_start_is_opened_later(switch: Switch) -> None:
    switch.break_down()
    store = switch.spooled()
    assert store.state().error == "the disk is on fire"
    store.write(batch_of((1, START, 1.0)))
    switch.heal()
    drain_all(store, switch)
    assert values(store, 1) == [1.0]
    store.close()


def test_attempts_pause_longer_and_longer_and_writes_make_none(
    store: SpooledStore, switch: Switch
) -> None:
    switch.break_down()
    for index, pause in enumerate([1, 2, 4, 5, 5, 5, 5]):
        store.write(batch_of((1, START + index, 1.0)))
        opened = len(switch.opened)
        switch.heal()
        switch.now += pause - 0.5
        assert store.drain() == 0
        assert len(switch.opened) == opened
        switch.broken = True
        switch.now += 0.5
        assert store.drain() == 0
    switch.heal()
    switch.now += 5
    store.write(batch_of((1, START + 99, 1.0)))
    assert len(switch.opened) == opened
    drain_all(store, switch)
    assert not store.state().spooling
    assert len(values(store, 1)) == 8


def test_until_the_spool_is_empty_everything_goes_through_it(
    store: SpooledStore, switch: Switch
) -> None:
    switch.break_down()
    store.write(batch_of((1, START, 1.0)))
    switch.heal()
    # The store is well again, but the older value still waits: the newer must not overtake it.
    store.write(ReadingBatch(), batch_of((1, START, 2.0)))
    drain_all(store, switch)
    assert values(store, 1) == [2.0]


def test_new_readings_and_replacing_ones_wait_as_one_record(
    store: SpooledStore, switch: Switch
) -> None:
    store.write(batch_of((1, START, 1.0)))
    switch.break_down()
    store.write(
        batch_of((1, START + 1, 2.0), (2, START, 5.0)),
        batch_of((1, START, 3.0), (1, START + 1, 4.0)),
    )
    store.close()
    (segment,) = sorted((switch.folder / "spool").glob("*.spool"))
    whole = segment.read_bytes()
    # A crash within the record loses both parts, whatever of it has reached the disk.
    segment.write_bytes(whole[:-1])
    switch.heal()
    after = switch.spooled()
    assert after.state().readings_waiting == 0
    after.close()
    segment.write_bytes(whole)
    again = switch.spooled()
    assert again.last()[1].value == 4.0
    drain_all(again, switch)
    assert values(again, 1) == [3.0, 4.0]
    assert values(again, 2) == [5.0]
    again.close()


def test_last_and_find_know_what_waits(switch: Switch) -> None:
    healthy = eager(switch.folder)
    store = SpooledStore(healthy, switch.folder / "spool")
    store.write(batch_of((1, START, 1.0), (2, START, 5.0), (3, START + 50, 7.0)))
    store._error = "as if a write had failed"
    store._retry_at = float("inf")
    store.write(
        batch_of((1, START + 9, 2.0), (1, START + 5, 1.5), (3, START, 6.0), (4, START, 8.0)),
    )
    assert store.last() == {
        1: Last(START + 9, 2.0, START + 9, Quality.GOOD),
        2: Last(START, 5.0, START, Quality.GOOD),
        3: Last(START + 50, 7.0, START + 50, Quality.GOOD),
        4: Last(START, 8.0, START, Quality.GOOD),
    }
    assert store.last([4, 5]) == {4: Last(START, 8.0, START, Quality.GOOD)}
    keys = [(1, START), (1, START + 5), (3, START), (2, START + 1)]
    assert store.find(keys) == {(1, START): 1.0, (1, START + 5): 1.5, (3, START): 6.0}
    assert store.size().readings == 7
    store.close()


def test_find_tells_the_last_value_of_a_key_that_waits_twice(switch: Switch) -> None:
    switch.break_down()
    store = switch.spooled()
    store.write(batch_of((1, START, 1.0)))
    store.write(ReadingBatch(), batch_of((1, START, 2.0)))
    assert store.find([(1, START)]) == {(1, START): 2.0}
    assert store.last()[1].value == 2.0
    store.close()


def test_who_started_without_the_store_doubles_nothing_when_it_heals(switch: Switch) -> None:
    first = switch.spooled()
    first.write(batch_of((1, START, 1.0), (1, START + 1, 2.0)))
    first.close()
    switch.broken = True
    store = switch.spooled()
    assert store.last() == {}
    assert store.find([(1, START)]) == {}
    switch.heal()
    drain_all(store, switch)
    # The caller holds these for new, since it was told of nothing.
    store.write(batch_of((1, START, 1.0), (1, START + 1, 2.0), (1, START + 2, 3.0)))
    assert values(store, 1) == [1.0, 2.0, 3.0]
    # Once all is known again a reading can be appended without looking for it.
    assert store.last([1])[1].value == 3.0
    assert store._blind
    assert store.last()[1].value == 3.0
    assert not store._blind
    store.close()


def test_what_waits_is_still_there_after_a_restart(switch: Switch) -> None:
    switch.break_down()
    store = switch.spooled(segment_bytes=200)
    for index in range(20):
        store.write(batch_of((index % 3, START + index, float(index))))
    store.close()
    switch.heal()
    again = switch.spooled(segment_bytes=200)
    assert again.state().readings_waiting == 20
    assert again.last()[1] == Last(START + 19, 19.0, START + 19, Quality.GOOD)
    drain_all(again, switch)
    assert values(again, 0) == [0.0, 3.0, 6.0, 9.0, 12.0, 15.0, 18.0]
    again.close()


def test_a_crash_while_draining_stores_nothing_twice(switch: Switch) -> None:
    switch.break_down()
    store = switch.spooled()
    store.write(batch_of((1, START, 1.0), (1, START + 1, 2.0)))
    store.close()
    # The process dies after the readings reached the store, before the segment was dropped.
    healthy = eager(switch.folder)
    healthy.write(batch_of((1, START, 1.0), (1, START + 1, 2.0)))
    healthy.close()
    switch.heal()
    again = switch.spooled()
    drain_all(again, switch)
    assert values(again, 1) == [1.0, 2.0]
    again.close()


def test_a_torn_tail_is_cut_at_every_length(tmp_path: Path) -> None:
    source = SpoolLog(tmp_path / "source", 1 << 20, 1 << 20)
    source.append(batch_of((1, START, 1.0)))
    whole = source.size
    source.append(batch_of((2, START + 1, 2.0), (3, START + 2, 3.0)))
    (segment,) = source.segments
    data = segment.path.read_bytes()
    source.close()
    for length in range(len(data)):
        folder = tmp_path / str(length)
        folder.mkdir()
        (folder / segment.path.name).write_bytes(data[:length])
        log = SpoolLog(folder, 1 << 20, 1 << 20)
        found = [batch for segment in log.segments for batch in log.read(segment)]
        assert found == ([batch_of((1, START, 1.0))] if length >= whole else [])
        log.append(batch_of((9, START, 9.0)))
        log.close()
        again = SpoolLog(folder, 1 << 20, 1 << 20)
        assert again.readings == len(found) + 1
        again.close()


def test_a_flipped_bit_ends_the_segment_but_not_the_spool(switch: Switch) -> None:
    switch.break_down()
    store = switch.spooled(segment_bytes=100)
    for index in range(4):
        store.write(batch_of((1, START + index, float(index))))
    store.close()
    first, *_ = sorted((switch.folder / "spool").glob("*.spool"))
    data = bytearray(first.read_bytes())
    data[-3] ^= 1
    first.write_bytes(data)
    switch.heal()
    again = switch.spooled(segment_bytes=100)
    drain_all(again, switch)
    # The first segment holds three records, the last of them damaged.
    assert values(again, 1) == [0.0, 1.0, 3.0]
    again.close()


def test_a_full_spool_refuses_and_takes_again_once_drained(switch: Switch) -> None:
    switch.break_down()
    store = switch.spooled(limit_bytes=1000, segment_bytes=300)
    written = 0
    while store.state().bytes_waiting < 950:
        store.write(batch_of((1, START + written, float(written))))
        written += 1
    with pytest.raises(SpoolFull, match="may hold 1000 bytes"):
        store.write(batch_of(*((1, START + index, 1.0) for index in range(9))))
    assert store.state().bytes_waiting <= 1000
    switch.heal()
    drain_all(store, switch)
    store.write(batch_of((1, START + HOUR, -1.0)))
    assert values(store, 1) == [*map(float, range(written)), -1.0]
    store.close()


class Slow(MemoryStore):
    """Takes its time, until it is let go, and no more than so many readings at once."""

    def __init__(self, most: int = 10**9) -> None:
        super().__init__()
        self.most = most
        self.asked = threading.Event()
        self.go = threading.Event()
        self.taken = list[int]()

    def write(self, new: ReadingBatch, replacing: ReadingBatch | None = None) -> None:
        self.asked.set()
        assert self.go.wait(60)
        if len(replacing or new) > self.most:
            raise TelemetryError("not in time")
        self.taken.append(len(replacing or new))
        super().write(new, replacing)


@pytest.fixture
def ill(switch: Switch) -> SpooledStore:
    """One that spools, and whose attempt is due."""
    store = SpooledStore(Slow(), switch.folder / "spool", monotonic=lambda: switch.now)
    store._error = "as if a write had failed"
    return store


def many(count: int, first: int = 0) -> ReadingBatch:
    return batch_of(*((1, START + index, float(index)) for index in range(first, first + count)))


def test_nobody_who_writes_waits_for_a_store_that_hangs_while_it_catches_up(
    ill: SpooledStore,
) -> None:
    slow = ill._ready()
    assert isinstance(slow, Slow)
    ill.write(many(12_000))
    with ThreadPoolExecutor(1) as pool:
        moving = pool.submit(ill.drain)
        assert slow.asked.wait(60)
        # It returns though the other thread is in the middle of that.
        ill.write(many(5, 12_000))
        assert ill.last()[1].value == 12_004
        assert not moving.done()
        slow.go.set()
        assert moving.result() == 12_000
    assert ill.state().readings_waiting == 5
    assert ill.drain() == 5
    assert not ill.state().spooling
    assert {key: row.value for key, row in slow.rows.items()} == {
        (1, START + index): float(index) for index in range(12_005)
    }
    ill.close()


def test_what_is_too_much_for_a_slow_store_is_moved_in_smaller_parts_and_once(
    ill: SpooledStore, switch: Switch
) -> None:
    slow = ill._ready()
    assert isinstance(slow, Slow)
    slow.go.set()
    slow.most = 14_000
    ill.write(many(60_000))
    while ill.state().spooling:
        switch.now += 60
        ill.drain()
    assert sum(slow.taken) == 60_000
    assert 12_500 in slow.taken
    ill.close()


def test_the_last_of_the_spool_goes_though_new_readings_come_without_end(
    ill: SpooledStore,
) -> None:
    slow = ill._ready()
    assert isinstance(slow, Slow)
    slow.go.set()
    ended = threading.Event()

    def write_on() -> None:
        first = 20_000
        while not ended.is_set():
            ill.write(many(10, first))
            first += 10

    ill.write(many(20_000))
    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(write_on)
        for _ in range(100):
            ill.drain()
            if not ill.state().spooling:
                break
        spooling = ill.state().spooling
        ended.set()
        writing.result()
    assert not spooling
    ill.close()


def test_a_disk_that_refuses_is_an_error_and_what_was_acknowledged_stays(
    switch: Switch, monkeypatch: pytest.MonkeyPatch
) -> None:
    switch.break_down()
    store = switch.spooled()
    store.write(batch_of((1, START, 1.0)))
    real = os.write

    def half_written(file: int, data: bytes) -> int:
        real(file, data[: len(data) // 2])
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", half_written)
        for _ in range(2):
            with pytest.raises(TelemetryError, match="No space left"):
                store.write(batch_of((1, START + 1, 2.0)))
    store.write(batch_of((1, START + 2, 3.0)))
    assert store.state().readings_waiting == 2
    store.close()
    switch.heal()
    again = switch.spooled()
    drain_all(again, switch)
    assert values(again, 1) == [1.0, 3.0]
    again.close()


def test_a_disk_that_fails_for_refused_readings_holds_up_no_others(
    store: SpooledStore, switch: Switch
) -> None:
    # A folder is a file that can't be read.
    (switch.folder / "spool/refused/000000000001.again").mkdir(parents=True)
    for number in range(3):
        switch.now += 60
        store.write(batch_of((1, START + number, float(number))))
        store.drain()
    assert values(store, 1) == [0.0, 1.0, 2.0]
    store.check()
    health = Health(SystemClock())
    health.watch("refused readings", lambda: _refused_detail(store))
    [state] = health.snapshot()
    assert "Is a directory" in state.detail


def test_what_no_store_keeps_never_enters_the_spool(switch: Switch) -> None:
    switch.break_down()
    store = switch.spooled()
    with pytest.raises(Invalid, match="finite"):
        store.write(batch_of((1, START, float("nan"))))
    assert store.state().readings_waiting == 0
    store.close()


def test_nothing_is_erased_while_readings_wait(store: SpooledStore, switch: Switch) -> None:
    store.write(batch_of((1, START, 1.0)))
    switch.break_down()
    store.write(batch_of((1, START + 1, 2.0)))
    with pytest.raises(TelemetryError, match="wait in the spool"):
        store.delete(1, START, START + 9)
    switch.heal()
    drain_all(store, switch)
    assert store.delete(1, START, START + 9) == 2


def test_two_processes_cannot_share_a_spool(store: SpooledStore, tmp_path: Path) -> None:
    del store
    with pytest.raises(TelemetryError, match="spool cannot be opened"):
        SpooledStore(Switch(tmp_path / "other").open, tmp_path / "spool")


def test_a_closed_spool_takes_nothing(switch: Switch) -> None:
    store = switch.spooled()
    store.close()
    with pytest.raises(TelemetryError):
        store.write(batch_of((1, START, 1.0)))


SPOOL_FOR_EVER = """
import sys
from pathlib import Path
from core.telemetry.readings import ReadingBatch
from core.telemetry.spool_log import SpoolLog

log = SpoolLog(Path(sys.argv[1]), 1 << 30, 10_000)
number = 0
while True:
    batch = ReadingBatch()
    for row in range(20):
        batch.append(row, number, float(number), number, 0)
    log.append(batch)
    print(number, flush=True)
    number += 1
"""


def test_what_the_spool_acknowledged_survives_sigkill(tmp_path: Path) -> None:
    command = [sys.executable, "-c", SPOOL_FOR_EVER, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        acknowledged = [child.stdout.readline() for _ in range(150)]
        child.kill()
        acknowledged += child.stdout.readlines()
    count = sum(line.endswith("\n") for line in acknowledged)
    log = SpoolLog(tmp_path, 1 << 30, 10_000)
    batches: list[ReadingBatch] = [b for segment in log.segments for b in log.read(segment)]
    assert [batch.at[0] for batch in batches] == list(range(len(batches)))
    assert count <= len(batches) <= count + 1
    assert {len(batch) for batch in batches} == {20}
    log.close()
