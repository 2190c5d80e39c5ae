"""The outages of the tests, each a minute long, and of the stores under load, two minutes long."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from core.db import sqlite_url
from proof import under_load
from tests.servers.influx.victoria import victoria_metrics
from tests.servers.postgres import PostgresServer
from tests.servers.product import Product
from tests.stories import test_outages as stories
from tests.stories.test_outages import product  # noqa: F401 - the fixture of the stories

AWAY_S = 60.0


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    "story",
    [
        stories.test_a_database_that_is_locked_for_a_while_loses_nothing,
        stories.test_telemetry_that_is_away_for_a_while_loses_nothing_and_alarms_go_on,
        stories.test_a_broker_that_hangs_and_dies_loses_nothing,
    ],
)
def test_a_minutes_outage_of_the_whole_product_loses_nothing(
    monkeypatch: pytest.MonkeyPatch,
    product: Product,  # noqa: F811 - asked for, not defined again
    story: Callable[[Product], None],
) -> None:
    monkeypatch.setattr(stories, "AWAY_S", AWAY_S)
    story(product)


@pytest.mark.timeout(600)
def test_a_minutes_outage_of_postgresql_loses_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(stories, "AWAY_S", AWAY_S)
    stories.test_a_postgresql_that_goes_away_and_comes_back_loses_nothing(tmp_path)


COURSE = under_load.Course()


@pytest.mark.timeout(1800)
def test_influxdb_away_for_two_minutes_under_load(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    url = sqlite_url(folder / "watchkeeper.sqlite")
    with victoria_metrics(tmp_path) as victoria, under_load.influxdb(victoria) as influx:
        settings = {
            "influx_url": influx.url,
            "influx_org": influx.org,
            "influx_token": influx.token,
        }
        found = under_load.run(folder, settings, url, COURSE, victoria.stop, victoria.start)
        world = Product(folder).series()
        samples = victoria.samples("v")
        stored = sum(len(of) for series, of in samples.items() if series in world)
    lost = under_load.READINGS_A_MESSAGE * found["messages"] - stored
    tell(capsys, {"away": "InfluxDB (VictoriaMetrics)", **found, "readings_lost": lost})
    assert (found["missing"], lost) == (0, 0)
    # The same latency, as far as a busy machine can tell.
    assert found["away_p50_ms"] < 2 * found["before_p50_ms"] + 100


@pytest.mark.timeout(1800)
def test_postgresql_away_for_two_minutes_under_load(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server = PostgresServer()
    try:
        url = server.url(server.create_database())
        settings = {"database_url": url}
        found = under_load.run(tmp_path, settings, url, COURSE, server.stop, server.start)
        stored = len(Product(tmp_path, "ingest", dict(settings)).readings())
    finally:
        server.remove()
    lost = under_load.READINGS_A_MESSAGE * found["messages"] - stored
    tell(capsys, {"away": "PostgreSQL", **found, "readings_lost": lost})
    assert (found["missing"], lost) == (0, 0)


def tell(capsys: pytest.CaptureFixture[str], found: dict[str, Any]) -> None:
    """Print one line of JSON, whatever pytest captures."""
    with capsys.disabled():
        sys.stdout.write(f"\n{json.dumps(found)}\n")
