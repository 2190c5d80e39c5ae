"""The edges of windows in full: a hundred and twenty of them while the jobs process is killed."""

import sys
from pathlib import Path

import pytest

from core.db import Database
from tests.fixtures import SmallSite
from tests.stories.edges import GUARD, SUPERVISOR, Campaign, run_campaign

# What is promised of a guard in contact, from the edge of the window on.
GUARD_WITHIN_S, SUPERVISOR_WITHIN_S = 60.0, 180.0


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", [1, 2])
def test_edges_are_told_of_in_time_across_kills(
    postgres_database: Database, postgres_site: SmallSite, tmp_path: Path, seed: int
) -> None:
    campaign = Campaign(edges=60, seconds=600.0, kills=12, seed=seed)
    found = run_campaign(campaign, postgres_database, postgres_site, tmp_path)
    sys.stdout.write("\n" + "\n".join(found.lines()) + "\n")
    assert len(found.after[GUARD]) == len(found.after[SUPERVISOR]) == 2 * campaign.edges
    assert max(found.after[GUARD]) <= GUARD_WITHIN_S
    assert max(found.after[SUPERVISOR]) <= SUPERVISOR_WITHIN_S
