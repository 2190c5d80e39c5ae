"""Installing a bundle, upgrading by one, and going back from one that does not run."""

import contextlib
import json
import os
import pwd
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import SimpleNamespace

import pytest

from scripts.appliance import machine, trial
from scripts.appliance.trial import UNCOUNTED, Word, word_of
from scripts.appliance.words import Refusal
from tests.appliance.stage import Appliance, copy_of, make_bundle, write_manifest


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle of the first version."""
    return make_bundle(tmp_path_factory.mktemp("bundles"), 1)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory, bundle: Path) -> Appliance:
    """A machine with the first version, to be copied."""
    appliance = Appliance(tmp_path_factory.mktemp("machine"))
    appliance.install(bundle)
    photo = appliance.layout.data / "files/ab/cdef"
    photo.parent.mkdir(parents=True)
    photo.write_text("photo")
    return appliance


@pytest.fixture
def appliance(installed: Appliance, tmp_path: Path) -> Appliance:
    """A machine with the first version."""
    return copy_of(installed, tmp_path / "machine")


def test_a_bundle_is_installed_once_and_again_without_a_change(
    appliance: Appliance, bundle: Path
) -> None:
    layout = appliance.layout
    assert layout.running() == "1.0-sound"
    assert (layout.units / "watchkeeper.service").exists()
    assert layout.data.stat().st_mode & 0o777 == 0o700
    layout.settings.write_text(layout.settings.read_text() + "# the owner's own words\n")
    appliance.install(bundle)
    assert layout.running() == "1.0-sound"
    assert "the owner's own words" in layout.settings.read_text()
    assert appliance.records() == ["written by 1"]
    assert appliance.starts()


def test_install_sh_refuses_what_is_damaged_before_it_does_anything(
    bundle: Path, tmp_path: Path
) -> None:
    damaged = shutil.copytree(bundle, tmp_path / "damaged")
    root = tmp_path / "root"
    root.mkdir()
    with (damaged / "assets.tar").open("r+b") as file:
        file.seek(600)
        file.write(b"x")
    done = subprocess.run(
        [damaged / "install.sh", "--root", root], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "copy it here again" in done.stderr
    assert "assets.tar" in done.stdout + done.stderr
    assert list(root.iterdir()) == []
    done = subprocess.run(
        [bundle / "install.sh", "--root", root, "--steady", "0"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert Appliance(root).starts()


@pytest.mark.parametrize("harm", ["damaged", "missing", "added"])
def test_a_bundle_that_is_not_as_it_was_built_is_refused(
    bundle: Path, tmp_path: Path, harm: str
) -> None:
    harmed = shutil.copytree(bundle, tmp_path / "harmed")
    if harm == "missing":
        (harmed / "app.tar").unlink()
    else:
        (harmed / ("app.tar" if harm == "damaged" else "wheels/more.whl")).write_text("x")
    root = tmp_path / "root"
    with pytest.raises(Refusal, match="not as it was built") as refused:
        Appliance(root).install(harmed)
    word = {"damaged": "is damaged", "missing": "is missing", "added": "does not belong"}[harm]
    assert any(word in problem for problem in refused.value.problems)
    assert not root.exists()


def test_everything_that_is_wrong_with_a_machine_is_said_at_once(
    bundle: Path, tmp_path: Path
) -> None:
    other = shutil.copytree(bundle, tmp_path / "other")
    changes = {"python": "3.99", "architecture": "riscv64", "built_at": 4_000_000_000}
    write_manifest(other, "1.0-other", installed_mib=2**40, **changes)
    appliance = Appliance(tmp_path / "root")
    appliance.layout.settings.parent.mkdir(parents=True)
    appliance.layout.settings.write_text('database_url = "postgresql://elsewhere"\n')
    with pytest.raises(Refusal) as refused:
        appliance.install(other)
    said = "\n".join(refused.value.problems)
    for word in ("riscv64", "Python 3.99", "date --utc --set", "MiB are free", "database of its"):
        assert word in said
    assert len(refused.value.problems) == 5


@pytest.mark.parametrize(
    ("settings", "word"),
    [('data_dir = "/srv/watchkeeper"\n', "are in /srv/watchkeeper"), ("data_dir = \n", "be read")],
)
def test_data_that_would_not_be_copied_are_not_migrated(
    appliance: Appliance, tmp_path: Path, settings: str, word: str
) -> None:
    appliance.layout.settings.write_text(settings)
    with pytest.raises(Refusal) as refused:
        appliance.install(make_bundle(tmp_path, 2))
    assert [word in problem for problem in refused.value.problems] == [True]
    assert appliance.layout.running() == "1.0-sound"


def test_there_has_to_be_room_for_going_back(
    appliance: Appliance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = 2**20
    monkeypatch.setattr(machine, "size_mib", lambda _: size)
    # For the release and one copy, but not for putting that copy back beside what failed.
    free = (size + 1 + machine.SPARE_MIB + 10) * 2**20
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=free))
    with pytest.raises(Refusal) as refused:
        appliance.install(make_bundle(tmp_path, 2))
    assert [f"{3 * size + 1 + machine.SPARE_MIB} are needed" in p for p in refused.value.problems]


def run_installer(
    bundle: Path, *arguments: str, folder: Path, umask: int = 0o022, more: Mapping[str, str] = {}
) -> None:
    done = subprocess.run(
        [bundle / "install.sh", "--steady", "0", *arguments],
        cwd=folder,
        umask=umask,
        env={**os.environ, **more},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_others_may_read_a_release_whatever_root_usually_allows(
    bundle: Path, tmp_path: Path
) -> None:
    run_installer(bundle, "--root", "machine", folder=tmp_path, umask=0o077)
    # A path is meant from where one stands, not from inside the bundle.
    layout = Appliance(tmp_path / "machine").layout
    release = layout.release("1.0-sound")
    for path in (layout.home, layout.releases, release, release / ".venv/bin", layout.settings):
        assert path.stat().st_mode & 0o044 == 0o044, path
    assert layout.data.stat().st_mode & 0o777 == 0o700
    # A product greets with its passwords.
    assert (layout.home / "trial.log").stat().st_mode & 0o777 == 0o600


def test_whether_a_product_is_well_is_asked_without_a_way_round(
    appliance: Appliance, tmp_path: Path
) -> None:
    bundle = make_bundle(tmp_path, 2, "behind a proxy")
    nowhere = "http://127.0.0.1:9"
    proxies = {"http_proxy": nowhere, "https_proxy": nowhere, "no_proxy": ""}
    run_installer(bundle, "--root", str(appliance.root), folder=tmp_path, more=proxies)
    assert appliance.layout.running() == "2.0-behind-a-proxy"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_a_link_in_the_data_gives_nothing_else_away(appliance: Appliance, tmp_path: Path) -> None:
    secret = tmp_path / "shadow"
    secret.touch()
    (appliance.layout.data / "link").symlink_to(secret)
    trial.own_everything(appliance.layout, pwd.getpwnam("nobody"))
    assert secret.stat().st_uid == 0
    assert (appliance.layout.data / "records").stat().st_uid != 0


def test_an_upgrade_keeps_the_data_the_old_release_and_a_backup(
    appliance: Appliance, tmp_path: Path
) -> None:
    appliance.install(make_bundle(tmp_path, 2))
    layout = appliance.layout
    assert layout.running() == "2.0-sound"
    assert appliance.records() == ["written by 1", "written by 2"]
    assert (layout.release("1.0-sound") / ".venv/bin/watchkeeper").exists()
    [backup] = layout.backups.iterdir()
    assert (backup / "records").read_text() == "written by 1\n"
    # A photo's copy is a second name of it.
    photos = [folder / "files/ab/cdef" for folder in (backup, layout.data)]
    assert len({photo.stat().st_ino for photo in photos}) == 1
    assert not layout.journal.exists()
    assert appliance.starts()


def test_old_releases_and_backups_do_not_fill_the_disk(
    appliance: Appliance, tmp_path: Path
) -> None:
    for older in range(4):
        (appliance.layout.backups / f"2020010{older}T000000Z-0.{older}").mkdir()
        (appliance.layout.release(f"0.{older}")).mkdir()
        os.utime(appliance.layout.release(f"0.{older}"), (older, older))
    appliance.install(make_bundle(tmp_path, 2))
    names = sorted(entry.name for entry in appliance.layout.releases.iterdir())
    assert names == ["1.0-sound", "2.0-sound"]
    kept = sorted(entry.name for entry in appliance.layout.backups.iterdir())
    assert kept[0] == "20200103T000000Z-0.3"
    assert len(kept) == 2


@pytest.mark.parametrize("fault", ["dies", "ill", "falls ill"])
def test_an_upgrade_that_does_not_run_goes_back(
    appliance: Appliance, tmp_path: Path, fault: str
) -> None:
    patience = {"start": 0.5, "steady": 0.0} if fault == "ill" else {"start": 30, "steady": 20}
    with pytest.raises(Refusal, match="sound runs as before"):
        appliance.install(make_bundle(tmp_path, 2, fault), **patience)
    layout = appliance.layout
    assert layout.running() == "1.0-sound"
    assert appliance.records() == ["written by 1"]
    assert not (layout.data / "made-by-2").exists()
    assert (layout.data / "files/ab/cdef").read_text() == "photo"
    # What the failed release wrote can still be looked at.
    assert [path.read_text() for path in layout.data.glob(".failed/*/records")] == [
        "written by 1\nwritten by 2\n"
    ]
    assert not layout.journal.exists()
    assert appliance.starts()


class _Ill(BaseHTTPRequestHandler):
    """A release that runs, one part of which is ill."""

    def do_GET(self) -> None:
        self.send_response(503)
        self.end_headers()
        parts = [{"part": "broker", "ok": True}, {"part": "telemetry", "ok": False, "faults": 2}]
        self.wfile.write(json.dumps({"status": "ill", "parts": parts}).encode())

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def ill_before() -> Iterator[str]:
    """What a release leaves word of where it listens that is ill before anything is done."""
    server = HTTPServer(("127.0.0.1", 0), _Ill)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield json.dumps({"url": f"http://127.0.0.1:{server.server_port}"})
    server.shutdown()
    server.server_close()


def test_a_part_that_was_ill_got_worse_when_more_of_its_things_are_wrong(
    tmp_path: Path, ill_before: str
) -> None:
    announced = tmp_path / "running.json"
    announced.write_text(ill_before)
    word = word_of(announced)
    assert word.ill == {"telemetry": 2}
    assert word.since(word.ill) == ""
    assert word.since({"telemetry": 3}) == ""
    assert "telemetry" in word.since({"telemetry": 1})
    # An older release names the part alone.
    assert word.since({"telemetry": UNCOUNTED}) == ""
    assert Word("ill", {"telemetry": UNCOUNTED}).since(word.ill) == ""


@pytest.mark.parametrize(
    ("fault", "runs"), [("telemetry", "2.0-telemetry"), ("telemetry jobs", "1.0-sound")]
)
def test_only_what_got_worse_by_an_upgrade_is_a_reason_to_go_back(
    appliance: Appliance,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    ill_before: str,
    fault: str,
    runs: str,
) -> None:
    (appliance.layout.data / "running.json").write_text(ill_before)
    worse = runs == "1.0-sound"
    with pytest.raises(Refusal, match="jobs") if worse else contextlib.nullcontext():
        appliance.install(make_bundle(tmp_path, 2, fault), start=0.5 if worse else 30)
    assert appliance.layout.running() == runs
    assert "Ill before the upgrade, and so no reason to go back: telemetry." in (
        capsys.readouterr().out
    )


def test_after_a_release_that_failed_the_one_that_ran_is_kept(
    appliance: Appliance, tmp_path: Path
) -> None:
    for number in (2, 3):
        with pytest.raises(Refusal, match="sound runs as before"):
            appliance.install(make_bundle(tmp_path, number, "dies"))
    layout = appliance.layout
    assert len(list(layout.data.glob(".failed/*"))) == 1
    appliance.install(make_bundle(tmp_path, 4))
    names = sorted(entry.name for entry in layout.releases.iterdir())
    assert names == ["1.0-sound", "4.0-sound"]
    assert len(list(layout.backups.iterdir())) == 2


def test_the_documented_backup_brings_the_data_back(appliance: Appliance, tmp_path: Path) -> None:
    text = (Path(__file__).parents[2] / "docs/appliance.md").read_text(encoding="utf-8")
    _, section = text.split("\n## Backup\n")
    lines = re.findall(r"^sudo ((?:tar|mv) .*)$", section.partition("\n## ")[0], re.M)
    assert len(lines) == 3
    failed = appliance.layout.data / ".failed"
    failed.mkdir()
    for line in lines:
        words = [
            word.replace("/media/stick", str(tmp_path)).replace(
                "/var/lib", f"{appliance.root}/var/lib"
            )
            for word in line.split()
        ]
        subprocess.run(words, check=True)
    assert appliance.records() == ["written by 1"]
    assert not failed.exists()
    assert appliance.starts()


def test_a_first_release_that_does_not_run_leads_nowhere(tmp_path: Path) -> None:
    appliance = Appliance(tmp_path / "root")
    with pytest.raises(Refusal, match="status 3"):
        appliance.install(make_bundle(tmp_path, 1, "dies"))
    assert appliance.layout.running() is None
