"""The code on the machine's screen, a new installation, and a clock that can't be right."""

import stat
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from core import doorstep, events, shards
from core.accounts import new_password
from core.clock import SimulatedClock, SystemClock, from_micros
from core.clock_trust import ClockTrust
from core.db import Database
from core.devices import Source
from core.doorstep import Beginning, Doorstep
from core.errors import Conflict, Invalid, NotAllowed, TooManyTries
from core.people import caller_for, company_node
from core.places import Node
from tests.fixtures import NOON, SmallSite


class Hand(SystemClock):
    """A machine's clock that a test sets; it may go back, as one without a battery does."""

    def __init__(self) -> None:
        self.at = NOON

    def micros(self) -> int:
        return int(self.at.timestamp() * 1_000_000)


@pytest.fixture
def hand() -> Hand:
    """The machine's clock, at noon."""
    return Hand()


def trust_of(database: Database, hand: Hand, folder: Path) -> ClockTrust:
    return ClockTrust(hand, database, folder, NOON - timedelta(days=30))


@pytest.fixture
def standing(
    database: Database, hand: Hand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Doorstep:
    """The doorstep of a new installation whose clock somebody sets; tries may follow at once."""
    monkeypatch.setattr(doorstep, "_PAUSE_S", 0.0)
    trust = trust_of(database, hand, tmp_path)
    return Doorstep(database, trust, tmp_path, tmp_path / "set-clock")


BEGINNING = Beginning(
    company="安居物业",
    site="滨江苑",
    code="riverside",
    time_zone="Asia/Shanghai",
    person="刘芳",
    locale="zh",
    account=new_password("liufang", "three words will do"),
)


def test_an_installation_begins_with_a_company_a_site_and_who_leads_it(
    database: Database, standing: Doorstep
) -> None:
    assert standing.state.is_new
    with database.write() as session:
        person = doorstep.begin(session, BEGINNING, NOON)
        caller = caller_for(session, person)
        company = company_node(session)
        site = session.scalars(select(Node).where(Node.kind == "site")).one()
        source = session.scalars(select(Source)).one()
    assert company is not None
    assert company.name["zh"] == "安居物业"
    assert (site.code, site.time_zone) == ("riverside", "Asia/Shanghai")
    assert source.topic_filter == "wk/v1/riverside/#"
    caller.require_anywhere("places.write")
    standing.look()
    assert not standing.state.is_new
    assert standing.state.code == ""
    with pytest.raises(NotAllowed):
        standing.require_code("")
    with pytest.raises(Conflict), database.write() as session:
        doorstep.begin(session, BEGINNING, NOON)


@pytest.mark.parametrize(
    "change",
    [
        {"company": " "},
        {"site": "x" * 81},
        {"code": "River Side"},
        {"time_zone": "Moon/Sea"},
        {"person": ""},
    ],
    ids=lambda change: next(iter(change)),
)
def test_what_does_not_suffice_makes_nothing(database: Database, change: dict[str, str]) -> None:
    wanted = Beginning(**{**vars_of(BEGINNING), **change})  # type: ignore[arg-type]
    with pytest.raises(Invalid), database.write() as session:
        doorstep.begin(session, wanted, NOON)
    with database.read() as session:
        assert company_node(session) is None


def vars_of(beginning: Beginning) -> dict[str, object]:
    return {name: getattr(beginning, name) for name in beginning.__slots__}


def test_only_the_code_lets_somebody_in_and_wrong_tries_change_it(
    standing: Doorstep, tmp_path: Path
) -> None:
    first = standing.state.code
    assert stat.S_IMODE((tmp_path / "doorstep.code").stat().st_mode) == 0o600
    standing.require_code(first)
    standing.require_code(f" {first.replace('-', ' ')} ")
    for _ in range(5):
        with pytest.raises(NotAllowed):
            standing.require_code("12")
    assert standing.state.code != first
    with pytest.raises(NotAllowed):
        standing.require_code(first)
    standing.require_code(standing.state.code)


def test_one_code_a_second_is_tried(standing: Doorstep, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doorstep, "_PAUSE_S", 3600.0)
    standing.require_code(standing.state.code)
    with pytest.raises(TooManyTries):
        standing.require_code(standing.state.code)


def test_a_code_outlives_a_restart(
    database: Database, standing: Doorstep, hand: Hand, tmp_path: Path
) -> None:
    again = Doorstep(database, trust_of(database, hand, tmp_path), tmp_path)
    assert again.state.code == standing.state.code


def test_what_a_loss_of_power_left_empty_is_as_if_it_was_not_there(
    database: Database, standing: Doorstep, hand: Hand, tmp_path: Path
) -> None:
    for name in ("doorstep.code", "clock.accepted"):
        (tmp_path / name).write_text("")
    again = Doorstep(database, trust_of(database, hand, tmp_path), tmp_path)
    assert again.state.code
    again.require_code(again.state.code)


def test_a_clock_before_what_is_on_record_is_doubted(
    database: Database, site: SmallSite, hand: Hand, tmp_path: Path
) -> None:
    del site
    trust = trust_of(database, hand, tmp_path)
    assert trust.doubt() is None
    hand.at = NOON - timedelta(minutes=1)
    assert trust.doubt() is None
    hand.at = NOON - timedelta(days=400)
    doubt = trust.doubt()
    assert doubt is not None
    assert doubt.known == NOON
    assert "2026-11-24 04:00" in str(doubt)
    with database.write() as session:
        shards.beat(session, "main", NOON + timedelta(hours=3), clean=True)
    hand.at = NOON
    assert trust.doubt() is not None


def test_a_clock_before_the_release_was_built_is_doubted(
    database: Database, hand: Hand, tmp_path: Path
) -> None:
    trust = trust_of(database, hand, tmp_path)
    hand.at = NOON - timedelta(days=31)
    assert trust.doubt() is not None
    hand.at = NOON
    assert trust.doubt() is None
    assert ClockTrust(hand, database, tmp_path).doubt() is None


def test_a_simulated_clock_is_never_doubted(database: Database, tmp_path: Path) -> None:
    clock = SimulatedClock(0)
    assert from_micros(0) < NOON
    assert ClockTrust(clock, database, tmp_path, NOON).doubt() is None


def test_who_knows_that_records_ran_ahead_says_so_once(
    database: Database, site: SmallSite, hand: Hand, tmp_path: Path
) -> None:
    del site
    with database.write() as session:
        ahead = NOON + timedelta(days=9_000)
        events.append(session, "test", ("node", "x"), actor=events.SYSTEM, learned_at=ahead)
    standing = Doorstep(database, trust_of(database, hand, tmp_path), tmp_path)
    assert standing.state.doubt is not None
    standing.accept_clock()
    assert standing.state.doubt is None
    again = Doorstep(database, trust_of(database, hand, tmp_path), tmp_path)
    assert again.state.doubt is None
    # What was built still counts.
    hand.at = NOON - timedelta(days=40)
    again.look()
    assert again.state.doubt is not None


def test_the_clock_is_asked_to_be_set_where_somebody_does_it(
    standing: Doorstep, database: Database, hand: Hand, tmp_path: Path
) -> None:
    standing.set_clock(1_796_000_000)
    assert (tmp_path / "set-clock").read_text() == "1796000000\n"
    for wrong in (0, -5, 1_735_689_599, 4_102_444_800):
        with pytest.raises(Invalid):
            standing.set_clock(wrong)
    nobody = Doorstep(database, trust_of(database, hand, tmp_path), tmp_path)
    assert not nobody.can_set_clock
    with pytest.raises(Conflict):
        nobody.set_clock(1_796_000_000)
