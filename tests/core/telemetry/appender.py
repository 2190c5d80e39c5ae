"""A process that appends until it is killed: `python -m tests.core.telemetry.appender FILE SEED`.

Prints the number of each batch once the store has acknowledged it. Meanwhile another thread
settles readings, and now and then the batch before is replaced in the same write.
"""

import random
import sys
import threading
from pathlib import Path

from core.telemetry.duckdb_store import DuckDBStore
from core.telemetry.readings import ReadingBatch
from tests.core.telemetry.stores import HOUR, START

ROWS = 500
# The value of a batch tells how it was written: alone, with one that replaced the batch before, or
# as that.
PLAIN, ALONG, REPLACED = 1.0, 1.5, 2.0


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
        again = number and chance.random() < 0.2
        if again:
            store.write(batch_number(number, ALONG), batch_number(number - 1, REPLACED))
            sys.stdout.write(f"{number - 1} {REPLACED}\n{number} {ALONG}\n")
        else:
            store.write(batch_number(number, PLAIN))
            sys.stdout.write(f"{number} {PLAIN}\n")
        sys.stdout.flush()
        number += 1


if __name__ == "__main__":
    append_for_ever(Path(sys.argv[1]), int(sys.argv[2]))
