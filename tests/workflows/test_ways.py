"""Ways between checkpoints, as past rounds teach them: nothing too early, and no cheat teaches."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event, select

from core.db import Database
from tests.fixtures import NOON, SmallSite
from tests.workflows.conftest import employ
from tests.workflows.walked import MINUTE, Walk, make_walk
from workflows.patrol.rounds import keep_ways, learn_ways, rounds_now, times_of_route
from workflows.patrol.rounds.learning import ENOUGH, SPAN
from workflows.patrol.ways import PatrolWay, quickest, usual, ways_between

# What the engines are asked is shown by the first test on both.
on_one_engine = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)
HOURS = tuple(f"{hour:02}:00" for hour in range(24))
# When all rounds of a test are over.
LATER = NOON + timedelta(hours=40)


@pytest.fixture
def walk(database: Database, site: SmallSite) -> Walk:
    """A route with a round each hour, of 50 minutes."""
    made = make_walk(database, site)
    made.route()
    made.plan(*HOURS, duration_min=50, tolerance_min=0)
    return made


def go(walk: Walk, number: int, garage: int, roof: int | None, **more: object) -> None:
    """Somebody goes the n-th round. garage, roof: seconds from the point before."""
    at = walk.rounds()[number].planned_at + MINUTE
    walk.scan("gate", at, **more)  # type: ignore[arg-type]
    at += garage * SECOND
    walk.scan("garage", at, **more)  # type: ignore[arg-type]
    if roof is not None:
        walk.scan("roof", at + roof * SECOND, **more)  # type: ignore[arg-type]


def learn(walk: Walk, now: datetime = LATER) -> int:
    with walk.database.write() as session:
        ways = learn_ways(session, walk.site.id, now=now)
        return keep_ways(session, walk.site.id, ways)


def known(walk: Walk, one: str, other: str) -> tuple[int | None, int | None]:
    """What is usual and what is quickest between two points."""
    pair = walk.points[one], walk.points[other]
    with walk.database.read() as session:
        return usual(session, *pair), quickest(session, *pair)


def row(walk: Walk, one: str, other: str) -> PatrolWay:
    pair = walk.points[one], walk.points[other]
    with walk.database.read() as session:
        way = ways_between(session, [pair])[pair]
        session.expunge(way)
        return way


def test_nothing_is_said_of_a_way_until_it_was_gone_often_enough(walk: Walk) -> None:
    other = employ(walk.database, walk.site.id, "guard")
    for number in range(ENOUGH - 1):
        go(walk, number, 100 + number, None, person=(walk.guard, other)[number % 2])
    assert learn(walk) == 0
    assert known(walk, "gate", "garage") == (None, None)
    assert row(walk, "gate", "garage").n == ENOUGH - 1
    go(walk, ENOUGH - 1, 200, 300, person=other)
    assert learn(walk) == 1
    # 100, 102, …, 108 of one, and 101, 103, …, 107, 200 of the other.
    assert known(walk, "gate", "garage") == (104, 101)
    way = row(walk, "gate", "garage")
    first = walk.rounds()[0].planned_at
    assert (way.n, way.people, way.learned_at) == (ENOUGH, 2, LATER)
    assert way.first_at == first + MINUTE + 100 * SECOND
    assert way.last_at == first + (ENOUGH - 1) * 60 * MINUTE + MINUTE + 200 * SECOND
    # Neither the way back nor one that was gone once.
    assert known(walk, "garage", "gate") == known(walk, "garage", "roof") == (None, None)


@on_one_engine
def test_of_one_person_the_quickest_is_not_said(walk: Walk) -> None:
    for number in range(ENOUGH):
        go(walk, number, 120, None)
    learn(walk)
    assert known(walk, "gate", "garage") == (120, None)


@on_one_engine
def test_who_cheats_every_night_does_not_teach_that_the_way_is_short(walk: Walk) -> None:
    second, cheat = (employ(walk.database, walk.site.id, "guard") for _ in range(2))
    for number in range(18):
        person = (walk.guard, second, cheat)[number % 3]
        if number % 3 < 2 and number > 12:
            # The honest ones come to fewer rounds.
            continue
        go(walk, number, 5 if person == cheat else 240 + number, None, person=person)
    learn(walk)
    usually, quick = known(walk, "gate", "garage")
    assert (usually or 0) >= 240
    assert (quick or 0) >= 240


@on_one_engine
def test_times_by_different_clocks_or_of_different_people_are_no_way(walk: Walk) -> None:
    other = employ(walk.database, walk.site.id, "guard")
    for number in range(ENOUGH + 2):
        start = walk.rounds()[number].planned_at + MINUTE
        walk.scan("gate", start)
        walk.scan("garage", start + 90 * SECOND, person=other)
        walk.scan("roof", start + 180 * SECOND, person=other, channel="import")
    learn(walk)
    with walk.database.read() as session:
        assert session.scalars(select(PatrolWay)).all() == []


@on_one_engine
def test_what_is_long_past_is_forgotten(walk: Walk) -> None:
    for number in range(ENOUGH):
        go(walk, number, 120, None)
    assert learn(walk) == 1
    assert learn(walk, LATER + SPAN) == 0
    assert known(walk, "gate", "garage") == (None, None)


@on_one_engine
def test_a_plan_that_gives_too_little_time_is_told_as_soon_as_it_is_certain(walk: Walk) -> None:
    caller = walk.caller(walk.supervisor)
    with walk.database.read() as session:
        fresh = times_of_route(session, caller, walk.route_id)
    assert [leg["n"] for leg in fresh["legs"]] == [0, 0]
    assert (fresh["usual_s"], fresh["plans"][0]["short_min"]) == (None, 0)
    for number in range(ENOUGH):
        go(walk, number, 1700, None)
    learn(walk)
    with walk.database.read() as session:
        part = times_of_route(session, caller, walk.route_id)
    # One leg alone still fits into the plan.
    assert (part["known"], part["known_s"], part["usual_s"]) == (1, 1700, None)
    assert part["plans"][0]["short_min"] == 0
    for number in range(ENOUGH, 2 * ENOUGH):
        # Scans behind the end of a round count for none, so the second leg shows in other rounds.
        start = walk.rounds()[number].planned_at
        walk.scan("garage", start)
        walk.scan("roof", start + 1301 * SECOND)
    learn(walk)
    with walk.database.read() as session:
        whole = times_of_route(session, caller, walk.route_id)
    # 3,001 seconds do not fit into 50 minutes.
    assert (whole["usual_s"], whole["plans"][0]["short_min"]) == (3001, 1)


@on_one_engine
def test_of_a_round_under_way_it_is_said_when_the_next_point_is_reached(walk: Walk) -> None:
    for number in range(ENOUGH):
        go(walk, number, 120, 240)
    learn(walk)
    now = walk.rounds()[20]
    start = now.planned_at + MINUTE
    walk.scan("gate", start)
    shown = walk.shown(now.id)["next"]
    assert (shown["checkpoint_id"], shown["at"]) == (walk.points["garage"], start + 120 * SECOND)
    caller = walk.caller(walk.supervisor)
    with walk.database.read() as session:
        rows = rounds_now(session, caller, {walk.site.id}, now=start + MINUTE)
        assert rounds_now(session, caller, set(), now=start + MINUTE) == []
    mine = next(one for one in rows if one["id"] == now.id)
    assert (mine["next"]["at"], mine["heard_at"]) == (start + 120 * SECOND, start)
    # Rounds that nobody began in time are among them, those that still may begin are not.
    assert {one["state"] for one in rows} == {"running", "planned"}
    assert all(one["begin_by"] <= start + MINUTE for one in rows)
    # A point that was passed over is not expected any more, and behind the last is nothing.
    walk.scan("roof", start + 5 * MINUTE)
    assert walk.shown(now.id)["next"] is None


@on_one_engine
def test_however_many_rounds_there_are_all_are_told_in_as_many_queries(walk: Walk) -> None:
    walk.on_duty(walk.guard, NOON, 48)
    for minutes in (20, 40):
        walk.plan(*(f"{hour:02}:{minutes}" for hour in range(24)), tolerance_min=0)
        walk.plan(*(f"{hour:02}:{minutes + 5}" for hour in range(24)), tolerance_min=0)
        walk.plan(*(f"{hour:02}:{minutes + 10}" for hour in range(24)), tolerance_min=0)
    caller = walk.caller(walk.supervisor)

    def asked(hours: int) -> tuple[int, int]:
        statements: list[str] = []

        def see(*given: Any) -> None:
            statements.append(given[2])

        event.listen(walk.database.engine, "before_cursor_execute", see)
        with walk.database.read() as session:
            rows = rounds_now(session, caller, {walk.site.id}, now=NOON + hours * HOUR)
        event.remove(walk.database.engine, "before_cursor_execute", see)
        return len(rows), len(statements)

    few, once = asked(2)
    many, again = asked(36)
    assert (few < 20, many > 200) == (True, True)
    assert again == once


@on_one_engine
def test_of_a_round_in_any_order_nothing_is_expected(database: Database, site: SmallSite) -> None:
    walk = make_walk(database, site)
    walk.route(order="unordered")
    walk.plan(*HOURS, duration_min=50, tolerance_min=0)
    for number in range(ENOUGH):
        go(walk, number, 120, 240)
    learn(walk)
    assert known(walk, "gate", "garage") == (120, None)
    now = walk.rounds()[20]
    walk.scan("gate", now.planned_at + MINUTE)
    assert walk.shown(now.id)["next"] is None
