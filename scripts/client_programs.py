"""Programs in Python that only tests run, to speak to the product: each by a lock of its own."""

import os
import re
import shutil
from pathlib import Path
from typing import NamedTuple

from scripts.python_packages import PIP_PROGRESS, PYTHON, interpreter
from scripts.shell import ROOT, fingerprint, read_stamp, run, say, write_stamp

FOLDER = ROOT / ".clients"


class ClientProgram(NamedTuple):
    """Packages in a folder beside the environment, since no two of these go together in one."""

    name: str

    @property
    def lock(self) -> Path:
        """Where its packages stand, by their hashes."""
        return ROOT / f"requirements-{self.name}.txt"

    @property
    def folder(self) -> Path:
        """Where its packages are."""
        return FOLDER / self.name

    def is_installed(self) -> bool:
        """Whether the folder was filled from the present lock."""
        return self.folder.exists() and read_stamp(f"client-{self.name}") == self._stamp()

    def install(self) -> None:
        """Fill the folder from the lock, built with the back-end that the environment holds."""
        shutil.rmtree(self.folder, ignore_errors=True)
        total = len(re.findall(r"^[a-z0-9].*==", self.lock.read_text(encoding="utf-8"), re.M))
        say(f"      {total} packages named in {self.lock.name}")
        command = [str(PYTHON), "-m", "pip", "install", "--require-hashes", "--no-deps"]
        command += ["--no-build-isolation", "--disable-pip-version-check", "--progress-bar", "off"]
        command += ["--target", str(self.folder), "--requirement", self.lock.name]
        run(command, progress=PIP_PROGRESS, total=total)
        write_stamp(f"client-{self.name}", self._stamp())

    def environment(self) -> dict[str, str]:
        """An environment in which Python finds its packages first."""
        return {**os.environ, "PYTHONPATH": str(self.folder), "PYTHONDONTWRITEBYTECODE": "1"}

    def _stamp(self) -> str:
        return fingerprint([self.lock], interpreter())


# ThingsBoard's IoT gateway, with the pymodbus that it wants, also as the server it polls.
GATEWAY = ClientProgram("gateway")
# A Sparkplug B edge node.
EDGE = ClientProgram("edge")
