"""The search: however people spell it, and never what isn't theirs."""

from datetime import datetime
from typing import Any

import pytest
from sqlalchemy.event import listen
from sqlalchemy.orm import Session

from core import events
from core.accounts import new_password, set_password
from core.db import Database
from core.ids import new_id
from core.people import Caller, Grant, Person, caller_for
from core.places import Space
from tests.fixtures import NOON, SmallSite
from workflows.search import Found, PlaceIndex, search
from workflows.search import index as searching_index
from workflows.search.spelling import Spelling, Wanted
from workflows.tickets import Draft, open_ticket


def person(session: Session, name: str, site: SmallSite, role: str = "manager") -> Person:
    found = Person(id=new_id(), name=name)
    session.add(found)
    session.flush()
    session.add(Grant(person_id=found.id, node_id=site.id, role=role))
    session.flush()
    return found


@pytest.fixture
def caller(database: Database, site: SmallSite) -> Caller:
    with database.write() as session:
        return caller_for(session, person(session, "Wei Chen", site))


def find(database: Database, caller: Caller, text: str, index: PlaceIndex | None = None) -> Found:
    with database.read() as session:
        return search(session, index or PlaceIndex(database), caller, text)


def codes(found: Found) -> list[str]:
    return [place.code for place in (*found.places, *found.assets)]


def add_flat(database: Database, site: SmallSite) -> None:
    """Flat 1201 in unit 2 of building 3, as residents' addresses have it."""
    with database.write() as session:
        above = None
        for code, kind, english, chinese in (
            ("b3", "building", "Building 3", "3号楼"),
            ("b3-u2", "unit", "Unit 2", "2单元"),
            ("b3-u2-1201", "room", "Flat 1201", "1201室"),
        ):
            space = Space(
                id=new_id(),
                site_id=site.id,
                parent_id=above,
                kind=kind,
                code=code,
                name={"en": english, "zh": chinese},
            )
            session.add(space)
            session.flush()
            above = space.id


@pytest.mark.parametrize(
    "text",
    ["水泵", "泵房", "shuibengfang", "sbf", "SBF", "Ｓｂｆ", "pump room", "PUMP  ROOM", "b1-pump"],
)
def test_a_room_is_found_by_any_spelling(
    database: Database, site: SmallSite, caller: Caller, text: str
) -> None:
    assert "b1-pumproom" in codes(find(database, caller, text))


@pytest.mark.parametrize(
    "text",
    [
        "3-2-1201",
        "3栋2单元1201",
        "3#2-1201",
        "３号楼２单元１２０１室",
        "3-1201",
        "Bldg 3 Unit 2 Flat 1201",
        "1201",
        "03-02-1201",
    ],
)
def test_a_unit_is_found_by_any_spelling_of_its_number(
    database: Database, site: SmallSite, caller: Caller, text: str
) -> None:
    add_flat(database, site)
    assert codes(find(database, caller, text))[0] == "b3-u2-1201"


@pytest.mark.parametrize(
    "text", ["4-2-1201", "3-2-1202", "2-3-1201", "xyz", "zz 1201", "x", "%", "_"]
)
def test_what_fits_nothing_finds_nothing(
    database: Database, site: SmallSite, caller: Caller, text: str
) -> None:
    add_flat(database, site)
    assert "b3-u2-1201" not in codes(find(database, caller, text))


def test_nothing_typed_finds_nothing(database: Database, site: SmallSite, caller: Caller) -> None:
    assert not find(database, caller, "  ")


def test_the_very_name_comes_first() -> None:
    named = [Spelling.of("Pump 1"), Spelling.of("Pump 10"), Spelling.of("Old pump 1 and 2")]
    ranks = [spelling.rank(Wanted.read("pump 1")) for spelling in named]
    assert ranks == sorted(ranks, reverse=True)
    assert len(set(ranks)) == 3


def draft(site: SmallSite, title: str, now: datetime = NOON) -> Draft:
    return Draft(
        site_id=site.id,
        kind="repair",
        priority="low",
        title={"und": title},
        team="maintenance",
        happened_at=now,
        learned_at=now,
    )


def test_a_ticket_is_found_by_number_and_by_title(
    database: Database, site: SmallSite, caller: Caller
) -> None:
    with database.write() as session:
        number = open_ticket(session, draft(site, "走廊 lamp 坏了"), actor=events.SYSTEM).number
        open_ticket(session, draft(site, "Door squeaks"), actor=events.SYSTEM)
    for text in (f"#{number}", str(number), "廊", "LAMP"):
        assert [one.number for one in find(database, caller, text).tickets] == [number], text


def test_a_colleague_is_found_by_name_pinyin_and_part_of_a_phone_number(
    database: Database, site: SmallSite, caller: Caller
) -> None:
    with database.write() as session:
        zhao = person(session, "赵建国", site, "guard")
        set_password(session, zhao.id, new_password("13812345678", "three quiet pumps"), now=NOON)
        zhao_id = zhao.id
    for text in ("建国", "zjg", "zhao", "3456", "138-1234"):
        assert [one.id for one in find(database, caller, text).people] == [zhao_id], text
    # Three digits fit too many, and tell too much about a number.
    assert find(database, caller, "345").people == []


def test_who_left_is_not_offered(database: Database, site: SmallSite, caller: Caller) -> None:
    with database.write() as session:
        person(session, "赵建国", site, "guard").left_at = NOON
    assert find(database, caller, "建国").people == []


def test_a_stranger_finds_nothing(database: Database, site: SmallSite) -> None:
    with database.write() as session:
        open_ticket(session, draft(site, "Door squeaks"), actor=events.SYSTEM)
        person(session, "Wei Chen", site)
        stranger = Person(id=new_id(), name="Mallory")
        session.add(stranger)
        session.flush()
        nobody = caller_for(session, stranger)
    for text in ("pump", "水泵", "door", "wei", "1"):
        assert not find(database, nobody, text), text


def test_what_is_new_is_found_at_once(database: Database, site: SmallSite, caller: Caller) -> None:
    index = PlaceIndex(database)
    assert codes(find(database, caller, "1201", index)) == []
    add_flat(database, site)
    with database.write() as session:
        events.append(session, "space.create", ("space", "x"), actor=events.SYSTEM, learned_at=NOON)
    assert codes(find(database, caller, "1201", index))[0] == "b3-u2-1201"


def test_places_are_not_read_again_for_what_moves_none(
    database: Database, site: SmallSite, caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = PlaceIndex(database)
    find(database, caller, "1201", index)
    monkeypatch.setattr(searching_index, "read_places", lambda session: pytest.fail("read again"))
    with database.write() as session:
        open_ticket(session, draft(site, "Door squeaks"), actor=events.SYSTEM)
    assert find(database, caller, "door", index).tickets


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_titles_are_looked_through_in_an_index_that_holds_them(
    database: Database, site: SmallSite, caller: Caller
) -> None:
    """Over any other index each of a hundred thousand tickets is read to compare its title."""
    asked: list[tuple[str, Any]] = []

    def keep(_connection: Any, _cursor: Any, sql: str, values: Any, *_: Any) -> None:
        if "FROM ticket" in sql:
            asked.append((sql, values))

    with database.read() as session:
        connection = session.connection()
        listen(connection, "before_cursor_execute", keep)
        search(session, PlaceIndex(database), caller, "nothing of the kind")
        assert len(asked) == 2
        for sql, values in tuple(asked):
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", values).all()
            assert plan[0][-1] == "SCAN ticket USING INDEX ix_ticket_found"
