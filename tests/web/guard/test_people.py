"""Who holds a shared phone: PIN and badge with signal and without, warnings, and practice."""

from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
from playwright.sync_api import Page, expect, sync_playwright
from sqlalchemy import select

from tests.web.conftest import stage_on
from tests.web.guard.sharing import CARD, LI, OTHER_PIN, change, colleague, holds, type_pin
from tests.web.guard.walking import hold, on_phone
from tests.web.guarding import (
    PATIENCE_MS,
    PIN,
    Served,
    Shift,
    enrol,
    kept,
    lay_shift,
    reachable,
    sign_in,
    wait_until,
    wait_until_told,
)
from tests.web.stage import Stage
from workflows.patrol import Scan
from workflows.patrol.phones import plan as phone_plan

WRONG = "903715"


@pytest.fixture
def stage(foundation: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    """The demo compound. What keeps others from trying PINs would only keep the tests waiting."""
    monkeypatch.setattr(phone_plan, "PIN_ROUNDS", 1_000)
    yield from stage_on(foundation, tmp_path / "stage")


def test_a_phone_of_the_post_changes_hands_with_and_without_signal(
    stage: Stage, tmp_path: Path
) -> None:
    shift = lay_shift(stage, rounds=1, points=1)
    li = colleague(shift)
    served = Served(stage)
    served.begin()
    with sync_playwright() as playwright:
        with on_phone(playwright, tmp_path / "phone", served.url) as page:
            enrol(page, served.url, shift)
            sign_in(page)
            wait_until_told(page)
            _taps_while_the_page_hears_of_something(page)
            change(page)
            # A badge names its holder, who is not known here yet; the PIN lets them in.
            hold(page, CARD)
            expect(page.get_by_text("PIN of this badge")).to_be_visible(timeout=PATIENCE_MS)
            type_pin(page, OTHER_PIN)
            holds(page, LI)
            wait_until_told(page)
            _changes_hands_in_another_window(page)
            wait_until_told(page)
            served.end()
            assert not reachable(served.port)
            change(page)
            page.get_by_role("button", name="Wang Gang").click()
            type_pin(page, PIN)
            holds(page, "Wang Gang")
        with on_phone(playwright, tmp_path / "phone", served.url, clock=True) as page:
            holds(page, "Wang Gang")
            _is_warned(page)
            _practises(page)
            change(page)
            hold(page, CARD)
            expect(page.get_by_text(f"PIN of {LI}")).to_be_visible(timeout=PATIENCE_MS)
            type_pin(page, OTHER_PIN)
            holds(page, LI)
            _is_locked_out(page)
            hold(page, CARD)
            type_pin(page, OTHER_PIN)
            holds(page, LI)
            served.begin()
            _tells_beside_a_window_that_sleeps(page)
            journal = kept(page, "journal")
        served.end()
    _assert_told(shift, li, journal)


def _changes_hands_in_another_window(page: Page) -> None:
    """A touched tag opens a second one; in the first nobody goes on as who was there before."""
    other = page.context.new_page()
    # It is closed before it told anything: what was recorded there is told by the one that stays.
    other.route("**/journal", lambda route: route.abort())
    other.goto(page.url)
    holds(other, LI)
    change(other)
    back = "() => document.dispatchEvent(new Event('visibilitychange'))"
    page.evaluate(back)
    expect(page.get_by_text("Who is on duty?")).to_be_visible(timeout=PATIENCE_MS)
    other.get_by_role("button", name="Wang Gang").click()
    type_pin(other, PIN)
    holds(other, "Wang Gang")
    page.evaluate(back)
    holds(page, "Wang Gang")
    other.close()


def _tells_beside_a_window_that_sleeps(page: Page) -> None:
    """It was put to sleep while it handed in, and never ends."""
    page.evaluate(
        "() => void navigator.locks.request("
        "'guard-sync', () => new Promise((done) => (window.wake = done)))"
    )
    page.evaluate("() => { location.hash = '#/sync'; }")
    page.get_by_role("button", name="Send now").click()
    waits = "async () => (await navigator.locks.query()).pending.length > 0"
    wait_until(page, lambda: bool(page.evaluate(waits)))
    page.clock.fast_forward("01:05")
    wait_until_told(page)
    page.evaluate("() => wake()")


def _taps_while_the_page_hears_of_something(page: Page) -> None:
    """What is drawn anew under a finger would swallow the tap."""
    page.get_by_role("button", name="Practise").hover()
    page.mouse.down()
    with page.expect_response("**/guard/journal"):
        page.evaluate("() => window.dispatchEvent(new Event('online'))")
    page.wait_for_function("() => new Promise(done => setTimeout(() => done(true), 300))")
    page.mouse.up()
    expect(page.get_by_role("button", name="Pretend that it was scanned")).to_be_visible(
        timeout=PATIENCE_MS
    )
    page.evaluate("() => { location.hash = '#/home'; }")


def _is_warned(page: Page) -> None:
    """By the phone's own plan, without signal, while its clock goes on."""
    # Late after its tolerance, which is over by now; that is said for ten minutes.
    # Who comes back to the page at that moment makes it look once more; it is said once.
    page.evaluate(
        "() => { const back = () => document.dispatchEvent(new Event('visibilitychange'));"
        " for (let i = 0; i < 5; i++) setTimeout(back, 60_000); }"
    )
    page.clock.fast_forward("13:00")
    late = page.get_by_text("Route 1 is late: begin it now.")
    expect(late).to_be_visible(timeout=PATIENCE_MS)
    # What stands there follows the language.
    page.evaluate("() => { location.hash = '#/settings'; }")
    page.get_by_role("button", name="中文").click()
    page.clock.fast_forward("00:06")
    expect(page.get_by_text("1 号路线：已超时，请立即开始。")).to_be_visible(timeout=PATIENCE_MS)
    page.get_by_role("button", name="English").click()
    page.evaluate("() => { location.hash = '#/home'; }")


def _practises(page: Page) -> None:
    before = len(kept(page, "journal"))
    page.get_by_role("button", name="Practise").click()
    for _ in range(3):
        page.get_by_role("button", name="Pretend that it was scanned").click()
    expect(page.get_by_text("That is all of it")).to_be_visible(timeout=PATIENCE_MS)
    page.get_by_role("button", name="Back").click()
    expect(page.get_by_role("button", name="Change guard")).to_be_visible(timeout=PATIENCE_MS)
    kinds = [one["kind"] for one in kept(page, "journal")[before:]]
    assert [one for one in kinds if one != "gap"] == ["practice", "practice"]


def _is_locked_out(page: Page) -> None:
    """Five wrong PINs, and it asks for signal."""
    change(page)
    page.get_by_role("button", name="Wang Gang").click()
    for _ in range(5):
        type_pin(page, WRONG)
        expect(page.get_by_text("That was not the right PIN or name.")).to_be_visible(
            timeout=PATIENCE_MS
        )
    type_pin(page, PIN)
    expect(page.get_by_text("Too many wrong tries: now it needs signal.")).to_be_visible(
        timeout=PATIENCE_MS
    )
    page.get_by_role("button", name="Back").click()


def _assert_told(shift: Shift, li: UUID, journal: list[dict[str, object]]) -> None:
    with shift.stage.parts.database.read() as session:
        scans = session.scalars(select(Scan)).all()
    # A practice round counts nowhere.
    assert list(scans) == []
    people = [one["person"] for one in journal if one["kind"] == "sign_in"]
    wang = str(shift.guard)
    assert people == [wang, str(li), wang, wang, str(li), str(li)]
    texts = [str(one["text"]) for one in journal if one["kind"] == "sign_in"]
    told = [text.partition('"data":')[2].rstrip("}") for text in texts]
    assert told == [
        '{"by":"online","with":"pin"',
        '{"by":"online","with":"badge_pin"',
        '{"by":"online","with":"pin"',
        '{"by":"offline","with":"pin"',
        '{"by":"offline","with":"badge_pin"',
        '{"by":"offline","with":"badge_pin"',
    ]
