"""Edges of windows that pass while the jobs process is killed; proof/test_edges.py in full."""

from pathlib import Path

from core.db import Database
from tests.fixtures import SmallSite
from tests.stories.edges import GUARD, SUPERVISOR, Campaign, run_campaign


def test_what_is_missed_is_told_though_the_jobs_process_is_killed(
    postgres_database: Database, postgres_site: SmallSite, tmp_path: Path
) -> None:
    campaign = Campaign(edges=4, seconds=2.0, kills=1, interval=1.0, told=2, at_once=True, look=0.5)
    found = run_campaign(campaign, postgres_database, postgres_site, tmp_path)
    assert (len(found.after[GUARD]), len(found.after[SUPERVISOR])) == (8, 4)
    # Never twice, but for what was under way when it was killed.
    assert found.notices == 12
