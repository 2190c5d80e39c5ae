"""A guard calls for help on the app, in a real browser: held, let go, without signal, silently."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from playwright.sync_api import BrowserContext, Page, expect, sync_playwright
from sqlalchemy import select

from core import events
from core.people import Caller
from core.rosters import DutyPhone
from tests.web.conftest import stage_on
from tests.web.guarding import (
    PATIENCE_MS,
    PHONE,
    Served,
    Shift,
    enrol,
    kept,
    lay_shift,
    phone,
    sign_in,
    wait_until,
    wait_until_told,
)
from tests.web.rounding import caller_of
from tests.web.stage import Stage
from workflows.patrol import lone, sos
from workflows.patrol.lone.model import LoneWatch
from workflows.patrol.phones.model import Phone
from workflows.patrol.phones.standing import move_phone

NUMBER = "02155512345"
EVERY = timedelta(minutes=30)
# What the phone's speaker and its motor would have been told.
SENSES = """
(() => {
  window.tones = [];
  window.buzzes = [];
  const start = OscillatorNode.prototype.start;
  OscillatorNode.prototype.start = function (...when) {
    tones.push(this.frequency.value);
    return start.apply(this, when);
  };
  navigator.vibrate = (pattern) => buzzes.push(pattern) > 0;
})();
"""
WAIL_HZ, WARNING_HZ = 960, 660
HOLD_MS, ASK_AGAIN_MS, ALOUD_AFTER_MS = 1500, 2000, 5000
HOUR_MS = 3600_000
HERE = {"latitude": 30.25, "longitude": 120.16, "accuracy": 8}
# Both ends of a press before anything else is done, however slow the machine is.
TAP = """button => {
  for (const kind of ["keydown", "keyup"])
    button.dispatchEvent(new KeyboardEvent(kind, { key: "Enter", bubbles: true }));
}"""


@pytest.fixture
def stage(foundation: Path, tmp_path: Path) -> Iterator[Stage]:
    """The demo compound."""
    yield from stage_on(foundation, tmp_path / "stage")


def calls(stage: Stage) -> list[sos.Sos]:
    """Every call for help, in the order in which they came."""
    with stage.parts.database.read() as session:
        return list(session.scalars(select(sos.Sos).order_by(sos.Sos.opened_at)))


def answer(stage: Stage, caller: Caller, sos_id: UUID, step: str, *more: Any) -> None:
    """A colleague does something about a call, on their own screen."""
    with stage.parts.database.write() as session:
        row = sos.find_sos(session, caller, sos_id)
        now = stage.parts.clock.now()
        getattr(sos, step)(session, row, *more, person=caller.person_id, now=now)


def hold(page: Page, name: str = "SOS hold") -> None:
    """Hold a button until its ring is full, by the clock of the phone."""
    page.get_by_role("button", name=name).hover()
    page.mouse.down()
    expect(page.locator(".sos-ring")).to_be_visible()
    page.clock.fast_forward(HOLD_MS)
    expect(page.locator(".sos-ring")).to_have_count(0)
    page.mouse.up()


def stands(page: Page, state: str) -> None:
    """See how far the app says that the call is, at the next time that it asks."""
    page.clock.fast_forward(ASK_AGAIN_MS)
    expect(page.locator(f"[data-sos={state}]")).to_be_visible(timeout=PATIENCE_MS)


def heard(page: Page, pitch: int) -> None:
    """Wait until the phone has made a sound of this pitch."""
    page.wait_for_function("pitch => tones.includes(pitch)", arg=pitch, timeout=PATIENCE_MS)


def opened(context: BrowserContext, url: str) -> Page:
    """The app as it opens on the phone."""
    page = context.pages[0]
    page.goto(f"{url}/guard/")
    return page


def test_the_story_of_a_guard_who_calls(stage: Stage, tmp_path: Path) -> None:
    shift = lay_shift(stage, rounds=1, points=1)
    answerer = caller_of(stage, stage.person("Sun Li 孙丽", "supervisor", node=stage.site_id))
    with stage.parts.database.write() as session:
        session.add(DutyPhone(node_id=stage.site_id, phone=NUMBER))
    served = Served(stage)
    served.begin()
    more: dict[str, Any] = {"permissions": ["geolocation"], "geolocation": HERE}
    with sync_playwright() as playwright:
        with phone(playwright, tmp_path / "phone", PHONE, SENSES, **more) as context:
            context.clock.install()
            page = context.pages[0]
            enrol(page, served.url, shift)
            expect(page.get_by_role("button", name="SOS hold")).to_have_count(0)
            sign_in(page)
            wait_until_told(page)
            _lets_go_early(page, stage)
            _practises(page, stage)
            served.end()
            _is_set_ahead(page)
            hold(page)
            _says_that_it_was_not_sent(page)
            heard(page, WAIL_HZ)
        with phone(playwright, tmp_path / "phone", PHONE, SENSES, **more) as context:
            context.clock.install()
            page = opened(context, served.url)
            _says_that_it_was_not_sent(page)
            served.begin()
            _is_answered(page, stage, answerer)
            _calls_silently(page, stage, served)
            _checks_in_without_signal(page, stage, shift, served)
            _is_refused(page, stage)
    served.end()


def _lets_go_early(page: Page, stage: Stage) -> None:
    page.get_by_role("button", name="SOS hold").evaluate(TAP)
    expect(page.get_by_text("Nothing was sent.")).to_be_visible()
    assert page.evaluate("location.hash") == "#/home"
    assert calls(stage) == []


def _practises(page: Page, stage: Stage) -> None:
    page.evaluate("location.hash = '#/practice'")
    page.get_by_role("button", name="Practice SOS").click()
    hold(page, "Practice SOS hold")
    stands(page, "received")
    [practice] = calls(stage)
    assert (practice.practice, practice.kind, practice.ticket_id) == (True, "open", None)
    page.get_by_role("button", name="End the practice").click()
    stands(page, "over")
    page.get_by_role("button", name="Close").click()
    expect(page.get_by_role("button", name="Change guard")).to_be_visible()


def _is_set_ahead(page: Page) -> None:
    """Three hours, and the phone has not heard of it when the call is pressed."""
    page.clock.set_system_time(page.evaluate("Date.now() / 1000") + 3 * HOUR_MS / 1000)
    page.reload()
    expect(page.get_by_role("button", name="SOS hold")).to_be_visible(timeout=PATIENCE_MS)


def _says_that_it_was_not_sent(page: Page) -> None:
    stands(page, "unsent")
    expect(page.get_by_text("NOT SENT")).to_be_visible()
    call = page.get_by_role("link", name=f"Call {NUMBER}")
    assert call.get_attribute("href") == f"tel:{NUMBER}"


def _is_answered(page: Page, stage: Stage, answerer: Caller) -> None:
    stands(page, "received")
    [_, call] = calls(stage)
    assert (call.kind, call.practice, call.presses, call.phone) == (
        "open",
        False,
        1,
        "Gate phone 门岗手机",
    )
    page.clock.fast_forward(ALOUD_AFTER_MS)
    expect(page.locator("body.sos-aloud")).to_have_count(1, timeout=PATIENCE_MS)
    answer(stage, answerer, call.id, "see")
    stands(page, "seen")
    answer(stage, answerer, call.id, "acknowledge")
    stands(page, "acknowledged")
    expect(page.get_by_text("Sun Li 孙丽 has answered")).to_be_visible()
    expect(page.locator("body.sos-aloud")).to_have_count(0)
    # It stands above every other screen as well.
    page.evaluate("location.hash = '#/home'")
    answer(stage, answerer, call.id, "come")
    page.clock.fast_forward(ASK_AGAIN_MS)
    page.get_by_role("button", name="Sun Li 孙丽 is on the way").click(timeout=PATIENCE_MS)
    page.get_by_role("button", name="Call the SOS off").click()
    page.get_by_label("Your phrase").fill("blue heron")
    page.get_by_role("button", name="Call the SOS off").click()
    expect(page.get_by_text("until a colleague has seen to it")).to_be_visible()
    wait_until(page, lambda: calls(stage)[1].cancelled_at is not None)
    with stage.parts.database.write() as session:
        row = sos.find_sos(session, answerer, call.id)
        [place, *_] = sos.look_at_positions(session, answerer, row, now=stage.parts.clock.now())
    assert (place["latitude"], place["longitude"]) == (HERE["latitude"], HERE["longitude"])
    answer(stage, answerer, call.id, "end", "real", "Is well")
    stands(page, "over")
    expect(page.get_by_text("Who looked at where you were")).to_be_visible()
    page.get_by_role("button", name="Close").click()


def _calls_silently(page: Page, stage: Stage, served: Served) -> None:
    """Nothing is seen, heard or felt of it: what the page consists of stays to the last letter.

    It is pressed without signal, and goes out when the app is opened the next time.
    """
    expect(page.get_by_role("button", name="Change guard")).to_be_visible()
    wait_until_told(page)
    served.end()
    # It stands open and knows nothing of what is pressed here.
    other = page.context.new_page()
    other.goto(page.url)
    expect(other.get_by_role("button", name="Change guard")).to_be_visible(timeout=PATIENCE_MS)
    page.bring_to_front()
    page.evaluate("() => { tones.length = 0; buzzes.length = 0; }")
    whole = page.evaluate("document.documentElement.outerHTML")
    before, title = len(calls(stage)), page.locator(".top h1")
    for _ in range(7):
        title.click()
    wait_until(page, lambda: _kept_silent(page) == 1)
    assert page.evaluate("document.documentElement.outerHTML") == whole
    assert page.evaluate("getSelection().toString()") == ""
    assert page.evaluate("[tones.length, buzzes.length]") == [0, 0]
    _calls_in_another_window(page, other)
    page.reload()
    expect(page.get_by_role("button", name="Change guard")).to_be_visible(timeout=PATIENCE_MS)
    expect(page.locator("#calls")).to_be_empty()
    assert len(calls(stage)) == before
    served.begin()
    wait_until(page, lambda: len(calls(stage)) > before)
    silent = calls(stage)[-1]
    assert (silent.kind, silent.state, silent.person_id) == ("silent", "received", _sender(page))
    expect(page.locator("#calls")).to_be_empty()
    assert page.evaluate("[tones.length, buzzes.length]") == [0, 0]


def _calls_in_another_window(page: Page, other: Page) -> None:
    """What is pressed in one window doesn't take away what another one has not sent yet."""
    other.bring_to_front()
    for _ in range(7):
        other.locator(".top h1").click()
    wait_until(page, lambda: _kept_silent(page) == 2)
    other.close()


def _kept_silent(page: Page) -> int:
    # The list of calls, among single values about the phone.
    found = [one for row in kept(page, "phone") for one in row.values() if isinstance(one, dict)]
    return sum(one.get("silent") is True for one in found)


def _sender(page: Page) -> UUID:
    return UUID(next(one["person"] for one in kept(page, "journal") if one["kind"] == "sign_in"))


def _checks_in_without_signal(page: Page, stage: Stage, shift: Shift, served: Served) -> None:
    with stage.parts.database.write() as session:
        now = stage.parts.clock.now()
        draft = lone.LoneDraft("security", int(EVERY.total_seconds() // 60))
        plan = lone.create_lone_plan(session, stage.site_id, draft, actor=events.SYSTEM, now=now)
        watch = LoneWatch(
            site_id=stage.site_id,
            plan_id=plan.id,
            person_id=shift.guard,
            began_at=now,
            ends_at=now + timedelta(hours=8),
            heard_at=now,
            due_at=now + EVERY,
        )
        session.add(watch)
    page.evaluate("window.dispatchEvent(new Event('online'))")
    expect(page.get_by_role("button", name="I am well (by")).to_be_visible(timeout=PATIENCE_MS)
    _runs_ahead(page)
    served.end()
    # Nothing was heard of the server's clock since this start.
    page.reload()
    expect(page.get_by_role("button", name="I am well (by")).to_be_visible(timeout=PATIENCE_MS)
    page.mouse.click(5, 5)
    page.clock.fast_forward(EVERY // timedelta(milliseconds=1))
    expect(page.get_by_text("Are you well?")).to_be_visible(timeout=PATIENCE_MS)
    heard(page, WARNING_HZ)
    for _ in range(2):
        page.get_by_role("button", name="I am well", exact=True).click()
        expect(page.get_by_text("Are you well?")).to_have_count(0)
        page.clock.fast_forward(EVERY // timedelta(milliseconds=1))
        expect(page.get_by_text("Are you well?")).to_be_visible(timeout=PATIENCE_MS)
    page.get_by_role("button", name="I am well", exact=True).click()
    served.begin()
    page.evaluate("window.dispatchEvent(new Event('online'))")
    wait_until_told(page)
    with stage.parts.database.read() as session:
        known = session.scalars(select(LoneWatch)).one()
    assert (known.heard_by, known.state) == ("journal", "well")
    assert known.heard_at > now


def _runs_ahead(page: Page) -> None:
    """The phone's clock shows three hours too much, and the phone knows that it does."""
    page.clock.set_system_time(page.evaluate("Date.now() / 1000") + 3 * HOUR_MS / 1000)
    page.evaluate("window.dispatchEvent(new Event('online'))")
    wait_until(page, lambda: any(_is_far_off(one) for one in kept(page, "phone")))


def _is_far_off(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("ms"), int) and value["ms"] < -HOUR_MS


def _is_refused(page: Page, stage: Stage) -> None:
    """A phone that was taken out of use can't call; it says so, and telephones."""
    with stage.parts.database.write() as session:
        row = session.scalars(select(Phone)).one()
        move_phone(session, row, "retire", actor=events.SYSTEM, now=stage.parts.clock.now())
    before = len(calls(stage))
    hold(page)
    stands(page, "unsent")
    expect(page.get_by_text("NOT SENT: it is refused")).to_be_visible(timeout=PATIENCE_MS)
    expect(page.get_by_text("this phone was taken out of use")).to_be_visible()
    expect(page.get_by_role("link", name=f"Call {NUMBER}")).to_be_visible()
    assert len(calls(stage)) == before
