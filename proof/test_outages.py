"""The outages of the tests, each a minute long."""

from collections.abc import Callable
from pathlib import Path

import pytest

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
