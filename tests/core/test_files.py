"""The store of files: whole or not at all, once, and clear about what it can't do."""

import os
from pathlib import Path

import pytest

from core.errors import NotFound, Unavailable
from core.files import FileStore, files_url
from core.settings import load


def test_what_is_stored_comes_back_by_its_hash(tmp_path: Path) -> None:
    store = FileStore(str(tmp_path / "files"))
    digest = store.put(b"a photo")
    assert len(digest) == 64
    assert store.get(digest) == b"a photo"
    assert FileStore(str(tmp_path / "files")).get(digest) == b"a photo"


def test_the_same_content_stands_once_and_nothing_half_is_left(tmp_path: Path) -> None:
    store = FileStore(str(tmp_path))
    assert store.put(b"a photo") == store.put(b"a photo")
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == 1


def test_content_is_on_the_disk_before_it_has_its_name_and_the_name_before_it_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[str, bool]] = []

    def fsync(descriptor: int) -> None:
        path = Path(os.readlink(f"/proc/self/fd/{descriptor}"))
        named = any(len(each.name) == 62 for each in tmp_path.rglob("*"))
        seen.append(("folder" if path.is_dir() else path.read_text(), named))

    monkeypatch.setattr(os, "fsync", fsync)
    FileStore(str(tmp_path)).put(b"a photo")
    assert seen == [("a photo", False), ("folder", True)]


def test_another_kind_of_store_is_a_setting() -> None:
    store = FileStore("memory://photos")
    assert store.get(store.put(b"elsewhere")) == b"elsewhere"


def test_files_lie_in_the_data_folder_unless_set(tmp_path: Path) -> None:
    assert files_url(load(data_dir=tmp_path)) == str(tmp_path / "files")
    assert files_url(load(data_dir=tmp_path, files_url="memory://x")) == "memory://x"


def test_what_is_gone_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        FileStore(str(tmp_path)).get("0" * 64)


def test_a_store_that_takes_nothing_says_so(tmp_path: Path) -> None:
    (tmp_path / "files").write_text("a file where the folder should be")
    with pytest.raises(Unavailable, match="takes nothing"):
        FileStore(str(tmp_path / "files")).put(b"a photo")
