"""The embedded telemetry store: one DuckDB file that belongs to one process."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from core.errors import Invalid
from core.telemetry import duckdb_upkeep as upkeep
from core.telemetry.duckdb_file import HOUR, engine_errors, next_sequence, number, open_file
from core.telemetry.readings import (
    QUALITIES,
    Buckets,
    Last,
    ReadingBatch,
    check_storable,
)
from core.telemetry.store import StoreSize, TelemetryError

_FRESH_SCHEMA = pa.schema(
    [
        ("series", pa.int32()),
        ("event_at", pa.int64()),
        ("value", pa.float64()),
        ("received", pa.int64()),
        ("quality", pa.uint8()),
        ("sequence", pa.int64()),
    ]
)
_LAST = """
SELECT series, max(event_at) AS event_at, arg_max(value, event_at) AS value,
    arg_max(received, event_at) AS received, arg_max(quality, event_at) AS quality
FROM (SELECT * EXCLUDE (sequence) FROM fresh UNION ALL SELECT * FROM newest)
"""
_LAST_ALL = _LAST + " GROUP BY series"
_LAST_SOME = _LAST + " WHERE series IN (SELECT unnest($series::INTEGER[])) GROUP BY series"
_FIND = """
SELECT stored.series, stored.event_at, stored.value
FROM stored JOIN keys ON stored.series = keys.series AND stored.event_at = keys.event_at
"""
# Settled readings come as roll-ups for the whole hours [from_hour, to_hour), which are empty when
# the step is not made of hours, and one by one for the rest.
_SERIES = """
WITH parts AS (
    SELECT hour AS event_at, readings, mean, minimum, maximum FROM rolled
    WHERE series = $series AND hour >= $from_hour AND hour < $to_hour
    UNION ALL
    SELECT event_at, 1, value, value, value FROM settled
    WHERE series = $series AND event_at >= $start AND event_at < $from_hour
    UNION ALL
    SELECT event_at, 1, value, value, value FROM settled
    WHERE series = $series AND event_at >= $to_hour AND event_at < $end
    UNION ALL
    SELECT event_at, 1, value, value, value FROM fresh
    WHERE series = $series AND event_at >= $start AND event_at < $end
)
SELECT event_at - event_at % $step AS bucket,
    greatest(min(minimum), least(max(maximum), sum(mean * readings) / sum(readings))) AS mean,
    min(minimum) AS minimum, max(maximum) AS maximum, sum(readings)::BIGINT AS readings
FROM parts GROUP BY bucket ORDER BY bucket
"""
_RECEIPT_COUNTS = """
SELECT received - received % $width AS slice, count(*) AS readings FROM stored
WHERE series IN (SELECT unnest($series::INTEGER[])) AND event_at >= $start AND event_at < $end
GROUP BY slice ORDER BY slice
"""
_SCAN = """
SELECT series, event_at, value, received, quality FROM stored
WHERE series IN (SELECT unnest($series::INTEGER[])) AND event_at >= $start AND event_at < $end
    AND received >= $since AND received < $until
ORDER BY received, sequence
"""
_MEMORY = "SELECT sum(memory_usage_bytes) FROM duckdb_memory()"
_SLICE = 60_000_000
_SCAN_ROWS = 500_000
_BATCH_ROWS = 10_000


class DuckDBStore:
    """A TelemetryStore in one DuckDB file; thread-safe.

    One connection writes, under a lock; each read has a cursor of its own and waits for nobody.
    """

    def __init__(
        self,
        path: Path,
        *,
        memory_bytes: int = 1024**3,
        threads: int = 1,
        run_rows: int = 1_000_000,
        chunk_rows: int = 4_000_000,
    ) -> None:
        """Open or create the file; its folder must exist.

        memory_bytes: what the engine may use for work and for pages of the file that it keeps.
        run_rows: roll_up waits for so many readings (or a day) before it sorts them away;
        chunk_rows: and moves at most so many in one transaction.
        Raises TelemetryError when another process has the file, or it is damaged or newer.
        """
        self._path = path
        self._run_rows = run_rows
        self._chunk_rows = chunk_rows
        self._failure: str | None = None
        self._writing = threading.Lock()
        self._rewriting = threading.Lock()
        self._connection = open_file(path, memory_bytes, threads)
        with engine_errors("telemetry cannot be read"):
            self._sequence = next_sequence(self._connection)

    def write(self, new: ReadingBatch, replacing: ReadingBatch | None = None) -> None:
        """Append, and put in place of what is stored at the same keys; one transaction."""
        odd = ReadingBatch() if replacing is None else replacing
        check_storable(new)
        check_storable(odd)
        if not len(new) and not len(odd):
            return
        with self._writing:
            try:
                with engine_errors("telemetry cannot be written"):
                    self._write(new, odd)
            except TelemetryError as error:
                self._failure = str(error)
                raise
            self._failure = None

    def _write(self, new: ReadingBatch, odd: ReadingBatch) -> None:
        appended = self._numbered(new)
        if not len(odd):
            self._connection.from_arrow(appended).insert_into("fresh")
            return
        offered = self._numbered(odd)
        try:
            upkeep.append_and_replace(self._connection, appended, offered)
        except duckdb.TransactionException:
            # Upkeep was moving one of these readings at the same time; wait until it has.
            with self._rewriting:
                upkeep.append_and_replace(self._connection, appended, offered)

    def _numbered(self, batch: ReadingBatch) -> pa.Table:
        """The columns of `fresh`. A number is not used again, even when the engine refuses it."""
        until = self._sequence + len(batch)
        numbers = pa.array(np.arange(self._sequence, until))
        self._sequence = until
        columns = [*batch.to_arrow().columns, numbers]
        return pa.Table.from_batches([pa.RecordBatch.from_arrays(columns, schema=_FRESH_SCHEMA)])

    @contextmanager
    def _cursor(self) -> Iterator[duckdb.DuckDBPyConnection]:
        with engine_errors("telemetry cannot be read"):
            cursor = self._connection.cursor()
            try:
                yield cursor
            finally:
                cursor.close()

    def last(self, series: Sequence[int] | None = None) -> dict[int, Last]:
        """The newest reading by event time of each given series, or of all."""
        with self._cursor() as cursor:
            if series is None:
                answer = cursor.execute(_LAST_ALL).fetchnumpy()
            else:
                answer = cursor.execute(_LAST_SOME, {"series": list(series)}).fetchnumpy()
        columns = (answer[name].tolist() for name in ("event_at", "value", "received"))
        qualities = map(QUALITIES.__getitem__, answer["quality"].tolist())
        rows = map(Last, *columns, qualities)
        return dict(zip(answer["series"].tolist(), rows, strict=True))

    def find(self, keys: Sequence[tuple[int, int]]) -> dict[tuple[int, int], float]:
        """The stored values of those (series, at) that are stored."""
        if not keys:
            return {}
        table = pa.table(
            {
                "series": pa.array([series for series, _ in keys], pa.int32()),
                "event_at": pa.array([at for _, at in keys], pa.int64()),
            }
        )
        with self._cursor() as cursor:
            cursor.register("keys", table)
            rows = cursor.execute(_FIND).fetchall()
        return {(series, at): value for series, at, value in rows}

    def series(self, series: int, start: int, end: int, step: int) -> Buckets:
        """Buckets of `step` µs; those of whole hours come from the roll-ups."""
        if step <= 0:
            raise Invalid("the step must be positive")
        from_hour, to_hour = end, end
        if step % HOUR == 0:
            from_hour = min(end, -(-start // HOUR) * HOUR)
            to_hour = max(from_hour, end // HOUR * HOUR)
        span = {"series": series, "start": start, "end": end, "step": step}
        hours = {"from_hour": from_hour, "to_hour": to_hour}
        with self._cursor() as cursor:
            answer = cursor.execute(_SERIES, {**span, **hours}).fetchnumpy()
        return Buckets(*(column.tolist() for column in answer.values()))

    def scan(self, series: Sequence[int], start: int, end: int) -> Iterator[ReadingBatch]:
        """Readings by receipt, a stretch of receipt time after another, so in bounded memory."""
        span: dict[str, Any] = {"series": list(series), "start": start, "end": end}
        for since, until in self._stretches(span):
            yield from self._scan(span, since, until)

    def _stretches(self, span: dict[str, Any]) -> list[tuple[int, int]]:
        with self._cursor() as cursor:
            counts = cursor.execute(_RECEIPT_COUNTS, {**span, "width": _SLICE}).fetchall()
        stretches = list[tuple[int, int]]()
        gathered = _SCAN_ROWS
        for start, readings in counts:
            if gathered + readings > _SCAN_ROWS:
                stretches.append((start, start + _SLICE))
                gathered = readings
            else:
                stretches[-1] = (stretches[-1][0], start + _SLICE)
                gathered += readings
        return stretches

    def _scan(self, span: dict[str, Any], since: int, until: int) -> Iterator[ReadingBatch]:
        with self._cursor() as cursor:
            rows = cursor.sql(_SCAN, params={**span, "since": since, "until": until})
            for chunk in rows.to_arrow_reader(_BATCH_ROWS):
                yield ReadingBatch.from_arrow(chunk)

    def delete(self, series: int, start: int, end: int) -> int:
        """Erase event times [start, end) of a series; returns readings erased."""
        return self._rewrite(lambda cursor: upkeep.erase(cursor, series, start, end))

    def roll_up(self, now: int) -> int:
        """Sort readings of closed hours away and roll them up; returns (series, hour) pairs."""
        before = now - now % HOUR
        oldest = now - upkeep.DAY
        return self._rewrite(
            lambda cursor: upkeep.settle(cursor, before, oldest, self._run_rows, self._chunk_rows)
        )

    def expire(self, before_received: int) -> int:
        """Drop readings received before that moment; their hours are rolled up first."""

        def drop(cursor: duckdb.DuckDBPyConnection) -> int:
            upkeep.settle(cursor, before_received, before_received, 0, self._chunk_rows)
            return upkeep.expire(cursor, before_received)

        return self._rewrite(drop)

    def _rewrite(self, work: Callable[[duckdb.DuckDBPyConnection], int]) -> int:
        with engine_errors("telemetry cannot be rewritten"):
            try:
                with self._rewriting:
                    return self._on_cursor(work)
            except duckdb.TransactionException:
                # A replacing write changed one of these readings first; now keep writers out.
                with self._writing, self._rewriting:
                    return self._on_cursor(work)

    def _on_cursor(self, work: Callable[[duckdb.DuckDBPyConnection], int]) -> int:
        cursor = self._connection.cursor()
        try:
            return work(cursor)
        finally:
            cursor.close()

    def size(self) -> StoreSize:
        """Readings stored, and bytes of the file and its log."""
        with self._cursor() as cursor:
            readings = number(cursor, "SELECT count(*) FROM stored")
        files = (self._path, self._path.with_name(self._path.name + ".wal"))
        return StoreSize(readings, sum(map(_bytes_of, files)))

    def memory(self) -> int:
        """Bytes of memory that the engine says it uses: pages of the file, more with more readings
        until memory_bytes are used, and what is in its log and not yet put in its place."""
        with self._cursor() as cursor:
            return number(cursor, _MEMORY)

    def check(self) -> None:
        """Raises TelemetryError when reading fails or the last write did."""
        with self._cursor() as cursor:
            cursor.execute("SELECT version FROM schema_version").fetchall()
        if self._failure is not None:
            raise TelemetryError(self._failure)

    def close(self) -> None:
        """Close the file; what is in its log is put in order first."""
        with self._writing, engine_errors("telemetry cannot be closed"):
            self._connection.close()


def _bytes_of(file: Path) -> int:
    try:
        return file.stat().st_size
    except FileNotFoundError:
        return 0
