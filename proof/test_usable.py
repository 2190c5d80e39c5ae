"""How soon the guard's app can be used on a slow phone: at first, and with its shell kept."""

import sys
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from playwright.sync_api import Page, expect, sync_playwright

from tests.web.conftest import stage_on
from tests.web.guarding import (
    PATIENCE_MS,
    PHONE,
    Network,
    Served,
    enrol,
    lay_shift,
    phone,
    sign_in,
    wait_until_told,
)
from tests.web.stage import Stage

WITHIN_MS = 2_000.0
VISITS = 5
# Slow 4G as Lighthouse has it, and a phone of a quarter of this machine's speed. The network is
# made slow between browser and server: what a browser makes slow itself leaves out the worker.
BYTES_A_SECOND, ROUND_TRIP = 1_600_000 / 8, 0.15
SLOWER = 4
# From the beginning of the visit until there is something to press.
USABLE = """
new MutationObserver((_, watching) => {
  if (!document.querySelector("#app button")) return;
  window.usableAt = performance.now();
  watching.disconnect();
}).observe(document, { childList: true, subtree: true });
"""


@pytest.fixture
def stage(foundation: Path, tmp_path: Path) -> Iterator[Stage]:
    """The demo compound."""
    yield from stage_on(foundation, tmp_path / "stage")


def visit(page: Page, network: Network) -> float:
    """Open the app; after how many ms it could be used."""
    page.goto("about:blank")
    network.connections = 0
    session = page.context.new_cdp_session(page)
    session.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
    page.goto(f"{network.url}/guard/")
    expect(page.locator("#app button").first).to_be_visible(timeout=PATIENCE_MS)
    took: float = page.evaluate("window.usableAt")
    session.detach()
    return took


@pytest.mark.timeout(900)
def test_the_app_is_usable_within_two_seconds(stage: Stage, tmp_path: Path) -> None:
    shift = lay_shift(stage, rounds=4, points=15)
    served = Served(stage)
    served.begin()
    # Its pages are made ready with the first one who asks, whoever that is.
    assert httpx2.get(f"{served.url}/guard/").status_code == 200
    first: list[float] = []
    again: list[float] = []
    with Network(served.port, seed=1).running() as network, sync_playwright() as playwright:
        network.bytes_a_second, network.round_trip = BYTES_A_SECOND, ROUND_TRIP
        for number in range(VISITS):
            with phone(playwright, tmp_path / f"new-{number}", PHONE, USABLE) as context:
                first.append(visit(context.pages[0], network))
        with phone(playwright, tmp_path / "phone", PHONE, USABLE) as context:
            page = context.pages[0]
            enrol(page, network.url, shift)
            sign_in(page)
            wait_until_told(page)
            again = [visit(page, network) for _ in range(VISITS)]
    served.end()
    for name, took in (("first visit", first), ("with its shell kept", again)):
        ordered = sorted(took)
        sys.stdout.write(
            f"\nusable, {name}, n={len(took)}: median {ordered[len(ordered) // 2]:.0f} ms,"
            f" worst {ordered[-1]:.0f} ms\n"
        )
    for took in (first, again):
        assert sorted(took)[len(took) // 2] <= WITHIN_MS
