"""Which InfluxDB the tests speak to: a real one where they are given it, else the stand-in."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import pytest

from core.telemetry.influx_server import InfluxAddress, InfluxServer
from core.telemetry.influx_setup import set_up
from tests.servers.influx.compiler import flux_compiler
from tests.servers.influx.stand_in import ORG, TOKEN, stand_in

URL = "WK_TEST_INFLUX_URL"
_TOKEN, _ORG = "WK_TEST_INFLUX_TOKEN", "WK_TEST_INFLUX_ORG"


def real_url() -> str:
    """Where the real one is; empty when the tests have none."""
    return os.environ.get(URL, "")


def spoken_to() -> str:
    """What the report says of it."""
    if real_url():
        return f"telemetry in InfluxDB: the real server at {real_url()}"
    return (
        "telemetry in InfluxDB: no real server; writes to VictoriaMetrics, scripts by Flux's "
        f"compiler, the contract on a stand-in ({URL}, {_TOKEN} and {_ORG} name a real one)"
    )


def pytest_report_header() -> str:
    """At the head of the report."""
    return spoken_to()


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """And at its end, which quiet runs show, too."""
    terminalreporter.write_line(spoken_to())


@contextmanager
def influx_address(readings_days: int | None = None) -> Iterator[InfluxAddress]:
    """An InfluxDB that has been set up, in buckets of the test's own, which go with it."""
    if real_url():
        yield from _real(readings_days)
        return
    with stand_in(flux_compiler()) as server:
        address = InfluxAddress(server.url, ORG, "watchkeeper", TOKEN)
        prepare(address, readings_days)
        yield address


def prepare(address: InfluxAddress, readings_days: int | None = None) -> list[str]:
    """Set it up; what was done."""
    server = InfluxServer(address)
    try:
        return set_up(server, readings_days)
    finally:
        server.close()


def _real(readings_days: int | None) -> Iterator[InfluxAddress]:
    missing = [name for name in (_TOKEN, _ORG) if not os.environ.get(name)]
    if missing:
        pytest.fail(f"{URL} is set, but not {' and '.join(missing)}", pytrace=False)
    token, org = os.environ[_TOKEN], os.environ[_ORG]
    address = InfluxAddress(real_url(), org, f"wk-test-{uuid4().hex[:12]}", token)
    prepare(address, readings_days)
    try:
        yield address
    finally:
        _remove(address)


def _remove(address: InfluxAddress) -> None:
    server = InfluxServer(address)
    client: Any = server.client
    for name in (address.bucket, address.hours):
        client.buckets_api().delete_bucket(client.buckets_api().find_bucket_by_name(name))
    for task in client.tasks_api().find_tasks(name=f"{address.bucket}: roll up hours"):
        client.tasks_api().delete_task(task.id)
    server.close()
