"""A WebKit driven by WebDriver: what browsers of iPhones are made of, as far as Linux has it."""

import contextlib
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2

from tests.servers import find_program, free_port

BROWSERS = "/usr/lib/*/webkit2gtk-4.*/MiniBrowser"
SECONDS = 60.0
# Buttons are known by their words, as whoever holds the phone knows them.
PRESS = """
const said = (one) => one.textContent.trim() || one.getAttribute("aria-label") || "";
const [words] = arguments;
const wanted = [...document.querySelectorAll("#app button")].find(
  (one) => !one.disabled && !one.hidden && said(one).startsWith(words),
);
wanted?.click();
return !!wanted;
"""
FILL = """
const field = document.querySelector(arguments[0]);
field.value = arguments[1];
field.dispatchEvent(new Event("input", { bubbles: true }));
"""


class Window:
    """A window of the browser (W3C WebDriver)."""

    def __init__(self, client: httpx2.Client, session: str) -> None:
        self._client = client
        self._session = session

    def _ask(self, path: str, **said: Any) -> Any:
        answer = self._client.post(f"{self._session}/{path}", json=said)
        value = answer.json()["value"]
        assert answer.status_code == 200, value
        return value

    def open(self, address: str) -> None:
        """Go to an address."""
        self._ask("url", url=address)

    def reload(self) -> None:
        """Load the page again."""
        self._ask("refresh")

    def run(self, script: str, *given: Any) -> Any:
        """What a script of the page returns."""
        return self._ask("execute/sync", script=script, args=list(given))

    def text(self) -> str:
        """All that stands on the page."""
        return str(self.run("return document.body.innerText"))

    def see(self, words: str) -> None:
        """Wait until these words stand there."""
        wait(lambda: words in self.text(), f"{words!r} does not stand there")

    def press(self, words: str) -> None:
        """Press the button that begins with these words, once it can be pressed."""
        wait(lambda: bool(self.run(PRESS, words)), f"no button begins with {words!r}")

    def fill(self, field: str, text: str) -> None:
        """Type into a field."""
        self.run(FILL, field, text)


def wait(so: Callable[[], bool], otherwise: str) -> None:
    """Ask until it is so."""
    until = time.monotonic() + SECONDS
    while not so():
        assert time.monotonic() < until, otherwise
        time.sleep(0.2)


@contextlib.contextmanager
def webkit(folder: Path) -> Iterator[Window]:
    """A window of WebKitGTK's own small browser, on a screen that nobody sees."""
    screen = f":{90 + os.getpid() % 900}"
    program = find_program("WebKitWebDriver", package="webkit2gtk-driver")
    browser = find_program("MiniBrowser", BROWSERS, package="libwebkit2gtk-4.1-0")
    xvfb = find_program("Xvfb", package="xvfb")
    port = free_port()
    around = {**os.environ, "DISPLAY": screen, "HOME": str(folder), "GDK_BACKEND": "x11"}
    with contextlib.ExitStack() as stack:
        for command in (
            [xvfb, screen, "-screen", "0", "420x900x24"],
            [program, f"--port={port}"],
        ):
            process = subprocess.Popen(command, env=around, stderr=subprocess.DEVNULL)
            stack.callback(process.wait)
            stack.callback(process.terminate)
        client = httpx2.Client(base_url=f"http://127.0.0.1:{port}", timeout=2 * SECONDS)
        stack.callback(client.close)
        wait(lambda: _listens(client), "the driver of WebKit does not answer")
        options = {"binary": browser, "args": ["--automation"]}
        wanted = {"browserName": "MiniBrowser", "webkitgtk:browserOptions": options}
        begun = client.post("/session", json={"capabilities": {"alwaysMatch": wanted}}).json()
        session = f"/session/{begun['value']['sessionId']}"
        stack.callback(client.delete, session)
        yield Window(client, session)


def _listens(client: httpx2.Client) -> bool:
    try:
        return client.get("/status").status_code == 200
    except httpx2.TransportError:
        return False
