"""The product keeps its readings in InfluxDB where it is set: who writes, reads, and says what."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.settings import Settings, load
from core.telemetry.influx_reader import InfluxReader
from core.telemetry.store import TelemetryError
from jobs.runner import owns
from tests.core.telemetry.stores import START, batch_of
from tests.servers.influx.compiler import flux_compiler
from tests.servers.influx.real import prepare
from tests.servers.influx.stand_in import ORG, TOKEN, StandIn, stand_in
from watchkeeper.installation import influx_address
from watchkeeper.product import Product


@pytest.fixture
def server() -> Iterator[StandIn]:
    with stand_in(flux_compiler()) as opened:
        yield opened


@pytest.fixture
def settings(server: StandIn, tmp_path: Path) -> Settings:
    return load(data_dir=tmp_path, influx_url=server.url, influx_org=ORG, influx_token=TOKEN)


def said(product: Product) -> dict[str, tuple[bool, str]]:
    return {state.part: (state.ok, state.detail) for state in product.health.snapshot()}


def test_ingest_writes_to_it_and_the_other_roles_read_it_themselves(
    server: StandIn, settings: Settings
) -> None:
    address = influx_address(settings)
    assert address is not None
    ingest, api = Product(settings), Product(settings)
    try:
        # Not set up yet: readings wait, and health says what to do.
        store = ingest.open_telemetry()
        reader = api.reach_telemetry()
        store.write(batch_of((1, START, 1.5)))
        assert not said(ingest)["telemetry"][0]
        assert "run `watchkeeper telemetry init`" in said(api)["telemetry"][1]
        with pytest.raises(TelemetryError, match="404"):
            reader.last()
        prepare(address)
        store._retry_at = 0.0
        store.drain()
        assert said(ingest) == {"telemetry": (True, ""), "refused readings": (True, "")}
        assert said(api) == {"telemetry": (True, "")}
        assert isinstance(reader, InfluxReader)
        assert reader.last()[1].value == 1.5
        assert owns(store)
        assert not owns(reader)
        # What it refuses is said until it is gone, and does not stop the rest.
        server.failures = [(422, {}, "points beyond retention policy")] * 2
        store.write(batch_of((1, START + 1, 2.5)))
        ok, detail = said(ingest)["refused readings"]
        assert not ok
        assert "1 set aside" in detail
        assert "beyond retention policy" in detail
        assert said(ingest)["telemetry"] == (True, "")
    finally:
        ingest.stop()
        api.stop()
    assert TOKEN not in repr(address)
