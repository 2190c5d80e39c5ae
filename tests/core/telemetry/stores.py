"""Every store the contract is tried on: one end that writes and one that reads."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from core.telemetry.duckdb_store import DuckDBStore
from core.telemetry.influx_lines import is_whole
from core.telemetry.influx_reader import InfluxReader
from core.telemetry.influx_store import InfluxStore
from core.telemetry.readings import Reading, ReadingBatch
from core.telemetry.remote import RemoteStore
from core.telemetry.server import TelemetryServer
from core.telemetry.spool import SpooledStore
from core.telemetry.store import TelemetryStore
from tests.servers.influx.real import influx_address

SECOND = 1_000_000
HOUR = 3600 * SECOND
DAY = 24 * HOUR
# 2024-01-01 00:00 UTC.
START = 1_704_067_200 * SECOND


Row = tuple[int, int, float] | tuple[int, int, float, int, int]


def batch_of(*rows: Row) -> ReadingBatch:
    """Readings given as (series, at, value), received as they happened, or with all five parts."""
    batch = ReadingBatch()
    for row in rows:
        series, at, value, received, quality = row if len(row) == 5 else (*row, row[1], 0)
        batch.append(series, at, value, received, quality)
    return batch


@dataclass(frozen=True)
class Ends:
    """Two ends of one store. settling: everything written is sorted away and rolled up at once."""

    writer: TelemetryStore
    reader: TelemetryStore
    settling: bool = False

    def write(self, *new: Row, replacing: Sequence[Row] = ()) -> None:
        """Write one batch."""
        self.writer.write(batch_of(*new), batch_of(*replacing))
        if self.settling:
            self.writer.roll_up(START + 100 * 365 * DAY)

    def scanned(self, series: list[int], start: int, end: int) -> list[Reading]:
        """All readings of a scan."""
        return [reading for batch in self.reader.scan(series, start, end) for reading in batch]


def eager(folder: Path) -> DuckDBStore:
    """A DuckDB store whose roll_up waits for nothing and moves few readings at a time."""
    return DuckDBStore(folder / "telemetry.duckdb", run_rows=1, chunk_rows=1_000)


@contextmanager
def embedded(folder: Path) -> Iterator[Ends]:
    """DuckDB as it is."""
    store = eager(folder)
    yield Ends(store, store)
    store.close()


@contextmanager
def embedded_settling(folder: Path) -> Iterator[Ends]:
    """DuckDB, rolled up after each batch."""
    store = eager(folder)
    yield Ends(store, store, settling=True)
    store.close()


@contextmanager
def spooled(folder: Path) -> Iterator[Ends]:
    """DuckDB behind a spool."""
    store = SpooledStore(lambda: eager(folder), folder / "spool")
    yield Ends(store, store)
    store.close()


@contextmanager
def remote(folder: Path) -> Iterator[Ends]:
    """DuckDB read over the socket."""
    store = eager(folder)
    server = TelemetryServer(store, folder / "telemetry.sock")
    reader = RemoteStore(folder / "telemetry.sock")
    yield Ends(store, reader)
    reader.close()
    server.close()
    store.close()


@contextmanager
def influx(folder: Path) -> Iterator[Ends]:
    """InfluxDB, real where the tests are given one, written at one end and read at the other."""
    del folder
    with influx_address() as address:
        store, reader = InfluxStore(address), InfluxReader(address)
        yield Ends(store, reader)
        reader.close()
        store.close()


@contextmanager
def influx_settling(folder: Path) -> Iterator[Ends]:
    """InfluxDB behind a spool, rolled up after each batch."""
    with influx_address() as address:
        store = SpooledStore(lambda: InfluxStore(address), folder / "spool", takes_whole=is_whole)
        yield Ends(store, store, settling=True)
        store.close()


STORES: dict[str, Callable[[Path], AbstractContextManager[Ends]]] = {
    "duckdb": embedded,
    "duckdb, settling": embedded_settling,
    "spooled": spooled,
    "remote": remote,
    "influx": influx,
    "influx, settling": influx_settling,
}
