"""axe-core finds nothing serious, whatever the width, the language and the colours."""

import json

import pytest
from playwright.sync_api import Browser, Page, ViewportSize

from scripts.node_programs import PAGE_CHECKS
from tests.web.quality.furnished import DESKTOP, MAIN, PHONE, STRANGERS, Furnished

AXE = PAGE_CHECKS.folder / "node_modules" / "axe-core" / "axe.min.js"
SERIOUS = ("serious", "critical")
OF_COLOURS = ("color-contrast", "link-in-text-block")
# A rule whose findings can't be serious needn't be looked at.
LOOK = """async (only) => {
  const lesser = axe._audit.rules.filter(({ impact }) => ["minor", "moderate"].includes(impact));
  const which = only.length
    ? { runOnly: { type: "rule", values: only } }
    : { rules: Object.fromEntries(lesser.map(({ id }) => [id, { enabled: false }])) };
  const { violations } = await axe.run(document, { resultTypes: ["violations"], ...which });
  return violations.map(({ id, impact, nodes }) => ({ id, impact, nodes: nodes.map((node) =>
    [node.target.join(" "), node.any.concat(node.all, node.none).map(({ message }) => message)[0]]
  ) }));
}"""


def findings(page: Page, *rules: str) -> list[str]:
    """What axe calls serious on a page: the rule, where, and why. rules: only these."""
    return [
        f"{found['id']} at {where}: {why}"
        for found in page.evaluate(LOOK, list(rules))
        if found["impact"] in SERIOUS
        for where, why in found["nodes"]
    ]


def walk(
    furnished: Furnished, browser: Browser, names: list[str], size: ViewportSize, language: str
) -> dict[str, list[str]]:
    """What is found on pages, in light and in dark, by their names."""
    found = {}
    for signed_in in (True, False):
        context = furnished.context(
            browser, size, language=language, signed_in=signed_in, bypass_csp=True
        )
        context.add_init_script(path=AXE)
        page = context.new_page()
        for name in names:
            if (name not in STRANGERS) is signed_in:
                found[name] = look(page, furnished.stage.url + furnished.pages[name])
        context.close()
    return {name: wrong for name, wrong in found.items() if wrong}


def look(page: Page, address: str) -> list[str]:
    """What is found on one page; the dark differs in nothing but colours, and those at once."""
    page.emulate_media(color_scheme="light", reduced_motion="reduce")
    page.goto(address)
    light = findings(page)
    page.emulate_media(color_scheme="dark")
    page.locator("html[data-bs-theme=dark]").wait_for()
    return light + [f"dark: {found}" for found in findings(page, *OF_COLOURS)]


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_nothing_serious_stands_on_a_main_page(
    furnished: Furnished, browser: Browser, size: ViewportSize, language: str
) -> None:
    found = walk(furnished, browser, list(MAIN), size, language)
    assert found == {}, json.dumps(found, indent=1, ensure_ascii=False)


@pytest.mark.parametrize(("size", "language"), [(PHONE, "zh"), (DESKTOP, "en")])
def test_nor_on_any_other_page(
    furnished: Furnished, browser: Browser, size: ViewportSize, language: str
) -> None:
    others = [name for name in furnished.pages if name not in MAIN]
    found = walk(furnished, browser, others, size, language)
    assert found == {}, json.dumps(found, indent=1, ensure_ascii=False)


def test_axe_sees_what_is_wrong(furnished: Furnished, browser: Browser) -> None:
    context = furnished.context(browser, PHONE, bypass_csp=True)
    page = context.new_page()
    page.set_content("<!doctype html><html lang=en><title>x</title><main><button></button></main>")
    page.evaluate(AXE.read_text(encoding="utf-8") + ";0")
    assert [found.split()[0] for found in findings(page)] == ["button-name"]
    context.close()
