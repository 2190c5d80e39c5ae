"""Households: what is kept of people is theirs, sealed, masked, and erased for good."""

from datetime import date, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from core import households
from core.db import Database
from core.errors import Conflict, Invalid, NotAllowed, NotFound
from core.events import SYSTEM, Event
from core.households import Details, Resident
from core.ids import new_id
from core.people import Caller, Grant, Person, caller_for
from core.personal import ResidentKey
from core.places import Space
from tests.fixtures import NOON, SmallSite

ZHAO = Details("赵磊", ("138 0013 8000", "0574-88001234"), "tenant")


def caller(session: Session, site: SmallSite, role: str) -> Caller:
    person = Person(id=new_id(), name=f"A {role}", locale="en")
    session.add(person)
    session.flush()
    session.add(Grant(person_id=person.id, node_id=site.id, role=role))
    session.flush()
    return caller_for(session, person)


def home(session: Session) -> Space:
    return session.scalars(select(Space).where(Space.code == "b1-pumproom")).one()


def move_in(database: Database, details: Details = ZHAO, now: datetime = NOON) -> UUID:
    with database.write() as session:
        row = households.add_resident(session, home(session), details, actor=SYSTEM, now=now)
        return row.id


def test_nothing_that_is_personal_stands_readable_in_the_database(
    database: Database, site: SmallSite
) -> None:
    move_in(database)
    with database.read() as session:
        sealed = session.scalars(select(Resident.sealed)).one()
        said = session.scalars(select(Event).where(Event.kind.like("resident.%"))).one()
        assert b"13800138000" not in sealed
        assert "赵磊" not in str((said.before, said.after))
        assert said.site_id == site.id


@pytest.mark.parametrize(
    ("role", "shown"),
    [
        ("service_desk", ("13800138000", "057488001234")),
        ("technician", ("138****8000", "057****1234")),
    ],
)
def test_numbers_are_whole_for_who_rings_back_and_masked_for_others(
    database: Database, site: SmallSite, role: str, shown: tuple[str, ...]
) -> None:
    move_in(database)
    with database.write() as session:
        [found] = households.household_of(session, caller(session, site, role), home(session).id)
    assert (found.name, found.phones, found.relation) == ("赵磊", shown, "tenant")


@pytest.mark.parametrize("role", ["auditor"])
def test_who_lives_somewhere_is_not_everybodys_business(
    database: Database, site: SmallSite, role: str
) -> None:
    resident = move_in(database)
    with database.write() as session:
        auditor = caller(session, site, role)
        with pytest.raises(NotAllowed):
            households.household_of(session, auditor, home(session).id)
        with pytest.raises(NotAllowed):
            households.find_resident(session, auditor, resident)
        with pytest.raises(NotFound):
            households.find_space(session, auditor, new_id())
        with pytest.raises(NotFound):
            households.find_resident(session, auditor, new_id())


def test_everything_that_is_wrong_is_told_at_once() -> None:
    wrong = Details(" ", ("call me", *["12345"] * 5), "cat", date(2026, 2, 1), date(2026, 1, 1))
    with pytest.raises(Invalid) as caught:
        wrong.checked()
    fields = [problem.partition(":")[0] for problem in caught.value.problems]
    assert fields == ["name", "phones", "phones", "relation", "until"]


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("138 0013 8000", "13800138000"),
        ("+86 138-0013-8000", "+8613800138000"),
        ("（０５７４）８８００１２３４", "057488001234"),
        ("1234", None),
        ("138x0013", None),
    ],
)
def test_a_number_is_kept_however_it_is_written(written: str, kept: str | None) -> None:
    assert households.phone_of(written) == kept


@pytest.mark.parametrize(
    ("typed", "fits"), [("8000", True), ("8613800138000", True), ("8002", False)]
)
def test_part_of_a_number_or_its_prefix_finds_it(typed: str, fits: bool) -> None:
    assert households.is_phone(typed, "13800138000") is fits


def test_a_short_number_shows_its_end_only() -> None:
    assert households.masked("95598") == "****98"


def test_a_change_names_its_fields_only_and_the_same_again_is_none(
    database: Database, site: SmallSite
) -> None:
    resident = move_in(database)
    changed = Details("赵磊", ("13900139000",), "owner")
    with database.write() as session:
        row = session.get_one(Resident, resident)
        assert households.change_resident(session, row, changed, actor=SYSTEM, now=NOON)
        assert not households.change_resident(session, row, changed, actor=SYSTEM, now=NOON)
        [said] = session.scalars(select(Event).where(Event.kind == "resident.update"))
        assert said.after == {"fields": ["phones", "relation"]}
        [found] = households.contacts_of(session, [row])
        assert (found.phones, found.version) == (("13900139000",), 2)


def test_who_moves_out_today_does_not_live_there_any_more(
    database: Database, site: SmallSite
) -> None:
    resident = move_in(database, Details("Zhao", since=NOON.date()))
    with database.write() as session:
        row = session.get_one(Resident, resident)
        today = households.today_at(session, site.id, NOON)
        assert households.contacts_of(session, [row])[0].lives_there(today)
        households.move_out(session, row, actor=SYSTEM, now=NOON)
        households.move_out(session, row, actor=SYSTEM, now=NOON + timedelta(days=2))
        found = households.contacts_of(session, [row])[0]
        assert found.until == today
        assert not found.lives_there(today)
        assert found.is_former(today)


def test_who_has_not_moved_in_can_t_move_out(database: Database, site: SmallSite) -> None:
    resident = move_in(database, Details("Zhao", since=date(2036, 1, 1)))
    with database.write() as session:
        row = session.get_one(Resident, resident)
        with pytest.raises(Conflict, match="not moved in"):
            households.move_out(session, row, actor=SYSTEM, now=NOON)


def test_erasing_destroys_the_key_and_leaves_the_log_whole(
    database: Database, site: SmallSite
) -> None:
    resident, other = move_in(database), move_in(database, Details("Qian"))
    with database.write() as session:
        row = session.get_one(Resident, resident)
        households.erase(session, [row], actor=SYSTEM, now=NOON)
    with database.read() as session:
        assert list(session.scalars(select(ResidentKey.person_id))) == [other]
        assert session.scalar(text("SELECT count(*) FROM resident")) == 1
        kinds = list(session.scalars(select(Event.kind).where(Event.subject_id == str(resident))))
        assert kinds == ["resident.add", "resident.erase"]
