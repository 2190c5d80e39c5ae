"""The security manager's story in a real browser: a checkpoint is set up, scanned, looked after."""

import re
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pyotp
import pytest
from fastapi.testclient import TestClient
from playwright.sync_api import Browser, Page, expect

from api.deps import SESSION_COOKIE
from tests.web.looking import fits, press, width_of
from tests.web.patrolling import checkpoint, put
from tests.web.stage import Stage, WebServer
from tests.web.test_public_story import pages_of

PHONE = {"width": 390, "height": 844}


def presents(stage: Stage, **shown: object) -> str:
    """A guard's phone presents something over the API; the verdict."""
    guard = stage.person("Guard Xu", "guard", node=stage.site_id)
    with TestClient(stage.app) as client:
        answer = client.post(
            "/api/v1/scans",
            json={
                "id": str(uuid4()),
                "occurred_at": stage.parts.clock.now().isoformat(),
                "site_id": str(stage.site_id),
                **shown,
            },
            headers={"Authorization": f"Bearer {stage.secret(guard, 'token')}"},
        )
    assert answer.status_code == 200, answer.text
    return str(answer.json()["verdict"])


def code_of_now(stage: Stage, secret: str) -> str:
    return pyotp.TOTP(secret).at(stage.parts.clock.now())


def printed_code(page: Page) -> str:
    """The code of the one label on a page, as people type it who can't scan it."""
    return page.locator(".sticker-address").inner_text().partition("/t?q=")[2]


def add(page: Page, kind: str) -> None:
    """Put something of a kind at the checkpoint whose page is open."""
    press(page, page.get_by_role("link", name="Add something"))
    press(page, page.get_by_role("link", name=kind, exact=True))
    press(page, page.get_by_role("button", name="Put it here"))


def test_a_checkpoint_is_set_up_scanned_and_a_lost_code_replaced(
    stage: Stage, signed_in_page: Page, console_log: list[str]
) -> None:
    page = signed_in_page
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    page.context.grant_permissions(["geolocation"], origin=stage.url)
    page.context.set_geolocation({"latitude": 31.2304161, "longitude": 121.473701, "accuracy": 9})
    page.goto(stage.url + "/live")
    page.locator(".places").get_by_role("link", name="Patrols").click()
    page.get_by_role("link", name="Checkpoints", exact=True).click()
    # The row of tabs is longer than the phone is wide.
    expect(page.locator(".patrol-tabs [aria-current]")).to_be_in_viewport(ratio=1)
    page.get_by_role("link", name="Add a checkpoint").click()
    page.get_by_label(re.compile("^Code, as it stands")).fill("roof-door")
    page.get_by_label("Name in English").fill("Roof door")
    page.get_by_label("Name in Chinese").fill("天台门")
    page.get_by_role("button", name="Use my position").click()
    expect(page.get_by_text("Taken, exact to 9 m.")).to_be_visible()
    expect(page.get_by_label(re.compile("Latitude"))).to_have_value("31.230416")
    press(page, page.get_by_role("button", name="Add it"))
    expect(page.get_by_text("31.230416, 121.473701")).to_be_visible()
    point = page.url.rsplit("/", 1)[1]

    add(page, "Rotating code (RFC 6238)")
    secret = page.locator(".command code").inner_text().replace(" ", "")
    assert width_of(page.locator(".qr")) > 100
    assert secret not in page.url
    press(page, page.get_by_role("link", name="Done, back to the checkpoint"))
    add(page, "Printed code")
    code = printed_code(page)
    press(page, page.get_by_role("link", name="Done, back to the checkpoint"))

    shown = {"checkpoint_id": point, "code": code_of_now(stage, secret)}
    assert presents(stage, kind="rotating_code", **shown) == "accepted"
    assert presents(stage, kind="printed_code", code=code) == "accepted"
    page.reload()
    scans = page.get_by_role("region", name="Newest scans").locator(".item")
    expect(scans).to_have_count(2)
    expect(scans.nth(0)).to_contain_text("Printed code")
    expect(scans.nth(0)).to_contain_text("Weak")
    expect(scans.nth(1)).to_contain_text("Present at that time")
    expect(scans.nth(1)).to_contain_text("Guard Xu")
    fits(page)

    printed = page.locator(".item", has_text="A photo of it works anywhere").first
    printed.get_by_text("Lost…").click()
    press(page, printed.get_by_role("button", name="Report it as lost"))
    assert presents(stage, kind="printed_code", code=code) == "lost"
    press(page, page.get_by_role("link", name="Replace…").last)
    press(page, page.get_by_role("button", name="Put it in its place"))
    newer = printed_code(page)
    assert newer != code
    assert presents(stage, kind="printed_code", code=code) == "replaced"
    assert presents(stage, kind="printed_code", code=newer) == "accepted"
    page.goto(f"{stage.url}/scans?site={stage.site_id}&verdict=refused")
    reasons = page.locator(".item-reason", has_text="It was reported as lost.")
    expect(reasons).to_have_count(1)
    assert console_log == []


def test_a_page_without_the_right_to_the_position_says_so(
    stage: Stage, signed_in_page: Page
) -> None:
    page = signed_in_page
    page.context.clear_permissions()
    page.goto(f"{stage.url}/checkpoints/new?site={stage.site_id}")
    page.get_by_role("button", name="Use my position").click()
    expect(page.get_by_text("This browser may not tell its position.")).to_be_visible()


def test_an_export_is_taken_in_without_choosing_the_file_again(
    stage: Stage, signed_in_page: Page, tmp_path: Path, console_log: list[str]
) -> None:
    put(stage, checkpoint(stage, "gate", "Main gate", "大门"), "wand", "12")
    export = tmp_path / "round.csv"
    export.write_text("point,time\n12,2026-01-02 08:00:00\n99,2026-01-02 08:05:00\n", "utf-8")
    page = signed_in_page
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    page.goto(f"{stage.url}/wand-exports?site={stage.site_id}")
    page.get_by_label(re.compile("Excel")).set_input_files(export)
    page.get_by_role("button", name="Show what it says").click()
    expect(page.get_by_text("No checkpoint of this site has the point “99”.")).to_be_visible()
    page.get_by_label("Leave the wrong lines out").check()
    page.get_by_role("button", name="Take them in").click()
    expect(page.get_by_text("1 scan was taken in.")).to_be_visible()
    page.get_by_role("button", name="Show what it says").click()
    expect(page.get_by_text("Taken in before").first).to_be_visible()
    expect(page.get_by_role("button", name="Take them in")).to_have_count(0)
    fits(page)
    assert console_log == []


@pytest.mark.parametrize("language", ["en", "zh"])
def test_labels_print_on_as_many_sheets_of_a4_as_they_need(
    stage: Stage, signed_in_page: Page, language: str
) -> None:
    for number in range(23):
        long = "At the far end of the upper car park, beside the lift"
        checkpoint(stage, f"upper-car-park-east-{number}", long, "上层停车场东侧电梯旁尽头")
    page = signed_in_page
    page.goto(f"{stage.url}/checkpoint-labels?site={stage.site_id}&lang={language}")
    press(page, page.locator("main form.card button.btn-primary"))
    expect(page.locator(".sticker")).to_have_count(23)
    assert pages_of(page.pdf(prefer_css_page_size=True, print_background=True)) == 2
    fits = (
        "one => one.scrollHeight <= one.clientHeight + 1 && one.scrollWidth <= one.clientWidth + 1"
    )
    assert page.locator(".sticker").evaluate_all(f"all => all.every({fits})")
    assert width_of(page.locator(".sticker img").first) > 20


def test_a_guard_records_what_a_code_leads_to_by_one_tap(
    stage: Stage, server: WebServer, browser: Browser
) -> None:
    query = put(stage, checkpoint(stage, "gate", "Main gate", "大门"), "printed_code").secrets[
        "query"
    ]
    guard = stage.person("Xu Gang", "guard", node=stage.site_id, locale="zh")
    context = browser.new_context(viewport=PHONE, locale="zh-CN")  # type: ignore[arg-type]
    cookie = {"name": SESSION_COOKIE, "value": stage.secret(guard, "session"), "url": stage.url}
    context.add_cookies([cookie])  # type: ignore[list-item]
    page = context.new_page()
    page.goto(f"{stage.url}/t?{query}")
    page.get_by_role("button", name="记录本次打点").click()
    expect(page.get_by_text("打点已记录。")).to_be_visible()
    expect(page.get_by_text("大门").first).to_be_visible()
    assert parse_qs(urlsplit(page.url).query) == {}
    context.close()
