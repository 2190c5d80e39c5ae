"""The database: one transaction a write, moments exact, a lock that is fair."""

import os
import sqlite3
import threading
import time
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError, OperationalError, StatementError

from core.db import Database, FairLock, is_unavailable
from core.errors import Unavailable
from core.ids import new_id
from core.people import Person
from core.places import AssetTypeRow
from tests.threads import in_threads

MOMENT = datetime(2026, 11, 24, 12, 0, 0, 123456, tzinfo=UTC)


def add(database: Database, code: str) -> None:
    with database.write() as session:
        session.add(AssetTypeRow(code=code, document={}))


def codes(database: Database) -> list[str]:
    with database.read() as session:
        return sorted(session.scalars(select(AssetTypeRow.code)))


def test_a_write_is_committed_when_it_returns_and_not_before(database: Database) -> None:
    with database.write() as session:
        session.add(AssetTypeRow(code="a", document={}))
        session.flush()
        assert codes(database) == []
    assert codes(database) == ["a"]


def test_a_write_that_fails_leaves_nothing_and_frees_the_lock(database: Database) -> None:
    def fail() -> None:
        with database.write() as session:
            session.add(AssetTypeRow(code="a", document={}))
            session.flush()
            raise LookupError("in the middle")

    with pytest.raises(LookupError):
        fail()
    add(database, "b")
    assert codes(database) == ["b"]


def test_a_reader_sees_one_consistent_moment(database: Database) -> None:
    add(database, "a")
    with database.read() as session:
        before = session.scalars(select(AssetTypeRow.code)).all()
        assert before == ["a"]
        if database.is_sqlite:
            add(database, "b")
            assert session.scalars(select(AssetTypeRow.code)).all() == ["a"]


def test_moments_come_back_exact_aware_and_in_utc(database: Database) -> None:
    shanghai = MOMENT.astimezone(timezone(timedelta(hours=8)))
    person_id = new_id()
    with database.write() as session:
        session.add(Person(id=person_id, name="x", left_at=shanghai))
    with database.read() as session:
        left_at = session.get_one(Person, person_id).left_at
        found = session.scalars(select(Person.id).where(Person.left_at == MOMENT)).all()
    assert left_at == MOMENT
    assert left_at is not None
    assert left_at.utcoffset() == timedelta(0)
    assert found == [person_id]


def test_a_naive_moment_is_refused(database: Database) -> None:
    naive = MOMENT.replace(tzinfo=None)
    with database.read() as session, pytest.raises(StatementError, match="naive"):
        session.scalars(select(Person.id).where(Person.left_at == naive)).all()


def test_listeners_hear_of_commits_and_of_nothing_else(database: Database) -> None:
    heard: list[int] = []
    database.on_commit(lambda: heard.append(1))
    add(database, "a")
    with database.read() as session:
        session.execute(text("SELECT 1"))
    with pytest.raises(IntegrityError):
        add(database, "a")
    assert heard == [1]


def test_many_writers_at_once_all_get_through(database: Database) -> None:
    def write(number: int) -> None:
        for each in range(10):
            add(database, f"{number}-{each}")

    in_threads(8, write)
    assert len(codes(database)) == 80


def test_sqlite_keeps_its_promises_on_every_connection(migrated_sqlite_url: str) -> None:
    for power, synchronous in ((False, 1), (True, 2)):
        database = Database(migrated_sqlite_url, durable_against_power_loss=power)
        with database.read() as session:
            pragma = [
                session.execute(text(f"PRAGMA {name}")).scalar_one()
                for name in ("journal_mode", "foreign_keys", "synchronous")
            ]
        database.close()
        assert pragma == ["wal", 1, synchronous]


def test_a_copy_of_sqlite_holds_what_was_committed(
    migrated_sqlite_url: str, tmp_path: Path
) -> None:
    database = Database(migrated_sqlite_url)
    add(database, "a")
    database.copy_to(tmp_path / "copy.sqlite")
    database.close()
    copy = Database(f"sqlite:///{tmp_path / 'copy.sqlite'}")
    assert codes(copy) == ["a"]
    copy.close()


def test_a_copy_that_was_interrupted_is_none(
    migrated_sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def power_cut(_: int) -> None:
        raise KeyboardInterrupt

    database = Database(migrated_sqlite_url)
    add(database, "a")
    target = tmp_path / "copy.sqlite"
    with monkeypatch.context() as cut:
        cut.setattr(os, "fsync", power_cut)
        with pytest.raises(KeyboardInterrupt):
            database.copy_to(target)
    assert not target.exists()
    database.copy_to(target)
    database.close()
    assert [path.name for path in tmp_path.glob("copy*")] == ["copy.sqlite"]


def test_an_absent_database_is_told_from_a_wrong_request(database: Database) -> None:
    absent = Database("postgresql+psycopg://nobody:x@127.0.0.1:1/none")
    with pytest.raises(OperationalError) as caught:
        absent.check()
    assert is_unavailable(caught.value)
    absent.close()
    add(database, "a")
    with pytest.raises(IntegrityError) as wrong:
        add(database, "a")
    assert not is_unavailable(wrong.value)
    assert not is_unavailable(ValueError("x"))


def test_a_database_that_refuses_writes_is_ill_until_it_takes_one(
    migrated_sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = Database(migrated_sqlite_url)
    other = sqlite3.connect(migrated_sqlite_url.removeprefix("sqlite+pysqlite:///"))
    with database.write() as session:
        session.execute(text("PRAGMA busy_timeout=10"))
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(OperationalError):
        add(database, "a")
    with pytest.raises(Unavailable, match="locked"):
        database.check()
    monkeypatch.setattr("core.db.REFUSAL_COUNTS_S", 0.0)
    # Long ago: a process that has written nothing since knows nothing.
    database.check()
    monkeypatch.undo()
    other.rollback()
    other.close()
    add(database, "a")
    database.check()
    database.close()


def test_a_request_that_is_wrong_says_nothing_about_the_database(database: Database) -> None:
    add(database, "a")
    with pytest.raises(IntegrityError):
        add(database, "a")
    database.check()


def test_the_lock_is_given_in_the_order_of_asking() -> None:
    lock, order, threads = FairLock(), list[int](), list[threading.Thread]()

    def enter(number: int) -> None:
        with lock:
            order.append(number)

    with lock:
        for number in range(8):
            thread = threading.Thread(target=enter, args=(number,))
            thread.start()
            threads.append(thread)
            while len(lock._waiting) <= number:
                time.sleep(0.001)
    for thread in threads:
        thread.join()
    assert order == list(range(8))


def test_the_lock_lets_one_in_at_a_time() -> None:
    lock, inside, most = FairLock(), [0], [0]

    def work(_: int) -> None:
        for _ in range(300):
            with lock:
                inside[0] += 1
                most[0] = max(most[0], inside[0])
                inside[0] -= 1

    in_threads(6, work)
    assert most == [1]


def test_who_holds_the_lock_most_of_the_time_does_not_starve_the_others(
    migrated_sqlite_url: str,
) -> None:
    database = Database(migrated_sqlite_url)
    stop, turns = threading.Event(), list[int]()

    def greedy() -> None:
        while not stop.is_set():
            with database.write() as session:
                turns.append(len(turns))
                session.add(AssetTypeRow(code=f"g{len(turns)}", document={}))
                session.flush()
                time.sleep(0.02)

    thread = threading.Thread(target=greedy)
    thread.start()
    waited = []
    for number in range(10):
        before = len(turns)
        with database.write() as session:
            waited.append(len(turns) - before)
            session.add(AssetTypeRow(code=f"p{number}", document={}))
    stop.set()
    thread.join()
    database.close()
    # One turn of the greedy writer, and never a second one, but when somebody held us up before
    # we asked.
    assert sorted(waited)[5] <= 1
