"""Debian packages that the tests need: servers, a browser and a font with Chinese characters."""

import os
import shutil
from pathlib import Path

from scripts.shell import SetUpError, run, say

# Each package with a file that it brings; the file may also come from somewhere else.
PACKAGES = {
    "chromium": "/usr/bin/chromium",
    "fonts-noto-cjk": "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc",
    "mosquitto": "/usr/sbin/mosquitto",
    "postgresql": "/usr/lib/postgresql/*/bin/initdb",
}


def missing() -> list[str]:
    """The packages whose file is not on this machine."""
    return [name for name, file in PACKAGES.items() if not list(Path("/").glob(file.lstrip("/")))]


def are_installed() -> bool:
    """Whether nothing is missing."""
    return not missing()


def install() -> None:
    """Install what is missing, as root on Debian; otherwise stop and name it."""
    apt_install(missing())


def apt_install(names: list[str]) -> None:
    """Install Debian packages by name; SetUpError when that cannot be done from here."""
    command = ["apt-get", "install", "--yes", "--no-install-recommends", *names]
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise SetUpError(f"these packages are missing; install them: sudo {' '.join(command)}")
    say(f"      installing {' '.join(names)}")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    run(["apt-get", "update"], environment=environment, progress=r"(Fetched .*|Err.*)")
    run(command, environment=environment, progress=r"(Need to get .*|Fetched .*|Setting up .*)")
