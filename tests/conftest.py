"""What every test may ask for; the fixtures themselves stand in the modules named here."""

from collections import Counter

import pytest

pytest_plugins = [
    "tests.servers.postgres",
    "tests.servers.chromium",
    "tests.servers.identity_provider",
    # The product's own fixtures (`db` and what stands on it), built from `database_url`.
    "tests.fixtures",
]

# Few tests that take minutes, for they wait for clocks and processes: begun last, one of them
# would run on alone when all others are done. The longest first.
LONG = (
    "tests/stories/test_kills.py",
    "tests/stories/test_outages.py",
    "tests/test_cli.py",
    "tests/ingest/test_brokers.py",
    "tests/web/test_control_room.py",
    "tests/stories/test_report_to_rating.py",
    "tests/ingest/test_run.py",
    "tests/web/quality/test_axe.py",
    "tests/api/test_schemathesis.py",
    "tests/stories/test_replay.py",
    "tests/web/quality/test_lighthouse.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the long files, and go on with those of many tests."""
    counts = Counter(_file(item) for item in items)

    def place(item: pytest.Item) -> tuple[int, int]:
        file = _file(item)
        return LONG.index(file) if file in LONG else len(LONG), -counts[file]

    items.sort(key=place)


def _file(item: pytest.Item) -> str:
    return item.nodeid.partition("::")[0]
