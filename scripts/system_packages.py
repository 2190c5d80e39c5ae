"""Debian packages for the tests (servers, a browser, a font), and for readers of tags."""

import os
import shutil
import sys
import sysconfig
from collections.abc import Mapping
from pathlib import Path

from scripts.shell import SetUpError, run, say

# Each package with a file that it brings; the file may also come from somewhere else.
FONT = {"fonts-noto-cjk": "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc"}
PACKAGES = {
    "caddy": "/usr/bin/caddy",
    "chromium": "/usr/bin/chromium",
    **FONT,
    "mosquitto": "/usr/sbin/mosquitto",
    "mosquitto-clients": "/usr/bin/mosquitto_sub",
    "postgresql": "/usr/lib/postgresql/*/bin/initdb",
    # It takes what is written to InfluxDB 2, which Debian doesn't have.
    "victoria-metrics": "/usr/bin/victoria-metrics",
}
# The service that speaks to PC/SC readers, and what its Python library is built with.
FOR_READERS = {
    "gcc": "/usr/bin/gcc",
    "libc6-dev": "/usr/include/stdlib.h",
    "libpcsclite-dev": "/usr/include/PCSC/winscard.h",
    "pcscd": "/usr/sbin/pcscd",
    "swig": "/usr/bin/swig",
}


def for_readers() -> dict[str, str]:
    """What readers need; Debian's own Python has its headers in a package, too."""
    header = Path(sysconfig.get_path("include")) / "Python.h"
    package = f"python{sys.version_info.major}.{sys.version_info.minor}-dev"
    return {**FOR_READERS, package: str(header)}


def missing(packages: Mapping[str, str] | None = None) -> list[str]:
    """The packages whose file is not on this machine; those for the tests unless told others."""
    wanted = PACKAGES if packages is None else packages
    return [name for name, file in wanted.items() if not list(Path("/").glob(file.lstrip("/")))]


def are_installed() -> bool:
    """Whether nothing is missing."""
    return not missing()


def install() -> None:
    """Install what is missing, as root on Debian; otherwise stop and name it."""
    apt_install(missing())


def install_font() -> None:
    """Install the font that PDFs need, where that can be done; everything else works without."""
    try:
        apt_install(missing(FONT))
    except SetUpError as error:
        say(f"      PDFs are refused until it is there: {error}")


def apt_install(names: list[str]) -> None:
    """Install Debian packages by name; SetUpError when that cannot be done from here."""
    command = ["apt-get", "install", "--yes", "--no-install-recommends", *names]
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise SetUpError(f"these packages are missing; install them: sudo {' '.join(command)}")
    say(f"      installing {' '.join(names)}")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    run(["apt-get", "update"], environment=environment, progress=r"(Fetched .*|Err.*)")
    run(command, environment=environment, progress=r"(Need to get .*|Fetched .*|Setting up .*)")
