"""A shift at a post on the guard's app: orders, coming, reports that grow, and leaving."""

import re
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
from playwright.sync_api import Page, expect, sync_playwright
from sqlalchemy import select

from core.people import Person, caller_for
from tests.web.conftest import signed_in, stage_on
from tests.web.guard.sharing import CARD, LI, OTHER_PIN, change, colleague, holds, type_pin
from tests.web.guard.walking import grainy, hold, on_phone
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
    wait_until_told,
)
from tests.web.patrolling import checkpoint, put
from tests.web.posting import GATE, post
from tests.web.stage import Stage
from workflows.dispatch import Handover
from workflows.patrol import posts
from workflows.patrol.journal.model import GuardFile
from workflows.patrol.posts.model import OrdersRead
from workflows.patrol.reports.model import GuardReport, GuardReportAddition
from workflows.tickets import Ticket

TAG = "04B1B1B1B1B1B1"
# What Chromium hears where there is no microphone: a beep, twice a second.
MICROPHONE = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]


@pytest.fixture
def stage(foundation: Path, tmp_path: Path) -> Iterator[Stage]:
    """The demo compound."""
    yield from stage_on(foundation, tmp_path / "stage")


def lay_post(stage: Stage) -> tuple[UUID, UUID]:
    """A gate with a tag and orders, and who leads it."""
    boss = stage.person("Qian Wei 钱伟", "supervisor", node=stage.site_id)
    point = checkpoint(stage, "gatehouse", "Gatehouse", "门岗亭")
    put(stage, point, "static_tag", TAG)
    gate = post(stage, "gate", "Main gate", "正门岗", checkpoint_id=point)
    publish(stage, gate, boss, GATE)
    return gate, boss


def publish(stage: Stage, gate: UUID, boss: UUID, body: dict[str, str]) -> None:
    """New orders come into force."""
    with stage.parts.database.write() as session:
        caller = caller_for(session, session.get_one(Person, boss))
        row = session.get_one(posts.Post, gate)
        now = stage.parts.clock.now()
        posts.write_draft(session, caller, row, body, now=now)
        posts.publish(session, caller, row, now=now)


def go_home(page: Page) -> None:
    """To the first screen, from wherever the app is."""
    page.evaluate("() => { location.hash = '#/home'; }")
    expect(page.get_by_role("button", name="Change guard")).to_be_visible(timeout=PATIENCE_MS)


def test_a_shift_at_a_post_goes_without_signal(stage: Stage, tmp_path: Path) -> None:
    shift = lay_shift(stage, rounds=1, points=1)
    gate, boss = lay_post(stage)
    served = Served(stage)
    served.begin()
    with sync_playwright() as playwright:
        with on_phone(playwright, tmp_path / "phone", served.url) as page:
            enrol(page, served.url, shift)
            sign_in(page)
            unread = page.get_by_role("button", name="Read the post orders: Main gate")
            expect(unread).to_be_visible(timeout=PATIENCE_MS)
            served.end()
            assert not reachable(served.port)
            _read_the_orders(page)
            _come(page)
            _report(page)
        publish(stage, gate, boss, {"en": "The gate stays shut.", "zh": "正门关闭。"})
        # Hours of a shift, and the phone starts anew.
        with on_phone(playwright, tmp_path / "phone", served.url) as page:
            expect(page.get_by_text("You are here since")).to_be_visible(timeout=PATIENCE_MS)
            expect(page.get_by_text("Read the post orders")).to_have_count(0)
            _add_to_the_report(page)
            served.begin()
            page.evaluate("() => { location.hash = '#/sync'; }")
            page.get_by_role("button", name="Send now").click()
            wait_until_told(page)
            go_home(page)
            # What came into force meanwhile is still to be read.
            unread = page.get_by_role("button", name="Read the post orders: Main gate")
            expect(unread).to_be_visible(timeout=PATIENCE_MS)
            _leave(page)
            wait_until_told(page)
            verdicts = {one["kind"]: one["verdict"] for one in kept(page, "answers")}
        served.end()
    assert {verdicts[one] for one in ("orders_read", "scan", "report_more")} == {"accepted"}
    assert verdicts["post_leave"] == "accepted"
    _assert_told(shift, gate)


def _read_the_orders(page: Page) -> None:
    page.get_by_role("button", name="Read the post orders: Main gate").click()
    # Markdown as it was written, in words of the page's own.
    expect(page.locator(".written h3")).to_have_text("Riverside gate")
    expect(page.locator(".written li strong")).to_have_text("fire engines")
    page.get_by_role("button", name="I have read this").click()
    expect(page.get_by_role("button", name="Change guard")).to_be_visible(timeout=PATIENCE_MS)
    expect(page.get_by_text("Read the post orders")).to_have_count(0)


def _come(page: Page) -> None:
    page.get_by_role("button", name="Scan the tag of your post to come.").click()
    hold(page, TAG)
    expect(page.locator(".outcome")).to_have_text("Main gate: recorded", timeout=PATIENCE_MS)
    expect(page.get_by_text("You are here since")).to_be_visible()
    go_home(page)
    expect(page.get_by_text("You are here since")).to_be_visible()


def _report(page: Page) -> None:
    page.get_by_role("button", name="Report", exact=True).click()
    page.get_by_role("button", name="Water leak").click()
    page.get_by_role("button", name="Send the report").click()
    expect(page.get_by_role("button", name="My reports (1)")).to_be_visible(timeout=PATIENCE_MS)


def _add_to_the_report(page: Page) -> None:
    page.get_by_role("button", name="My reports (1)").click()
    page.get_by_role("button", name="Water leak").click()
    add = page.get_by_role("button", name="Add to the report")
    expect(add).to_be_disabled()
    picture = {"name": "1.jpg", "mimeType": "image/jpeg", "buffer": grainy(1)}
    page.get_by_label("Take a photo").set_input_files(picture)  # type: ignore[arg-type]
    expect(page.locator("[data-photo]")).to_have_count(1, timeout=PATIENCE_MS)
    page.get_by_label("Add words").fill("It comes from above.")
    # Twice before the page has drawn anything anew, as a hurried thumb does.
    add.evaluate("button => { button.click(); button.click(); }")
    expect(page.get_by_text("1 photos or voice notes to send")).to_be_visible(timeout=PATIENCE_MS)


def _leave(page: Page) -> None:
    page.get_by_role("button", name="You are here since").click()
    page.get_by_role("button", name="I leave this post").click()
    page.get_by_role("button", name="No", exact=True).click()
    page.get_by_role("button", name="I leave this post").click()
    page.get_by_role("button", name="Yes", exact=True).click()
    expect(page.get_by_text("You are here since")).to_have_count(0)


def _assert_told(shift: Shift, gate: UUID) -> None:
    with shift.stage.parts.database.read() as session:
        [read] = session.scalars(select(OrdersRead)).all()
        orders = session.get_one(posts.PostOrders, read.orders_id)
        [duty] = session.scalars(select(posts.PostDuty)).all()
        [report] = session.scalars(select(GuardReport)).all()
        [more] = session.scalars(select(GuardReportAddition)).all()
        [photo] = session.scalars(select(GuardFile)).all()
    assert (orders.number, orders.state, read.person_id) == (1, "replaced", shift.guard)
    assert (duty.post_id, duty.state, duty.left_by) == (gate, "left", "self")
    assert (more.report_id, more.text) == (report.id, "It comes from above.")
    assert (photo.addition_id, photo.state) == (more.id, "complete")


def test_a_post_is_handed_over_by_count_and_voice(stage: Stage, tmp_path: Path) -> None:
    shift = lay_shift(stage, rounds=1, points=1)
    gate, boss = lay_post(stage)
    li = colleague(shift)
    _lay_keys(stage, gate, boss, shift.guard)
    served = Served(stage)
    served.begin()
    with (
        sync_playwright() as playwright,
        on_phone(playwright, tmp_path / "phone", served.url, flags=MICROPHONE) as page,
    ):
        enrol(page, served.url, shift)
        sign_in(page)
        _hand_over(page)
        wait_until_told(page)
        _change_to_the_next(page)
        _take_over(page)
        served.end()
        # What needs signal says so, in one sentence.
        page.get_by_role("button", name="Scan the tag of your post to come.").click()
        page.get_by_role("button", name="Hand-over", exact=True).click()
        expect(page.get_by_text("This needs signal")).to_be_visible(timeout=PATIENCE_MS)
        page.get_by_role("button", name="Back").click()
        _both_touch_the_tag(page)
    _assert_handed_over(stage, gate, shift.guard, li)
    # In the console it is heard as well.
    desk = signed_in(stage, stage.secret(boss, "session"))
    heard = re.search(r'<audio[^>]+src="([^"]+)"', desk.get(f"/posts/{gate}/log").text)
    assert heard is not None
    assert desk.get(heard[1]).headers["Content-Type"].startswith("audio/")


def _lay_keys(stage: Stage, gate: UUID, boss: UUID, guard: UUID) -> None:
    """Two kinds of things to count, and somebody who is at the gate."""
    wanted = [posts.Item("key", "Master key 总钥匙", 3), posts.Item("equipment", "Radio 对讲机", 2)]
    with stage.parts.database.write() as session:
        caller = caller_for(session, session.get_one(Person, boss))
        row, now = session.get_one(posts.Post, gate), stage.parts.clock.now()
        posts.set_items(session, caller, row, wanted, now=now)
        posts.clock_in(session, caller, row, guard, reason="The tag is wet", now=now)


def _hand_over(page: Page) -> None:
    page.get_by_role("button", name="You are here since").click()
    # Whoever opened the app anew shows once more that it is them, and is back where they were.
    page.reload()
    page.get_by_role("button", name="Hand-over", exact=True).click()
    page.get_by_role("button", name="Sign in").click()
    type_pin(page, PIN)
    give = page.get_by_role("button", name="Hand over", exact=True)
    expect(give).to_be_disabled(timeout=PATIENCE_MS)
    keys = page.get_by_role("group", name="Master key")
    keys.get_by_role("button", name="All 3").click()
    keys.get_by_role("button", name="One fewer").click()
    page.get_by_role("group", name="Radio").get_by_role("button", name="All 2").click()
    # One is missing, and nobody has said why.
    expect(give).to_be_disabled()
    keys.get_by_label("Why it is not as listed").fill("Broken off in the lock")
    expect(give).to_be_enabled()
    page.get_by_role("button", name="Voice note").click()
    stop = page.get_by_role("button", name="Stop", exact=True)
    expect(stop).to_be_visible(timeout=PATIENCE_MS)
    page.wait_for_timeout(600)
    stop.click()
    expect(page.locator("[data-voice]")).to_have_count(1, timeout=PATIENCE_MS)
    page.get_by_label("In words").fill("The barrier sticks.")
    give.evaluate("button => { button.click(); button.click(); }")
    expect(page.get_by_text("Handed over: the next shift accepts it.")).to_be_visible(
        timeout=PATIENCE_MS
    )
    page.get_by_role("button", name="Go on").click()


def _change_to_the_next(page: Page) -> None:
    change(page)
    hold(page, CARD)
    type_pin(page, OTHER_PIN)
    holds(page, LI)
    wait_until_told(page)
    go_home(page)


def _take_over(page: Page) -> None:
    page.get_by_role("button", name="A hand-over waits: Main gate").click()
    expect(page.get_by_text("Broken off in the lock")).to_be_visible(timeout=PATIENCE_MS)
    page.get_by_role("button", name="Pass-down log: 1 unread").click()
    expect(page.locator("[data-entry]")).to_have_count(1, timeout=PATIENCE_MS)
    page.get_by_role("button", name="Listen").click()
    expect(page.locator("audio")).to_be_visible(timeout=PATIENCE_MS)
    page.get_by_role("button", name="I have read the new ones: 1").click()
    expect(page.get_by_text(f"Read by {LI}")).to_be_visible(timeout=PATIENCE_MS)
    page.get_by_role("button", name="Back").click()
    accept = page.get_by_role("button", name="I accept")
    expect(accept).to_be_visible(timeout=PATIENCE_MS)
    accept.evaluate("button => { button.click(); button.click(); }")
    expect(page.get_by_text("Accepted under your name.")).to_be_visible(timeout=PATIENCE_MS)
    page.get_by_role("button", name="Go on").click()


def _both_touch_the_tag(page: Page) -> None:
    """One after the other within seconds, and each of them is recorded."""
    hold(page, TAG)
    expect(page.locator(".outcome")).to_have_text("Main gate: recorded", timeout=PATIENCE_MS)
    go_home(page)
    change(page)
    page.get_by_role("button", name="Wang Gang").click()
    type_pin(page, PIN)
    page.get_by_role("button", name="You are here since").click()
    hold(page, TAG)
    expect(page.locator(".outcome")).to_have_text("Main gate: recorded", timeout=PATIENCE_MS)


def _assert_handed_over(stage: Stage, gate: UUID, guard: UUID, li: UUID) -> None:
    with stage.parts.database.read() as session:
        [handed] = session.scalars(select(Handover)).all()
        [entry] = session.scalars(select(posts.PostLog)).all()
        [voice] = session.scalars(select(GuardFile)).all()
        tickets = session.scalars(select(Ticket).where(Ticket.kind == "incident")).all()
    assert (handed.post_id, handed.from_id, handed.accepted_by) == (gate, guard, li)
    assert (handed.state, handed.note) == ("accepted", "The barrier sticks.")
    assert [one["counted"] for one in handed.lists["items"]] == [2, 2]
    assert ["Broken off in the lock" in one.description for one in tickets] == [True]
    assert (entry.person_id, voice.log_id, voice.state) == (guard, entry.id, "complete")
