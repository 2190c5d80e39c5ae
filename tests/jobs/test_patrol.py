"""The sweeps over rounds: made ahead, and looked at; one that fails holds no other back."""

from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

import jobs.patrol
from core.clock import SimulatedClock
from core.db import Database
from jobs.patrol import (
    CHECK_LATER,
    LOOK_LATER,
    check_rounds,
    learn_ways,
    look_at_rounds,
    make_rounds_ahead,
    note_statutes,
)
from tests.fixtures import NOON, SmallSite
from tests.jobs.conftest import make_work
from tests.workflows.conftest import facts_of
from tests.workflows.walked import CODES, MINUTE, TEN, make_walk
from workflows.patrol import Checkpoint, honesty, rounds
from workflows.patrol.statutes import STATUTES


def test_a_plan_whose_rounds_cannot_be_made_holds_no_other_back(
    database: Database, site: SmallSite, clock: SimulatedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    walk = make_walk(database, site)
    walk.route()
    for _ in range(3):
        walk.plan()
    later = NOON + timedelta(days=1)
    with database.read() as session:
        broken = rounds.plans_to_make(session, now=later)[0]

    def stumble(session: Any, plan: rounds.RoundPlan, **more: Any) -> int:
        if plan.id == broken:
            raise ValueError("a rule of days that nobody can read")
        return make_rounds(session, plan, **more)

    make_rounds = rounds.make_rounds
    monkeypatch.setattr(rounds, "make_rounds", stumble)
    with pytest.raises(ValueError, match="nobody can read"):
        make_rounds_ahead(make_work(database, clock), later)
    with database.read() as session:
        assert rounds.plans_to_make(session, now=later) == [broken]


def test_rounds_are_made_ahead_each_day_and_told_when_they_do_not_begin(
    database: Database, site: SmallSite, clock: SimulatedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    walk = make_walk(database, site)
    walk.on_duty(walk.guard)
    walk.route()
    for _ in range(3):
        walk.plan()
    work = make_work(database, clock)
    assert make_rounds_ahead(work, NOON) == 0
    assert make_rounds_ahead(work, NOON + timedelta(days=1)) == 3
    assert make_rounds_ahead(work, NOON + timedelta(days=1)) == 0
    due = TEN + 10 * MINUTE
    assert look_at_rounds(work, due - MINUTE) == 0
    tries: list[Any] = []

    def stumble_once(session: Any, one: Any, **more: Any) -> int:
        tries.append(one)
        made = rounds.look_at(session, one, **more)
        if len(tries) == 1:
            raise ValueError("cut off before its commit")
        return made

    monkeypatch.setattr(jobs.patrol, "look_at", stumble_once)
    with pytest.raises(ValueError, match="cut off"):
        look_at_rounds(work, due)
    assert len(facts_of(database, "round.late")) == 2
    # The one that failed holds no other up meanwhile.
    assert look_at_rounds(work, due) == 0
    assert look_at_rounds(work, due + LOOK_LATER) == 1
    assert look_at_rounds(work, due + LOOK_LATER) == 0
    assert len(facts_of(database, "round.late")) == 3


def test_ways_are_learned_and_statutes_looked_at_again_on_every_site(
    database: Database, site: SmallSite, clock: SimulatedClock
) -> None:
    work = make_work(database, clock)
    assert (learn_ways(work, NOON), note_statutes(work, NOON)) == (0, 0)
    walk = make_walk(database, site)
    walk.route()
    everything = [item.code for item in STATUTES["key-unit"].items]
    under = rounds.UnderStatute("key-unit", "", dict.fromkeys(everything, (rounds.EVERYWHERE,)))
    walk.plan(*(f"{hour:02}:00" for hour in range(24)), duration_min=50, statute=under)
    for row in walk.rounds()[:10]:
        walk.scan("gate", row.planned_at)
        walk.scan("garage", row.planned_at + 3 * MINUTE)
    later = NOON + timedelta(days=2)
    assert (learn_ways(work, later), note_statutes(work, later)) == (1, 0)
    # What no edit has changed is seen here.
    with database.write() as session:
        session.get_one(rounds.RoundPlan, walk.plan_id).weekdays = [1]
    assert (note_statutes(work, later), note_statutes(work, later)) == (1, 0)
    assert len(facts_of(database, "statute.break")) == 1


def test_nobody_waits_to_write_while_a_round_is_looked_into(
    database: Database, site: SmallSite, clock: SimulatedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    walk = make_walk(database, site)
    walk.route()
    walk.plan("22:00")
    for number, code in enumerate(CODES):
        walk.scan(code, TEN + number * MINUTE)
    wrote = []

    def meanwhile(session: Any, one: Any) -> Any:
        wrote.append(walk.scan("gate", TEN + 30 * MINUTE))
        return honesty.look_into(session, one)

    monkeypatch.setattr(jobs.patrol, "look_into", meanwhile)
    check_rounds(make_work(database, clock), TEN + 3 * MINUTE)
    assert len(wrote) == 1


def test_a_round_is_marked_once_though_the_first_look_is_cut_off(
    database: Database, site: SmallSite, clock: SimulatedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    walk = make_walk(database, site)
    with database.write() as session:
        for number, code in enumerate(CODES):
            row = session.get_one(Checkpoint, walk.points[code])
            row.latitude, row.longitude, row.radius_m = 31.2 + number * 0.0045, 121.5, 30.0
    walk.route()
    walk.plan("22:00")
    for number, code in enumerate(CODES):
        walk.scan(code, TEN + timedelta(seconds=10 * number))
    work = make_work(database, clock)

    def stumble(session: Any, one: Any, **more: Any) -> int:
        assert honesty.check_round(session, one, **more) == 1
        raise ValueError("cut off before its commit")

    with monkeypatch.context() as cut:
        cut.setattr(jobs.patrol, "check_round", stumble)
        with pytest.raises(ValueError, match="cut off"):
            check_rounds(work, TEN + MINUTE)
    assert facts_of(database, "patrol_mark.make") == []
    again = TEN + MINUTE + CHECK_LATER
    assert check_rounds(work, again) == 1
    assert check_rounds(work, again) == 0
    assert len(facts_of(database, "patrol_mark.make")) == 1


def test_rounds_that_always_fail_to_be_checked_starve_no_other(
    database: Database, site: SmallSite, clock: SimulatedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    walk = make_walk(database, site)
    walk.route()
    walk.plan(*(f"{hour:02}:{minute:02}" for hour in range(24) for minute in (0, 20, 40)))
    healthy = walk.rounds()[-1].id
    later = NOON + timedelta(days=3)
    with database.write() as session:
        for row in session.scalars(select(rounds.Round)):
            row.state, row.next_look, row.next_check = "missed", None, later - MINUTE
        session.get_one(rounds.Round, healthy).next_check = later
    assert len(walk.rounds()) > 100
    looked: list[Any] = []

    def look(session: Any, one: Any) -> Any:
        if one != healthy:
            raise ValueError("cannot be read")
        looked.append(one)
        return honesty.look_into(session, one)

    monkeypatch.setattr(jobs.patrol, "look_into", look)
    work = make_work(database, clock)
    for seconds in (0, 2):
        with suppress(ValueError):
            check_rounds(work, later + timedelta(seconds=seconds))
    assert looked == [healthy]
