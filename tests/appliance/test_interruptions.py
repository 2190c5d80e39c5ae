"""What stops an installer but not the power: the old release keeps watch again, on its own data."""

import fcntl
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.appliance import exclusion, journal
from scripts.appliance.host import Host
from scripts.appliance.installing import install
from scripts.appliance.journal import Moment, Upgrade, nothing
from scripts.appliance.layout import Layout
from scripts.appliance.trial import Ill, Patience
from scripts.appliance.words import Refusal
from tests.appliance.stage import Appliance, copy_of, make_bundle

MOMENTS = ("stopped", "backing up", "records backed up", "trying", "tried", "new release leads")


class WatchedHost(Host):
    """Whether the service runs."""

    def __init__(self, layout: Layout) -> None:
        super().__init__(layout)
        self.runs = True

    def stop(self) -> None:
        self.runs = False

    def start(self, before: Ill) -> None:
        self.runs = True


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> tuple[Appliance, Path]:
    """A machine with the first release, the second laid out beside it; and the second's bundle."""
    folder = tmp_path_factory.mktemp("prepared")
    appliance, new = Appliance(folder / "machine"), make_bundle(folder, 2)
    appliance.install(make_bundle(folder, 1))
    appliance.cut_at(new, "release complete")
    return appliance, new


@pytest.fixture
def appliance(prepared: tuple[Appliance, Path], tmp_path: Path) -> Appliance:
    """A copy of that machine."""
    return copy_of(prepared[0], tmp_path / "machine")


@pytest.fixture
def new(prepared: tuple[Appliance, Path]) -> Path:
    """The bundle of the second release."""
    return prepared[1]


def upgrade(appliance: Appliance, bundle: Path, moment: Moment = nothing) -> WatchedHost:
    """Install a bundle; the machine's services as they are after it failed."""
    host = WatchedHost(appliance.layout)
    with pytest.raises(Refusal, match="sound runs as before"):
        install(bundle, appliance.layout, host, Patience(start=30, steady=0), moment)
    return host


def assert_as_before(appliance: Appliance, host: WatchedHost) -> None:
    layout = appliance.layout
    assert host.runs
    assert layout.running() == "1.0-sound"
    assert not layout.journal.exists()
    assert appliance.records() == ["written by 1"]
    assert not (layout.data / "made-by-2").exists()


@pytest.mark.parametrize("where", MOMENTS)
def test_a_key_that_is_pressed_during_an_upgrade(
    appliance: Appliance, new: Path, where: str
) -> None:
    def moment(name: str) -> None:
        if name == where:
            signal.raise_signal(signal.SIGINT)

    before = signal.getsignal(signal.SIGINT)
    host = upgrade(appliance, new, moment)
    assert_as_before(appliance, host)
    assert signal.getsignal(signal.SIGINT) == before
    assert appliance.starts()


def test_a_disk_that_is_too_full_for_the_backup(
    appliance: Appliance, new: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = tmp_path / "cp"
    copy.write_text(
        '#!/bin/sh\ncase "$*" in */records*) echo "No space left" >&2; exit 1;; esac\n'
        'exec /bin/cp "$@"\n'
    )
    copy.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    host = WatchedHost(appliance.layout)
    with pytest.raises(Refusal, match="records can't be copied") as refused:
        install(new, appliance.layout, host, Patience(start=30, steady=0))
    assert refused.value.problems == ["No space left"]
    assert_as_before(appliance, host)
    assert list(appliance.layout.backups.iterdir()) == []


@pytest.fixture
def trying(appliance: Appliance, new: Path) -> Iterator[Layout]:
    """A machine on which an installer is in the middle of its trial."""
    layout = appliance.layout
    appliance.cut_at(new, "tried")
    assert (layout.data / "made-by-2").exists()
    with exclusion.alone(layout):
        yield layout


def test_a_start_during_a_trial_does_not_change_the_data_under_it(trying: Layout) -> None:
    with pytest.raises(Refusal, match="is under way"):
        journal.recover_before_start(trying)
    assert (trying.data / "made-by-2").exists()
    assert trying.journal.exists()


def test_the_installer_itself_starts_what_it_opened(trying: Layout) -> None:
    found = journal.read(trying)
    assert found is not None
    journal.note(trying, Upgrade("opening", found.old, found.new, found.backup))
    journal.recover_before_start(trying)
    assert trying.journal.exists()


def test_a_second_installer_is_refused(trying: Layout, new: Path) -> None:
    with pytest.raises(Refusal, match="another installation is under way"):
        install(new, trying, Host(trying))
    assert (trying.data / "made-by-2").exists()


def test_a_trial_that_outlived_its_installer_is_not_robbed_of_its_data(
    appliance: Appliance, new: Path
) -> None:
    layout = appliance.layout
    appliance.cut_at(new, "tried")
    with (layout.data / "up.lock").open("w") as held:
        held.write("4711")
        held.flush()
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(Refusal, match="process 4711 runs on"):
            journal.recover_before_start(layout)
        assert (layout.data / "made-by-2").exists()
    journal.recover_before_start(layout)
    assert appliance.records() == ["written by 1"]
