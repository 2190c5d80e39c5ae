"""The list of tickets in a real browser: choosing many, acting on them, and following along."""

import itertools
import re
import threading
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from api.deps import SESSION_COOKIE
from tests.web.looking import fits, in_contact, press
from tests.web.stage import Stage, WebServer
from tests.web.test_ticket_bulk import opened, read
from workflows.tickets import Step, Ticket, act


@pytest.fixture
def phone(stage: Stage, server: WebServer, browser: Browser) -> Iterator[Page]:
    """The phone of a supervisor who reads Chinese."""
    person = stage.person("陈伟", "supervisor", locale="zh")
    context = browser.new_context(
        viewport={"width": 360, "height": 740}, locale="zh-CN", has_touch=True
    )
    secret = stage.secret(person, "session")
    context.add_cookies([{"name": SESSION_COOKIE, "value": secret, "url": stage.url}])
    yield context.new_page()
    context.close()


# By the page's own clock, for the machine may hold it up at any time.
NOTE_WHEN_IT_ASKS = """
window.asked = [];
const send = window.fetch;
window.fetch = (what, ...more) => {
  if (String(what).includes("/tickets/changes")) window.asked.push(performance.now());
  return send(what, ...more);
};
"""


def assigned(stage: Stage, ticket: Ticket) -> None:
    person = stage.person("Bo Technician", "technician")
    with stage.parts.database.write() as session:
        row = session.get_one(Ticket, ticket.id)
        step = Step("assign", assignee_id=person)
        act(session, row, step, person=person, now=stage.parts.clock.now())


def test_a_range_and_a_key_choose_and_the_chosen_are_handed_out(
    stage: Stage, signed_in_page: Page, console_log: list[str]
) -> None:
    page, tickets = signed_in_page, opened(stage, 6)
    page.goto(f"{stage.url}/tickets?view=open")
    picks = page.locator("[data-pick]")
    bar = page.locator("#bulk")
    expect(bar).to_be_hidden()
    picks.nth(0).check()
    picks.nth(3).click(modifiers=["Shift"])
    expect(bar).to_contain_text("4 chosen")
    page.locator(".item-title a").nth(4).focus()
    page.keyboard.press("x")
    expect(bar).to_contain_text("5 chosen")
    page.keyboard.press("k")
    page.keyboard.press("x")
    expect(bar).to_contain_text("4 chosen")
    expect(page.get_by_role("button", name="Do it")).to_be_hidden()
    page.get_by_label("With the chosen tickets").last.select_option("assign")
    bar.get_by_label("Team").select_option("security")
    press(page, page.get_by_role("button", name="Do it"))
    expect(page.locator(".banner")).to_contain_text("4 tickets done.")
    assert sum(read(stage, one).team == "security" for one in tickets) == 4
    press(page, page.get_by_role("button", name="Undo"))
    expect(page.get_by_role("heading", name="Undo")).to_be_visible()
    expect(page.locator(".banner")).to_contain_text("4 tickets done.")
    assert {read(stage, one).state for one in tickets} == {"open"}
    page.get_by_role("link", name="Back to the list").click()
    expect(page).to_have_url(re.compile(r"/tickets\?view=open"))
    assert console_log == []


def test_all_of_the_list_is_more_than_the_page(
    stage: Stage, signed_in_page: Page, console_log: list[str]
) -> None:
    page = signed_in_page
    opened(stage, 60)
    page.goto(f"{stage.url}/tickets?view=open")
    page.get_by_label("Choose all on this page").check()
    expect(page.locator("#bulk")).to_contain_text("50 chosen")
    page.get_by_role("button", name="Choose all 60 of this list").click()
    expect(page.locator("#bulk")).to_contain_text("All 60 of this list are chosen")
    page.get_by_label("With the chosen tickets").last.select_option("priority")
    page.get_by_label("Priority", exact=True).last.select_option("low")
    page.get_by_role("button", name="Do it").click()
    expect(page.locator(".banner")).to_contain_text("60 tickets done.")
    assert console_log == []


def test_the_chosen_are_merged_into_one_of_them(
    stage: Stage, signed_in_page: Page, console_log: list[str]
) -> None:
    page, tickets = signed_in_page, opened(stage, 4)
    page.goto(f"{stage.url}/tickets?view=open")
    for number in range(3):
        page.locator("[data-pick]").nth(number).check()
    page.get_by_label("With the chosen tickets").last.select_option("merge")
    stays = page.get_by_label("The ticket that stays")
    # Those that are chosen, and no others.
    expect(stays.locator("option")).to_have_count(4)
    stays.select_option(label="#2 Job 1")
    page.locator("[data-pick]").nth(2).uncheck()
    expect(stays.locator("option")).to_have_count(3)
    expect(stays).to_have_value(str(tickets[1].id))
    page.get_by_label("Note or reason").fill("One pipe")
    page.get_by_role("button", name="Do it").click()
    expect(page.locator(".banner")).to_contain_text("1 ticket done.")
    expect(page.locator(".stays")).to_contain_text("#2 Job 1")
    merged = [one.number for one in tickets if read(stage, one).merged_into_id == tickets[1].id]
    assert merged == [1]
    assert console_log == []


def test_a_phone_puts_tickets_on_hold_in_chinese(stage: Stage, phone: Page) -> None:
    tickets = opened(stage, 2, state="assigned")
    phone.goto(f"{stage.url}/tickets?view=open")
    for number in range(2):
        phone.locator(".pick").nth(number).tap()
    bar = phone.locator("#bulk")
    expect(bar).to_contain_text("已选 2 条")
    phone.locator("#bulk-action").select_option("hold")
    bar.get_by_label("备注或原因").fill("等待备件")
    bar.get_by_role("button", name="执行").click()
    expect(phone.locator(".banner")).to_contain_text("已处理 2 条工单。")
    assert {read(stage, one).state for one in tickets} == {"on_hold"}
    fits(phone)


def test_rows_change_in_place_and_new_ones_wait_above(
    stage: Stage, signed_in_page: Page, console_log: list[str]
) -> None:
    page, tickets = signed_in_page, opened(stage, 3)
    page.goto(f"{stage.url}/tickets?view=open")
    in_contact(page)
    page.locator("[data-pick]").nth(1).check()
    row = page.locator(f'[data-ticket="{tickets[0].id}"]')
    assigned(stage, tickets[0])
    expect(row).to_contain_text("Bo Technician")
    before = page.locator("[data-ticket]").count()
    opened(stage, 2)
    news = page.locator("#list-news")
    expect(news).to_contain_text("2 new tickets")
    assert page.locator("[data-ticket]").count() == before
    news.get_by_role("link").click()
    expect(page.locator("[data-ticket]")).to_have_count(before + 2)
    expect(news.get_by_role("link")).to_be_hidden()
    chosen = page.locator(f'[data-ticket="{tickets[1].id}"] [data-pick]')
    expect(chosen).to_be_checked()
    expect(page.locator("#bulk")).to_contain_text("1 chosen")
    assert console_log == []


def test_a_flood_makes_the_list_ask_no_more_often(
    stage: Stage, signed_in_page: Page, console_log: list[str]
) -> None:
    page = signed_in_page
    opened(stage, 1)
    page.add_init_script(NOTE_WHEN_IT_ASKS)
    page.goto(f"{stage.url}/tickets?view=open")
    in_contact(page)
    stop = threading.Event()

    def flood() -> None:
        while not stop.wait(0.2):
            opened(stage, 5)

    thread = threading.Thread(target=flood)
    thread.start()
    try:
        page.wait_for_function("() => window.asked.length >= 3")
    finally:
        stop.set()
        thread.join()
    asked = page.evaluate("window.asked")
    assert min(after - before for before, after in itertools.pairwise(asked)) > 3_900
    expect(page.locator("#list-news")).to_contain_text(re.compile(r"\d+ new tickets"))
    assert console_log == []


def test_a_list_of_one_site_follows_only_what_its_reader_sees(
    stage: Stage, server: WebServer, browser: Browser
) -> None:
    person = stage.person("Site Guard", "guard", node=stage.site_id)
    secret = stage.secret(person, "session")
    context = browser.new_context()
    context.add_cookies([{"name": SESSION_COOKIE, "value": secret, "url": stage.url}])
    page = context.new_page()
    opened(stage, 1)
    page.goto(f"{stage.url}/tickets?view=open")
    in_contact(page)
    opened(stage, 1, site=stage.other_site_id)
    opened(stage, 1)
    expect(page.locator("#list-news")).to_contain_text("1 new ticket")
    context.close()
