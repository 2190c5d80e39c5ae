"""One real Mosquitto for the tests of this folder."""

from collections.abc import Iterator

import pytest

from simulators.connection import BrokerAddress
from tests.servers.mosquitto import mosquitto
from tests.simulators.listener import address_of


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrokerAddress]:
    """The address of a running broker that lets everybody in."""
    with mosquitto(tmp_path_factory.mktemp("mosquitto")) as process:
        yield address_of(process)
