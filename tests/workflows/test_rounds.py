"""Rounds: made from plans once each, joined by scans however they come, acted on by people."""

import random
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from core import events
from core.db import Database
from core.errors import Conflict, Invalid, NotAllowed, NotFound
from core.ids import new_id
from core.paging import Wish
from core.places import Asset, Node, Space
from tests.fixtures import NOON, SmallSite
from tests.threads import in_threads
from tests.workflows.conftest import employ, facts_of
from tests.workflows.episodes import put_caller
from tests.workflows.walked import CODES, MINUTE, TEAM, TEN, Walk, make_walk
from workflows.patrol import Checkpoint, retire_checkpoint
from workflows.patrol.rounds import (
    PlanDraft,
    RoundFilter,
    RoundPlan,
    Route,
    RouteDraft,
    Stop,
    begin_round,
    cancel_round,
    change_plan,
    change_route,
    create_plan,
    create_route,
    describe_round,
    excuse_point,
    find_plan,
    find_route,
    list_rounds,
    make_rounds,
    move_plan,
    move_route,
    plans_to_make,
    starts_of,
)
from workflows.tickets import Draft, open_ticket

HOUR = timedelta(hours=1)


@pytest.fixture
def walk(database: Database, site: SmallSite) -> Walk:
    made = make_walk(database, site)
    made.route()
    return made


def planned(walk: Walk) -> list[datetime]:
    return [row.planned_at for row in walk.rounds()]


def visited(walk: Walk, round_id: UUID) -> list[str]:
    """The checkpoints that a round goes to, by code, in its order."""
    return [point["code"] for point in walk.shown(round_id)["points"]]


def test_a_plan_makes_its_rounds_a_day_and_a_half_ahead_and_each_once(walk: Walk) -> None:
    walk.plan("22:00", "02:00")
    # NOON is 12:00 in Shanghai: tonight at 22:00, then 02:00 and 22:00 of the next day.
    expected = [TEN, TEN + 4 * HOUR, TEN + 24 * HOUR]
    assert planned(walk) == expected
    with walk.database.write() as session:
        assert plans_to_make(session, now=NOON + 30 * MINUTE) == []
        assert plans_to_make(session, now=NOON + 2 * HOUR) == [walk.plan_id]
        plan = session.get_one(RoundPlan, walk.plan_id)
        assert make_rounds(session, plan, now=NOON + 4 * HOUR, actor=events.SYSTEM) == 1
        assert make_rounds(session, plan, now=NOON + 4 * HOUR, actor=events.SYSTEM) == 0
    assert planned(walk) == [*expected, TEN + 28 * HOUR]
    row = walk.rounds()[0]
    assert (row.opens_at, row.begin_by) == (TEN - 10 * MINUTE, TEN + 10 * MINUTE)
    assert (row.ends_at, row.settles_at) == (TEN + 70 * MINUTE, TEN + 70 * MINUTE + 12 * HOUR)


def test_rounds_that_nobody_made_in_time_are_made_late_rather_than_left_out(walk: Walk) -> None:
    walk.plan("22:00")
    late = NOON + timedelta(days=4)
    with walk.database.write() as session:
        plan = session.get_one(RoundPlan, walk.plan_id)
        make_rounds(session, plan, now=late, actor=events.SYSTEM)
    # Up to a day and a half after noon of the fifth day.
    assert planned(walk) == [TEN + timedelta(days=day) for day in range(6)]


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        # NOON is a Tuesday.
        ({"weekdays": [3]}, [TEN + 24 * HOUR]),
        ({"weekdays": [1]}, []),
        ({"hours": "office"}, []),
        ({"hours": "office", "outside": True}, [TEN, TEN + 24 * HOUR]),
        ({"hours": "always"}, [TEN, TEN + 24 * HOUR]),
    ],
)
def test_weekdays_and_hours_say_which_rounds_are_made(
    walk: Walk, settings: dict[str, Any], expected: list[datetime]
) -> None:
    walk.plan("22:00", **settings)
    assert planned(walk) == expected


def test_where_clocks_are_put_on_and_back_each_round_is_made_once(walk: Walk) -> None:
    with walk.database.write() as session:
        session.get_one(Node, walk.site.id).time_zone = "Europe/Berlin"
    walk.plan("02:30", "22:00")
    with walk.database.read() as session:
        plan = session.get_one(RoundPlan, walk.plan_id)
        spring = datetime.fromisoformat("2027-03-27T22:30:00+00:00")
        assert list(starts_of(session, plan, spring, spring + 12 * HOUR)) == [
            # 02:30 does not exist that night; the round is moved by the jump.
            datetime.fromisoformat("2027-03-28T01:30:00+00:00")
        ]
        autumn = datetime.fromisoformat("2027-10-30T21:30:00+00:00")
        # 02:30 exists twice; the round begins at the first.
        assert list(starts_of(session, plan, autumn, autumn + 12 * HOUR)) == [
            datetime.fromisoformat("2027-10-31T00:30:00+00:00")
        ]


def test_scans_of_all_points_complete_a_round_in_the_guard_s_time(walk: Walk) -> None:
    walk.plan()
    for minute, code in enumerate(CODES):
        # What was scanned without a signal is told an hour later.
        walk.scan(code, TEN + minute * MINUTE, told=TEN + HOUR, channel="sync")
    row = walk.rounds()[0]
    assert (row.state, row.person_id) == ("complete", walk.guard)
    assert (row.began_at, row.ended_at) == (TEN, TEN + 2 * MINUTE)
    assert walk.states() == ["scanned"] * 3
    assert [fact.kind for fact in facts_of(walk.database, "round.")] == [
        "round.plan",
        "round.start",
        *["round.visit"] * 3,
        "round.complete",
    ]


def test_a_scan_told_twice_counts_once(walk: Walk) -> None:
    walk.plan()
    scan_id = new_id()
    walk.scan("gate", TEN, scan_id=scan_id)
    walk.scan("gate", TEN, scan_id=scan_id, channel="sync")
    assert walk.shown()["counts"]["scanned"] == 1
    assert len(facts_of(walk.database, "round.visit")) == 1


def test_a_scan_before_the_round_opens_or_after_its_end_counts_for_no_round(walk: Walk) -> None:
    walk.plan()
    walk.scan("gate", TEN - 11 * MINUTE)
    walk.scan("gate", TEN + 71 * MINUTE)
    assert walk.states() == ["open"] * 3
    assert walk.rounds()[0].state == "planned"


def test_refused_scans_count_for_no_round(walk: Walk) -> None:
    walk.plan()
    with walk.database.write() as session:
        row = session.get_one(Checkpoint, walk.points["gate"])
        retire_checkpoint(session, row, actor=events.SYSTEM, now=TEN)
    assert walk.scan("gate", TEN).verdict == "retired"
    assert walk.states() == ["open"] * 3


def test_early_late_and_out_of_order_are_shown(walk: Walk) -> None:
    other = make_route(walk, {"garage": (20, 30), "roof": (0, 10)})
    walk.route_id = other
    walk.plan()
    walk.scan("garage", TEN + 5 * MINUTE)
    walk.scan("roof", TEN + 25 * MINUTE)
    walk.scan("gate", TEN + 30 * MINUTE)
    points = {point["code"]: point for point in walk.shown()["points"]}
    # The tolerance of ten minutes counts to both sides.
    assert points["garage"]["off_seconds"] == -300
    assert points["roof"]["off_seconds"] == 300
    assert points["gate"]["off_seconds"] == 0
    assert [points[code]["out_of_order"] for code in CODES] == [False, True, True]


def make_route(walk: Walk, windows: dict[str, tuple[int, int]]) -> UUID:
    stops = [Stop(walk.points[code], *windows.get(code, ())) for code in CODES]
    draft = RouteDraft("windows", {"en": "With windows"}, stops)
    with walk.database.write() as session:
        return create_route(session, walk.site.id, draft, actor=events.SYSTEM, now=NOON).id


def test_of_two_rounds_at_one_checkpoint_a_scan_counts_for_one_s_own(walk: Walk) -> None:
    walk.plan("22:00")
    walk.plan("22:05")
    colleague = employ(walk.database, walk.site.id, "guard", name="Li")
    first, second, *_ = walk.rounds()
    walk.scan("gate", TEN + 6 * MINUTE)
    walk.scan("gate", TEN + 6 * MINUTE, person=colleague)
    walk.scan("garage", TEN + 7 * MINUTE, person=colleague)
    walk.scan("garage", TEN + 8 * MINUTE)
    begun = {row.id: row.person_id for row in walk.rounds()[:2]}
    assert set(begun.values()) == {walk.guard, colleague}
    for round_id in (first.id, second.id):
        assert list(walk.states(round_id)) == ["scanned", "scanned", "open"]


def test_where_rounds_overlap_a_guard_goes_on_with_their_own(walk: Walk) -> None:
    walk.plan("22:00", "23:00", tolerance_min=15)
    for minute, code in ((0, "gate"), (10, "garage"), (55, "roof")):
        walk.scan(code, TEN + minute * MINUTE)
    first, second, *_ = walk.rounds()
    assert (first.state, second.state) == ("complete", "planned")


def test_who_taps_twice_has_not_come_twice(walk: Walk) -> None:
    gate, garage = walk.points["gate"], walk.points["garage"]
    draft = RouteDraft("there", {"en": "There and back"}, [Stop(gate), Stop(garage), Stop(gate)])
    with walk.database.write() as session:
        route = create_route(session, walk.site.id, draft, actor=events.SYSTEM, now=NOON)
        walk.route_id = route.id
    walk.plan()
    for second in (0, 4):
        walk.scan("gate", TEN + timedelta(seconds=second))
    walk.scan("garage", TEN + 5 * MINUTE)
    assert list(walk.states()) == ["scanned", "scanned", "open"]
    walk.scan("gate", TEN + 9 * MINUTE)
    assert walk.rounds()[0].state == "complete"


def test_what_a_clock_ahead_says_counts_for_no_round(walk: Walk) -> None:
    walk.plan()
    for code in CODES:
        scan = walk.scan(code, TEN, told=NOON, channel="sync")
        assert "clock_ahead_s" in scan.evidence
    assert list(walk.states()) == ["open"] * 3


def test_scans_that_came_while_nobody_made_rounds_count_for_those_made_late(walk: Walk) -> None:
    walk.plan("22:00")
    late = NOON + timedelta(days=3)
    third = TEN + timedelta(days=2)
    for code in CODES:
        walk.scan(code, third + MINUTE)
    with walk.database.write() as session:
        plan = session.get_one(RoundPlan, walk.plan_id)
        make_rounds(session, plan, now=late, actor=events.SYSTEM)
    states = {row.planned_at: row.state for row in walk.rounds()}
    assert states[third] == "complete"
    assert states[TEN + timedelta(days=1)] == "planned"


def test_a_retired_plan_keeps_no_round_for_what_was_excused_in_it(walk: Walk) -> None:
    walk.plan("22:00")
    boss = walk.caller(walk.supervisor)
    with walk.database.write() as session:
        excuse_point(session, boss, walk.first, 1, "flooded", now=NOON)
        plan = session.get_one(RoundPlan, walk.plan_id)
        move_plan(session, plan, "retire", actor=events.SYSTEM, now=NOON)
    assert walk.rounds() == []


def test_a_second_scan_of_one_point_is_kept_and_counts_for_nothing(walk: Walk) -> None:
    walk.plan()
    one = walk.scan("gate", TEN)
    walk.scan("gate", TEN + MINUTE)
    [gate, *_] = walk.shown()["points"]
    assert (gate["scan_id"], gate["scanned_at"]) == (one.id, TEN)


def test_two_that_scan_at_the_same_moment_are_both_joined(walk: Walk) -> None:
    walk.plan()
    in_threads(len(CODES), lambda number: walk.scan(CODES[number], TEN))
    assert walk.rounds()[0].state == "complete"


def test_a_random_round_draws_as_many_points_as_it_takes(
    database: Database, site: SmallSite
) -> None:
    walk = make_walk(database, site)
    walk.route(order="random", take=2)
    walk.plan(*(f"{hour:02}:00" for hour in range(24)))
    orders = {tuple(visited(walk, row.id)) for row in walk.rounds()}
    assert all(len(set(order)) == 2 for order in orders)
    assert len(orders) > 1


def test_a_risk_weighted_round_goes_first_where_rules_opened_tickets(
    database: Database, site: SmallSite
) -> None:
    walk = make_walk(database, site)
    walk.route(order="risk_weighted", take=1)
    with database.write() as session:
        space = session.scalars(select(Space).where(Space.site_id == site.id)).first()
        assert space is not None
        for asset_id in (walk.points["roof"], site.assets["pump-1"]):
            session.get_one(Asset, asset_id).space_id = space.id
        for _ in range(200):
            opened_at = NOON - HOUR
            draft = Draft(
                walk.site.id, "repair", "high", {"en": "Leak"}, "maintenance", opened_at, opened_at,
                asset_id=site.assets["pump-1"],
            )  # fmt: skip
            ticket = open_ticket(session, draft, actor=events.SYSTEM)
            ticket.rule_id = "leak"
    walk.plan("23:00")
    with database.write() as session:
        plan = session.get_one(RoundPlan, walk.plan_id)
        for day in range(2, 22):
            now = NOON + timedelta(days=day)
            make_rounds(session, plan, now=now, actor=events.SYSTEM, draw=random.Random(day))
    drawn = [visited(walk, row.id)[0] for row in walk.rounds()]
    assert drawn.count("roof") > len(drawn) * 0.8


def test_a_changed_plan_makes_its_rounds_anew_and_leaves_those_that_are_open(walk: Walk) -> None:
    walk.plan("12:05", "22:00")
    opened = walk.rounds()[0].id
    draft = PlanDraft(["21:00"], TEAM, 30, tolerance_min=5)
    with walk.database.write() as session:
        plan = session.get_one(RoundPlan, walk.plan_id)
        change_plan(session, plan, draft, actor=events.SYSTEM, now=NOON)
    rounds = walk.rounds()
    assert rounds[0].id == opened
    assert planned(walk)[1:] == [TEN - HOUR, TEN + 23 * HOUR]
    assert rounds[1].ends_at == TEN - HOUR + 35 * MINUTE


def test_a_retired_plan_has_no_rounds_ahead_and_a_reactivated_one_has(walk: Walk) -> None:
    walk.plan("22:00")
    for action, count in (("retire", 0), ("reactivate", 2)):
        with walk.database.write() as session:
            plan = session.get_one(RoundPlan, walk.plan_id)
            move_plan(session, plan, action, actor=events.SYSTEM, now=NOON)
        assert len(walk.rounds()) == count
    with walk.database.write() as session:
        plan = session.get_one(RoundPlan, walk.plan_id)
        with pytest.raises(Conflict):
            move_plan(session, plan, "reactivate", actor=events.SYSTEM, now=NOON)


def test_a_changed_route_is_gone_from_the_next_round_on(walk: Walk) -> None:
    walk.plan("12:05", "22:00")
    stops = [Stop(walk.points["roof"]), Stop(walk.points["gate"])]
    draft = RouteDraft("night", {"en": "Shorter"}, stops, "unordered")
    with walk.database.write() as session:
        route = session.get_one(Route, walk.route_id)
        change_route(session, route, draft, actor=events.SYSTEM, now=NOON)
    first, second, *_ = walk.rounds()
    assert visited(walk, first.id) == list(CODES)
    assert visited(walk, second.id) == ["roof", "gate"]
    assert second.order == "unordered"


def test_no_round_of_a_retired_route_or_to_a_retired_checkpoint_is_made(walk: Walk) -> None:
    with walk.database.write() as session:
        row = session.get_one(Checkpoint, walk.points["garage"])
        retire_checkpoint(session, row, actor=events.SYSTEM, now=NOON)
    walk.plan("22:00")
    assert visited(walk, walk.first) == ["gate", "roof"]
    with walk.database.write() as session:
        route = session.get_one(Route, walk.route_id)
        move_route(session, route, "retire", actor=events.SYSTEM, now=NOON)
    assert walk.rounds() == []


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"code": "Night!"}, "code: small letters, digits, - and _, at most 40"),
        ({"name": {"en": " "}}, "name: 1 to 120 characters in one language at least"),
        ({"order": "backwards"}, "order: one of ordered, unordered, random, risk_weighted"),
        ({"points": []}, "points: 1 to 200 checkpoints"),
        (
            {"take": 2},
            "take: only a route whose order is one of random, risk_weighted draws its points",
        ),
        ({"order": "random", "take": 4}, "take: 1 to as many points as the route has"),
        ({"points": [Stop(new_id())]}, "points.0: a checkpoint of this site"),
    ],
)
def test_a_route_that_can_t_be_is_refused_with_what_to_do(
    walk: Walk, change: dict[str, object], problem: str
) -> None:
    whole: dict[str, object] = {
        "code": "other",
        "name": {"en": "Other"},
        "points": [Stop(walk.points[code]) for code in CODES],
        **change,
    }
    with walk.database.write() as session, pytest.raises(Invalid) as refused:
        create_route(
            session,
            walk.site.id,
            RouteDraft(**whole),  # type: ignore[arg-type]
            actor=events.SYSTEM,
            now=NOON,
        )
    assert problem in refused.value.problems


def test_windows_of_a_route_and_its_code_are_checked(walk: Walk) -> None:
    gate = walk.points["gate"]
    for stops, problem in (
        ([Stop(gate, 10, 10)], "points.0: closes_min: later than opens_min"),
        ([Stop(gate, -1, None)], "points.0: opens_min, closes_min: 0 to 1440"),
    ):
        draft = RouteDraft("other", {"en": "Other"}, stops)
        with walk.database.write() as session, pytest.raises(Invalid) as refused:
            create_route(session, walk.site.id, draft, actor=events.SYSTEM, now=NOON)
        assert problem in refused.value.problems
    twice = [Stop(gate), Stop(gate)]
    draft = RouteDraft("other", {"en": "Other"}, twice, "unordered")
    with walk.database.write() as session, pytest.raises(Invalid):
        create_route(session, walk.site.id, draft, actor=events.SYSTEM, now=NOON)
    draft = RouteDraft("night", {"en": "Night"}, twice)
    with walk.database.write() as session, pytest.raises(Conflict):
        create_route(session, walk.site.id, draft, actor=events.SYSTEM, now=NOON)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"times": []}, "times: 1 to 96 times of day"),
        ({"times": ["24:00"]}, "times: '24:00' is no time of day; write it like 22:00"),
        ({"weekdays": []}, "weekdays: one or more of 1 (Monday) to 7 (Sunday)"),
        ({"weekdays": [0]}, "weekdays: one or more of 1 (Monday) to 7 (Sunday)"),
        ({"team": "nobody"}, "team: one of this site"),
        ({"duration_min": 0}, "duration_min: 1 to 1440"),
        ({"tolerance_min": 61}, "tolerance_min: 0 to duration_min"),
        ({"settle_min": -1}, "settle_min: 0 to 10080"),
        ({"hours": "nowhere"}, "hours: the code of a calendar or a shift of this site"),
        ({"outside": True}, "outside: needs hours, outside of which rounds begin"),
    ],
)
def test_a_plan_that_can_t_be_is_refused_with_what_to_do(
    walk: Walk, change: dict[str, object], problem: str
) -> None:
    whole: dict[str, object] = {"times": ["22:00"], "team": TEAM, "duration_min": 60, **change}
    draft = PlanDraft(**whole)  # type: ignore[arg-type]
    with walk.database.write() as session:
        route = session.get_one(Route, walk.route_id)
        with pytest.raises(Invalid) as refused:
            create_plan(session, route, draft, actor=events.SYSTEM, now=NOON)
    assert problem in refused.value.problems


def test_no_window_opens_behind_the_end_of_a_plan(walk: Walk) -> None:
    late = [Stop(walk.points["gate"], 40, None)]
    walk.plan("22:00", duration_min=30)
    with walk.database.write() as session:
        route = session.get_one(Route, walk.route_id)
        draft = RouteDraft("night", {"en": "Night"}, late)
        with pytest.raises(Invalid) as refused:
            change_route(session, route, draft, actor=events.SYSTEM, now=NOON)
        problem = "points.0: opens_min: less than 30, which a plan of this route takes"
        assert refused.value.problems == (problem,)
        plan = session.get_one(RoundPlan, walk.plan_id)
        move_plan(session, plan, "retire", actor=events.SYSTEM, now=NOON)
        change_route(session, route, draft, actor=events.SYSTEM, now=NOON)
        with pytest.raises(Conflict):
            move_plan(session, plan, "reactivate", actor=events.SYSTEM, now=NOON)
        shorter = PlanDraft(["22:00"], TEAM, 40)
        with pytest.raises(Invalid) as refused:
            create_plan(session, route, shorter, actor=events.SYSTEM, now=NOON)
        problem = "duration_min: over 40, when the last window of the route opens"
        assert refused.value.problems == (problem,)


def test_no_rounds_of_a_route_that_is_out_of_use_are_planned(walk: Walk) -> None:
    with walk.database.write() as session:
        route = session.get_one(Route, walk.route_id)
        move_route(session, route, "retire", actor=events.SYSTEM, now=NOON)
        draft = PlanDraft(["22:00"], TEAM, 40)
        with pytest.raises(Conflict):
            create_plan(session, route, draft, actor=events.SYSTEM, now=NOON)


def test_what_is_excused_ahead_stays_so_when_the_plan_changes(walk: Walk) -> None:
    walk.plan("22:00")
    boss = walk.caller(walk.supervisor)
    with walk.database.write() as session:
        excuse_point(session, boss, walk.first, 1, "flooded", now=NOON)
        plan = session.get_one(RoundPlan, walk.plan_id)
        draft = PlanDraft(["22:00"], TEAM, 90)
        change_plan(session, plan, draft, actor=events.SYSTEM, now=NOON)
    first, second = walk.rounds()
    assert list(walk.states(first.id)) == ["open", "excused", "open"]
    assert second.ends_at - second.planned_at == 90 * MINUTE + 15 * MINUTE


def test_a_round_all_of_which_is_excused_is_complete_as_soon_as_it_begins(walk: Walk) -> None:
    walk.plan("22:00")
    boss, guard = walk.caller(walk.supervisor), walk.caller(walk.guard)
    with walk.database.write() as session:
        for position in range(3):
            excuse_point(session, boss, walk.first, position, "typhoon", now=NOON)
        assert begin_round(session, guard, walk.first, now=TEN).state == "complete"


def test_a_guard_begins_a_round_once_it_is_open(walk: Walk) -> None:
    walk.plan()
    guard = walk.caller(walk.guard)
    for moment in (TEN - 11 * MINUTE, TEN + 71 * MINUTE):
        with walk.database.write() as session, pytest.raises(Conflict):
            begin_round(session, guard, walk.first, now=moment)
    with walk.database.write() as session:
        row = begin_round(session, guard, walk.first, now=TEN - MINUTE)
        assert (row.state, row.began_at, row.person_id) == ("running", TEN - MINUTE, walk.guard)
        begin_round(session, guard, walk.first, now=TEN)
    other = walk.caller(employ(walk.database, walk.site.id, "guard", name="Li"))
    with walk.database.write() as session, pytest.raises(Conflict):
        begin_round(session, other, walk.first, now=TEN)


def test_a_round_is_called_off_with_a_reason_and_takes_no_scan_any_more(walk: Walk) -> None:
    walk.plan()
    boss = walk.caller(walk.supervisor)
    with walk.database.write() as session, pytest.raises(Invalid):
        cancel_round(session, boss, walk.first, "  ", now=NOON)
    with walk.database.write() as session, pytest.raises(NotAllowed):
        cancel_round(session, walk.caller(walk.guard), walk.first, "rain", now=NOON)
    with walk.database.write() as session:
        cancel_round(session, boss, walk.first, "Typhoon, signal 8", now=NOON)
    walk.scan("gate", TEN)
    shown = walk.shown()
    assert (shown["state"], shown["reason"]) == ("cancelled", "Typhoon, signal 8")
    assert walk.states() == ["open"] * 3


def test_an_excused_point_is_not_missed_and_completes_the_round(walk: Walk) -> None:
    walk.plan()
    boss = walk.caller(walk.supervisor)
    for code in ("gate", "roof"):
        walk.scan(code, TEN)
    with walk.database.write() as session, pytest.raises(NotAllowed):
        excuse_point(session, walk.caller(walk.guard), walk.first, 1, "flooded", now=TEN)
    with walk.database.write() as session, pytest.raises(NotFound):
        excuse_point(session, boss, walk.first, 7, "flooded", now=TEN)
    with walk.database.write() as session, pytest.raises(Conflict):
        excuse_point(session, boss, walk.first, 0, "flooded", now=TEN)
    with walk.database.write() as session:
        excuse_point(session, boss, walk.first, 1, " Garage  is flooded ", now=TEN)
    assert list(walk.states()) == ["scanned", "excused", "scanned"]
    assert walk.shown()["points"][1]["reason"] == "Garage is flooded"
    assert walk.rounds()[0].state == "complete"
    [fact] = facts_of(walk.database, "round.excuse")
    assert fact.actor_id == str(walk.supervisor)


def test_rounds_are_listed_with_their_counts_and_names_for_who_may_see_them(walk: Walk) -> None:
    walk.plan("12:05", "22:00")
    walk.scan("gate", NOON + 5 * MINUTE)
    everything = RoundFilter(site_id=walk.site.id)
    with walk.database.read() as session:
        boss = walk.caller(walk.supervisor)
        page = list_rounds(session, boss, everything, Wish(2))
        assert [row["planned_at"] for row in page.items] == planned(walk)[:1:-1]
        rest = list_rounds(session, boss, everything, Wish(2, page.next))
        [_, first] = rest.items
        assert first["counts"] == {
            "open": 2, "scanned": 1, "unknown": 0, "missed": 0, "excused": 0,
        }  # fmt: skip
        assert first["person_id"] == walk.guard
        colleague = put_caller(walk.database, walk.site.id, "technician")
        [_, seen] = list_rounds(session, colleague, everything, Wish(2, page.next)).items
        assert (seen["person_id"], seen["person_name"]) == (None, None)
        whose = RoundFilter(person_id=walk.guard)
        assert list_rounds(session, colleague, whose, Wish()).items == []
        assert len(list_rounds(session, boss, whose, Wish()).items) == 1
        running = RoundFilter(state="running")
        assert [row["id"] for row in list_rounds(session, boss, running, Wish()).items] == [
            first["id"]
        ]
        assert len(list_rounds(session, boss, RoundFilter(state="open"), Wish()).items) == 4
        with pytest.raises(Invalid):
            list_rounds(session, boss, RoundFilter(state="sleeping"), Wish())


def test_rounds_of_another_site_are_not_there(walk: Walk) -> None:
    walk.plan()
    with walk.database.write() as session:
        company = session.get_one(Node, walk.site.company_id)
        other = Node(
            id=new_id(), parent_id=company.id, kind="site", code="other", name={"en": "Other"},
            path=f"{company.path}other/", time_zone="UTC",
        )  # fmt: skip
        session.add(other)
        other_id = other.id
    stranger = put_caller(walk.database, other_id, "manager")
    with walk.database.write() as session:
        assert list_rounds(session, stranger, RoundFilter(), Wish()).items == []
        for look in (
            lambda: describe_round(session, stranger, walk.first, now=NOON),
            lambda: cancel_round(session, stranger, walk.first, "mine", now=NOON),
            lambda: find_route(session, stranger, walk.route_id, permission="patrol.write"),
            lambda: find_plan(session, stranger, walk.plan_id, permission="patrol.write"),
        ):
            with pytest.raises(NotFound):
                look()


def test_a_round_that_is_over_can_t_be_moved_any_more(walk: Walk) -> None:
    walk.plan()
    for code in CODES:
        walk.scan(code, TEN)
    boss = walk.caller(walk.supervisor)
    with walk.database.write() as session, pytest.raises(Conflict):
        cancel_round(session, boss, walk.first, "late", now=TEN)
    with walk.database.write() as session, pytest.raises(Conflict):
        excuse_point(session, boss, walk.first, 0, "late", now=TEN)
