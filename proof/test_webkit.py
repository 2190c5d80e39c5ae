"""A shift in WebKit, as far as it goes there: the worker, the key, the journal, without signal."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from proof.webkit import Window, wait, webkit
from tests.web.conftest import stage_on
from tests.web.guarding import LOGIN, PIN, Served, Shift, lay_shift
from tests.web.stage import Stage
from workflows.patrol import ACCEPTED, Scan
from workflows.patrol.journal.model import JournalEntry

POINTS = 4
ABLE = """return {
  "NDEFReader": "NDEFReader" in window,
  "BarcodeDetector": "BarcodeDetector" in window,
  "persist": !!navigator.storage?.persist,
  "locks": !!navigator.locks,
  "worker": !!navigator.serviceWorker?.controller,
}"""


@pytest.fixture
def stage(foundation: Path, tmp_path: Path) -> Iterator[Stage]:
    """The demo compound."""
    yield from stage_on(foundation, tmp_path / "stage")


@pytest.mark.timeout(900)
def test_a_shift_goes_in_webkit_without_signal(stage: Stage, tmp_path: Path) -> None:
    shift = lay_shift(stage, rounds=1, points=POINTS)
    served = Served(stage)
    served.begin()
    with webkit(tmp_path) as window:
        _come_on_duty(window, served, shift)
        sys.stdout.write(f"\n{window.run('return navigator.userAgent')}\n{window.run(ABLE)}\n")
        served.end()
        window.press("Route 1")
        for number, code in enumerate(shift.squares[0], 1):
            _type(window, code)
            window.see(f"{number}/{POINTS}")
            if number == POINTS // 2:
                # Started anew, still without signal.
                window.reload()
                window.see("Next point")
        served.begin()
        window.run("location.hash = '#/sync'")
        window.press("Send now")
        wait(lambda: len(_scans(stage)) == POINTS, "not every scan arrives")
        kept = window.run("return document.querySelectorAll('[data-seq]').length")
    served.end()
    assert [scan.verdict for scan in _scans(stage)] == [ACCEPTED] * POINTS
    with stage.parts.database.read() as session:
        told = session.scalars(select(JournalEntry.seq).order_by(JournalEntry.seq)).all()
    assert list(told) == list(range(1, len(told) + 1))
    assert kept >= POINTS


def _come_on_duty(window: Window, served: Served, shift: Shift) -> None:
    window.open(f"{served.url}/guard/#enrol={shift.code}")
    window.see("Is this phone ready?")
    window.press("Go on")
    window.see("How you sign in")
    window.fill("#app input", LOGIN)
    window.press("Go on")
    window.see("PIN of")
    for digit in PIN:
        window.press(digit)
    window.press("Sign in")
    window.see("Change guard")
    window.see("Route 1")


def _type(window: Window, code: str) -> None:
    """What a square says: there is no camera here to read it."""
    window.press("Scan the code")
    wait(lambda: bool(window.run("return !!document.querySelector('#app form input')")), "no field")
    window.fill("#app form input", f"/t?q={code}")
    window.press("Record it")


def _scans(stage: Stage) -> list[Scan]:
    with stage.parts.database.read() as session:
        return list(session.scalars(select(Scan).order_by(Scan.occurred_at)))
