"""When entries of journals were, by whatever clocks, and by whose rights at that time."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from core import events
from core.db import Database
from tests.fixtures import NOON, SmallSite
from tests.guard_phone import GuardPhone
from tests.workflows.phoned import Phoned, leave, lose_roles, make_phoned
from tests.workflows.test_journal import scans, told_until
from tests.workflows.walked import CODES, MINUTE, TEN, uid_of
from workflows.patrol import lone
from workflows.tickets import Ticket

HOUR = timedelta(hours=1)
ON_ONE_ENGINE = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


@pytest.fixture
def phoned(database: Database, site: SmallSite) -> Phoned:
    return make_phoned(database, site)


# --- Rights --------------------------------------------------------------------------------------


@pytest.mark.parametrize("go", [leave, lose_roles])
def test_a_shift_that_arrives_after_its_guard_has_left_counts_up_to_then_and_no_further(
    phoned: Phoned, go: Callable[[Phoned, UUID, datetime], None]
) -> None:
    phone, guard = phoned.phone, phoned.walk.guard
    phoned.enter(guard, TEN)
    phone.note("round_start", TEN + MINUTE, round=str(phoned.walk.first))
    for minute, code in enumerate(CODES, 2):
        phone.scan(uid_of(code), TEN + minute * MINUTE)
    phone.note("report", TEN + 8 * MINUTE, choice="leak", files=[])
    go(phoned, guard, TEN + 10 * MINUTE)
    phone.scan(uid_of("gate"), TEN + 10 * MINUTE)
    phone.note("report", TEN + 11 * MINUTE, choice="leak", files=[])
    phone.sign_in(guard, TEN + 12 * MINUTE, by="offline")
    phoned.hand_in(TEN + 20 * HOUR)
    assert [verdict for _, verdict, _ in phoned.verdicts()] == ["accepted"] * 6 + ["refused"] * 3
    assert {reason for _, _, reason in phoned.verdicts()[6:]} == {"not_allowed"}
    assert phoned.walk.shown()["state"] == "complete"
    assert {tuple(row.marks) for row in phoned.told()[:6]} == {("left_since",)}


def test_who_lost_the_right_is_heard_within_their_last_sign_in_with_signal_alone(
    phoned: Phoned,
) -> None:
    guard = phoned.walk.guard
    phoned.enter(guard, TEN)
    phoned.phone.scan(uid_of("gate"), TEN + 11 * HOUR)
    phoned.phone.scan(uid_of("gate"), TEN + 13 * HOUR)
    lose_roles(phoned, guard, TEN + 14 * HOUR)
    phoned.hand_in(TEN + 15 * HOUR)
    assert [reason for _, _, reason in phoned.verdicts()] == [None, None, "not_allowed"]


def test_who_was_dismissed_gains_nothing_by_setting_the_clock_back(phoned: Phoned) -> None:
    guard, phone = phoned.walk.guard, phoned.phone
    phoned.enter(guard, TEN)
    phoned.hand_in(TEN + MINUTE)
    leave(phoned, guard, TEN + 2 * HOUR)
    phone.note("battery", TEN + 3 * HOUR, percent=40, charging=False)
    # Back by three hours, in a new start of the app, and right again before it is handed in.
    phone.boot, phone.knows_offset, phone.clock_ahead = "boot-2", False, -3 * HOUR
    phone.scan(uid_of("gate"), TEN + 4 * HOUR)
    phone.boot, phone.clock_ahead = "boot-3", timedelta(0)
    phoned.hand_in(TEN + 5 * HOUR)
    assert phoned.verdicts()[-1] == ("scan", "refused", "not_allowed")
    assert phoned.told()[-1].marks == ["clock_unsure", "clock_back"]


# --- Clocks --------------------------------------------------------------------------------------


def test_what_waited_under_a_clock_that_is_ahead_is_not_online(phoned: Phoned) -> None:
    phoned.enter(phoned.walk.guard, TEN)
    phoned.phone.clock_ahead, phoned.phone.knows_offset = 40 * MINUTE, False
    phoned.phone.scan(uid_of("gate"), TEN + MINUTE)
    phoned.hand_in(TEN + 31 * MINUTE)
    assert [scan.channel for scan in scans(phoned)] == ["sync"]
    # Its steady clock says that nobody has set the other one since.
    assert scans(phoned)[0].occurred_at == TEN + MINUTE
    assert scans(phoned)[0].evidence["clock_offset_ms"] == -40 * 60_000


def test_a_time_that_nobody_can_know_is_marked_and_never_online(phoned: Phoned) -> None:
    phoned.enter(phoned.walk.guard, TEN)
    phoned.phone.clock_ahead, phoned.phone.knows_offset = 30 * MINUTE, False
    phoned.phone.scan(uid_of("gate"), TEN + MINUTE)
    # Started anew since; what its clock shows now needs not be what it showed then.
    phoned.hand_in(TEN + 31 * MINUTE, boot="boot-2")
    [scan] = scans(phoned)
    assert (scan.channel, scan.occurred_at) == ("sync", TEN + 31 * MINUTE)
    assert scan.evidence["clock_unsure"] is True
    assert phoned.told()[1].marks == ["clock_unsure", "clock_set"]


def test_a_clock_that_is_off_as_it_was_before_is_reckoned_with_across_starts(
    phoned: Phoned,
) -> None:
    phone = phoned.phone
    phone.clock_ahead = 3 * HOUR
    phoned.enter(phoned.walk.guard, TEN)
    phoned.hand_in(TEN + MINUTE)
    phone.boot, phone.knows_offset = "boot-2", False
    phone.scan(uid_of("gate"), TEN + 2 * MINUTE)
    phone.boot = "boot-3"
    phoned.hand_in(TEN + 30 * MINUTE)
    assert [scan.occurred_at for scan in scans(phoned)] == [TEN + 2 * MINUTE]
    assert phoned.told()[-1].marks == []


@ON_ONE_ENGINE
def test_a_phone_that_began_in_1970_tells_for_whoever_signed_in_on_it(phoned: Phoned) -> None:
    guard, phone = phoned.walk.guard, phoned.phone
    phoned.enter(guard, TEN)
    phone.note("sign_out", TEN + MINUTE, why="self")
    phoned.hand_in(TEN + MINUTE)
    # Its battery was empty; whoever signs in then has no signal.
    phone.boot, phone.knows_offset = "boot-2", False
    phone.clock_ahead = datetime(1970, 1, 1, tzinfo=UTC) - TEN
    phone.sign_in(guard, TEN + 2 * MINUTE, by="offline")
    phone.scan(uid_of("gate"), TEN + 3 * MINUTE)
    phone.boot = "boot-3"
    phoned.hand_in(TEN + 5 * MINUTE)
    assert {"clock_unsure", "clock_back"} < set(phoned.told()[2].marks)
    assert told_until(phoned, guard) == TEN + 5 * MINUTE


@ON_ONE_ENGINE
def test_what_is_reported_by_a_clock_that_is_ahead_did_not_happen_later_than_now(
    phoned: Phoned,
) -> None:
    phoned.enter(phoned.walk.guard, TEN)
    phoned.phone.clock_ahead, phoned.phone.knows_offset = 3 * HOUR, False
    phoned.phone.note("report", TEN + MINUTE, choice="leak", files=[])
    phoned.hand_in(TEN + 2 * MINUTE, boot="boot-2")
    assert "clock_unsure" in phoned.told()[-1].marks
    with phoned.database.read() as session:
        assert session.scalars(select(Ticket)).one().happened_at == TEN + 2 * MINUTE


@ON_ONE_ENGINE
def test_a_clock_that_was_set_back_is_reckoned_with_by_the_steady_one(phoned: Phoned) -> None:
    guard, phone = phoned.walk.guard, phoned.phone
    phoned.enter(guard, TEN)
    phoned.hand_in(TEN + MINUTE)
    phone.boot, phone.knows_offset, phone.clock_ahead = "boot-2", False, -300 * HOUR
    phone.scan(uid_of("gate"), TEN + 3 * MINUTE)
    # The app goes on running until there is signal.
    phoned.hand_in(TEN + 5 * MINUTE)
    assert [scan.occurred_at for scan in scans(phoned)] == [TEN + 3 * MINUTE]
    assert phoned.told()[-1].marks == ["clock_back"]


def test_a_wrong_clock_is_reckoned_with_and_one_that_is_set_is_marked(phoned: Phoned) -> None:
    phone = phoned.phone
    phone.clock_ahead = timedelta(hours=3)
    phoned.enter(phoned.walk.guard, TEN)
    phone.scan(uid_of("gate"), TEN + MINUTE)
    phone.clock_ahead = timedelta(hours=1)
    phone.scan(uid_of("garage"), TEN + 3 * MINUTE)
    phone.boot, phone.clock_ahead = "boot-2", timedelta(minutes=-1)
    phone.scan(uid_of("roof"), TEN + 4 * MINUTE)
    phone.boot, phone.knows_offset = "boot-3", False
    phone.note("battery", TEN + 5 * MINUTE, percent=50, charging=False)
    phoned.hand_in(TEN + 6 * MINUTE)
    assert [scan.occurred_at for scan in scans(phoned)] == [
        TEN + MINUTE * minute for minute in (1, 3, 4)
    ]
    assert scans(phoned)[0].evidence["clock_offset_ms"] == -3 * 3600 * 1000
    assert [row.marks for row in phoned.told()] == [[], [], ["clock_set"], ["clock_back"], []]
    assert phoned.told()[-1].occurred_at == TEN + 5 * MINUTE
    # How far it is off is known anew with everything that is handed in.
    assert phoned.row().offset_ms == 60_000


@pytest.mark.parametrize("told", [True, False])
def test_a_phone_that_lost_its_clock_with_its_battery_loses_nothing_that_it_recorded(
    phoned: Phoned, told: bool
) -> None:
    phone = phoned.phone
    phoned.online(phoned.walk.guard, TEN)
    phone.clock_ahead, phone.knows_offset = datetime(1970, 1, 1, 0, 1, tzinfo=UTC) - TEN, False
    phone.sign_in(phoned.walk.guard, TEN, by="offline")
    phone.scan(uid_of("gate"), TEN + MINUTE)
    phone.knows_offset = True
    phone.scan(uid_of("garage"), TEN + 3 * MINUTE)
    # told: whether it says what its steady clock shows as it hands in.
    phoned.hand_in(TEN + 4 * MINUTE, boot=phone.boot if told else "")
    assert [verdict for _, verdict, _ in phoned.verdicts()] == ["accepted"] * 3
    assert [scan.occurred_at.year for scan in scans(phoned)] == [
        TEN.year if told else 1970,
        TEN.year,
    ]
    assert scans(phoned)[1].occurred_at == TEN + 3 * MINUTE
    assert phoned.walk.states() == ["scanned" if told else "open", "scanned", "open"]


def test_a_sign_in_of_the_future_is_not_waited_for_without_end(phoned: Phoned) -> None:
    guard, lost = phoned.walk.guard, phoned.phone
    lost.clock_ahead, lost.knows_offset = timedelta(days=400), False
    phoned.enter(guard, TEN)
    phoned.hand_in(TEN + MINUTE)
    later, second = TEN + timedelta(days=3), GuardPhone()
    phoned.enrol(second)
    phoned.enter(guard, later, second)
    phoned.hand_in(later + MINUTE, phone=second)
    assert told_until(phoned, guard) == later + MINUTE
    assert [row.verdict for row in phoned.told()] == ["accepted"] * 2


# --- What follows from when it was ---------------------------------------------------------------


def test_a_request_that_was_under_way_for_long_tells_no_more_than_when_it_was_sent(
    phoned: Phoned,
) -> None:
    guard = phoned.walk.guard
    phoned.enter(guard, TEN)
    phoned.phone.note("round_start", TEN, round=str(phoned.walk.first))
    phoned.hand_in(TEN + MINUTE)
    sent, came = TEN + 55 * MINUTE, TEN + 64 * MINUTE
    phoned.phone.scan(uid_of("gate"), sent + MINUTE)
    late: dict[str, Any] = {"asked_at": sent, "sent_at": sent, "head": 2}
    phoned.hand_in(came, phoned.phone.head + 1, **late)
    assert told_until(phoned, guard) == sent
    phoned.walk.look(came)
    assert "missed" not in phoned.walk.states()
    # What comes behind it was sent later, and what overtook it is not taken back.
    phoned.hand_in(came + MINUTE, 3, asked_at=came + MINUTE)
    phoned.hand_in(came + 2 * MINUTE, 4, **late)
    assert told_until(phoned, guard) == came + MINUTE
    # A clock that is ahead tells of no time to come.
    phoned.hand_in(came + 3 * MINUTE, 4, asked_at=came + 9 * MINUTE)
    assert told_until(phoned, guard) == came + 3 * MINUTE
    phoned.walk.look(came + 4 * MINUTE)
    assert phoned.walk.states()[0] == "scanned"


@pytest.mark.parametrize("restarted", [False, True])
def test_a_clock_that_is_ahead_makes_nobody_look_well_for_longer(
    phoned: Phoned, restarted: bool
) -> None:
    guard, phone = phoned.walk.guard, phoned.phone
    draft = lone.LoneDraft("security", 30)
    with phoned.database.write() as session:
        plan_id = lone.create_lone_plan(
            session, phoned.walk.site.id, draft, actor=events.SYSTEM, now=NOON
        ).id
        lone.begin_watches(session, plan_id, now=TEN, actor=events.SYSTEM)
    phoned.enter(guard, TEN + MINUTE)
    phoned.hand_in(TEN + 2 * MINUTE)
    phone.boot, phone.knows_offset, phone.clock_ahead = "boot-2", False, 2 * HOUR
    phone.scan(uid_of("gate"), TEN + 5 * MINUTE)
    if restarted:
        phone.boot = "boot-3"
    phoned.hand_in(TEN + 25 * MINUTE)
    look_after(phoned, TEN + 26 * MINUTE)
    caller = phoned.walk.caller(guard)
    with phoned.database.read() as session:
        watch = lone.own_watch(session, caller)
    assert watch is not None
    # Where nobody can know, at least it was after what was told before.
    assert watch["heard_at"] == TEN + (2 if restarted else 5) * MINUTE


def look_after(phoned: Phoned, now: datetime) -> None:
    """Time has passed for everybody who is watched."""
    with phoned.database.write() as session:
        watched = session.scalars(select(lone.LoneWatch.id)).all()
        for watch_id in watched:
            lone.look_after(session, watch_id, now=now, actor=events.SYSTEM)
