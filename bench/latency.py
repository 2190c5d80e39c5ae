"""From publication to a ticket that the API shows, under load, on the whole product."""

import http.client
import json
import os
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bench import site
from core.clock import SystemClock
from core.db import Database, sqlite_url
from core.schema import migrate
from core.telemetry.duckdb_store import DuckDBStore

POLL_HERTZ = 200
_START_SECONDS = 240
_DEVICES = 1_000
_LAST_CHANCE = 5.0


def latency(*, rate: int, seconds: int, trips_per_second: int = 5) -> dict[str, Any]:
    """Run `up`, send `rate` messages a second, poll the tickets at 200 Hz.

    Returns p50_ms, p99_ms and the worst from the moment of publication to the first answer of
    the API that holds the ticket; missing: tickets that never came.
    """
    with tempfile.TemporaryDirectory(prefix="wk-bench-") as name:
        folder = Path(name)
        prepare(
            sqlite_url(folder / "watchkeeper.sqlite"),
            trips=tripping(rate, seconds, trips_per_second),
        )
        with product(folder) as running:
            token = (folder / "tool-token").read_text().strip()
            generator = load(running["mqtt"], rate=rate, seconds=seconds, every=trips_per_second)
            seen = poll(running["url"], token, generator)
            assert generator.stdout is not None
            sent: dict[str, Any] = json.loads(generator.stdout.readline())
        stored = _stored(folder)
    return _report(sent, seen, rate=rate, seconds=seconds, stored=stored)


def tripping(rate: int, seconds: int, trips_per_second: int) -> int:
    """How many devices trip, at the most, within such a load."""
    return rate * seconds // (rate // trips_per_second) + 1


def prepare(url: str, *, trips: int) -> None:
    """The site that the load speaks of, in a database."""
    database = Database(url)
    migrate(database)
    now = SystemClock().now()
    site.build(database, now, devices=_DEVICES, types=_DEVICES, rules=_DEVICES, trips=trips)
    database.close()


@contextmanager
def product(folder: Path, settings: Mapping[str, str] | None = None) -> Iterator[dict[str, Any]]:
    """`up` on a folder that was prepared; what it says of itself once it runs."""
    chosen = {"log_level": "warning", **(settings or {})}
    named = {f"WATCHKEEPER_{name.upper()}": value for name, value in chosen.items()}
    environment = {**os.environ, **named}
    command = [sys.executable, "-m", "watchkeeper", "up", "--data-dir", str(folder), "--port", "0"]
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=environment)
    try:
        yield _wait(folder, child)
    finally:
        child.terminate()
        child.wait(60)


def _wait(folder: Path, child: subprocess.Popen[bytes]) -> dict[str, Any]:
    ends = time.monotonic() + _START_SECONDS
    while not ((folder / "running.json").exists() and (folder / "tool-token").exists()):
        if child.poll() is not None or time.monotonic() > ends:
            raise RuntimeError("the product did not start")
        time.sleep(0.1)
    # The first second of a process is not what a night shift lives with.
    time.sleep(3)
    running: dict[str, Any] = json.loads((folder / "running.json").read_text())
    return running


def load(mqtt: dict[str, Any], *, rate: int, seconds: int, every: int) -> subprocess.Popen[str]:
    """Start to send; each trip is of a device of its own, `every` of them a second."""
    command = [sys.executable, "-m", "bench.load", "--host", mqtt["host"]]
    command += ["--port", str(mqtt["port"]), "--user", mqtt["username"]]
    # In one word, since a password may begin with a dash.
    command += [f"--password={mqtt['password']}", "--messages", str(rate * seconds)]
    command += ["--devices", str(_DEVICES), "--base", "0", "--rate", str(rate)]
    command += ["--trips", str(rate // every)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def poll(url: str, token: str, generator: subprocess.Popen[str]) -> dict[str, float]:
    """Ask for the newest tickets until the generator has ended; when each asset's came."""
    where = urlsplit(url)
    seen: dict[str, float] = {}
    with closing(http.client.HTTPConnection(where.hostname or "127.0.0.1", where.port)) as asked:
        next_look = time.perf_counter()
        ends: float | None = None
        while ends is None or time.monotonic() < ends:
            if ends is None and generator.poll() is not None:
                ends = time.monotonic() + _LAST_CHANCE
            headers = {"Authorization": f"Bearer {token}"}
            asked.request("GET", "/api/v1/tickets?limit=50", headers=headers)
            answer = asked.getresponse().read()
            now = time.time()
            # While its database is away the API says so instead.
            for item in json.loads(answer).get("items", []):
                seen.setdefault(item["asset_code"], now)
            next_look += 1 / POLL_HERTZ
            pause = next_look - time.perf_counter()
            if pause > 0:
                time.sleep(pause)
            else:
                next_look = time.perf_counter()
    return seen


def _stored(folder: Path) -> int:
    """How many readings of the devices are stored; the product tells itself of its tickets, too."""
    with closing(sqlite3.connect(folder / "watchkeeper.sqlite")) as database:
        ours = database.execute(
            "SELECT point.series FROM point JOIN device ON device.id = point.device_id"
            " WHERE device.code LIKE 'watchkeeper/%'"
        ).fetchall()
    store = DuckDBStore(folder / "telemetry.duckdb")
    try:
        told = sum(len(batch) for batch in store.scan([series for (series,) in ours], 0, 1 << 62))
        return store.size().readings - told
    finally:
        store.close()


def _report(
    sent: dict[str, Any], seen: dict[str, float], *, rate: int, seconds: int, stored: int
) -> dict[str, Any]:
    delays = sorted(
        1000 * (seen[f"trip{device}"] - at)
        for device, at in sent["trips"].items()
        if f"trip{device}" in seen
    )
    return {
        "rate": rate,
        "seconds": seconds,
        "polls_per_second": POLL_HERTZ,
        "tickets": len(delays),
        "missing": len(sent["trips"]) - len(delays),
        "readings_stored": stored,
        "readings_lost": 3 * sent["sent"] - stored,
        "p50_ms": round(statistics.median(delays), 2),
        "p99_ms": round(delays[min(int(0.99 * len(delays)), len(delays) - 1)], 2),
        "worst_ms": round(delays[-1], 2),
    }
