"""Roles that begin before their database is there, and what they say of their health."""

import json
import re
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import pytest

from core.clock import SystemClock
from core.db import Database
from core.health import Health
from core.schema import UnknownSchema, migrate
from core.settings import Settings, load
from core.telemetry.duckdb_store import DuckDBStore
from core.telemetry.readings import ReadingBatch
from tests.servers import free_port
from tests.servers.postgres import PostgresServer
from tests.servers.product import command_line
from watchkeeper import health_check
from watchkeeper.monitor import Monitor
from watchkeeper.product import Product
from watchkeeper.roles import await_database

LIMIT_S = 60.0


@pytest.fixture
def health() -> Health:
    """What one role says of itself."""
    health = Health(SystemClock())
    health.report("broker", ok=True, detail="connected")
    return health


@pytest.fixture
def monitor(health: Health) -> Iterator[Monitor]:
    """The endpoint of a role that needs no ingest."""
    monitor = Monitor(load(monitor_port=0), health, frozenset({"ingest"}))
    yield monitor
    monitor.stop()


def asked(monitor: Monitor, path: str) -> tuple[int, bytes]:
    try:
        address = f"http://127.0.0.1:{monitor.port}{path}"
        with urllib.request.urlopen(address, timeout=60) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


def test_a_role_is_ready_while_all_of_its_own_parts_are(monitor: Monitor, health: Health) -> None:
    assert asked(monitor, "/healthz")[0] == 200
    health.report("ingest", ok=False, detail="no heartbeat")
    status, body = asked(monitor, "/readyz")
    assert (status, json.loads(body)["status"]) == (200, "ready")
    health.report("broker", ok=False, detail="refused")
    status, body = asked(monitor, "/readyz")
    assert (status, json.loads(body)["status"]) == (503, "ill")
    assert {part["part"]: part["detail"] for part in json.loads(body)["parts"]} == {
        "broker": "refused",
        "ingest": "no heartbeat",
    }
    assert asked(monitor, "/healthz")[0] == 200


def test_a_role_tells_its_figures(monitor: Monitor, health: Health) -> None:
    health.report("telemetry", ok=False)
    status, body = asked(monitor, "/metrics")
    assert status == 200
    assert b'watchkeeper_part_ok{part="broker"} 1.0' in body
    assert b'watchkeeper_part_ok{part="telemetry"} 0.0' in body
    assert b"process_cpu_seconds_total" in body


def test_nothing_else_is_answered(monitor: Monitor) -> None:
    assert asked(monitor, "/api/v1/tickets")[0] == 404


def test_the_health_check_says_what_the_role_says(
    monitor: Monitor, health: Health, tmp_path: Path
) -> None:
    assert health_check.ask(monitor.port).well
    health.report("broker", ok=False, detail="refused")
    assert health_check.ask(monitor.port) == (False, ["ill", "broker: ILL, refused"])
    settings = {"monitor_port": str(monitor.port)}
    told = command_line("health", folder=tmp_path, settings=settings)
    assert (told.returncode, told.stdout) == (1, "ill\nbroker: ILL, refused\n")
    verdict = health_check.ask(free_port())
    assert not verdict.well
    assert "nothing answers" in verdict.words[0]


def waiting(settings: Settings) -> tuple[Product, threading.Thread, list[bool]]:
    """A role that waits for its database in a thread, and what came of it."""
    product = Product(settings)
    came = list[bool]()
    thread = threading.Thread(target=lambda: came.append(await_database(product)), daemon=True)
    thread.start()
    return product, thread, came


def wait_for_word(product: Product, word: str) -> None:
    ends = time.monotonic() + LIMIT_S
    said = ""
    while word not in said:
        assert time.monotonic() < ends, said
        states = {state.part: state for state in product.health.snapshot()}
        said = states["database"].detail if "database" in states else ""
        time.sleep(0.05)


def test_a_role_waits_for_its_database_and_for_its_migration(
    tmp_path: Path, postgres: PostgresServer
) -> None:
    name = postgres.create_database()
    address = postgres.url(name)
    # Nothing listens there yet, as in the moments in which everything starts at once.
    away = address.replace(f":{postgres.port}/", f":{free_port()}/")
    product, thread, came = waiting(load(data_dir=tmp_path, database_url=away))
    wait_for_word(product, "waiting for it: connection failed")
    product.stopping.set()
    thread.join(LIMIT_S)
    product.stop()
    assert came == [False]
    product, thread, came = waiting(load(data_dir=tmp_path, database_url=address))
    wait_for_word(product, "watchkeeper db migrate")
    database = Database(address)
    migrate(database)
    database.close()
    thread.join(LIMIT_S)
    assert came == [True]
    assert [(one.part, one.ok) for one in product.health.snapshot()] == [("database", True)]
    product.stop()


def test_a_role_does_not_wait_for_a_database_of_a_newer_version(tmp_path: Path) -> None:
    settings = load(data_dir=tmp_path)
    product = Product(settings)
    try:
        with product.database.engine.begin() as connection:
            connection.exec_driver_sql("CREATE TABLE alembic_version (version_num VARCHAR(32))")
            connection.exec_driver_sql("INSERT INTO alembic_version VALUES ('9999')")
        with pytest.raises(UnknownSchema, match="9999, which this version does not know"):
            await_database(product)
    finally:
        product.stop()


def telemetry_of(role: Product) -> tuple[bool, str]:
    [state] = [each for each in role.health.snapshot() if each.part == "telemetry"]
    return state.ok, state.detail


def test_the_owner_of_telemetry_may_go_and_come(tmp_path: Path) -> None:
    role = Product(load(data_dir=tmp_path))
    role.reach_telemetry()
    for _ in range(2):
        well, detail = telemetry_of(role)
        assert not well
        assert "the process that owns telemetry does not answer" in detail
        owner = Product(load(data_dir=tmp_path))
        owner.open_telemetry()
        assert telemetry_of(role) == (True, "")
        owner.stop()
    role.stop()


class NotingStore(DuckDBStore):
    """Notes how much memory it may use."""

    may_use: ClassVar[list[int]] = []

    def __init__(self, path: Path, *, memory_bytes: int) -> None:
        self.may_use.append(memory_bytes)
        super().__init__(path, memory_bytes=memory_bytes)


def test_the_file_gets_the_memory_that_is_set_and_tells_what_it_keeps_there(
    monitor: Monitor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("watchkeeper.product.DuckDBStore", NotingStore)
    product = Product(load(data_dir=tmp_path, telemetry_memory_bytes=300 * 1024**2))
    store = product.open_telemetry()
    began = 1_704_067_200_000_000
    try:
        batch = ReadingBatch()
        for index in range(200_000):
            batch.append(1, began + index, index / 7, began, 0)
        store.write(batch)
        store.roll_up(began + 24 * 3600 * 1_000_000)
        store.last()
        memory = re.search(r"^wk_telemetry_memory_bytes (\S+)$", told_figures(monitor), re.M)
        assert memory
        assert float(memory[1]) > 0
    finally:
        product.stop()
    assert NotingStore.may_use == [300 * 1024**2]
    # Closed, it keeps nothing.
    assert "wk_telemetry_memory_bytes 0.0\n" in told_figures(monitor)


def told_figures(monitor: Monitor) -> str:
    return asked(monitor, "/metrics")[1].decode()
