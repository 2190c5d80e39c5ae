"""Without an account, in a real Chromium: a resident, the service desk, a contractor, a rating."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from api.deps import SESSION_COOKIE
from tests.pictures import photo
from tests.web.looking import fits, press, width_of
from tests.web.stage import Stage, WebServer
from tests.web.test_guests import put_up
from workflows.customers import Sticker

PHONE = {"width": 390, "height": 844}


@dataclass(frozen=True, slots=True)
class Words:
    """What the story taps, in one language."""

    locale: str
    noise: str
    send: str
    received: str
    hand_out: str
    make: str
    accept: str
    here: str
    done: str
    finished: str
    report: str
    photos: str
    solved: str
    rate: str
    thanks: str
    contractor: str


ENGLISH = Words(
    locale="en-GB",
    noise="It is loud",
    send="Send",
    received="We have your report",
    hand_out="Hand to a contractor",
    make="Make the links",
    accept="Accept the job",
    here="I am here",
    done="The work is done",
    finished="The work is finished",
    report="What was done",
    photos="Photos of the finished work",
    solved="Yes, it is solved",
    rate="Rate",
    thanks="You gave 4 of 5 stars",
    contractor="Contractors",
)
CHINESE = Words(
    locale="zh-CN",
    noise="噪音大",
    send="提交",
    received="已收到您的报修",
    hand_out="派给外包单位",
    make="生成链接",
    accept="接单",
    here="我已到场",
    done="已完工",
    finished="已处理完毕",
    report="处理情况",
    photos="完工照片",
    solved="已解决",
    rate="提交评价",
    thanks="您已评 4 星",
    contractor="外包单位",
)


@pytest.fixture
def contexts(browser: Browser) -> Iterator[list[BrowserContext]]:
    """Browsers of people who don't know each other, closed at the end."""
    opened: list[BrowserContext] = []
    yield opened
    for context in opened:
        context.close()


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    """A photo on a phone."""
    path = tmp_path / "photo.jpg"
    path.write_bytes(photo(400, 300))
    return path


def phone(browser: Browser, contexts: list[BrowserContext], locale: str) -> Page:
    context = browser.new_context(viewport=PHONE, locale=locale)  # type: ignore[arg-type]
    contexts.append(context)
    return context.new_page()


def resident_reports(page: Page, stage: Stage, sticker: Sticker, words: Words, file: Path) -> None:
    page.goto(f"{stage.url}/s/{sticker.path}")
    fits(page)
    page.get_by_role("radio", name=words.noise).check()
    page.locator("#photo").set_input_files(file)
    page.locator("#phone").fill("138 0013 8000")
    press(page, page.get_by_role("button", name=words.send, exact=True))
    expect(page.get_by_role("heading", name=words.received)).to_be_visible()
    fits(page)


def desk_hands_out(page: Page, stage: Stage, number: int, words: Words) -> str:
    """The service desk hands the ticket to a contractor; returns the link."""
    secret = stage.secret(stage.person("Mei", "service_desk", locale=words.locale), "session")
    cookie = {"name": SESSION_COOKIE, "value": secret, "url": stage.url}
    page.context.add_cookies([cookie])  # type: ignore[list-item]
    page.goto(f"{stage.url}/tickets/{number}")
    expect(page.get_by_role("link", name="138 0013 8000")).to_be_visible()
    press(page, page.get_by_role("link", name=words.hand_out))
    fits(page)
    page.locator("#access").fill("Key at the gate")
    page.locator("#company-1").fill("Pumps Ltd")
    page.locator("#name-1").fill("Wang Qiang")
    page.locator("#phone-1").fill("0574 8800")
    press(page, page.get_by_role("button", name=words.make))
    fits(page)
    link = page.locator("pre.command code").inner_text()
    assert re.fullmatch(re.escape(stage.url) + r"/c/wkc_[\w-]{43}", link)
    return link


def contractor_works(
    page: Page, stage: Stage, link: str, sticker: Sticker, words: Words, file: Path
) -> None:
    page.goto(link)
    expect(page.get_by_text("Key at the gate")).to_be_visible()
    assert "138 0013 8000" not in page.content()
    assert "13800138000" not in page.content()
    press(page, page.get_by_role("button", name=words.accept, exact=True))
    fits(page)
    # The camera of the same phone opens the sticker's address.
    page.goto(f"{stage.url}/s/{sticker.path}")
    press(page, page.get_by_role("button", name=words.here))
    expect(page).to_have_url(link)
    page.get_by_label(words.report).fill("New bearing")
    page.get_by_label(words.photos).set_input_files(file)
    fits(page)
    press(page, page.get_by_role("button", name=words.done))
    expect(page.locator(".banner-good")).to_be_visible()


@pytest.mark.parametrize("words", [ENGLISH, CHINESE], ids=["en", "zh"])
def test_a_resident_reports_a_contractor_repairs_and_the_resident_rates(
    stage: Stage,
    server: WebServer,
    browser: Browser,
    contexts: list[BrowserContext],
    picture: Path,
    words: Words,
) -> None:
    sticker = put_up(stage)
    resident = phone(browser, contexts, words.locale)
    resident_reports(resident, stage, sticker, words, picture)
    progress = resident.url
    found = re.search(r"#(\d+)", resident.title())
    assert found is not None
    number = int(found[1])
    desk = phone(browser, contexts, words.locale)
    link = desk_hands_out(desk, stage, number, words)
    contractor = phone(browser, contexts, words.locale)
    contractor_works(contractor, stage, link, sticker, words, picture)
    assert stage.ticket(number).state == "resolved"
    neighbour = phone(browser, contexts, words.locale)
    neighbour.goto(f"{stage.url}/s/{sticker.path}")
    neighbour.get_by_role("radio", name=words.noise).check()
    # Without a photo, which a browser sends as an empty part.
    neighbour.get_by_role("button", name=words.send, exact=True).click()
    expect(neighbour.get_by_role("heading", name=words.received)).to_be_visible()
    resident.goto(progress)
    expect(resident.get_by_role("heading", name=words.finished)).to_be_visible()
    assert "Pumps Ltd" not in resident.content()
    resident.get_by_role("button", name=words.solved).click()
    resident.locator("label[for=stars-4]").click()
    press(resident, resident.get_by_role("button", name=words.rate))
    expect(resident.get_by_text(words.thanks)).to_be_visible()
    fits(resident)
    desk.goto(f"{stage.url}/tickets/{number}")
    expect(desk.locator(".stars")).to_have_text("★★★★☆")
    expect(desk.get_by_role("heading", name=words.contractor)).to_be_visible()


def pages_of(pdf: bytes) -> int:
    """How many pages a PDF of Chromium has."""
    return len(re.findall(rb"/Type\s*/Page\b(?!s)", pdf))


def test_stickers_print_on_as_many_sheets_of_a4_as_they_need(
    stage: Stage, signed_in_page: Page
) -> None:
    page = signed_in_page
    page.goto(f"{stage.url}/stickers?site={stage.site_id}&what=all")
    count = page.locator(".items > .item").count()
    assert count > 42
    page.get_by_role("button", name="Make and print them all").click()
    expect(page.locator(".sticker")).to_have_count(count)
    sheets = -(-count // 21)
    expect(page.locator(".sheet")).to_have_count(sheets)
    pdf = page.pdf(prefer_css_page_size=True, print_background=True)
    assert pages_of(pdf) == sheets
    box = re.search(rb"/MediaBox\s*\[0 0 ([\d.]+) ([\d.]+)\]", pdf)
    assert box is not None
    # A4 in points.
    assert abs(float(box[1]) - 595.3) < 1
    assert abs(float(box[2]) - 841.9) < 1
    first = page.locator(".sticker").first
    fits = (
        "one => one.scrollHeight <= one.clientHeight + 1 && one.scrollWidth <= one.clientWidth + 1"
    )
    assert page.locator(".sticker").evaluate_all(f"all => all.every({fits})")
    assert first.locator("[lang=en]").count() == 2
    assert first.locator("[lang=zh-Hans]").count() == 2
    assert width_of(first.locator("img")) > 20
