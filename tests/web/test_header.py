"""The header of every page: it keeps what the page was asked for, and stays in its lines."""

import re
from html import unescape

import pytest
from fastapi.testclient import TestClient
from playwright.sync_api import Page

from tests.web.looking import fits
from tests.web.stage import Stage


def other_language(page: str, language: str) -> str:
    """Where the switch to a language leads."""
    found = re.search(rf'<a href="([^"]*)" lang="[^"]*" hreflang="{language}', page)
    assert found, "the switch is there"
    return unescape(found[1])


def test_the_language_switch_keeps_what_the_page_was_asked_for(client: TestClient) -> None:
    asked = "view=late&kind=repair&q=%E6%B3%B5+%26+1"
    assert other_language(client.get(f"/tickets?{asked}").text, "zh") == f"?{asked}&lang=zh"


def test_a_second_switch_does_not_pile_up_languages(client: TestClient) -> None:
    page = client.get("/tickets?lang=zh&view=all").text
    assert other_language(page, "en") == "?view=all&lang=en"


def test_a_query_can_not_break_out_of_the_switch(client: TestClient) -> None:
    page = client.get("/tickets?q=%22%3E%3Cscript%3Ehere").text
    assert "<script>here" not in page


def test_the_site_chooser_keeps_what_does_not_belong_to_a_site(client: TestClient) -> None:
    page = client.get("/?site=demo&space=b1&lang=zh&show=all").text
    chooser = page[page.index('class="site-choice"') :].partition("</form>")[0]
    assert re.findall(r'type="hidden" name="(\w+)" value="(\w+)"', chooser) == [("show", "all")]


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize(("width", "lines"), [(1280, 1), (1024, 2), (640, 3)])
def test_the_header_with_a_site_chooser_stays_in_its_lines(
    stage: Stage, signed_in_page: Page, language: str, width: int, lines: int
) -> None:
    signed_in_page.set_viewport_size({"width": width, "height": 800})
    for address in ("/", "/control-room", "/tickets"):
        signed_in_page.goto(f"{stage.url}{address}?lang={language}")
        box = signed_in_page.locator(".bar").bounding_box()
        assert box
        assert box["height"] <= lines * 54, (address, box)
        fits(signed_in_page)
