"""Why and why not: what a rule saw at a moment."""

from datetime import datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import select

from core.clock import MICROS
from core.db import Database
from core.errors import NotFound
from core.people import Caller
from core.places import Asset
from core.telemetry.readings import Quality, Reading
from tests.ingest.building import NOON, RULES, START, Names
from tests.ingest.memory_store import MemoryStore
from workflows.laboratory import Tried, why


@pytest.fixture
def history(building: Database) -> MemoryStore:
    """Pump 3: warm from the third minute to the sixth, told a second late."""
    store, number = MemoryStore(), Names(building).series["pump-3/motor_temperature"]
    for minute, value in enumerate((50.0, 50.0, 50.0, 65.0, 66.0, 67.0, 67.0, 50.0)):
        at = START + minute * 60 * MICROS
        row = Reading(number, at, value, at + MICROS, Quality.GOOD)
        store.rows[number, at] = row
    return store


def explained(
    database: Database, store: MemoryStore, rule: str, moment: datetime, asset: str = "pump-3"
) -> why.Explained:
    with database.read() as session:
        pump = session.scalars(select(Asset).where(Asset.code == asset)).one()
        rights = dict.fromkeys(("telemetry.read", "tickets.read"), frozenset({pump.site_id}))
        caller = Caller(uuid4(), "", "en", rights)
        wanted = why.ask(session, caller, Tried(rule, RULES, None), pump.id, moment, shard="main")
    return why.explain(wanted, store)


def test_a_delay_was_running(building: Database, history: MemoryStore) -> None:
    found = explained(building, history, "warm-long", NOON + timedelta(minutes=4, seconds=30))
    assert (found.phase, found.waits_for, found.delay) == ("pending", "trip", "2m")
    assert found.since == NOON + timedelta(minutes=3)
    assert found.due == NOON + timedelta(minutes=5)
    assert found.when == (why.Part("motor_temperature 66 °C > 60 °C", True),)
    (seen,) = found.points
    assert (seen.value, seen.at) == (66.0, NOON + timedelta(minutes=4))
    assert seen.heard == NOON + timedelta(minutes=4, seconds=1)


def test_what_had_not_arrived_was_not_known(building: Database, history: MemoryStore) -> None:
    found = explained(building, history, "warm-long", NOON + timedelta(minutes=3, seconds=0.5))
    assert found.phase == "normal"
    assert found.when == (why.Part("motor_temperature 50 °C <= 60 °C", False),)
    assert found.steps == ()


def test_it_had_tripped_and_cleared(building: Database, history: MemoryStore) -> None:
    found = explained(building, history, "warm-long", NOON + timedelta(minutes=9))
    assert [(each.kind, each.at) for each in found.steps] == [
        ("pending", NOON + timedelta(minutes=3)),
        ("tripped", NOON + timedelta(minutes=5)),
        ("cleared", NOON + timedelta(minutes=7)),
    ]


def test_a_delay_that_ended_in_quiet_is_known_at_that_moment(
    building: Database, history: MemoryStore
) -> None:
    """As alarms say when they tripped, so that the question leads to the answer."""
    for minute in (5, 6, 7):
        del history.rows[
            Names(building).series["pump-3/motor_temperature"], START + minute * 60 * MICROS
        ]
    found = explained(building, history, "warm-long", NOON + timedelta(minutes=5))
    assert (found.phase, found.steps[-1].kind) == ("active", "tripped")


def test_what_is_unknown_is_said(building: Database, history: MemoryStore) -> None:
    found = explained(building, history, "shaking", NOON + timedelta(minutes=4))
    assert found.when == (why.Part("vibration unknown > 5 mm/s", None),)
    assert found.points[0].at is None


def test_a_rule_that_does_not_look_there(building: Database, history: MemoryStore) -> None:
    with pytest.raises(NotFound, match="does not look at this asset"):
        explained(building, history, "hot", NOON, asset="lift-1")
