"""PINs: which are taken, how often a wrong one is looked at, and what is kept of them."""

from datetime import datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import select

from core import events
from core.clock import SimulatedClock
from core.db import Database
from core.errors import Invalid, NotSignedIn, TooManyTries
from core.ids import new_id
from core.people import Person
from core.pins import Pin, check_pin, forget_pin, new_pin, require_still, set_pin

GOOD = "482913"


@pytest.mark.parametrize(
    "digits",
    [
        *("48291", "48291348291", "48291a", "", "４８２９１３", "111111", "121212", "123456"),
        *("987654", "482482", "890123", "901231", "311290", "19901231", "31121990"),
    ],
)
def test_what_is_tried_first_is_no_pin(digits: str) -> None:
    with pytest.raises(Invalid):
        new_pin(digits)


def employ(database: Database, digits: str, now: datetime, *, given: bool = False) -> UUID:
    person = Person(id=new_id(), name="Guard", locale="zh")
    with database.write() as session:
        session.add(person)
        session.flush()
        actor = events.SYSTEM if given else events.Actor.person(person.id)
        set_pin(session, person.id, new_pin(digits), actor=actor, now=now)
    return person.id


def test_a_pin_is_known_again_and_kept_as_a_hash(database: Database, clock: SimulatedClock) -> None:
    now = clock.now()
    own, given = employ(database, GOOD, now), employ(database, "739164", now, given=True)
    assert check_pin(database, own, GOOD, "phone", now=now).given is False
    assert check_pin(database, given, "739164", "phone", now=now).given is True
    with database.read() as session:
        assert all(row.hash.startswith("$argon2id$") for row in session.scalars(select(Pin)).all())
    with database.write() as session:
        forget_pin(session, own)
    with pytest.raises(NotSignedIn):
        check_pin(database, own, GOOD, "phone", now=now)


def test_after_five_wrong_ones_the_next_is_not_looked_at(
    database: Database, clock: SimulatedClock
) -> None:
    now = clock.now()
    guard = employ(database, GOOD, now)
    for _ in range(5):
        with pytest.raises(NotSignedIn):
            check_pin(database, guard, "739164", "phone", now=now)
    with pytest.raises(TooManyTries) as locked:
        check_pin(database, guard, GOOD, "phone", now=now)
    assert locked.value.until > now
    # Elsewhere they may still come in, until it was tried too often anywhere.
    assert check_pin(database, guard, GOOD, "another phone", now=now).given is False
    assert check_pin(database, guard, GOOD, "phone", now=now + timedelta(hours=2)).given is False


def test_nobody_is_told_from_somebody_with_another_pin(
    database: Database, clock: SimulatedClock
) -> None:
    for _ in range(5):
        with pytest.raises(NotSignedIn, match="name or PIN are wrong"):
            check_pin(database, None, GOOD, "phone", now=clock.now())
    with pytest.raises(TooManyTries):
        check_pin(database, None, GOOD, "phone", now=clock.now())


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize("change", ["another", "none"])
def test_a_pin_that_was_changed_while_it_was_judged_is_good_for_nothing(
    database: Database, clock: SimulatedClock, change: str
) -> None:
    now = clock.now()
    guard = employ(database, GOOD, now)
    right = check_pin(database, guard, GOOD, "phone", now=now)
    with database.write() as session:
        require_still(session, guard, right)
        if change == "another":
            by = events.Actor.person(guard)
            set_pin(session, guard, new_pin("739164"), actor=by, now=now)
        else:
            forget_pin(session, guard)
    with database.write() as session, pytest.raises(NotSignedIn):
        require_still(session, guard, right)
