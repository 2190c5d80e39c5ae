"""A fire alarm whose clock runs out while the product is dead: the same moment, the same fire."""

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import select

from core.db import Database, sqlite_url
from core.places import Node
from simulators.connection import BrokerAddress, Publisher
from tests.servers.product import Product, done, until
from tests.simulators.listener import listening
from workflows.tickets.promises import STANDARD, FireTerms, ServiceTerms, service_grades

SITE_TEXT = """\
company: {code: acme, name: {en: Acme Property, zh: 安居物业}}
site: {code: riverside, name: {en: Riverside Court, zh: 滨江苑}, time_zone: Asia/Shanghai}
assets: [{code: smoke-1, type: smoke_detector, name: {en: Smoke detector, zh: 烟感}}]
sources: [{code: own, topic: wk/v1/riverside/#, dialect: wk}]
devices: [{code: smoke-1, asset: smoke-1, points: {smoke: smoke}}]
"""
ANNOUNCE = "wk/v1/riverside/announce"
# Longer than a busy machine takes to see the alarm and kill the product.
SECONDS = 15


@pytest.fixture
def product(tmp_path: Path) -> Iterator[Product]:
    """The product with a smoke detector and the shipped rules, and a clock of some seconds."""
    product = Product(tmp_path / "data", settings={"require_second_factor": "nobody"})
    (tmp_path / "site.yaml").write_text(SITE_TEXT)
    done("site", "import", str(tmp_path / "site.yaml"), folder=product.folder)
    database = Database(sqlite_url(product.folder / "watchkeeper.sqlite"))
    terms = service_grades()[STANDARD].terms
    short = FireTerms.model_validate({"seen_within": f"{SECONDS}s", "confirmed_within": "1m"})
    with database.write() as session:
        site = session.scalars(select(Node).where(Node.kind == "site")).one()
        own = terms.model_copy(update={"fire_alarm": short}).model_dump_json()
        session.add(ServiceTerms(node_id=site.id, grade=STANDARD, own=own, version=1))
    database.close()
    yield product
    product.end()


def says(product: Product, *, smoke: bool) -> BrokerAddress:
    """The detector speaks; the address by which it did."""
    there = product.mqtt
    address = BrokerAddress(there.host, there.port, there.username, there.password)
    with Publisher(address) as publisher:
        body = {"ts": time.time(), "smoke": smoke}
        publisher.publish("wk/v1/riverside/smoke-1/readings", json.dumps(body).encode())
    return address


def facts(product: Product) -> list[str]:
    """The steps of the alarm and its ticket, in order."""
    kinds = "('ticket.open', 'fire_alarm.lapse', 'ticket.edit')"
    rows = product.rows(f"SELECT kind FROM event WHERE kind IN {kinds} ORDER BY seq")
    return [str(row[0]) for row in rows]


def test_a_killed_process_changes_nothing_about_when_it_is_a_fire(product: Product) -> None:
    product.start()
    says(product, smoke=False)
    clock = "SELECT state, seen_due FROM fire_alarm"

    def is_found() -> bool:
        # Nobody keeps what is said before ingest has subscribed for the first time.
        says(product, smoke=True)
        return bool(product.rows(clock))

    until(is_found, 90, "no fire alarm", pause=0.5)
    [(state, due)] = product.rows(clock)
    product.kill()
    assert state == "unseen"
    over = datetime.fromisoformat(due).replace(tzinfo=UTC)
    until(lambda: datetime.now(UTC) > over, 90, "the clock did not run out")
    assert product.rows(clock) == [(state, due)]
    product.start()
    until(lambda: product.rows("SELECT state FROM fire_alarm") == [("fire",)], 90, "no fire")
    assert facts(product) == ["ticket.open", "fire_alarm.lapse", "ticket.edit"]
    moment = "SELECT happened_at, learned_at FROM event WHERE kind = 'fire_alarm.lapse'"
    [(happened, learned)] = product.rows(moment)
    assert happened == due < learned
    assert product.rows("SELECT kind, priority FROM ticket") == [("incident", "critical")]
    there = product.mqtt
    address = BrokerAddress(there.host, there.port, there.username, there.password)
    with listening(address, ANNOUNCE) as siren:
        heard = siren.bodies(ANNOUNCE)
        until(lambda: any(said.get("fire") for said in siren.bodies(ANNOUNCE)), 90, str(heard))
