"""What goes into a bundle: the locked packages of its target, images by name and digest."""

import subprocess
from pathlib import Path

import pytest

from scripts import bundle
from scripts.appliance.manifest import read_manifest, verify
from scripts.appliance.words import Refusal
from tests.appliance.stage import ROOT, write_manifest

LOCK = """\
always==1.0 \\
    --hash=sha256:aa \\
    --hash=sha256:bb
numpy==2.4 ; python_full_version < '3.12' \\
    --hash=sha256:cc
numpy==2.5 ; python_full_version >= '3.12' \\
    --hash=sha256:dd
colorama==0.4 ; sys_platform == 'win32' \\
    --hash=sha256:ee
"""


@pytest.mark.parametrize(("python", "numpy"), [("3.11", "2.4"), ("3.13", "2.5")])
def test_the_lock_is_read_for_the_target_and_not_for_the_builder(python: str, numpy: str) -> None:
    entries = list(bundle.entries_for(LOCK, python, "aarch64"))
    assert [entry.split()[0] for entry in entries] == ["always==1.0", f"numpy=={numpy}"]
    assert "sha256:bb" in entries[0]
    assert ";" not in entries[1]


def test_every_locked_package_is_read() -> None:
    lock = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    entries = list(bundle.entries_for(lock, "3.11", "x86_64"))
    named = [line for line in lock.splitlines() if line[:1].isalnum()]
    left_out = [line for line in named if "win32" in line or ">= '3.12'" in line]
    assert len(entries) == len(named) - len(left_out)
    assert all("--hash=sha256:" in entry for entry in entries)


def test_this_python_brings_a_wheel_of_pip() -> None:
    assert bundle.own_pip().name.startswith("pip-")


def engine(folder: Path, *, holds: bool) -> None:
    program = folder / "docker"
    program.write_text(
        "#!/bin/sh\n"
        f'case "$1 $2" in "image inspect") [ {int(holds)} = 1 ] && echo sha256:abc || exit 1;;\n'
        '"save --output") echo layers > "$3";; esac\n'
    )
    program.chmod(0o755)


@pytest.mark.parametrize("holds", [True, False], ids=["held", "not held"])
def test_images_are_named_and_those_that_are_here_are_saved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, holds: bool
) -> None:
    engine(tmp_path, holds=holds)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    for name in ("IMAGE_PREFIX", "IMAGE_TAG"):
        monkeypatch.delenv(name, raising=False)
    found = bundle.images(tmp_path / "images")
    names = [image["name"] for image in found]
    assert {"watchkeeper:latest", "postgres:17.6-bookworm"} <= set(names)
    for image in found:
        assert image["digest"] == ("sha256:abc" if holds else "")
        assert bool(image["file"]) == holds
        assert not holds or (tmp_path / image["file"]).exists()


def test_a_closed_bundle_is_one_archive_with_its_hash(tmp_path: Path) -> None:
    inside = tmp_path / "watchkeeper-1"
    inside.mkdir()
    (inside / "app.tar").write_text("app")
    write_manifest(inside, "1")
    archive = bundle.write_bundle(inside, read_manifest(inside), tmp_path)
    subprocess.run(["sha256sum", "--check", f"{archive}.sha256"], cwd=tmp_path, check=True)
    again = tmp_path / "again"
    again.mkdir()
    subprocess.run(["tar", "--extract", "--file", archive, "--directory", again], check=True)
    verify(again / "watchkeeper-1")


@pytest.mark.parametrize("text", ["", "[]", '{"format": 99}', '{"format": 1}'])
def test_a_manifest_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(Refusal):
        read_manifest(tmp_path)
