"""Where somebody is: taken with consent and on duty, else dropped with a verdict and no trace."""

from datetime import datetime, timedelta
from threading import Barrier
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from core import events
from core.db import Database, Session
from core.errors import Conflict, Invalid, NotFound
from core.ids import new_id
from core.rosters import Absence, Shift
from core.teams import Member
from tests.fixtures import NOON, SmallSite
from tests.guard_phone import GuardPhone
from tests.threads import in_threads
from tests.workflows.agreed import agree_to, may_be_located, on_shift
from tests.workflows.conftest import facts_of
from tests.workflows.phoned import Phoned, make_phoned
from tests.workflows.walked import CODES, MINUTE, TEN, Walk, make_walk, uid_of
from workflows.patrol import (
    BeaconHeard,
    Checkpoint,
    NewBadge,
    NewToken,
    Position,
    Scan,
    issue_badge,
    present,
    put_token,
)
from workflows.patrol.checkpoints import SCAN
from workflows.patrol.honesty.model import PatrolMark
from workflows.patrol.journal.model import JournalEntry, JournalFork
from workflows.patrol.model import CheckpointToken
from workflows.patrol.phones.plan import plan_of
from workflows.patrol.privacy.consenting import (
    Shown,
    agree,
    consents_shown,
    has_agreed,
    past_of,
)
from workflows.patrol.privacy.duty import is_on_duty
from workflows.patrol.privacy.model import Consent
from workflows.patrol.privacy.texts import PURPOSES
from workflows.patrol.privacy.withdrawing import withdraw
from workflows.patrol.rounds import Round
from workflows.patrol.rounds.closing import WITHOUT_POSITIONS

HOUR = timedelta(hours=1)
# Where nothing differs between the engines.
ONE_ENGINE = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
PLACE: dict[str, Any] = {"latitude": 31.2, "longitude": 121.5}


@pytest.fixture
def walk(database: Database, site: SmallSite) -> Walk:
    """The roof can be scanned by position and nothing else; the gate by a tag or a badge, too."""
    made = make_walk(database, site)
    gateway = site.devices["gw-1"]
    with database.write() as session:
        roof = session.get_one(Checkpoint, made.points["roof"])
        roof.latitude, roof.longitude, roof.radius_m = PLACE["latitude"], PLACE["longitude"], 30.0
        statement = select(CheckpointToken).where(CheckpointToken.checkpoint_id == roof.id)
        session.delete(session.scalars(statement).one())
        how: dict[str, Any] = {"vault": made.vault, "actor": events.SYSTEM, "now": NOON}
        put_token(session, roof, NewToken("position"), **how)
        gate = session.get_one(Checkpoint, made.points["gate"])
        put_token(session, gate, NewToken("beacon", device_id=gateway), **how)
        badge = NewBadge(made.guard, "beacon", "1/2")
        issue_badge(session, site.id, badge, needs=SCAN, **how)
    made.route()
    made.plan()
    return made


def fix(walk: Walk, at: datetime, scan_id: UUID | None = None) -> Scan:
    """The guard's phone tells where it is, on the roof."""
    shown = Position(
        id=scan_id or new_id(),
        occurred_at=at,
        channel="online",
        site_id=walk.site.id,
        person_id=walk.guard,
        checkpoint_id=walk.points["roof"],
        accuracy_m=5.0,
        **PLACE,
    )
    with walk.database.write() as session:
        return present(session, shown, vault=walk.vault, now=at)


def hear(walk: Walk, at: datetime) -> Scan:
    """A gateway hears the guard's badge at the gate."""
    heard = BeaconHeard(
        id=new_id(),
        occurred_at=at,
        channel="mqtt",
        site_id=walk.site.id,
        device_id=walk.site.devices["gw-1"],
        badge="1/2",
        dbm=-50,
    )
    with walk.database.write() as session:
        return present(session, heard, vault=walk.vault, now=at)


def scans(walk: Walk) -> list[Scan]:
    with walk.database.read() as session:
        return list(session.scalars(select(Scan).order_by(Scan.occurred_at)))


def test_without_consent_neither_position_nor_badge_is_taken_or_kept(walk: Walk) -> None:
    walk.on_duty(walk.guard)
    before = len(facts_of(walk.database, ""))
    told = fix(walk, TEN)
    assert (told.verdict, told.checkpoint_id, told.evidence) == ("no_consent", None, {})
    assert (told.person_id, told.token_id) == (None, None)
    assert hear(walk, TEN).verdict == "no_consent"
    assert scans(walk) == []
    assert len(facts_of(walk.database, "")) == before
    # The very same once more, after they agreed, is looked at anew.
    with walk.database.write() as session:
        agree_to(session, walk.guard, "position", now=TEN)
    assert fix(walk, TEN, told.id).verdict == "accepted"
    assert hear(walk, TEN).verdict == "no_consent"


def test_outside_of_duty_neither_is_taken_or_kept(walk: Walk) -> None:
    with walk.database.write() as session:
        agree_to(session, walk.guard, now=NOON)
        on_shift(session, walk.guard, walk.site.id, NOON, 4)
    for hours, verdict in ((1, "accepted"), (4.4, "accepted"), (4.6, "off_duty"), (9, "off_duty")):
        at = NOON + hours * HOUR
        assert (fix(walk, at).verdict, hear(walk, at).verdict) == (verdict, verdict), hours
    assert len(scans(walk)) == 4


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_who_is_away_from_their_shift_is_not_on_duty(walk: Walk) -> None:
    with walk.database.write() as session:
        on_shift(session, walk.guard, walk.site.id, NOON, 4)
        away = {"starts_at": NOON - HOUR, "ends_at": NOON + 2 * HOUR}
        session.add(Absence(person_id=walk.guard, deputy_id=walk.supervisor, **away))
    assert [duty(walk, NOON + hours * HOUR) for hours in (1, 3)] == [False, True]
    with walk.database.read() as session:
        point = walk.points["roof"]
        assert is_on_duty(session, walk.supervisor, walk.site.id, point, NOON + HOUR)


def duty(walk: Walk, at: datetime, point: str = "roof") -> bool:
    with walk.database.read() as session:
        return is_on_duty(session, walk.guard, walk.site.id, walk.points[point], at)


def put_on_team(session: Session, walk: Walk) -> None:
    session.add(Member(site_id=walk.site.id, team="security", person_id=walk.guard))
    session.flush()


def test_what_counts_as_duty(walk: Walk) -> None:
    assert not duty(walk, TEN)
    with walk.database.write() as session:
        session.get_one(Round, walk.first).person_id = walk.guard
    assert duty(walk, TEN)
    assert not duty(walk, TEN + 5 * HOUR)
    with walk.database.write() as session:
        session.get_one(Round, walk.first).person_id = None
        at_home = {"kind": "on_call", "starts_at": NOON, "ends_at": NOON + 24 * HOUR}
        session.add(Shift(site_id=walk.site.id, team="x", person_id=walk.guard, **at_home))
    # Who is on call is at home.
    assert not duty(walk, TEN)


def test_where_no_roster_is_kept_an_open_round_of_the_team_says_it(walk: Walk) -> None:
    with walk.database.write() as session:
        put_on_team(session, walk)
    assert duty(walk, TEN)
    assert not duty(walk, TEN - 3 * HOUR)
    with walk.database.write() as session:
        session.get_one(Round, walk.first).person_id = walk.supervisor
    # A colleague goes it.
    assert not duty(walk, TEN)
    with walk.database.write() as session:
        session.get_one(Round, walk.first).person_id = None
        on_shift(session, walk.supervisor, walk.site.id, NOON + 24 * HOUR, 8)
    # Now there is a roster, and they are not in it.
    assert not duty(walk, TEN)


def test_a_consent_is_to_a_text_that_was_shown(walk: Walk) -> None:
    purpose = PURPOSES["position"]
    with walk.database.write() as session:
        for shown in (
            Shown(purpose.version + 1, "zh", purpose.digest("zh")),
            Shown(purpose.version, "zh", purpose.digest("en")),
            Shown(purpose.version, "en", "0" * 64),
        ):
            with pytest.raises(Conflict, match="has changed"):
                agree(session, walk.guard, "position", shown, now=NOON)
        with pytest.raises(Invalid):
            agree(session, walk.guard, "position", Shown(1, "fr", "0" * 64), now=NOON)
        with pytest.raises(NotFound):
            agree(session, walk.guard, "photo", Shown(1, "en", "0" * 64), now=NOON)
        assert not has_agreed(session, walk.guard, "position")
        agree_to(session, walk.guard, "position", now=NOON)
        agree_to(session, walk.guard, "position", now=NOON + HOUR)
        (standing,) = past_of(session, walk.guard)
        assert (standing.given_at, standing.digest) == (NOON, purpose.digest("zh"))
        # Of a text that is no more in force it counts no more, and takes a new one.
        standing.version -= 1
        session.flush()
        assert not has_agreed(session, walk.guard, "position")
        agree_to(session, walk.guard, "position", now=NOON + HOUR)
        newer, older = past_of(session, walk.guard)
        assert (older.withdrawn_by, newer.withdrawn_at) == ("newer", None)
        shown_again = consents_shown(session, walk.guard)
    assert [(one["purpose"], one["agreed"]) for one in shown_again] == [
        ("position", True),
        ("badge", False),
    ]
    kinds = [fact.kind for fact in facts_of(walk.database, "consent.")]
    assert kinds == ["consent.give", "consent.withdraw", "consent.give"]


def test_two_taps_at_once_are_one_consent(
    postgres_database: Database, postgres_site: SmallSite
) -> None:
    walk = make_walk(postgres_database, postgres_site)
    together = Barrier(2)

    def tap(_: int) -> UUID:
        with postgres_database.write() as session:
            together.wait(30)
            purpose = PURPOSES["position"]
            shown = Shown(purpose.version, "zh", purpose.digest("zh"))
            return agree(session, walk.guard, "position", shown, now=NOON).id

    assert len(set(in_threads(2, tap))) == 1
    with postgres_database.read() as session:
        assert len(session.scalars(select(Consent)).all()) == 1


def test_withdrawing_drops_what_was_learned_but_for_the_record_of_work(walk: Walk) -> None:
    with walk.database.write() as session:
        may_be_located(session, walk.guard, walk.site.id, TEN)
    counted, beside = fix(walk, TEN + MINUTE), fix(walk, TEN - 3 * HOUR)
    heard = hear(walk, TEN - 4 * HOUR)
    with walk.database.write() as session:
        assert withdraw(session, walk.guard, "position", by="page", now=TEN + HOUR)
        assert not withdraw(session, walk.guard, "position", by="page", now=TEN + HOUR)
    left = {one.id: one for one in scans(walk)}
    assert set(left) == {counted.id, heard.id}
    assert (left[counted.id].evidence, left[counted.id].coarse_at) == ({}, TEN + HOUR)
    assert left[heard.id].evidence == {"dbm": -50}
    assert beside.id not in left
    assert fix(walk, TEN + 2 * MINUTE).verdict == "no_consent"
    assert walk.states()[2] == "scanned"


def test_a_standing_case_keeps_what_it_needs_against_a_withdrawal(walk: Walk) -> None:
    with walk.database.write() as session:
        may_be_located(session, walk.guard, walk.site.id, TEN)
    scan = fix(walk, TEN + MINUTE)
    mark = {"kind": "speed", "scans": [], "evidence": [], "made_at": TEN}
    with walk.database.write() as session:
        about = {"site_id": walk.site.id, "round_id": walk.first, "person_id": walk.guard}
        session.add(PatrolMark(**about, **mark))
        session.flush()
        withdraw(session, walk.guard, "position", by="page", now=TEN + HOUR)
    (left,) = scans(walk)
    assert (left.id, left.coarse_at) == (scan.id, None)


@ONE_ENGINE
def test_a_point_without_another_way_is_excused_and_nobody_is_told(walk: Walk) -> None:
    walk.on_duty(walk.guard)
    for number, code in enumerate(CODES[:2]):
        walk.scan(code, TEN + number * 10 * MINUTE)
    walk.heard(TEN + 3 * HOUR, TEN + 3 * HOUR)
    walk.look(TEN + 3 * HOUR)
    shown = walk.shown()
    assert [point["state"] for point in shown["points"]] == ["scanned", "scanned", "excused"]
    assert shown["points"][2]["reason"] == WITHOUT_POSITIONS
    assert (shown["state"], shown["counts"]["missed"]) == ("complete", 0)
    assert facts_of(walk.database, "round.miss") == []


@ONE_ENGINE
@pytest.mark.parametrize("roster", [True, False])
def test_where_nobody_can_begin_nothing_is_missed_and_nobody_is_told(
    walk: Walk, roster: bool
) -> None:
    with walk.database.write() as session:
        tokens = select(CheckpointToken).where(
            CheckpointToken.checkpoint_id.in_([walk.points["gate"], walk.points["garage"]])
        )
        for token in session.scalars(tokens):
            session.delete(token)
        how: dict[str, Any] = {"vault": walk.vault, "actor": events.SYSTEM, "now": NOON}
        for name in ("gate", "garage"):
            point = session.get_one(Checkpoint, walk.points[name])
            point.latitude, point.longitude, point.radius_m = 31.2, 121.5, 30.0
            put_token(session, point, NewToken("position"), **how)
        if not roster:
            put_on_team(session, walk)
    if roster:
        walk.on_duty(walk.guard)
    for minutes in (20, 40, 60 * 30):
        walk.look(TEN + minutes * MINUTE)
    assert walk.states() == ["excused"] * 3
    told = {one.kind for one in facts_of(walk.database, "round.")}
    assert not told & {"round.late", "round.late_passed_up", "round.miss", "round.point_missed"}


@ONE_ENGINE
def test_who_agreed_misses_it_like_any_other_point(walk: Walk) -> None:
    walk.on_duty(walk.guard)
    with walk.database.write() as session:
        agree_to(session, walk.guard, "position", now=NOON)
    for number, code in enumerate(CODES[:2]):
        walk.scan(code, TEN + number * 10 * MINUTE)
    walk.heard(TEN + 3 * HOUR, TEN + 3 * HOUR)
    walk.look(TEN + 3 * HOUR)
    assert walk.states() == ["scanned", "scanned", "missed"]


def test_the_text_of_an_entry_that_was_dropped_is_kept_nowhere(
    database: Database, site: SmallSite
) -> None:
    phoned: Phoned = make_phoned(database, site)
    walk, phone = phoned.walk, phoned.phone
    purpose = PURPOSES["position"]
    with database.write() as session:
        roof = session.get_one(Checkpoint, walk.points["roof"])
        roof.latitude, roof.longitude, roof.radius_m = PLACE["latitude"], PLACE["longitude"], 30.0
        how: dict[str, Any] = {"vault": walk.vault, "actor": events.SYSTEM, "now": NOON}
        put_token(session, roof, NewToken("position"), **how)
    here = {"kind": "position", "checkpoint_id": str(walk.points["roof"]), "accuracy_m": 5, **PLACE}
    said = {"purpose": "position", "version": 1, "language": "zh", "digest": purpose.digest("zh")}
    phoned.enter(walk.guard, TEN)
    phone.note("scan", TEN + MINUTE, shown=here)
    phone.note("consent", TEN + 2 * MINUTE, **said, given=True)
    phone.note("scan", TEN + 3 * MINUTE, shown=here)
    phone.note("consent", TEN + 4 * MINUTE, **said, given=False)
    phone.note("scan", TEN + 5 * MINUTE, shown=here)
    phone.note("consent", TEN + 6 * MINUTE, **{**said, "digest": "0" * 64}, given=True)
    phone.note("consent", TEN + 7 * MINUTE, purpose="position", given="yes")
    phone.scan(uid_of("gate"), TEN + 8 * MINUTE)
    phoned.hand_in(TEN + 10 * MINUTE)
    assert phoned.verdicts()[1:] == [
        ("scan", "refused", "no_consent"),
        ("consent", "accepted", None),
        ("scan", "accepted", None),
        ("consent", "accepted", None),
        ("scan", "refused", "no_consent"),
        ("consent", "refused", "text_changed"),
        ("consent", "refused", "malformed"),
        ("scan", "accepted", None),
    ]
    with database.read() as session:
        entries = session.scalars(select(JournalEntry).order_by(JournalEntry.seq)).all()
        # The second of them went when its consent did.
        empty = [row.seq for row in entries if not row.sealed]
        assert empty == [2, 4, 6]
        assert [row.hash for row in entries] == [phone.hash_of(row.seq) for row in entries]
        assert [row.outcome for row in entries if row.seq in (2, 6)] == [{}, {}]
        (consent,) = session.scalars(select(Consent)).all()
        assert (consent.given_by, consent.withdrawn_by) == ("phone", "phone")
        plan = plan_of(session, phoned.row(), offline_hours=12, now=TEN)
        assert plan["people"][0]["agreed"] == []
        assert [one["purpose"] for one in plan["purposes"]] == ["position", "badge"]


@ONE_ENGINE
def test_of_a_journal_that_another_continues_no_position_is_kept(
    database: Database, site: SmallSite
) -> None:
    phoned = make_phoned(database, site)
    twin = GuardPhone(phoned.phone.id, phoned.phone.private)
    phoned.enter(phoned.walk.guard, TEN)
    phoned.hand_in(TEN)
    twin.sign_in(phoned.walk.guard, TEN + MINUTE)
    here = {"kind": "position", "checkpoint_id": str(new_id()), "accuracy_m": 5, **PLACE}
    twin.note("scan", TEN + MINUTE, shown=here)
    assert phoned.hand_in(TEN + MINUTE, phone=twin).forked_at == 1
    with database.read() as session:
        forks = session.scalars(select(JournalFork).order_by(JournalFork.seq)).all()
    assert [bool(one.sealed) for one in forks] == [True, False]


@ONE_ENGINE
def test_what_is_said_to_be_before_the_shift_is_dropped(walk: Walk) -> None:
    """What counts is when it was, by the scanner; not when we learn it."""
    with walk.database.write() as session:
        agree_to(session, walk.guard, now=NOON)
        on_shift(session, walk.guard, walk.site.id, NOON, 4)
    assert fix(walk, NOON - 2 * HOUR).verdict == "off_duty"
    assert fix(walk, NOON + HOUR).verdict == "accepted"
