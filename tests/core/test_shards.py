"""What an ingest shard remembers of itself over its own death."""

from datetime import timedelta

from core import shards
from core.db import Database
from tests.fixtures import NOON


def test_a_shard_that_never_ran_remembers_nothing(database: Database) -> None:
    with database.read() as session:
        memory = shards.recall(session, "main")
        assert shards.last_beats(session) == {}
    assert (memory.last_beat, memory.clean, memory.gaps) == (None, True, ())


def test_the_last_beat_and_how_it_ended_are_remembered(database: Database) -> None:
    with database.write() as session:
        shards.beat(session, "main", NOON, clean=True)
    with database.write() as session:
        shards.beat(session, "main", NOON + timedelta(seconds=5), clean=False)
    with database.read() as session:
        memory = shards.recall(session, "main")
        assert shards.last_beats(session) == {"main": NOON + timedelta(seconds=5)}
    assert (memory.last_beat, memory.clean) == (NOON + timedelta(seconds=5), False)


def test_times_of_not_listening_add_up_and_only_the_newest_stay_as_rows(
    database: Database,
) -> None:
    with database.write() as session:
        for start in range(0, 1000, 100):
            shards.add_gap(session, "main", start, start + 10, keep=3)
        # Told again, because the answer to the commit was lost.
        shards.add_gap(session, "main", 900, 910, keep=3)
        shards.add_gap(session, "other", 0, 7)
    with database.read() as session:
        memory = shards.recall(session, "main")
        other = shards.recall(session, "other")
    assert memory.gaps == ((700, 710), (800, 810), (900, 910))
    assert memory.stopped_before_gaps == 70
    assert (other.gaps, other.stopped_before_gaps) == (((0, 7),), 0)
