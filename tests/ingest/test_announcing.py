"""What is heard on site: the worst that nobody accepted, and a test each day."""

import json
from datetime import time, timedelta
from typing import Any

import pytest

from core import events
from core.clock import SimulatedClock, to_micros
from core.db import Database
from core.people import Person
from ingest.announcing import Announcer
from tests.fixtures import NOON, SmallSite
from workflows.tickets import Draft, Step, Ticket, act, open_ticket
from workflows.tickets.fire_climbing import lapse_if_due

TOPIC = "wk/v1/riverside/announce"


class Siren:
    """Keeps what is published."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, dict[str, Any], bool]] = []

    def __call__(self, topic: str, payload: bytes, retain: bool) -> None:
        """Hear something."""
        self.heard.append((topic, json.loads(payload), retain))

    def levels(self) -> list[str]:
        """What was heard, in order."""
        return [said["level"] for _, said, _ in self.heard]


def open_one(database: Database, site: SmallSite, *, lives: bool = False, **changes: Any) -> Ticket:
    """A critical ticket that nobody has accepted."""
    draft = Draft(
        site_id=site.id,
        kind="incident",
        title={"en": "Flooded pit", "zh": "水浸"},
        team="maintenance",
        happened_at=NOON,
        learned_at=NOON,
        life_safety=lives,
        **{"priority": "critical", **changes},
    )
    with database.write() as session:
        return open_ticket(session, draft, actor=events.SYSTEM)


def accept(database: Database, ticket: Ticket) -> None:
    """Somebody accepts."""
    with database.write() as session:
        person = Person(name="Wei")
        session.add(person)
        session.flush()
        row = session.get_one(Ticket, ticket.id)
        act(session, row, Step("accept"), person=person.id, now=NOON)


@pytest.fixture
def siren() -> Siren:
    """What hangs on the broker."""
    return Siren()


def look(announcer: Announcer, database: Database) -> None:
    """Let the announcer see what happened."""
    announcer.note(events.read_after(database, events.START, 1000))
    announcer.look()


def test_the_worst_is_heard_until_somebody_accepts_it(
    database: Database, site: SmallSite, clock: SimulatedClock, siren: Siren
) -> None:
    announcer = Announcer(database, clock, siren, None)
    look(announcer, database)
    assert siren.levels() == []
    open_one(database, site, priority="high")
    first, lives = open_one(database, site), open_one(database, site, lives=True)
    look(announcer, database)
    look(announcer, database)
    topic, said, retain = siren.heard[-1]
    assert (topic, said["level"], said["ticket"], retain) == (TOPIC, "alarm", lives.number, True)
    accept(database, lives)
    look(announcer, database)
    assert siren.heard[-1][1]["ticket"] == first.number
    accept(database, first)
    look(announcer, database)
    assert siren.levels() == ["alarm", "alarm", "clear"]


def test_a_restart_says_what_stands_and_clears_what_ended_meanwhile(
    database: Database, site: SmallSite, clock: SimulatedClock, siren: Siren
) -> None:
    ticket = open_one(database, site)
    Announcer(database, clock, siren, None).look()
    Announcer(database, clock, siren, None).look()
    accept(database, ticket)
    Announcer(database, clock, siren, None).look()
    # It is said again, in case it never reached the broker, and logged once.
    Announcer(database, clock, siren, None).look()
    assert siren.levels() == ["alarm", "alarm", "clear", "clear"]
    kinds = [fact.kind for fact in events.read_after(database, events.START, 1000)]
    assert kinds.count("announce.clear") == 1


def test_a_test_is_heard_once_a_day_and_never_over_an_alarm(
    database: Database, site: SmallSite, clock: SimulatedClock, siren: Siren
) -> None:
    announcer = Announcer(database, clock, siren, time(13, 0))
    announcer.look()
    assert siren.levels() == []
    clock.advance_to(to_micros(NOON + timedelta(hours=1)))
    announcer.look()
    # A new process knows of the test, too.
    Announcer(database, clock, siren, time(13, 0)).look()
    announcer.look()
    assert siren.levels() == ["test"]
    assert siren.heard[0][2] is False
    clock.advance_to(to_micros(NOON + timedelta(hours=25)))
    open_one(database, site)
    look(announcer, database)
    assert siren.levels()[1:] == ["alarm"]
    assert len([one for one in events.read_after(database, events.START, 1000)
                if one.kind == "announce.test"]) == 2  # fmt: skip


def test_a_fire_is_said_again_until_somebody_takes_it_on(
    database: Database, site: SmallSite, clock: SimulatedClock, siren: Siren
) -> None:
    announcer = Announcer(database, clock, siren, None)
    ticket = open_one(database, site, lives=True, category="fire_alarm")
    look(announcer, database)
    with database.write() as session:
        row = session.get_one(Ticket, ticket.id)
        assert lapse_if_due(session, row, now=NOON + timedelta(minutes=1))
    look(announcer, database)
    look(announcer, database)
    assert siren.levels() == ["alarm", "alarm"]
    said = siren.heard[-1][1]
    assert (said["fire"], said["ticket"]) == (True, ticket.number)
    assert said["text"] == {"en": "Fire! Flooded pit", "zh": "火警！水浸"}
    assert "fire" not in siren.heard[0][1]
    accept(database, ticket)
    look(announcer, database)
    assert siren.levels()[-1] == "clear"
