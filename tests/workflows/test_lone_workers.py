"""Lone workers: reminded, then missed; where there is no signal shown before it is an alarm."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from core import events
from core.clock import SimulatedClock
from core.db import Database
from core.errors import Conflict, Invalid, NotAllowed, NotFound
from core.places import Asset, Space
from core.rosters import Shift
from jobs.lone_workers import begin_watches, look_after_lone_workers
from tests.fixtures import NOON, SmallSite
from tests.guard_phone import GuardPhone
from tests.jobs.conftest import make_work
from tests.workflows.calling import Scene, make_scene
from tests.workflows.conftest import MINUTE, employ, facts_of
from tests.workflows.phoned import Phoned
from workflows.patrol import PEOPLE, WRITE, lone
from workflows.patrol.lone.model import WATCH

# Where nothing differs between the engines.
ONE_ENGINE = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
DRAFT = lone.LoneDraft("security", 30, grace_min=3, wait_min=15)


class Alone:
    """A scene in which only the guard is on duty, and what time does."""

    def __init__(self, scene: Scene) -> None:
        self.scene, self.walk = scene, scene.walk
        self.work = make_work(scene.database, SimulatedClock(0))
        with scene.database.write() as session:
            for shift in session.scalars(select(Shift).where(Shift.person_id == scene.mate)):
                session.delete(shift)

    def plan(self, draft: lone.LoneDraft = DRAFT, now: datetime = NOON) -> UUID:
        with self.scene.database.write() as session:
            site_id = self.walk.site.id
            row = lone.create_lone_plan(session, site_id, draft, actor=events.SYSTEM, now=now)
        begin_watches(self.work, now)
        return row.id

    def at(self, minutes: float) -> str:
        """Time has passed since noon; returns how the guard stands."""
        look_after_lone_workers(self.work, NOON + minutes * MINUTE)
        return self.row().state

    def row(self) -> lone.LoneWatch:
        with self.scene.database.read() as session:
            statement = select(lone.LoneWatch).order_by(lone.LoneWatch.began_at.desc())
            found = session.scalars(statement).first()
            assert found is not None
            return found

    def kinds(self) -> list[str]:
        return [
            fact.kind.partition(".")[2] for fact in facts_of(self.scene.database, "lone_worker")
        ]

    def flag(self, place_id: UUID, *, flagged: bool = True, by: str = "supervisor") -> None:
        caller = self.scene.caller(self.scene.people[by])
        with self.scene.database.write() as session:
            lone.flag_dead_zone(
                session, caller, place_id, flagged=flagged, permission=WRITE, now=NOON
            )


@pytest.fixture
def alone(database: Database, site: SmallSite) -> Alone:
    return Alone(make_scene(database, site))


def test_somebody_overdue_is_told_first_and_then_becomes_an_alarm(alone: Alone) -> None:
    alone.plan()
    assert [alone.at(minutes) for minutes in (29, 30, 32)] == ["well", "due", "due"]
    [reminded] = facts_of(alone.scene.database, "lone_worker.remind")
    assert reminded.after is not None
    assert reminded.after["people"] == [str(alone.scene.guard)]
    assert alone.at(33) == "missed"
    call = alone.scene.row(alone.row().sos_id)  # type: ignore[arg-type]
    assert (call.origin, call.person_id, call.state) == (
        "lone_worker",
        alone.scene.guard,
        "received",
    )
    assert call.due_at == NOON + 33.5 * MINUTE
    assert alone.at(34) == "missed"
    assert alone.kinds() == ["begin", "remind", "miss"]


@pytest.mark.parametrize("channel", ["online", "sync"])
def test_any_accepted_scan_is_a_sign_of_life(alone: Alone, channel: str) -> None:
    alone.plan()
    alone.walk.scan("gate", NOON + 20 * MINUTE, channel=channel)
    assert [alone.at(30), alone.at(49), alone.at(50)] == ["well", "well", "due"]
    assert (alone.row().heard_by, alone.row().checkpoint_id) == ("scan", alone.walk.points["gate"])


def test_a_scan_made_online_counts_whatever_the_phones_clock_says(alone: Alone) -> None:
    alone.plan()
    alone.walk.scan("gate", NOON - 60 * MINUTE, told=NOON + 25 * MINUTE)
    assert alone.at(31) == "well"
    assert alone.row().heard_at == NOON + 25 * MINUTE


def test_an_old_scan_that_comes_late_moves_only_what_is_known(alone: Alone) -> None:
    alone.plan()
    assert alone.at(30) == "due"
    alone.walk.scan("roof", NOON + MINUTE, told=NOON + 31.5 * MINUTE, channel="sync")
    assert alone.at(31.6) == "due"
    alone.walk.scan("roof", NOON + 28 * MINUTE, told=NOON + 32 * MINUTE, channel="sync")
    assert alone.at(32.1) == "well"
    assert alone.row().due_at == NOON + 58 * MINUTE


def test_a_phone_that_is_heard_by_itself_is_no_sign_of_life_unless_the_plan_says_so(
    alone: Alone,
) -> None:
    plan_id = alone.plan()
    alone.walk.heard(NOON + 29 * MINUTE)
    assert alone.at(30) == "due"
    with alone.scene.database.write() as session:
        row = session.get_one(lone.LonePlan, plan_id)
        draft = lone.LoneDraft("security", 30, contact_counts=True)
        lone.change_lone_plan(session, row, draft, actor=events.SYSTEM, now=NOON)
    assert alone.at(31) == "well"
    assert alone.row().heard_by == "contact"


def test_checking_in_and_writing_something_down_are_signs_of_life(alone: Alone) -> None:
    caller = alone.scene.caller(alone.scene.guard)
    with alone.scene.database.write() as session:
        assert lone.check_in(session, caller, now=NOON) is None
    alone.plan()
    assert alone.at(30) == "due"
    with alone.scene.database.write() as session:
        shown = lone.check_in(session, caller, now=NOON + 31 * MINUTE)
    assert shown is not None
    assert (shown["state"], shown["due_at"]) == ("well", NOON + 61 * MINUTE)
    with alone.scene.database.write() as session:
        guard = alone.scene.guard
        lone.note_life(session, guard, "journal", now=NOON + 45 * MINUTE, at=NOON + 40 * MINUTE)
        # Told once more, and something older.
        lone.note_life(session, guard, "journal", now=NOON + 50 * MINUTE, at=NOON + 35 * MINUTE)
    assert (alone.row().heard_by, alone.row().due_at) == ("journal", NOON + 70 * MINUTE)


def test_what_a_guard_does_on_their_phone_is_a_sign_of_life_and_what_it_does_alone_is_none(
    alone: Alone,
) -> None:
    phone, guard = GuardPhone(), alone.scene.guard
    phoned = Phoned(alone.walk, phone)
    phoned.enrol(phone)
    phoned.enter(guard, NOON)
    alone.plan()
    phone.note("practice", NOON + 20 * MINUTE, what="begin")
    phone.note("battery", NOON + 25 * MINUTE, percent=9, charging=False)
    phone.note("gap", NOON + 26 * MINUTE, what="hidden", since=None)
    # Somebody whom the phone does not know, as whoever is signed in.
    phone.person = alone.scene.mate
    phone.note("practice", NOON + 28 * MINUTE, what="end")
    phone.person = guard
    assert alone.at(30) == "due"
    phoned.hand_in(NOON + 31 * MINUTE)
    assert (alone.at(31), alone.row().heard_by) == ("well", "journal")
    assert alone.row().heard_at == NOON + 20 * MINUTE
    # A tag that can't be read was held to the phone by somebody all the same.
    phone.scan("04DEADBEEF", NOON + 40 * MINUTE)
    phone.note("sign_out", NOON + 45 * MINUTE, why="expired")
    phoned.hand_in(NOON + 49 * MINUTE)
    phoned.hand_in(NOON + 50 * MINUTE)
    assert (alone.at(51), alone.row().heard_at) == ("well", NOON + 40 * MINUTE)


def test_where_there_is_known_to_be_no_signal_it_is_shown_before_it_is_an_alarm(
    alone: Alone,
) -> None:
    with alone.scene.database.read() as session:
        space = session.scalars(select(Space.id).where(Space.parent_id.is_not(None))).first()
        assert space is not None
        above = session.get_one(Space, space).parent_id
        assert above is not None
    with alone.scene.database.write() as session:
        session.get_one(Asset, alone.walk.points["garage"]).space_id = space
    alone.flag(above)
    alone.plan()
    alone.walk.scan("garage", NOON + MINUTE)
    assert [alone.at(minutes) for minutes in (31, 34, 48)] == [
        "due",
        "out_of_signal",
        "out_of_signal",
    ]
    with alone.scene.database.read() as session:
        boss = alone.scene.caller(alone.scene.people["supervisor"])
        [shown] = lone.living_watches(session, boss, "scans.read")
    assert (shown["state"], shown["heard_at"]) == ("out_of_signal", NOON + MINUTE)
    assert shown["checkpoint"] is not None
    assert facts_of(alone.scene.database, "sos.") == []
    assert alone.at(49) == "missed"
    assert len(facts_of(alone.scene.database, "sos.raise")) == 1


def test_a_place_without_signal_is_learned_from_scans_that_come_late(alone: Alone) -> None:
    roof = alone.walk.points["roof"]

    def known() -> bool:
        with alone.scene.database.read() as session:
            return lone.has_no_signal(session, roof, now=NOON)

    for number in range(1, 4):
        at = NOON - number * 60 * MINUTE
        assert not known()
        alone.walk.scan("roof", at, told=at + 5 * MINUTE, channel="sync")
    assert known()
    for number in range(4, 9):
        alone.walk.scan("roof", NOON - number * 10 * MINUTE)
    # Three of eight: they were late for another reason.
    assert not known()


def test_a_place_is_flagged_by_who_may_and_once(alone: Alone) -> None:
    roof = alone.walk.points["roof"]
    for flagged in (True, True, False, False):
        alone.flag(roof, flagged=flagged)
    kinds = [fact.kind for fact in facts_of(alone.scene.database, "lone_plan.")]
    assert kinds == ["lone_plan.dead_zone", "lone_plan.signal"]
    alone.scene.people["guard"] = alone.scene.guard
    with pytest.raises(NotAllowed):
        alone.flag(roof, by="guard")
    with pytest.raises(NotFound):
        alone.flag(alone.scene.guard)


def test_after_an_absence_of_ours_nobody_is_an_alarm_before_they_were_asked(alone: Alone) -> None:
    alone.plan()
    assert alone.at(120) == "due"
    assert alone.at(122) == "due"
    assert alone.at(123) == "missed"


@ONE_ENGINE
def test_what_was_due_before_the_end_of_a_shift_is_asked_for_after_an_absence(alone: Alone) -> None:
    with alone.scene.database.write() as session:
        shift = session.scalars(select(Shift).where(Shift.person_id == alone.scene.guard)).one()
        shift.ends_at = NOON + timedelta(minutes=40)
    alone.plan()
    # The jobs process was away from before it was due until the shift was over.
    assert [alone.at(45), alone.at(48)] == ["due", "missed"]


@ONE_ENGINE
def test_a_phone_is_not_told_of_the_silent_call_that_its_guard_is_missed_in(alone: Alone) -> None:
    alone.plan()
    _, own = alone.scene.press(NOON + 20 * MINUTE, kind="silent")
    assert [alone.at(30), alone.at(33)] == ["due", "missed"]
    assert alone.row().sos_id == own.id
    caller = alone.scene.caller(alone.scene.guard)
    with alone.scene.database.read() as session:
        shown = lone.own_watch(session, caller)
    assert shown is not None
    assert shown["sos_id"] is None
    # Nor is who may see people here, and answers no such call.
    site = alone.scene.walk.site
    auditor = alone.scene.caller(employ(alone.scene.database, site.id, "auditor"))
    supervisor = alone.scene.caller(alone.scene.people["supervisor"])
    with alone.scene.database.read() as session:
        seen = [lone.living_watches(session, one, PEOPLE) for one in (auditor, supervisor)]
    assert [[one["sos_id"] for one in some] for some in seen] == [[None], [own.id]]


def test_a_missed_one_joins_their_own_call_and_goes_on_when_it_is_over(alone: Alone) -> None:
    alone.plan()
    _, own = alone.scene.press(NOON + 20 * MINUTE)
    assert alone.at(30) == "due"
    assert alone.at(33) == "missed"
    assert alone.row().sos_id == own.id
    assert len(facts_of(alone.scene.database, "sos.raise")) == 1
    alone.scene.step("end", own.id, alone.scene.mate, NOON + 40 * MINUTE, "real", "Is well again")
    assert alone.at(40.1) == "well"
    assert (alone.row().heard_by, alone.row().due_at) == ("answered", NOON + 70 * MINUTE)


@ONE_ENGINE
def test_who_was_seen_to_while_nobody_looked_is_asked_anew(alone: Alone) -> None:
    alone.plan()
    alone.at(30)
    assert alone.at(33) == "missed"
    call = alone.row().sos_id
    assert call is not None
    alone.scene.step("end", call, alone.scene.mate, NOON + 40 * MINUTE, "real", "Is well again")
    # Longer than a sign of life lasts.
    assert [alone.at(120), alone.at(123)] == ["due", "missed"]
    assert alone.row().sos_id not in (None, call)


def test_a_missed_one_who_is_heard_of_again_leaves_the_alarm_to_a_colleague(alone: Alone) -> None:
    alone.plan()
    alone.at(30)
    alone.at(33)
    call = alone.row().sos_id
    assert call is not None
    alone.walk.scan("gate", NOON + 34 * MINUTE)
    assert alone.at(34.1) == "well"
    assert alone.scene.row(call).state == "received"


def test_nobody_is_watched_off_duty_and_an_overdue_one_beyond_their_shift(alone: Alone) -> None:
    with alone.scene.database.write() as session:
        shift = session.scalars(select(Shift).where(Shift.person_id == alone.scene.guard)).one()
        shift.ends_at = NOON + timedelta(minutes=50)
    alone.plan()
    assert begin_watches(alone.work, NOON + MINUTE) == 0
    alone.walk.scan("gate", NOON + 25 * MINUTE)
    assert [alone.at(49), alone.at(50)] == ["well", "over"]
    assert begin_watches(alone.work, NOON + 51 * MINUTE) == 0
    assert alone.kinds() == ["begin", "end"]
    with alone.scene.database.write() as session:
        shift = session.scalars(select(Shift).where(Shift.person_id == alone.scene.guard)).one()
        shift.starts_at, shift.ends_at = NOON + 60 * MINUTE, NOON + 91 * MINUTE
    assert begin_watches(alone.work, NOON + 60 * MINUTE) == 1
    assert [alone.at(90), alone.at(92), alone.at(93)] == ["due", "due", "missed"]


def test_whose_shift_is_taken_away_is_let_go_and_still_asked_for_what_was_due(
    alone: Alone,
) -> None:
    alone.plan()

    def take_shift_away() -> None:
        with alone.scene.database.write() as session:
            for shift in session.scalars(select(Shift)):
                session.delete(shift)

    take_shift_away()
    begin_watches(alone.work, NOON + 5 * MINUTE)
    assert alone.at(5) == "over"
    alone.walk.on_duty(alone.scene.guard)
    begin_watches(alone.work, NOON + 6 * MINUTE)
    assert alone.at(37) == "due"
    take_shift_away()
    begin_watches(alone.work, NOON + 38 * MINUTE)
    assert alone.at(38) == "due"
    assert alone.at(41) == "missed"


@ONE_ENGINE
def test_whose_shift_is_taken_away_out_of_hours_is_let_go(alone: Alone) -> None:
    alone.plan(lone.LoneDraft("security", 30, hours="office"))
    assert alone.row().state == "well"
    # The office closes, and the guard is watched to the end of their shift.
    for hour in range(1, 7):
        alone.walk.scan("gate", NOON + 60 * hour * MINUTE)
        alone.at(60 * hour)
    with alone.scene.database.write() as session:
        for shift in session.scalars(select(Shift)):
            session.delete(shift)
    assert begin_watches(alone.work, NOON + 370 * MINUTE) == 0
    assert alone.at(370) == "over"


def test_hours_and_retiring_end_what_is_watched(alone: Alone) -> None:
    plan_id = alone.plan(lone.LoneDraft("security", 30, hours="office", outside=True))
    # Noon of a working day in UTC is evening at the site: within no office hours.
    watched = len(alone.kinds())
    with alone.scene.database.write() as session:
        row = session.get_one(lone.LonePlan, plan_id)
        lone.move_lone_plan(session, row, "retire", actor=events.SYSTEM, now=NOON)
        with pytest.raises(Conflict):
            lone.move_lone_plan(session, row, "retire", actor=events.SYSTEM, now=NOON)
    assert begin_watches(alone.work, NOON) == 0
    if watched:
        assert alone.at(30) == "over"


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"team": "nobody"}, "team"),
        ({"every_min": 0}, "every_min"),
        ({"grace_min": 241}, "grace_min"),
        ({"wait_min": -1}, "wait_min"),
        ({"hours": "never"}, "hours"),
        ({"outside": True}, "outside"),
    ],
)
def test_a_plan_that_makes_no_sense_is_refused(
    alone: Alone, wrong: dict[str, Any], field: str
) -> None:
    draft = lone.LoneDraft(**{"team": "security", "every_min": 30, **wrong})
    with pytest.raises(Invalid) as refused:
        alone.plan(draft)
    assert [problem.partition(":")[0] for problem in refused.value.problems] == [field]


def test_whoever_is_missed_can_only_be_well_again_or_over() -> None:
    assert WATCH.actions("missed") == ["check_in", "end"]
    assert WATCH.actions("over") == []
