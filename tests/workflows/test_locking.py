"""Ingest and people take what both need in the same order, so that neither waits for the other."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import UUID

from sqlalchemy import select, text

from core.db import Database
from core.ids import new_id
from core.people import Person, caller_for
from tests.core.test_rulebook_review import HOT
from tests.fixtures import NOON, SmallSite
from tests.ingest.building import publish_rules
from tests.workflows.conftest import clear, employ, trip
from tests.workflows.test_incidents import Building
from workflows.alarms import Alarm, acknowledge, see_alarm
from workflows.alarms.knowing import known_alarm
from workflows.tickets import Ticket

MINUTE = timedelta(minutes=1)


def wait_until_somebody_waits(database: Database) -> None:
    """Until some transaction on this database waits for a lock."""
    waiting = text(
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    ends = time.monotonic() + 60
    while time.monotonic() < ends:
        with database.read() as session:
            if session.scalar(waiting):
                return
        time.sleep(0.01)
    raise AssertionError("nobody waits")


def test_a_batch_that_waits_for_a_ticket_holds_no_alarm_of_it(
    postgres_database: Database, postgres_site: SmallSite
) -> None:
    database, site, person = postgres_database, postgres_site, new_id()
    opened = trip(database, site, NOON)
    clear(database, site, NOON + MINUTE)
    with database.write() as session:
        session.add(Person(id=person, name="Ada", locale="en"))
    with ThreadPoolExecutor(1) as ingest:
        with database.write() as session:
            session.get_one(Ticket, opened.ticket_id, with_for_update=True)
            batch = ingest.submit(trip, database, site, NOON + 2 * MINUTE)
            wait_until_somebody_waits(database)
            alarm = session.scalars(select(Alarm)).one()
            acknowledge(session, alarm, person=person, now=NOON + 2 * MINUTE)
        assert batch.result(60).ticket_id == opened.ticket_id
    with database.read() as session:
        assert session.scalars(select(Alarm.state)).one() == "unacknowledged"


def test_who_sees_an_alarm_of_an_incident_takes_all_of_it_in_the_order_of_ingest(
    postgres_database: Database, postgres_site: SmallSite
) -> None:
    database, person = postgres_database, new_id()
    house = Building(database, postgres_site)
    for code in house.assets(3):
        house.trip(code, NOON)
    with database.write() as session:
        session.add(Person(id=person, name="Ada", locale="en"))
    with database.read() as session:
        ids = session.scalars(select(Alarm.id).order_by(Alarm.id)).all()

    def see() -> None:
        with database.write() as session:
            see_alarm(session, session.get_one(Alarm, ids[-1]), person=person, now=NOON + MINUTE)

    with ThreadPoolExecutor(1) as pool:
        with database.write() as session:
            session.get_one(Alarm, ids[0], with_for_update=True)
            seen = pool.submit(see)
            wait_until_somebody_waits(database)
            session.get_one(Alarm, ids[-1], with_for_update=True)
        seen.result(60)
    with database.read() as session:
        assert set(session.scalars(select(Alarm.state))) == {"acknowledged"}


def test_of_two_who_make_the_same_alarm_known_each_gets_the_one_that_is_made(
    postgres_database: Database, postgres_site: SmallSite
) -> None:
    database, pump = postgres_database, postgres_site.assets["pump-1"]
    lead = employ(database, postgres_site.id, "supervisor")
    with database.write() as session:
        publish_rules(session, HOT)
        caller = caller_for(session, session.get_one(Person, lead))

    def know() -> UUID:
        with database.write() as session:
            return known_alarm(session, caller, pump, "pump-hot").id

    with ThreadPoolExecutor(1) as pool:
        with database.write() as session:
            known = known_alarm(session, caller, pump, "pump-hot").id
            other = pool.submit(know)
            wait_until_somebody_waits(database)
        assert other.result(60) == known
