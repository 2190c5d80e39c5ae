"""How many bytes a page costs: on a first visit, and when one comes from another page."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.web.quality.furnished import PHONE, STRANGERS, WATCHED, Furnished

FIRST = 250_000
AFTER = 60_000
# Longer than any page takes to ask for what it shows.
SETTLED = 400


class Scales:
    """Counts what a page's browser receives, headers included, as it comes over the wire."""

    def __init__(self, page: Page) -> None:
        self.received = 0
        session = page.context.new_cdp_session(page)
        session.send("Network.enable")
        session.on("Network.loadingFinished", self._finished)
        session.on("Network.dataReceived", self._streamed)
        self._whole: dict[str, float] = {}
        self._parts: dict[str, float] = {}

    def _finished(self, event: dict[str, float]) -> None:
        self._whole[str(event["requestId"])] = event["encodedDataLength"]

    def _streamed(self, event: dict[str, float]) -> None:
        request = str(event["requestId"])
        self._parts[request] = self._parts.get(request, 0) + event["encodedDataLength"]

    def read(self) -> int:
        """The bytes since the last time."""
        total = sum(self._whole.values())
        # A stream of events never ends; what came of it counts all the same.
        total += sum(size for request, size in self._parts.items() if request not in self._whole)
        self._whole, self._parts = {}, {}
        return int(total)


def weigh(page: Page, scales: Scales, address: str) -> int:
    """Open a page, wait for what it fetches by itself; its bytes."""
    page.goto(address)
    page.wait_for_timeout(SETTLED)
    return scales.read()


@pytest.fixture
def page(furnished: Furnished, browser: Browser) -> Iterator[Page]:
    """The administrator's phone, with an empty cache."""
    context = furnished.context(browser, PHONE)
    yield context.new_page()
    context.close()


@pytest.mark.parametrize("name", WATCHED)
def test_a_page_is_light_on_the_first_visit(
    furnished: Furnished, browser: Browser, name: str
) -> None:
    context = furnished.context(browser, PHONE, signed_in=name not in STRANGERS)
    page = context.new_page()
    weight = weigh(page, Scales(page), furnished.stage.url + furnished.pages[name])
    context.close()
    # The lightest is a page of some text, its style and its script.
    assert 20_000 < weight <= FIRST


def test_a_next_page_is_lighter_still(furnished: Furnished, page: Page) -> None:
    scales = Scales(page)
    weigh(page, scales, furnished.stage.url + furnished.pages["live"])
    # What pages share came with the first of them, so the others need not have been seen before.
    weights = {
        name: weigh(page, scales, furnished.stage.url + furnished.pages[name])
        for name in (*WATCHED[1:], "live")
    }
    assert weights["live"] > 2_000
    assert {name: weight for name, weight in weights.items() if weight > AFTER} == {}
