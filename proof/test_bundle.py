"""The real bundle: built, installed without a network, started, upgraded, and rolled back."""

import json
import os
import shutil
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path

import pytest

from scripts.appliance.layout import Layout
from scripts.appliance.manifest import read_manifest, write_sums
from tests.appliance.stage import ROOT, write_manifest
from tests.servers import free_port
from tests.servers.product import until

TOPIC = "wk/v1/riverside/b1-leak-pumproom/readings"


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle of the present commit, unpacked."""
    folder = tmp_path_factory.mktemp("bundle")
    subprocess.run(
        [sys.executable, "-m", "scripts.bundle", "--target", folder], cwd=ROOT, check=True
    )
    [archive] = folder.glob("*.tar")
    subprocess.run(["sha256sum", "--check", f"{archive}.sha256"], cwd=folder, check=True)
    subprocess.run(["tar", "--extract", "--file", archive], cwd=folder, check=True)
    return archive.with_suffix("")


class Machine:
    """A root folder with the product in it."""

    def __init__(self, root: Path) -> None:
        self.layout = Layout(root)
        self.layout.settings.parent.mkdir(parents=True)
        usual = (ROOT / "deploy/appliance/watchkeeper.toml").read_text()
        kept = [line for line in usual.splitlines() if not line.startswith(("http_", "broker_"))]
        kept += [f"http_port = {free_port()}", f"broker_port = {free_port()}"]
        text = "\n".join(kept).replace("/var/lib/watchkeeper", str(self.layout.data))
        self.layout.settings.write_text(text)
        self.process: subprocess.Popen[bytes] | None = None

    def install(self, bundle: Path) -> subprocess.CompletedProcess[str]:
        """Install from a bundle, in a network of its own in which there is nothing."""
        words = f"ip link set lo up && exec {bundle}/install.sh --root {self.layout.root}"
        alone = ["unshare", "--net", *(["--map-root-user"] if os.geteuid() else [])]
        started = time.monotonic()
        done = subprocess.run(
            [*alone, "sh", "-c", words], capture_output=True, text=True, check=False
        )
        sys.stdout.write(f"\n{done.stdout}took {time.monotonic() - started:.0f} s\n")
        return done

    def run(self, *words: str) -> str:
        """A command of the installed product."""
        done = subprocess.run(
            [str(self.layout.current / ".venv/bin/watchkeeper"), *words],
            cwd=self.layout.current,
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    @property
    def _environment(self) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith("WATCHKEEPER_")}
        return kept | {"WATCHKEEPER_CONFIG": str(self.layout.settings)}

    def start(self) -> None:
        """Start the product as its unit does."""
        self.process = subprocess.Popen(
            [str(self.layout.current / ".venv/bin/watchkeeper"), "up"],
            cwd=self.layout.current,
            env=self._environment,
            stdout=subprocess.DEVNULL,
        )
        word = self.layout.data / "running.json"
        until(word.exists, 120, "it does not start")

    def stop(self) -> float:
        """Ask it to stop as systemd and a UPS do; returns the seconds."""
        assert self.process is not None
        started = time.monotonic()
        self.process.terminate()
        assert self.process.wait(90) == 0
        self.process = None
        return time.monotonic() - started

    def tickets(self) -> list[str]:
        """The rules of the tickets that are open."""
        token = (self.layout.data / "tool-token").read_text().strip()
        url = json.loads((self.layout.data / "running.json").read_text())["url"]
        words = ["curl", "--silent", "--fail", "-H", f"Authorization: Bearer {token}"]
        done = subprocess.run(
            [*words, f"{url}/api/v1/tickets"], capture_output=True, text=True, check=True
        )
        return [item["rule_id"] for item in json.loads(done.stdout)["items"]]


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    """A machine on which nothing was installed yet."""
    machine = Machine(tmp_path / "root")
    yield machine
    if machine.process is not None:
        machine.process.kill()


def changed(
    bundle: Path, folder: Path, name: str, change: Callable[[tarfile.TarFile], None]
) -> Path:
    """A bundle of another version, whose checkout was changed."""
    other = shutil.copytree(bundle, folder / name)
    with tarfile.open(other / "app.tar", "a") as archive:
        change(archive)
    facts = read_manifest(bundle)
    write_manifest(other, name, installed_mib=facts.installed_mib)
    write_sums(other)
    return other


def nothing_more(_: tarfile.TarFile) -> None:
    """The same product."""


def ends_at_start(archive: tarfile.TarFile) -> None:
    """A product that changes the data and then ends, as one with a fault in its start does."""
    text = (ROOT / "watchkeeper/up.py").read_text()
    fault = "    product.start_jobs(telemetry)\n"
    assert fault in text
    broken = text.replace(fault, '    raise RuntimeError("a fault of this version")\n').encode()
    member = tarfile.TarInfo("watchkeeper/up.py")
    member.size = len(broken)
    archive.addfile(member, BytesIO(broken))


@pytest.mark.timeout(1800)
def test_a_machine_without_internet_is_installed_upgraded_and_goes_back(
    bundle: Path, machine: Machine, tmp_path: Path
) -> None:
    done = machine.install(bundle)
    assert done.returncode == 0, done.stdout + done.stderr
    machine.run("site", "import", "simulators/demo/site.yaml")
    machine.start()
    machine.run("publish", TOPIC, '{"leak": false}')
    machine.run("publish", TOPIC, '{"leak": true}')
    until(lambda: "water-leak" in machine.tickets(), 120, "no ticket")
    sys.stdout.write(f"stopped in {machine.stop():.1f} s\n")

    done = machine.install(changed(bundle, tmp_path, "0.2.0-sound", nothing_more))
    assert done.returncode == 0, done.stdout + done.stderr
    assert machine.layout.running() == "0.2.0-sound"
    machine.start()
    assert "water-leak" in machine.tickets()
    machine.stop()

    done = machine.install(changed(bundle, tmp_path, "0.3.0-faulty", ends_at_start))
    assert done.returncode == 1
    assert "a fault of this version" in done.stdout
    assert machine.layout.running() == "0.2.0-sound"
    machine.start()
    assert "water-leak" in machine.tickets()
    machine.stop()
