"""Tickets: the status table, deadlines, holds, merges, and edits of two people at once."""

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import func, select

from core import events
from core.clock import SimulatedClock
from core.db import Database
from core.errors import Conflict, Invalid, Stale
from core.ids import new_id
from core.people import Person
from tests.fixtures import NOON, Administrator, SmallSite
from tests.threads import in_threads
from tests.workflows.conftest import (
    DAY,
    MINUTE,
    clear,
    do,
    employ,
    facts_of,
    ticket_of,
    trip,
    write_ticket,
)
from workflows.tickets import (
    TICKET,
    Fault,
    Step,
    Ticket,
    TicketNote,
    act,
    add_note,
    edit,
    mark_moments,
)


@pytest.mark.parametrize("status", TICKET.statuses)
def test_every_action_does_what_the_table_says_of_the_status(
    database: Database, site: SmallSite, administrator: Administrator, status: str
) -> None:
    person = administrator.person_id
    for action, table in TICKET.moves.items():
        ticket_id, into = (put(database, site, state) for state in (status, "open"))
        until = NOON + DAY if action == "hold" else None
        step = Step(action, note="because", assignee_id=person, into_id=into, until=until)
        target = table.get(status)
        with database.write() as session:
            ticket = session.get_one(Ticket, ticket_id)
            if target is None:
                with pytest.raises(Conflict, match=f"a ticket that is {status} cannot {action}"):
                    act(session, ticket, step, person=person, now=NOON)
            else:
                act(session, ticket, step, person=person, now=NOON)
        assert ticket_of(database, ticket_id).state == (target or status)
        facts = [
            (fact.before, (fact.after or {})["state"])
            for fact in facts_of(database, f"ticket.{action}")
        ]
        assert facts == ([({"state": status}, target)] if target else [])


def put(database: Database, site: SmallSite, status: str) -> UUID:
    with database.write() as session:
        ticket = Ticket(
            id=new_id(),
            number=(session.scalar(select(func.count(Ticket.id))) or 0) + 1,
            site_id=site.id,
            kind="repair",
            priority="high",
            state=status,
            version=1,
            title={"und": "x"},
            team="maintenance",
            happened_at=NOON,
            learned_at=NOON,
            clock_from=NOON,
            held_at=NOON if status == "on_hold" else None,
        )
        session.add(ticket)
        return ticket.id


def test_numbers_have_no_gap_and_no_double(database: Database, site: SmallSite) -> None:
    ids = [write_ticket(database, site, NOON) for _ in range(3)]
    assert [ticket_of(database, ticket_id).number for ticket_id in ids] == [1, 2, 3]


def test_a_passed_deadline_is_marked_once(
    database: Database, site: SmallSite, administrator: Administrator
) -> None:
    ticket_id = write_ticket(database, site, NOON)
    assert ticket_of(database, ticket_id).next_due == NOON + 22.5 * MINUTE
    # Warned at three quarters of each span; at the deadline a supervisor is told, then a manager.
    steps = ((22, 0), (23, 1), (29, 0), (30, 2), (31, 0), (45, 1), (180, 1), (240, 2), (9999, 1))
    for later, expected in steps:
        with database.write() as session:
            now = NOON + later * MINUTE
            assert mark_moments(session, now=now, actor=events.SYSTEM) == expected
    assert ticket_of(database, ticket_id).next_due is None
    assert len(facts_of(database, "ticket.overdue")) == 2
    told = [fact.after or {} for fact in facts_of(database, "ticket.escalate")]
    # There is neither a supervisor nor a manager, so it falls through to who is there.
    assert [(one["clock"], one["level"], one["role"]) for one in told] == [
        (clock, level, "administrator") for clock in ("response", "resolution") for level in (1, 2)
    ]
    assert told[0]["people"] == [str(administrator.person_id)]


def test_a_deadline_that_passed_before_anybody_acted_is_marked_all_the_same(
    database: Database, site: SmallSite, administrator: Administrator
) -> None:
    ticket_id = write_ticket(database, site, NOON)
    do(database, ticket_id, administrator.person_id, NOON + 45 * MINUTE, "start")
    [fact] = facts_of(database, "ticket.overdue")
    assert fact.happened_at == NOON + 30 * MINUTE
    with database.write() as session:
        assert mark_moments(session, now=NOON + 50 * MINUTE, actor=events.SYSTEM) == 0


def test_a_response_in_time_is_never_overdue(
    database: Database, site: SmallSite, administrator: Administrator
) -> None:
    ticket_id = write_ticket(database, site, NOON)
    do(database, ticket_id, administrator.person_id, NOON + 10 * MINUTE, "accept")
    ticket = ticket_of(database, ticket_id)
    assert (ticket.responded_at, ticket.next_due) == (NOON + 10 * MINUTE, NOON + 180 * MINUTE)
    assert ticket.assignee_id == administrator.person_id


def test_a_hold_stops_the_clock_and_shifts_what_is_still_owed(
    database: Database, site: SmallSite, administrator: Administrator
) -> None:
    ticket_id = write_ticket(database, site, NOON)
    person = administrator.person_id
    do(database, ticket_id, person, NOON + 10 * MINUTE, "start")
    do(database, ticket_id, person, NOON + 20 * MINUTE, "hold", until=NOON + 2 * DAY)
    with database.write() as session:
        assert mark_moments(session, now=NOON + DAY, actor=events.SYSTEM) == 0
    do(database, ticket_id, person, NOON + 120 * MINUTE, "resume")
    ticket = ticket_of(database, ticket_id)
    assert ticket.resolve_due == NOON + 340 * MINUTE
    assert ticket.next_due == NOON + 280 * MINUTE
    assert ticket.respond_due == NOON + 30 * MINUTE
    assert ticket.held_seconds == 100 * 60


def test_two_sweeps_at_once_mark_a_deadline_once(database: Database, site: SmallSite) -> None:
    for _ in range(20):
        write_ticket(database, site, NOON)
    marked = in_threads(4, lambda _: _mark_all(database))
    assert sum(marked) == 20 * 8
    assert len(facts_of(database, "ticket.overdue")) == 40


def _mark_all(database: Database) -> int:
    with database.write() as session:
        return mark_moments(session, now=NOON + DAY, actor=events.SYSTEM)


def test_two_people_who_close_one_ticket_make_one_move(
    database: Database, site: SmallSite, administrator: Administrator
) -> None:
    ticket_id = write_ticket(database, site, NOON)
    outcomes = in_threads(
        4, lambda _: _try_to(database, ticket_id, administrator.person_id, "cancel")
    )
    assert sorted(outcomes) == ["Conflict", "Conflict", "Conflict", "done"]
    assert len(facts_of(database, "ticket.cancel")) == 1


def test_of_two_who_read_the_same_version_only_the_first_is_obeyed(
    database: Database, site: SmallSite, administrator: Administrator
) -> None:
    ticket_id = write_ticket(database, site, NOON)
    version = ticket_of(database, ticket_id).version
    person = administrator.person_id
    outcomes = in_threads(4, lambda _: _try_to(database, ticket_id, person, "assign", version))
    assert sorted(outcomes) == ["Stale", "Stale", "Stale", "done"]
    version = ticket_of(database, ticket_id).version
    chosen = ("electrical", "mechanical", "plumbing", "drainage")
    outcomes = in_threads(
        4, lambda n: _try_to_edit(database, ticket_id, person, version, chosen[n])
    )
    assert sorted(outcomes) == ["Stale", "Stale", "Stale", "done"]
    assert len(facts_of(database, "ticket.edit")) == 1


def _try_to(
    database: Database, ticket_id: UUID, person: UUID, action: str, version: int | None = None
) -> str:
    step = Step(action, note="because", team="cleaning")
    try:
        with database.write() as session:
            ticket = session.get_one(Ticket, ticket_id)
            act(session, ticket, step, person=person, now=NOON, expected_version=version)
    except (Conflict, Stale) as error:
        return "Stale" if isinstance(error, Stale) else "Conflict"
    return "done"


def _try_to_edit(
    database: Database, ticket_id: UUID, person: UUID, version: int, category: str
) -> str:
    try:
        with database.write() as session:
            ticket = session.get_one(Ticket, ticket_id)
            changes = {"category": category}
            edit(session, ticket, changes, person=person, now=NOON, expected_version=version)
    except Stale:
        return "Stale"
    return "done"


@pytest.mark.parametrize("action", ["hold", "cancel", "reopen", "merge"])
def test_what_others_rely_on_is_not_changed_without_a_reason(
    database: Database, site: SmallSite, administrator: Administrator, action: str
) -> None:
    status = next(iter(TICKET.moves[action]))
    ticket_id = put(database, site, status)
    with pytest.raises(Invalid, match="give a reason"):
        do(database, ticket_id, administrator.person_id, NOON, action, note="  ")
    assert ticket_of(database, ticket_id).state == status


def test_an_assignment_names_somebody_who_exists(
    database: Database, site: SmallSite, administrator: Administrator
) -> None:
    ticket_id = write_ticket(database, site, NOON)
    person = administrator.person_id
    with pytest.raises(Invalid, match="name a person or a team"):
        do(database, ticket_id, person, NOON, "assign")
    with pytest.raises(Invalid, match="can't work tickets here"):
        do(database, ticket_id, person, NOON, "assign", assignee_id=new_id())
    do(database, ticket_id, person, NOON, "assign", assignee_id=person, team="cleaning")
    ticket = ticket_of(database, ticket_id)
    assert (ticket.state, ticket.assignee_id, ticket.team) == ("assigned", person, "cleaning")


def test_a_merge_hands_the_fault_to_its_target(
    database: Database, site: SmallSite, administrator: Administrator
) -> None:
    person = administrator.person_id
    fault = trip(database, site, NOON).ticket_id
    target = write_ticket(database, site, NOON)
    do(database, fault, person, NOON + MINUTE, "merge", into_id=target)
    assert ticket_of(database, fault).merged_into_id == target
    clear(database, site, NOON + 4 * MINUTE)
    again = trip(database, site, NOON + 5 * MINUTE)
    assert (again.ticket_id, again.outcome) == (target, "continued")
    with database.read() as session:
        holders = session.scalars(select(Fault.ticket_id).where(Fault.holds)).all()
    assert holders == [target]


def test_a_ticket_is_merged_only_into_a_living_one_of_its_site(
    database: Database, site: SmallSite, administrator: Administrator
) -> None:
    person = administrator.person_id
    ticket_id, ended = (write_ticket(database, site, NOON) for _ in range(2))
    do(database, ended, person, NOON, "cancel")
    with pytest.raises(Conflict, match="has ended"):
        do(database, ticket_id, person, NOON, "merge", into_id=ended)
    for nowhere in (None, new_id(), ticket_id):
        with pytest.raises(Invalid, match="another one of the same site"):
            do(database, ticket_id, person, NOON, "merge", into_id=nowhere)


def test_the_log_holds_that_a_note_was_written_and_not_what(
    database: Database, site: SmallSite, administrator: Administrator, clock: SimulatedClock
) -> None:
    ticket_id = write_ticket(database, site, NOON)
    with database.write() as session:
        ticket = session.get_one(Ticket, ticket_id)
        add_note(session, ticket, " 张三 13800000000 ", author=administrator.person_id, now=NOON)
        with pytest.raises(Invalid):
            add_note(session, ticket, "  ", author=None, now=clock.now())
    with database.read() as session:
        note = session.scalars(select(TicketNote)).one()
    [fact] = facts_of(database, "ticket.note")
    assert (note.body, fact.after) == ("张三 13800000000", {"note": str(note.id)})


def test_an_edit_changes_fields_and_logs_no_words_of_people(
    database: Database, site: SmallSite, administrator: Administrator
) -> None:
    ticket_id = write_ticket(database, site, NOON)
    changes = {"title": {"und": "Mr. Wang's door"}, "priority": "low"}
    with database.write() as session:
        ticket = session.get_one(Ticket, ticket_id)
        person = administrator.person_id
        edit(session, ticket, changes, person=person, now=NOON, expected_version=1)
        wrong = {"state": "closed", "kind": "party"}
        with pytest.raises(Invalid) as caught:
            edit(session, ticket, wrong, person=person, now=NOON, expected_version=None)
    assert len(caught.value.problems) == 2
    [fact] = facts_of(database, "ticket.edit")
    assert (fact.before, fact.after) == (
        {"priority": "high"},
        {"priority": "low", "fields": ["priority", "title"]},
    )
    assert ticket_of(database, ticket_id).version == 2


def test_reopening_takes_the_fault_back_unless_a_newer_ticket_holds_it(
    database: Database, site: SmallSite, administrator: Administrator
) -> None:
    person = administrator.person_id
    colleague = employ(database, site.id, "supervisor")
    first = trip(database, site, NOON).ticket_id
    for action in ("start", "resolve", "verify", "close"):
        do(database, first, colleague if action == "verify" else person, NOON + MINUTE, action)
    do(database, first, person, NOON + 2 * MINUTE, "reopen")
    with database.read() as session:
        assert session.scalars(select(Fault.ticket_id).where(Fault.holds)).all() == [first]
    for action in ("start", "resolve", "verify", "close"):
        who = colleague if action == "verify" else person
        do(database, first, who, NOON + 3 * MINUTE, action)
    clear(database, site, NOON + 4 * MINUTE)
    second = trip(database, site, NOON + timedelta(days=30)).ticket_id
    assert second != first
    with pytest.raises(Conflict, match="newer ticket"):
        do(database, first, person, NOON + timedelta(days=31), "reopen")
    assert ticket_of(database, first).state == "closed"


def test_who_did_the_work_verifies_it_only_when_the_sensor_does(
    database: Database, site: SmallSite, administrator: Administrator
) -> None:
    doer = administrator.person_id
    ticket_id = trip(database, site, NOON).ticket_id
    do(database, ticket_id, doer, NOON, "start")
    do(database, ticket_id, doer, NOON + MINUTE, "resolve")
    with pytest.raises(Conflict, match="does not verify"):
        do(database, ticket_id, doer, NOON + 2 * MINUTE, "verify")
    clear(database, site, NOON + 3 * MINUTE)
    do(database, ticket_id, doer, NOON + 4 * MINUTE, "verify")
    [fact] = facts_of(database, "ticket.verify")
    assert fact.after is not None
    assert fact.after["by"] == "sensor"


def test_somebody_else_verifies_without_a_sensor(
    database: Database, site: SmallSite, administrator: Administrator
) -> None:
    ticket_id = write_ticket(database, site, NOON)
    do(database, ticket_id, administrator.person_id, NOON, "start")
    do(database, ticket_id, administrator.person_id, NOON, "resolve")
    do(database, ticket_id, employ(database, site.id, "supervisor"), NOON + MINUTE, "verify")
    [fact] = facts_of(database, "ticket.verify")
    assert fact.after is not None
    assert fact.after["by"] == "person"


def test_what_it_turned_out_to_be_is_kept_and_forgotten_when_it_begins_anew(
    database: Database, site: SmallSite, administrator: Administrator
) -> None:
    person = administrator.person_id
    ticket_id = trip(database, site, NOON).ticket_id
    do(database, ticket_id, person, NOON, "start")
    do(database, ticket_id, person, NOON, "resolve", verdict="false", cause="cooking")
    ticket = ticket_of(database, ticket_id)
    assert (ticket.verdict, ticket.verdict_cause, ticket.doer_id) == ("false", "cooking", person)
    [fact] = facts_of(database, "ticket.resolve")
    assert fact.after is not None
    assert (fact.after["verdict"], fact.after["verdict_cause"]) == ("false", "cooking")
    clear(database, site, NOON + MINUTE)
    trip(database, site, NOON + 2 * MINUTE)
    ticket = ticket_of(database, ticket_id)
    assert (ticket.state, ticket.verdict, ticket.verdict_cause) == ("open", None, None)
    assert ticket.doer_id is None


@pytest.mark.parametrize(
    ("verdict", "cause"),
    [("fine", None), ("real", "cooking"), ("false", "aliens"), (None, "cooking")],
)
def test_a_verdict_that_nobody_can_count_is_refused(
    database: Database,
    site: SmallSite,
    administrator: Administrator,
    verdict: str | None,
    cause: str | None,
) -> None:
    person = administrator.person_id
    ticket_id = write_ticket(database, site, NOON)
    do(database, ticket_id, person, NOON, "start")
    with pytest.raises(Invalid, match="turned out"):
        do(database, ticket_id, person, NOON, "resolve", verdict=verdict, cause=cause)
    assert ticket_of(database, ticket_id).state == "in_progress"


@pytest.mark.parametrize(("role", "able"), [("technician", True), ("accountant", False)])
def test_a_ticket_is_handed_only_to_who_may_work_there(
    database: Database, site: SmallSite, administrator: Administrator, role: str, able: bool
) -> None:
    ticket_id = write_ticket(database, site, NOON)
    person = employ(database, site.id, role)
    if able:
        do(database, ticket_id, administrator.person_id, NOON, "assign", assignee_id=person)
        assert ticket_of(database, ticket_id).assignee_id == person
    else:
        with pytest.raises(Invalid):
            do(database, ticket_id, administrator.person_id, NOON, "assign", assignee_id=person)


def test_who_has_left_is_handed_nothing(
    database: Database, site: SmallSite, administrator: Administrator
) -> None:
    ticket_id = write_ticket(database, site, NOON)
    person = employ(database, site.id, "technician")
    with database.write() as session:
        session.get_one(Person, person).left_at = NOON
    with pytest.raises(Invalid, match="can't work"):
        do(database, ticket_id, administrator.person_id, NOON, "assign", assignee_id=person)
