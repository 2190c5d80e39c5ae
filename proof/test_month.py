"""The month-long acceptance run: thirty days of a site, its faults, its people, on a quiet machine.

MONTH_SEEDS names the seeds, `11-20` or `1,4,7`; without it, the first of the report.
"""

import io
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

from simulators.accept import accept, figures_lines, kinds_table, table
from simulators.connection import BrokerAddress
from simulators.faults.disturb import OutageCommand
from simulators.faults.plan import FaultKind
from simulators.month.generator import generate_month
from simulators.product import Product as Api
from simulators.simulate import Pace
from simulators.world.site import MONTH_SITE, read_site
from tests.servers.product import Product, done


def seeds() -> list[int]:
    """The seeds asked for."""
    found = list[int]()
    for part in os.environ.get("MONTH_SEEDS", "11").split(","):
        first, _, last = part.partition("-")
        found += range(int(first), int(last or first) + 1)
    return found


@pytest.fixture
def product(tmp_path: Path) -> Iterator[Product]:
    """The whole product, on a clock that the simulator moves, with the site of the month."""
    one = Product(tmp_path / "product", settings={"clock": "simulated"})
    done("site", "import", str(MONTH_SITE), folder=one.folder, settings=one.settings)
    one.start()
    yield one
    one.end()


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", seeds())
def test_a_month_of_faults_is_accepted(product: Product, tmp_path: Path, seed: int) -> None:
    site = read_site(MONTH_SITE)
    plan = generate_month(site, seed=seed)
    address = BrokerAddress(
        product.mqtt.host, product.mqtt.port, product.mqtt.username, product.mqtt.password
    )

    def stop() -> None:
        product.stop()

    with Api(product.url, product.token) as api:
        found = accept(
            address,
            api,
            site,
            plan,
            seed=seed,
            pace=Pace(True, "max"),
            settle=300,
            truth=tmp_path / "truth.jsonl",
            outages={FaultKind.PRODUCT_DOWN: OutageCommand(stop, product.start)},
            console=Console(file=io.StringIO()),
        )
    screen = Console(file=io.StringIO(), width=200)
    screen.print(table(found))
    screen.print(kinds_table(found))
    screen.print("\n".join([f"seed {seed}", *figures_lines(found)]))
    report = screen.file.getvalue()  # type: ignore[attr-defined]
    assert found.ok, report
    sys.stdout.write(report)
