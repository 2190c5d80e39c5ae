"""Figures of rounds: what counts, for which day, and where nobody was when."""

from datetime import date, datetime, timedelta

import pytest

from core import events
from core.days import Days
from core.db import Database
from core.errors import NotFound
from core.ids import new_id
from tests.fixtures import NOON, SmallSite
from tests.workflows.conftest import employ
from tests.workflows.walked import MINUTE, TEN, Walk, make_walk
from workflows.patrol import Checkpoint, retire_checkpoint
from workflows.patrol.rounds import (
    PatrolFigures,
    RoundSums,
    cancel_round,
    excuse_point,
    patrol_figures,
)

DAY = timedelta(days=1)
TODAY = date(2026, 11, 24)
THAT_DAY = Days(TODAY, TODAY)
# 23:10 in Shanghai: the end of the round of TEN, with its tolerance.
END = TEN + 70 * MINUTE
LATER = TEN + 6 * DAY


@pytest.fixture
def walk(database: Database, site: SmallSite) -> Walk:
    made = make_walk(database, site)
    made.on_duty(made.guard)
    made.route(roof=(None, 20))
    made.plan(settle_min=60)
    return made


def figures(walk: Walk, now: datetime, days: Days = THAT_DAY) -> PatrolFigures:
    with walk.database.read() as session:
        caller = walk.caller(walk.supervisor)
        return patrol_figures(session, caller, site_id=walk.site.id, days=days, now=now)


def go(walk: Walk, start: datetime, *codes: str, late: int = 0) -> None:
    """Somebody scans points five minutes apart; late: minutes after the planned start."""
    for number, code in enumerate(codes):
        walk.scan(code, start + (late + 5 * number) * MINUTE)


def test_a_round_counts_once_it_is_over_for_the_day_for_which_it_was_planned(walk: Walk) -> None:
    assert figures(walk, END - MINUTE).sums == RoundSums()
    waiting = figures(walk, END).sums
    assert waiting == RoundSums(unsettled=1, unknown=3)
    assert (waiting.completion, waiting.coverage, waiting.begun_in_time) == (None, None, 0.0)
    go(walk, TEN, "gate", "garage", "roof")
    found = figures(walk, END, Days(TODAY - DAY, TODAY))
    assert found.sums == RoundSums(complete=1, begun=1, in_time=1, scanned=3, inside=3)
    assert [one.complete for one in found.by_day] == [0, 1]
    shares = found.sums
    assert (shares.completion, shares.coverage) == (1.0, 1.0)
    assert (shares.punctuality, shares.begun_in_time) == (1.0, 1.0)


def test_each_kind_of_end_counts_as_what_it_is(walk: Walk) -> None:
    first = walk.first
    go(walk, TEN, "gate", "roof", late=16)
    with walk.database.write() as session:
        boss = walk.caller(walk.supervisor)
        excuse_point(session, boss, first, 1, "Locked", now=TEN + 30 * MINUTE)
    found = figures(walk, LATER).sums
    # Begun after its tolerance; the roof's window of 20 minutes and 10 more held its scan still.
    assert found == RoundSums(complete=1, begun=1, in_time=0, scanned=2, inside=2, excused=1)
    assert (found.begun_in_time, found.coverage) == (0.0, 1.0)


def test_a_scan_beside_its_window_is_no_punctual_one(walk: Walk) -> None:
    go(walk, TEN, "gate", "garage", "roof", late=25)
    found = figures(walk, LATER).sums
    assert (found.scanned, found.inside) == (3, 2)
    assert found.punctuality == pytest.approx(2 / 3)


def test_what_is_told_after_the_closing_stands_beside_and_changes_nothing(walk: Walk) -> None:
    go(walk, TEN, "gate")
    settled = END + 61 * MINUTE
    walk.look(settled)
    before = figures(walk, LATER).sums
    assert before == RoundSums(incomplete=1, begun=1, in_time=1, scanned=1, inside=1, missed=2)
    walk.scan("garage", TEN + 10 * MINUTE, told=settled + MINUTE, channel="sync")
    after = figures(walk, LATER)
    assert after.sums == before + RoundSums(annexed=1)
    assert after.sums.coverage == before.coverage == pytest.approx(1 / 3)
    # That somebody was there is seen all the same.
    assert {one.code: one.count for one in after.sites[0].checkpoints}["garage"] == 1


def test_nobody_came_and_what_was_called_off(walk: Walk) -> None:
    walk.look(END + 61 * MINUTE)
    assert figures(walk, LATER).sums == RoundSums(missed_whole=1, missed=3)
    second = walk.rounds()[-1]
    assert second.state == "planned"
    with walk.database.write() as session:
        cancel_round(session, walk.caller(walk.supervisor), second.id, "Fair", now=TEN + DAY)
    found = figures(walk, LATER, Days(TODAY, TODAY + DAY)).sums
    assert found == RoundSums(missed_whole=1, cancelled=1, missed=3)
    assert (found.completion, found.closed) == (0.0, 1)


def test_as_many_days_before_are_told_beside(walk: Walk) -> None:
    go(walk, TEN, "gate", "garage", "roof")
    found = figures(walk, LATER, Days(TODAY + DAY, TODAY + DAY))
    assert (found.sums.complete, found.before.complete) == (0, 1)
    assert figures(walk, LATER, Days(TODAY, TODAY)).before == RoundSums()


def test_visits_are_counted_by_the_hour_of_the_sites_clock_on_how_many_days(walk: Walk) -> None:
    for day in range(3):
        walk.scan("gate", TEN + day * DAY)
        walk.scan("gate", TEN + day * DAY + 20 * MINUTE)
    walk.scan("garage", TEN + 3 * DAY)
    found = figures(walk, LATER, Days(TODAY, TODAY + 9 * DAY)).sites[0]
    gate, garage, roof = sorted(
        found.checkpoints, key=lambda one: ("gate", "garage", "roof").index(one.code)
    )
    assert (gate.count, gate.by_hour[22], sum(gate.by_hour)) == (6, 3, 3)
    assert gate.last_at == TEN + 2 * DAY + 20 * MINUTE
    # Left alone since the last visit, up to now; not from before the first that is known.
    assert gate.longest_gap_s == (4 * DAY - 20 * MINUTE).total_seconds()
    assert garage.longest_gap_s == (3 * DAY).total_seconds()
    # A route goes there, and nobody ever did.
    assert (roof.count, roof.last_at, roof.longest_gap_s) == (0, None, None)
    # In later days the same gap is cut off where they begin.
    later = figures(walk, LATER, Days(TODAY + 4 * DAY, TODAY + 5 * DAY)).sites[0]
    left = {one.code: one.longest_gap_s for one in later.checkpoints}
    assert left["gate"] == left["garage"] == (2 * DAY).total_seconds()


def test_refused_scans_are_no_visits(walk: Walk) -> None:
    with walk.database.write() as session:
        gate = session.get_one(Checkpoint, walk.points["gate"])
        retire_checkpoint(session, gate, actor=events.SYSTEM, now=NOON)
    assert walk.scan("gate", TEN).verdict == "retired"
    found = figures(walk, LATER).sites[0]
    assert {one.code: one.count for one in found.checkpoints}["gate"] == 0


def test_only_what_may_be_read_is_counted(walk: Walk) -> None:
    go(walk, TEN, "gate")
    resident = walk.caller(employ(walk.database, walk.site.id, "resident"))
    with walk.database.read() as session:
        assert patrol_figures(session, resident, site_id=None, now=LATER).sites == []
        with pytest.raises(NotFound):
            patrol_figures(session, resident, site_id=walk.site.id, now=LATER)
        boss = walk.caller(walk.supervisor)
        with pytest.raises(NotFound):
            patrol_figures(session, boss, site_id=new_id(), now=LATER)
        whole = patrol_figures(session, boss, site_id=None, now=LATER)
    assert [line.site.id for line in whole.sites] == [walk.site.id]
    assert [line.code for line in whole.sites[0].routes] == ["night"]
