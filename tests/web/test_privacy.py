"""Privacy on pages: what one agrees to, who looked and why, what tickets hold, who sees it."""

from datetime import timedelta
from uuid import UUID

from playwright.sync_api import Page, expect
from starlette.testclient import TestClient

from api.deps import SESSION_COOKIE
from core import events
from tests.web.conftest import client_of, signed_in
from tests.web.looking import fits, press
from tests.web.markup import read
from tests.web.patrolling import day_of_scans, form, sent
from tests.web.posting import gate_with_people
from tests.web.stage import Stage, WebServer
from workflows.patrol.privacy.consenting import has_agreed
from workflows.patrol.privacy.texts import PURPOSES
from workflows.tickets import Draft, open_ticket


def of(stage: Stage, person: UUID) -> TestClient:
    return signed_in(stage, stage.secret(person, "session"))


def ticket(stage: Stage) -> int:
    now = stage.parts.clock.now()
    draft = Draft(
        site_id=stage.site_id,
        kind="incident",
        priority="high",
        title={"en": "Break-in", "zh": "入室盗窃"},
        team="security",
        happened_at=now,
        learned_at=now,
    )
    with stage.parts.database.write() as session:
        return open_ticket(session, draft, actor=events.SYSTEM).number


def test_looking_for_one_person_asks_why_and_shows_them(stage: Stage) -> None:
    made = day_of_scans(stage)
    supervisor = of(stage, stage.person("Sun Li 孙丽", "supervisor", node=stage.site_id))
    address = f"/scans?site={stage.site_id}&person={made['guard']}"
    refused = supervisor.get(address).text
    assert "Say why you look for one person" in refused
    assert "There is no such scan." not in refused
    assert '<p class="item-title">' not in refused
    assert "Say why" in supervisor.get(f"{address}&why=curiosity").text
    assert "Say why" not in supervisor.get(f"{address}&why=complaint&day=2026-11-24").text
    guard = of(stage, made["guard"])
    own = guard.get("/account/privacy").text
    assert "Sun Li 孙丽" in own
    assert "because: somebody complained" in own
    # Of oneself nobody asks.
    assert "Say why" not in guard.get(address).text
    for role, status in (("data_protection", 200), ("administrator", 403), ("auditor", 403)):
        answer = client_of(stage, role).get("/track-looks")
        assert answer.status_code == status, role
        assert ("Sun Li 孙丽 looked at Guard Xu 徐刚" in answer.text) is (status == 200)


def test_a_ticket_holds_part_of_a_track_and_lets_go(stage: Stage) -> None:
    made, number = day_of_scans(stage), ticket(stage)
    supervisor = of(stage, stage.person("Sun Li 孙丽", "supervisor", node=stage.site_id))
    now = stage.parts.clock.now()
    span = {
        "since": (now - timedelta(hours=20)).strftime("%Y-%m-%dT%H:%M"),
        "until": now.strftime("%Y-%m-%dT%H:%M"),
    }
    given = {"site": str(stage.site_id), "person": str(made["guard"]), "ticket": f"#{number}"}
    for wrong, told in (
        ({"ticket": "x"}, "Give the number of a ticket that you see."),
        ({"ticket": "999999"}, "Give the number of a ticket that you see."),
        ({"person": ""}, "Choose somebody who works here."),
        ({"until": span["since"]}, "Say until when"),
        ({"since": "yesterday"}, "Say from when."),
    ):
        answer = form(supervisor, "/track-holds", **{**given, **span, **wrong})
        assert answer.status_code in (404, 422), wrong
        assert told in answer.text
    page = sent(supervisor, "/track-holds", **given, **span).text
    assert f'Guard Xu 徐刚 · <a href="/tickets/{number}">' in page
    guard = of(stage, made["guard"])
    assert f"ticket {number}" in guard.get("/account/privacy").text
    assert form(guard, "/track-holds", **given, **span).status_code == 403
    let_go = page.split("/track-holds/")[1].split("/release")[0]
    sent(supervisor, f"/track-holds/{let_go}/release")
    assert f"ticket {number}" not in guard.get("/account/privacy").text


def test_who_is_at_a_post_is_told_to_those_who_lead_or_stand_there(stage: Stage) -> None:
    made = gate_with_people(stage)
    address = f"/posts/{made['post']}"
    other = of(stage, stage.person("He Lei 何磊", "guard", node=stage.site_id))
    leader = of(stage, stage.person("Gao Yan 高燕", "supervisor", node=stage.site_id))
    for page in (address, f"/posts?site={stage.site_id}"):
        assert "Guard Xu 徐刚" in leader.get(page).text
        assert "Guard Xu 徐刚" not in other.get(page).text
    assert "Who is there is told to" in other.get(address).text


def test_agreeing_and_withdrawing_in_a_browser(stage: Stage, server: WebServer, page: Page) -> None:
    """In Chinese, on a phone: the whole text stands there, and a tap is all it takes."""
    del server
    person = stage.person("Guard Lin 林涛", "guard", node=stage.site_id, locale="zh")
    page.set_viewport_size({"width": 390, "height": 844})
    cookie = {"name": SESSION_COOKIE, "value": stage.secret(person, "session"), "url": stage.url}
    page.context.add_cookies([cookie])  # type: ignore[list-item]
    page.goto(f"{stage.url}/account")
    press(page, page.locator('a[href="/account/privacy"]'))
    fits(page)
    card = page.locator("#position")
    expect(card).to_contain_text(PURPOSES["position"].text["zh"].splitlines()[-1])
    press(page, card.get_by_role("button", name="我已阅读并同意"))
    expect(card).to_contain_text("已同意")
    expect(page.locator("#badge")).to_contain_text("未同意")
    with stage.parts.database.read() as session:
        assert has_agreed(session, person, "position")
    supervisor = of(stage, stage.person("Sun Li 孙丽", "supervisor", node=stage.site_id))
    shown = supervisor.get(f"/patrol-privacy?site={stage.site_id}").text
    assert "with positions" in shown
    press(page, card.get_by_role("button", name="撤回同意"))
    expect(card).to_contain_text("未同意")
    with stage.parts.database.read() as session:
        assert not has_agreed(session, person, "position")


def test_every_page_has_one_heading_and_labels(stage: Stage) -> None:
    made = day_of_scans(stage)
    for locale in ("en", "zh"):
        client = client_of(stage, locale=locale)
        for address in (
            f"/patrol-privacy?site={stage.site_id}",
            "/account/privacy",
            f"/scans?site={stage.site_id}&person={made['guard']}",
        ):
            answer = client.get(address)
            assert answer.status_code == 200, address
            found = read(answer.text)
            assert all(one["csrf"] for one in found.forms if one["method"] == "post"), address
