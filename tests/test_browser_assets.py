"""The built browser code runs under the strictest content security policy, in a real browser."""

import json
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Page

BUNDLES = Path(__file__).resolve().parent.parent / "web" / "static" / "dist"
# Scripts and styles by address only; the icons of the styles are data: addresses.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:"
)
PAGE = """<!doctype html><title>Bundles</title>
<link rel="stylesheet" href="/app.css">
<script type="module" src="/app.js"></script>
<select class="form-select"></select>
<button hx-get="/fragment" hx-target="#place">Fetch</button><p id="place">empty</p>"""
CHARTS = """<!doctype html><title>Charts</title>
<link rel="stylesheet" href="/app.css"><body data-zone="UTC">
<div data-chart="/chart.json" data-last="last" data-low="low" data-high="high" data-limit="limit">
</div><script type="module" src="/chart.js"></script>"""
CURVE = {
    "name": "Pressure",
    "unit": "MPa",
    "states": [],
    "limits": [],
    "at": [1_700_000_000, 1_700_000_060, 1_700_000_120],
    "value": [5, 7, 6],
}
PAGES = {
    "/charts": ("text/html", CHARTS),
    "/chart.json": ("application/json", json.dumps({"series": [CURVE], "marks": []})),
    "/": ("text/html", PAGE),
    "/fragment": ("text/html", "<b>fetched</b>"),
    "/breach": (
        "text/html",
        "<title>Untouched</title><script>document.title = 'Inline script ran'</script>"
        "<script src='/eval.js'></script>",
    ),
    "/eval.js": (
        "text/javascript",
        "try { eval('1') } catch (refusal) { document.title += ', ' + refusal.name }",
    ),
}


class BundleHandler(SimpleHTTPRequestHandler):
    """Serves the bundles and a few small pages, all under the policy."""

    def do_GET(self) -> None:
        """A page of ours, or a bundle."""
        if self.path not in PAGES:
            super().do_GET()
            return
        kind, text = PAGES[self.path]
        self.send_response(200)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.end_headers()
        self.wfile.write(text.encode())

    def end_headers(self) -> None:
        """Add the policy to whatever is sent."""
        self.send_header("Content-Security-Policy", POLICY)
        super().end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing: a test's output is about failures."""


@pytest.fixture
def address() -> Iterator[str]:
    """The address of a server of the bundles."""
    handler = partial(BundleHandler, directory=str(BUNDLES))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def complaints(page: Page) -> list[str]:
    """What the browser's console complains about, as it comes."""
    heard = list[str]()
    page.on("console", lambda message: heard.append(message.text))
    page.on("pageerror", lambda error: heard.append(str(error)))
    # A browser asks for the site's icon by itself; no page of these tests has one.
    page.route("**/favicon.ico", lambda route: route.fulfill(status=204))
    return heard


def test_htmx_and_the_styles_run_under_the_strict_policy(
    page: Page, address: str, complaints: list[str]
) -> None:
    page.goto(address)
    page.wait_for_function("() => window.htmx !== undefined")
    page.click("button")
    page.wait_for_selector("#place b")
    assert page.inner_text("#place") == "fetched"
    # The style sheet is in force: the arrow of a choice is one of its inlined icons.
    icon = "getComputedStyle(document.querySelector('select')).backgroundImage"
    assert page.evaluate(icon).startswith('url("data:image/svg')
    assert complaints == []


def test_charts_are_drawn_under_the_strict_policy(
    page: Page, address: str, complaints: list[str]
) -> None:
    page.goto(f"{address}/charts")
    # Axes, grid, curve and its rim: an empty canvas has no opaque colour at all.
    page.wait_for_function(
        """() => {
            const canvas = document.querySelector("canvas");
            if (!canvas) return false;
            const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
            const colours = new Set();
            for (let i = 0; i < pixels.data.length; i += 4) {
                if (pixels.data[i + 3] > 200) colours.add(pixels.data.slice(i, i + 3).join());
            }
            return colours.size > 3;
        }"""
    )
    assert page.inner_text("figcaption").startswith("Pressure")
    assert complaints == []


def test_the_policy_of_these_tests_forbids_inline_script_and_eval(
    page: Page, address: str, complaints: list[str]
) -> None:
    page.goto(f"{address}/breach")
    assert page.title() == "Untouched, EvalError"
    assert any("inline script" in complaint for complaint in complaints)
