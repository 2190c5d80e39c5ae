"""Stories in a real Chromium: what people see while things happen."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from api.deps import SESSION_COOKIE
from core.clock import MICROS
from tests.web.looking import (
    fits,
    in_contact,
    loses_contact,
    press,
    turns_grey,
    width_of,
)
from tests.web.stage import OVERHEATING, Stage, WebServer

PUMP = "b1-pump-1"


@pytest.fixture
def phone(stage: Stage, server: WebServer, browser: Browser) -> Iterator[Page]:
    """A Chinese technician's phone."""
    person = stage.person("陈伟", "manager", locale="zh")
    context = browser.new_context(viewport={"width": 360, "height": 740}, locale="zh-CN")
    secret = stage.secret(person, "session")
    context.add_cookies([{"name": SESSION_COOKIE, "value": secret, "url": stage.url}])
    yield context.new_page()
    context.close()


def test_a_one_time_link_leads_to_the_live_page(
    stage: Stage, server: WebServer, page: Page, console_log: list[str]
) -> None:
    link = stage.secret(stage.person("Ada", "manager"), "link")
    page.goto(f"{stage.url}/sign-in/{link}")
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(f"{stage.url}/")
    expect(page.get_by_role("heading", name="Open alarms")).to_be_visible()
    in_contact(page)
    page.get_by_role("button", name="Sign out").click()
    expect(page).to_have_url(f"{stage.url}/sign-in")
    assert console_log == []


def test_a_new_guard_joins_on_a_phone_from_an_invitation(
    stage: Stage, server: WebServer, page: Page, browser: Browser, console_log: list[str]
) -> None:
    boss = stage.secret(stage.person("Ada", "administrator"), "session")
    page.context.add_cookies([{"name": SESSION_COOKIE, "value": boss, "url": stage.url}])
    page.goto(f"{stage.url}/people")
    page.get_by_label("Role").select_option("guard")
    page.get_by_label("Where").select_option(label="Riverside Court")
    page.get_by_role("button", name="Make an invitation").click()
    assert width_of(page.get_by_role("img", name="QR code of the link")) > 100
    link = page.locator("pre.command code").inner_text()
    context = browser.new_context(viewport={"width": 360, "height": 740}, locale="zh-CN")
    phone = context.new_page()
    phone.goto(link)
    expect(phone.get_by_text("邀请您加入滨江苑，担任保安。")).to_be_visible()
    phone.get_by_label("姓名").fill("赵大勇")
    phone.get_by_label("登录名").fill("13800138000")
    phone.get_by_label("密码", exact=True).fill("三个词 就够了 它很好记吧")
    phone.get_by_role("button", name="加入").click()
    expect(phone).to_have_url(f"{stage.url}/")
    expect(phone.get_by_role("heading", name="我的待办").first).to_be_visible()
    press(phone, phone.get_by_role("button", name="退出"))
    phone.get_by_label("登录名").fill("13800138000")
    phone.get_by_label("密码").fill("三个词 就够了 它很好记吧")
    phone.get_by_role("button", name="登录").click()
    expect(phone).to_have_url(f"{stage.url}/")
    for path in ("/people", "/account"):
        phone.goto(f"{stage.url}{path}")
        fits(phone)
    context.close()
    page.goto(f"{stage.url}/people")
    expect(page.get_by_text("赵大勇")).to_be_visible()
    assert console_log == []


def test_what_is_to_be_taken_appears_by_itself_on_the_first_screen(
    stage: Stage, server: WebServer, browser: Browser
) -> None:
    guard = stage.person("Wu Gang", "technician", node=stage.site_id)
    context = browser.new_context(viewport={"width": 390, "height": 844})
    context.add_cookies(
        [{"name": SESSION_COOKIE, "value": stage.secret(guard, "session"), "url": stage.url}]
    )
    page = context.new_page()
    page.goto(stage.url)
    expect(page.get_by_text("Nothing waits for you.")).to_be_visible()
    number = stage.trip(PUMP, OVERHEATING)
    taken = page.get_by_role("region", name="To take")
    expect(taken).to_contain_text("Pump motor overheating")
    taken.get_by_role("link", name="Pump motor overheating").click()
    expect(page).to_have_url(f"{stage.url}/tickets/{number}")
    context.close()


def test_an_alarm_appears_by_itself_and_is_acknowledged(
    stage: Stage, signed_in_page: Page, console_log: list[str]
) -> None:
    page = signed_in_page
    page.goto(f"{stage.url}/?site=riverside")
    expect(page.locator("#panel-alarms")).to_contain_text("No alarm is open")
    in_contact(page)
    stage.trip(PUMP, OVERHEATING)
    alarm = page.locator("#panel-alarms .item")
    expect(alarm).to_contain_text("Pump motor overheating")
    expect(page.locator("#panel-tickets")).to_contain_text("#1")
    page.get_by_role("button", name="Acknowledge: Pump motor overheating").click()
    expect(page.locator("#notice")).to_contain_text("Acknowledged: Pump motor overheating")
    expect(alarm).to_contain_text("Acknowledged")
    expect(alarm.get_by_role("button")).to_have_count(0)
    assert console_log == []


def test_a_value_changes_under_the_readers_eyes(
    stage: Stage, signed_in_page: Page, console_log: list[str]
) -> None:
    page = signed_in_page
    stage.say(PUMP, {"motor_temperature": 51.0}, at=stage.now - 60 * MICROS)
    page.goto(f"{stage.url}/assets/{stage.assets[PUMP]}")
    value = page.locator(f'[data-point="{stage.points[PUMP, "motor_temperature"].id}"]')
    expect(value).to_have_text("51 °C")
    stage.say(PUMP, {"motor_temperature": 63.2})
    expect(value).to_have_text("63.2 °C")
    expect(page.locator(".chart canvas").first).to_be_visible()
    assert console_log == []


def test_the_page_turns_grey_when_the_server_is_gone(
    stage: Stage, server: WebServer, signed_in_page: Page
) -> None:
    page = signed_in_page
    page.clock.install()
    page.goto(f"{stage.url}/?site=riverside")
    in_contact(page)
    loses_contact(page, server)
    turns_grey(page)


def test_a_ticket_is_worked_from_a_chinese_phone(stage: Stage, phone: Page) -> None:
    number = stage.trip(PUMP, OVERHEATING)
    phone.goto(f"{stage.url}/?site=riverside")
    phone.get_by_role("link", name="水泵电机过热").last.click()
    expect(phone).to_have_url(f"{stage.url}/tickets/{number}")
    press(phone, phone.get_by_role("button", name="开始处理"))
    expect(phone.locator(".chips")).to_contain_text("处理中")
    phone.get_by_text("挂起…").click()
    form = phone.locator("details[open]")
    form.get_by_role("textbox", name="原因").fill("等待备件")
    press(phone, form.get_by_role("button", name="挂起"))
    expect(phone.locator(".chips")).to_contain_text("已挂起")
    expect(phone.locator("main")).to_contain_text("等待备件")
    press(phone, phone.get_by_role("button", name="继续处理"))
    phone.get_by_text("标记为已解决…").click()
    phone.get_by_label("处理情况").fill("已更换轴承")
    press(phone, phone.get_by_role("button", name="真实"))
    expect(phone.locator(".chips")).to_contain_text("已解决")
    expect(phone.locator("main")).to_contain_text("已更换轴承")
    assert stage.ticket(number).state == "resolved"


def test_what_somebody_is_writing_survives_the_news(
    stage: Stage, signed_in_page: Page, console_log: list[str]
) -> None:
    page = signed_in_page
    number = stage.trip(PUMP, OVERHEATING)
    page.goto(f"{stage.url}/tickets/{number}")
    in_contact(page)
    page.get_by_role("textbox", name="Note").fill("The bearing is hot")
    stage.clear(PUMP, OVERHEATING)
    expect(page.locator("#ticket-facts")).to_contain_text("The reading recovered")
    expect(page.get_by_role("textbox", name="Note")).to_have_value("The bearing is hot")
    page.get_by_role("button", name="Write note").click()
    expect(page.locator("#ticket-facts")).to_contain_text("The bearing is hot")
    assert console_log == []


def test_a_press_on_an_old_page_changes_nothing_and_says_so(
    stage: Stage, server: WebServer, signed_in_page: Page
) -> None:
    page = signed_in_page
    number = stage.trip(PUMP, OVERHEATING)
    page.route("**/stream", lambda route: route.abort())
    page.goto(f"{stage.url}/tickets/{number}")
    stage.clear(PUMP, OVERHEATING)
    stage.trip(PUMP, OVERHEATING)
    press(page, page.get_by_role("button", name="Start work"))
    expect(page.get_by_role("heading", name="Somebody was quicker")).to_be_visible()
    expect(page.locator("main")).to_contain_text("was changed since you read it")
    assert stage.ticket(number).state == "open"


def test_a_waiting_sensor_is_adopted_with_its_points_filled_in(
    stage: Stage, signed_in_page: Page, console_log: list[str]
) -> None:
    page = signed_in_page
    page.goto(f"{stage.url}/?site=riverside")
    in_contact(page)
    stage.unknown_device("cold-room-7", {"temperature": 4.5, "humidity": 61})
    page.locator("#panel-devices").get_by_role("link", name="Adopt").click()
    # The proposal is one tap further; who wants another says so by hand.
    page.get_by_role("link", name="Say by hand what it means").click()
    expect(page.get_by_role("heading", name="Adopt cold-room-7")).to_be_visible()
    expect(page.locator('select[name="point:temperature"]')).to_have_value("temperature")
    page.get_by_label("Name in English").fill("Cold room 7")
    page.get_by_role("button", name="Adopt").click()
    expect(page.get_by_role("heading", name="Cold room 7")).to_be_visible()
    expect(page.locator("#panel-points")).to_contain_text("Humidity")
    assert console_log == []


def test_another_kind_of_equipment_offers_its_own_points(
    stage: Stage, signed_in_page: Page
) -> None:
    page = signed_in_page
    device = stage.unknown_device("pump-9", {"temperature": 41.5})
    page.goto(f"{stage.url}/devices/{device}/adopt")
    page.get_by_label("Equipment, or the kind of a new one").select_option("type:pump")
    choice = page.locator('select[name="point:temperature"]')
    expect(choice.locator("option", has_text="Motor temperature")).to_have_count(1)
    choice.select_option("motor_temperature")
    page.get_by_role("button", name="Adopt").click()
    expect(page.locator("#panel-points")).to_contain_text("motor_temperature")


def test_what_somebody_unfolded_stays_unfolded_through_the_news(
    stage: Stage, signed_in_page: Page
) -> None:
    page = signed_in_page
    page.goto(f"{stage.url}/?site=riverside")
    in_contact(page)
    building = page.locator("details.depth-0").last
    building.locator("> summary").click()
    stage.trip(PUMP, OVERHEATING)
    expect(page.locator("#panel-tree .card-header")).to_contain_text("1 alarm")
    expect(building).to_have_attribute("open", "")


def test_two_tabs_share_one_stream(stage: Stage, signed_in_page: Page) -> None:
    first = signed_in_page
    address = f"{stage.url}/?site=riverside"
    first.goto(address)
    in_contact(first)
    second = first.context.new_page()
    second.goto(address)
    stage.trip(PUMP, OVERHEATING)
    for tab in (first, second):
        expect(tab.locator("#panel-alarms")).to_contain_text("Pump motor overheating")
    assert len(stage.live._open()) == 1
    first.close()
    stage.clear(PUMP, OVERHEATING)
    expect(second.locator("#panel-alarms")).to_contain_text("Over, not acknowledged")


def test_a_refresh_that_fails_leaves_what_is_shown(
    stage: Stage, server: WebServer, signed_in_page: Page
) -> None:
    page = signed_in_page
    stage.trip(PUMP, OVERHEATING)
    page.goto(f"{stage.url}/?site=riverside")
    in_contact(page)
    page.route("**/live/*/alarms", lambda route: route.fulfill(status=503, body="away"))
    with page.expect_response("**/live/*/alarms"):
        stage.clear(PUMP, OVERHEATING)
    expect(page.locator("#panel-tickets")).to_contain_text("reading recovered")
    expect(page.locator("#panel-alarms")).to_contain_text("Pump motor overheating")
    expect(page.locator("#panel-alarms")).not_to_contain_text("away")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_stands_out_and_nothing_is_cut_off_on_a_small_phone(
    stage: Stage, phone: Page, scheme: str
) -> None:
    stage.say(PUMP, {"motor_temperature": 82.4})
    number = stage.trip(PUMP, OVERHEATING)
    device = stage.unknown_device("my-sensor", {"temperature": 21.5})
    phone.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    asset = stage.assets[PUMP]
    for path in ("/", f"/tickets/{number}", f"/assets/{asset}", f"/devices/{device}/adopt"):
        phone.goto(stage.url + path)
        fits(phone)
        assert phone.evaluate(FAINT_TEXTS) == [], path


# Texts whose contrast with the ground below them is under 4.5 to 1 (WCAG 2.2, 1.4.3).
FAINT_TEXTS = """() => {
  const parts = (colour) => (colour.match(/[\\d.]+/g) || []).map(Number);
  const linear = (c) => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  const light = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  const ground = (element) => {
    for (let e = element; e; e = e.parentElement) {
      const c = parts(getComputedStyle(e).backgroundColor);
      if (c.length === 3 || c[3] === 1) return c;
    }
    return [255, 255, 255];
  };
  const faint = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !element.getClientRects().length) continue;
    if (element.closest("option, noscript, script")) continue;
    const a = light(parts(getComputedStyle(element).color)), b = light(ground(element));
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (contrast < 4.5) faint.push(`${walker.currentNode.data.trim()}: ${contrast.toFixed(2)}`);
  }
  return faint;
}"""
