"""Where an appliance keeps what: releases, settings, data, backups; all below one root."""

import os
from pathlib import Path

MARKER = ".complete"
USER = "watchkeeper"
SERVICE = "watchkeeper.service"


class Layout:
    """The places of an appliance below `root`, which is / but in tests and images."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.home = root / "opt/watchkeeper"
        self.releases = self.home / "releases"
        self.current = self.home / "current"
        self.journal = self.home / "upgrade.json"
        self.settings = root / "etc/watchkeeper/watchkeeper.toml"
        self.units = root / "etc/systemd/system"
        self.data = root / "var/lib/watchkeeper"
        self.backups = root / "var/backups/watchkeeper"

    def make_folders(self) -> None:
        """Make what is not there; backups hold personal data, so only root may look inside."""
        for folder in (self.releases, self.settings.parent, self.units):
            folder.mkdir(parents=True, exist_ok=True)
        for folder in (self.data, self.backups):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def running(self) -> str | None:
        """The name of the release that `current` leads to."""
        try:
            return Path(os.readlink(self.current)).name
        except FileNotFoundError:
            return None

    def release(self, name: str) -> Path:
        """The folder of a release."""
        return self.releases / name

    def is_complete(self, name: str) -> bool:
        """Whether a release was installed to its end."""
        return (self.release(name) / MARKER).exists()

    def lead_to(self, name: str) -> None:
        """Let `current` lead to a release: rename(2), so that there is always one it leads to."""
        draft = self.home / "current.new"
        draft.unlink(missing_ok=True)
        draft.symlink_to(Path("releases") / name)
        draft.replace(self.current)
        sync_folder(self.home)


def sync_folder(folder: Path) -> None:
    """Have the names in a folder on disk, as fsync(2) does for files."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_tree(folder: Path) -> None:
    """Have everything below a folder on disk; the rest of the machine need not wait for it."""
    for path in [folder, *folder.rglob("*")]:
        if path.is_dir() and not path.is_symlink():
            sync_folder(path)
        elif path.is_file() and not path.is_symlink():
            with path.open("rb") as file:
                os.fsync(file.fileno())


def write_whole(path: Path, text: str) -> None:
    """Write a file so that after a power cut it holds the old text or the new one."""
    draft = path.with_name(path.name + ".new")
    with draft.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    sync_folder(path.parent)
