"""The checklist of a ticket: what it asks, what answers it, and what it keeps from being done."""

from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from core import events
from core.db import Database
from core.errors import Conflict, Invalid, NotFound
from core.files import FileStore
from core.ids import new_id
from tests.fixtures import NOON, Administrator, SmallSite
from tests.pictures import photo
from tests.workflows.conftest import do, employ, facts_of, ticket_of, write_ticket
from workflows.tickets import Step, Ticket, act
from workflows.tickets.checklist import (
    MOST_ITEMS,
    ChecklistItem,
    NewItem,
    add_items,
    answer_item,
    list_items,
    remove_item,
    reword_item,
)
from workflows.tickets.photos import add_photo, store_photo

SWITCHED = NewItem({"en": "Main switch  is off", "zh": "总开关已断开"})
PRESSURE = NewItem(
    {"und": "进水压力"}, "number", unit="bar", low=Decimal("2.00"), high=Decimal("6.5")
)
BELT = NewItem(
    {"en": "Belt"},
    "choice",
    required=False,
    choices=({"en": "Good", "zh": "良好"}, {"en": "Worn", "zh": "磨损"}),
)
PICTURE = NewItem({"en": "Photo of the plate"}, "photo")
ALL = (SWITCHED, PRESSURE, BELT, PICTURE)


def put(database: Database, ticket_id: UUID, *items: NewItem) -> list[UUID]:
    """Put items on the checklist of a ticket; their ids."""
    with database.write() as session:
        ticket = session.get_one(Ticket, ticket_id)
        rows = add_items(session, ticket, items, actor=events.SYSTEM, now=NOON)
        return [row.id for row in rows]


def say(database: Database, ticket_id: UUID, item: UUID, value: str | None, person: UUID) -> None:
    """Answer an item, in a transaction of its own."""
    with database.write() as session:
        ticket = session.get_one(Ticket, ticket_id)
        answer_item(session, ticket, item, value, person=person, now=NOON)


def items_of(database: Database, ticket_id: UUID) -> list[dict[str, Any]]:
    with database.read() as session:
        return list_items(session, ticket_id)


@pytest.fixture
def files(tmp_path: Any) -> FileStore:
    return FileStore(str(tmp_path / "files"))


def test_a_checklist_is_answered_and_every_answer_is_an_event(
    database: Database, site: SmallSite, administrator: Administrator, files: FileStore
) -> None:
    person = administrator.person_id
    ticket_id = write_ticket(database, site, NOON)
    tick, number, choice, picture = put(database, ticket_id, *ALL)
    taken = store_photo(files, photo())
    with database.write() as session:
        ticket = session.get_one(Ticket, ticket_id)
        shot = str(add_photo(session, ticket, taken, author=person, now=NOON).id)
    answers = {tick: "yes", number: "4,50", choice: "2", picture: shot}
    for item, value in answers.items():
        say(database, ticket_id, item, value, person)
    shown = items_of(database, ticket_id)
    assert [one["answer"] for one in shown] == ["yes", "4.5", "2", shot]
    assert shown[0]["text"] == {"en": "Main switch is off", "zh": "总开关已断开"}
    assert (shown[1]["low"], shown[1]["high"], shown[1]["unit"]) == ("2", "6.5", "bar")
    assert {one["answered_by"] for one in shown} == {person}
    assert not any(one["outside"] for one in shown)
    facts = [fact.after or {} for fact in facts_of(database, "ticket.check") if fact.before]
    assert [fact["answer"] for fact in facts] == ["yes", "4.5", "2", shot]
    # The log holds ids and answers, not what people wrote.
    assert "压力" not in str([fact.after for fact in facts_of(database, "ticket.check")])


def test_a_number_outside_its_range_is_marked_and_corrected(
    database: Database, site: SmallSite, administrator: Administrator
) -> None:
    ticket_id = write_ticket(database, site, NOON)
    [number] = put(database, ticket_id, PRESSURE)
    for value, outside in (("1.99", True), ("2", False), ("6.51", True), ("6.5", False)):
        say(database, ticket_id, number, value, administrator.person_id)
        assert items_of(database, ticket_id)[0]["outside"] is outside, value
    say(database, ticket_id, number, None, administrator.person_id)
    [item] = items_of(database, ticket_id)
    assert (item["answer"], item["answered_by"], item["answered_at"]) == (None, None, None)
    last = facts_of(database, "ticket.check")[-1]
    assert last.before == {"answer": "6.5", "outside": False}


def test_the_same_answer_again_changes_nothing(
    database: Database, site: SmallSite, administrator: Administrator
) -> None:
    ticket_id = write_ticket(database, site, NOON)
    [tick] = put(database, ticket_id, SWITCHED)
    for _ in range(2):
        say(database, ticket_id, tick, "yes", administrator.person_id)
    assert len([fact for fact in facts_of(database, "ticket.check") if fact.before]) == 1


@pytest.mark.parametrize(
    ("which", "value"),
    [
        (0, "no"),
        (1, "much"),
        (1, "NaN"),
        (1, "1e30"),
        (2, "0"),
        (2, "3"),
        (2, "Good"),
        (3, "mine"),
        (3, "01a22216-0000-7000-8000-000000000000"),
    ],
)
def test_an_answer_that_does_not_fit_is_refused(
    database: Database, site: SmallSite, administrator: Administrator, which: int, value: str
) -> None:
    ticket_id = write_ticket(database, site, NOON)
    items = put(database, ticket_id, *ALL)
    with pytest.raises(Invalid) as caught:
        say(database, ticket_id, items[which], value, administrator.person_id)
    assert caught.value.problems[0].startswith("value: ")


@pytest.mark.parametrize(
    "wrong",
    [
        NewItem({}),
        NewItem({"en": " "}),
        NewItem({"en": "x" * 201}),
        NewItem({"en": "Look"}, "smell"),
        NewItem({"en": "Look"}, unit="bar"),
        NewItem({"en": "Look"}, "number", low=Decimal(2), high=Decimal(1)),
        NewItem({"en": "Look"}, "number", low=Decimal("NaN")),
        NewItem({"en": "Look"}, "number", unit="x" * 21),
        NewItem({"en": "Look"}, "choice", choices=({"en": "One"},)),
        NewItem({"en": "Look"}, "choice", choices=({"en": "One"}, {"en": ""})),
        NewItem({"en": "Look"}, "photo", choices=({"en": "One"}, {"en": "Two"})),
    ],
)
def test_an_item_that_makes_no_sense_is_refused(
    database: Database, site: SmallSite, wrong: NewItem
) -> None:
    ticket_id = write_ticket(database, site, NOON)
    with pytest.raises(Invalid) as caught:
        put(database, ticket_id, SWITCHED, wrong)
    assert caught.value.problems[0].startswith("item 2: ")
    assert items_of(database, ticket_id) == []


def test_a_checklist_has_an_end(database: Database, site: SmallSite) -> None:
    ticket_id = write_ticket(database, site, NOON)
    put(database, ticket_id, *[SWITCHED] * MOST_ITEMS)
    with pytest.raises(Conflict):
        put(database, ticket_id, SWITCHED)
    with pytest.raises(Invalid):
        put(database, ticket_id)


def test_a_required_item_keeps_the_ticket_from_being_resolved(
    database: Database, site: SmallSite, administrator: Administrator
) -> None:
    person = administrator.person_id
    ticket_id = write_ticket(database, site, NOON)
    tick, _ = put(database, ticket_id, SWITCHED, BELT)
    do(database, ticket_id, person, NOON, "start")
    with pytest.raises(Conflict, match="Main switch is off") as caught:
        do(database, ticket_id, person, NOON, "resolve")
    assert "Belt" not in caught.value.detail
    assert ticket_of(database, ticket_id).state == "in_progress"
    say(database, ticket_id, tick, "yes", person)
    do(database, ticket_id, person, NOON, "resolve")
    assert ticket_of(database, ticket_id).state == "resolved"


def test_what_a_contractor_left_open_is_answered_before_their_work_is_verified(
    database: Database, site: SmallSite, administrator: Administrator
) -> None:
    ticket_id = write_ticket(database, site, NOON)
    [tick] = put(database, ticket_id, SWITCHED)
    link = events.Actor("contractor", str(new_id()))
    with database.write() as session:
        ticket = session.get_one(Ticket, ticket_id)
        for action in ("start", "resolve"):
            act(session, ticket, Step(action), person=None, now=NOON, actor=link)
    with pytest.raises(Conflict):
        do(database, ticket_id, administrator.person_id, NOON, "verify")
    say(database, ticket_id, tick, "yes", administrator.person_id)
    do(database, ticket_id, administrator.person_id, NOON, "verify")
    assert ticket_of(database, ticket_id).state == "verified"


def test_an_unanswered_item_is_taken_away_an_answered_one_stays(
    database: Database, site: SmallSite, administrator: Administrator
) -> None:
    person = administrator.person_id
    ticket_id, other = (write_ticket(database, site, NOON) for _ in range(2))
    first, second = put(database, ticket_id, SWITCHED, BELT)
    say(database, ticket_id, second, "1", person)
    with database.write() as session:
        ticket, elsewhere = (session.get_one(Ticket, one) for one in (ticket_id, other))
        with pytest.raises(Conflict):
            remove_item(session, ticket, second, person=person, now=NOON)
        with pytest.raises(NotFound):
            remove_item(session, elsewhere, first, person=person, now=NOON)
        with pytest.raises(NotFound):
            answer_item(session, elsewhere, first, "yes", person=person, now=NOON)
        remove_item(session, ticket, first, person=person, now=NOON)
    assert [one["id"] for one in items_of(database, ticket_id)] == [second]
    [fact] = facts_of(database, "ticket.checklist_removed")
    assert fact.after == {"item": str(first)}


def test_an_item_is_reworded_on_record_until_it_has_an_answer(
    database: Database, site: SmallSite, administrator: Administrator
) -> None:
    ticket_id = write_ticket(database, site, NOON)
    [first] = put(database, ticket_id, SWITCHED)

    def reword(words: str) -> None:
        with database.write() as session:
            ticket = session.get_one(Ticket, ticket_id)
            item = session.get_one(ChecklistItem, first)
            facts = {"cells": 2}
            text = {"en": words}
            reword_item(session, ticket, item, text, actor=events.SYSTEM, now=NOON, facts=facts)

    reword("Take two")
    reword("Take two")
    [fact] = facts_of(database, "ticket.checklist_reworded")
    assert fact.after == {"item": str(first), "cells": 2}
    say(database, ticket_id, first, "yes", administrator.person_id)
    with pytest.raises(Conflict):
        reword("Take three")
    assert items_of(database, ticket_id)[0]["text"] == {"en": "Take two"}


def test_an_ended_ticket_takes_no_answer(
    database: Database, site: SmallSite, administrator: Administrator
) -> None:
    person = employ(database, site.id, "technician")
    ticket_id = write_ticket(database, site, NOON)
    [tick] = put(database, ticket_id, SWITCHED)
    do(database, ticket_id, administrator.person_id, NOON, "cancel")
    with pytest.raises(Conflict):
        say(database, ticket_id, tick, "yes", person)
    with pytest.raises(Conflict):
        put(database, ticket_id, BELT)
