"""A guard's whole shift with the server cut off, then over a network that drops half of it."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.web.conftest import stage_on
from tests.web.guard.walking import Plan, assert_whole, walk
from tests.web.guarding import lay_shift
from tests.web.stage import Stage

ROUNDS, POINTS = 4, 15
REPORTS, PHOTOS = 3, 20
MEDIAN_MS = 300.0


@pytest.fixture
def stage(foundation: Path, tmp_path: Path) -> Iterator[Stage]:
    """The demo compound."""
    yield from stage_on(foundation, tmp_path / "stage")


@pytest.mark.timeout(1800)
@pytest.mark.parametrize(("seed", "camera"), [(1, False), (2, False), (3, True)])
def test_a_whole_shift_arrives_once_and_in_order(
    stage: Stage, tmp_path: Path, seed: int, camera: bool
) -> None:
    shift = lay_shift(stage, rounds=ROUNDS, points=POINTS)
    plan = Plan(reports=REPORTS, photos=PHOTOS, seed=seed, camera=camera)
    walked = walk(shift, tmp_path / "phone", plan)
    sys.stdout.write(f"\n{walked.told()}; {dict(walked.network.met)}\n")
    assert_whole(shift, walked, plan)
    assert sorted(walked.took_ms)[len(walked.took_ms) // 2] <= MEDIAN_MS
