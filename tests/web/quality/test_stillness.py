"""Nothing jumps under a finger: what comes after the first picture of a page moves little of it.

The measure is Cumulative Layout Shift (W3C Layout Instability); up to 0.1 counts as good.
"""

import json

import pytest
from playwright.sync_api import Browser

from tests.web.quality.furnished import PHONE, STRANGERS, WATCHED, Furnished

MOST = 0.1
# The clocks of a page tick each second, its stream answers within that.
WATCHED_MS = 1_500
WATCH = """(() => {
  window.jumps = [];
  const look = (list) => list.getEntries().forEach((shift) => window.jumps.push([shift.value,
    ...shift.sources.map(({ node, previousRect: was, currentRect: is }) =>
      `${node?.nodeName}.${node?.className} ${was.y}+${was.height} to ${is.y}+${is.height}`)]));
  new PerformanceObserver(look).observe({ type: "layout-shift", buffered: true });
})()"""
# As a phone has it, so that what comes later is seen to come later.
SLOW = {"offline": False, "latency": 150, "downloadThroughput": 200_000, "uploadThroughput": 90_000}


@pytest.mark.parametrize("signed_in", [True, False])
def test_a_main_page_stands_still_on_a_phone(
    furnished: Furnished, browser: Browser, signed_in: bool
) -> None:
    context = furnished.context(browser, PHONE, language="en", signed_in=signed_in)
    page = context.new_page()
    page.add_init_script(WATCH)
    network = context.new_cdp_session(page)
    network.send("Network.enable")
    network.send("Network.emulateNetworkConditions", SLOW)
    found = {}
    for name in WATCHED:
        if (name not in STRANGERS) is signed_in:
            page.goto(furnished.stage.url + furnished.pages[name])
            page.wait_for_timeout(WATCHED_MS)
            found[name] = page.evaluate("window.jumps")
    context.close()
    assert found
    wrong = {name: all_ for name, all_ in found.items() if sum(one[0] for one in all_) > MOST}
    assert wrong == {}, json.dumps(wrong, indent=2)
