"""Outages of what the product stands on, made as real as a test can make them."""

import os
import signal
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

from core.errors import WatchkeeperError
from core.telemetry.remote import RemoteStore
from tests.servers.product import Product, until


@contextmanager
def sqlite_locked(product: Product) -> Iterator[None]:
    """Another program writes to the SQLite file and doesn't end."""
    connection = sqlite3.connect(product.folder / "watchkeeper.sqlite", isolation_level=None)
    until(lambda: _begins(connection), 90, "the lock could never be had", pause=0.01)
    try:
        yield
    finally:
        connection.execute("ROLLBACK")
        connection.close()


def _begins(connection: sqlite3.Connection) -> bool:
    try:
        connection.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError:
        return False
    return True


@contextmanager
def telemetry_taken(product: Product) -> Iterator[None]:
    """Another process owns the DuckDB file, which therefore can't be opened; start within."""
    connection = duckdb.connect(str(product.folder / "telemetry.duckdb"))
    try:
        yield
    finally:
        connection.close()


def kill_broker(product: Product) -> None:
    """SIGKILL the embedded broker alone."""
    pid = product.broker_pid()
    assert pid is not None, "no embedded broker runs"
    os.kill(pid, signal.SIGKILL)


@contextmanager
def broker_stopped(product: Product, seconds: float) -> Iterator[None]:
    """The embedded broker neither answers nor ends: it is frozen for some seconds, then killed."""
    pid = product.broker_pid()
    assert pid is not None, "no embedded broker runs"
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
        time.sleep(seconds)
    finally:
        os.kill(pid, signal.SIGKILL)


def stored(product: Product) -> set[tuple[str, str, int, float]]:
    """Every reading stored so far as (asset, point, µs, value), asked of the running product."""
    names = product.series()
    store = RemoteStore(product.folder / "telemetry.sock")
    try:
        return {
            (*names[reading.series], reading.at, reading.value)
            for batch in store.scan(list(names), 0, 1 << 62)
            for reading in batch
        }
    except WatchkeeperError:
        return set()
    finally:
        store.close()


def wait_until_ill(product: Product, part: str, limit: float = 90) -> None:
    """Until /readyz names the part; the test fails when it never does."""
    until(lambda: part in product.ill_parts(), limit, lambda: f"only {product.ill_parts()} ill")


def wait_until_well(product: Product, limit: float = 90) -> float:
    """Until /readyz has nothing to say; returns the seconds."""
    return until(lambda: not product.ill_parts(), limit, lambda: f"{product.ill_parts()} stay ill")
