"""The building, on a fresh copy of one SQLite file."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from core.db import Database, sqlite_url
from tests.ingest.building import build
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
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated database with the building, made once."""
    path = tmp_path_factory.mktemp("building") / "template.sqlite"
    build(path)
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
