"""What every test may ask for; the fixtures themselves stand in the modules named here."""

import atexit
import contextlib
import gc
import importlib
import os
from collections import Counter
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

# Histories are drawn from the same seed everywhere, as they are where CI is set: who changes
# nothing finds nothing new. `make proof` draws others, as many as it is told.
settings.register_profile("seeded", settings.get_profile("ci"))
settings.register_profile("search", settings.get_profile("default"), print_blob=True)
settings.load_profile("seeded")

# Until all is collected nothing of it goes away: to look for garbage meanwhile is in vain.
gc.disable()
# What a test leaves is let go of by the count of its references; the rest may wait for more of it.
# Python's 700 new objects make a run look for it thousands of times, and walk over what stays.
gc.set_threshold(20_000, 20, 20)

pytest_plugins = [
    "tests.servers.postgres",
    "tests.servers.chromium",
    "tests.servers.identity_provider",
    "tests.servers.influx.real",
    # The product's own fixtures (`db` and what stands on it), built from `database_url`.
    "tests.fixtures",
]

# Few tests that take minutes, for they wait for clocks and processes: begun last, one of them
# would run on alone when all others are done. The longest first.
LONG = (
    "tests/stories/test_kills.py",
    "tests/stories/test_outages.py",
    "tests/test_cli.py",
    "tests/stories/test_compose.py",
    "tests/ingest/test_brokers.py",
    "tests/web/test_control_room.py",
    "tests/stories/test_report_to_rating.py",
    "tests/ingest/test_run.py",
    "tests/web/quality/test_axe.py",
    "tests/api/test_schemathesis.py",
    "tests/stories/test_replay.py",
    "tests/web/quality/test_lighthouse.py",
    "tests/stories/test_three_in_the_morning.py",
    "tests/stories/test_fire_alarm_killed.py",
    "tests/stories/test_a_day_of_faults.py",
    "tests/web/quality/test_large_text.py",
    "tests/web/quality/test_old_browsers.py",
    "tests/ingest/test_interruptions.py",
    "tests/test_bench_api.py",
    "tests/web/quality/test_stillness.py",
    "tests/workflows/test_alarm_load.py",
    "tests/simulators/test_world.py",
)


@pytest.hookimpl(wrapper=True)
def pytest_collection(session: pytest.Session) -> Generator[None, object, object]:
    """Keep the modules and tests, which stay to the end, out of the garbage collector's way.

    It would walk over all of them again and again, more often than over what a test leaves.
    """
    try:
        _import_own_part(session.config)
        return (yield)
    finally:
        gc.collect()
        gc.freeze()
        # Let all of it be destroyed in order, once pytest has looked for what tests left: before
        # that it would be walked over several times more.
        atexit.register(gc.unfreeze)
        gc.enable()


def _import_own_part(config: pytest.Config) -> None:
    """Import the worker's own part of all test modules, while the other workers import theirs.

    On a fresh checkout nothing is compiled. All workers collect in the same order, and so each
    would compile every module at the same time as the others.
    """
    worker = os.environ.get("PYTEST_XDIST_WORKER")
    root = config.rootpath
    if worker is None or [root / argument for argument in config.args] != [root / "tests"]:
        return
    number, workers = int(worker.removeprefix("gw")), int(os.environ["PYTEST_XDIST_WORKER_COUNT"])
    for path in sorted(_test_modules(root / "tests"))[number::workers]:
        # What is wrong with it is told when it is collected.
        with contextlib.suppress(Exception, pytest.skip.Exception):
            importlib.import_module(".".join(path.relative_to(root).with_suffix("").parts))


def _test_modules(package: Path) -> Iterator[Path]:
    """The files of all test modules of a package; what others installed below is none of it."""
    yield from package.glob("test_*.py")
    for inner in package.glob("*/__init__.py"):
        yield from _test_modules(inner.parent)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the long files, and go on with those of many tests."""
    counts = Counter(_file(item) for item in items)

    def place(item: pytest.Item) -> tuple[int, int]:
        file = _file(item)
        return LONG.index(file) if file in LONG else len(LONG), -counts[file]

    items.sort(key=place)


def _file(item: pytest.Item) -> str:
    return item.nodeid.partition("::")[0]
