"""Lighthouse gives the main pages at least 95 of 100 for accessibility and best practices."""

import pytest

from tests.web.quality.furnished import MAIN, Furnished
from tests.web.quality.lighthouse import judge

LEAST = 95
CATEGORIES = ("accessibility", "best-practices")


@pytest.mark.timeout(1200)  # Each page in a browser of its own.
def test_every_main_page_is_accessible_and_built_by_the_book(furnished: Furnished) -> None:
    judgements = judge(furnished, MAIN, CATEGORIES)
    assert [judgement.name for judgement in judgements] == list(MAIN)
    for judgement in judgements:
        assert set(judgement.scores) == set(CATEGORIES)
        assert not judgement.trouble, judgement
        assert min(judgement.scores.values()) >= LEAST, judgement
