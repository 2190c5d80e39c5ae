"""The set-up does each step once, again when its inputs change, and says what is missing."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from scripts import browser_assets, python_packages, set_up, shell, system_packages
from scripts.lock import clean_environment
from scripts.node_programs import NODE_RED
from scripts.set_up import Step


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that the set-up takes for its checkout."""
    monkeypatch.setattr(shell, "ROOT", tmp_path)
    monkeypatch.setattr(shell, "STATE", tmp_path / ".state")
    return tmp_path


def test_a_step_that_is_done_is_not_performed_again(capsys: pytest.CaptureFixture[str]) -> None:
    performed = list[str]()
    steps = [
        Step("First", lambda: True, lambda: performed.append("first")),
        Step("Second", lambda: False, lambda: performed.append("second")),
    ]
    set_up.run(steps)
    assert performed == ["second"]
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == ["[1/2] First: up to date", "[2/2] Second ..."]
    assert lines[2].startswith("[2/2] done in 0.")


def test_a_fingerprint_changes_with_names_contents_and_facts(checkout: Path) -> None:
    one, two = checkout / "one", checkout / "two"
    one.write_text("same")
    two.write_text("same")
    prints = {
        shell.fingerprint([one]),
        shell.fingerprint([two]),
        shell.fingerprint([one, two]),
        shell.fingerprint([one], "3.12"),
    }
    one.write_text("changed")
    prints.add(shell.fingerprint([one]))
    assert len(prints) == 5
    assert shell.fingerprint([one, two]) == shell.fingerprint([two, one])


def test_the_environment_is_filled_again_when_a_lock_changes(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    locks = {"demo": checkout / "demo.txt", "test": checkout / "test.txt"}
    (checkout / "pyproject.toml").touch()
    for lock in locks.values():
        lock.touch()
    monkeypatch.setattr(python_packages, "ROOT", checkout)
    monkeypatch.setattr(python_packages, "LOCKS", locks)
    monkeypatch.setattr(python_packages, "PYTHON", Path(sys.executable))
    assert not python_packages.are_installed("demo")
    shell.write_stamp(python_packages.STAMP, python_packages.stamp("demo"))
    assert python_packages.are_installed("demo")
    assert not python_packages.are_installed("test")
    shell.write_stamp(python_packages.STAMP, python_packages.stamp("test"))
    assert python_packages.are_installed("demo")
    assert python_packages.are_installed("test")
    locks["test"].write_text("changed")
    assert not python_packages.are_installed("test")


def test_a_command_shows_its_progress_numbered(capsys: pytest.CaptureFixture[str]) -> None:
    script = "print('Collecting a'); print('noise'); print('Collecting b'); print('Installing all')"
    command = [sys.executable, "-c", script]
    shell.run(command, progress=r"Collecting (\w)|Installing", total=2)
    shown = [line.split(" s  ")[1] for line in capsys.readouterr().out.splitlines()]
    assert shown == ["1/2 a", "2/2 b", "Installing all"]


def test_a_failed_command_is_told_with_its_last_lines() -> None:
    script = "print(*range(100), sep='\\n'); raise SystemExit('no such package')"
    with pytest.raises(shell.SetUpError) as failure:
        shell.run([sys.executable, "-c", script], progress="never")
    lines = str(failure.value).splitlines()
    assert lines[-1] == "no such package"
    assert len(lines) <= shell.TAIL_LINES + 3


def test_who_is_not_root_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(system_packages, "PACKAGES", {"here": "/bin/sh", "lighthouse": "/nowhere"})
    assert not system_packages.are_installed()
    with pytest.raises(shell.SetUpError, match=r"sudo apt-get install .* lighthouse$"):
        system_packages.install()


def test_an_old_python_is_refused_with_advice() -> None:
    code = "import sys; sys.version_info = (3, 9); import scripts"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "this is 3.9. Name another: make PYTHON=" in done.stderr


@pytest.mark.parametrize(("answer", "version"), [("v20.20.2", 20), ("v8.1.0", 8), ("what?", 0)])
def test_the_version_of_node_is_asked_of_node(tmp_path: Path, answer: str, version: int) -> None:
    node = tmp_path / "node"
    node.write_text(f"#!/bin/sh\necho '{answer}'\n")
    node.chmod(0o755)
    assert browser_assets.node_version(str(tmp_path)) == version


def test_node_itself_is_started_and_not_a_command_that_waits_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = 'case "$1" in --version) echo v99.0.0;; --print) echo "/its/own/$2";; esac'
    for name in ("node", "npm"):
        (tmp_path / name).write_text(f"#!/bin/sh\n{said}\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    assert NODE_RED.node() == "/its/own/process.execPath"


def test_what_only_the_long_campaigns_need_is_in_no_plan() -> None:
    steps = [step for plan in set_up.PLANS.values() for step in plan]
    assert [step for step in steps if step.perform == NODE_RED.install] == []


def test_a_machine_without_node_has_no_version_of_it(tmp_path: Path) -> None:
    assert browser_assets.node_version(str(tmp_path)) == 0


def test_a_mirror_of_the_package_index_serves_the_locks_too() -> None:
    given = {"PIP_INDEX_URL": "file:///mirror", "UV_INDEX": "file:///other", "PATH": "/bin"}
    assert clean_environment(given) == {
        "PIP_INDEX_URL": "file:///mirror",
        "PATH": "/bin",
        "UV_DEFAULT_INDEX": "file:///mirror",
    }
