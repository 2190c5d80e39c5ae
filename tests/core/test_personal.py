"""What is personal in lasting records: readable by its key alone, by nobody once that is gone."""

from uuid import UUID

from core.db import Database
from core.ids import new_id
from core.people import Person
from core.personal import destroy_keys, keys_of, make_keys, seal, unseal


def people(database: Database, count: int) -> list[UUID]:
    ids = [new_id() for _ in range(count)]
    with database.write() as session:
        session.add_all(Person(id=each, name="Somebody", locale="en") for each in ids)
    return ids


def test_a_sealed_value_is_read_by_its_key_alone(database: Database) -> None:
    first, second = people(database, 2)
    with database.write() as session:
        keys = make_keys(session, [first, second])
    value = {"name": "陈伟", "phone": "13800000000"}
    sealed = seal(keys[first], value)
    assert b"13800000000" not in sealed
    assert seal(keys[first], value) != sealed
    assert unseal(keys[first], sealed) == value
    assert unseal(keys[second], sealed) is None
    assert unseal(keys[first], sealed[:-1] + b"x") is None
    assert unseal(None, sealed) is None


def test_a_person_has_one_key_until_it_is_destroyed(database: Database) -> None:
    first, second = people(database, 2)
    with database.write() as session:
        keys = make_keys(session, [first])
        assert make_keys(session, [first, second])[first] == keys[first]
    with database.write() as session:
        destroy_keys(session, [first])
        assert keys_of(session, [first, second]).keys() == {second}


def test_whoever_was_erased_is_given_no_key_again(database: Database) -> None:
    """Also who never had one: words that are written later are gone with those before."""
    first, second = people(database, 2)
    with database.write() as session:
        make_keys(session, [first])
        destroy_keys(session, [first, second])
    with database.write() as session:
        later = make_keys(session, [first, second])
        sealed = {person: seal(later[person], "written later") for person in (first, second)}
    with database.write() as session:
        assert keys_of(session, [first, second]) == {}
        again = make_keys(session, [first, second])
        assert [unseal(again[person], sealed[person]) for person in (first, second)] == [None] * 2
        destroy_keys(session, [first])
