"""Plans by statute: what they lack is found, an edit that breaks them is put on record."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select

from core import events
from core.calendars import CalendarRow
from core.db import Database
from core.errors import Invalid
from core.places import Node
from tests.fixtures import NOON, SmallSite
from tests.workflows.conftest import employ, facts_of
from tests.workflows.walked import TEAM, Walk, make_walk
from workflows.notifications.model import Notice
from workflows.notifications.taking_up import take_up
from workflows.patrol import Checkpoint, retire_checkpoint
from workflows.patrol.rounds import (
    EVERYWHERE,
    PlanDraft,
    RoundPlan,
    Route,
    RouteDraft,
    Stop,
    UnderStatute,
    change_plan,
    change_route,
    coverage,
    move_plan,
    note_coverage,
    proposed_times,
)
from workflows.patrol.rounds.coverage import Finding
from workflows.patrol.statutes import STATUTES

# What the engines are asked is shown by the story of edits on both.
on_one_engine = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
OPEN = "open"
# From 10 to 22 on weekdays, to 23 on weekends.
HOURS = [[["10:00", "22:00"]]] * 5 + [[["10:00", "23:00"]]] * 2
EVERY_TWO = ["10:00", "12:00", "14:00", "16:00", "18:00", "20:00", "21:45", "22:45"]
ALL = dict.fromkeys((item.code for item in STATUTES["public-gathering"].items), (EVERYWHERE,))
USUAL = PlanDraft(EVERY_TWO, TEAM, 60, tolerance_min=0)


@pytest.fixture
def walk(database: Database, site: SmallSite) -> Walk:
    made = make_walk(database, site)
    made.route()
    with database.write() as session:
        session.add(
            CalendarRow(
                node_id=site.id,
                code=OPEN,
                name={"en": "Open"},
                week=HOURS,
                country="",
                exceptions={},
            )
        )
    return made


def under(
    code: str = "public-gathering", hours: str = OPEN, items: Mapping[str, Sequence[str]] = ALL
) -> UnderStatute:
    return UnderStatute(code, hours, items)


def plan(walk: Walk, draft: PlanDraft = USUAL, **changes: Any) -> list[Finding]:
    """Plan rounds, in place of those that were planned before; what is lacking."""
    draft = replace(draft, **{"statute": under(), **changes})
    with walk.database.write() as session:
        for row in session.scalars(select(RoundPlan).where(RoundPlan.state == "active")).all():
            move_plan(session, row, "retire", actor=events.SYSTEM, now=NOON)
    walk.plan(*draft.times, **{name: getattr(draft, name) for name in FIELDS})
    return lacking(walk)


FIELDS = ("team", "duration_min", "weekdays", "hours", "tolerance_min", "statute")


def lacking(walk: Walk) -> list[Finding]:
    """What the one route under a statute lacks."""
    caller = walk.caller(walk.supervisor)
    with walk.database.read() as session:
        rows = coverage(session, caller, now=NOON, site_id=walk.site.id)
    (row,) = rows
    findings: list[Finding] = list(row["findings"])
    assert row["kept"] is all(each.code == "tolerance" for each in findings)
    return findings


def codes(findings: Sequence[Finding]) -> list[str]:
    return [each.code for each in findings]


def on_record(walk: Walk) -> list[tuple[str, Any]]:
    return [
        (fact.kind, (fact.after or {})["lacking"]) for fact in facts_of(walk.database, "statute.")
    ]


@on_one_engine
def test_rounds_every_two_hours_of_business_and_at_closing_keep_the_statute(walk: Walk) -> None:
    assert plan(walk) == []
    # To the minute it is kept; that who walks may come ten minutes later is said.
    loose = plan(walk, tolerance_min=10)
    assert loose == [Finding("tolerance", minutes=140)]


@on_one_engine
def test_what_a_plan_lacks_is_found(walk: Walk) -> None:
    without_noon = [time for time in EVERY_TWO if time != "14:00"]
    (gap,) = plan(walk, times=without_noon)
    # Each of 28 days; from noon in Shanghai on, which is four o'clock of UTC.
    assert (gap.code, gap.count, gap.minutes) == ("gap", 28, 240)
    assert gap.at is not None
    assert gap.at.hour == 4
    (early,) = plan(walk, times=EVERY_TWO[:-1])
    # Only on weekends the doors close an hour later, and nobody looks round then.
    assert (early.code, early.count) == ("closing", 8)
    assert codes(plan(walk, weekdays=(1, 2, 3, 4, 5))) == ["gap", "closing"]
    # Around the clock where no hours are named.
    assert codes(plan(walk, statute=under(hours=""))) == ["gap"]


@on_one_engine
def test_rounds_that_nobody_begins_at_all_are_one_long_gap(walk: Walk) -> None:
    findings = plan(walk, times=["03:00"], hours=OPEN)
    assert codes(findings) == ["gap", "closing"]
    around = plan(walk, times=["03:00"], hours=OPEN, statute=under(hours=""))
    assert (around[0].code, around[0].minutes) == ("gap", 30 * 24 * 60)


@on_one_engine
def test_night_hours_reach_over_midnight(walk: Walk) -> None:
    night = under("night-care", "night")
    with walk.database.read() as session:
        site = session.get_one(Node, walk.site.id)
        times = proposed_times(session, site, STATUTES["night-care"], "night", now=NOON)
    assert plan(walk, times=times, statute=night) == []
    before_midnight = [time for time in times if time > "12"]
    assert codes(plan(walk, times=before_midnight, statute=night)) == ["gap"]


@on_one_engine
def test_of_each_day_a_round_is_asked_for(walk: Walk) -> None:
    daily = under("key-unit", "")
    assert plan(walk, times=["09:00"], statute=daily) == []
    (day,) = plan(walk, times=["09:00"], statute=daily, weekdays=(1, 2, 3, 4, 5))
    assert (day.code, day.count) == ("day", 8)
    assert day.day is not None
    assert day.day.isoweekday() > 5


@on_one_engine
def test_what_has_to_be_looked_at_needs_a_checkpoint_that_is_there(walk: Walk) -> None:
    items = {**ALL, "exits": (str(walk.points["roof"]),), "staff": ()}
    assert plan(walk, statute=under(items=items)) == [Finding("items", 1, items=["staff"])]
    items["staff"] = (str(walk.points["gate"]),)
    assert plan(walk, statute=under(items=items)) == []
    with walk.database.write() as session:
        roof = session.get_one(Checkpoint, walk.points["roof"])
        retire_checkpoint(session, roof, actor=events.SYSTEM, now=NOON)
    assert lacking(walk) == [Finding("items", 1, items=["exits"])]


def test_an_edit_that_breaks_a_statute_is_put_on_record_once_and_so_is_one_that_mends_it(
    walk: Walk,
) -> None:
    walk.plan(*EVERY_TWO, tolerance_min=0, statute=under())
    assert on_record(walk) == []
    actor = events.Actor.person(walk.supervisor)
    rare = replace(USUAL, times=["10:00", "16:00"], statute=under())
    with walk.database.write() as session:
        row = session.get_one(RoundPlan, walk.plan_id)
        for _ in range(2):
            change_plan(session, row, rare, actor=actor, now=NOON)
    assert on_record(walk) == [("statute.break", ["gap", "closing"])]
    assert facts_of(walk.database, "statute.")[0].actor_id == str(walk.supervisor)
    with walk.database.write() as session:
        row = session.get_one(RoundPlan, walk.plan_id)
        change_plan(session, row, replace(USUAL, statute=under()), actor=actor, now=NOON)
    assert on_record(walk)[1:] == [("statute.mend", [])]
    # A route from which the one checkpoint is taken where something is looked at.
    items = {**ALL, "exits": (str(walk.points["roof"]),)}
    with walk.database.write() as session:
        row = session.get_one(RoundPlan, walk.plan_id)
        change_plan(session, row, replace(USUAL, statute=under(items=items)), actor=actor, now=NOON)
        stops = [Stop(walk.points[code]) for code in ("gate", "garage")]
        draft = RouteDraft("night", {"en": "Night"}, stops)
        change_route(session, session.get_one(Route, walk.route_id), draft, actor=actor, now=NOON)
    assert on_record(walk)[2:] == [("statute.break", ["items"])]
    # Whoever takes a plan out from under its statute is on record as well.
    walk.plan(*EVERY_TWO, tolerance_min=0)
    with walk.database.write() as session:
        row = session.get_one(RoundPlan, walk.plan_id)
        change_plan(
            session, row, replace(USUAL, statute=under("key-unit", "")), actor=actor, now=NOON
        )
        change_plan(session, row, USUAL, actor=actor, now=NOON)
    assert on_record(walk)[3:] == [("statute.break", ["no_plan"])]


@on_one_engine
def test_a_calendar_that_changes_is_seen_when_it_is_looked_at_again(walk: Walk) -> None:
    walk.plan(*EVERY_TWO, tolerance_min=0, statute=under())
    with walk.database.write() as session:
        row = session.scalars(select(CalendarRow)).one()
        row.week = [[["06:00", "22:00"]]] * 7
    with walk.database.write() as session:
        route = session.get_one(Route, walk.route_id)
        told = [note_coverage(session, route, actor=events.SYSTEM, now=NOON) for _ in range(2)]
    assert told == [1, 0]
    assert on_record(walk) == [("statute.break", ["gap"])]


@on_one_engine
def test_who_leads_a_site_hears_of_a_statute_that_is_not_kept_any_more(walk: Walk) -> None:
    walk.plan(*EVERY_TWO, tolerance_min=0, statute=under())
    other = employ(walk.database, walk.site.id, "supervisor", "Sun")
    rare = replace(USUAL, times=["10:00", "16:00"], statute=under())
    with walk.database.write() as session:
        row = session.get_one(RoundPlan, walk.plan_id)
        change_plan(session, row, rare, actor=events.Actor.person(other), now=NOON)
    with walk.database.write() as session:
        take_up(session, facts_of(walk.database, "statute."), now=NOON)
        notices = session.scalars(select(Notice)).all()
        assert [one.person_id for one in notices] == [walk.supervisor]
        facts = notices[0].facts
        assert (facts["route"], notices[0].urgency) == (str(walk.route_id), "normal")
        assert facts["place"]["en"].endswith("· Night round")


@on_one_engine
def test_what_is_proposed_keeps_the_statute(walk: Walk) -> None:
    with walk.database.read() as session:
        site = session.get_one(Node, walk.site.id)
        statute = STATUTES["public-gathering"]
        times = proposed_times(session, site, statute, OPEN, now=NOON)
        always = proposed_times(session, site, statute, "always", now=NOON)
    assert times == [*EVERY_TWO[:6], "21:45", "22:00", "22:45"]
    assert always == [f"{hour:02}:00" for hour in range(0, 24, 2)]
    assert plan(walk, times=times) == []
    assert plan(walk, times=always, statute=under(hours="always")) == []


@pytest.mark.parametrize(
    ("statute", "problem"),
    [
        (under("lex-imperfecta"), "statute: one of"),
        (under(hours="carnival"), "statute.hours"),
        (under(items={"singing": (EVERYWHERE,)}), "statute.items: of"),
        (
            under(items={"exits": ("01900000-0000-7000-8000-000000000000",)}),
            "statute.items: checkpoints",
        ),
    ],
)
@on_one_engine
def test_a_plan_under_what_is_not_there_is_refused(
    walk: Walk, statute: UnderStatute, problem: str
) -> None:
    with pytest.raises(Invalid) as refused:
        walk.plan("10:00", statute=statute)
    assert any(each.startswith(problem) for each in refused.value.problems)


@on_one_engine
def test_a_route_that_draws_its_checkpoints_can_not_promise_them(
    database: Database, site: SmallSite
) -> None:
    walk = make_walk(database, site)
    walk.route(order="random", take=2)
    walk.plan("09:00", statute=under("key-unit", ""))
    assert codes(lacking(walk)) == ["drawn"]
