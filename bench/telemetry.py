"""The cost of telemetry: appends with reads going on, history of a point, last values of all."""

import argparse
import json
import sys
import tempfile
import threading
import time
from array import array
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from core.telemetry.duckdb_store import DuckDBStore
from core.telemetry.influx_lines import Numbers, requests
from core.telemetry.influx_server import InfluxAddress, InfluxServer
from core.telemetry.readings import ReadingBatch

SECOND = 1_000_000
HOUR = 3600 * SECOND
DAY = 24 * HOUR
# 2024-01-01 00:00 UTC.
START = 1_704_067_200 * SECOND


@dataclass(frozen=True)
class Appends:
    """Batches written one after another while another thread reads. Latencies in ms."""

    rows: int
    rows_per_second: float
    cpu_us_per_row: float
    cpu_us_per_row_with_reads: float
    append_p50_ms: float
    append_p99_ms: float
    append_longest_ms: float
    read_p50_ms: float
    read_p99_ms: float
    bytes_per_row: float


@dataclass(frozen=True)
class Queries:
    """A 10-second point's history among other points', and upkeep. Times in ms."""

    rows: int
    fill_seconds: float
    upkeep_seconds: float
    day_raw_ms: float
    month_of_5_minutes_ms: float
    months_of_days_ms: float
    months_of_hours_ms: float
    append_longest_ms_during_upkeep: float
    bytes_per_row: float


@dataclass(frozen=True)
class Lasts:
    """The newest reading of every series, as ingest asks when it starts. Times in ms."""

    rows: int
    series: int
    unsettled_ms: float
    settled_ms: float
    reopen_ms: float


@dataclass(frozen=True)
class InfluxWrites:
    """Batches written to a server that takes InfluxDB 2's write API. Latencies in ms.

    cpu_us_per_row: of this process; lines_us_per_row: of it, for making the lines.
    """

    rows: int
    rows_per_second: float
    cpu_us_per_row: float
    lines_us_per_row: float
    bytes_per_row_of_lines: float
    write_p50_ms: float
    write_p99_ms: float


def sweep(first: int, count: int, points: int, interval: int, seed: int) -> ReadingBatch:
    """Readings `first`…`first + count` of points that all report every `interval` µs in turn."""
    index = np.arange(first, first + count)
    at = START + index // points * interval + index % points * (interval // points)
    delay = np.random.default_rng(seed).integers(1_000, 50_000, count)
    value = np.round(40 + 5 * np.sin(index / 1e5) + delay / 1e5, 1)
    batch = ReadingBatch()
    batch.series = array("i", (index % points).astype(np.int32).tobytes())
    batch.at = array("q", at.tobytes())
    batch.value = array("d", value.tobytes())
    batch.received = array("q", (at + delay).tobytes())
    batch.quality = array("B", bytes(count))
    return batch


def milliseconds(work: Callable[[], object]) -> float:
    """How long `work` takes, the best of three."""
    took = list[float]()
    for _ in range(3):
        began = time.perf_counter()
        work()
        took.append(time.perf_counter() - began)
    return min(took) * 1000


def percentile(seconds: list[float], share: float) -> float:
    """The given share of a list of durations, in ms."""
    return sorted(seconds)[min(len(seconds) - 1, int(len(seconds) * share))] * 1000


def measure_appends(folder: Path, rows: int, batch_rows: int = 5_000) -> Appends:
    """Append as fast as possible, first alone, then with a reader asking 20 times a second."""
    batches = [
        sweep(first, batch_rows, 1_000, 10 * SECOND, first) for first in range(0, rows, batch_rows)
    ]
    alone = DuckDBStore(folder / "alone.duckdb")
    began = time.process_time()
    for batch in batches:
        alone.write(batch)
    cpu_alone = time.process_time() - began
    alone.close()

    store = DuckDBStore(folder / "appends.duckdb")
    stop = threading.Event()
    reads = list[float]()
    reader = threading.Thread(target=_read_until, args=(store, stop, reads))
    reader.start()
    appends = list[float]()
    began, cpu_began = time.perf_counter(), time.process_time()
    for batch in batches:
        before = time.perf_counter()
        store.write(batch)
        appends.append(time.perf_counter() - before)
    took, cpu = time.perf_counter() - began, time.process_time() - cpu_began
    stop.set()
    reader.join()
    size = store.size()
    store.close()
    return Appends(
        rows=size.readings,
        rows_per_second=round(size.readings / took),
        cpu_us_per_row=round(cpu_alone / rows * 1e6, 3),
        cpu_us_per_row_with_reads=round(cpu / rows * 1e6, 3),
        append_p50_ms=round(percentile(appends, 0.5), 2),
        append_p99_ms=round(percentile(appends, 0.99), 2),
        append_longest_ms=round(max(appends) * 1000, 2),
        read_p50_ms=round(percentile(reads, 0.5), 2),
        read_p99_ms=round(percentile(reads, 0.99), 2),
        bytes_per_row=round(size.bytes_on_disk / size.readings, 2),
    )


def _read_until(store: DuckDBStore, stop: threading.Event, reads: list[float]) -> None:
    while not stop.wait(0.05):
        began = time.perf_counter()
        store.series(5, START, START + DAY, 5 * 60 * SECOND)
        reads.append(time.perf_counter() - began)


def measure_queries(folder: Path, points: int, days: int) -> Queries:
    """Fill `days` of 10-second points, settling each day as it closes, then draw one of them."""
    store = DuckDBStore(folder / "queries.duckdb")
    per_day = points * 8640
    upkeep = 0.0
    appends = list[float]()
    began = time.perf_counter()
    for day in range(days):
        store.write(sweep(day * per_day, per_day, points, 10 * SECOND, day))
        stop = threading.Event()
        late = threading.Thread(target=_append_until, args=(store, day, points, stop, appends))
        late.start()
        before = time.perf_counter()
        store.roll_up(START + (day + 1) * DAY + HOUR)
        upkeep += time.perf_counter() - before
        stop.set()
        late.join()
    fill = time.perf_counter() - began - upkeep
    end = START + days * DAY
    number = points // 2
    size = store.size()
    answer = Queries(
        rows=size.readings,
        fill_seconds=round(fill, 1),
        upkeep_seconds=round(upkeep, 1),
        day_raw_ms=round(milliseconds(lambda: store.series(number, end - DAY, end, 1)), 2),
        month_of_5_minutes_ms=round(
            milliseconds(lambda: store.series(number, end - 30 * DAY, end, HOUR // 12)), 2
        ),
        months_of_days_ms=round(milliseconds(lambda: store.series(number, START, end, DAY)), 2),
        months_of_hours_ms=round(milliseconds(lambda: store.series(number, START, end, HOUR)), 2),
        append_longest_ms_during_upkeep=round(max(appends, default=0.0) * 1000, 1),
        bytes_per_row=round(size.bytes_on_disk / size.readings, 2),
    )
    store.close()
    return answer


def _append_until(
    store: DuckDBStore, day: int, points: int, stop: threading.Event, appends: list[float]
) -> None:
    """Small appends of series that nobody draws, to see how long upkeep holds them up."""
    batch = ReadingBatch()
    for index in range(200):
        batch.append(points + index, START + (day + 1) * DAY + len(appends), 1.0, START, 0)
    while not stop.wait(0.02):
        began = time.perf_counter()
        store.write(batch)
        appends.append(time.perf_counter() - began)


def measure_lasts(folder: Path, rows: int, series: int) -> Lasts:
    """Ask for the newest reading of every series, before and after the readings are settled."""
    path = folder / "lasts.duckdb"
    store = DuckDBStore(path)
    for first in range(0, rows, 100_000):
        store.write(sweep(first, 100_000, series, 10 * SECOND, first))
    unsettled = milliseconds(store.last)
    store.roll_up(START + 365 * DAY)
    settled = milliseconds(store.last)
    store.close()
    began = time.perf_counter()
    again = DuckDBStore(path)
    found = len(again.last())
    reopen = (time.perf_counter() - began) * 1000
    again.close()
    return Lasts(rows, found, round(unsettled, 1), round(settled, 1), round(reopen, 1))


def measure_influx(address: InfluxAddress, rows: int, batch_rows: int = 5_000) -> InfluxWrites:
    """Write as InfluxStore does, without its looks at what is stored."""
    batches = [
        sweep(first, batch_rows, 1_000, 10 * SECOND, first) for first in range(0, rows, batch_rows)
    ]
    began = time.process_time()
    made = [lines for batch in batches for _, lines in requests(batch, Numbers(1))]
    cpu_of_lines = time.process_time() - began
    server = InfluxServer(address)
    writes = list[float]()
    began, cpu_began = time.perf_counter(), time.process_time()
    for lines in made:
        before = time.perf_counter()
        server.write(lines)
        writes.append(time.perf_counter() - before)
    took, cpu = time.perf_counter() - began, time.process_time() - cpu_began
    server.close()
    return InfluxWrites(
        rows=rows,
        rows_per_second=round(rows / (took + cpu_of_lines)),
        cpu_us_per_row=round((cpu + cpu_of_lines) / rows * 1e6, 3),
        lines_us_per_row=round(cpu_of_lines / rows * 1e6, 3),
        bytes_per_row_of_lines=round(sum(len(line) + 1 for line in made[0]) / batch_rows, 1),
        write_p50_ms=round(percentile(writes, 0.5), 2),
        write_p99_ms=round(percentile(writes, 0.99), 2),
    )


def main() -> None:
    """Measure and print, as a table or as one JSON object."""
    parser = argparse.ArgumentParser(prog="python -m bench.telemetry", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--rows", type=int, default=5_000_000, help="readings to append")
    parser.add_argument("--points", type=int, default=10, help="10-second points with a history")
    parser.add_argument("--days", type=int, default=396, help="length of the history; 13 months")
    parser.add_argument("--last-rows", type=int, default=10_000_000)
    parser.add_argument("--last-series", type=int, default=100_000)
    parser.add_argument(
        "--influx", metavar="URL", help="measure writes to this InfluxDB or VictoriaMetrics alone"
    )
    parser.add_argument("--influx-org", default="watchkeeper")
    parser.add_argument("--influx-bucket", default="bench")
    parser.add_argument("--influx-token", default="")
    chosen = parser.parse_args()
    results = _measured(chosen)
    if chosen.json:
        sys.stdout.write(json.dumps(results) + "\n")
        return
    for part, numbers in results.items():
        for label, number in numbers.items():
            sys.stdout.write(f"{part:8} {label:32} {number:>14,}\n")


def _measured(chosen: argparse.Namespace) -> dict[str, dict[str, Any]]:
    if chosen.influx:
        address = InfluxAddress(
            chosen.influx, chosen.influx_org, chosen.influx_bucket, chosen.influx_token
        )
        return {"influx": asdict(measure_influx(address, chosen.rows))}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        return {
            "appends": asdict(measure_appends(folder, chosen.rows)),
            "queries": asdict(measure_queries(folder, chosen.points, chosen.days)),
            "last": asdict(measure_lasts(folder, chosen.last_rows, chosen.last_series)),
        }


if __name__ == "__main__":
    main()
