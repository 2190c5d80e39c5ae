"""The schema: Alembic migrations, and the check that a role makes before it starts."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from core.db import Database
from core.errors import WatchkeeperError
from core.vault import Vault

_SCRIPTS = Path(__file__).parent / "migrations"


class UnknownSchema(WatchkeeperError):
    """The database was written by another version of the product."""


class NotMigrated(UnknownSchema):
    """The database waits for the migration to this version."""


def _config(database: Database, vault: Vault | None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS))
    config.attributes["database"] = database
    config.attributes["vault"] = vault
    return config


def newest_revision() -> str:
    """The revision that this version of the product writes."""
    head = ScriptDirectory(str(_SCRIPTS)).get_current_head()
    assert head is not None
    return head


def current_revision(database: Database) -> str | None:
    """The revision of the database; None when it is empty."""
    with database.engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def migrate(database: Database, vault: Vault | None = None) -> bool:
    """Bring the database to this version; returns whether anything changed.

    vault: seals the secrets that older versions wrote as they are; a database without people has
    none. Raises UnknownSchema for one that a newer version wrote.
    """
    current = current_revision(database)
    if current == newest_revision():
        return False
    _refuse_unknown(current)
    command.upgrade(_config(database, vault), "head")
    return True


def require_current(database: Database) -> None:
    """UnknownSchema unless the database is exactly at this version: a role migrates nothing.

    NotMigrated where `migrate` would bring it there.
    """
    current = current_revision(database)
    _refuse_unknown(current)
    if current != newest_revision():
        raise NotMigrated(
            f"the database is at revision {current or 'none'}, this version needs "
            f"{newest_revision()}",
            advice="Run `watchkeeper db migrate` once.",
        )


def _refuse_unknown(current: str | None) -> None:
    known = {script.revision for script in ScriptDirectory(str(_SCRIPTS)).walk_revisions()}
    if current is not None and current not in known:
        raise UnknownSchema(
            f"the database is at revision {current}, which this version does not know",
            advice="Start the newer version that wrote it, or restore a backup.",
        )
