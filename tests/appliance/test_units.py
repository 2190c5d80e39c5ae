"""What the service manager, the clock and a UPS ask of an appliance."""

import os
import re
import shutil
import socket
import subprocess
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

from core.errors import Unavailable
from core.settings import load
from tests.appliance.stage import ROOT
from watchkeeper import supervision
from watchkeeper.product import Product

DEPLOY = ROOT / "deploy/appliance"
UNITS = sorted([*DEPLOY.glob("*.service"), *DEPLOY.glob("*.path")])
# systemd-analyze: 0 is locked up, 10 is exposed; what is not hardened has 9.6.
MOST_EXPOSED = 20
has_systemd = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze is not on this machine"
)


@has_systemd
@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_systemd_finds_nothing_wrong_with_the_units(unit: Path) -> None:
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", unit], capture_output=True, text=True, check=False
    )
    lines = (done.stdout + done.stderr).splitlines()
    # The release is not at its place here.
    assert [line for line in lines if "is not executable: No such file" not in line] == []


@has_systemd
def test_the_service_can_do_little_but_its_work() -> None:
    limit = ["--threshold", str(MOST_EXPOSED), "--no-pager"]
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=yes", *limit, DEPLOY / "watchkeeper.service"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-300:] + done.stderr


def test_the_settings_of_an_appliance_are_known_to_the_product(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("WATCHKEEPER_CONFIG", str(DEPLOY / "watchkeeper.toml"))
    settings = load()
    assert settings.durability == "power"
    unit = (DEPLOY / "watchkeeper.service").read_text()
    assert settings.data_dir.name == re.search(r"^StateDirectory=(.*)", unit, re.M)[1]  # type: ignore[index]


def test_a_product_whose_web_server_ended_is_started_again(tmp_path: Path) -> None:
    product = Product(load(data_dir=tmp_path / "data"))
    product.web = SimpleNamespace(alive=False, url="")  # type: ignore[assignment]
    with pytest.raises(Unavailable, match="web server has ended"):
        product.wait()
    product.stop()
    # And whatever else ends it, but for who stops the service.
    unit = (DEPLOY / "watchkeeper.service").read_text()
    assert re.search(r"^Restart=(.*)", unit, re.M)[1] == "always"  # type: ignore[index]


@pytest.mark.parametrize("abstract", [False, True], ids=["file", "abstract"])
def test_the_product_says_when_it_is_ready_alive_and_stopping(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, abstract: bool
) -> None:
    name = f"@watchkeeper-{os.getpid()}" if abstract else str(tmp_path / "notify")
    monkeypatch.setenv("NOTIFY_SOCKET", name)
    product = Product(load(data_dir=tmp_path / "data"))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(name.replace("@", "\0"))
        manager.settimeout(60)
        waiting = threading.Thread(target=product.wait)
        waiting.start()
        assert manager.recv(200) == b"READY=1\nSTATUS=up"
        assert manager.recv(200) == b"WATCHDOG=1"
        product.stopping.set()
        said = {manager.recv(200)}
        while b"STOPPING=1" not in said:
            said.add(manager.recv(200))
        waiting.join(60)
    # It goes on also without anybody who listens.
    supervision.tell(supervision.ALIVE)
    product.stop()


def ask_clock(folder: Path, text: str) -> tuple[int, str]:
    """Run set-clock with programs that only say what they were told; its status, what they said."""
    for name in ("date", "hwclock"):
        program = folder / name
        program.write_text(f'#!/bin/sh\necho "{name} $*" >> {folder}/said\n')
        program.chmod(0o755)
    request = folder / "set-clock"
    request.write_text(text)
    done = subprocess.run(
        [DEPLOY / "set-clock", request],
        env={"PATH": f"{folder}:/usr/bin:/bin"},
        capture_output=True,
        check=False,
    )
    assert not request.exists()
    said = folder / "said"
    return done.returncode, said.read_text() if said.exists() else ""


def test_the_clock_is_set_to_what_was_asked(tmp_path: Path) -> None:
    status, said = ask_clock(tmp_path, "1796000000\n")
    assert status == 0
    assert said == "date --utc --set @1796000000\nhwclock --systohc --utc\n"


@pytest.mark.parametrize(
    "text", ["", "0", "-1796000000", "1796000000; reboot", "4102444800", "17960000000000", "$(id)"]
)
def test_the_clock_is_set_to_nothing_else(tmp_path: Path, text: str) -> None:
    status, said = ask_clock(tmp_path, text)
    assert status == 1
    assert said == ""


@pytest.mark.parametrize("kind", ["link", "pipe", "folder"])
def test_the_clock_is_asked_for_by_a_file_and_nothing_else(tmp_path: Path, kind: str) -> None:
    request, elsewhere = tmp_path / "set-clock", tmp_path / "elsewhere"
    elsewhere.write_text("1796000000\n")
    make = {
        "link": lambda: request.symlink_to(elsewhere),
        "pipe": lambda: os.mkfifo(request),
        "folder": lambda: (request / "inner").mkdir(parents=True),
    }
    make[kind]()
    date = tmp_path / "date"
    date.write_text(f'#!/bin/sh\necho "date $*" >> {tmp_path}/said\n')
    date.chmod(0o755)
    done = subprocess.run(
        [DEPLOY / "set-clock", request],
        env={"PATH": f"{tmp_path}:/usr/bin:/bin"},
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert not (tmp_path / "said").exists()
    # Else the service manager would ask again and again, until it gives up.
    assert not os.path.lexists(request)
    assert elsewhere.exists()


@pytest.mark.parametrize("stops", [True, False], ids=["in order", "not in order"])
def test_a_ups_stops_the_product_before_the_machine(tmp_path: Path, stops: bool) -> None:
    for name in ("systemctl", "sync", "shutdown"):
        program = tmp_path / name
        status = int(name == "systemctl" and not stops)
        program.write_text(f'#!/bin/sh\necho "{name} $1 $2" >> {tmp_path}/said\nexit {status}\n')
        program.chmod(0o755)
    done = subprocess.run(
        [DEPLOY / "ups-shutdown"],
        env={"PATH": f"{tmp_path}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0
    said = [line.strip() for line in (tmp_path / "said").read_text().splitlines()]
    assert said == ["systemctl stop watchkeeper.service", "sync", "shutdown -h now"]
    assert ("did not stop in order" in done.stderr) is not stops
