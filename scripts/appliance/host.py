"""The machine's own services: systemd where the root is /, nothing where it is a folder."""

import shutil
import subprocess
import time
from pathlib import Path

from scripts.appliance import trial
from scripts.appliance.layout import SERVICE, USER, Layout
from scripts.appliance.trial import Ill
from scripts.appliance.words import Refusal, say

UNITS = (SERVICE, "watchkeeper-clock.path", "watchkeeper-clock.service")
CONSOLE = "etc/issue.d/watchkeeper.issue"
_READY_SECONDS = 120.0


class Host:
    """A folder that stands for a machine: units are laid down, and nothing is started."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout

    def ill(self) -> Ill:
        """What is wrong with the parts of a product that runs now; nothing where none runs."""
        return trial.word_of(self.layout.data / "running.json").ill

    def make_user(self) -> None:
        """Make the account that the service runs as."""

    def install_packages(self, folder: Path) -> None:
        """Install the bundle's Debian packages that are missing."""

    def lay_units(self, name: str) -> None:
        """Have the units of a release in place, and read."""
        source = self.layout.release(name) / "deploy/appliance"
        for unit in UNITS:
            shutil.copyfile(source / unit, self.layout.units / unit)
        console = self.layout.root / CONSOLE
        console.parent.mkdir(parents=True, exist_ok=True)
        if not console.is_symlink():
            console.symlink_to("/run/watchkeeper/console.issue")

    def stop(self) -> None:
        """Stop the service; returns when it has ended."""

    def start(self, before: Ill) -> None:
        """Start the service; Refusal unless it is well soon.

        before: what was wrong already, which counts against nobody.
        """


class SystemdHost(Host):
    """This very machine."""

    def make_user(self) -> None:
        """Make the account that the service runs as."""
        if _succeeds("id", USER):
            return
        home = str(self.layout.data)
        _do("useradd", "--system", "--home-dir", home, "--shell", "/usr/sbin/nologin", USER)

    def install_packages(self, folder: Path) -> None:
        """Install the bundle's Debian packages that are missing."""
        for package in sorted(folder.glob("*.deb")):
            name = package.name.partition("_")[0]
            if not _succeeds("dpkg-query", "--status", name):
                say(f"Installing Debian's {name} ...")
                _do("dpkg", "--install", str(package))

    def lay_units(self, name: str) -> None:
        """Have the units of a release in place, and read."""
        super().lay_units(name)
        _do("systemctl", "daemon-reload")
        _do("systemctl", "enable", "--quiet", SERVICE)
        _do("systemctl", "enable", "--quiet", "--now", "watchkeeper-clock.path")

    def stop(self) -> None:
        """Stop the service; returns when it has ended."""
        _do("systemctl", "stop", SERVICE)

    def start(self, before: Ill) -> None:
        """Start the service; Refusal unless it is as well as before, soon."""
        _do("systemctl", "start", SERVICE)
        announced = self.layout.data / "running.json"
        ends = time.monotonic() + _READY_SECONDS
        while ill := trial.word_of(announced).since(before):
            if time.monotonic() > ends:
                raise Refusal(f"the service is not well: {ill}; see journalctl -u {SERVICE}")
            time.sleep(0.5)


def _succeeds(*command: str) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def _do(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Refusal(f"{' '.join(command)} failed", (done.stdout + done.stderr).splitlines())
