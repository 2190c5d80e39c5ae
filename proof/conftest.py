"""The long campaigns stand on the same servers and stages as the tests."""

pytest_plugins = [
    "tests.servers.postgres",
    "tests.servers.chromium",
    # The product's own fixtures (`db` and what stands on it), built from `database_url`.
    "tests.fixtures",
    # The furnished stage, and what it is built on.
    "tests.web.conftest",
    "tests.web.quality.conftest",
]
