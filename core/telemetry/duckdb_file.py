"""The DuckDB file: its tables, how it is opened, and how the engine's errors become ours."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from core.telemetry.store import TelemetryError

SCHEMA_VERSION = 1
HOUR = 3_600_000_000

# `fresh` takes appends in order of receipt. Now and then upkeep moves closed hours of it to
# `settled`, sorted by (series, event_at) so that the engine's zone maps prune, and adds them to
# `hourly` and `newest`, which thus describe exactly what `settled` has been given. `hourly` in
# turn is moved to `hourly_settled`, sorted by (series, hour), when there is enough of it. One
# (series, hour) may have several rows in them; a reader adds them up. `newest` holds the newest
# of `settled` by series, except where `fresh` holds one that is as new.
_TABLES = """
CREATE TABLE schema_version (version INTEGER NOT NULL);
CREATE TABLE counter (next_sequence BIGINT NOT NULL);
CREATE TABLE fresh (
    series INTEGER NOT NULL, event_at BIGINT NOT NULL, value DOUBLE NOT NULL,
    received BIGINT NOT NULL, quality UTINYINT NOT NULL, sequence BIGINT NOT NULL
);
CREATE TABLE settled (
    series INTEGER NOT NULL, event_at BIGINT NOT NULL, value DOUBLE NOT NULL,
    received BIGINT NOT NULL, quality UTINYINT NOT NULL, sequence BIGINT NOT NULL
);
CREATE TABLE hourly (
    series INTEGER NOT NULL, hour BIGINT NOT NULL, readings BIGINT NOT NULL,
    mean DOUBLE NOT NULL, minimum DOUBLE NOT NULL, maximum DOUBLE NOT NULL
);
CREATE TABLE hourly_settled (
    series INTEGER NOT NULL, hour BIGINT NOT NULL, readings BIGINT NOT NULL,
    mean DOUBLE NOT NULL, minimum DOUBLE NOT NULL, maximum DOUBLE NOT NULL
);
CREATE TABLE newest (
    series INTEGER NOT NULL, event_at BIGINT NOT NULL, value DOUBLE NOT NULL,
    received BIGINT NOT NULL, quality UTINYINT NOT NULL
);
CREATE VIEW stored AS SELECT * FROM fresh UNION ALL SELECT * FROM settled;
CREATE VIEW rolled AS SELECT * FROM hourly UNION ALL SELECT * FROM hourly_settled;
INSERT INTO schema_version VALUES (1);
INSERT INTO counter VALUES (0);
"""


@contextmanager
def engine_errors(doing: str) -> Iterator[None]:
    """Turn the engine's errors into TelemetryError; `doing` says what was tried."""
    try:
        yield
    except duckdb.Error as error:
        first_line = str(error).partition("\n")[0]
        raise TelemetryError(f"{doing}: {first_line}") from error


@contextmanager
def transaction(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Commit at the end, or roll back and raise."""
    connection.begin()
    try:
        yield
        connection.commit()
    except BaseException:
        _roll_back(connection)
        raise


def _roll_back(connection: duckdb.DuckDBPyConnection) -> None:
    try:
        connection.rollback()
    except duckdb.Error:
        # The engine has ended the transaction itself; the error that led here is the one to show.
        return


def number(connection: duckdb.DuckDBPyConnection, sql: str, **values: int) -> int:
    """The one number that a query answers, or the count of rows that a statement changed."""
    ((answer,),) = connection.execute(sql, values).fetchall()
    return int(answer)


def open_file(path: Path, memory_bytes: int, threads: int) -> duckdb.DuckDBPyConnection:
    """Open or create the file, recovering what a killed process left in its log.

    Raises TelemetryError when another process owns it, it is damaged, or its schema is newer.
    """
    config: dict[str, str | bool | int | float | list[str]] = {
        "threads": threads,
        "memory_limit": f"{memory_bytes // 1024}KiB",
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        # A checkpoint of so much log stalls an append for some 60 ms and a reader not at all.
        "checkpoint_threshold": "16MB",
        # Every commit goes to the log; none waits for a checkpoint instead of it.
        "auto_checkpoint_skip_wal_threshold": 1 << 40,
    }
    with engine_errors(f"the telemetry file {path} cannot be opened"):
        connection = duckdb.connect(str(path), config=config)
    try:
        with engine_errors(f"the telemetry file {path} cannot be read"):
            _ensure_schema(connection, path)
    except TelemetryError:
        connection.close()
        raise
    return connection


def _ensure_schema(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    tables = connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()
    if not tables:
        with transaction(connection):
            connection.execute(_TABLES)
        return
    if ("schema_version",) not in tables:
        raise TelemetryError(f"{path} is a DuckDB file, but not one of telemetry")
    version = number(connection, "SELECT max(version) FROM schema_version")
    if version != SCHEMA_VERSION:
        raise TelemetryError(
            f"{path} has telemetry schema {version}; this program knows {SCHEMA_VERSION}",
            advice="Start the version of the program that wrote it, or a newer one.",
        )


def next_sequence(connection: duckdb.DuckDBPyConnection) -> int:
    """The first number of insertion that no stored reading has."""
    return number(
        connection,
        "SELECT greatest(max(next_sequence), (SELECT coalesce(max(sequence) + 1, 0) FROM fresh))"
        " FROM counter",
    )
