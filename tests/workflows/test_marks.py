"""Marks: made when a round is over, answered by whom they are about, decided by another."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from core import events
from core.db import Database
from core.errors import Conflict, Invalid, NotAllowed, NotFound, Stale
from core.ids import new_id
from core.paging import Wish
from core.personal import destroy_keys
from tests.fixtures import SmallSite
from tests.guard_phone import GuardPhone
from tests.workflows.conftest import employ, facts_of
from tests.workflows.phoned import colleague, make_phoned
from tests.workflows.walked import CODES, MINUTE, TEN, Walk, make_walk, uid_of
from workflows.notifications.model import Notice
from workflows.notifications.taking_up import take_up
from workflows.patrol import Checkpoint, Scan
from workflows.patrol.honesty import (
    MarkFilter,
    answer_mark,
    check_round,
    decide_mark,
    describe_mark,
    gathering,
    list_marks,
    look_into,
    rounds_to_check,
)
from workflows.patrol.honesty.gathering import gather
from workflows.patrol.journal.model import GuardFile
from workflows.patrol.phones.model import Phone
from workflows.patrol.reports.model import GuardReport
from workflows.patrol.rounds import Round

HOUR = timedelta(hours=1)


@pytest.fixture
def walk(database: Database, site: SmallSite) -> Walk:
    """A round through three checkpoints that lie 500 m from each other."""
    made = make_walk(database, site)
    with database.write() as session:
        for number, code in enumerate(CODES):
            row = session.get_one(Checkpoint, made.points[code])
            row.latitude, row.longitude, row.radius_m = 31.2 + number * 0.0045, 121.5, 30.0
    made.route()
    made.plan("22:00")
    return made


def hurried(walk: Walk, seconds: int = 10) -> None:
    for number, code in enumerate(CODES):
        walk.scan(code, TEN + timedelta(seconds=seconds * number))


def check(walk: Walk, now: Any) -> int:
    with walk.database.read() as session:
        due = rounds_to_check(session, now=now)
    made = 0
    for round_id in due:
        with walk.database.write() as session:
            made += check_round(session, round_id, now=now, actor=events.SYSTEM)
    return made


def marks(walk: Walk, person: UUID | None = None, **wanted: Any) -> list[dict[str, Any]]:
    with walk.database.read() as session:
        caller = walk.caller(person or walk.supervisor)
        return list(list_marks(session, caller, MarkFilter(**wanted), Wish()).items)


def test_a_hurried_round_is_marked_once_and_stays_as_it_is(walk: Walk) -> None:
    hurried(walk)
    now = TEN + MINUTE
    assert walk.shown()["state"] == "complete"
    assert check(walk, now) == 1
    (mark,) = marks(walk)
    assert (mark["kind"], mark["state"], mark["person_id"]) == ("speed", "open", walk.guard)
    assert mark["evidence"][0]["legs"][0]["metres"] == 500
    assert walk.states() == ["scanned"] * 3
    assert check(walk, now) == 0
    # Once more when what came after it is known, and never again.
    assert check(walk, TEN + 40 * HOUR) == 0
    assert marks(walk) == [mark]
    with walk.database.read() as session:
        assert session.get_one(Round, walk.first).next_check is None
    (made,) = facts_of(walk.database, "patrol_mark.make")
    assert made.after is not None
    assert made.after["people"] == [str(walk.guard)]


def test_an_honest_round_is_left_alone(walk: Walk) -> None:
    hurried(walk, seconds=600)
    assert check(walk, TEN + HOUR) == 0
    assert marks(walk) == []


def put_photo(
    walk: Walk, phone: UUID, digest: str, at: datetime, round_id: UUID | None = None, **more: Any
) -> UUID:
    """A report of the guard with a photo of these bytes; returns the id of the photo."""
    report = GuardReport(
        id=new_id(),
        site_id=walk.site.id,
        phone_id=phone,
        seq=1,
        person_id=walk.guard,
        kind="observation",
        choice="open_door",
        round_id=round_id,
        checks={},
        occurred_at=at,
        received_at=at,
    )
    photo = GuardFile(
        id=new_id(),
        site_id=walk.site.id,
        phone_id=phone,
        seq=2,
        person_id=walk.guard,
        what="photo",
        sha256=digest,
        size=9,
        taken_at=at,
        told_at=at,
        report_id=report.id,
        **{"state": "complete", **more},
    )
    with walk.database.write() as session:
        session.add(report)
        session.flush()
        session.add(photo)
    return photo.id


def test_a_photo_of_an_earlier_report_is_asked_about(walk: Walk) -> None:
    phone = Phone(id=new_id(), site_id=walk.site.id, kind="post", label="Gate", key={}, browser="")
    phone.app, phone.enrolled_at, phone.heard_at, phone.head_hash = "", TEN, TEN, "0" * 64
    with walk.database.write() as session:
        session.add(phone)
    hurried(walk, seconds=600)
    before = put_photo(walk, phone.id, "a" * 64, TEN - 24 * HOUR)
    copied = put_photo(walk, phone.id, "a" * 64, TEN + MINUTE, walk.first)
    other = employ(walk.database, walk.site.id, "guard", "Zhou")
    with walk.database.write() as session:
        session.get_one(GuardFile, copied).person_id = other
    put_photo(walk, phone.id, "b" * 64, TEN + 2 * MINUTE, walk.first)
    # Only announced: its hash is nothing but the phone's word.
    put_photo(walk, phone.id, "c" * 64, TEN - 24 * HOUR, state="waiting")
    put_photo(walk, phone.id, "c" * 64, TEN + 3 * MINUTE, walk.first)
    assert check(walk, TEN + HOUR) == 1
    (mark,) = marks(walk)
    assert (mark["kind"], mark["person_id"]) == ("photo", other)
    (shown,) = mark["evidence"][0]["pictures"]
    assert {str(copied), str(before)} <= set(map(str, shown.values()))


def test_a_second_copied_photo_is_added_to_the_mark_that_stands(walk: Walk) -> None:
    phone = Phone(id=new_id(), site_id=walk.site.id, kind="post", label="Gate", key={}, browser="")
    phone.app, phone.enrolled_at, phone.heard_at, phone.head_hash = "", TEN, TEN, "0" * 64
    with walk.database.write() as session:
        session.add(phone)
    hurried(walk, seconds=600)
    for digest in ("a", "b"):
        put_photo(walk, phone.id, digest * 64, TEN - 24 * HOUR)
    first = put_photo(walk, phone.id, "a" * 64, TEN + MINUTE, walk.first)
    assert check(walk, TEN + HOUR) == 1
    second = put_photo(walk, phone.id, "b" * 64, TEN + 2 * MINUTE, walk.first)
    later = TEN + 40 * HOUR
    assert check(walk, later) == 1
    (mark,) = marks(walk)
    asked = [one["picture"] for each in mark["evidence"] for one in each["pictures"]]
    assert {str(first), str(second)} <= set(map(str, asked))
    assert len(facts_of(walk.database, "patrol_mark.extend")) == 1
    with walk.database.write() as session:
        session.get_one(Round, walk.first).next_check = later
    assert check(walk, later) == 0


def test_whoever_is_asked_is_told_and_led_there(walk: Walk) -> None:
    hurried(walk)
    check(walk, TEN + MINUTE)
    (mark,) = marks(walk)
    with walk.database.write() as session:
        facts = [one for one in facts_of(walk.database, "patrol_mark.make")]
        take_up(session, facts, now=TEN + MINUTE)
    with walk.database.read() as session:
        (notice,) = session.scalars(select(Notice)).all()
    assert (notice.person_id, notice.urgency) == (walk.guard, "normal")
    assert notice.facts["mark"] == str(mark["id"])


def test_what_is_annexed_has_the_round_looked_at_again(walk: Walk) -> None:
    walk.scan("gate", TEN)
    over = TEN + 40 * HOUR
    walk.look(over)
    assert walk.shown()["state"] == "incomplete"
    assert check(walk, over) == 0
    with walk.database.read() as session:
        assert rounds_to_check(session, now=over + HOUR) == []
    late = over + 2 * HOUR
    for code, seconds in (("garage", 10), ("roof", 20)):
        walk.scan(code, TEN + timedelta(seconds=seconds), told=late, channel="sync")
    assert check(walk, late) == 1
    assert {mark["kind"] for mark in marks(walk)} == {"speed"}


def test_more_is_added_until_it_is_decided(walk: Walk) -> None:
    for code, seconds in (("gate", 0), ("garage", 10)):
        walk.scan(code, TEN + timedelta(seconds=seconds))
    over = TEN + 40 * HOUR
    walk.look(over)
    assert check(walk, over) == 1
    walk.scan("roof", TEN + timedelta(seconds=20), told=over, channel="sync")
    assert check(walk, over) == 1
    (mark,) = marks(walk)
    assert len(mark["scans"]) == 3
    assert len(facts_of(walk.database, "patrol_mark.extend")) == 1


def test_the_guard_answers_and_the_supervisor_decides(walk: Walk) -> None:
    hurried(walk)
    check(walk, TEN + MINUTE)
    (mark,) = marks(walk, walk.guard)
    database, now = walk.database, TEN + HOUR
    guard, supervisor = walk.caller(walk.guard), walk.caller(walk.supervisor)
    with database.write() as session, pytest.raises(Invalid, match="nothing"):
        answer_mark(session, guard, mark["id"], "  ", now=now)
    with database.write() as session, pytest.raises(NotAllowed, match="only whoever"):
        answer_mark(session, supervisor, mark["id"], "He was there", now=now)
    with database.write() as session:
        answer_mark(session, guard, mark["id"], "我坐了保洁的电瓶车", now=now)
    with database.write() as session, pytest.raises(Conflict):
        answer_mark(session, guard, mark["id"], "Once more", now=now)
    with database.write() as session, pytest.raises(NotAllowed):
        decide_mark(session, guard, mark["id"], "dismiss", "It was me", now=now)
    with database.write() as session, pytest.raises(Stale):
        decide_mark(session, supervisor, mark["id"], "uphold", "x", now=now, expected_version=1)
    with database.write() as session, pytest.raises(Invalid, match="nothing was decided"):
        decide_mark(session, supervisor, mark["id"], "forget", "x", now=now)
    with database.write() as session:
        decide_mark(session, supervisor, mark["id"], "dismiss", "The camera shows it", now=now)
    with database.write() as session, pytest.raises(Conflict):
        decide_mark(session, supervisor, mark["id"], "uphold", "No", now=now)
    with database.read() as session:
        shown = describe_mark(session, guard, mark["id"])
    assert (shown["state"], shown["answer"]) == ("dismissed", "我坐了保洁的电瓶车")
    assert (shown["reason"], shown["decided_by"]) == ("The camera shows it", walk.supervisor)
    assert [scan["code"] for scan in shown["shown"]] == list(CODES)
    # Decided, it stays; the words are nobody's once the guard is erased, the figures remain.
    walk.scan("gate", TEN + 5 * MINUTE, told=now)
    assert check(walk, TEN + 40 * HOUR) == 0
    for fact in facts_of(database, "patrol_mark.answer"):
        assert "电瓶车" not in str(fact.after)
    with database.write() as session:
        destroy_keys(session, [walk.guard])
    (mark,) = marks(walk)
    assert (mark["state"], mark["answer"], mark["reason"]) == ("dismissed", None, None)


def test_a_supervisor_does_not_decide_about_themselves(walk: Walk) -> None:
    for number, code in enumerate(CODES):
        walk.scan(code, TEN + timedelta(seconds=number), person=walk.supervisor)
    check(walk, TEN + MINUTE)
    (mark,) = marks(walk)
    assert mark["person_id"] == walk.supervisor
    caller = walk.caller(walk.supervisor)
    with walk.database.write() as session, pytest.raises(NotAllowed, match="themselves"):
        decide_mark(session, caller, mark["id"], "dismiss", "All well", now=TEN + HOUR)


def test_colleagues_see_no_marks_of_each_other(walk: Walk) -> None:
    hurried(walk)
    check(walk, TEN + MINUTE)
    other = employ(walk.database, walk.site.id, "guard")
    assert marks(walk, other) == []
    (mark,) = marks(walk, walk.guard, state="undecided", kind="speed")
    assert marks(walk, walk.guard, state="upheld") == []
    with walk.database.read() as session, pytest.raises(NotFound):
        describe_mark(session, walk.caller(other), mark["id"])
    with walk.database.read() as session, pytest.raises(Invalid, match="no such list"):
        list_marks(session, walk.caller(other), MarkFilter(kind="odd"), Wish())


def test_a_crew_that_shares_the_phone_of_its_post_is_not_asked_about_it(
    database: Database, site: SmallSite
) -> None:
    phoned = make_phoned(database, site)
    guards = (phoned.walk.guard, colleague(phoned), phoned.walk.guard)
    for who in guards[:2]:
        phoned.online(who, TEN)
    for number, (code, who) in enumerate(zip(CODES, guards, strict=True)):
        at = TEN + 10 * number * MINUTE
        phoned.phone.sign_in(who, at)
        phoned.phone.scan(uid_of(code), at + MINUTE)
    phoned.hand_in(TEN + HOUR)
    assert phoned.walk.shown()["state"] == "complete"
    check(phoned.walk, TEN + HOUR)
    assert marks(phoned.walk) == []
    with database.read() as session:
        (first, *_) = gather(session, session.get_one(Round, phoned.walk.first)).touches
    assert (first.post, first.sequence, first.boot) == (True, 2, phoned.phone.boot)
    assert first.uptime == int((TEN + MINUTE).timestamp()) % 10**9


def test_a_clock_that_is_wrong_all_the_time_is_no_question(
    database: Database, site: SmallSite
) -> None:
    phoned = make_phoned(database, site)
    phoned.phone.clock_ahead = 20 * MINUTE
    phoned.enter(phoned.walk.guard, TEN - 5 * HOUR)
    for hours in (4, 3, 2):
        phoned.phone.scan(uid_of("gate"), TEN - hours * HOUR)
        phoned.hand_in(TEN - hours * HOUR, phoned.row().accepted + 1)
    for number, code in enumerate(CODES):
        # Started anew in a basement, it does not know how far it is off until it hears of us.
        phoned.phone.knows_offset = number > 0
        phoned.phone.scan(uid_of(code), TEN + (10 * number + 1) * MINUTE)
    phoned.hand_in(TEN + HOUR, phoned.row().accepted + 1)
    assert phoned.walk.shown()["state"] == "complete"
    check(phoned.walk, TEN + HOUR)
    assert marks(phoned.walk) == []


def test_a_personal_phone_is_whose_it_was_set_up_for_however_little_they_scanned(
    database: Database, site: SmallSite
) -> None:
    phoned, own = make_phoned(database, site), GuardPhone()
    guard = phoned.walk.guard
    phoned.enrol(own, kind="personal", person=guard)
    for phone in (own, phoned.phone):
        phoned.enter(guard, TEN, phone)
    for minute, (code, phone) in enumerate(zip(CODES, (own, phoned.phone, own), strict=True), 1):
        phone.scan(uid_of(code), TEN + minute * MINUTE)
    for phone in (own, phoned.phone):
        phoned.hand_in(TEN + 5 * MINUTE, phone=phone)
    with database.read() as session:
        owners = gather(session, session.get_one(Round, phoned.walk.first)).owners
    assert owners == {own.id: guard}


def test_nobody_decides_about_scans_of_their_own(walk: Walk) -> None:
    hurried(walk)
    check(walk, TEN + MINUTE)
    (mark,) = marks(walk)
    supervisor, other = walk.caller(walk.supervisor), employ(walk.database, walk.site.id, "manager")
    with walk.database.write() as session:
        session.get_one(Scan, UUID(mark["scans"][0])).person_id = walk.supervisor
    now = TEN + HOUR
    with walk.database.write() as session, pytest.raises(NotAllowed, match="about themselves"):
        decide_mark(session, supervisor, mark["id"], "dismiss", "It was me", now=now)
    with walk.database.write() as session:
        decide_mark(session, walk.caller(other), mark["id"], "dismiss", "A lift", now=now)


def test_clocks_are_known_from_around_a_round_however_busy_a_site_is(
    database: Database, site: SmallSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gathering, "_MOST_LEARNED", 6)
    phoned = make_phoned(database, site)
    phoned.phone.knows_offset = False
    for hours in range(6):
        phoned.walk.scan("roof", TEN - (90 + hours) * HOUR)
    phoned.enter(phoned.walk.guard, TEN - 5 * HOUR)
    moments = [TEN + hours * HOUR for hours in (-4, -3, -2, 2, 3, 4)]
    moments += [TEN + MINUTE * minute for minute in (1, 11, 21)]
    for at, code in zip(sorted(moments), [*["gate"] * 3, *CODES, *["gate"] * 3], strict=True):
        phoned.phone.scan(uid_of(code), at)
        phoned.hand_in(at, phoned.row().accepted + 1)
    with database.read() as session:
        case = gather(session, session.get_one(Round, phoned.walk.first))
    assert (len(case.touches), set(case.usual), set(case.later)) == (
        3,
        {phoned.phone.id},
        {phoned.phone.id},
    )


def test_what_was_annexed_since_a_round_was_looked_into_is_looked_at(walk: Walk) -> None:
    walk.scan("gate", TEN)
    over = TEN + 40 * HOUR
    walk.look(over)
    with walk.database.read() as session:
        looked = look_into(session, walk.first)
        assert looked is not None
        assert look_into(session, walk.plan_id) is None
    walk.scan("garage", TEN + timedelta(seconds=10), told=over, channel="sync")
    with walk.database.write() as session:
        made = check_round(session, walk.first, now=over, actor=events.SYSTEM, looked=looked)
    assert made == 1
