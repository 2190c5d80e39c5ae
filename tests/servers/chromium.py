"""The system's Chromium, driven by Playwright."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.servers import find_program

# As long as Playwright waits for what is clicked: other tests keep the machine busy, and nothing is
# wrong with a page that shows what it should a little later.
expect.set_options(timeout=30_000)

# A test talks to its own server only: without these Chromium looks for updates at its start.
QUIET = [
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-domain-reliability",
    "--disable-quic",
    "--disable-sync",
    "--no-default-browser-check",
    "--no-first-run",
    "--no-pings",
]


@contextmanager
def launched(*arguments: str) -> Iterator[Browser]:
    """A headless Chromium, with more arguments than the usual ones."""
    program = find_program("chromium", "/usr/bin/chromium", package="chromium")
    # Chromium's sandbox does not work as root, where containers and CI run.
    usual = [*QUIET, "--no-sandbox"] if os.geteuid() == 0 else QUIET
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, args=[*usual, *arguments])
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One headless Chromium for a module of tests.

    Not for the session: Playwright keeps an event loop running in the main thread, in which
    no other test could run a loop of its own.
    """
    with launched() as chromium:
        yield chromium


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A blank page in a profile of its own: no cookie or cache of another test."""
    context = browser.new_context(locale="en-GB")
    yield context.new_page()
    context.close()
