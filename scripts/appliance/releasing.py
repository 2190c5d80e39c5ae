"""A release on disk: the checkout, its Python packages, and the word that all of it is there."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from scripts.appliance.journal import Moment
from scripts.appliance.layout import MARKER, Layout, sync_folder
from scripts.appliance.manifest import Manifest
from scripts.appliance.words import Refusal, say


def prepare(bundle: Path, manifest: Manifest, layout: Layout, moment: Moment) -> None:
    """Lay out the release of a bundle beside the one that runs; nothing when it is there."""
    release = layout.release(manifest.name)
    if layout.is_complete(manifest.name):
        say(f"{manifest.name} is laid out already.")
        return
    # Its beginning may be of an earlier try that the power ended.
    shutil.rmtree(release, ignore_errors=True)
    release.mkdir()
    moment("release begun")
    for archive in ("app.tar", "assets.tar"):
        _run(["tar", "--extract", "--no-same-owner", "--file", str(bundle / archive)], release)
    # No clock on which this release runs can stand before that.
    (release / "built-at").write_text(f"{manifest.built_at}\n", encoding="utf-8")
    moment("checkout unpacked")
    say("Installing the Python packages of the bundle ...")
    _run([sys.executable, "-m", "venv", "--clear", "--without-pip", ".venv"], release)
    offline = offline_environment(bundle / "wheels")
    # Debian's Python brings no pip for new environments; a wheel of it runs as it is.
    [pip] = (bundle / "wheels").glob("pip-*.whl")
    environment = str(release / ".venv/bin/python")
    _run([environment, f"{pip}/pip", "install", "--quiet", str(pip)], release, offline)
    moment("environment made")
    _run([environment, "-m", "scripts.set_up", "python"], release, offline)
    _run([environment, "-m", "compileall", "-q", "-j", "0", "."], release, may_fail=True)
    _run([str(release / ".venv/bin/watchkeeper"), "--help"], release)
    # At once for all of it: a release has thousands of files.
    os.sync()
    moment("packages installed")
    (release / MARKER).touch()
    sync_folder(release)
    moment("release complete")


def offline_environment(wheels: Path) -> dict[str, str]:
    """An environment in which pip knows these wheels and nothing else."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    return kept | {
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(wheels),
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_ROOT_USER_ACTION": "ignore",
    }


def _run(
    command: list[str],
    folder: Path,
    environment: Mapping[str, str] | None = None,
    *,
    may_fail: bool = False,
) -> None:
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode != 0 and not may_fail:
        raise Refusal(f"{' '.join(command)} failed", done.stdout.splitlines()[-15:])


def prune(layout: Layout, before: str) -> None:
    """Remove every release but the one that runs and the one that ran before it.

    Not the newest ones: a release that failed was laid out after the one that ran.
    """
    kept = {layout.running(), before}
    for entry in layout.releases.iterdir():
        if entry.name not in kept:
            shutil.rmtree(entry)
