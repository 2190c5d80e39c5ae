"""The guard's app in a real browser: a shift without signal, and browsers that won't do."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect, sync_playwright
from sqlalchemy import select

from tests.web.conftest import stage_on
from tests.web.guard.walking import Plan, assert_whole, walk
from tests.web.guarding import (
    LENS,
    PATIENCE_MS,
    Served,
    Shift,
    enrol,
    kept,
    lay_shift,
    phone,
    show_code,
    sign_in,
    wait_until,
    wait_until_told,
)
from tests.web.stage import Stage
from workflows.patrol.privacy.model import Consent
from workflows.patrol.privacy.texts import PURPOSES
from workflows.patrol.rounds import PatrolContact, RoundPoint

WECHAT = (
    "Mozilla/5.0 (Linux; Android 13; PGT-AN10; wv) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Version/4.0 Chrome/107.0.5304.141 Mobile Safari/537.36 MicroMessenger/8.0.40"
)


@pytest.fixture
def stage(foundation: Path, tmp_path: Path) -> Iterator[Stage]:
    """The demo compound."""
    yield from stage_on(foundation, tmp_path / "stage")


def test_a_shift_without_signal_arrives_once_and_whole(stage: Stage, tmp_path: Path) -> None:
    plan = Plan(reports=1, photos=2, seed=5)
    shift = lay_shift(stage, rounds=2, points=2)
    walked = walk(shift, tmp_path / "phone", plan)
    assert walked.network.met["lost back"] > 0
    assert walked.network.met["lost there"] > 0
    assert_whole(shift, walked, plan)


def test_a_round_goes_by_camera_alone(stage: Stage, tmp_path: Path) -> None:
    shift = lay_shift(stage, rounds=1, points=2)
    served = Served(stage)
    served.begin()
    with (
        sync_playwright() as playwright,
        phone(playwright, tmp_path / "phone", LENS) as context,
    ):
        page = context.pages[0]
        _lose_the_answer(page, served.url, shift)
        enrol(page, served.url, shift)
        sign_in(page)
        page.get_by_role("button", name="Route 1").first.click()
        for number, code in enumerate(shift.squares[0], 1):
            expect(page.get_by_text(f"Point 1-{number}").first).to_be_visible(timeout=PATIENCE_MS)
            page.get_by_role("button", name="Scan the code").click()
            edge = _ends_soon(shift, position=1) if number == 1 else None
            if number == 1:
                show_code(page, f"{served.url}/t?q={code}")
            else:
                # Its square is torn: what stands beneath it is typed.
                page.get_by_role("button", name="Type the code").click()
                page.get_by_label("The code on the label").fill(code.capitalize())
                page.get_by_role("button", name="Record it").click()
            expect(page.locator(".outcome")).to_contain_text("recorded", timeout=PATIENCE_MS)
            expect(page.locator(".line:disabled")).to_have_count(number, timeout=PATIENCE_MS)
            if edge is not None:
                # Half a minute before it would speak again, the phone says that nothing was there.
                wait_until(page, partial(_told_by, shift, edge))
        expect(page.get_by_text("Round done")).to_be_visible(timeout=PATIENCE_MS)
        wait_until_told(page)
        _agree_and_withdraw(page, stage)
        _touch_by_address(page, served, shift)
        verdicts = [one["verdict"] for one in kept(page, "answers") if one["kind"] == "scan"]
    served.end()
    assert verdicts == ["accepted", "accepted", "refused"]


def _lose_the_answer(page: Page, url: str, shift: Shift) -> None:
    """The code counts, but nobody hears of it, and the page is gone: it counts once more."""
    page.route("**/guard/phones", lambda route: (route.fetch(), route.abort()))
    page.goto(f"{url}/guard/#enrol={shift.code}")
    expect(page.get_by_text("No signal: enrolling needs a connection.")).to_be_visible(
        timeout=PATIENCE_MS
    )
    page.unroute_all()
    page.goto("about:blank")


def _ends_soon(shift: Shift, position: int) -> datetime:
    """The window of a point ends in some seconds, which the phone learns with its next word."""
    edge = shift.stage.parts.clock.now() + timedelta(seconds=4)
    with shift.stage.parts.database.write() as session:
        point = session.get_one(RoundPoint, (shift.rounds[0], position))
        point.closes_at = edge
    return edge


def _told_by(shift: Shift, moment: datetime) -> bool:
    with shift.stage.parts.database.read() as session:
        contact = session.get(PatrolContact, shift.guard)
        told = None if contact is None else contact.told_until
    return told is not None and told >= moment


def _agree_and_withdraw(page: Page, stage: Stage) -> None:
    """One tap each, to the whole text, in the phone's journal."""
    page.evaluate("() => { location.hash = '#/privacy'; }")
    card = page.locator('[data-purpose="position"]')
    text = PURPOSES["position"].text["en"].splitlines()[-1]
    expect(card.get_by_text(text)).to_be_visible(timeout=PATIENCE_MS)
    expect(page.get_by_text("Nobody has.")).to_be_visible(timeout=PATIENCE_MS)
    card.get_by_role("button", name="I have read it and agree").click()
    card.get_by_role("button", name="I agree no more").click(timeout=PATIENCE_MS)
    expect(card.get_by_text("You do not agree")).to_be_visible(timeout=PATIENCE_MS)
    wait_until_told(page)
    with stage.parts.database.read() as session:
        (consent,) = session.scalars(select(Consent)).all()
    assert (consent.purpose, consent.given_by, consent.withdrawn_by) == (
        "position",
        "phone",
        "phone",
    )


def _touch_by_address(page: Page, served: Served, shift: Shift) -> None:
    """A tag that opens its own address in this browser, without signal: the app answers for it."""
    ready = "async () => (await navigator.serviceWorker.getRegistration('/t?'))?.active != null"
    wait_until(page, lambda: bool(page.evaluate(ready)))
    served.end()
    page.goto(f"{served.url}/t?e={'0' * 32}&m={'0' * 16}")
    expect(page.get_by_role("button", name="Change guard")).to_be_visible(timeout=PATIENCE_MS)
    assert page.url == f"{served.url}/guard/#/home"
    assert [one["kind"] for one in kept(page, "journal")][-1] == "scan"
    served.begin()
    page.reload()
    wait_until_told(page)


def test_browsers_that_keep_nothing_are_told_apart(stage: Stage, tmp_path: Path) -> None:
    served = Served(stage)
    served.begin()
    with sync_playwright() as playwright:
        with phone(playwright, tmp_path / "blocked", service_workers="block") as context:
            page = context.pages[0]
            page.goto(f"{served.url}/guard/")
            expect(page.get_by_text("This browser can't keep the app")).to_be_visible(
                timeout=PATIENCE_MS
            )
        with phone(playwright, tmp_path / "chat", user_agent=WECHAT, locale="zh-CN") as context:
            page = context.pages[0]
            page.goto(f"{served.url}/guard/#enrol=K7MQ2-XW4TA")
            expect(page.get_by_text(re.compile("WeChat 的内置浏览器"))).to_be_visible(
                timeout=PATIENCE_MS
            )
            expect(page.get_by_role("button", name="复制网址")).to_be_visible()
            assert page.evaluate("navigator.serviceWorker.controller") is None
    served.end()
