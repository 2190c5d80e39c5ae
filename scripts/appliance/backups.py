"""Copies of the data folder, taken and put back while nothing of the product runs."""

import shutil
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

from scripts.appliance.layout import Layout, sync_folder, sync_tree
from scripts.appliance.words import Refusal

# Photos and recordings stand under the hash of their content and are never changed: a second
# name for each is a copy that takes no room.
FILES = "files"
# What only a running process means something by.
PASSING = ("running.json", "*.sock", "*.lock")
READY, FAILED = ".restoring", ".failed"
KEPT = 2


def entries(folder: Path) -> list[Path]:
    """What of a data folder is worth keeping, in order of name."""
    return sorted(
        entry
        for entry in folder.iterdir()
        if entry.name not in (READY, FAILED)
        and not any(entry.match(pattern) for pattern in PASSING)
        and not stat.S_ISSOCK(entry.lstat().st_mode)
    )


def size_mib(folder: Path) -> int:
    """How much a copy of a data folder takes, at least."""
    total = 0
    for entry in entries(folder):
        if entry.name != FILES:
            paths = [entry, *entry.rglob("*")] if entry.is_dir() else [entry]
            total += sum(path.lstat().st_size for path in paths)
    return total // 2**20 + 1


def take(layout: Layout, name: str, moment: Callable[[str], None]) -> None:
    """Copy the data folder into the backup `name`, on disk when this returns."""
    target = layout.backups / name
    target.mkdir(mode=0o700)
    for entry in entries(layout.data):
        copy(entry, target)
        moment(f"{entry.name} backed up")
    sync_tree(target)


def lay_ready(layout: Layout, name: str, moment: Callable[[str], None]) -> None:
    """Copy a backup into the data folder, beside what is to go."""
    ready = layout.data / READY
    shutil.rmtree(ready, ignore_errors=True)
    ready.mkdir(mode=0o700)
    for entry in entries(layout.backups / name):
        if entry.name != FILES:
            copy(entry, ready)
            moment(f"{entry.name} laid ready")
    sync_tree(ready)


def put_back(layout: Layout, name: str, moment: Callable[[str], None]) -> None:
    """Change what stands in the data folder for what lies ready; what stood there is set aside.

    Interrupted anywhere, it goes on: what lies ready no longer is back already.
    """
    ready, backup = layout.data / READY, layout.backups / name
    aside = layout.data / FAILED / name
    aside.mkdir(parents=True, exist_ok=True, mode=0o700)
    for entry in entries(layout.data):
        waits = (ready / entry.name).exists()
        if entry.name != FILES and (waits or not (backup / entry.name).exists()):
            entry.rename(aside / entry.name)
            moment(f"{entry.name} set aside")
    for entry in sorted(ready.iterdir()) if ready.exists() else []:
        entry.rename(layout.data / entry.name)
        moment(f"{entry.name} put back")
    if (backup / FILES).exists():
        # Those that the failed release took in stay: nothing old is called as they are.
        copy(backup / FILES, layout.data, "--no-clobber")
    shutil.rmtree(ready, ignore_errors=True)
    sync_folder(layout.data)


def copy(entry: Path, target: Path, *more: str) -> None:
    """Copy an entry with owners, modes and times; files of FILES get a second name instead.

    Refusal with cp's own words when it can't be done, as where the disk is full.
    """
    how = ["--archive", *more]
    if entry.name == FILES:
        linked = subprocess.run(
            ["cp", *how, "--link", str(entry), str(target)], capture_output=True, check=False
        )
        if linked.returncode == 0:
            return
    # The two may be on different disks, or the disk know no second names.
    done = subprocess.run(
        ["cp", *how, "--reflink=auto", str(entry), str(target)],
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode != 0:
        raise Refusal(f"{entry} can't be copied", done.stderr.splitlines()[-5:])


def drop(layout: Layout, name: str) -> None:
    """Remove a backup."""
    shutil.rmtree(layout.backups / name, ignore_errors=True)


def prune(layout: Layout) -> None:
    """Keep the newest backups, whose names begin with their time, and what failed last."""
    for old in sorted(entry.name for entry in layout.backups.iterdir())[:-KEPT]:
        drop(layout, old)
    failed = layout.data / FAILED
    for past in sorted(failed.iterdir())[:-1] if failed.exists() else []:
        shutil.rmtree(past, ignore_errors=True)
