"""A day of one building: seeded faults, people who repair them, one right ticket for each."""

import io
from pathlib import Path

import pytest
import yaml
from rich.console import Console

from simulators.accept import accept
from simulators.connection import BrokerAddress
from simulators.judgement import Outcome
from simulators.month.generator import generate_month
from simulators.product import Product as Api
from simulators.simulate import Pace
from simulators.world.site import MONTH_SITE, read_site
from tests.servers.product import Product, done

BUILDING = "t1"


def one_building(path: Path) -> Path:
    """The site file of the month, cut down to one of its buildings."""
    document = yaml.safe_load(MONTH_SITE.read_text(encoding="utf-8"))
    document["spaces"] = [one for one in document["spaces"] if one["code"] == BUILDING]
    document["assets"] = [
        one for one in document["assets"] if one["code"].startswith(f"{BUILDING}-")
    ]
    kept = {one["code"] for one in document["assets"]}
    document["devices"] = [one for one in document["devices"] if one["asset"] in kept]
    supplies = [
        one | {"to": [code for code in one["to"] if code in kept]}
        for one in document["supplies"]
        if one["from"] in kept
    ]
    document["supplies"] = [one for one in supplies if one["to"]]
    path.write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")
    return path


@pytest.mark.timeout(600)
def test_a_day_of_faults_gives_one_right_ticket_each(tmp_path: Path) -> None:
    file = one_building(tmp_path / "site.yaml")
    site = read_site(file)
    plan = generate_month(site, seed=2, days=1, equipment=12, sensors=4, mischief=False)
    product = Product(tmp_path / "product", settings={"clock": "simulated"})
    done("site", "import", str(file), folder=product.folder, settings=product.settings)
    product.start()
    try:
        address = BrokerAddress(
            product.mqtt.host, product.mqtt.port, product.mqtt.username, product.mqtt.password
        )
        with Api(product.url, product.token) as api:
            found = accept(
                address,
                api,
                site,
                plan,
                pace=Pace(True, "max"),
                settle=60,
                console=Console(file=io.StringIO()),
            )
        # Everything was closed, so nobody finds an open ticket the next morning.
        standing = product.get("/api/v1/tickets?state=open")["items"]
    finally:
        product.end()
    outcomes = {one.fault: (one.outcome, one.note) for one in found.judgement.verdicts}
    assert {outcome for outcome, _ in outcomes.values()} == {Outcome.RIGHT, Outcome.QUIET}, outcomes
    assert found.judgement.false == ()
    assert [one for one in found.done if not one.ok] == []
    assert len([one for one in found.done if one.do == "close"]) >= 5
    assert found.ok
    assert standing == []
