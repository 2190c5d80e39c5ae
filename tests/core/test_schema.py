"""The schema: migrated once, refused when unknown, and the same as the models."""

import importlib
import pkgutil
from collections.abc import Iterator

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect, text

import core
import workflows
from core.db import Base, Database
from core.schema import (
    UnknownSchema,
    current_revision,
    migrate,
    newest_revision,
    require_current,
)


@pytest.fixture
def empty(database_url: str) -> Iterator[Database]:
    """A database without any table."""
    database = Database(database_url)
    yield database
    database.close()


def test_an_empty_database_is_brought_to_the_newest_revision_once(empty: Database) -> None:
    assert current_revision(empty) is None
    assert migrate(empty)
    assert current_revision(empty) == newest_revision()
    assert not migrate(empty)
    require_current(empty)


def test_a_role_refuses_a_database_that_was_not_migrated(empty: Database) -> None:
    with pytest.raises(UnknownSchema, match="is at revision none") as caught:
        require_current(empty)
    assert "db migrate" in caught.value.advice
    assert inspect(empty.engine).get_table_names() == []


def test_a_database_of_a_newer_version_is_refused_and_left_alone(database: Database) -> None:
    with database.write() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    for refuse in (require_current, migrate):
        with pytest.raises(UnknownSchema, match="9999, which this version does not know"):
            refuse(database)
    assert current_revision(database) == "9999"


def test_the_migrations_make_what_the_models_say(database: Database) -> None:
    for room in (core, workflows):
        for module in pkgutil.walk_packages(room.__path__, f"{room.__name__}."):
            if ".migrations" not in module.name:
                importlib.import_module(module.name)
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []
