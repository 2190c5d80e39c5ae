"""What a merge must not break: one fault is one ticket, whoever ends the other meanwhile."""

from dataclasses import replace

import pytest
from sqlalchemy import select

from core.db import Database
from core.errors import Conflict
from core.people import Person, caller_for
from tests.fixtures import NOON, Administrator, SmallSite
from tests.workflows.conftest import (
    DAY,
    MINUTE,
    OVERHEATING,
    clear,
    do,
    employ,
    facts_of,
    ticket_of,
    trip,
    write_ticket,
)
from workflows.tickets import Fault, Step, Ticket, act
from workflows.tickets.reading import find_ticket

ONE_ENGINE = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


@ONE_ENGINE
@pytest.mark.parametrize("reopens", ["a person", "the fault"])
def test_a_newer_ticket_merged_into_the_older_leaves_a_fault_that_can_come_again(
    database: Database, site: SmallSite, administrator: Administrator, reopens: str
) -> None:
    person = administrator.person_id
    older = trip(database, site, NOON).ticket_id
    clear(database, site, NOON + MINUTE)
    do(database, older, person, NOON + MINUTE, "start")
    do(database, older, person, NOON + MINUTE, "resolve")
    later = NOON + 30 * DAY
    newer = trip(database, site, later).ticket_id
    assert newer != older
    do(database, newer, person, later, "merge", into_id=older)
    if reopens == "a person":
        do(database, older, person, later + MINUTE, "reopen")
    else:
        do(database, older, person, later + MINUTE, "verify")
        do(database, older, person, later + MINUTE, "close")
        clear(database, site, later + 2 * MINUTE)
        assert trip(database, site, later + 3 * MINUTE).ticket_id == older
    assert ticket_of(database, older).state == "open"
    with database.read() as session:
        assert session.scalars(select(Fault.ticket_id).where(Fault.holds)).all() == [older]


@ONE_ENGINE
def test_what_goes_into_another_ticket_is_no_less_urgent_there(
    database: Database, site: SmallSite, administrator: Administrator
) -> None:
    person = administrator.person_id
    gas = replace(OVERHEATING, rule_id="gas", severity="critical", life_safety=True)
    leak = trip(database, site, NOON, rule=gas).ticket_id
    smell = write_ticket(database, site, NOON, respond=DAY, resolve=DAY)
    do(database, leak, person, NOON, "merge", into_id=smell)
    ticket = ticket_of(database, smell)
    assert (ticket.priority, ticket.life_safety) == ("critical", True)
    assert ticket.respond_due == NOON + 15 * MINUTE
    [edit] = facts_of(database, "ticket.edit")
    assert (edit.before, edit.actor_id) == ({"priority": "high"}, str(person))


def test_a_ticket_that_somebody_ends_meanwhile_takes_no_other_in(
    postgres_database: Database, postgres_site: SmallSite
) -> None:
    database, site = postgres_database, postgres_site
    person = employ(database, site.id, "supervisor")
    flooded = trip(database, site, NOON).ticket_id
    target = write_ticket(database, site, NOON)
    with database.write() as session:
        ticket = session.get_one(Ticket, flooded)
        # As it was read, before somebody else ended it.
        read = session.get_one(Ticket, target)
        do(database, target, person, NOON, "cancel")
        step = Step("merge", "The same", into_id=target)
        with pytest.raises(Conflict, match="has ended"):
            act(session, ticket, step, person=person, now=NOON)
        assert read.state == "cancelled"


def test_whoever_locks_a_ticket_sees_it_as_it_stands_by_then(
    postgres_database: Database, postgres_site: SmallSite
) -> None:
    database, site = postgres_database, postgres_site
    person = employ(database, site.id, "supervisor")
    ticket_id = write_ticket(database, site, NOON)
    with database.write() as session:
        caller = caller_for(session, session.get_one(Person, person))
        read = session.get_one(Ticket, ticket_id)
        do(database, ticket_id, person, NOON, "cancel")
        locked = find_ticket(session, caller, ticket_id, to_change=True)
        assert (locked is read, locked.state) == (True, "cancelled")
