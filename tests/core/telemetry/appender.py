"""A process that appends until it is killed: `python -m tests.core.telemetry.appender FILE SEED`.

Prints the number of each batch once the store has acknowledged it. Meanwhile another thread
settles readings and a batch now and then replaces an earlier one.
"""

import random
import sys
import threading
from pathlib import Path

from core.telemetry.duckdb_store import DuckDBStore
from core.telemetry.readings import ReadingBatch
from tests.core.telemetry.stores import HOUR, START

ROWS = 500


def batch_number(number: int, value: float) -> ReadingBatch:
    """ROWS readings that only this batch holds, all of one value."""
    batch = ReadingBatch()
    for row in range(ROWS):
        at = START + number * ROWS + row
        batch.append(row % 10, at, value, at, 0)
    return batch


def append_for_ever(file: Path, seed: int) -> None:
    """Append batch after batch, from the number after the last one stored."""
    chance = random.Random(seed)
    store = DuckDBStore(file, run_rows=1, chunk_rows=2_000)

    def settle() -> None:
        while True:
            store.roll_up(START + 9 * HOUR)

    threading.Thread(target=settle, daemon=True).start()
    number = 0
    known = store.last()
    if known:
        number = (max(last.at for last in known.values()) - START) // ROWS + 1
    while True:
        store.write(batch_number(number, 1.0))
        sys.stdout.write(f"{number} 1\n")
        if chance.random() < 0.2:
            store.write(batch_number(number, 2.0), replacing=True)
            sys.stdout.write(f"{number} 2\n")
        sys.stdout.flush()
        number += 1


if __name__ == "__main__":
    append_for_ever(Path(sys.argv[1]), int(sys.argv[2]))
