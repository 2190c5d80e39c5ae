"""Small files that are there as a whole or not at all."""

import os
from pathlib import Path

import pytest

from core.kept_file import keep, kept


def test_what_is_kept_is_read_again_by_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "code"
    assert kept(path) == ""
    keep(path, "1\n")
    keep(path, "水泵\n")
    assert kept(path) == "水泵"
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_what_is_not_on_disk_yet_has_no_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "code"
    keep(path, "old")

    def power_cut(_: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", power_cut)
    with pytest.raises(KeyboardInterrupt):
        keep(path, "new")
    assert kept(path) == "old"
