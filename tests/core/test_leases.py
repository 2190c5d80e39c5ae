"""Leases: one holder, taken over only when they ran out, and no commit after the loss."""

from datetime import timedelta

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.exc import OperationalError

from core import leases
from core.db import Database
from core.leases import Lease, LeaseLost
from core.places import AssetTypeRow
from tests.fixtures import NOON
from tests.threads import in_threads

LIFETIME = timedelta(seconds=20)


def claim(database: Database, owner: str, seconds: float = 0) -> int | None:
    now = NOON + timedelta(seconds=seconds)
    return leases.claim(database, "jobs", owner, now=now, lifetime=LIFETIME)


def require_and_write(database: Database, owner: str, epoch: int) -> None:
    with database.write() as session:
        session.add(AssetTypeRow(code=f"{owner}{epoch}", document={}))
        leases.require(session, "jobs", owner, epoch)


def written(database: Database) -> list[str]:
    with database.read() as session:
        return list(session.scalars(select(AssetTypeRow.code)))


def test_one_holds_the_lease_and_renews_it_at_the_same_epoch(database: Database) -> None:
    assert claim(database, "a") == 1
    assert claim(database, "b", 19) is None
    assert claim(database, "a", 19) == 1
    assert claim(database, "b", 38) is None


def test_a_lease_that_ran_out_is_taken_over_at_a_new_epoch(database: Database) -> None:
    claim(database, "a")
    assert claim(database, "b", 20) == 2
    assert claim(database, "a", 21) is None


def test_who_lost_the_lease_cannot_commit(database: Database) -> None:
    claim(database, "a")
    require_and_write(database, "a", 1)
    claim(database, "b", 20)
    claim(database, "a", 40)
    for owner, epoch in (("a", 2), ("b", 2), ("b", 3)):
        with pytest.raises(LeaseLost):
            require_and_write(database, owner, epoch)
    assert written(database) == ["a1"]


def test_who_comes_back_gets_another_epoch(database: Database) -> None:
    claim(database, "a")
    claim(database, "b", 20)
    assert claim(database, "a", 40) == 3
    with pytest.raises(LeaseLost):
        require_and_write(database, "a", 1)


def test_a_released_lease_is_free_at_once(database: Database) -> None:
    claim(database, "a")
    leases.release(database, "jobs", "b", now=NOON)
    assert claim(database, "b", 1) is None
    leases.release(database, "jobs", "a", now=NOON)
    assert claim(database, "b", 1) == 2


def test_leases_of_other_names_are_other_leases(database: Database) -> None:
    claim(database, "a")
    assert leases.claim(database, "shard-main", "b", now=NOON, lifetime=LIFETIME) == 1


def test_of_many_who_claim_at_once_one_gets_it(database: Database) -> None:
    first = in_threads(6, lambda number: claim(database, f"w{number}"))
    assert [epoch for epoch in first if epoch] == [1]
    later = in_threads(6, lambda number: claim(database, f"x{number}", 20))
    assert [epoch for epoch in later if epoch] == [2]


def test_nobody_takes_over_between_the_check_and_the_commit(
    postgres_database: Database,
) -> None:
    database = postgres_database
    claim(database, "a")
    with database.write() as session:
        leases.require(session, "jobs", "a", 1)
        with database.read() as other:
            other.execute(text("SET LOCAL lock_timeout = '200ms'"))
            with pytest.raises(OperationalError, match="lock timeout"):
                other.execute(update(Lease).values(owner="b", epoch=2))
    assert claim(database, "a", 1) == 1
