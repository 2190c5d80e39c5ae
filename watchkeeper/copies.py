"""Copies of a SQLite database as it was before an upgrade, in the data folder."""

from pathlib import Path

from core.db import Database
from core.schema import current_revision, require_current

# Each is as large as the database, and holds what was erased from it since.
KEPT = 3
_NAMES = "before-*.sqlite"


def copy_before_migration(database: Database, folder: Path) -> Path | None:
    """Copy a database that is to be migrated; None where nothing will be.

    The copy is what going back by hand needs, so one that stands already is left as it is.
    """
    if not database.is_sqlite or (revision := current_revision(database)) is None:
        return None
    try:
        require_current(database)
    except Exception:  # noqa: BLE001 - whatever is not current is backed up first
        target = folder / f"before-{revision}.sqlite"
        if not target.exists():
            database.copy_to(target)
        return target
    return None


def prune_copies(folder: Path, needed: Path) -> None:
    """Remove all but the newest copies; `needed`, that of the last migration, stays in any case."""
    others = sorted(
        (path for path in folder.glob(_NAMES) if path != needed),
        key=lambda path: (path.stat().st_mtime, path.name),
    )
    for old in others[: -(KEPT - 1)]:
        old.unlink()
