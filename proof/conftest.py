"""The long campaigns stand on the same servers and stages as the tests."""

from tests.web.conftest import foundation
from tests.web.quality.conftest import furnished

__all__ = ["foundation", "furnished"]

pytest_plugins = [
    "tests.servers.postgres",
    "tests.servers.chromium",
    # The product's own fixtures (`db` and what stands on it), built from `database_url`.
    "tests.fixtures",
]
