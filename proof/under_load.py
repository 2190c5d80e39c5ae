"""The whole product under a steady load while one of its stores is taken away for a while."""

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import httpx

from bench import latency
from core.telemetry.influx_server import InfluxAddress
from tests.servers import bound_to_this_process, free_port
from tests.servers.influx.real import prepare
from tests.servers.influx.stand_in import ORG, TOKEN
from tests.servers.influx.victoria import VictoriaMetrics
from tests.servers.product import ROOT, Product, until

RATE = 1_000
TRIPS_A_SECOND = 5
READINGS_A_MESSAGE = 3


@dataclass(frozen=True)
class Course:
    """How long the load goes on before, during and after the outage, in seconds."""

    before: int = 40
    away: int = 120
    after: int = 60

    @property
    def whole(self) -> int:
        """From the first message to the last."""
        return self.before + self.away + self.after


@dataclass
class Outage:
    """When a store was taken and given back, and when all was well again; Unix time."""

    taken: float = 0.0
    given: float = 0.0
    well: float = 0.0


@contextmanager
def influxdb(victoria: VictoriaMetrics) -> Iterator[InfluxAddress]:
    """The stand-in in a process of its own, which writes to VictoriaMetrics first."""
    port = free_port()
    where = f"{victoria.address.host}:{victoria.address.port}"
    module = "tests.servers.influx.serve"
    command = bound_to_this_process([sys.executable, "-m", module, str(port), where])
    with subprocess.Popen(command, cwd=ROOT) as child:
        address = InfluxAddress(f"http://127.0.0.1:{port}", ORG, "watchkeeper", TOKEN)
        try:
            until(lambda: _answers(f"{address.url}/ping"), 60, "the stand-in doesn't start")
            prepare(address)
            yield address
        finally:
            child.kill()


def run(
    folder: Path,
    settings: Mapping[str, str],
    url: str,
    course: Course,
    take: Callable[[], None],
    give: Callable[[], None],
) -> dict[str, Any]:
    """Send for the whole course, with the outage in its middle; what became of the alarms.

    url: the database, not yet prepared.
    """
    latency.prepare(url, trips=latency.tripping(RATE, course.whole, TRIPS_A_SECOND))
    outage = Outage()
    with latency.product(folder, settings) as running:
        token = (folder / "tool-token").read_text().strip()
        caught_up = partial(_has_caught_up, running["url"], token)
        load = latency.load(running["mqtt"], rate=RATE, seconds=course.whole, every=TRIPS_A_SECOND)
        # Servers that a thread starts end with it, so the outage is brought about by this one.
        with load as generator, ThreadPoolExecutor(1) as pool:
            seen = pool.submit(latency.poll, running["url"], token, generator)
            _bring_about(outage, course, caught_up, take, give)
            seen.result()
            assert generator.stdout is not None
            sent: dict[str, Any] = json.loads(generator.stdout.readline())
        until(caught_up, 600, "it doesn't catch up")
    tripped = {row.asset for row in Product(folder, "ingest", dict(settings)).episodes()}
    return _report(sent, seen.result(), outage, tripped)


def _bring_about(
    outage: Outage,
    course: Course,
    caught_up: Callable[[], bool],
    take: Callable[[], None],
    give: Callable[[], None],
) -> None:
    time.sleep(course.before)
    outage.taken = time.time()
    take()
    time.sleep(course.away)
    give()
    outage.given = time.time()
    until(caught_up, 600, "it doesn't catch up")
    outage.well = time.time()


def _has_caught_up(url: str, token: str) -> bool:
    """Whether both stores are well, nothing waits in the spool, and no more than a second's load
    in the broker."""
    try:
        answer = httpx.get(
            f"{url}/readyz", headers={"Authorization": f"Bearer {token}"}, timeout=30
        )
        parts = {part["part"]: part for part in answer.json()["parts"]}
        waiting = int(parts["broker queue"].get("detail", "").split(" ")[0])
    except (httpx.HTTPError, ValueError, KeyError):
        return False
    return parts["telemetry"]["ok"] and parts["database"]["ok"] and waiting <= RATE


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=30).is_success
    except httpx.HTTPError:
        return False


def _report(
    sent: dict[str, Any], seen: dict[str, float], outage: Outage, tripped: set[str]
) -> dict[str, Any]:
    """tripped: the assets with an episode, also those whose ticket nobody saw in time."""
    delays: dict[str, list[float]] = {"before": [], "away": [], "after": []}
    for device, at in sent["trips"].items():
        part = "before" if at < outage.taken else "away" if at < outage.given else "after"
        if f"trip{device}" in seen:
            delays[part].append(1000 * (seen[f"trip{device}"] - at))
    return {
        "messages": sent["sent"],
        "trips": len(sent["trips"]),
        "missing": sum(f"trip{device}" not in tripped for device in sent["trips"]),
        "seen_too_late": len(sent["trips"]) - sum(map(len, delays.values())),
        "away_s": round(outage.given - outage.taken, 1),
        "catch_up_s": round(outage.well - outage.given, 1),
        **{f"{part}_p50_ms": round(statistics.median(of), 1) for part, of in delays.items() if of},
        **{f"{part}_p99_ms": round(_p99(of), 1) for part, of in delays.items() if of},
    }


def _p99(delays: list[float]) -> float:
    return sorted(delays)[min(int(0.99 * len(delays)), len(delays) - 1)]
