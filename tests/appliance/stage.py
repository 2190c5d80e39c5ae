"""Bundles of a product that does next to nothing, and a root folder that stands for a machine.

The installer is the real one, and so are its steps on disk; only what it installs is small.
"""

import io
import platform
import re
import shutil
import signal
import subprocess
import sys
import tarfile
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path

from scripts.appliance.host import Host
from scripts.appliance.installing import install
from scripts.appliance.layout import Layout
from scripts.appliance.manifest import Manifest, write_sums
from scripts.appliance.trial import Patience

ROOT = Path(__file__).resolve().parents[2]
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
BUILT_AT = int(time.time()) - 3600

# What "sets up" the small product: a program that migrates its data and says that it is well.
SET_UP = """\
import pathlib, sys
program = pathlib.Path(".venv/bin/watchkeeper")
program.write_text(f"#!{sys.executable} -SE\\n" + pathlib.Path("product.py").read_text())
program.chmod(0o755)
"""
PRODUCT = """\
import json, os, pathlib, signal, socket, sys
SCHEMA, FAULT = {schema}, {fault!r}
if sys.argv[1:] == ["--help"]:
    sys.exit(0)
settings = pathlib.Path(os.environ["WATCHKEEPER_CONFIG"]).read_text()
data = pathlib.Path(settings.partition('data_dir = "')[2].partition('"')[0])
schema = data / "schema"
found = int(schema.read_text()) if schema.exists() else SCHEMA
if found > SCHEMA:
    sys.exit("this data is of a newer version")
schema.write_text(str(SCHEMA))
(data / f"made-by-{{SCHEMA}}").touch()
with (data / "records").open("a") as file:
    file.write(f"written by {{SCHEMA}}\\n")
if FAULT == "dies":
    sys.exit(3)
server = socket.create_server(("127.0.0.1", 0))
word = data / "running.json"
def stop(*_):
    word.unlink()
    os._exit(0)
signal.signal(signal.SIGTERM, stop)
here = "http://127.0.0.1:%d" % server.getsockname()[1]
outside = {{"url": "http://watch.invalid", "local_url": here}}
word.write_text(json.dumps(outside if FAULT == "behind a proxy" else {{"url": here}}))
asked = 0
while True:
    asked += 1
    with server.accept()[0] as asker:
        asker.recv(9999)
        parts = [{{"part": name, "ok": False}} for name in ("telemetry", "jobs") if name in FAULT]
        ill = parts or FAULT == "ill" or (FAULT == "falls ill" and asked > 1)
        said = 503 if ill else 200, json.dumps({{"parts": parts}}).encode()
        asker.sendall(b"HTTP/1.0 %d Well\\r\\n\\r\\n%s" % said)
"""
# Installs, and is killed at the moment of that name, as by a power cut.
CUT = """\
import os, pathlib, signal, sys
from scripts.appliance.host import Host
from scripts.appliance.installing import install
from scripts.appliance.layout import Layout
from scripts.appliance.trial import Patience
bundle, root, last = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[3]
def moment(name):
    print("passed:", name, flush=True)
    if name == last:
        os.kill(os.getpid(), signal.SIGKILL)
layout = Layout(root)
install(bundle, layout, Host(layout), Patience(start=30, steady=0), moment)
"""


def make_bundle(folder: Path, schema: int, fault: str = "") -> Path:
    """An unpacked bundle of a product whose data are of this schema; fault: how it goes wrong."""
    name = f"{schema}.0-{fault.replace(' ', '-') or 'sound'}"
    bundle = folder / f"watchkeeper-{name}"
    (bundle / "wheels").mkdir(parents=True)
    (bundle / "debs").mkdir()
    with zipfile.ZipFile(bundle / "wheels" / "pip-0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("pip/__main__.py", "")
    product = PRODUCT.format(schema=schema, fault=fault)
    with tarfile.open(bundle / "app.tar", "w") as archive:
        _add(archive, "scripts/__init__.py", "")
        _add(archive, "scripts/set_up.py", SET_UP)
        _add(archive, "product.py", product)
        for file in (ROOT / "deploy/appliance").iterdir():
            archive.add(file, f"deploy/appliance/{file.name}")
    with tarfile.open(bundle / "assets.tar", "w") as archive:
        _add(archive, "web/static/dist/app.js", "")
    shutil.copytree(ROOT / "scripts/appliance", bundle / "installer/scripts/appliance")
    shutil.copy(ROOT / "scripts/__init__.py", bundle / "installer/scripts")
    shutil.copy(ROOT / "deploy/appliance/install.sh", bundle)
    write_manifest(bundle, name)
    return bundle


def write_manifest(bundle: Path, name: str, **changes: object) -> None:
    """Write a bundle's manifest, for this machine but for the changes, and its hashes."""
    facts: dict[str, object] = {
        "name": name,
        "version": name.partition("-")[0],
        "commit": "0" * 40,
        "built_at": BUILT_AT,
        "python": PYTHON,
        "architecture": platform.machine(),
        "packages": [],
        "debian": [],
        "images": [],
        "installed_mib": 1,
    }
    manifest = Manifest(**(facts | changes))  # type: ignore[arg-type]
    (bundle / "manifest.json").write_text(manifest.text())
    write_sums(bundle)


def _add(archive: tarfile.TarFile, name: str, text: str) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(text.encode())
    archive.addfile(member, io.BytesIO(text.encode()))


@dataclass
class Appliance:
    """A root folder that stands for a machine."""

    root: Path

    @property
    def layout(self) -> Layout:
        """Its places."""
        return Layout(self.root)

    def install(self, bundle: Path, *, start: float = 30, steady: float = 0) -> None:
        """Install a bundle to the end."""
        install(bundle, self.layout, Host(self.layout), Patience(start, steady))

    def cut_at(self, bundle: Path, last: str) -> list[str]:
        """Install until the power goes at this moment; the moments passed, all if it never did."""
        words = [sys.executable, "-c", CUT, str(bundle), str(self.root), last]
        done = subprocess.run(
            words, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
        )
        passed = re.findall(r"^passed: (.*)", done.stdout, re.M)
        assert done.returncode == (-signal.SIGKILL if passed[-1] == last else 0), done.stderr
        return passed

    def records(self) -> list[str]:
        """What the product has written down so far."""
        return (self.layout.data / "records").read_text().splitlines()

    def starts(self) -> bool:
        """Whether the release that leads comes up on the data that are there."""
        layout = self.layout
        word = layout.data / "running.json"
        word.unlink(missing_ok=True)
        process = subprocess.Popen(
            [str(layout.current / ".venv/bin/watchkeeper"), "up"],
            env={"WATCHKEEPER_CONFIG": str(layout.settings)},
            stderr=subprocess.DEVNULL,
        )
        ends = time.monotonic() + 60
        while process.poll() is None and not word.exists() and time.monotonic() < ends:
            time.sleep(0.01)
        came_up = word.exists()
        process.kill()
        process.wait()
        return came_up


def copy_of(appliance: Appliance, root: Path) -> Appliance:
    """A second machine that is as the first one is now."""
    subprocess.run(["cp", "--archive", str(appliance.root), str(root)], check=True)
    settings = Layout(root).settings
    settings.write_text(settings.read_text().replace(str(appliance.root), str(root)))
    return Appliance(root)
