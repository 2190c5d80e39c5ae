"""Two API workers, ingest and jobs on PostgreSQL under people and sensors for a long time.

`python -m proof.soak --minutes 10 --seed 1` prints latencies, memory by role and what went wrong.
"""

import argparse
import asyncio
import json
import multiprocessing
import random
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import psutil
import psycopg
from prometheus_client.parser import text_string_to_metric_families

from core.clock import SystemClock
from core.db import Database
from core.ids import new_id
from core.people import Grant, Person, company_node, issue
from simulators.connection import BrokerAddress, Publisher
from tests.servers import free_port
from tests.servers.mosquitto import mosquitto
from tests.servers.postgres import PostgresServer
from tests.servers.product import Product, done, until

PUMPS, RATE = 200, 1_000.0
# How often somebody does something, and how long a fault of a pump lasts, in seconds.
PAUSE_S = 1.0
FAULT_S, SOUND_S = 20.0, 60.0
ROLES = (
    ("technician", 24),
    ("service_desk", 10),
    ("supervisor", 10),
    ("manager", 6),
)
RULES = """\
id: soak-hot
title: {en: Hot}
applies_to: {asset_type: pump}
when: motor_temperature > 75 °C
clear_when: motor_temperature < 70 °C
severity: high
ticket: {kind: repair, category: electrical, team: maintenance}
---
id: soak-low
title: {en: Low}
applies_to: {asset_type: pump}
when: running and outlet_pressure < 0.2 MPa
for: 3 readings
severity: medium
ticket: {kind: repair, category: plumbing, team: maintenance}
"""
# What others may have done in between is told so, and is no error.
RACES = {409, 412}
# Memory of the first part of a run is filled caches, not a leak.
WARM_UP = 0.4


@dataclass
class Result:
    """What a run showed. slopes: KiB of memory a minute that each role grows by, after warming up,
    without engine_mib: what DuckDB says that it uses in ingest. Pages of its file become more with
    the readings until telemetry_memory_bytes are used, and no more then
    (tests/core/telemetry/test_duckdb_store.py); what is in its log comes and goes every few
    minutes, which in a run of ten would pass for a slope.

    latencies: milliseconds by kind of request, p50, p95, p99 and the worst.
    """

    minutes: float
    messages: int = 0
    requests: int = 0
    races: int = 0
    errors: dict[str, int] = field(default_factory=dict)
    deadlocks: int = 0
    tickets: int = 0
    latencies: dict[str, list[float]] = field(default_factory=dict)
    memory_mib: dict[str, list[float]] = field(default_factory=dict)
    engine_mib: list[float] = field(default_factory=list)
    slopes: dict[str, float] = field(default_factory=dict)
    logged: list[str] = field(default_factory=list)


def site_text() -> str:
    """The site file of so many pumps."""
    names = [f"pump-{number:03}" for number in range(PUMPS)]
    points = "{motor_temperature: motor_temperature, outlet_pressure: outlet_pressure, "
    points += "running: running}"
    return "\n".join(
        [
            "company: {code: acme, name: {en: Acme}}",
            "site: {code: works, name: {en: Works}, time_zone: Asia/Shanghai}",
            "assets:",
            *(f"  - {{code: {name}, type: pump, name: {{en: {name}}}}}" for name in names),
            "sources:\n  - {code: own, topic: wk/v1/works/#, dialect: wk}",
            "devices:",
            *(f"  - {{code: {name}, asset: {name}, points: {points}}}" for name in names),
        ]
    )


def publish(address: BrokerAddress, seconds: float, seed: int, sent: Any) -> None:
    """Publish at the rate for so long; pumps fall ill and recover as the seed says."""
    draw = random.Random(seed)  # noqa: S311 - seeded, so that a run can be repeated
    ill = [False] * PUMPS
    changes = [time.time() + draw.expovariate(1 / SOUND_S) for _ in range(PUMPS)]
    began = time.monotonic()
    count = 0
    with Publisher(address) as publisher:
        while (passed := time.monotonic() - began) < seconds:
            while count < passed * RATE:
                pump = count % PUMPS
                now = time.time()
                if now > changes[pump]:
                    ill[pump] = not ill[pump]
                    lasts = FAULT_S if ill[pump] else SOUND_S
                    changes[pump] = now + draw.expovariate(1 / lasts)
                heat = (90 if ill[pump] else 55) + draw.uniform(-2, 2)
                pressure = (0.1 if ill[pump] else 0.5) + draw.uniform(-0.02, 0.02)
                body = {"ts": now, "motor_temperature": round(heat, 2), "running": True}
                body["outlet_pressure"] = round(pressure, 3)
                text = json.dumps(body).encode()
                publisher.publish(f"wk/v1/works/pump-{pump:03}/readings", text)
                count += 1
            time.sleep(0.005)
        publisher.flush()
    sent.value = count


class User:
    """Somebody at a browser or phone: looks, takes, works, writes, with a pause after each."""

    def __init__(self, client: httpx2.AsyncClient, role: str, site: str, seed: int) -> None:
        self._client, self._role, self._site = client, role, site
        self._draw = random.Random(seed)  # noqa: S311 - seeded, so that a run can be repeated
        self.took: dict[str, list[float]] = defaultdict(list)
        self.errors: Counter[str] = Counter()
        self.races = 0

    async def live(self, ends: float) -> None:
        """Until then."""
        while time.monotonic() < ends:
            await self._do_something()
            await asyncio.sleep(self._draw.expovariate(1 / PAUSE_S))

    async def _ask(self, kind: str, method: str, path: str, body: Any = None) -> Any:
        began = time.monotonic()
        headers = {"Idempotency-Key": str(new_id())} if kind in ("open", "note") else {}
        try:
            answer = await self._client.request(method, path, json=body, headers=headers)
        except httpx2.HTTPError as error:
            self.errors[f"{kind}: {type(error).__name__}"] += 1
            return None
        self.took[kind].append((time.monotonic() - began) * 1000)
        if answer.status_code in RACES and method == "POST":
            self.races += 1
            return None
        if answer.status_code >= 300:
            self.errors[f"{kind}: {answer.status_code} {answer.text[:200]}"] += 1
            return None
        return answer.json()

    async def _do_something(self) -> None:
        looks = [("tree", "/api/v1/tree"), ("alarms", "/api/v1/alarms")]
        looks += [("list", "/api/v1/tickets?limit=50"), ("search", "/api/v1/search?q=pump-0")]
        if self._draw.random() < 0.4:
            kind, path = self._draw.choice(looks)
            await self._ask(kind, "GET", path)
        elif self._role == "service_desk" and self._draw.random() < 0.3:
            title = f"A caller reports {self._draw.randrange(10**6)}"
            body = {"site_id": self._site, "title": title, "category": "mechanical"}
            await self._ask("open", "POST", "/api/v1/tickets", body)
        else:
            await self._work()

    async def _work(self) -> None:
        found = await self._ask("list", "GET", "/api/v1/tickets?limit=50")
        if not found or not found["items"]:
            return
        # The first ones are everybody's first choice, so that people meet.
        one = self._draw.choice(found["items"][:20])
        path = f"/api/v1/tickets/{one['id']}"
        whole = await self._ask("read", "GET", path)
        if whole is None:
            return
        usual = ("accept", "start", "resolve", "verify", "close", "reopen")
        possible = [action for action in whole["actions"] if action in usual]
        if possible and self._draw.random() < 0.7:
            body = {"note": "as agreed"}
            action = self._draw.choice(possible)
            if action in ("resolve", "close"):
                body["verdict"] = "real"
            await self._ask("act", "POST", f"{path}/actions/{action}", body)
        elif self._role != "manager":
            await self._ask("note", "POST", f"{path}/notes", {"body": "looked at it"})


async def people(
    urls: Sequence[str], tokens: Sequence[tuple[str, str]], site: str, ends: float, seed: int
) -> list[User]:
    """Let everybody live until then, spread over the workers."""
    users, clients = [], []
    # Sooner than the server closes a connection on which nothing is asked, which would be a race.
    limits = httpx2.Limits(keepalive_expiry=2.0)
    for number, (role, token) in enumerate(tokens):
        headers = {"Authorization": f"Bearer {token}"}
        base = urls[number % len(urls)]
        client = httpx2.AsyncClient(base_url=base, headers=headers, timeout=60, limits=limits)
        clients.append(client)
        users.append(User(client, role, site, seed * 1000 + number))
    await asyncio.gather(*(user.live(ends) for user in users))
    for client in clients:
        await client.aclose()
    return users


def hire(url: str) -> tuple[list[tuple[str, str]], str]:
    """Fifty people with a role and an API token each; and the id of the site."""
    database, now = Database(url), SystemClock().now()
    tokens = []
    with database.write() as session:
        company = company_node(session)
        assert company is not None
        for role, count in ROLES:
            for number in range(count):
                person = Person(id=new_id(), name=f"{role} {number}", locale="en")
                session.add(person)
                session.flush()
                session.add(Grant(id=new_id(), person_id=person.id, node_id=company.id, role=role))
                token = issue(session, person.id, "token", now=now, proved=True)
                tokens.append((role, token))
    database.close()
    with psycopg.connect(url.replace("+psycopg", "")) as session:
        row = session.execute("SELECT id FROM node WHERE kind = 'site'").fetchone()
    assert row is not None
    return tokens, str(row[0])


class Worker(Product):
    """An API worker beside another one on the same data folder."""

    number = 1
    monitor: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        # Its memory is measured: a process that is forked shares some with others.
        self.anew = True

    @property
    def _output(self) -> Path:
        return self.folder / f"{self.role}-{self.number}.out"


@contextmanager
def running(folder: Path, url: str, address: BrokerAddress) -> Iterator[dict[str, Worker]]:
    """Ingest, jobs and two API workers as processes."""
    settings = {"database_url": url, "mqtt_host": address.host, "mqtt_port": str(address.port)}
    settings["require_second_factor"] = "nobody"
    names = {"ingest": "ingest", "jobs": "jobs", "api-1": "api", "api-2": "api"}
    roles: dict[str, Worker] = {}
    for name, role in names.items():
        monitor = free_port() if role == "ingest" else None
        own = {"monitor_port": str(monitor)} if monitor else {}
        product = Worker(folder / "data", role, {**settings, **own})
        product.monitor = monitor
        product.number = int(name[-1]) if role == "api" else 1
        roles[name] = product
    (folder / "site.yaml").write_text(site_text())
    (folder / "rules.yaml").write_text(RULES)
    for words in (
        ("db", "migrate"),
        ("site", "import", str(folder / "site.yaml")),
        ("rules", "import", str(folder / "rules.yaml")),
    ):
        done(*words, folder=folder / "data", settings=settings)
    try:
        for product in roles.values():
            product.start()
        yield roles
        for product in reversed(roles.values()):
            product.stop()
    finally:
        for product in roles.values():
            product.end()


async def watch(roles: Mapping[str, Worker], ends: float, result: Result) -> None:
    """Note the memory of each role (resident, MiB) every second, and what of it is DuckDB's."""
    processes = {}
    for name, product in roles.items():
        assert product.process is not None
        processes[name] = psutil.Process(product.process.pid)
    metrics = f"http://127.0.0.1:{roles['ingest'].monitor}/metrics"
    async with httpx2.AsyncClient(timeout=60) as client:
        while time.monotonic() < ends:
            for name, process in processes.items():
                mib = process.memory_info().rss / 2**20
                result.memory_mib.setdefault(name, []).append(mib)
            result.engine_mib.append(_engine((await client.get(metrics)).text))
            await asyncio.sleep(1)


def _engine(metrics: str) -> float:
    """MiB of DuckDB, by what a process says of itself."""
    for family in text_string_to_metric_families(metrics):
        if family.name == "wk_telemetry_memory_bytes":
            return family.samples[0].value / 2**20
    raise LookupError("ingest doesn't say how much DuckDB uses")


def slope(samples: Sequence[float]) -> float:
    """KiB a minute by which samples of each second grow, by least squares over those after warming
    up."""
    kept = samples[int(len(samples) * WARM_UP) :]
    count = len(kept)
    if count < 2:
        return 0.0
    middle, mean = (count - 1) / 2, sum(kept) / count
    rise = sum((n - middle) * (value - mean) for n, value in enumerate(kept))
    return rise / sum((n - middle) ** 2 for n in range(count)) * 1024 * 60


def percentiles(values: Sequence[float]) -> list[float]:
    """p50, p95, p99 and the worst, to a tenth."""
    ordered = sorted(values)
    places = [int(len(ordered) * part) for part in (0.5, 0.95, 0.99)]
    return [round(ordered[min(place, len(ordered) - 1)], 1) for place in (*places, len(ordered))]


def run(folder: Path, minutes: float, seed: int) -> Result:
    """One run."""
    result = Result(minutes)
    server = PostgresServer()
    (folder / "broker").mkdir()
    try:
        url = server.url(server.create_database())
        with mosquitto(folder / "broker") as broker:
            address = BrokerAddress(broker.address.host, broker.address.port)
            with running(folder, url, address) as roles:
                _live(result, roles, url, address, seed)
        with psycopg.connect(url.replace("+psycopg", "")) as session:
            _read_database(result, session)
        for name, product in roles.items():
            _read_log(result, name, product.output)
        result.logged += server.deadlocks()
    finally:
        server.remove()
    return result


def _live(
    result: Result, roles: Mapping[str, Worker], url: str, address: BrokerAddress, seed: int
) -> None:
    tokens, site = hire(url)
    seconds = result.minutes * 60
    spawning = multiprocessing.get_context("spawn")
    sent = spawning.Value("q", 0)
    publishing = spawning.Process(target=publish, args=(address, seconds, seed, sent), daemon=True)
    publishing.start()
    ends = time.monotonic() + seconds
    urls = [roles["api-1"].url, roles["api-2"].url]

    async def everything() -> list[User]:
        users, _ = await asyncio.gather(
            people(urls, tokens, site, ends, seed), watch(roles, ends, result)
        )
        return users

    users = asyncio.run(everything())
    publishing.join(120)
    result.messages = sent.value
    took: dict[str, list[float]] = defaultdict(list)
    for user in users:
        result.races += user.races
        for what, count in user.errors.items():
            result.errors[what] = result.errors.get(what, 0) + count
        for kind, values in user.took.items():
            took[kind] += values
    result.requests = sum(map(len, took.values()))
    result.latencies = {kind: percentiles(values) for kind, values in sorted(took.items())}
    own = {**result.memory_mib, "ingest": _alone(result)}
    result.slopes = {name: round(slope(mib)) for name, mib in own.items()}
    # Each message holds three readings; the last of them may still be on their way.
    until(lambda: roles["ingest"].fed() >= 3 * result.messages, 120, "readings are missing")


def _read_database(result: Result, session: psycopg.Connection[Any]) -> None:
    counted = session.execute("SELECT sum(deadlocks) FROM pg_stat_database").fetchone()
    tickets = session.execute("SELECT count(*) FROM ticket").fetchone()
    assert counted is not None
    assert tickets is not None
    result.deadlocks, result.tickets = int(counted[0]), int(tickets[0])


def _read_log(result: Result, name: str, output: str) -> None:
    for line in output.splitlines():
        if any(word in line for word in ("[error", "Traceback", "ERROR", "[critical")):
            result.logged.append(f"{name}: {line[:300]}")


def _ends(samples: Sequence[float]) -> list[float]:
    """The first after warming up, and the last."""
    return [round(samples[int(len(samples) * WARM_UP)], 1), round(samples[-1], 1)]


def _alone(result: Result) -> list[float]:
    """The memory of ingest, without what DuckDB says that it uses."""
    pairs = zip(result.memory_mib["ingest"], result.engine_mib, strict=True)
    return [mib - engine for mib, engine in pairs]


def tell(result: Result) -> str:
    """What is worth keeping of a result, as JSON."""
    shown = asdict(result)
    shown["memory_mib"] = {name: _ends(mib) for name, mib in result.memory_mib.items()}
    shown["engine_mib"] = _ends(result.engine_mib)
    # Whether a slope is a leak or a step: the mean of each half minute.
    shown["ingest_alone_mib"] = [
        round(sum(some) / len(some), 1)
        for start in range(0, len(result.engine_mib), 30)
        if (some := _alone(result)[start : start + 30])
    ]
    return json.dumps(shown, indent=2, ensure_ascii=False)


def main() -> None:
    """Exit status 1 when anything went wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        result = run(Path(folder), given.minutes, given.seed)
    sys.stdout.write(tell(result) + "\n")
    sys.exit(bool(result.errors or result.deadlocks or result.logged))


if __name__ == "__main__":
    main()
