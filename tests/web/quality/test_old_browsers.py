"""What Chromium 90 and Safari 15 read of the bundles, and what an older browser says instead."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route

from tests.web.looking import in_contact
from tests.web.quality.furnished import DESKTOP, MAIN, PHONE, Furnished
from web.bundle import DIST

# What styles may not use at all, and since when browsers read it (Chromium, Safari).
TOO_NEW = {
    "colour functions (111, 15.4)": r"\b(?:oklch|oklab|lch|lab|color|color-mix|light-dark)\(",
    ":has() (105, 15.4)": r":has\(",
    "nesting (120, 17.2)": r"[{;]\s*&|;\s*[.#>+~\[][^;{}]*\{",
    "container queries (105, 16)": r"@container|[{;]container(?:-type|-name)?:|\dcq[wh]\b",
    "layers (99, 15.4)": r"@layer\b",
    "registered properties (85, 16.4)": r"@property\b",
    "scopes (118, 17.4)": r"@scope\b",
    "first styles (117, 17.5)": r"@starting-style\b",
    "ranges in media queries (104, 16.4)": r"@media[^{]*[<>]",
    "transforms on their own (104, 14.1)": r"[{;](?:translate|rotate|scale):",
    "accent-color (93, 15.4)": r"[{;]accent-color:",
    "text-wrap (114, 17.5)": r"[{;]text-wrap:",
    "overflow: clip (90, 16)": r"overflow(?:-[xy])?:\s*clip",
    "floats by writing direction (118, 15)": r"float:\s*inline-",
    "subgrid (117, 16)": r"\bsubgrid\b",
    "trigonometry and rounding (111, 15.4)": r"[ :,(](?:round|mod|rem|sin|cos|pow|sqrt)\(",
    "masks without prefix (120, 15.4)": r"[{;]mask(?:-image)?:",
}
# What browsers of that age lack; scripts must do without.
LACKING = """
for (const [owner, names] of [
  [Array.prototype, ["at", "findLast", "findLastIndex", "toSorted", "toReversed", "with"]],
  [String.prototype, ["at", "isWellFormed", "toWellFormed"]],
  [Object, ["hasOwn", "groupBy"]], [Promise, ["withResolvers", "try"]],
  [Array, ["fromAsync"]], [URL, ["canParse", "parse"]], [crypto, ["randomUUID"]],
  [AbortSignal, ["timeout", "any", "abort"]],
  [Crypto.prototype, ["randomUUID"]], [Document, ["parseHTMLUnsafe"]],
  [Element.prototype, ["moveBefore", "setHTMLUnsafe", "checkVisibility", "getHTML"]],
  [Node.prototype, ["moveBefore"]], [Document.prototype, ["startViewTransition", "moveBefore"]],
  [HTMLElement.prototype, ["showPopover", "hidePopover", "togglePopover"]],
  [HTMLDialogElement.prototype, ["showModal", "show", "close"]],
  [HTMLFormElement.prototype, ["requestSubmit"]],
  [Navigator.prototype, ["locks", "wakeLock", "userAgentData"]],
  [window, ["structuredClone", "BroadcastChannel", "navigation", "scheduler", "reportError",
    "requestIdleCallback", "URLPattern", "Iterator", "trustedTypes"]],
]) for (const name of names) delete owner[name];
"""


def styles() -> str:
    """The style sheet, without what it embeds and what it says of licences."""
    text = (DIST / "app.css").read_text(encoding="utf-8")
    return re.sub(r"/\*.*?\*/|url\(\"[^\"]*\"\)|url\([^)]*\)", "", text, flags=re.DOTALL)


@pytest.mark.parametrize("feature", TOO_NEW)
def test_the_styles_use_nothing_newer_than_the_oldest_browser(feature: str) -> None:
    assert re.findall(rf".{{0,40}}(?:{TOO_NEW[feature]}).{{0,40}}", styles()) == []


def test_a_height_of_the_visible_part_has_one_before_it_that_every_browser_reads() -> None:
    # An older browser leaves out the declaration that it doesn't know (108, 15.4).
    text = re.sub(r"([a-z-]+):([^;{}]*?)vh([^;{}]*);\1:\2dvh\3(?=[;}])", "", styles())
    assert re.findall(r".{0,40}\d[dsl]v[hwib]\b.{0,40}", text) == []


def test_a_browser_that_knows_no_focus_ring_of_the_keyboard_loses_no_other_rule_with_it() -> None:
    # Safari knows :focus-visible from 15.4 on, and drops whole lists that name it.
    rules = re.findall(r"(?:^|[{}])([^{}@]*:focus-visible[^{}]*)\{", styles())
    assert rules
    parts = [part for rule in rules for part in rule.split(",")]
    assert [part for part in parts if ":focus-visible" not in part] == []


def test_every_token_that_the_styles_use_stands_somewhere() -> None:
    text = styles()
    used = set(re.findall(r"var\((--[\w-]+)\s*\)", text))
    assert used - set(re.findall(r"[{;]\s*(--[\w-]+)\s*:", text)) == set()


@pytest.mark.parametrize("name", ["app.js", "chart.js", "control-room.js", "theme.js"])
def test_the_scripts_are_written_for_the_oldest_browser(name: str) -> None:
    # What no browser of that age reads stops the whole script: esbuild writes it in older words.
    text = (DIST / name).read_text(encoding="utf-8")
    assert re.findall(r"\bstatic\s*\{|#\w+ in \w|\(\?<[=!]|\bawait using\b", text) == []


@pytest.fixture
def older(furnished: Furnished, browser: Browser) -> Iterator[Page]:
    """The administrator's browser without what came after Chromium 90 and Safari 15."""
    context = furnished.context(browser, DESKTOP)
    context.add_init_script(LACKING)
    yield context.new_page()
    context.close()


def test_every_main_page_works_without_what_came_later(furnished: Furnished, older: Page) -> None:
    complaints: list[str] = []
    older.on("pageerror", lambda error: complaints.append(f"{older.url}: {error}"))
    older.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    for name in MAIN:
        older.goto(furnished.stage.url + furnished.pages[name])
        older.wait_for_load_state()
    assert complaints == []


def test_the_live_page_follows_what_happens_in_the_oldest_browser(
    furnished: Furnished, older: Page
) -> None:
    older.goto(furnished.stage.url + furnished.pages["live"])
    in_contact(older)
    # The choice of another site needs no button.
    older.goto(furnished.stage.url + furnished.pages["tickets"])
    older.select_option("#filter-priority", "critical")
    older.wait_for_url("**priority=critical**")


def pretend_older(context: BrowserContext) -> None:
    """Let the styles ask for what this browser doesn't know, as an older one wouldn't.

    The sentence stands there by styles alone: nothing else is fetched.
    """
    text = (DIST / "app.css").read_text(encoding="utf-8")
    assert "@supports (aspect-ratio:" in text
    older = text.replace("(aspect-ratio:", "(no-such-thing:")

    def rewrite(route: Route) -> None:
        route.fulfill(body=older, content_type="text/css")

    context.route(re.compile(r"/static/(?!app\.)|\.js"), lambda route: route.abort())
    context.route("**/static/app.*.css", rewrite)


@pytest.mark.parametrize(("language", "words"), [("en", "too old"), ("zh", "版本过旧")])
def test_an_older_browser_reads_one_sentence_on_every_page(
    furnished: Furnished, browser: Browser, language: str, words: str
) -> None:
    context = furnished.context(browser, PHONE, language=language)
    pretend_older(context)
    page = context.new_page()
    silent = []
    for name, address in furnished.pages.items():
        page.goto(furnished.stage.url + address, wait_until="domcontentloaded")
        said = page.locator(".too-old")
        if not (said.count() == 1 and said.is_visible() and words in said.inner_text()):
            silent.append(name)
    context.close()
    assert silent == []


def test_a_browser_of_today_reads_no_such_sentence(furnished: Furnished, browser: Browser) -> None:
    context = furnished.context(browser, PHONE)
    page = context.new_page()
    page.goto(furnished.stage.url + furnished.pages["sign in"])
    assert not page.locator(".too-old").is_visible()
    context.close()
