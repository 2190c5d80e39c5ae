"""Looking at a page in a real browser: at the page that is meant, and once it is there."""

import re
import time
from datetime import UTC, datetime

from playwright.sync_api import Locator, Page, expect
from playwright.sync_api import TimeoutError as NeverCame

from tests.web.stage import WebServer

UP_TO_DATE = re.compile("up to date|updated|更新")
# A function: a bare expression is evaluated anew at each look, which the pages' policy allows only
# for the first one.
FITS = """() => {
    const page = document.documentElement;
    return page !== null && page.scrollWidth <= page.clientWidth;
}"""


def press(page: Page, way: Locator) -> None:
    """Press a button or a link that leads to another page, and wait until that page stands there.

    A click returns earlier: what is asked then is asked of the old page, or of a document that
    has nothing in it yet; and what is written then, the new page doesn't know.
    """
    with page.expect_navigation():
        way.click()


def fits(page: Page) -> None:
    """See that the page is no wider than its window, once it has loaded."""
    page.wait_for_load_state()
    try:
        page.wait_for_function(FITS)
    except NeverCame:
        raise AssertionError(f"{page.url} is wider than its window") from None


def width_of(picture: Locator) -> int:
    """How many pixels wide a picture is, once it has come; it fails if it never does."""
    expect(picture).to_be_visible()
    width: int = picture.evaluate("image => image.decode().then(() => image.naturalWidth)")
    return width


def in_contact(page: Page) -> None:
    """See that the page follows what its server tells.

    What changes before the stream has begun, the page fetches when it begins.
    """
    expect(page.locator("#contact-text")).to_have_text(UP_TO_DATE)


def loses_contact(page: Page, server: WebServer) -> None:
    """End the server of a page that hears it, which nothing holds up; the page hears no more.

    A stream that is cut off is one that ended or one that failed, as the browser happens to see it.
    """
    ended: list[str] = []
    for event in ("requestfinished", "requestfailed"):
        page.on(event, lambda request: ended.append(request.url))
    server.stop()
    deadline = time.monotonic() + 60
    while not any("/stream" in url for url in ended):
        assert time.monotonic() < deadline, "the stream goes on without its server"
        page.wait_for_timeout(50)


def turns_grey(page: Page) -> None:
    """See that a page that has lost contact says so within 15 s of its clock, and looks like it.

    Its clock, which must be installed before the page is opened, is put forward and held: how
    busy the machine is speaks neither for nor against it.
    """
    now = page.evaluate("Date.now()") / 1000
    page.clock.pause_at(datetime.fromtimestamp(now + 15, UTC))
    expect(page.locator("html")).to_have_class(re.compile("stale"))
    expect(page.locator("#contact-text")).to_have_text(re.compile(r"no contact since \d\d:\d\d"))
    assert page.locator("main").evaluate("element => getComputedStyle(element).filter") != "none"
