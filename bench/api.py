"""How fast lists and searches answer, and what the ticket list costs against a bare endpoint."""

import asyncio
import os
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench import many_tickets
from bench.bare_api import URL
from core.clock import SystemClock
from core.db import Database, sqlite_url
from core.schema import migrate

HOST = "127.0.0.1"
# What people open all day: each is a list page or a search.
PAGES = (
    "/tickets",
    "/tickets?view=mine",
    "/tickets?view=late",
    "/tickets?view=check",
    "/tickets?view=ended",
    "/tickets?view=all&kind=complaint",
    "/tickets?view=all&q=水泵",
    "/tickets?priority=critical",
    "/search?q=sb",
    "/search?q=99000",
    "/search?q=技师1",
    "/search?q=Fault+of+a+fan",
    "/people",
    "/api/v1/tickets?limit=50",
    "/api/v1/tickets?state=open&limit=50",
    "/api/v1/tickets?q=lift&limit=50",
    "/api/v1/search?q=a+17",
)
_READY_SECONDS = 60.0


class _Connection:
    """One kept connection that asks for one address after another."""

    def __init__(self, port: int, headers: str) -> None:
        self._port = port
        self._headers = headers
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def get(self, address: str) -> int:
        """The size of the answer's body; ConnectionError unless it is a 200."""
        if self._streams is None:
            self._streams = await asyncio.open_connection(HOST, self._port)
        reader, writer = self._streams
        path = address.encode().decode("latin-1") if address.isascii() else _quoted(address)
        writer.write(f"GET {path} HTTP/1.1\r\nHost: {HOST}\r\n{self._headers}\r\n".encode())
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        if " 200 " not in head.partition("\r\n")[0]:
            self.close()
            raise ConnectionError(f"{address}: {head.partition(chr(13))[0]}")
        size = next(
            int(line.partition(":")[2])
            for line in head.split("\r\n")
            if line.lower().startswith("content-length:")
        )
        await reader.readexactly(size)
        return size

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()


def _quoted(address: str) -> str:
    return "".join(
        sign if sign.isascii() else "".join(f"%{byte:02X}" for byte in sign.encode())
        for sign in address
    )


@contextmanager
def _served(factory: str, database_url: str) -> Iterator[int]:
    """uvicorn with one worker on a free port, as the product starts it."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
    options = ["--host", HOST, "--port", str(port), "--workers", "1", "--no-access-log"]
    command = [sys.executable, "-m", "uvicorn", factory, "--factory", *options]
    environment = {**os.environ, URL: database_url}
    process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    try:
        _wait_for(port, process)
        yield port
    finally:
        process.terminate()
        process.wait(20)


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as probe:
            probe.settimeout(1)
            if probe.connect_ex((HOST, port)) == 0:
                return
        time.sleep(0.1)
    raise RuntimeError("the server did not start")


async def _as_fast_as_possible(
    port: int, headers: str, address: str, *, connections: int, seconds: float
) -> float:
    """Answers a second."""
    ends = time.perf_counter() + seconds
    answered = 0

    async def ask() -> None:
        nonlocal answered
        connection = _Connection(port, headers)
        while time.perf_counter() < ends:
            await connection.get(address)
            answered += 1
        connection.close()

    began = time.perf_counter()
    await asyncio.gather(*(ask() for _ in range(connections)))
    return answered / (time.perf_counter() - began)


async def _as_people_do(
    port: int, headers: str, *, users: int, think: float, seconds: float
) -> dict[str, list[float]]:
    """How long each page took, in seconds, by its address; each was opened once before."""
    first = _Connection(port, headers)
    for page in PAGES:
        await first.get(page)
    first.close()
    ends = time.perf_counter() + seconds
    took: dict[str, list[float]] = {page: [] for page in PAGES}

    async def user(number: int) -> None:
        draw = random.Random(number)  # noqa: S311 - a benchmark's load
        connection = _Connection(port, headers)
        await asyncio.sleep(draw.uniform(0, think))
        while time.perf_counter() < ends:
            page = draw.choice(PAGES)
            began = time.perf_counter()
            await connection.get(page)
            took[page].append(time.perf_counter() - began)
            await asyncio.sleep(think)
        connection.close()

    await asyncio.gather(*(user(number) for number in range(users)))
    return took


def _p99(values: Sequence[float]) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]


def api(
    *,
    tickets: int = 100_000,
    standing: int = 2_000,
    runs: int = 5,
    seconds: float = 5.0,
    users: int = 20,
    people_seconds: float = 60.0,
    told: Callable[[str], None] = lambda text: None,
) -> dict[str, Any]:
    """Fill a database, then ask the product and the bare endpoint in turn.

    Returns p99_ms of list pages and searches by `users` with a second of thought between, the
    medians of requests_per_second and bare_requests_per_second, and ratio: ours over theirs,
    median of the pairs.
    """
    with tempfile.TemporaryDirectory(prefix="wk-bench-") as name:
        url = sqlite_url(Path(name) / "watchkeeper.sqlite")
        told(f"writing {tickets:,} tickets")
        token, cookie = _fill(url, tickets, standing)
        with (
            _served("bench.own_api:application", url) as ours,
            _served("bench.bare_api:application", url) as bare,
        ):
            pairs = []
            for run in range(runs):
                told(f"run {run + 1} of {runs}")
                pairs.append(_pair(ours, bare, token, seconds))
            told(f"{users} people for {people_seconds:g} s")
            took = asyncio.run(
                _as_people_do(
                    ours,
                    f"Cookie: wk_session={cookie}\r\n",
                    users=users,
                    think=1.0,
                    seconds=people_seconds,
                )
            )
    return _report(pairs, took)


def _fill(url: str, tickets: int, standing: int) -> tuple[str, str]:
    database = Database(url)
    migrate(database)
    secrets = many_tickets.build(database, SystemClock().now(), tickets=tickets, standing=standing)
    database.close()
    return secrets


def _pair(ours: int, bare: int, token: str, seconds: float) -> tuple[float, float]:
    known = f"Authorization: Bearer {token}\r\n"
    address = "/api/v1/tickets?limit=50"
    return (
        asyncio.run(_as_fast_as_possible(ours, known, address, connections=4, seconds=seconds)),
        asyncio.run(
            _as_fast_as_possible(bare, "", "/tickets?limit=50", connections=4, seconds=seconds)
        ),
    )


def _report(pairs: list[tuple[float, float]], took: dict[str, list[float]]) -> dict[str, Any]:
    everything = [value for values in took.values() for value in values]
    slowest = {page: round(1000 * _p99(values), 1) for page, values in took.items() if values}
    return {
        "p50_ms": round(1000 * statistics.median(everything), 1),
        "p99_ms": round(1000 * _p99(everything), 1),
        "requests": len(everything),
        "requests_per_second": round(statistics.median(ours for ours, _ in pairs)),
        "bare_requests_per_second": round(statistics.median(bare for _, bare in pairs)),
        "ratio": round(statistics.median(ours / bare for ours, bare in pairs), 2),
        "p99_ms_by_page": dict(sorted(slowest.items(), key=lambda item: -item[1])),
    }
