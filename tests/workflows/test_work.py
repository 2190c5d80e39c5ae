"""The work on a ticket: labour, parts, cost, and what was found by codes."""

from decimal import Decimal
from typing import Any

import pytest

from core.db import Database
from core.errors import Conflict, Invalid, NotFound
from core.ids import new_id
from tests.fixtures import NOON, Administrator, SmallSite
from tests.workflows.conftest import do, facts_of, ticket_of, trip, write_ticket
from workflows.tickets import Ticket
from workflows.tickets.work import (
    LISTS,
    Findings,
    NewWork,
    add_work,
    list_work,
    lists_for,
    record_findings,
    remove_work,
    totals,
)

LABOUR = NewWork("labour", " Changed  the bearing ", minutes=90, cost=Decimal("180.50"))
PART = NewWork("part", "Bearing 6204", quantity=Decimal("2.000"), cost=Decimal("64"))


def test_labour_and_parts_are_added_up(
    database: Database, site: SmallSite, administrator: Administrator
) -> None:
    ticket_id = write_ticket(database, site, NOON)
    person = administrator.person_id
    with database.write() as session:
        ticket = session.get_one(Ticket, ticket_id)
        for line in (LABOUR, PART):
            add_work(session, ticket, line, person=person, now=NOON)
    with database.read() as session:
        lines = list_work(session, ticket_id)
    assert [(one["what"], one["minutes"], one["quantity"], one["cost"]) for one in lines] == [
        ("Changed the bearing", 90, None, "180.50"),
        ("Bearing 6204", None, "2", "64.00"),
    ]
    assert totals(lines) == (90, Decimal("244.50"))
    assert totals([]) == (0, Decimal(0))
    # The log holds amounts, not what people wrote.
    assert "earing" not in str([fact.after for fact in facts_of(database, "ticket.work")])


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "bribe"},
        {"what": "  "},
        {"what": "x" * 121},
        {"minutes": None},
        {"minutes": 0},
        {"minutes": 30 * 24 * 60},
        {"cost": Decimal(-1)},
        {"kind": "part"},
        {"kind": "part", "quantity": Decimal(0)},
    ],
)
def test_a_line_that_makes_no_sense_is_refused(
    database: Database, site: SmallSite, administrator: Administrator, wrong: dict[str, Any]
) -> None:
    ticket_id = write_ticket(database, site, NOON)
    line = NewWork(**{"kind": "labour", "what": "Work", "minutes": 5, **wrong})
    with database.write() as session:
        ticket = session.get_one(Ticket, ticket_id)
        with pytest.raises(Invalid):
            add_work(session, ticket, line, person=administrator.person_id, now=NOON)


def test_a_line_is_taken_away_and_the_log_keeps_it(
    database: Database, site: SmallSite, administrator: Administrator
) -> None:
    person = administrator.person_id
    ticket_id, other = (write_ticket(database, site, NOON) for _ in range(2))
    with database.write() as session:
        ticket = session.get_one(Ticket, ticket_id)
        line = add_work(session, ticket, PART, person=person, now=NOON)
        elsewhere = session.get_one(Ticket, other)
        for place, which in ((elsewhere, line.id), (ticket, new_id())):
            with pytest.raises(NotFound):
                remove_work(session, place, which, person=person, now=NOON)
        remove_work(session, ticket, line.id, person=person, now=NOON)
        assert list_work(session, ticket_id) == []
    [fact] = facts_of(database, "ticket.work_removed")
    assert (fact.after or {})["quantity"] == "2.000"


def test_findings_come_from_the_list_of_the_asset_type(
    database: Database, site: SmallSite, administrator: Administrator
) -> None:
    person = administrator.person_id
    ticket_id = trip(database, site, NOON).ticket_id
    with database.write() as session:
        ticket = session.get_one(Ticket, ticket_id)
        found = Findings("overheating", "bearing", "replaced")
        record_findings(session, ticket, found, person=person, now=NOON)
        wrong = Findings("entrapment", "bearing", "prayer")
        with pytest.raises(Invalid) as caught:
            record_findings(session, ticket, wrong, person=person, now=NOON)
    assert len(caught.value.problems) == 2
    row = ticket_of(database, ticket_id)
    assert (row.fault_code, row.cause_code, row.remedy_code) == (
        "overheating",
        "bearing",
        "replaced",
    )
    [fact] = facts_of(database, "ticket.findings")
    assert fact.before == {"fault": None, "cause": None, "remedy": None}


def test_an_ended_ticket_takes_no_more(
    database: Database, site: SmallSite, administrator: Administrator
) -> None:
    person = administrator.person_id
    ticket_id = write_ticket(database, site, NOON)
    do(database, ticket_id, person, NOON, "cancel")
    with database.write() as session:
        ticket = session.get_one(Ticket, ticket_id)
        with pytest.raises(Conflict):
            add_work(session, ticket, LABOUR, person=person, now=NOON)
        with pytest.raises(Conflict):
            record_findings(session, ticket, Findings("leak"), person=person, now=NOON)


@pytest.mark.parametrize("asset_type", [None, "pump", "lift", "smoke_detector", "teapot"])
def test_every_list_is_in_both_languages_with_the_general_codes_last(
    asset_type: str | None,
) -> None:
    lists = lists_for(asset_type)
    assert tuple(lists) == LISTS
    for codes in lists.values():
        assert all(names["en"] and names["zh"] for names in codes.values())
        assert all(len(code) <= 30 for code in codes)
    assert list(lists["causes"])[-1] == "unknown"
