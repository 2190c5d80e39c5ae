"""What is asked of InfluxDB, as Flux; times are µs since 1970, UTC."""

import re
from collections.abc import Collection
from datetime import UTC, datetime, timedelta

HOUR = 3_600_000_000
DAY = 24 * HOUR
# The last whole day that InfluxDB's nanoseconds reach, 2262-04-11.
END_OF_TIME = 9_223_286_400_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def moment(at: int) -> str:
    """A time literal, held within what InfluxDB can say."""
    held = min(max(at, 0), END_OF_TIME)
    return (_EPOCH + timedelta(microseconds=held)).isoformat().replace("+00:00", "Z")


def micros(text: str) -> int:
    """The µs of a time as InfluxDB writes it."""
    return (datetime.fromisoformat(text) - _EPOCH) // timedelta(microseconds=1)


def text(value: str) -> str:
    """A string literal."""
    return '"' + re.sub(r'([\\"])', r"\\\1", value).replace("${", "\\${") + '"'


def _span(bucket: str, start: int, end: int) -> str:
    return (
        f"from(bucket: {text(bucket)})"
        f" |> range(start: {moment(start)}, stop: {moment(max(end, start + 1))})"
    )


def _readings(
    bucket: str,
    start: int,
    end: int,
    series: Collection[int] | None,
    *fields: str,
    measurement: str = "reading",
) -> str:
    wanted = [f'r._measurement == "{measurement}"']
    if fields:
        wanted.append(" or ".join(f'r._field == "{field}"' for field in fields))
    if series is not None:
        wanted.append(_one_of(series))
    terms = " and ".join(f"({term})" for term in wanted)
    return f"{_span(bucket, start, end)} |> filter(fn: (r) => {terms})"


def _one_of(series: Collection[int]) -> str:
    if len(series) == 1:
        (only,) = series
        return f'r.series == "{only}"'
    # One walk over the tag's values, however many are asked for.
    return f"r.series =~ /^({'|'.join(map(str, series))})$/"


def last(bucket: str, series: Collection[int] | None) -> str:
    """The newest value of every field of each series: series, _time, _field, _value."""
    return (
        f"{_readings(bucket, 0, END_OF_TIME, series)} |> last()"
        ' |> keep(columns: ["series", "_time", "_field", "_value"])'
    )


def values(bucket: str, start: int, end: int, series: Collection[int] | None) -> str:
    """Value and quality of what is stored: series, _time, _field, _value."""
    return (
        f"{_readings(bucket, start, end, series, 'v', 'q')}"
        ' |> keep(columns: ["series", "_time", "_field", "_value"])'
    )


def rows(
    bucket: str,
    start: int,
    end: int,
    series: Collection[int] | None,
    measurement: str = "reading",
) -> str:
    """Whole readings: series, _time, v, r, q, n."""
    return (
        f"{_readings(bucket, start, end, series, measurement=measurement)}"
        ' |> pivot(rowKey: ["_time"], columnKey: ["_field"], valueColumn: "_value")'
        ' |> keep(columns: ["series", "_time", "v", "r", "q", "n"])'
    )


def bounds(bucket: str, start: int, end: int, series: Collection[int]) -> str:
    """The first and the last event time of each series: _time."""
    return (
        f"data = {_readings(bucket, start, end, series, 'v')}\n"
        'union(tables: [data |> first(), data |> last()]) |> group() |> keep(columns: ["_time"])'
    )


def count(bucket: str, start: int, end: int, series: Collection[int] | None) -> str:
    """How many readings there are: _value, in no row when there is none."""
    return f"{_readings(bucket, start, end, series, 'v')} |> count() |> group() |> sum()"


def received_before(bucket: str, before: int, end: int) -> str:
    """Which hours before `end` hold how many readings received before a moment: _time, _value."""
    return (
        f"{_readings(bucket, 0, end, None, 'r')}"
        f" |> filter(fn: (r) => r._value < {before})"
        f' |> aggregateWindow(every: {HOUR}us, fn: count, createEmpty: false, timeSrc: "_start")'
        ' |> group(columns: ["_time"]) |> sum() |> keep(columns: ["_time", "_value"])'
    )


def _statistics(readings: str, every: int) -> str:
    """A script's beginning: `parts`, with the mean m, count c, minimum l, maximum h by window."""
    named = (("mean", "m"), ("count", "c"), ("min", "l"), ("max", "h"))
    tables = ",\n".join(
        f"    data |> aggregateWindow(every: {every}us, fn: {function}, createEmpty: false,"
        f' timeSrc: "_start") |> toFloat() |> set(key: "_field", value: "{field}")'
        for function, field in named
    )
    return f"data = {readings}\nparts = union(tables: [\n{tables}\n])\n"


def buckets(bucket: str, series: int, start: int, end: int, step: int) -> str:
    """Readings in windows of `step`: _time, _field (m, c, l or h), _value.

    A window's time is its start, or the span's where that is later.
    """
    data = _readings(bucket, start, end, [series], "v")
    return f'{_statistics(data, step)}parts |> keep(columns: ["_time", "_field", "_value"])'


def marks(bucket: str, hours: str, start: int, end: int) -> str:
    """For each hour the newest reading written, and up to which it was rolled up.

    Yields _measurement (written or rolled), _time (the hour) and _value.
    """
    parts = ",\n".join(
        f'    {_span(name, start, end)} |> filter(fn: (r) => r._measurement == "{measurement}"'
        ' and r._field == "n")'
        for name, measurement in ((bucket, "written"), (hours, "rolled"))
    )
    return (
        f"union(tables: [\n{parts}\n])"
        ' |> group(columns: ["_measurement"]) |> keep(columns: ["_measurement", "_time", "_value"])'
    )


def hour_rows(hours: str, series: int | None, start: int, end: int) -> str:
    """Roll-ups: series, _time, m, c, l, h, n."""
    only = "" if series is None else f' and r.series == "{series}"'
    return (
        f'{_span(hours, start, end)} |> filter(fn: (r) => r._measurement == "hour"{only})'
        ' |> pivot(rowKey: ["_time"], columnKey: ["_field"], valueColumn: "_value")'
        ' |> keep(columns: ["series", "_time", "m", "c", "l", "h", "n"])'
    )


def state(hours: str) -> str:
    """What the store knows of itself, kept at the first moment of 1970: _field, _value."""
    return (
        f'{_span(hours, 0, 1)} |> filter(fn: (r) => r._measurement == "store")'
        ' |> keep(columns: ["_field", "_value"])'
    )


def measurements(bucket: str) -> str:
    """What kinds of points a bucket holds: _value."""
    return (
        'import "influxdata/influxdb/schema"\n'
        f"schema.measurements(bucket: {text(bucket)}, start: {moment(0)})"
    )


# The mean is held between its extremes, which rounding and overflow could otherwise leave.
_ROLLED = """rolled = parts
    |> pivot(rowKey: ["_time"], columnKey: ["_field"], valueColumn: "_value")
    |> map(fn: (r) => ({
        _time: r._time,
        _measurement: "hour",
        series: r.series,
        c: r.c,
        l: r.l,
        h: r.h,
        m: if r.m >= r.l and r.m <= r.h then r.m else if r.m > r.h then r.h else r.l,
        n: upto,
    }))
    |> group(columns: ["series"])
    |> to(bucket: %s, tagColumns: ["series"],
        fieldFn: (r) => ({"m": r.m, "c": r.c, "l": r.l, "h": r.h, "n": r.n}))
"""


def roll_up(bucket: str, hours: str, start: int, end: int, upto: int) -> str:
    """Store the roll-ups of whole hours; upto: the newest reading they hold for certain.

    Yields _value, how many (series, hour), once they are stored.
    """
    data = _readings(bucket, start, end, None, "v")
    return (
        f"upto = {upto}\n{_statistics(data, HOUR)}{_ROLLED % text(hours)}"
        'rolled |> group() |> count(column: "c") |> rename(columns: {c: "_value"})'
    )


def task_name(bucket: str) -> str:
    """The name of the task that rolls up what is in a bucket."""
    return f"{bucket}: roll up hours"


def down_sampling_task(bucket: str, hours: str) -> str:
    """The task that rolls up the last hours that have closed, inside InfluxDB.

    What was written is looked up before the readings are, so that `upto` never says too much. An
    hour is marked behind its rows: what `to` passes on comes after what it stored.
    """
    data = (
        f"from(bucket: {text(bucket)}) |> range(start: first, stop: closed)"
        ' |> filter(fn: (r) => r._measurement == "reading" and r._field == "v")'
    )
    return f"""import "array"
import "date"

option task = {{name: {text(task_name(bucket))}, every: 1h, offset: 10m}}

closed = date.truncate(t: now(), unit: 1h)
first = date.sub(d: 3h, from: closed)
upto = (union(tables: [
    from(bucket: {text(bucket)}) |> range(start: first)
        |> filter(fn: (r) => r._measurement == "written" and r._field == "n")
        |> group() |> keep(columns: ["_value"]),
    array.from(rows: [{{_value: 0}}]),
]) |> group() |> max() |> findRecord(fn: (key) => true, idx: 0))._value

{_statistics(data, HOUR)}{_ROLLED % text(hours)}rolled
    |> group(columns: ["_time"])
    |> count(column: "c")
    |> map(fn: (r) => ({{_time: r._time, _measurement: "rolled", n: upto}}))
    |> to(bucket: {text(hours)}, fieldFn: (r) => ({{"n": r.n}}))
"""
