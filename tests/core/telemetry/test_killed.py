"""What a telemetry store acknowledged is there after SIGKILL, once."""

import random
import subprocess
import sys
import threading
from pathlib import Path

from core.telemetry.duckdb_store import DuckDBStore
from core.telemetry.readings import ReadingBatch
from tests.core.telemetry.appender import ALONG, PLAIN, REPLACED, ROWS
from tests.core.telemetry.stores import START


def kill_while_appending(file: Path, seed: int, seconds: float) -> dict[int, float]:
    """What a child acknowledged before it was killed: number of a batch -> its value."""
    command = [sys.executable, "-m", "tests.core.telemetry.appender", str(file), str(seed)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        first = child.stdout.readline()
        timer = threading.Timer(seconds, child.kill)
        timer.start()
        lines = [first, *child.stdout]
        timer.join()
    whole = [line.split() for line in lines if line.endswith("\n")]
    return {int(number): float(value) for number, value in whole}


def stored_batches(store: DuckDBStore) -> dict[int, ReadingBatch]:
    batches: dict[int, ReadingBatch] = {}
    for scanned in store.scan(range(10), 0, START * 2):
        for reading in scanned:
            batches.setdefault((reading.at - START) // ROWS, ReadingBatch()).append(*reading)
    return batches


def test_every_acknowledged_batch_survives_sigkill_whole_and_once(tmp_path: Path) -> None:
    file = tmp_path / "telemetry.duckdb"
    chance = random.Random(7)
    acknowledged: dict[int, float] = {}
    for seed in range(4):
        acknowledged |= kill_while_appending(file, seed, chance.uniform(0.05, 0.6))
        store = DuckDBStore(file)
        batches = stored_batches(store)
        hours = store.series(3, START, START * 2, 3_600_000_000)
        store.close()
        assert acknowledged.keys() <= batches.keys()
        # The last of each child may have been stored without the word getting out; no part of one.
        assert len(batches.keys() - acknowledged.keys()) <= seed + 1
        for number, batch in batches.items():
            assert len(set(batch.at)) == len(batch) == ROWS
            (value,) = set(batch.value)
            assert value >= acknowledged.get(number, PLAIN)
            if value == REPLACED:
                assert batches[number + 1].value[0] in (ALONG, REPLACED)
            if value == ALONG:
                assert batches[number - 1].value[0] == REPLACED
        assert sum(hours.count) == len(batches) * ROWS // 10
        stored_sum = sum(batch.value[0] * ROWS // 10 for batch in batches.values())
        rolled_sum = sum(m * n for m, n in zip(hours.mean, hours.count, strict=True))
        assert abs(rolled_sum - stored_sum) < 1e-6 * stored_sum
