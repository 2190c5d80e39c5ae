"""Lighthouse's phone on slow 4G gives the main pages at least 95 of 100 for performance."""

import statistics

import pytest

from tests.web.quality.furnished import MAIN, Furnished
from tests.web.quality.lighthouse import judge

LEAST = 95
# A machine that has something else to do now and then spoils a run, not three of five.
RUNS = 5


@pytest.mark.parametrize("name", MAIN)
def test_a_main_page_is_quick_on_a_phone(furnished: Furnished, name: str) -> None:
    judgements = judge(furnished, [name], ["performance"], phone=True, runs=RUNS)
    scores = [judgement.scores["performance"] for judgement in judgements]
    assert len(scores) == RUNS
    assert statistics.median(scores) >= LEAST, (scores, judgements[0].lost)
