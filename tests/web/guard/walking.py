"""A whole shift on the guard's app, as the short test and the long campaign both go it."""

import hashlib
import io
import random
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Page, Playwright, expect, sync_playwright
from sqlalchemy import select

from tests.web.guarding import (
    LENS,
    PATIENCE_MS,
    PHONE,
    Network,
    Served,
    Shift,
    enrol,
    kept,
    phone,
    reachable,
    show_code,
    sign_in,
    took,
    touch,
    wait_until_told,
)
from workflows.patrol import ACCEPTED, Scan
from workflows.patrol.journal.model import GuardFile, JournalEntry
from workflows.patrol.reports.model import GuardReport
from workflows.patrol.rounds import Round


@dataclass
class Walked:
    """What a shift left on the phone, how quick it was there, and how long it took to be told."""

    network: Network
    journal: list[dict[str, Any]] = field(default_factory=list)
    files: list[dict[str, Any]] = field(default_factory=list)
    took_ms: list[float] = field(default_factory=list)
    told_s: float = 0.0

    def told(self) -> str:
        """The times from a reading until it stood in the journal."""
        middle, worst = statistics.median(self.took_ms), max(self.took_ms)
        count = len(self.took_ms)
        quick = f"scan -> recorded, n={count}: median {middle:.0f} ms, worst {worst:.0f} ms"
        return f"{quick}; all told in {self.told_s:.0f} s"


@contextmanager
def on_phone(
    playwright: Playwright,
    folder: Path,
    url: str,
    *,
    camera: bool = False,
    clock: bool = False,
    **more: Any,
) -> Iterator[Page]:
    """The app, opened on the phone; what it complains about fails the test.

    camera: whether tags can't be read, but squares. clock: whether its clock can be put forward.
    more: of the browser.
    """
    complaints: list[str] = []
    with phone(playwright, folder, LENS if camera else PHONE, **more) as context:
        page = context.pages[0]
        if clock:
            page.clock.install()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(f"{url}/guard/")
        yield page
        assert complaints == []


def hold(page: Page, tag: str) -> None:
    """Hold the phone to a tag or a card."""
    page.wait_for_function("() => tagsAreRead()")
    page.evaluate("tag => touchTag(tag)", ":".join(tag[at : at + 2] for at in range(0, 14, 2)))


@dataclass
class Plan:
    """What a shift consists of. photos: of all reports together. parts: the browser is closed and
    opened again between them. camera: by squares, on a phone that reads no tags."""

    reports: int
    photos: int
    seed: int
    parts: int = 2
    camera: bool = False


def walk(shift: Shift, folder: Path, plan: Plan) -> Walked:
    """Sign in; all rounds with the server cut off and the browser restarted; then tell all of it
    over a network that drops half of what is asked."""
    served = Served(shift.stage)
    served.begin()
    with Network(served.port, plan.seed).running() as network, sync_playwright() as playwright:
        walked = Walked(network)
        for part in range(plan.parts):
            with on_phone(playwright, folder, network.url, camera=plan.camera) as page:
                if part == 0:
                    _come_on_duty(shift, page, network)
                    served.end()
                    assert not reachable(served.port)
                _go_part(shift, page, plan, part)
                walked.took_ms += took(page)
                if part == plan.parts - 1:
                    served.begin()
                    network.flaky, begun = True, time.monotonic()
                    # It would try by itself within a minute.
                    page.evaluate("location.hash = '#/sync'")
                    page.get_by_role("button", name="Send now").click()
                    wait_until_told(page)
                    walked.told_s = time.monotonic() - begun
                    walked.journal, walked.files = kept(page, "journal"), kept(page, "files")
    served.end()
    return walked


def _come_on_duty(shift: Shift, page: Page, network: Network) -> None:
    enrol(page, network.url, shift)
    sign_in(page)
    expect(page.get_by_role("button", name="Route 1").first).to_be_visible(timeout=PATIENCE_MS)
    wait_until_told(page)


def _go_part(shift: Shift, page: Page, plan: Plan, part: int) -> None:
    """An equal part of all tags, round after round, and of the reports."""
    shown = shift.squares if plan.camera else shift.tags
    every = [
        (number, one, f"Point {number + 1}-{at + 1}")
        for number, ones in enumerate(shown)
        for at, one in enumerate(ones)
    ]
    size = -(-len(every) // plan.parts)
    here = -1
    for number, one, name in every[part * size : (part + 1) * size]:
        if number != here:
            open_round(page, number)
            here = number
        if plan.camera:
            look(page, one)
        else:
            touch(page, one, name)
    for each in range(part, plan.reports, plan.parts):
        page.evaluate("location.hash = '#/home'")
        report(page, len(range(each, plan.photos, plan.reports)), seed=each)


def look(page: Page, code: str) -> None:
    """Hold the camera to the square of a point; returns once it says that this is recorded."""
    done = page.locator(".line:disabled").count()
    page.get_by_role("button", name="Scan the code").click()
    show_code(page, f"{page.evaluate('location.origin')}/t?q={code}")
    expect(page.locator(".outcome")).to_contain_text("recorded", timeout=PATIENCE_MS)
    expect(page.locator(".line:disabled")).to_have_count(done + 1, timeout=PATIENCE_MS)


def grainy(seed: int) -> bytes:
    """A photo of a dark cellar, in JPEG: nothing but noise, so that it goes in several pieces."""
    size = (800, 600)
    noise = random.Random(seed).randbytes(size[0] * size[1] * 3)
    target = io.BytesIO()
    Image.frombytes("RGB", size, noise).save(target, "JPEG")
    return target.getvalue()


def open_round(page: Page, number: int) -> None:
    """From the list, wherever the app is."""
    page.evaluate("location.hash = '#/home'")
    page.get_by_role("button", name=f"Route {number + 1}").first.click()


def report(page: Page, photos: int, *, seed: int) -> None:
    """A leak, with photos and one answer, sent; not a letter is typed.

    Whoever is in a hurry sends it while the last photo is still made small, and taps twice.
    """
    page.get_by_role("button", name="Report", exact=True).click()
    page.get_by_role("button", name="Water leak").click()
    for number in range(photos):
        picture = {
            "name": f"{seed}-{number}.jpg",
            "mimeType": "image/jpeg",
            "buffer": grainy(seed * 100 + number),
        }
        expect(page.locator("[data-photo]")).to_have_count(number, timeout=PATIENCE_MS)
        if number == photos - 1:
            page.get_by_role("group", name="Valve shut").get_by_role("button", name="Yes").click()
        page.get_by_label("Take a photo").set_input_files(picture)  # type: ignore[arg-type]
    # Twice before the page has drawn anything anew, as a hurried thumb does.
    send = page.get_by_role("button", name="Send the report")
    expect(send).to_be_enabled()
    send.evaluate("button => { button.click(); button.click(); }")
    expect(page.get_by_role("button", name="Change guard")).to_be_visible(timeout=PATIENCE_MS)


def assert_whole(shift: Shift, walked: Walked, plan: Plan) -> None:
    """Nothing lost, nothing doubled, the order kept, and every picture as it was taken."""
    stage = shift.stage
    scans = sum(len(tags) for tags in shift.tags)
    with stage.parts.database.read() as session:
        told = session.scalars(select(JournalEntry).order_by(JournalEntry.seq)).all()
        taken = session.scalars(select(Scan).order_by(Scan.occurred_at)).all()
        files = session.scalars(select(GuardFile)).all()
        reported = session.scalars(select(GuardReport)).all()
        gone = session.scalars(select(Round).where(Round.id.in_(shift.rounds))).all()
    mine = sorted(walked.journal, key=lambda one: int(one["seq"]))
    assert [(one.seq, one.hash) for one in told] == [(one["seq"], one["hash"]) for one in mine]
    assert all(one["hash"] == hashlib.sha256(one["text"].encode()).hexdigest() for one in mine)
    assert len(taken) == scans
    assert [one.verdict for one in taken] == [ACCEPTED] * scans
    recorded = [one["id"] for one in mine if one["kind"] == "scan"]
    assert [str(one.id) for one in taken] == recorded
    assert {one.state for one in gone} == {"complete"}
    assert len(reported) == plan.reports
    assert len(files) == plan.photos
    assert {(str(one.id), one.sha256, one.state) for one in files} == {
        (one["id"], one["sha256"], "complete") for one in walked.files
    }
    assert len({one.sha256 for one in files}) == len(files)
    assert all(one.report_id is not None for one in files)
