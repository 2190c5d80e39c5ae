"""Letters of twice the size break no page: nothing runs out of it, no control is cut."""

import json

import pytest
from playwright.sync_api import Browser, ViewportSize

from tests.web.quality.furnished import DESKTOP, PHONE, STRANGERS, Furnished

# Whoever sets larger letters in the browser changes the size of the root.
ENLARGE = "document.documentElement.style.fontSize = '200%'"
BROKEN = """() => {
  const root = document.documentElement;
  const broken = [];
  const width = root.clientWidth;
  const name = (one) => `${one.tagName.toLowerCase()}.${one.className?.baseVal ?? one.className} ` +
    `"${(one.innerText ?? one.value ?? "").trim().slice(0, 30)}"`;
  const scrolls = (one) => {
    for (let at = one.parentElement; at && at !== document.body; at = at.parentElement)
      if (/auto|scroll/.test(getComputedStyle(at).overflowX)) return true;
    return false;
  };
  if (root.scrollWidth > width)
    broken.push(`the page is ${root.scrollWidth} wide instead of ${width}`);
  for (const one of document.querySelectorAll("body *")) {
    const box = one.getBoundingClientRect();
    const style = getComputedStyle(one);
    if (!box.width || style.visibility === "hidden" || style.clip !== "auto") continue;
    if (one.closest(".visually-hidden, .skip, .not-for-you, svg") || scrolls(one)) continue;
    if (!one.checkVisibility()) continue;
    if (box.right > width + 1 || box.left < -1) broken.push(`${name(one)} leaves the page`);
  }
  const controls = "button, a, summary, label, legend, th, .chip, .count, h1, h2, h3";
  for (const one of document.querySelectorAll(controls)) {
    const style = getComputedStyle(one);
    if (!one.getClientRects().length || style.display === "inline") continue;
    if (one.closest(".visually-hidden, .skip")) continue;
    // More text than room, be it cut or painted over what stands beside it.
    if (one.scrollWidth > one.clientWidth + 5 || one.scrollHeight > one.clientHeight + 6)
      broken.push(`${name(one)} has more text than room: ` +
        `${one.scrollWidth}x${one.scrollHeight} in ${one.clientWidth}x${one.clientHeight}`);
  }
  const pen = document.createElement("canvas").getContext("2d");
  for (const one of document.querySelectorAll("select, input[type=submit], input[type=date]")) {
    const style = getComputedStyle(one);
    if (!one.getClientRects().length) continue;
    const line = parseFloat(style.fontSize);
    if (one.clientHeight < line) broken.push(`${name(one)} is lower than its text`);
    if (one.tagName !== "SELECT") continue;
    pen.font = style.font;
    const text = pen.measureText(one.selectedOptions[0]?.text ?? "").width;
    const room = one.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
    // Where it has the whole width already there is no more to give.
    const whole = one.closest("li, td, form, .card-body, .card, main").clientWidth;
    if (text > room + 2 && one.offsetWidth < whole * 0.75)
      broken.push(`${name(one)} cuts "${one.selectedOptions[0].text}"`);
  }
  return broken;
}"""


def broken_pages(
    furnished: Furnished, browser: Browser, size: ViewportSize, language: str
) -> dict[str, list[str]]:
    """What breaks on each page, by its name, with letters of twice the size."""
    found = {}
    for signed_in in (True, False):
        context = furnished.context(browser, size, language=language, signed_in=signed_in)
        page = context.new_page()
        for name, address in furnished.pages.items():
            if (name not in STRANGERS) is signed_in:
                page.goto(furnished.stage.url + address)
                page.evaluate(ENLARGE)
                found[name] = page.evaluate(BROKEN)
        context.close()
    return {name: what for name, what in found.items() if what}


# English needs more room. The other two pairs are tried by `make proof`.
@pytest.mark.parametrize(
    ("size", "language"), [(PHONE, "en"), (DESKTOP, "zh")], ids=["phone", "desktop"]
)
def test_letters_of_twice_the_size_break_no_page(
    furnished: Furnished, browser: Browser, size: ViewportSize, language: str
) -> None:
    broken = broken_pages(furnished, browser, size, language)
    assert broken == {}, json.dumps(broken, indent=1, ensure_ascii=False)
