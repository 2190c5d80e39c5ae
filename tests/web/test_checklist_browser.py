"""A technician's phone in a real Chromium: the checklist is worked down, the customer signs."""

from collections.abc import Iterator
from decimal import Decimal

import pytest
from playwright.sync_api import Browser, Page, expect

from api.deps import SESSION_COOKIE
from core.events import Actor
from tests.web.looking import fits, press, width_of
from tests.web.stage import OVERHEATING, Stage, WebServer
from workflows.tickets import Ticket
from workflows.tickets.checklist import NewItem, add_items

ITEMS = (
    NewItem({"en": "Main switch is off", "zh": "总开关已断开"}),
    NewItem({"zh": "进水压力"}, "number", unit="bar", low=Decimal(2), high=Decimal(6)),
    NewItem({"zh": "皮带"}, "choice", choices=({"zh": "良好"}, {"zh": "磨损"})),
)


@pytest.fixture
def phone(stage: Stage, server: WebServer, browser: Browser) -> Iterator[Page]:
    """A Chinese technician's phone."""
    person = stage.person("陈伟", "technician", locale="zh")
    context = browser.new_context(
        viewport={"width": 390, "height": 780}, locale="zh-CN", has_touch=True
    )
    secret = stage.secret(person, "session")
    context.add_cookies([{"name": SESSION_COOKIE, "value": secret, "url": stage.url}])
    yield context.new_page()
    context.close()


def test_a_checklist_is_worked_down_and_signed_on_a_phone(stage: Stage, phone: Page) -> None:
    complaints: list[str] = []
    phone.on("pageerror", lambda error: complaints.append(str(error)))
    phone.on("console", lambda told: complaints.append(told.text) if told.type == "error" else None)
    number = stage.trip("b1-pump-1", OVERHEATING)
    person = stage.person("Ada", "manager")
    with stage.parts.database.write() as session:
        ticket = session.get_one(Ticket, stage.ticket(number).id)
        now = stage.parts.clock.now()
        add_items(session, ticket, ITEMS, actor=Actor.person(person), now=now)
    phone.goto(f"{stage.url}/tickets/{number}")
    press(phone, phone.get_by_role("button", name="开始处理"))
    expect(phone.get_by_text("检查清单还有 3 项必须先完成")).to_be_visible()
    checklist = phone.get_by_role("region", name="检查清单")
    done = checklist.get_by_role("button", name="已完成")
    box = done.bounding_box()
    assert box is not None
    assert box["height"] >= 48
    press(phone, done)
    checklist.get_by_label("进水压力").fill("7,5")
    press(phone, checklist.get_by_role("button", name="保存"))
    expect(checklist.get_by_text("超出范围")).to_be_visible()
    press(phone, checklist.get_by_role("button", name="良好"))
    expect(checklist.get_by_text("3/3")).to_be_visible()
    fits(phone)
    press(phone, phone.get_by_role("link", name="请客户签字"))
    phone.get_by_label("签字人姓名").fill("王女士")
    button = phone.get_by_role("button", name="确认签字")
    expect(button).to_be_disabled()
    field = phone.locator("canvas.signature-field")
    place = field.bounding_box()
    assert place is not None
    phone.mouse.move(place["x"] + 40, place["y"] + 60)
    phone.mouse.down()
    for step in range(1, 12):
        phone.mouse.move(place["x"] + 40 + 20 * step, place["y"] + 60 + (step % 3) * 30)
    phone.mouse.up()
    fits(phone)
    press(phone, button)
    picture = phone.get_by_role("img", name="王女士 的签字")
    picture.scroll_into_view_if_needed()
    assert width_of(picture) > 300
    expect(phone.get_by_text("在陈伟的手机上签字")).to_be_visible()
    assert complaints == []
