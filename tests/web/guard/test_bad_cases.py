"""The guard's app where things go wrong: spoilt files, a restored server, a clock that is set."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect, sync_playwright
from sqlalchemy import select

from core import events
from tests.web.conftest import stage_on
from tests.web.guard.sharing import type_pin
from tests.web.guard.walking import grainy, hold, open_round, report
from tests.web.guarding import (
    CLOCK,
    LOGIN,
    PATIENCE_MS,
    PHONE,
    PIN,
    Network,
    Served,
    Shift,
    code_for,
    enrol,
    kept,
    lay_shift,
    phone,
    sign_in,
    touch,
    wait_until,
    wait_until_told,
)
from tests.web.rounding import caller_of
from tests.web.stage import SQLITE, Stage
from workflows.patrol import Scan
from workflows.patrol.journal.model import GuardFile, JournalEntry, JournalOrphan
from workflows.patrol.journal.orphans import orphaned_files, orphans_of
from workflows.patrol.phones.model import Phone
from workflows.patrol.phones.standing import move_phone
from workflows.patrol.reports.model import GuardReport

# Further than the phone keeps what was answered.
EIGHT_DAYS_MS = 8 * 24 * 3600 * 1000

# The phone has no room for what the server answers, once.
FULL = """() => {
  const put = IDBObjectStore.prototype.put;
  IDBObjectStore.prototype.put = function (...given) {
    if (this.name !== "answers") return put.apply(this, given);
    IDBObjectStore.prototype.put = put;
    throw new DOMException("full", "QuotaExceededError");
  };
}"""
# Nor for anything new, until something is taken away, or there is room again.
NO_ROOM = """() => {
  const { add, delete: take } = IDBObjectStore.prototype;
  window.roomAgain = () => Object.assign(IDBObjectStore.prototype, { add, delete: take });
  IDBObjectStore.prototype.add = () => {
    throw new DOMException("full", "QuotaExceededError");
  };
  IDBObjectStore.prototype.delete = function (...given) {
    roomAgain();
    return take.apply(this, given);
  };
}"""
# As the phone lets go of what is old, a tag is touched.
TOUCH_AS_IT_FORGETS = """tag => {
  const open = IDBDatabase.prototype.transaction;
  IDBDatabase.prototype.transaction = function (...given) {
    const made = open.apply(this, given);
    if (given[1] === "readwrite" && String(given[0]) === "journal,answers") {
      IDBDatabase.prototype.transaction = open;
      touchTag(tag);
    }
    return made;
  };
}"""
# Somebody has as many photos as a report may hold, and the words end within a picture.
FULL_REPORT = """async (person) => {
  const db = await new Promise((done) => {
    const opening = indexedDB.open("watchkeeper-guard");
    opening.onsuccess = () => done(opening.result);
  });
  const files = Array.from({ length: 20 }, () => crypto.randomUUID());
  const draft = { choice: "leak", checkpoint: null, round: null, files, checks: {} };
  const text = "Below the roof " + String.fromCharCode(0xd83d);
  const change = db.transaction("phone", "readwrite");
  change.objectStore("phone").put({ [person]: { ...draft, text } }, "drafts");
  await new Promise((done) => (change.oncomplete = done));
  db.close();
}"""
# Signal comes five times in the same moment; how often the phone begins to hand in is counted.
FLICKERING = """() => {
  window.begun = 0;
  const request = navigator.locks.request.bind(navigator.locks);
  navigator.locks.request = (...given) => {
    window.begun += 1;
    return request(...given);
  };
  for (let time = 0; time < 5; time += 1) window.dispatchEvent(new Event("online"));
}"""


@pytest.fixture
def stage(foundation: Path, tmp_path: Path) -> Iterator[Stage]:
    """The demo compound."""
    yield from stage_on(foundation, tmp_path / "stage")


def copy_of(stage: Stage) -> sqlite3.Connection:
    """A backup of the server's database."""
    backup = sqlite3.connect(":memory:")
    with closing(_opened(stage)) as source:
        source.backup(backup)
    return backup


def restore(stage: Stage, backup: sqlite3.Connection) -> None:
    """The server as it was when the backup was made."""
    with closing(_opened(stage)) as target:
        backup.backup(target)


def _opened(stage: Stage) -> sqlite3.Connection:
    return sqlite3.connect(stage.parts.settings.data_dir / SQLITE, timeout=30)


def told(stage: Stage) -> tuple[int, int, list[str]]:
    """How many entries and scans the server has, and how its files stand."""
    with stage.parts.database.read() as session:
        entries = session.scalars(select(JournalEntry.seq)).all()
        scans = session.scalars(select(Scan.id)).all()
        return len(entries), len(scans), list(session.scalars(select(GuardFile.state)))


def send_now(page: Page) -> None:
    """What the next beat would do within a minute."""
    page.evaluate("location.hash = '#/sync'")
    page.get_by_role("button", name="Send now").click()


def test_what_went_wrong_goes_again_and_a_clock_that_was_set_moves_nothing(
    stage: Stage, tmp_path: Path
) -> None:
    shift = lay_shift(stage, rounds=1, points=3)
    served = Served(stage)
    served.begin()
    with (
        Network(served.port, seed=1).running() as network,
        sync_playwright() as playwright,
        phone(playwright, tmp_path / "phone", PHONE, CLOCK) as context,
    ):
        page = context.pages[0]
        enrol(page, network.url, shift)
        _comes_without_room(page)
        sign_in(page, "Wang Gang")
        wait_until_told(page)
        _flickers(page)
        _says_what_is_not_kept(page, shift)
        _reports_too_much(page, shift)
        before = copy_of(stage)
        _spoilt(page, shift, network)
        _restored(page, shift, served, before)
        _makes_room(page, shift)
        _set_clock(page, shift, served)
        _records_as_it_forgets(page)
        _made_known_anew(page, shift, network)
    served.end()


def _comes_without_room(page: Page) -> None:
    """Whose coming could not be recorded does not hold the phone: nothing would count for them."""
    page.evaluate(NO_ROOM)
    page.get_by_label("How you sign in to Watchkeeper").fill(LOGIN)
    page.get_by_role("button", name="Go on").click()
    type_pin(page, PIN)
    expect(page.get_by_text("NOT recorded")).to_be_visible(timeout=PATIENCE_MS)
    page.evaluate("history.replaceState(null, '', '#/home')")
    page.reload()
    expect(page.get_by_text("Who is on duty?")).to_be_visible(timeout=PATIENCE_MS)


def _says_what_is_not_kept(page: Page, shift: Shift) -> None:
    """A scan on a full phone is said to be lost until it is done again."""
    open_round(page, 0)
    page.evaluate(NO_ROOM)
    hold(page, shift.tags[0][2])
    lost = page.get_by_text("NOT recorded")
    expect(lost).to_be_visible(timeout=PATIENCE_MS)
    lost.click()
    expect(lost).to_have_count(0)
    page.evaluate("location.hash = '#/home'")
    page.get_by_role("button", name="Report", exact=True).click()
    page.get_by_role("button", name="Water leak").click()
    picture = {"name": "a.jpg", "mimeType": "image/jpeg", "buffer": grainy(9)}
    page.get_by_label("Take a photo").set_input_files(picture)  # type: ignore[arg-type]
    expect(page.get_by_text("This could not be kept.")).to_be_visible(timeout=PATIENCE_MS)
    page.evaluate("roomAgain()")
    lost.click()


def _makes_room(page: Page, shift: Shift) -> None:
    """What the server has as well goes before something new is lost."""
    open_round(page, 0)
    page.evaluate(NO_ROOM)
    touch(page, shift.tags[0][1], "Point 1-2")
    wait_until_told(page)


def _reports_too_much(page: Page, shift: Shift) -> None:
    """What the server would leave out is not taken, and half a letter holds nothing up."""
    page.evaluate("location.hash = '#/home'")
    page.evaluate(FULL_REPORT, str(shift.guard))
    page.get_by_role("button", name="Report", exact=True).click()
    picture = {"name": "b.jpg", "mimeType": "image/jpeg", "buffer": grainy(9)}
    page.get_by_label("Take a photo").set_input_files(picture)  # type: ignore[arg-type]
    expect(page.get_by_text("20 are the most.")).to_be_visible(timeout=PATIENCE_MS)
    page.get_by_role("button", name="Send the report").click()
    wait_until(page, lambda: kept(page, "journal")[-1]["kind"] == "report")
    wait_until_told(page)
    with shift.stage.parts.database.read() as session:
        assert session.scalars(select(GuardReport.text)).one() == "Below the roof \ufffd"


def _records_as_it_forgets(page: Page) -> None:
    """What is recorded while days-old entries go stands in the journal once."""
    open_round(page, 0)
    page.wait_for_function("() => tagsAreRead()")
    page.evaluate(TOUCH_AS_IT_FORGETS, "04:EE:EE:EE:EE:EE:EE")
    page.evaluate("ms => setClock(ms)", EIGHT_DAYS_MS)
    page.evaluate("window.dispatchEvent(new Event('online'))")
    # All of the earlier ones are gone.
    wait_until(page, lambda: "scan" in {one["kind"] for one in kept(page, "journal")[-4:]})
    wait_until(page, lambda: len(kept(page, "journal")) < 8)
    wait_until_told(page)
    page.evaluate("ms => setClock(ms)", -EIGHT_DAYS_MS)


def _flickers(page: Page) -> None:
    """Signal that comes and goes has the phone hand in once, and once more for what came since."""
    page.evaluate(FLICKERING)
    page.wait_for_function("() => window.begun > 0", timeout=PATIENCE_MS)
    wait_until_told(page)
    assert page.evaluate("() => window.begun") <= 3


def _spoilt(page: Page, shift: Shift, network: Network) -> None:
    """A photo arrives otherwise than it was taken: once, then each time, then as it is."""
    # And a fault that nobody thought of is no end of it.
    page.evaluate(FULL)
    open_round(page, 0)
    touch(page, shift.tags[0][0], "Point 1-1")
    page.evaluate("location.hash = '#/home'")
    network.spoils = 1
    report(page, 1, seed=1)
    wait_until_told(page)
    assert network.met["spoilt"] == 1
    network.spoils = 1000
    report(page, 1, seed=2)
    wait_until(page, lambda: "wrong" in {file["state"] for file in kept(page, "files")})
    network.spoils = 0
    page.evaluate("location.hash = '#/sync'")
    expect(page.get_by_text("1 files did not arrive as they were taken")).to_be_visible(
        timeout=PATIENCE_MS
    )
    page.get_by_role("button", name="Send them again").click()
    wait_until_told(page)
    assert told(shift.stage)[2] == ["complete"] * 2


def _restored(page: Page, shift: Shift, served: Served, backup: sqlite3.Connection) -> None:
    """A server that lacks what it had gets it again, though nothing new was recorded."""
    whole = told(shift.stage)
    served.end()
    restore(shift.stage, backup)
    served.begin()
    assert told(shift.stage)[1:] == (0, [])
    send_now(page)
    wait_until(page, lambda: told(shift.stage) == whole, 60)
    wait_until_told(page)


def _set_clock(page: Page, shift: Shift, served: Served) -> None:
    """Without signal somebody sets the phone's clock, and sets it right: scans stay where they
    were. What looks old by it is kept for as long as anything that was answered."""
    served.end()
    page.evaluate("ms => setClock(ms)", -EIGHT_DAYS_MS)
    open_round(page, 0)
    touch(page, shift.tags[0][2], "Point 1-3")
    page.evaluate("ms => setClock(ms)", EIGHT_DAYS_MS)
    wait_until(page, lambda: kept(page, "journal")[-1]["kind"] == "gap")
    served.begin()
    send_now(page)
    wait_until_told(page)
    with shift.stage.parts.database.read() as session:
        scan = session.scalars(
            select(Scan).order_by(Scan.received_at.desc(), Scan.occurred_at.desc())
        ).first()
        assert scan is not None
        entry = session.scalars(select(JournalEntry).where(JournalEntry.id == scan.id)).one()
    assert abs(scan.occurred_at - scan.received_at) < timedelta(minutes=10)
    assert scan.occurred_at - entry.device_at > timedelta(days=7, hours=23)
    assert len([one for one in shift_marks(shift.stage) if "clock_set" in one]) == 2
    assert entry.seq in {one["seq"] for one in kept(page, "journal")}


def _made_known_anew(page: Page, shift: Shift, network: Network) -> None:
    """A phone that was taken out of use takes what it still had along under its next key."""
    stage = shift.stage
    counted = told(stage)[1]
    with stage.parts.database.write() as session:
        row = session.scalars(select(Phone)).one()
        now = stage.parts.clock.now()
        move_phone(session, row, "retire", actor=events.SYSTEM, now=now)
        earlier, site_id = row.id, row.site_id
    page.evaluate("location.hash = '#/home'")
    report(page, 1, seed=3)
    page.evaluate("location.hash = '#/sync'")
    expect(page.get_by_text("This phone is out of use")).to_be_visible(timeout=PATIENCE_MS)
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Make it known anew").click()
    # Only the page that has begun anew asks for this.
    known = page.get_by_role("heading", name="Make this phone known")
    expect(known).to_be_visible(timeout=PATIENCE_MS)
    shift.code = code_for(stage, "Gate phone, new", shift.supervisor)
    enrol(page, network.url, shift)
    wait_until(page, lambda: len(orphans(stage)) == 2, 60)
    wait_until_told(page)
    assert {(one.of_phone, one.proved) for one in orphans(stage)} == {(earlier, True)}
    assert [one.kind for one in orphans(stage)] == ["file", "report"]
    assert told(stage)[1] == counted
    with stage.parts.database.read() as session:
        supervisor = caller_of(stage, shift.supervisor)
        new = orphans(stage)[0].phone_id
        [photo] = orphaned_files(session, supervisor, new)
        [file, said] = orphans_of(session, supervisor, new, vault=stage.parts.vault)
    assert (photo["what"], file["kind"], said["data"]["choice"]) == ("photo", "file", "leak")
    assert site_id == stage.site_id


def orphans(stage: Stage) -> list[JournalOrphan]:
    """What was taken along, in order."""
    with stage.parts.database.read() as session:
        return list(session.scalars(select(JournalOrphan).order_by(JournalOrphan.seq)))


def shift_marks(stage: Stage) -> list[list[str]]:
    """The marks of every entry."""
    with stage.parts.database.read() as session:
        return list(session.scalars(select(JournalEntry.marks)))
