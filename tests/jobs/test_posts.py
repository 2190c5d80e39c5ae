"""The sweep over posts: too few are told, the forgetful let go; one that fails holds no other."""

from typing import Any

import pytest

from core.clock import SimulatedClock
from core.db import Database
from jobs.posts import look_at_posts
from tests.fixtures import SmallSite
from tests.jobs.conftest import make_work
from tests.workflows.conftest import facts_of
from tests.workflows.manned import make_guarded
from tests.workflows.walked import MINUTE, TEN
from workflows.patrol import posts


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_posts_are_looked_at_each_by_itself(
    database: Database, site: SmallSite, clock: SimulatedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = make_guarded(database, site)
    gate.post("south")
    gate.walk.on_duty(gate.walk.guard, TEN, 8)
    gate.walk.scan("gate", TEN)
    work = make_work(database, clock)
    assert look_at_posts(work, TEN) == 0
    assert look_at_posts(work, TEN + 5 * MINUTE) == 1
    assert len(facts_of(database, "post.short")) == 1
    over = TEN + 9 * 60 * MINUTE
    tries: list[Any] = []

    def stumble_once(session: Any, one: Any, **more: Any) -> int:
        tries.append(one)
        made = posts.end_forgotten(session, one, **more)
        if len(tries) == 1:
            raise ValueError("cut off before its commit")
        return made

    monkeypatch.setattr("jobs.posts.end_forgotten", stumble_once)
    with pytest.raises(ValueError, match="cut off"):
        look_at_posts(work, over)
    assert gate.duties()[0].state == "present"
    assert look_at_posts(work, over) == 1
    assert gate.duties()[0].state == "forgotten"
    # The post is empty now, which is told a little later.
    assert look_at_posts(work, over + 5 * MINUTE) == 1
    assert len(facts_of(database, "post.short")) == 2
