"""What can be read of telemetry in InfluxDB 2: a store for processes that don't write it."""

import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Never, TypeVar

import duckdb
import numpy as np
import pyarrow as pa

from core.errors import Invalid
from core.telemetry import influx_flux as flux
from core.telemetry.duckdb_file import engine_errors
from core.telemetry.influx_flux import DAY, HOUR, micros
from core.telemetry.influx_server import InfluxAddress, InfluxServer
from core.telemetry.readings import QUALITIES, Buckets, Last, ReadingBatch
from core.telemetry.store import StoreSize, TelemetryError

SCHEMA_VERSION = 1
# So many series are asked for at once; of so many stretches of hours each is asked for alone.
_SERIES_AT_ONCE = 200
_STRETCHES = 8
_MINUTE = 60_000_000
_SCAN_DAYS = 31
_BATCH_ROWS = 10_000
_SORTER = """
CREATE TABLE found (
    series INTEGER, event_at BIGINT, value DOUBLE, received BIGINT, quality UTINYINT, n BIGINT
)
"""
_SORTED = """
SELECT series, event_at, value, received, quality FROM found ORDER BY received, n
"""
_FOUND_SCHEMA = pa.schema(
    [
        ("series", pa.int32()),
        ("event_at", pa.int64()),
        ("value", pa.float64()),
        ("received", pa.int64()),
        ("quality", pa.uint8()),
        ("n", pa.int64()),
    ]
)

Item = TypeVar("Item")
Key = tuple[int, int]
# series, at, value, received, quality, number of insertion
Row = tuple[int, int, float, int, int, int]


@dataclass(frozen=True, slots=True)
class Together:
    """Some readings taken together."""

    count: int
    mean: float
    minimum: float
    maximum: float


class RolledHour(NamedTuple):
    """The roll-up of a series' hour. upto: the number of insertion up to which it holds all."""

    readings: Together
    upto: int


class State(NamedTuple):
    """What the store knows of itself. opened: how often; horizon: what was received before it may
    have been dropped, µs."""

    schema: int = 0
    opened: int = 0
    horizon: int = 0


class InfluxReader:
    """Reads telemetry in InfluxDB 2; thread-safe. Writing is refused.

    Readings that wait in the spool of the process that writes are not seen here.
    """

    def __init__(self, address: InfluxAddress) -> None:
        """Connects with the first question."""
        self._server = InfluxServer(address)
        self._bucket = address.bucket
        self._hours_bucket = address.hours

    def write(self, new: ReadingBatch, replacing: ReadingBatch | None = None) -> None:
        """Raises TelemetryError: only ingest writes."""
        del new, replacing
        self._refuse()

    def last(self, series: Sequence[int] | None = None) -> dict[int, Last]:
        """The newest reading by event time of each given series, or of all."""
        found = defaultdict[int, dict[str, str]](dict)
        for some in _groups(series):
            for row in self._server.rows(flux.last(self._bucket, some)):
                fields = found[int(row["series"])]
                fields[row["_field"]] = row["_value"]
                fields["at"] = row["_time"]
        return {
            number: Last(
                micros(fields["at"]),
                float(fields["v"]),
                int(fields["r"]),
                QUALITIES[int(fields["q"])],
            )
            for number, fields in found.items()
        }

    def find(self, keys: Sequence[Key]) -> dict[Key, float]:
        """The stored values of those (series, at) that are stored."""
        return {key: value for key, (value, _) in self.known(keys).items()}

    def known(self, keys: Iterable[Key]) -> dict[Key, tuple[float, int]]:
        """Value and quality of those (series, at) that are stored.

        Each series is read from the first of the times to the last, a day after another; of many
        series within a minute, as a spool brings them, everything is read at once.
        """
        wanted = set(keys)
        by_day = defaultdict[int, list[Key]](list)
        for key in wanted:
            by_day[key[1] // DAY].append(key)
        values, qualities = dict[Key, float](), dict[Key, int]()
        for of_day in by_day.values():
            times = [at for _, at in of_day]
            span = min(times), max(times) + 1
            series = sorted({number for number, _ in of_day})
            at_once = len(series) > _SERIES_AT_ONCE and span[1] - span[0] <= _MINUTE
            for some in _groups(None if at_once else series):
                for row in self._server.rows(flux.values(self._bucket, *span, some)):
                    key = int(row["series"]), micros(row["_time"])
                    if key not in wanted:
                        continue
                    if row["_field"] == "v":
                        values[key] = float(row["_value"])
                    else:
                        qualities[key] = int(row["_value"])
        return {key: (value, qualities.get(key, 0)) for key, value in values.items()}

    def series(self, series: int, start: int, end: int, step: int) -> Buckets:
        """Buckets of `step` µs; those of whole hours come from the roll-ups."""
        if step <= 0:
            raise Invalid("the step must be positive")
        start, end = max(start, 0), min(end, flux.END_OF_TIME)
        from_hour = to_hour = max(start, end)
        if step % HOUR == 0:
            from_hour = min(to_hour, -(-start // HOUR) * HOUR)
            to_hour = max(from_hour, end // HOUR * HOUR)
        parts = defaultdict[int, list[Together]](list)
        for first, last in ((start, from_hour), (to_hour, end)):
            for at, part in self._measured(series, first, last, step):
                parts[at - at % step].append(part)
        for at, part in self._hours(series, from_hour, to_hour):
            parts[at - at % step].append(part)
        buckets = Buckets([], [], [], [], [])
        for at in sorted(parts):
            whole = together(parts[at])
            buckets.start.append(at)
            buckets.mean.append(whole.mean)
            buckets.minimum.append(whole.minimum)
            buckets.maximum.append(whole.maximum)
            buckets.count.append(whole.count)
        return buckets

    def _measured(
        self, series: int, start: int, end: int, step: int
    ) -> Iterator[tuple[int, Together]]:
        """The readings themselves in windows of a step, by a time within each."""
        if start >= end:
            return
        found = defaultdict[int, dict[str, float]](dict)
        for row in self._server.rows(flux.buckets(self._bucket, series, start, end, step)):
            found[micros(row["_time"])][row["_field"]] = float(row["_value"])
        for at, fields in found.items():
            yield at, held(int(fields["c"]), fields["m"], fields["l"], fields["h"])

    def _hours(self, series: int, start: int, end: int) -> Iterator[tuple[int, Together]]:
        """Whole hours: from the roll-ups where they hold all, else from the readings."""
        if start >= end:
            return
        stale = self._stale_hours(start, end)
        rolled = self._rolled(series, start, end)
        for hour, row in rolled.items():
            if hour not in stale:
                yield hour, row.readings
        if not stale:
            return
        horizon = self._state().horizon
        thinned = {hour for hour in stale if is_thinned(hour, horizon)}
        for first, last in few(stretches(stale - thinned)):
            for hour, part in self._measured(series, first, last, HOUR):
                if hour in stale:
                    yield hour, part
        for first, last in few(stretches(thinned)):
            yield from self._continued(series, rolled, first, last, stale)

    def _continued(
        self, series: int, rolled: dict[int, RolledHour], start: int, end: int, stale: set[int]
    ) -> Iterator[tuple[int, Together]]:
        """Hours of which readings have been dropped: what was rolled up, and what came since."""
        known = {(series, hour): row for hour, row in rolled.items() if start <= hour < end}
        for (_, hour), part in continued(self._rows([series], start, end), known):
            if hour in stale:
                yield hour, part

    def _stale_hours(self, start: int, end: int) -> set[int]:
        """The hours into which more was written than their roll-ups hold."""
        marks = defaultdict[int, dict[str, int]](dict)
        for row in self._server.rows(flux.marks(self._bucket, self._hours_bucket, start, end)):
            marks[micros(row["_time"])][row["_measurement"]] = int(row["_value"])
        return {
            hour for hour, mark in marks.items() if mark.get("written", -1) > mark.get("rolled", -1)
        }

    def _rolled(self, series: int, start: int, end: int) -> dict[int, RolledHour]:
        rows = self._rolled_rows(flux.hour_rows(self._hours_bucket, series, start, end))
        return {hour: row for (_, hour), row in rows}

    def _rolled_rows(self, script: str) -> Iterator[tuple[Key, RolledHour]]:
        for row in self._server.rows(script):
            numbers = (float(row[name]) for name in ("m", "l", "h"))
            part = Together(int(float(row["c"])), *numbers)
            yield (int(row["series"]), micros(row["_time"])), RolledHour(part, int(row["n"]))

    def _rows(self, series: Sequence[int] | None, start: int, end: int) -> Iterator[Row]:
        """Whole readings, in no order."""
        for row in self._server.rows(flux.rows(self._bucket, start, end, series)):
            yield reading_of(row)

    def scan(self, series: Sequence[int], start: int, end: int) -> Iterator[ReadingBatch]:
        """Readings in order of receipt; InfluxDB has them by event time, so a file sorts them."""
        with (
            tempfile.TemporaryDirectory(prefix="watchkeeper-scan-") as folder,
            engine_errors("telemetry cannot be sorted"),
            duckdb.connect(str(Path(folder) / "sorted"), config=_SORTER_CONFIG) as sorter,
        ):
            sorter.execute(_SORTER)
            for some in _groups(sorted(set(series))):
                for first, last in self._spans(some or [], max(start, 0), end):
                    for rows in batched(self._rows(some, first, last), _BATCH_ROWS):
                        columns = zip(*rows, strict=True)
                        arrays = [
                            pa.array(column, field.type)
                            for column, field in zip(columns, _FOUND_SCHEMA, strict=True)
                        ]
                        table = pa.Table.from_arrays(arrays, schema=_FOUND_SCHEMA)
                        sorter.from_arrow(table).insert_into("found")
            for chunk in sorter.sql(_SORTED).to_arrow_reader(_BATCH_ROWS):
                yield ReadingBatch.from_arrow(chunk)

    def _spans(self, series: Sequence[int], start: int, end: int) -> Iterator[tuple[int, int]]:
        """The span in pieces that the server can turn into rows without holding years of them."""
        step = _SCAN_DAYS * DAY
        if end - start > step:
            found = self._server.rows(flux.bounds(self._bucket, start, end, series))
            times = [micros(row["_time"]) for row in found]
            if not times:
                return
            start, end = min(times), min(end, max(times) + 1)
        for first in range(start, end, step):
            yield first, min(first + step, end)

    def delete(self, series: int, start: int, end: int) -> int:
        """Raises TelemetryError: only ingest erases."""
        del series, start, end
        self._refuse()

    def size(self) -> StoreSize:
        """Readings, and what both buckets take on the server's disk, as its metrics say."""
        readings = self._number(flux.count(self._bucket, 0, flux.END_OF_TIME, None))
        return StoreSize(readings, self._server.bytes_on_disk())

    def _number(self, script: str) -> int:
        return sum(int(row["_value"]) for row in self._server.rows(script))

    def roll_up(self, now: int) -> int:
        """Raises TelemetryError: only ingest does the upkeep."""
        del now
        self._refuse()

    def expire(self, before_received: int) -> int:
        """Raises TelemetryError: only ingest does the upkeep."""
        del before_received
        self._refuse()

    def _refuse(self) -> Never:
        raise TelemetryError(
            "this process only reads telemetry", advice="Let the ingest role do it."
        )

    def check(self) -> None:
        """Raises TelemetryError when InfluxDB is away, ill or not set up, and says why."""
        self._state()

    def _state(self) -> State:
        """Raises TelemetryError when nothing of ours is there, or something newer."""
        fields = {
            row["_field"]: int(row["_value"])
            for row in self._server.rows(flux.state(self._hours_bucket), briefly=True)
        }
        state = State(**{name: fields.get(name, 0) for name in State._fields})
        if not state.schema:
            raise TelemetryError(
                f"the bucket {self._hours_bucket} has not been set up; "
                "run `watchkeeper telemetry init`"
            )
        if state.schema != SCHEMA_VERSION:
            raise TelemetryError(
                f"InfluxDB has telemetry schema {state.schema}; this program knows "
                f"{SCHEMA_VERSION}",
                advice="Start the version of the program that wrote it, or a newer one.",
            )
        return state

    def close(self) -> None:
        """Hang up."""
        self._server.close()


_SORTER_CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "threads": 1,
    "memory_limit": "256MB",
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
}


def reading_of(row: Mapping[str, str]) -> Row:
    """A whole reading of an answer."""
    numbers = int(row["r"]), int(row["q"]), int(row["n"])
    return (int(row["series"]), micros(row["_time"]), float(row["v"]), *numbers)


def held(count: int, mean: float, minimum: float, maximum: float) -> Together:
    """With a mean that lies between the extremes, which rounding and overflow may leave."""
    if not minimum <= mean <= maximum:
        mean = maximum if mean > maximum else minimum
    return Together(count, mean, minimum, maximum)


def together(parts: Sequence[Together]) -> Together:
    """All readings of the parts, of which there is at least one."""
    count = sum(part.count for part in parts)
    mean = sum(part.mean * part.count for part in parts) / count
    lowest, highest = min(part.minimum for part in parts), max(part.maximum for part in parts)
    return held(count, mean, lowest, highest)


def continued(rows: Iterable[Row], rolled: dict[Key, RolledHour]) -> Iterator[tuple[Key, Together]]:
    """Roll-ups, each with the readings of its hour that came after it was made."""
    parts = {key: [row.readings] for key, row in rolled.items()}
    for series, at, value, _, _, number in rows:
        key = (series, at - at % HOUR)
        if key not in rolled or number > rolled[key].upto:
            parts.setdefault(key, []).append(Together(1, value, value, value))
    for key, some in parts.items():
        yield key, together(some)


def is_thinned(hour: int, horizon: int) -> bool:
    """Whether readings of an hour may have been dropped; some lie a little after their receipt."""
    return hour < horizon + HOUR


def stretches(hours: Iterable[int]) -> list[tuple[int, int]]:
    """Hours in a row as spans [start, end)."""
    ordered = np.array(sorted(hours), np.int64)
    if not len(ordered):
        return []
    runs = np.split(ordered, np.flatnonzero(np.diff(ordered) != HOUR) + 1)
    return [(int(run[0]), int(run[-1]) + HOUR) for run in runs]


def few(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The spans, or where they are many, one over all of them."""
    return spans if len(spans) <= _STRETCHES else [(spans[0][0], spans[-1][1])]


def _groups(series: Sequence[int] | None) -> Iterator[Sequence[int] | None]:
    """Series to be asked for at once; None asks for all."""
    if series is None:
        yield None
        return
    for first in range(0, len(series), _SERIES_AT_ONCE):
        yield series[first : first + _SERIES_AT_ONCE]


def batched(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """Lists of at most so many."""
    gathered = list[Item]()
    for item in items:
        gathered.append(item)
        if len(gathered) >= size:
            yield gathered
            gathered = []
    if gathered:
        yield gathered
