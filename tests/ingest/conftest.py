"""The building, on a fresh copy of one SQLite file."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.db import Database, sqlite_url
from tests.ingest.building import build
from tests.ingest.stage import Stage


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
