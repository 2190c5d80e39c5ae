"""The building, on a fresh copy of one SQLite file."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

import ingest.heartbeat
import ingest.settling
from core.db import Database, sqlite_url
from tests.ingest.building import build
from tests.ingest.living import Living, Make
from tests.ingest.loop_broker import NOWHERE, LoopBroker
from tests.ingest.stage import Stage


@pytest.fixture(scope="session", autouse=True)
def _plain_tracebacks() -> Iterator[None]:
    """As the product logs: to draw a traceback with all its variables takes many seconds."""
    renderer = structlog.dev.ConsoleRenderer(
        colors=False, exception_formatter=structlog.dev.plain_traceback
    )
    structlog.configure(processors=[structlog.processors.add_log_level, renderer])
    yield
    structlog.reset_defaults()


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory, migrated_file: Path) -> Path:
    """A migrated database with the building, made once."""
    path = tmp_path_factory.mktemp("building") / "template.sqlite"
    build(path, migrated_file)
    return path


@pytest.fixture
def building(template: Path, tmp_path: Path) -> Iterator[Database]:
    """The building in a database of its own."""
    path = tmp_path / "building.sqlite"
    shutil.copyfile(template, path)
    database = Database(sqlite_url(path))
    yield database
    database.close()


@pytest.fixture
def stage(building: Database) -> Stage:
    """The pipeline over the building."""
    return Stage(building)


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the loop broker repeats comes at once, so settling needn't take seconds."""
    monkeypatch.setattr(ingest.settling, "SETTLE", 0.2)
    monkeypatch.setattr(ingest.settling, "QUIET", 0.1)
    monkeypatch.setattr(ingest.heartbeat, "BEAT_SECONDS", 0.1)


@pytest.fixture
def broker() -> LoopBroker:
    """An empty broker."""
    return LoopBroker()


@pytest.fixture
def make(building: Database, tmp_path: Path, broker: LoopBroker, soon: None) -> Iterator[Make]:
    """Makes services, and stops them when the test ends."""
    made: list[Living] = []

    def build(database: Database = building, **options: Any) -> Living:
        living = Living(
            database, tmp_path, address=NOWHERE, open_session=broker.open_session, **options
        )
        made.append(living)
        return living

    yield build
    for living in made:
        living.stop()
