"""Copies of the database from before upgrades: how many stay, and which."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from core.settings import load
from watchkeeper import product
from watchkeeper.copies import KEPT, prune_copies


def copies_in(folder: Path, count: int) -> list[Path]:
    """So many copies, the oldest first."""
    made = [folder / f"before-{number:04}.sqlite" for number in range(50 - count, 50)]
    for number, path in enumerate(made):
        path.touch()
        os.utime(path, (1_700_000_000 + number, 1_700_000_000 + number))
    return made


def test_the_newest_copies_stay_and_the_one_that_going_back_needs(tmp_path: Path) -> None:
    copies = copies_in(tmp_path, 6)
    database = tmp_path / "watchkeeper.sqlite"
    database.touch()
    # Whoever went back to it, and now goes on again, has a copy that is not the newest.
    needed = copies[1]
    prune_copies(tmp_path, needed)
    assert sorted(tmp_path.iterdir()) == [needed, *copies[-(KEPT - 1) :], database]


def test_copies_go_only_once_the_next_upgrade_went_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copies = copies_in(tmp_path, 6)
    with closing(sqlite3.connect(tmp_path / "watchkeeper.sqlite")) as database:
        database.execute("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)")
        database.execute("INSERT INTO alembic_version VALUES ('0001')")
        database.commit()
    outcomes = iter([RuntimeError("it went wrong"), None])

    def migrate(*_: object) -> None:
        if error := next(outcomes):
            raise error

    monkeypatch.setattr(product, "migrate", migrate)
    new = product.Product(load(data_dir=tmp_path))
    try:
        with pytest.raises(RuntimeError):
            new.migrate()
        made = tmp_path / "before-0001.sqlite"
        assert sorted(tmp_path.glob("before-*")) == [made, *copies]
        new.migrate()
        assert sorted(tmp_path.glob("before-*")) == [made, *copies[-(KEPT - 1) :]]
    finally:
        new.stop()
