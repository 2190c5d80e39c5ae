"""What time does to rounds: told late, unknown until it is known, missed, closed, annexed."""

from contextlib import suppress
from datetime import timedelta

import pytest
from sqlalchemy import select

from core import events, shards
from core.db import Database
from core.devices import Device
from core.errors import Conflict
from core.places import Asset
from tests.fixtures import NOON, SmallSite
from tests.threads import in_threads
from tests.workflows.conftest import employ, facts_of
from tests.workflows.walked import CODES, MINUTE, TEN, Walk, make_walk
from workflows.notifications.model import Notice
from workflows.notifications.taking_up import take_up
from workflows.patrol import (
    Checkpoint,
    CheckpointToken,
    NewToken,
    put_token,
    retire_checkpoint,
)
from workflows.patrol.rounds import excuse_point, note_contact, wait_after_absence
from workflows.patrol.rounds.closing import AFTER_ABSENCE
from workflows.patrol.rounds.contact import known_until

HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)
# From 22:00 to 23:00 with ten minutes to either side; what is unknown settles twelve hours later.
BEGIN_BY = TEN + 10 * MINUTE
END = TEN + 70 * MINUTE
SETTLED = END + 12 * HOUR


@pytest.fixture
def walk(database: Database, site: SmallSite) -> Walk:
    made = make_walk(database, site)
    made.on_duty(made.guard)
    made.route()
    made.plan()
    return made


def told(walk: Walk, kind: str) -> list[list[str]]:
    """Whom facts of this very kind name."""
    facts = [fact for fact in facts_of(walk.database, kind) if fact.kind == kind]
    return [(fact.after or {})["people"] for fact in facts]


def kinds(walk: Walk) -> list[str]:
    return [fact.kind for fact in facts_of(walk.database, "round.")]


def test_a_round_that_does_not_begin_is_told_to_who_is_on_duty_and_then_to_who_leads_them(
    walk: Walk,
) -> None:
    assert walk.look(BEGIN_BY - timedelta(seconds=1)) == 0
    walk.look(BEGIN_BY)
    assert told(walk, "round.late") == [[str(walk.guard)]]
    walk.look(BEGIN_BY + 2 * MINUTE - timedelta(seconds=1))
    assert told(walk, "round.late_passed_up") == []
    walk.look(BEGIN_BY + 2 * MINUTE)
    assert told(walk, "round.late_passed_up") == [[str(walk.supervisor)]]
    # However often one looks, each is told once.
    for minute in range(3, 30):
        walk.look(BEGIN_BY + minute * MINUTE)
    assert len(told(walk, "round.late")) == len(told(walk, "round.late_passed_up")) == 1


def test_a_supervisor_is_told_at_the_same_moment_though_the_guard_was_told_late(
    database: Database, site: SmallSite
) -> None:
    walk = make_walk(database, site)
    walk.on_duty(walk.guard)
    walk.route(gate=(0, 10))
    walk.plan("22:00")
    late = 50 * SECOND
    # We were away for fifty seconds.
    walk.look(BEGIN_BY + late)
    walk.look(BEGIN_BY + 2 * MINUTE)
    assert told(walk, "round.late_passed_up") == [[str(walk.supervisor)]]
    edge = TEN + 20 * MINUTE
    walk.scan("garage", edge - MINUTE)
    walk.heard(edge, edge)
    walk.look(edge + late)
    walk.look(edge + 2 * MINUTE)
    assert told(walk, "round.miss_passed_up") == [[str(walk.supervisor)]]


def test_a_guard_has_a_minute_before_the_supervisor_is_told_however_late_it_is(walk: Walk) -> None:
    back = BEGIN_BY + 30 * MINUTE
    walk.look(back)
    walk.look(back + MINUTE - SECOND)
    assert told(walk, "round.late_passed_up") == []
    walk.look(back + MINUTE)
    assert told(walk, "round.late_passed_up") == [[str(walk.supervisor)]]


def test_who_begins_after_all_is_passed_up_to_nobody(walk: Walk) -> None:
    walk.look(BEGIN_BY)
    walk.scan("gate", BEGIN_BY + MINUTE)
    walk.look(BEGIN_BY + 5 * MINUTE)
    assert told(walk, "round.late_passed_up") == []


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_who_is_on_call_at_home_is_not_told_and_not_waited_for(walk: Walk) -> None:
    at_home = employ(walk.database, walk.site.id, "guard", "Zhou")
    walk.on_duty(at_home, kind="on_call")
    walk.look(BEGIN_BY)
    assert told(walk, "round.late") == [[str(walk.guard)]]
    walk.heard(END + MINUTE, END + MINUTE)
    walk.look(END + MINUTE)
    assert set(walk.states()) == {"missed"}


def test_without_anybody_on_duty_the_supervisor_is_told_at_once(
    database: Database, site: SmallSite
) -> None:
    walk = make_walk(database, site)
    walk.route()
    walk.plan()
    walk.look(BEGIN_BY)
    assert told(walk, "round.late")[0] == [str(walk.supervisor)]


def test_what_jobs_slept_through_is_done_when_they_are_back(walk: Walk) -> None:
    walk.look(BEGIN_BY + 30 * MINUTE)
    walk.look(BEGIN_BY + 32 * MINUTE)
    assert kinds(walk) == ["round.plan", "round.late", "round.late_passed_up"]


def test_a_point_is_unknown_while_the_phone_is_out_of_contact_and_missed_once_it_has_told(
    walk: Walk,
) -> None:
    walk.scan("gate", TEN)
    # A scan is heard of, and says nothing of what else the phone may keep.
    assert walk.shown()["heard_at"] == TEN
    walk.heard(TEN + 5 * MINUTE, TEN + 5 * MINUTE)
    walk.look(END)
    assert list(walk.states()) == ["scanned", "unknown", "unknown"]
    assert walk.shown()["heard_at"] == TEN + 5 * MINUTE
    assert told(walk, "round.miss") == []
    # It is heard again, and says that there was nothing more.
    walk.heard(END + HOUR, END + HOUR)
    walk.look(END + HOUR)
    assert list(walk.states()) == ["scanned", "missed", "missed"]
    assert walk.rounds()[0].state == "incomplete"
    # An hour later nobody can go back: the supervisor is told, and the guard may sleep.
    assert told(walk, "round.miss") == []
    assert told(walk, "round.miss_passed_up") == [[str(walk.supervisor)]]


def test_after_a_point_that_was_passed_over_nothing_is_out_of_order_for_that(walk: Walk) -> None:
    walk.scan("gate", TEN)
    walk.scan("roof", TEN + MINUTE)
    assert [point["out_of_order"] for point in walk.shown()["points"]] == [False, False, True]
    walk.heard(END, END)
    walk.look(END)
    assert list(walk.states()) == ["scanned", "missed", "scanned"]
    assert not any(point["out_of_order"] for point in walk.shown()["points"])


def test_a_late_sync_corrects_what_was_unknown_and_nobody_was_blamed(walk: Walk) -> None:
    walk.scan("gate", TEN)
    walk.look(END)
    for code in ("garage", "roof"):
        walk.scan(code, TEN + 20 * MINUTE, told=END + HOUR, channel="sync")
    assert list(walk.states()) == ["scanned"] * 3
    row = walk.rounds()[0]
    assert (row.state, row.ended_at) == ("complete", TEN + 20 * MINUTE)
    assert not [kind for kind in kinds(walk) if "miss" in kind]


def test_what_nobody_ever_tells_is_missed_after_the_time_that_the_plan_leaves(walk: Walk) -> None:
    walk.look(END)
    assert set(walk.states()) == {"unknown"}
    walk.look(SETTLED - timedelta(seconds=1))
    assert set(walk.states()) == {"unknown"}
    walk.look(SETTLED)
    assert set(walk.states()) == {"missed"}
    row = walk.rounds()[0]
    assert (row.state, row.ended_at, row.next_look) == ("missed", SETTLED, None)
    assert walk.look(SETTLED + HOUR) == 0


def test_a_scan_told_after_the_round_was_closed_is_annexed_and_changes_nothing(walk: Walk) -> None:
    walk.look(SETTLED)
    scan = walk.scan("gate", TEN, told=SETTLED + HOUR, channel="sync")
    [gate, *_] = walk.shown()["points"]
    assert (gate["state"], gate["annexed"], gate["scan_id"]) == ("missed", True, scan.id)
    assert walk.rounds()[0].state == "missed"
    assert len(facts_of(walk.database, "round.annex")) == 1
    assert facts_of(walk.database, "round.visit") == []


def test_in_contact_a_missed_point_is_told_at_its_edge_while_the_round_goes_on(
    database: Database, site: SmallSite
) -> None:
    walk = make_walk(database, site)
    walk.on_duty(walk.guard)
    walk.route(gate=(0, 10))
    walk.plan()
    edge = TEN + 20 * MINUTE
    walk.scan("garage", TEN)
    walk.heard(edge, edge)
    walk.look(edge)
    assert list(walk.states()) == ["missed", "scanned", "open"]
    assert told(walk, "round.miss") == [[str(walk.guard)]]
    [fact] = facts_of(database, "round.point_missed")
    assert (fact.happened_at, (fact.after or {})["route_code"]) == (edge, "night")
    walk.look(edge + 2 * MINUTE)
    assert told(walk, "round.miss_passed_up") == [[str(walk.supervisor)]]
    # It can still be mended: the guard goes back.
    walk.scan("gate", edge + 5 * MINUTE)
    walk.scan("roof", edge + 6 * MINUTE)
    assert walk.rounds()[0].state == "complete"
    [gate, *_] = walk.shown()["points"]
    assert (gate["state"], gate["off_seconds"]) == ("scanned", 300)


def test_a_missed_point_that_is_visited_in_time_is_passed_up_to_nobody(
    database: Database, site: SmallSite
) -> None:
    walk = make_walk(database, site)
    walk.on_duty(walk.guard)
    walk.route(gate=(0, 10))
    walk.plan()
    edge = TEN + 20 * MINUTE
    walk.scan("garage", TEN)
    walk.heard(edge, edge)
    walk.look(edge)
    walk.scan("gate", edge + MINUTE)
    walk.look(edge + 5 * MINUTE)
    assert told(walk, "round.miss_passed_up") == []


def test_of_a_point_with_our_reader_alone_it_is_known_as_soon_as_ingest_listens(
    walk: Walk,
) -> None:
    with walk.database.write() as session:
        for token in session.scalars(select(CheckpointToken)):
            token.state = "lost"
        row = session.get_one(Checkpoint, walk.points["gate"])
        reader = session.scalars(select(Device.id)).first()
        new = NewToken("fixed_reader", device_id=reader)
        put_token(session, row, new, vault=walk.vault, actor=events.SYSTEM, now=NOON)
        shards.beat(session, "main", END - MINUTE, clean=False)
    walk.look(END)
    assert list(walk.states()) == ["unknown"] * 3
    with walk.database.write() as session:
        shards.beat(session, "main", END + MINUTE, clean=False)
    walk.look(END + MINUTE)
    assert list(walk.states()) == ["missed", "unknown", "unknown"]


def test_contact_only_goes_forward_and_of_several_the_last_to_tell_counts(walk: Walk) -> None:
    other = employ(walk.database, walk.site.id, "guard", name="Li")
    walk.heard(TEN, TEN - MINUTE)
    walk.heard(TEN - HOUR, TEN - HOUR)
    with walk.database.write() as session:
        row = note_contact(session, walk.guard, now=TEN, told_until=TEN + HOUR)
        # Nobody can have told what is not yet.
        assert (row.heard_at, row.told_until) == (TEN, TEN)
        assert known_until(session, [walk.guard]) == TEN
        assert known_until(session, [walk.guard, other]) is None
        assert known_until(session, []) is None


def test_an_excused_point_is_neither_unknown_nor_missed(walk: Walk) -> None:
    walk.scan("gate", TEN)
    with walk.database.write() as session:
        boss = walk.caller(walk.supervisor)
        excuse_point(session, boss, walk.first, 2, "The roof is locked for works", now=TEN)
    walk.look(SETTLED)
    assert list(walk.states()) == ["scanned", "missed", "excused"]
    assert walk.rounds()[0].state == "incomplete"


def test_a_point_whose_checkpoint_went_out_of_use_is_excused(walk: Walk) -> None:
    walk.scan("gate", TEN)
    walk.scan("roof", TEN)
    with walk.database.write() as session:
        row = session.get_one(Checkpoint, walk.points["garage"])
        retire_checkpoint(session, row, actor=events.SYSTEM, now=TEN)
    walk.heard(END, END)
    walk.look(END)
    assert list(walk.states()) == ["scanned", "excused", "scanned"]
    assert walk.rounds()[0].state == "complete"
    assert told(walk, "round.miss") == []


def test_notices_say_which_round_and_when(walk: Walk) -> None:
    walk.look(BEGIN_BY)
    with walk.database.write() as session:
        [fact] = session.scalars(
            select(events.Event).where(events.Event.kind == "round.late")
        ).all()
        take_up(session, [fact], now=BEGIN_BY)
        [notice] = session.scalars(select(Notice)).all()
        assert (notice.person_id, notice.kind, notice.urgency) == (
            walk.guard,
            "round.late",
            "urgent",
        )
        assert notice.facts["place"]["en"].endswith("· Night round")
        assert notice.facts["when"] == "2026-11-24 22:00 – 23:10"


def test_one_round_that_is_late_says_nothing_of_its_points_until_it_is_begun(walk: Walk) -> None:
    walk.look(BEGIN_BY)
    walk.heard(END, END)
    walk.look(END)
    assert set(walk.states()) == {"missed"}
    assert told(walk, "round.miss") == []
    assert len(told(walk, "round.late")) == 1
    assert walk.rounds()[0].state == "missed"
    assert len(facts_of(walk.database, "round.point_missed")) == len(CODES)


def test_at_the_end_of_a_round_both_are_told_of_what_is_missed(walk: Walk) -> None:
    walk.scan("gate", TEN)
    walk.heard(END, END)
    walk.look(END)
    assert told(walk, "round.miss") == [[str(walk.guard)]]
    assert told(walk, "round.miss_passed_up") == [[str(walk.supervisor)]]
    assert walk.rounds()[0].state == "incomplete"


def test_the_phone_of_the_next_shift_does_not_speak_for_that_of_the_round(
    database: Database, site: SmallSite
) -> None:
    walk = make_walk(database, site)
    relief = employ(database, site.id, "guard", name="Li")
    walk.on_duty(walk.guard, TEN - 2 * HOUR, 3)
    walk.on_duty(relief, TEN + HOUR, 8)
    walk.route()
    walk.plan(tolerance_min=0)
    end = TEN + HOUR
    walk.look(end)
    with database.write() as session:
        note_contact(session, relief, now=end + MINUTE, told_until=end + MINUTE)
    walk.look(end + MINUTE)
    assert set(walk.states()) == {"unknown"}
    # Who was on duty went the whole round, and says so when there is a signal.
    for number, code in enumerate(CODES):
        walk.scan(code, TEN + number * MINUTE, told=end + HOUR, channel="sync")
    assert walk.rounds()[0].state == "complete"


def test_a_phone_does_not_speak_for_readers_whose_messages_still_wait(walk: Walk) -> None:
    with walk.database.write() as session:
        row = session.get_one(Checkpoint, walk.points["gate"])
        new = NewToken("fixed_reader", device_id=session.scalars(select(Device.id)).first())
        put_token(session, row, new, vault=walk.vault, actor=events.SYSTEM, now=NOON)
        shards.beat(session, "main", END - MINUTE, clean=False)
    walk.heard(END, END)
    walk.look(END)
    assert list(walk.states()) == ["unknown", "missed", "missed"]
    with walk.database.write() as session:
        shards.beat(session, "main", END, clean=False)
    walk.look(END + MINUTE)
    assert set(walk.states()) == {"missed"}


def test_a_round_that_nobody_began_is_not_told_of_when_it_is_over(walk: Walk) -> None:
    walk.look(END)
    assert told(walk, "round.late") == []


def test_after_an_absence_of_ours_nothing_settles_before_others_could_tell(walk: Walk) -> None:
    back = SETTLED + HOUR
    with walk.database.write() as session:
        wait_after_absence(session, now=back)
    walk.look(back)
    assert set(walk.states()) == {"unknown"}
    walk.look(back + AFTER_ABSENCE)
    assert set(walk.states()) == {"missed"}


def test_a_point_whose_asset_is_no_checkpoint_any_more_is_excused(walk: Walk) -> None:
    walk.scan("gate", TEN)
    with walk.database.write() as session:
        session.get_one(Asset, walk.points["garage"]).type = "door"
    walk.heard(END, END)
    walk.look(END)
    assert list(walk.states()) == ["scanned", "excused", "missed"]


def test_scans_looks_and_excuses_at_the_same_moment_hold_nobody_up(walk: Walk) -> None:
    boss = walk.caller(walk.supervisor)
    walk.heard(END, END)

    def work(number: int) -> None:
        if number < len(CODES):
            walk.scan(CODES[number], TEN + MINUTE, told=END, channel="sync")
        elif number == len(CODES):
            with walk.database.write() as session, suppress(Conflict):
                excuse_point(session, boss, walk.first, 0, "locked", now=END)
        else:
            walk.look(END)

    in_threads(len(CODES) + 3, work)
    walk.look(END + MINUTE)
    assert walk.rounds()[0].state in ("complete", "missed", "incomplete")
    assert "unknown" not in walk.states()
    assert len(facts_of(walk.database, "scan.record")) == len(CODES)
