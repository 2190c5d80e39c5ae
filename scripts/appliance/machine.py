"""What a machine must be before anything is done to it; every problem is found at once."""

import os
import platform
import shutil
import sys
import time
import tomllib
from pathlib import Path

from scripts.appliance.backups import size_mib
from scripts.appliance.layout import Layout
from scripts.appliance.manifest import Manifest
from scripts.appliance.words import Refusal

# A release, its backup and room for what the product writes meanwhile.
SPARE_MIB = 512


def check(manifest: Manifest, layout: Layout) -> None:
    """Refusal with every reason why the bundle can't be installed on this machine."""
    problems = [
        problem
        for problem in (
            _root(layout),
            _architecture(manifest),
            _python(manifest),
            clock_problem(manifest.built_at, time.time()),
            *_space(manifest, layout),
            *_other_places(layout),
        )
        if problem
    ]
    if problems:
        raise Refusal("this machine is not ready", problems)


def _root(layout: Layout) -> str:
    if layout.root == Path("/") and os.geteuid() != 0:
        return "it has to be run by root: sudo ./install.sh"
    return ""


def _architecture(manifest: Manifest) -> str:
    here = platform.machine()
    if here != manifest.architecture:
        return f"the bundle is for {manifest.architecture}, this machine is {here}"
    return ""


def _python(manifest: Manifest) -> str:
    here = f"{sys.version_info.major}.{sys.version_info.minor}"
    if here != manifest.python:
        return f"the bundle is for Python {manifest.python}, this is {here}"
    return ""


def clock_problem(built_at: int, now: float) -> str:
    """What is wrong with a clock that stands before the bundle was built; empty when nothing is."""
    if now >= built_at:
        return ""
    shown = time.strftime("%Y-%m-%d %H:%M", time.gmtime(now))
    built = time.strftime("%Y-%m-%d %H:%M", time.gmtime(built_at))
    return (
        f"the clock stands at {shown} UTC, before the bundle was built ({built} UTC); set it with "
        "date --utc --set '2026-11-30 08:15' and hwclock --systohc, and change the battery of the "
        "mainboard"
    )


def _space(manifest: Manifest, layout: Layout) -> list[str]:
    size = size_mib(layout.data) if layout.data.exists() else 0
    # Going back lays the backup ready beside the data; before that a migration has copied its
    # database.
    wanted = {layout.home: manifest.installed_mib, layout.backups: size, layout.data: 2 * size}
    disks: dict[int, tuple[Path, int]] = {}
    for place, mib in wanted.items():
        standing = _standing(place)
        first, sum_so_far = disks.get(standing.stat().st_dev, (standing, SPARE_MIB))
        disks[standing.stat().st_dev] = first, sum_so_far + mib
    problems = []
    for place, needed in disks.values():
        free = shutil.disk_usage(place).free // 2**20
        if free < needed:
            problems.append(f"{free} MiB are free on the disk of {place}, {needed} are needed")
    return problems


def _standing(path: Path) -> Path:
    return path if path.exists() else _standing(path.parent)


def _other_places(layout: Layout) -> list[str]:
    """A copy of the data folder would not hold what has to be put back."""
    if not layout.settings.exists():
        return []
    try:
        settings = tomllib.loads(layout.settings.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        return [f"{layout.settings} can't be read: {error}"]
    problems = []
    if settings.get("database_url"):
        problems.append(
            f"{layout.settings} names a database of its own, which this installer can't put back; "
            "back it up and upgrade as docs/deployment.md says"
        )
    folder = str(settings.get("data_dir", layout.data))
    if Path(folder).resolve() != layout.data.resolve():
        problems.append(
            f"{layout.settings} says that the data are in {folder}, but this installer copies and "
            f"puts back {layout.data}; move them there, or mount their disk there"
        )
    return problems
