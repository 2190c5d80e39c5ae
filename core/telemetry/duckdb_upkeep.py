"""What changes readings already stored in the DuckDB file: settle, replace, erase, expire."""

import duckdb
import pyarrow as pa

from core.telemetry.duckdb_file import HOUR, number, transaction
from core.telemetry.readings import Quality

DAY = 24 * HOUR

_SETTLED_SOON = """
SELECT count(*), min(sequence), max(sequence) + 1, min(received) FROM fresh WHERE received < $before
"""
_SETTLE = """
INSERT INTO settled SELECT * FROM fresh
WHERE sequence >= $first AND sequence < $until AND received < $before ORDER BY series, event_at
"""
_UNSETTLE = """
DELETE FROM fresh WHERE sequence >= $first AND sequence < $until AND received < $before
"""
# The mean is held between its extremes, which rounding and overflow could otherwise leave.
_ROLL_UP = """
INSERT INTO hourly
SELECT series, event_at - event_at % 3600000000 AS hour, count(*),
    greatest(min(value), least(max(value), avg(value))), min(value), max(value)
FROM fresh WHERE sequence >= $first AND sequence < $until AND received < $before
GROUP BY series, hour ORDER BY series, hour
"""
_SETTLE_HOURS = """
INSERT INTO hourly_settled
SELECT series, hour, sum(readings),
    greatest(min(minimum), least(max(maximum), sum(mean * readings) / sum(readings))),
    min(minimum), max(maximum)
FROM hourly GROUP BY series, hour ORDER BY series, hour
"""
_NEWEST_MOVED = """
CREATE OR REPLACE TEMP TABLE moved AS
SELECT series, max(event_at) AS event_at, arg_max(value, event_at) AS value,
    arg_max(received, event_at) AS received, arg_max(quality, event_at) AS quality
FROM fresh WHERE sequence >= $first AND sequence < $until AND received < $before GROUP BY series
"""
_NEWEST_LEAVE = """
DELETE FROM newest USING moved
WHERE newest.series = moved.series AND newest.event_at <= moved.event_at
"""
_NEWEST_ENTER = "INSERT INTO newest SELECT * FROM moved ANTI JOIN newest USING (series) ORDER BY 1"

_INCOMING = """
CREATE OR REPLACE TEMP TABLE incoming AS SELECT * FROM offered
QUALIFY row_number() OVER (PARTITION BY series, event_at ORDER BY sequence DESC) = 1
"""
_KNOWN = """
CREATE OR REPLACE TEMP TABLE known AS
SELECT series, event_at, bool_or(stored.value = incoming.value) AS same,
    min(stored.quality) AS quality
FROM stored JOIN incoming USING (series, event_at) GROUP BY series, event_at
"""
_CHANGED = """
CREATE OR REPLACE TEMP TABLE changed AS SELECT series, event_at FROM known WHERE NOT same
"""
# A reading of that time was judged: who builds windows again must not miss it.
_KEEP_JUDGED = """
UPDATE incoming SET quality = known.quality FROM known
WHERE incoming.series = known.series AND incoming.event_at = known.event_at
    AND incoming.quality = $late AND known.quality <> $late
"""
_INSERT_INCOMING = """
INSERT INTO fresh SELECT * FROM incoming ANTI JOIN (SELECT * FROM known WHERE same)
USING (series, event_at) ORDER BY sequence
"""
_DROP_CHANGED = """
DELETE FROM {table} USING changed
WHERE {table}.series = changed.series AND {table}.event_at = changed.event_at
"""
_DROP_CHANGED_FRESH = _DROP_CHANGED.format(table="fresh")
_DROP_CHANGED_SETTLED = _DROP_CHANGED.format(table="settled")
_DROP_CHANGED_NEWEST = _DROP_CHANGED.format(table="newest")
_TOUCHED_BY_CHANGE = """
CREATE OR REPLACE TEMP TABLE touched AS
SELECT DISTINCT series, event_at - event_at % 3600000000 AS hour FROM changed
"""
_TOUCHED_BY_ERASURE = """
CREATE OR REPLACE TEMP TABLE touched AS SELECT DISTINCT series, hour FROM rolled
WHERE series = $series AND hour > $start - 3600000000 AND hour < $end
"""
_UNROLL = """
DELETE FROM {table} USING touched
WHERE {table}.series = touched.series AND {table}.hour = touched.hour
"""
_UNROLL_RECENT = _UNROLL.format(table="hourly")
_UNROLL_SETTLED = _UNROLL.format(table="hourly_settled")
_ROLL_AGAIN = """
INSERT INTO hourly
SELECT series, hour, count(*), greatest(min(value), least(max(value), avg(value))),
    min(value), max(value)
FROM (
    SELECT series, event_at - event_at % 3600000000 AS hour, value FROM settled
    WHERE event_at >= (SELECT min(hour) FROM touched)
        AND event_at < (SELECT max(hour) + 3600000000 FROM touched)
) JOIN touched USING (series, hour)
GROUP BY series, hour ORDER BY series, hour
"""
_ERASE_FRESH = "DELETE FROM fresh WHERE series = $series AND event_at >= $start AND event_at < $end"
_ERASE_SETTLED = (
    "DELETE FROM settled WHERE series = $series AND event_at >= $start AND event_at < $end"
)
_NEWEST_LOST_BY_ERASURE = """
CREATE OR REPLACE TEMP TABLE lost AS SELECT $series::INTEGER AS series
"""
_NEWEST_LOST_BY_AGE = """
CREATE OR REPLACE TEMP TABLE lost AS SELECT DISTINCT series FROM newest WHERE received < $before
"""
_NEWEST_DROP_LOST = "DELETE FROM newest USING lost WHERE newest.series = lost.series"
_NEWEST_AGAIN = """
INSERT INTO newest
SELECT series, max(event_at), arg_max(value, event_at), arg_max(received, event_at),
    arg_max(quality, event_at)
FROM settled JOIN lost USING (series) GROUP BY series ORDER BY series
"""


def settle(
    connection: duckdb.DuckDBPyConnection, before: int, oldest: int, run: int, chunk: int
) -> int:
    """Move readings received before a moment from `fresh` to `settled`; returns hours rolled up.

    Does nothing while they are fewer than `run`, unless one was received before `oldest`: long
    sorted runs are what makes a point's history quick to find. A transaction moves at most
    `chunk` readings, which bounds memory and the pause of its checkpoint.
    """
    (found,) = connection.execute(_SETTLED_SOON, {"before": before}).fetchall()
    count, first, until, received = found
    if not count or (count < run and received >= oldest):
        return 0
    hours = sum(
        _settle_chunk(connection, start, min(start + chunk, until), before)
        for start in range(first, until, chunk)
    )
    if number(connection, "SELECT count(*) FROM hourly") >= run:
        with transaction(connection):
            connection.execute(_SETTLE_HOURS)
            connection.execute("DELETE FROM hourly")
    return hours


def _settle_chunk(
    connection: duckdb.DuckDBPyConnection, first: int, until: int, before: int
) -> int:
    chunk = {"first": first, "until": until, "before": before}
    with transaction(connection):
        if not number(connection, _SETTLE, **chunk):
            return 0
        hours = number(connection, _ROLL_UP, **chunk)
        connection.execute(_NEWEST_MOVED, chunk)
        connection.execute(_NEWEST_LEAVE)
        connection.execute(_NEWEST_ENTER)
        connection.execute(_UNSETTLE, chunk)
        connection.execute(
            "UPDATE counter SET next_sequence = greatest(next_sequence, $until)", {"until": until}
        )
    return hours


def append_and_replace(
    connection: duckdb.DuckDBPyConnection, new: pa.Table, offered: pa.Table
) -> None:
    """Append `new`, then store readings whose (series, event_at) may be stored already.

    One transaction. Both have the columns of `fresh`. What is offered with the same value leaves
    the reading as it was.
    """
    connection.register("offered", offered)
    try:
        with transaction(connection):
            if new.num_rows:
                connection.from_arrow(new).insert_into("fresh")
            connection.execute(_INCOMING)
            connection.execute(_KNOWN)
            connection.execute(_CHANGED)
            if number(connection, "SELECT count(*) FROM changed"):
                connection.execute(_KEEP_JUDGED, {"late": int(Quality.LATE)})
                _drop_changed(connection)
            connection.execute(_INSERT_INCOMING)
    finally:
        connection.unregister("offered")


def _drop_changed(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute(_DROP_CHANGED_FRESH)
    connection.execute(_DROP_CHANGED_NEWEST)
    if number(connection, _DROP_CHANGED_SETTLED):
        connection.execute(_TOUCHED_BY_CHANGE)
        _roll_again(connection)


def _roll_again(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute(_UNROLL_RECENT)
    connection.execute(_UNROLL_SETTLED)
    connection.execute(_ROLL_AGAIN)


def erase(connection: duckdb.DuckDBPyConnection, series: int, start: int, end: int) -> int:
    """Delete a series' event times [start, end) everywhere; returns readings erased.

    An hour that is only partly erased is rolled up again from the readings that remain.
    """
    span = {"series": series, "start": start, "end": end}
    with transaction(connection):
        erased = number(connection, _ERASE_FRESH, **span)
        erased += number(connection, _ERASE_SETTLED, **span)
        connection.execute(_TOUCHED_BY_ERASURE, span)
        _roll_again(connection)
        connection.execute(_NEWEST_LOST_BY_ERASURE, {"series": series})
        connection.execute(_NEWEST_DROP_LOST)
        connection.execute(_NEWEST_AGAIN)
    return erased


def expire(connection: duckdb.DuckDBPyConnection, before: int) -> int:
    """Delete settled readings received before a moment, but no roll-ups; returns how many."""
    with transaction(connection):
        expired = number(connection, "DELETE FROM settled WHERE received < $before", before=before)
        connection.execute(_NEWEST_LOST_BY_AGE, {"before": before})
        connection.execute(_NEWEST_DROP_LOST)
        connection.execute(_NEWEST_AGAIN)
    return expired
