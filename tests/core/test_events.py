"""The event log: append-only, and followed without ever skipping a fact."""

import threading
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from core import events
from core.db import Database, Session
from core.events import Follower
from tests.fixtures import NOON


def say(database: Database, kind: str) -> None:
    with database.write() as session:
        append(session, kind)


def append(session: Session, kind: str) -> None:
    events.append(session, kind, ("thing", "1"), actor=events.SYSTEM, learned_at=NOON)


def kinds(rows: list[events.Event]) -> list[str]:
    return [row.kind for row in rows]


@pytest.mark.parametrize(
    "statement",
    ["UPDATE event SET kind = 'x'", "DELETE FROM event", "UPDATE event SET site_id = NULL"],
)
def test_a_fact_can_neither_be_changed_nor_deleted(database: Database, statement: str) -> None:
    say(database, "thing.happen")
    with pytest.raises(DBAPIError, match="append-only"), database.write() as session:
        session.execute(text(statement))
    assert kinds(events.read_after(database, events.START)) == ["thing.happen"]


def test_the_log_cannot_be_truncated(postgres_database: Database) -> None:
    say(postgres_database, "thing.happen")
    with pytest.raises(DBAPIError, match="append-only"), postgres_database.write() as session:
        session.execute(text("TRUNCATE event CASCADE"))


def test_a_fact_holds_who_what_when_and_before_and_after(database: Database) -> None:
    site = uuid4()
    with database.write() as session:
        events.append(
            session,
            "ticket.close",
            ("ticket", site),
            actor=events.Actor.person(site),
            learned_at=NOON,
            site_id=site,
            before={"state": "verified"},
            after={"state": "closed", "at": 1.5},
        )
    [fact] = events.read_after(database, events.START)
    assert (fact.subject_kind, fact.subject_id) == ("ticket", str(site))
    assert (fact.actor_kind, fact.actor_id) == ("person", str(site))
    assert (fact.happened_at, fact.learned_at) == (NOON, NOON)
    assert (fact.before, fact.after) == ({"state": "verified"}, {"state": "closed", "at": 1.5})


def test_a_fact_of_a_transaction_that_failed_was_never_there(database: Database) -> None:
    def fail() -> None:
        with database.write() as session:
            append(session, "thing.fail")
            session.flush()
            raise LookupError("in the middle")

    with pytest.raises(LookupError):
        fail()
    say(database, "thing.happen")
    assert kinds(events.read_after(database, events.START)) == ["thing.happen"]


def test_a_follower_reads_every_fact_once_and_in_order(database: Database) -> None:
    say(database, "thing.0")
    follower = Follower(database, events.newest(database))
    for number in range(1, 1203):
        if number % 400 == 1:
            with database.write() as session:
                for each in range(number, min(number + 400, 1203)):
                    append(session, f"thing.{each}")
    seen: list[str] = []
    while rows := follower.poll():
        seen += kinds(rows)
    assert seen == [f"thing.{number}" for number in range(1, 1203)]


def test_a_follower_never_skips_a_fact_that_commits_late(postgres_database: Database) -> None:
    database = postgres_database
    follower = Follower(database, events.newest(database))
    with database.write() as slow:
        append(slow, "slow.first")
        slow.flush()
        # The other one starts later, takes a later number, and is committed earlier.
        say(database, "quick.second")
        assert follower.poll() == []
        with database.read() as session:
            assert session.scalar(text("SELECT count(*) FROM event")) == 1
    assert kinds(follower.poll()) == ["slow.first", "quick.second"]
    assert follower.poll() == []


def test_a_new_follower_waits_for_what_was_open_when_it_began(
    postgres_database: Database,
) -> None:
    database = postgres_database
    with database.write() as slow:
        append(slow, "slow.first")
        slow.flush()
        follower = Follower(database, events.newest(database))
    assert kinds(follower.poll()) == ["slow.first"]


def test_many_writers_and_a_follower_lose_nothing(database: Database) -> None:
    stop, seen = threading.Event(), list[str]()
    follower = Follower(database, events.newest(database))

    def follow() -> None:
        for rows in follower.follow(stop):
            seen.extend(kinds(rows))

    def write(name: int) -> None:
        for number in range(15):
            say(database, f"thing.{name}-{number}")

    reader = threading.Thread(target=follow)
    reader.start()
    writers = [threading.Thread(target=write, args=(name,)) for name in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    deadline = threading.Event()
    for _ in range(1200):
        if len(seen) == 60:
            break
        deadline.wait(0.05)
    stop.set()
    follower.wake()
    reader.join()
    assert sorted(seen) == sorted(f"thing.{a}-{b}" for a in range(4) for b in range(15))
    assert len(seen) == 60


def test_a_commit_wakes_the_followers_of_its_process(database: Database) -> None:
    follower = Follower(database, events.newest(database))
    timer = threading.Timer(0.2, say, (database, "thing.happen"))
    timer.start()
    follower.wait(30)
    timer.join()
    assert kinds(follower.poll()) == ["thing.happen"]


def test_the_log_tells_what_it_said_last_of_a_subject(database: Database) -> None:
    for kind in ("thing.sleep", "thing.wake", "thing.other"):
        say(database, kind)
    with database.read() as session:
        both = ("thing.sleep", "thing.wake")
        assert events.latest_kind(session, ("thing", "1"), both) == "thing.wake"
        assert events.latest_kind(session, ("thing", "2"), both) is None
