"""Days that close by themselves, and annexes of what came later, as time has it."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from core.clock import SimulatedClock
from core.db import Database
from core.files import FileStore, files_url
from core.places import Node
from jobs.reports import annex_days, close_days
from tests.fixtures import SmallSite
from tests.jobs.conftest import make_work
from tests.workflows.conftest import facts_of
from tests.workflows.reporting import NIGHT, TODAY, go, make_reported
from tests.workflows.walked import MINUTE, TEN
from workflows.notifications import Notice
from workflows.notifications.taking_up import take_up
from workflows.patrol.frozen import audience, closing
from workflows.patrol.frozen.reading import note_read


def test_a_day_closes_once_and_what_comes_later_is_told_to_its_readers(
    database: Database,
    site: SmallSite,
    clock: SimulatedClock,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    work = make_work(database, clock, data_dir=tmp_path)
    reported = make_reported(database, site, FileStore(files_url(work.settings)))
    walk = reported.walk
    supervisor = walk.caller(walk.supervisor)
    go(walk, "gate")
    walk.look(TEN + 200 * MINUTE)
    assert close_days(work, NIGHT) == 0
    with database.write() as session:
        node = session.get_one(Node, site.id)
        wanted = audience.Reporting(closes_after_min=60)
        audience.set_reporting(session, supervisor, node, wanted, now=TEN)
    tries: list[Any] = []
    close = closing.close_day

    def stumble_once(*given: Any, **more: Any) -> Any:
        tries.append(given)
        if len(tries) == 1:
            raise ValueError("the font was just being replaced")
        return close(*given, **more)

    monkeypatch.setattr(closing, "close_day", stumble_once)
    with pytest.raises(ValueError, match="the font"):
        close_days(work, NIGHT)
    # The one that failed held the other back no more than itself.
    assert len(facts_of(database, "patrol_report.close")) == 1
    assert (close_days(work, NIGHT), close_days(work, NIGHT)) == (1, 0)
    assert annex_days(work, NIGHT) == 0
    report = next(one for one in reported.rows() if one.day == TODAY)
    with database.write() as session:
        note_read(session, supervisor, report.id, now=NIGHT)
    later = NIGHT + timedelta(hours=1)
    walk.scan("garage", TEN + 5 * MINUTE, told=later, channel="sync")
    made = annex_days(work, later)
    assert (made, annex_days(work, later + MINUTE)) == (1, 0)
    facts = facts_of(database, "patrol_report.annex")
    with database.write() as session:
        take_up(session, facts, now=later)
        [notice] = session.scalars(select(Notice).where(Notice.kind == "patrol_report.annex"))
        assert (notice.person_id, notice.urgency) == (walk.supervisor, "normal")
        assert notice.facts["frozen"] == facts[0].subject_id
