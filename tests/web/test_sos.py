"""Calls for help on pages: above every page within a moment, heard, answered, and ended."""

import re
from typing import Any
from uuid import UUID

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select

from core import events
from core.contacts import set_reaching
from core.ids import new_id
from core.people import Person, caller_for
from core.places import Space
from core.rosters import Shift
from tests.web.conftest import client_of, signed_in
from tests.web.patrolling import form, sent
from tests.web.rounding import tag_of_point, tagged, visit_point
from tests.web.stage import Stage
from workflows.patrol import lone, sos

HERE = sos.Place(30.25, 120.16, 12.0)
PATIENCE_MS = 30_000


def press(stage: Stage, guard: UUID, **more: Any) -> UUID:
    """The guard's phone sends a press."""
    given = sos.Press(**{"id": new_id(), "site_id": stage.site_id, "place": HERE, **more})
    with stage.parts.database.write() as session:
        caller = caller_for(session, session.get_one(Person, guard))
        return sos.press(session, caller, given, now=stage.parts.clock.now()).id


def guard_of(stage: Stage) -> UUID:
    """A guard with a telephone, who was scanned in the lobby."""
    tagged(stage)
    guard = stage.person("Guard Xu 徐敏", "guard", node=stage.site_id)
    now = stage.parts.clock.now()
    with stage.parts.database.write() as session:
        set_reaching(session, guard, {"phone": "13800138000"}, None, now=now)
    visit_point(stage, tag_of_point("lobby-b1"), guard, now - now)
    return guard


def test_a_call_stands_above_pages_in_both_languages_and_is_ended(stage: Stage) -> None:
    guard = guard_of(stage)
    call = press(stage, guard)
    english, chinese = client_of(stage, "supervisor"), client_of(stage, "manager", "zh")
    page = english.get("/search").text
    assert f'data-unseen="/sos/{call}/see"' in page
    for text in ("Guard Xu", "tel:13800138000", "Nobody has answered", "Last scan"):
        assert text in page
    assert "无人应答" in chinese.get("/people").text
    assert "On the way" in sent(english, f"/sos/{call}/come").text
    looked = form(english, f"/sos/{call}/look").text
    assert "30.25000, 120.16000" in looked
    assert "Wei Chen" in looked
    refused = form(english, f"/sos/{call}/end", outcome="real", note="")
    assert refused.status_code == 422
    assert "Say what it was and how the person is." in refused.text
    ended = sent(english, f"/sos/{call}/end", outcome="real", note="Is well")
    assert "Somebody needed help" in ended.text
    assert "panel-sos" in ended.text
    assert "sos-calls" not in ended.text
    assert form(english, f"/sos/{call}/end", outcome="real", note="x").status_code == 409
    own = signed_in(stage, stage.secret(guard, "session"))
    assert "Where you were was looked at by:" in own.get("/sos").text
    assert "A phrase has 4 to 100" in form(own, "/sos/phrase", phrase="abc").text
    assert "You have set one." in sent(own, "/sos/phrase", phrase="blue heron").text


def test_a_silent_call_stands_on_no_page_near_its_sender(stage: Stage) -> None:
    guard = guard_of(stage)
    call = press(stage, guard, kind="silent")
    for person in (guard, stage.person("Guard Li", "guard", node=stage.site_id)):
        client = signed_in(stage, stage.secret(person, "session"))
        for address in ("/search", "/live", "/tickets?view=all", "/sos", "/sos/bar"):
            page = client.get(address).text
            for told in ("Silent SOS", f"/sos/{call}", "data-ringing"):
                assert told not in page, address
        assert "Call for help" not in client.get("/live").text
        assert client.get(f"/sos/{call}").status_code == 404
        assert form(client, f"/sos/{call}/acknowledge").status_code == 404
    page = client_of(stage, "supervisor").get("/search").text
    assert "Silent: do not call or radio them." in page
    assert "tel:" not in page


def test_who_has_to_check_in_is_set_up_and_shown(stage: Stage) -> None:
    guard = guard_of(stage)
    client, now = client_of(stage, "supervisor"), stage.parts.clock.now()
    site = str(stage.site_id)
    wrong = form(client, "/lone-worker-plans", site=site, team="security", every_min="x")
    assert "Every so many minutes" in wrong.text
    plan = {"every_min": "20", "grace_min": "3", "wait_min": "15", "team": "security"}
    assert "every 20 minutes" in sent(client, "/lone-worker-plans", site=site, **plan).text
    with stage.parts.database.write() as session:
        space = session.scalars(select(Space.id).where(Space.site_id == stage.site_id)).first()
        session.add(
            Shift(
                site_id=stage.site_id,
                team="security",
                person_id=guard,
                kind="duty",
                starts_at=now,
                ends_at=now.replace(year=now.year + 1),
            )
        )
    with stage.parts.database.write() as session:
        [plan_id] = lone.plans_in_use(session)
        assert lone.begin_watches(session, plan_id, now=now, actor=events.SYSTEM) == 1
    assert "It has signal" in sent(client, "/dead-zones", place=str(space), site=site).text
    page = client.get(f"/lone-workers?site={site}").text
    assert "Guard Xu" in page
    assert "Last seen" in page
    assert "平安" in client.get(f"/lone-workers?site={site}&lang=zh").text
    cleared = sent(client, f"/dead-zones/{space}/clear", site=site)
    assert "It has signal" not in cleared.text
    ended = sent(client, f"/lone-worker-plans/{plan_id}/retire")
    assert "End the plan" not in ended.text
    assert "Guard Xu" in client.get(f"/lone-workers/standing?site={site}").text


@pytest.mark.parametrize("address", ["/search", "/control-room"])
def test_a_call_comes_by_itself_and_is_seen_heard_and_answered(
    stage: Stage, signed_in_page: Page, console_log: list[str], address: str
) -> None:
    guard = guard_of(stage)
    page = signed_in_page
    with page.expect_response(re.compile("/stream")):
        page.goto(f"{stage.url}{address}")
    expect(page.locator("#panel-sos")).to_be_attached()
    call = press(stage, guard)
    bar = page.locator(f"#sos-{call}")
    expect(bar).to_contain_text("Guard Xu", timeout=PATIENCE_MS)
    expect(bar).to_contain_text("on the screen of Wei Chen", timeout=PATIENCE_MS)
    if address == "/search":
        # A tap lets the browser sound; it was said that there must be one.
        page.locator("h1").first.click()
        expect(page.locator("#panel-sos")).to_have_attribute("data-heard", "yes")
        expect(page.locator("#sos-mute")).to_be_hidden()
    bar.get_by_role("button", name="On my way").click()
    expect(bar).to_contain_text("Wei Chen is on the way", timeout=PATIENCE_MS)
    expect(page.locator("#sos-calls")).not_to_have_attribute("data-ringing", "")
    client = client_of(stage, "supervisor")
    sent(client, f"/sos/{call}/end", outcome="test", note="Tried out")
    expect(bar).to_have_count(0, timeout=PATIENCE_MS)
    # Chromium says of every page that may not sound yet what the bar says in its own words.
    assert [line for line in console_log if "AudioContext was not allowed" not in line] == []
