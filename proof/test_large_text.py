"""Letters of twice the size in the pairs of width and language that `make test` leaves out."""

import json

import pytest
from playwright.sync_api import Browser, ViewportSize

from tests.web.quality.furnished import DESKTOP, PHONE, Furnished
from tests.web.quality.test_large_text import broken_pages


@pytest.mark.parametrize(
    ("size", "language"), [(PHONE, "zh"), (DESKTOP, "en")], ids=["phone", "desktop"]
)
def test_letters_of_twice_the_size_break_no_page(
    furnished: Furnished, browser: Browser, size: ViewportSize, language: str
) -> None:
    broken = broken_pages(furnished, browser, size, language)
    assert broken == {}, json.dumps(broken, indent=1, ensure_ascii=False)
