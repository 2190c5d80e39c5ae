"""Database, telemetry and broker go away under load and come back; the product heals by itself."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ingest.session import BrokerAddress as Address
from simulators.connection import BrokerAddress
from tests.servers.nats import nats
from tests.servers.postgres import PostgresServer
from tests.servers.product import EpisodeRow, Product, until
from tests.stories import outages
from tests.stories.living import Fans, import_site

AWAY_S = 8.0


@pytest.fixture
def product(tmp_path: Path) -> Iterator[Product]:
    """The whole product on the living site, started by the test."""
    product = Product(tmp_path / "data")
    import_site(product)
    yield product
    product.end()


def fans_of(product: Product) -> Fans:
    """The site as it lives from when the product listens: nobody keeps what is said before."""
    fans = fans_at(product.mqtt)
    product.wait_until_listening()
    fans.forget()
    return fans


def fans_at(mqtt: Address) -> Fans:
    fans = Fans(BrokerAddress(mqtt.host, mqtt.port or 1883, mqtt.username, mqtt.password))
    fans.start()
    until(lambda: fans.acknowledged > 24, 90, "the site doesn't come to life")
    return fans


def assert_healed(
    product: Product, fans: Fans, *, racing: int, health: Product | None = None
) -> None:
    """Ready again, all that was acknowledged stored once, only the one true fault found.

    health: the role that answers /readyz, if that is another process.
    """
    outages.wait_until_well(health or product)
    # Long enough for every silence rule to speak up, had it been misled.
    time.sleep(6)
    fans.stop()
    wanted = {(asset, "speed", at, speed) for asset, at, speed in fans.sent}
    until(lambda: wanted <= outages.stored(product), 90, lambda: lost(product, wanted))
    assert [(row.rule, row.asset) for row in judged(product, fans)] == [
        ("story-too-fast", f"fan-{racing}")
    ]
    assert (health or product).ill_parts() == []
    product.stop()
    keys = [(reading.series, reading.at) for reading in product.readings()]
    assert len(keys) == len(set(keys))


def judged(product: Product, fans: Fans) -> list[EpisodeRow]:
    """The episodes, without those of silence where the machine itself silenced the site."""
    # Those of the shipped packs are as soon said as ours.
    ours, shipped = ("story-silent", "story-gateway-lost"), ("sensor-silent", "gateway-silent")
    truly_silent = (*ours, *shipped) if fans.held_up > 1.5 else ()
    return [row for row in product.episodes() if row.rule not in truly_silent]


def lost(product: Product, wanted: set[tuple[str, str, int, float]]) -> str:
    missing = wanted - outages.stored(product)
    return f"{len(missing)} of {len(wanted)} readings are lost: {sorted(missing)[:5]}"


def test_a_postgresql_that_goes_away_and_comes_back_loses_nothing(tmp_path: Path) -> None:
    server = PostgresServer()
    (tmp_path / "broker").mkdir()
    try:
        with nats(tmp_path / "broker", ack_wait=3.0) as broker:
            settings = {
                "database_url": server.url(server.create_database()),
                "mqtt_host": broker.address.host,
                "mqtt_port": str(broker.address.port),
                "mqtt_username": broker.address.username or "",
                "mqtt_password": broker.address.password or "",
            }
            roles = [Product(tmp_path / "data", role, dict(settings)) for role in ("ingest", "api")]
            try:
                stop_postgresql_under_load(server, broker.address, *roles)
            finally:
                for role in roles:
                    role.end()
    finally:
        server.remove()


def stop_postgresql_under_load(
    server: PostgresServer, address: Address, ingest: Product, api: Product
) -> None:
    import_site(ingest)
    # The site speaks before ingest listens: one that doesn't speak yet is rightly called silent.
    fans = fans_at(address)
    ingest.start()
    until(lambda: bool(outages.stored(ingest)), 90, "ingest hears nothing")
    fans.forget()
    api.start()
    server.stop()
    fans.racing.add(2)
    outages.wait_until_ill(api, "database")
    time.sleep(AWAY_S)
    server.start()
    until(lambda: bool(episodes_of(ingest, "story-too-fast")), 90, "the fault is never found")
    outages.wait_until_well(api)
    assert_healed(ingest, fans, racing=2, health=api)


def episodes_of(product: Product, rule: str) -> list[EpisodeRow]:
    return [row for row in product.episodes() if row.rule == rule]


def test_a_database_that_is_locked_for_a_while_loses_nothing(product: Product) -> None:
    product.start()
    fans = fans_of(product)
    with outages.sqlite_locked(product):
        fans.racing.add(3)
        outages.wait_until_ill(product, "database")
        time.sleep(AWAY_S)
    until(lambda: bool(episodes_of(product, "story-too-fast")), 90, "the fault is never found")
    assert_healed(product, fans, racing=3)


def test_telemetry_that_is_away_for_a_while_loses_nothing_and_alarms_go_on(
    product: Product,
) -> None:
    product.start()
    fans = fans_of(product)
    product.stop()
    with outages.telemetry_taken(product):
        product.start()
        outages.wait_until_ill(product, "telemetry")
        fans.racing.add(5)
        until(lambda: bool(episodes_of(product, "story-too-fast")), 90, "alarms don't go on")
        time.sleep(AWAY_S)
    assert_healed(product, fans, racing=5)


def test_a_broker_that_hangs_and_dies_loses_nothing(product: Product) -> None:
    product.start()
    fans = fans_of(product)
    with outages.broker_stopped(product, AWAY_S):
        fans.racing.add(7)
    outages.wait_until_ill(product, "broker")
    until(lambda: bool(episodes_of(product, "story-too-fast")), 90, "the fault is never found")
    assert_healed(product, fans, racing=7)
