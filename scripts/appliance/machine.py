"""What a machine must be before anything is done to it; every problem is found at once."""

import os
import platform
import shutil
import sys
import time
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
            _space(manifest, layout),
            _other_database(layout),
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


def _space(manifest: Manifest, layout: Layout) -> str:
    needed = manifest.installed_mib + SPARE_MIB
    if layout.data.exists():
        needed += size_mib(layout.data)
    free = shutil.disk_usage(_standing(layout.home)).free // 2**20
    if free < needed:
        return f"{free} MiB are free on the disk, {needed} are needed"
    return ""


def _standing(path: Path) -> Path:
    return path if path.exists() else _standing(path.parent)


def _other_database(layout: Layout) -> str:
    # A copy of the data folder would not hold what has to be put back.
    if layout.settings.exists() and any(
        line.split("=")[0].strip() == "database_url"
        for line in layout.settings.read_text(encoding="utf-8").splitlines()
    ):
        return (
            f"{layout.settings} names a database of its own, which this installer can't put back; "
            "back it up and upgrade as docs/deployment.md says"
        )
    return ""
