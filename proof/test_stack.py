"""The production stack for ten minutes: two workers of the api, 50 users, 1,000 messages a second.

SECONDS in the environment makes it shorter, for who works on it.
"""

import json
import os
import random
import threading
import time
from collections import Counter
from uuid import uuid4

import psutil
import psycopg
import pytest

from simulators.connection import BrokerAddress, Publisher
from tests.servers.influx.stand_in import StandIn
from tests.servers.postgres import PostgresServer
from tests.servers.product import until
from tests.servers.stack import Stack
from tests.stories import test_compose as stories
from tests.stories.test_compose import influx, server, stack  # noqa: F401 - fixtures of the story

SECONDS = float(os.environ.get("SECONDS", "600"))
USERS, RATE, DEVICES = 50, 1_000, 200
# Between two looks of somebody at a page.
THINKS_S = 1.0
# What a process may grow from the first third to the end, in bytes.
MOST_GROWTH = 64 << 20
SITE_TEXT = "\n".join(
    [
        "company: {code: acme, name: {en: Acme}}",
        "site: {code: works, name: {en: Works}, time_zone: Asia/Shanghai}",
        "assets:",
        *(
            f"  - {{code: leak-{n}, type: water_leak, name: {{en: Leak {n}}}}}"
            for n in range(DEVICES)
        ),
        "sources:",
        "  - {code: own, topic: wk/v1/works/#, dialect: wk}",
        "devices:",
        *(f"  - {{code: leak-{n}, asset: leak-{n}}}" for n in range(DEVICES)),
    ]
)


class Users:
    """People who read lists and open tickets through the proxy, each at a pace of their own."""

    def __init__(self, stack: Stack, token: str, site: str) -> None:  # noqa: F811
        self.statuses: Counter[tuple[str, int]] = Counter()
        self.slowest = 0.0
        self._stack, self._token, self._site = stack, token, site
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._threads = [
            threading.Thread(target=self._live, args=(number,), daemon=True)
            for number in range(USERS)
        ]

    def __enter__(self) -> "Users":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(60)

    def _live(self, number: int) -> None:
        draw = random.Random(number)  # noqa: S311 - drawn by seed, no secret
        browser = stories.Browser(self._stack, self._token)
        while not self._stop.wait(draw.uniform(0, 2 * THINKS_S)):
            began = time.monotonic()
            if draw.random() < 0.1:
                title = f"Reported by user {number}"
                body = {"site_id": self._site, "title": title, "category": "plumbing"}
                what, status = "open", browser.send("/api/v1/tickets", body, key=str(uuid4()))
            else:
                path = draw.choice(["/api/v1/tickets", "/api/v1/alarms", "/api/v1/me"])
                what, (status, _) = "read", browser.read(path)
            with self._lock:
                self.statuses[what, status] += 1
                self.slowest = max(self.slowest, time.monotonic() - began)


class World:
    """Devices behind one bridge, which speaks as Watchkeeper itself; RATE messages a second."""

    def __init__(self, address: BrokerAddress) -> None:
        self.published = 0
        self._address = address
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._live, daemon=True)

    def __enter__(self) -> "World":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(120)

    def _live(self) -> None:
        draw = random.Random(7)  # noqa: S311 - drawn by seed, no secret
        with Publisher(self._address, patience=120) as publisher:
            began = time.monotonic()
            while not self._stop.is_set():
                due = int((time.monotonic() - began) * RATE) - self.published
                for _ in range(due):
                    device = draw.randrange(DEVICES)
                    # Seconds apart for each device, so that no moment comes twice.
                    at = time.time() + self.published * 1e-6
                    body = json.dumps({"ts": at, "leak": draw.random() < 0.0005}).encode()
                    publisher.publish(f"wk/v1/works/leak-{device}/readings", body)
                self.published += due
                time.sleep(0.02)
            publisher.flush()


def raise_stack(stack: Stack, server: PostgresServer) -> None:  # noqa: F811
    """From nothing to a site, every service well."""
    server.start()
    stories.as_image_does(server, stack)
    for once in ("migrate", "certificate", "accounts"):
        stack.run(once)
    stack.start_broker()
    stack.run("telemetry")
    (stack.folder / "volumes/data/site.yaml").write_text(SITE_TEXT)
    stack.run("migrate", "site", "import", "/var/lib/watchkeeper/site.yaml")
    stack.run("migrate")
    stack.start(*stories.ROLES)
    stack.start_proxy()
    stack.wait_until_healthy("proxy", *stories.ROLES)


def own_bridge(stack: Stack) -> BrokerAddress:  # noqa: F811
    """How the world reaches the broker: by an account that may say everything."""
    password = (stack.secrets / "mqtt_password").read_text().strip()
    ca = str(stack.folder / "volumes/broker-files/authority.pem")
    return BrokerAddress(
        "localhost", stack.port("broker", 8883), "watchkeeper", password, tls_ca=ca
    )


def memory(stack: Stack) -> dict[str, int]:  # noqa: F811
    """The memory of each role, in bytes."""
    return {role: psutil.Process(stack.pid(role)).memory_info().rss for role in stories.ROLES}


@pytest.mark.timeout(900)
def test_whatever_the_roles_stand_on_goes_away_they_say_so_and_recover(
    stack: Stack,  # noqa: F811 - asked for, not defined again
    server: PostgresServer,  # noqa: F811
    influx: StandIn,  # noqa: F811
) -> None:
    raise_stack(stack, server)
    program = stories.Browser(stack, stories.token_of(stack))
    server.stop()
    for role in stories.ROLES:
        stack.wait_until_ill(role, "database: ILL")
    server.start()
    stack.end_server("broker")
    stack.wait_until_ill("ingest", "broker: ILL")
    stack.start_broker()
    stack.wait_until_healthy(*stories.ROLES)
    stack.stop("ingest", "api-2")
    stack.wait_until_healthy("proxy", "api-1")
    assert program.tickets() == []
    stack.start("ingest", "api-2")
    stack.wait_until_healthy("proxy", *stories.ROLES)
    # Alarms go on while nothing can be stored.
    influx.failures += [(503, {}, "it is being upgraded")] * 100_000
    stack.wait_until_ill("ingest", "telemetry: ILL")
    with Publisher(own_bridge(stack), patience=60) as publisher:
        publisher.publish("wk/v1/works/leak-7/readings", b'{"leak": true}')
        publisher.flush()
    until(lambda: len(program.tickets()) > 0, 90, lambda: stack.said("ingest"))
    influx.failures.clear()
    stack.wait_until_healthy(*stories.ROLES)
    stack.stop(*stories.ROLES)
    assert stored(influx, server) == 1


@pytest.mark.timeout(3 * SECONDS + 600)
def test_ten_minutes_of_people_and_devices_go_without_an_error(
    stack: Stack,  # noqa: F811 - asked for, not defined again
    server: PostgresServer,  # noqa: F811
    influx: StandIn,  # noqa: F811
    capsys: pytest.CaptureFixture[str],
) -> None:
    raise_stack(stack, server)
    token = stories.token_of(stack)
    account = account_of(server)
    with psycopg.connect(account) as session:
        found = session.execute("SELECT id FROM node WHERE kind = 'site'").fetchone()
        assert found is not None
    with World(own_bridge(stack)) as world, Users(stack, token, str(found[0])) as users:
        time.sleep(SECONDS / 3)
        early = memory(stack)
        time.sleep(2 * SECONDS / 3)
        late = memory(stack)
    taken = "SELECT sum(deadlocks) FROM pg_stat_database WHERE datname = 'watchkeeper'"
    with psycopg.connect(account) as session:
        [[deadlocks]] = session.execute(taken.encode()).fetchall()
        [[tickets]] = session.execute(b"SELECT count(*) FROM ticket").fetchall()
    growth = {role: (late[role] - early[role]) >> 20 for role in early}
    with capsys.disabled():
        print(  # noqa: T201 - the figures are what the campaign is for
            f"\n{world.published} messages, {sum(users.statuses.values())} requests"
            f" {dict(users.statuses)}, slowest {users.slowest:.1f} s, {tickets} tickets,"
            f" {deadlocks} deadlocks, growth in MB {growth}"
        )
    assert {status for _, status in users.statuses} <= {200, 201}
    assert deadlocks == 0
    assert all(late[role] - early[role] < MOST_GROWTH for role in early)
    until(
        lambda: stored(influx, server) >= world.published,
        120,
        lambda: f"{stored(influx, server)} stored",
    )
    for role in stories.ROLES:
        assert '"level": "error"' not in stack.said(role), role
    stack.stop(*stories.ROLES)


def stored(influx: StandIn, server: PostgresServer) -> int:  # noqa: F811
    """How many readings of devices the store holds; the product tells itself of its tickets."""
    with psycopg.connect(account_of(server)) as session:
        found = session.execute(
            "SELECT point.series FROM point JOIN device ON device.id = point.device_id"
            " WHERE device.code LIKE 'watchkeeper/%'"
        )
        told = {str(series) for (series,) in found}
    columns = influx.bucket("watchkeeper").columns
    return sum(
        len(column)
        for (measurement, tags, field), column in list(columns.items())
        if (measurement, field) == ("reading", "v") and dict(tags)["series"] not in told
    )


def account_of(server: PostgresServer) -> str:  # noqa: F811
    """The address of the product's database, as psycopg takes it."""
    return server.url("watchkeeper").replace("+psycopg", "")
