"""Where people were goes after its time, their work stays, and cases hold what they need."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select

from core import events
from core.browser_keys import is_signed
from core.clock import SimulatedClock
from core.db import Database
from core.errors import Invalid, NotAllowed, NotFound
from core.ids import new_id
from core.paging import Wish
from jobs.retention import forget_tracks
from jobs.work import Work
from tests.fixtures import SmallSite
from tests.jobs.conftest import make_work
from tests.workflows.conftest import do, employ, facts_of
from tests.workflows.phoned import Phoned, make_phoned
from tests.workflows.walked import CODES, MINUTE, TEN, uid_of
from workflows.patrol import ScanFilter, StaticTag, list_scans, posts, present, sos
from workflows.patrol.honesty.model import PatrolMark
from workflows.patrol.journal.model import GuardFile, GuardFilePiece, JournalEntry, JournalFork
from workflows.patrol.lone.model import LonePlan, LoneWatch
from workflows.patrol.model import Scan
from workflows.patrol.privacy import forgetting
from workflows.patrol.privacy.holding import (
    held_for_tickets,
    hold_track,
    holds_standing,
    release_track,
)
from workflows.patrol.rounds import Round
from workflows.patrol.rounds.model import PatrolContact
from workflows.patrol.sos.model import SosSignal
from workflows.tickets import Draft, Ticket, open_ticket
from workflows.tickets.guard_tasks import GuardOffer, GuardTask

DAY = timedelta(days=1)
# When everything of the night of TEN is older than 30 days.
LATER = TEN + 40 * DAY
HERE = sos.Place(30.25, 120.16, 12.0, 4.0)


@pytest.fixture
def phoned(database: Database, site: SmallSite) -> Phoned:
    """A guard who has gone their round, with what a phone tells beside."""
    made = make_phoned(database, site)
    walk, phone = made.walk, made.phone
    made.enter(walk.guard, TEN)
    for number, code in enumerate(CODES):
        phone.scan(uid_of(code), TEN + (1 + number * 10) * MINUTE)
    phone.note("battery", TEN + 30 * MINUTE, percent=14, charging=False)
    phone.note("gap", TEN + 31 * MINUTE, what="hidden", since=None)
    phone.scan("0400000000", TEN + 32 * MINUTE)
    made.hand_in(TEN + 35 * MINUTE)
    return made


@pytest.fixture
def work(phoned: Phoned, clock: SimulatedClock) -> Work:
    return make_work(phoned.database, clock)


def rows(phoned: Phoned, model: Any) -> list[Any]:
    with phoned.database.read() as session:
        return list(session.scalars(select(model)))


def one_more(phoned: Phoned, *made: Any) -> None:
    with phoned.database.write() as session:
        session.add_all(made)


def ticket(phoned: Phoned, at: datetime) -> tuple[UUID, int]:
    draft = Draft(
        site_id=phoned.walk.site.id,
        kind="incident",
        priority="high",
        title={"en": "Break-in"},
        team="security",
        happened_at=at,
        learned_at=at,
    )
    with phoned.database.write() as session:
        row = open_ticket(session, draft, actor=events.SYSTEM)
        return row.id, row.number


def test_before_its_time_nothing_goes(phoned: Phoned, work: Work) -> None:
    before = [row.evidence for row in rows(phoned, Scan)]
    assert forget_tracks(work, TEN + 30 * DAY) == 0
    assert [row.evidence for row in rows(phoned, Scan)] == before
    assert facts_of(phoned.database, "track.") == []


def test_what_is_left_is_the_record_of_work(phoned: Phoned, work: Work) -> None:
    walk = phoned.walk
    shown = walk.shown()
    assert forget_tracks(work, LATER) > 0
    scans = sorted(rows(phoned, Scan), key=lambda one: one.occurred_at)
    assert [one.verdict for one in scans] == ["accepted"] * 3 + ["unknown"]
    assert [one.person_id for one in scans] == [walk.guard] * 3 + [None]
    assert [one.evidence for one in scans] == [{}] * 4
    assert all(one.coarse_at == LATER for one in scans)
    # The round is what it was: who went it, when, and how well.
    again = walk.shown()
    assert {**again, "heard_at": None} == {**shown, "heard_at": None}
    assert (again["person_id"], again["counts"]["scanned"]) == (walk.guard, 3)
    assert rows(phoned, PatrolContact) == []
    (told,) = facts_of(phoned.database, "track.forget")
    assert told.after == {"scans": 4, "entries": 7, "contacts": 1}
    # Again there is nothing left to do, and nothing to tell.
    assert forget_tracks(work, LATER + DAY) == 0
    assert len(facts_of(phoned.database, "track.forget")) == 1


def test_the_chain_of_a_journal_is_checked_without_its_texts(phoned: Phoned, work: Work) -> None:
    forget_tracks(work, LATER)
    entries = sorted(rows(phoned, JournalEntry), key=lambda one: one.seq)
    assert [one.sealed for one in entries] == [b""] * 7
    assert [one.hash for one in entries] == [phoned.phone.hash_of(n) for n in range(1, 8)]
    signed = f"wk-journal-1\n{phoned.phone.id}\n7\n{entries[-1].hash}"
    assert is_signed(phoned.phone.key, signed, entries[-1].signature or "")
    of_nobody = [one.kind for one in entries if one.person_id is None]
    assert of_nobody == ["battery", "gap"]
    # The phone hands in the same once more: it is known by its hashes, and changes nothing.
    taken = phoned.hand_in(LATER)
    assert [one.verdict for one in taken.entries][1:4] == ["accepted"] * 3
    assert len(rows(phoned, Scan)) == 4
    # And goes on where it was.
    phoned.enter(phoned.walk.guard, LATER)
    assert phoned.hand_in(LATER + MINUTE, 8).entries[-1].verdict == "accepted"


def test_what_a_gateway_heard_and_nothing_counted_goes_altogether(
    phoned: Phoned, work: Work
) -> None:
    about = {
        "site_id": phoned.walk.site.id,
        "checkpoint_id": phoned.walk.points["gate"],
        "person_id": phoned.walk.guard,
        "occurred_at": TEN,
        "received_at": TEN,
        "channel": "mqtt",
        "kind": "beacon",
        "grade": "weak",
        "verdict": "accepted",
        "evidence": {"dbm": -60},
        "fingerprint": "",
    }
    one_more(phoned, *(Scan(id=new_id(), **about) for _ in range(3)))
    heard = [one for one in rows(phoned, Scan) if one.kind == "beacon"]
    with phoned.database.write() as session:
        point = session.scalars(select(posts.PostDuty)).first()
        assert point is None
        _at_a_post(phoned, session, heard[0].id)
    ticket_id, _ = ticket(phoned, TEN)
    task = {"site_id": phoned.walk.site.id, "state": "over", "began_at": TEN, "reason": ""}
    one_more(phoned, GuardTask(id=ticket_id, scan_id=heard[1].id, **task))
    forget_tracks(work, LATER)
    left = {one.id: one for one in rows(phoned, Scan) if one.kind == "beacon"}
    assert set(left) == {heard[0].id, heard[1].id}
    assert {(one.person_id, str(one.evidence)) for one in left.values()} == {
        (phoned.walk.guard, "{}")
    }


def _at_a_post(phoned: Phoned, session: Any, scan_id: UUID) -> None:
    draft = posts.PostDraft("gate-post", {"en": "Gate"}, "security", minimum_crew=1)
    post = posts.create_post(session, phoned.walk.site.id, draft, actor=events.SYSTEM, now=TEN)
    session.add(
        posts.PostDuty(
            site_id=post.site_id,
            post_id=post.id,
            person_id=phoned.walk.guard,
            state="left",
            started_at=TEN,
            ended_at=TEN + 8 * 60 * MINUTE,
            came_by="scan",
            came_scan_id=scan_id,
            shift_end=TEN,
            ends_by=TEN,
        )
    )


def test_forks_pieces_and_watches_go_too(phoned: Phoned, work: Work) -> None:
    walk, phone = phoned.walk, phoned.phone
    plan = LonePlan(
        id=new_id(), site_id=walk.site.id, team="security", every_min=30, grace_min=3, wait_min=15
    )
    photo = GuardFile(
        id=new_id(),
        site_id=walk.site.id,
        phone_id=phone.id,
        seq=2,
        person_id=walk.guard,
        what="photo",
        sha256="a" * 64,
        size=9,
        received=4,
        taken_at=TEN,
        told_at=TEN,
    )
    fork = JournalFork(
        phone_id=phone.id,
        seq=3,
        hash="b" * 64,
        site_id=walk.site.id,
        sealed=b"x",
        received_at=TEN,
    )
    one_more(phoned, plan, photo, fork)
    about = {"site_id": walk.site.id, "plan_id": plan.id, "began_at": TEN, "ends_at": TEN}
    about |= {"heard_at": TEN, "due_at": TEN, "checkpoint_id": walk.points["gate"]}
    over = LoneWatch(person_id=walk.guard, state="over", ended_at=TEN, **about)
    living = LoneWatch(person_id=walk.supervisor, state="well", **about)
    piece = GuardFilePiece(file_id=photo.id, offset=0, site_id=walk.site.id, content=b"1234")
    one_more(phoned, over, living, piece)
    forget_tracks(work, LATER)
    assert [one.state for one in rows(phoned, LoneWatch)] == ["well"]
    assert [(one.hash, one.sealed) for one in rows(phoned, JournalFork)] == [("b" * 64, b"")]
    assert rows(phoned, GuardFilePiece) == []
    (left,) = rows(phoned, GuardFile)
    assert (left.received, left.state) == (0, "waiting")


def make_mark(phoned: Phoned, state: str, decided_at: datetime | None) -> None:
    one_more(
        phoned,
        PatrolMark(
            site_id=phoned.walk.site.id,
            round_id=phoned.walk.first,
            person_id=phoned.walk.guard,
            kind="speed",
            state=state,
            scans=["x"],
            evidence=[{"people": ["x"]}],
            made_at=TEN,
            decided_at=decided_at,
        ),
    )


def test_where_somebody_was_who_was_asked_to_go_is_forgotten(phoned: Phoned, work: Work) -> None:
    site, near = phoned.walk.site.id, {"how": "scan", "checkpoint": str(new_id())}
    asked: dict[str, Any] = {"site_id": site, "run": 1, "near": near}
    for state, at in (("passed", TEN), ("accepted", TEN), ("lapsed", LATER - DAY)):
        task, person = ticket(phoned, TEN)[0], employ(phoned.database, site, "guard", state)
        one_more(phoned, GuardTask(id=task, site_id=site, state="over", began_at=TEN))
        who: dict[str, Any] = {"task_id": task, "person_id": person, "number": 1}
        offer = GuardOffer(**asked, **who, state=state, offered_at=at)
        one_more(phoned, offer)
    forget_tracks(work, LATER)
    left = {one.state: one.near for one in rows(phoned, GuardOffer)}
    assert left == {"passed": {}, "accepted": near, "lapsed": near}
    (told,) = facts_of(phoned.database, "track.forget")
    assert told.after is not None
    assert told.after["nearness"] == 1


def test_a_mark_under_dispute_holds_its_round_and_no_other(phoned: Phoned, work: Work) -> None:
    make_mark(phoned, "answered", None)
    later = phoned.walk.scan("gate", TEN + 5 * 60 * MINUTE)
    forget_tracks(work, LATER)
    whole = {one.id for one in rows(phoned, Scan) if one.coarse_at is None}
    assert len(whole) == 4
    assert later.id not in whole
    assert any(one.sealed for one in rows(phoned, JournalEntry))
    with phoned.database.read() as session:
        (hold,) = holds_standing(session, now=LATER, kept=30 * DAY)
    assert (hold.case, hold.person_id) == ("mark", phoned.walk.guard)
    with phoned.database.write() as session:
        mark = session.scalars(select(PatrolMark)).one()
        mark.state, mark.decided_at = "dismissed", LATER
    # As long again as ever, then it goes with everything else.
    forget_tracks(work, LATER + 29 * DAY)
    assert rows(phoned, PatrolMark)[0].evidence == [{"people": ["x"]}]
    forget_tracks(work, LATER + 31 * DAY)
    assert [one.id for one in rows(phoned, Scan) if one.coarse_at is None] == []
    (mark,) = rows(phoned, PatrolMark)
    assert (mark.kind, mark.state, mark.scans, mark.evidence) == ("speed", "dismissed", [], [])


def test_a_call_for_help_holds_what_led_to_it(phoned: Phoned, work: Work) -> None:
    walk = phoned.walk
    with phoned.database.write() as session:
        given = sos.Press(new_id(), site_id=walk.site.id, place=HERE)
        row = sos.press(session, walk.caller(walk.guard), given, now=TEN + 60 * MINUTE)
    forget_tracks(work, LATER)
    assert all(one.coarse_at is None for one in rows(phoned, Scan))
    with phoned.database.write() as session:
        found = sos.find_sos(session, walk.caller(walk.supervisor), row.id)
        sos.end(session, found, "real", "She is well", person=walk.supervisor, now=LATER)
    # A claim after it takes longer: what it needs is held by its own ticket.
    _, number = ticket(phoned, LATER)
    with phoned.database.write() as session:
        span = (TEN + 50 * MINUTE, TEN + 90 * MINUTE)
        leader = walk.caller(walk.supervisor)
        claim = hold_track(session, leader, walk.guard, number, *span, now=LATER)
    forget_tracks(work, LATER + 31 * DAY)
    assert all(one.sealed for one in rows(phoned, SosSignal))
    with phoned.database.write() as session:
        release_track(session, leader, claim.id, now=LATER + 31 * DAY)
    forget_tracks(work, LATER + 31 * DAY)
    assert all(one.coarse_at is not None for one in rows(phoned, Scan))
    assert [one.sealed for one in rows(phoned, SosSignal)] == [None]
    with phoned.database.read() as session:
        left = session.get_one(sos.Sos, row.id)
        assert (left.checkpoint_id, left.outcome, left.person_id) == (None, "real", walk.guard)


def test_a_ticket_holds_a_span_until_it_ends_or_is_released(phoned: Phoned, work: Work) -> None:
    walk = phoned.walk
    ticket_id, number = ticket(phoned, TEN)
    supervisor = walk.caller(walk.supervisor)
    span = (TEN, TEN + 15 * MINUTE)
    with phoned.database.write() as session:
        hold = hold_track(session, supervisor, walk.guard, number, *span, now=TEN + DAY)
    forget_tracks(work, LATER)
    assert sum(one.coarse_at is None for one in rows(phoned, Scan)) == 2
    with phoned.database.read() as session:
        (held,) = holds_standing(session, now=LATER, kept=30 * DAY, person_id=walk.guard)
        assert (held.case, held.ticket_number) == ("ticket", number)
        assert [one.id for one in held_for_tickets(session, supervisor, walk.site.id)] == [hold.id]
    do(phoned.database, ticket_id, walk.supervisor, LATER, "cancel")
    forget_tracks(work, LATER + 29 * DAY)
    assert sum(one.coarse_at is None for one in rows(phoned, Scan)) == 2
    with phoned.database.write() as session:
        release_track(session, supervisor, hold.id, now=LATER + 29 * DAY)
        release_track(session, supervisor, hold.id, now=LATER + 29 * DAY)
    forget_tracks(work, LATER + 29 * DAY)
    assert all(one.coarse_at is not None for one in rows(phoned, Scan))
    assert [one.kind for one in facts_of(phoned.database, "track.")] == [
        "track.hold",
        "track.forget",
        "track.release",
        "track.forget",
    ]


def test_who_may_hold_what(phoned: Phoned) -> None:
    walk = phoned.walk
    _, number = ticket(phoned, TEN)
    auditor = walk.caller(employ(phoned.database, walk.site.id, "auditor"))
    supervisor = walk.caller(walk.supervisor)
    stranger = walk.caller(employ(phoned.database, walk.site.id, "resident"))
    span = (TEN, TEN + DAY)
    with phoned.database.write() as session:
        with pytest.raises(NotAllowed):
            hold_track(session, auditor, walk.guard, number, *span, now=TEN)
        with pytest.raises(NotFound):
            hold_track(session, stranger, walk.guard, number, *span, now=TEN)
        with pytest.raises(NotFound):
            hold_track(session, supervisor, walk.guard, number + 1, *span, now=TEN)
        for since, until, person in (
            (TEN, TEN, walk.guard),
            (TEN, TEN + 32 * DAY, walk.guard),
            (TEN, TEN + DAY, new_id()),
        ):
            with pytest.raises(Invalid):
                hold_track(session, supervisor, person, number, since, until, now=TEN)
        row = hold_track(session, supervisor, walk.guard, number, *span, now=TEN)
        with pytest.raises(NotAllowed):
            release_track(session, auditor, row.id, now=TEN)
        with pytest.raises(NotFound):
            release_track(session, stranger, row.id, now=TEN)


class Killed(Exception):
    """The process died before it committed."""


def test_killed_between_batches_the_next_run_ends_it(
    phoned: Phoned, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forgetting.Due, "__init__", _small(forgetting.Due.__init__))
    done = 0
    whole = work.transaction

    def dies_later() -> Any:
        nonlocal done
        done += 1
        if done == 2:
            raise Killed
        return whole()

    monkeypatch.setattr(Work, "transaction", lambda self: dies_later())
    with pytest.raises(Killed):
        forget_tracks(work, LATER)
    monkeypatch.undo()
    assert sum(one.coarse_at is not None for one in rows(phoned, Scan)) == 2
    forget_tracks(work, LATER)
    assert all(one.coarse_at is not None for one in rows(phoned, Scan))


def _small(init: Any) -> Any:
    def made(self: Any, *given: Any) -> None:
        init(self, *given, limit=2)

    return made


def test_small_batches_come_to_the_same_past_what_is_held(
    phoned: Phoned, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forgetting.Due, "__init__", _small(forgetting.Due.__init__))
    walk = phoned.walk
    _, number = ticket(phoned, TEN)
    with phoned.database.write() as session:
        span = (TEN, TEN + 15 * MINUTE)
        hold_track(session, walk.caller(walk.supervisor), walk.guard, number, *span, now=TEN)
    forget_tracks(work, LATER)
    whole = [one.occurred_at for one in rows(phoned, Scan) if one.coarse_at is None]
    assert sorted(whole) == [TEN + MINUTE, TEN + 11 * MINUTE]
    assert sum(one.coarse_at is None for one in rows(phoned, JournalEntry)) == 3


def test_names_stay_until_the_setting_says_otherwise(phoned: Phoned, clock: SimulatedClock) -> None:
    walk = phoned.walk
    with phoned.database.write() as session:
        _at_a_post(phoned, session, session.scalars(select(Scan.id)).first() or new_id())
    walk.look(LATER)
    forget_tracks(make_work(phoned.database, clock), TEN + 900 * DAY)
    assert walk.guard in {one.person_id for one in rows(phoned, Round)}
    work = make_work(phoned.database, clock, patrol_record_days=365, track_days=20)
    forget_tracks(work, TEN + 360 * DAY)
    assert walk.guard in {one.person_id for one in rows(phoned, Round)}
    forget_tracks(work, TEN + 370 * DAY)
    for model in (Round, Scan, JournalEntry):
        assert {one.person_id for one in rows(phoned, model)} == {None}
    assert rows(phoned, posts.PostDuty) == []
    counts = walk.shown()["counts"]
    assert (counts["scanned"], counts["missed"]) == (3, 0)


def test_a_late_scan_still_joins_after_the_details_have_gone(phoned: Phoned, work: Work) -> None:
    """Whoever looks at the list sees since when there is no more."""
    walk = phoned.walk
    forget_tracks(work, LATER)
    shown = StaticTag(
        id=new_id(),
        occurred_at=TEN + 5 * MINUTE,
        channel="sync",
        site_id=walk.site.id,
        person_id=walk.guard,
        uid=uid_of("gate"),
    )
    with phoned.database.write() as session:
        assert present(session, shown, vault=walk.vault, now=LATER).verdict == "accepted"
    with phoned.database.read() as session:
        found = list_scans(session, walk.caller(walk.supervisor), ScanFilter(), Wish()).items
        assert session.scalar(select(func.count()).select_from(Ticket)) == 0
    assert {one["coarse_at"] for one in found} == {None, LATER}
