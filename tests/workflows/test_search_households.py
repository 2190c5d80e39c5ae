"""Households in the search: by name and number, for those with the right, of today."""

import threading
from datetime import date
from uuid import UUID

import pytest
from sqlalchemy import select

from core import households
from core.db import Database
from core.errors import Unavailable
from core.events import SYSTEM
from core.households import Details, Resident
from core.ids import new_id
from core.people import Caller, Grant, Person, caller_for
from core.places import Space
from tests.fixtures import NOON, SmallSite
from workflows.search import PlaceIndex, find_households


def caller(database: Database, site: SmallSite, role: str) -> Caller:
    with database.write() as session:
        person = Person(id=new_id(), name=f"A {role}", locale="en")
        session.add(person)
        session.flush()
        session.add(Grant(person_id=person.id, node_id=site.id, role=role))
        session.flush()
        return caller_for(session, person)


def move_in(database: Database, details: Details) -> UUID:
    with database.write() as session:
        space = session.scalars(select(Space).where(Space.code == "b1-pumproom")).one()
        return households.add_resident(session, space, details, actor=SYSTEM, now=NOON).id


def names(database: Database, index: PlaceIndex, who: Caller, text: str) -> list[str]:
    with database.read() as session:
        found = find_households(session, index, who, text, now=NOON)
    return [contact.name for home in found for contact in home.residents]


@pytest.mark.parametrize("typed", ["赵", "zhaolei", "zl", "138 0013", "8000", "+8613800138000"])
def test_the_desk_finds_a_caller_by_name_or_number(
    database: Database, site: SmallSite, typed: str
) -> None:
    move_in(database, Details("赵磊", ("13800138000",)))
    move_in(database, Details("钱伟", ("13911112222",)))
    desk = caller(database, site, "service_desk")
    assert names(database, PlaceIndex(database), desk, typed) == ["赵磊"]


def test_who_may_not_see_numbers_finds_nobody_by_them(database: Database, site: SmallSite) -> None:
    move_in(database, Details("赵磊", ("13800138000",)))
    index, guard = PlaceIndex(database), caller(database, site, "guard")
    assert names(database, index, guard, "13800138000") == []
    assert names(database, index, guard, "8000") == []
    assert names(database, index, guard, "赵磊") == ["赵磊"]
    assert names(database, index, caller(database, site, "auditor"), "赵磊") == []


def test_who_moved_out_or_has_yet_to_come_is_not_found(database: Database, site: SmallSite) -> None:
    move_in(database, Details("赵一", until=NOON.date()))
    move_in(database, Details("赵二", since=date(2036, 1, 1)))
    move_in(database, Details("赵三"))
    desk = caller(database, site, "service_desk")
    assert names(database, PlaceIndex(database), desk, "赵") == ["赵三"]


def test_what_is_found_follows_changes_and_erasing(database: Database, site: SmallSite) -> None:
    resident = move_in(database, Details("赵磊", ("13800138000",)))
    desk, index = caller(database, site, "service_desk"), PlaceIndex(database)
    assert names(database, index, desk, "13800138000") == ["赵磊"]
    with database.write() as session:
        row = session.get_one(Resident, resident)
        changed = Details("赵小磊", ("13900139000",))
        households.change_resident(session, row, changed, actor=SYSTEM, now=NOON)
    assert names(database, index, desk, "13800138000") == []
    assert names(database, index, desk, "13900139000") == ["赵小磊"]
    with database.write() as session:
        households.erase(session, [session.get_one(Resident, resident)], actor=SYSTEM, now=NOON)
    assert names(database, index, desk, "13900139000") == []
    assert index.residents.listed() == ()


def test_a_search_does_not_wait_for_the_reading_at_the_start(
    database: Database, site: SmallSite
) -> None:
    move_in(database, Details("赵磊"))
    index, who = PlaceIndex(database), caller(database, site, "service_desk")
    began, goes_on = threading.Event(), threading.Event()

    class Held(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            began.set()
            goes_on.wait(30)
            return False

    thread = threading.Thread(target=index.warm_up, args=(Held(),))
    thread.start()
    assert began.wait(30)
    assert index.residents.warming
    assert names(database, index, who, "赵磊") == []
    goes_on.set()
    thread.join(30)
    assert not index.residents.warming
    assert names(database, index, who, "赵磊") == ["赵磊"]


def test_a_reading_that_is_stopped_is_made_by_the_first_search(
    database: Database, site: SmallSite
) -> None:
    move_in(database, Details("赵磊"))
    index, who = PlaceIndex(database), caller(database, site, "service_desk")
    stopping = threading.Event()
    stopping.set()
    with pytest.raises(Unavailable):
        index.warm_up(stopping)
    assert names(database, index, who, "赵磊") == ["赵磊"]
