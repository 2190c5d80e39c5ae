"""The power goes at each moment of an upgrade; what is left starts, with the data as they were."""

import contextlib
from pathlib import Path

from scripts.appliance import journal
from scripts.appliance.host import Host
from scripts.appliance.journal import Upgrade
from tests.appliance.stage import Appliance, copy_of, make_bundle

# The last one: everything was done.
FINISHED = "finished"


class PowerCut(BaseException):
    """Nothing that runs sees it coming."""


def test_a_power_cut_at_each_moment_of_an_upgrade(tmp_path: Path) -> None:
    old, new = make_bundle(tmp_path, 1), make_bundle(tmp_path, 2)
    before = Appliance(tmp_path / "before")
    before.install(old)
    # Every further machine has the packages already, which take longest.
    laid_out = copy_of(before, tmp_path / "laid-out")
    first = laid_out.cut_at(new, "release complete")
    rest = copy_of(laid_out, tmp_path / "whole").cut_at(new, FINISHED)
    assert {"trying", "tried", "new release leads"} <= set(rest)
    moments = [*dict.fromkeys([*first, *rest])]
    for where in moments:
        appliance = copy_of(
            before if where in first else laid_out, tmp_path / where.replace(" ", "-")
        )
        assert appliance.cut_at(new, where)[-1] == where
        # What the service does before each start.
        journal.recover(appliance.layout)
        assert not appliance.layout.journal.exists(), where
        decided = moments.index(where) > moments.index("tried")
        leads = "2.0-sound" if decided else "1.0-sound"
        assert appliance.layout.running() == leads, where
        written = ["written by 1", *(["written by 2"] if decided else [])]
        assert appliance.records() == written, where
        # Until then nothing but the new release's own folder was touched.
        assert where in first or appliance.starts(), where
        if where in ("checkout unpacked", "tried", "opening"):
            appliance.install(new)
            assert appliance.layout.running() == "2.0-sound"


def test_a_power_cut_at_each_moment_of_going_back(tmp_path: Path) -> None:
    before = Appliance(tmp_path / "before")
    before.install(make_bundle(tmp_path, 1))
    photo = before.layout.data / "files/ab/cdef"
    photo.parent.mkdir(parents=True)
    photo.write_text("photo")
    cut = copy_of(before, tmp_path / "cut")
    moments = cut.cut_at(make_bundle(tmp_path, 2), FINISHED)
    # As it is when the trial was cut: the new release has written into the data.
    [backup] = (entry.name for entry in cut.layout.backups.iterdir())
    upgrade = Upgrade("trying", "1.0-sound", "2.0-sound", backup)
    assert "tried" in moments
    number = 0
    while True:
        number += 1
        appliance = copy_of(cut, tmp_path / f"back-{number}")
        journal.note(appliance.layout, upgrade)
        passed = _recover_until(appliance, number)
        Host(appliance.layout).lay_units("1.0-sound")
        journal.recover(appliance.layout)
        assert appliance.layout.running() == "1.0-sound", passed
        assert appliance.records() == ["written by 1"], passed
        assert not (appliance.layout.data / "made-by-2").exists(), passed
        assert (appliance.layout.data / "files/ab/cdef").read_text() == "photo", passed
        if len(passed) < number:
            break
    assert number > 8
    assert appliance.starts()


def _recover_until(appliance: Appliance, number: int) -> list[str]:
    """Go back until the power goes at this moment; nothing of the way back tidies up after it."""
    passed: list[str] = []

    def moment(name: str) -> None:
        passed.append(name)
        if len(passed) == number:
            raise PowerCut

    with contextlib.suppress(PowerCut):
        journal.recover(appliance.layout, moment)
    return passed
