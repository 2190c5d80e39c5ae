"""With accounts, in a real Chromium: invited, joined on a phone, reported, mended, rated."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from sqlalchemy import select

from api.deps import SESSION_COOKIE
from core import events
from core.companies import hire_company
from core.households import Details, add_resident
from core.people import Person, caller_for
from core.places import Space
from tests.pictures import photo
from tests.web.looking import fits, press
from tests.web.stage import Stage, WebServer

PHONE = {"width": 390, "height": 844}
PASSWORD = "three plain words"
NUMBER = "13800138000"


@dataclass(frozen=True, slots=True)
class Words:
    """What the story taps, in one language."""

    locale: str
    invite: str
    join: str
    report: str
    other: str
    send: str
    received: str
    make: str
    answer: str
    accept: str
    here: str
    done: str
    asks: str
    solved: str
    rate: str
    thanks: str
    company: str


ENGLISH = Words(
    locale="en-GB",
    invite="Invite",
    join="Join",
    report="Report a fault",
    other="Something else",
    send="Send",
    received="We have your report",
    make="Make the links",
    answer="Answer the offer",
    accept="Accept the job",
    here="I am here",
    done="The work is done",
    asks="Is it solved?",
    solved="Yes, it is solved",
    rate="Rate",
    thanks="You gave 5 of 5 stars",
    company="Invite somebody of this company",
)
CHINESE = Words(
    locale="zh-CN",
    invite="邀请",
    join="加入",
    report="报修",
    other="其他问题",
    send="提交",
    received="已收到您的报修",
    make="生成链接",
    answer="接单或拒单",
    accept="接单",
    here="我已到场",
    done="已完工",
    asks="问题解决了吗？",
    solved="已解决",
    rate="提交评价",
    thanks="您已评 5 星",
    company="邀请该单位人员",
)


@pytest.fixture
def contexts(browser: Browser) -> Iterator[list[BrowserContext]]:
    opened: list[BrowserContext] = []
    yield opened
    for context in opened:
        context.close()


def phone(browser: Browser, contexts: list[BrowserContext], words: Words) -> Page:
    context = browser.new_context(viewport=PHONE, locale=words.locale)  # type: ignore[arg-type]
    contexts.append(context)
    return context.new_page()


def office_of(stage: Stage, browser: Browser, contexts: list[BrowserContext], words: Words) -> Page:
    """The manager's browser at the desk."""
    language = "zh" if words is CHINESE else "en"
    person = stage.person("Wu Min", "manager", locale=language)
    context = browser.new_context(viewport={"width": 1280, "height": 900}, locale=words.locale)
    secret = stage.secret(person, "session")
    context.add_cookies([{"name": SESSION_COOKIE, "value": secret, "url": stage.url}])
    contexts.append(context)
    return context.new_page()


def furnish(stage: Stage) -> str:
    """Somebody of a household, and a hired company; returns the unit's id."""
    admin = stage.person("Li Na", "administrator")
    now = stage.parts.clock.now()
    with stage.parts.database.write() as session:
        inner = Space.site_id == stage.site_id, Space.parent_id.is_not(None)
        space = session.scalars(select(Space).where(*inner).order_by(Space.code)).first()
        assert space is not None
        add_resident(session, space, Details("Zhao Lei", (NUMBER,)), actor=events.SYSTEM, now=now)
        caller = caller_for(session, session.get_one(Person, admin))
        hire_company(session, caller, stage.site_id, "Taps Ltd", now=now)
        return str(space.id)


def look(page: Page, shots: Path | None, name: str) -> None:
    """No page is wider than the screen; a picture of it where somebody wants to look."""
    fits(page)
    if shots is not None:
        page.screenshot(path=str(shots / f"{name}.png"), full_page=True)


def link_on(page: Page) -> str:
    return page.locator("pre.command code").first.inner_text().strip()


@dataclass(frozen=True, slots=True)
class Story:
    """Who is in it, and what it is told with; pictures go into `shots`, if given."""

    stage: Stage
    words: Words
    desk: Page
    home: Page
    fitter: Page
    picture: Path
    shots: Path | None


def they_join_and_report(story: Story, space: str) -> None:
    """The office invites; the resident joins on their phone and reports something."""
    desk, home, words, shots = story.desk, story.home, story.words, story.shots
    desk.goto(f"{story.stage.url}/spaces/{space}")
    look(desk, shots, "office-unit")
    press(desk, desk.get_by_role("button", name=words.invite, exact=True))
    look(desk, shots, "office-invited")
    home.goto(link_on(desk))
    look(home, shots, "join")
    home.fill("#phone", NUMBER)
    home.fill("#password", PASSWORD)
    press(home, home.get_by_role("button", name=words.join))
    expect(home).to_have_url(re.compile("/home$"))
    look(home, shots, "home-empty")
    press(home, home.locator("main").get_by_role("link", name=words.report))
    home.get_by_role("radio", name=words.other).check()
    home.fill("#words", "Tap drips")
    home.set_input_files("#photo", str(story.picture))
    look(home, shots, "report")
    press(home, home.get_by_role("button", name=words.send))
    expect(home.locator("h1")).to_contain_text(words.received)
    look(home, shots, "progress")


def the_company_comes(story: Story) -> None:
    """The desk hands it to the company, whose fitter joins and does it."""
    desk, fitter, words, shots = story.desk, story.fitter, story.words, story.shots
    desk.goto(f"{story.stage.url}/companies?site={story.stage.site_id}")
    look(desk, shots, "office-companies")
    press(desk, desk.get_by_role("button", name=words.company))
    fitter.goto(link_on(desk))
    look(fitter, shots, "join-company")
    fitter.fill("#name", "Zheng Tao")
    fitter.fill("#login", "zheng.tao")
    fitter.fill("#password", PASSWORD)
    press(fitter, fitter.get_by_role("button", name=words.join))
    look(fitter, shots, "jobs-empty")
    desk.goto(f"{story.stage.url}/tickets/1/contractor")
    desk.fill("#company-1", "Taps Ltd")
    desk.fill("#name-1", "Li Na")
    desk.fill("#phone-1", "0574 8800")
    press(desk, desk.get_by_role("button", name=words.make))
    fitter.reload()
    look(fitter, shots, "jobs")
    press(fitter, fitter.get_by_role("link", name=words.answer))
    look(fitter, shots, "job")
    press(fitter, fitter.get_by_role("button", name=words.accept))
    press(fitter, fitter.get_by_role("button", name=words.here))
    fitter.fill("#report", "New washer")
    fitter.set_input_files("#photo", str(story.picture))
    look(fitter, shots, "job-arrived")
    press(fitter, fitter.get_by_role("button", name=words.done))
    expect(fitter.locator(".banner-good")).to_be_visible()
    fitter.goto(f"{story.stage.url}/jobs")
    look(fitter, shots, "jobs-over")


def they_say_how_it_was(story: Story) -> None:
    """The resident's first page asks how it turned out."""
    home, words, shots = story.home, story.words, story.shots
    home.goto(f"{story.stage.url}/")
    expect(home.get_by_role("heading", name=words.asks)).to_be_visible()
    look(home, shots, "home-asks")
    press(home, home.locator("main").get_by_role("link", name="Tap drips"))
    press(home, home.get_by_role("button", name=words.solved))
    home.locator("label[for=stars-5]").click()
    press(home, home.get_by_role("button", name=words.rate, exact=True))
    expect(home.locator(".good").last).to_contain_text(words.thanks)
    look(home, shots, "rated")
    home.goto(f"{story.stage.url}/account")
    look(home, shots, "account")


def tell(
    stage: Stage,
    browser: Browser,
    contexts: list[BrowserContext],
    words: Words,
    tmp_path: Path,
    shots: Path | None = None,
) -> None:
    """The whole story; pictures into `shots`."""
    space, picture = furnish(stage), tmp_path / "tap.jpg"
    picture.write_bytes(photo())
    desk = office_of(stage, browser, contexts, words)
    home, fitter = phone(browser, contexts, words), phone(browser, contexts, words)
    story = Story(stage, words, desk, home, fitter, picture, shots)
    they_join_and_report(story, space)
    the_company_comes(story)
    they_say_how_it_was(story)


@pytest.mark.parametrize("words", [ENGLISH, CHINESE], ids=["en", "zh"])
def test_from_the_invitation_to_the_rating(
    stage: Stage,
    server: WebServer,
    browser: Browser,
    contexts: list[BrowserContext],
    tmp_path: Path,
    words: Words,
) -> None:
    tell(stage, browser, contexts, words, tmp_path)
