"""Deadlines: both clocks in the calendar of their promise, holds, warnings, the chain above."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from core import events
from core.calendars import OFFICE, CalendarDraft
from core.db import Database
from core.errors import Invalid, NotAllowed, Stale
from core.people import Caller, Person, caller_for
from core.places import Node
from tests.fixtures import Administrator, SmallSite
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
from workflows.tickets import Draft, Ticket, edit, mark_moments, open_ticket
from workflows.tickets.bulk import results_of
from workflows.tickets.promises import (
    STANDARD,
    ServiceTerms,
    Terms,
    read_terms,
    service_grades,
    terms_at,
)
from workflows.tickets.service import change_calendar, change_terms
from workflows.tickets.undoing import edit_priority_undoably, undo_many

SHANGHAI = ZoneInfo("Asia/Shanghai")
HOUR = timedelta(hours=1)


def local(text: str) -> datetime:
    """A moment by the wall clock of the site."""
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI).astimezone(UTC)


FRIDAY = local("2026-11-27 16:30")


def reported(database: Database, site: SmallSite, at: datetime, **changes: Any) -> UUID:
    """A ticket of which only its site's terms say how soon."""
    values = {"kind": "repair", "priority": "medium", "category": "", **changes}
    draft = Draft(
        site_id=site.id,
        title={"und": "The door squeaks"},
        team="maintenance",
        happened_at=at,
        learned_at=at,
        **values,
    )
    with database.write() as session:
        return open_ticket(session, draft, actor=events.SYSTEM).id


def sweep(database: Database, now: datetime) -> int:
    """Let time pass."""
    with database.write() as session:
        return mark_moments(session, now=now, actor=events.SYSTEM)


def caller_of(database: Database, person_id: UUID) -> Caller:
    """Somebody as a caller."""
    with database.read() as session:
        return caller_for(session, session.get_one(Person, person_id))


def test_an_ordinary_promise_counts_in_office_hours(database: Database, site: SmallSite) -> None:
    ticket = ticket_of(database, reported(database, site, FRIDAY))
    assert ticket.calendar == OFFICE
    assert ticket.respond_due == local("2026-11-30 11:30")
    assert ticket.resolve_due == local("2026-12-01 16:30")


@pytest.mark.parametrize("priority", ["high", "critical"])
def test_what_is_urgent_counts_day_and_night(
    database: Database, site: SmallSite, priority: str
) -> None:
    ticket = ticket_of(database, reported(database, site, FRIDAY, priority=priority))
    spans = {"high": (30, 480), "critical": (15, 240)}[priority]
    assert ticket.respond_due == FRIDAY + spans[0] * MINUTE
    assert ticket.resolve_due == FRIDAY + spans[1] * MINUTE


def test_a_rule_that_promises_less_than_urgent_waits_for_the_office(
    database: Database, site: SmallSite
) -> None:
    from_rule = reported(
        database, site, FRIDAY, respond_within=2 * HOUR, resolve_within=DAY, rule_id="x"
    )
    ticket = ticket_of(database, from_rule)
    assert ticket.respond_due == local("2026-11-30 09:30")
    # A day of a calendar with hours is a working day.
    assert ticket.resolve_due == local("2026-11-30 16:30")


def choose(
    database: Database,
    administrator: Administrator,
    node: UUID,
    now: datetime,
    *,
    grade: str = STANDARD,
    own: Terms | None = None,
    expected: int | None = None,
) -> int:
    """Change the terms of a node; how many tickets that moved."""
    caller = caller_of(database, administrator.person_id)
    with database.write() as session:
        _, changed = change_terms(
            session,
            caller,
            session.get_one(Node, node),
            grade=grade,
            own=own,
            now=now,
            expected_version=expected,
        )
    return changed.moved


def test_a_grade_is_inherited_until_a_site_has_its_own(
    database: Database, site: SmallSite, administrator: Administrator
) -> None:
    choose(database, administrator, site.company_id, FRIDAY, grade="around-the-clock")
    above = ticket_of(database, reported(database, site, FRIDAY))
    assert above.respond_due == FRIDAY + 2 * HOUR
    moved = choose(database, administrator, site.id, FRIDAY + HOUR, grade="urgent-30")
    assert moved == 1
    assert ticket_of(database, above.id).respond_due == local("2026-11-27 17:00")
    with database.read() as session:
        assert terms_at(session, site.id).grade == "urgent-30"
        assert terms_at(session, site.company_id).grade == "around-the-clock"
    [fact] = facts_of(database, "ticket.clocks")
    assert (fact.after or {})["why"] == "terms"


def test_somebody_shut_in_a_lift_is_freed_in_half_an_hour(
    database: Database, site: SmallSite, administrator: Administrator
) -> None:
    choose(database, administrator, site.id, FRIDAY, grade="urgent-30")
    night = local("2026-10-01 03:10")
    ticket = ticket_of(
        database, reported(database, site, night, kind="incident", category="entrapment")
    )
    assert (ticket.respond_due, ticket.resolve_due) == (night + 5 * MINUTE, night + 30 * MINUTE)


def test_every_shipped_grade_promises_something_for_every_ticket() -> None:
    assert set(service_grades()) == {"standard", "urgent-30", "around-the-clock"}
    for grade in service_grades().values():
        assert grade.name["zh"]
        assert grade.source["zh"]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"promises": []}, "promises"),
        ({"promises": [{"priority": "low", "respond_within": "1h", "resolve_within": "2h"}]}, "no"),
        ({"promises": [{"respond_within": "soon", "resolve_within": "2h"}]}, "soon"),
        ({"promises": [{"respond_within": "0s", "resolve_within": "2h"}]}, "longer than 0s"),
        ({"warn_at": 100}, "warn_at"),
        ({"escalation": {"response": [{"after": "0s", "to": "king"}]}}, "escalation"),
        ({"hold_limits": "7d"}, "hold_limits"),
    ],
)
def test_terms_that_make_no_sense_are_refused(change: Mapping[str, Any], problem: str) -> None:
    document = service_grades()[STANDARD].terms.model_dump(mode="json")
    assert read_terms(document) == service_grades()[STANDARD].terms
    with pytest.raises(Invalid) as caught:
        read_terms({**document, **change})
    assert problem in " ".join(caught.value.problems)


def test_terms_name_a_calendar_that_exists_and_are_not_overwritten_unseen(
    database: Database, site: SmallSite, administrator: Administrator
) -> None:
    lines = [{"respond_within": "1h", "resolve_within": "2h", "calendar": "lifts"}]
    own = read_terms({"promises": lines})
    with pytest.raises(Invalid, match="not saved"):
        choose(database, administrator, site.id, FRIDAY, own=own)
    with pytest.raises(Invalid, match="no such grade"):
        choose(database, administrator, site.id, FRIDAY, grade="golden")
    choose(database, administrator, site.id, FRIDAY, expected=0)
    with pytest.raises(Stale):
        choose(database, administrator, site.id, FRIDAY, expected=0)
    with database.read() as session:
        assert session.get_one(ServiceTerms, site.id).version == 1


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_promise_that_no_calendar_keeps_keeps_no_fault_from_its_ticket(
    database: Database, site: SmallSite, administrator: Administrator
) -> None:
    # On Mondays alone two hundred working days take longer than anybody counts.
    week = [[["08:30", "17:30"]], *[[]] * 6]
    draft = CalendarDraft("pools", {"en": "Pools"}, week, None, {})
    caller = caller_of(database, administrator.person_id)
    with database.write() as session:
        node = session.get_one(Node, site.id)
        change_calendar(session, caller, node, draft, now=FRIDAY, expected_version=0)
    line = {"respond_within": "200d", "resolve_within": "300d", "calendar": "pools"}
    choose(database, administrator, site.id, FRIDAY, own=read_terms({"promises": [line]}))
    ticket = ticket_of(database, reported(database, site, FRIDAY))
    assert ticket.respond_due == ticket.resolve_due == FRIDAY + timedelta(days=3 * 366)


def test_an_edited_calendar_moves_the_clocks_that_run_and_says_so(
    database: Database, site: SmallSite, administrator: Administrator
) -> None:
    late, urgent = (reported(database, site, FRIDAY, priority=p) for p in ("medium", "high"))
    sweep(database, local("2026-11-30 12:00"))
    assert len(facts_of(database, "ticket.overdue")) == 3
    # Monday turns out to be a holiday of the house: what was missed was not missed after all.
    week = [*[[["08:30", "17:30"]]] * 5, [], []]
    name = {"en": "Office hours", "zh": "工作时间"}
    draft = CalendarDraft(OFFICE, name, week, None, {"2026-11-30": []})
    now = local("2026-11-30 13:00")
    with database.write() as session:
        caller = caller_for(session, session.get_one(Person, administrator.person_id))
        node = session.get_one(Node, site.id)
        changed = change_calendar(session, caller, node, draft, now=now, expected_version=0)
    assert changed.moved == 1
    ticket = ticket_of(database, late)
    assert ticket.respond_due == local("2026-12-01 11:30")
    assert ticket.next_due == local("2026-12-01 10:30")
    assert ticket_of(database, urgent).respond_due == FRIDAY + 30 * MINUTE
    [fact] = facts_of(database, "ticket.clocks")
    assert fact.after is not None
    assert (fact.after["why"], fact.subject_id) == ("calendar", str(late))
    sweep(database, local("2026-12-01 11:30"))
    overdue = [fact.subject_id for fact in facts_of(database, "ticket.overdue")]
    assert overdue.count(str(late)) == 2


def test_another_priority_is_another_promise(
    database: Database, site: SmallSite, administrator: Administrator
) -> None:
    ticket_id = reported(database, site, FRIDAY)
    now = FRIDAY + 10 * MINUTE
    with database.write() as session:
        ticket = session.get_one(Ticket, ticket_id)
        who = administrator.person_id
        edit(session, ticket, {"priority": "high"}, person=who, now=now, expected_version=None)
    assert ticket_of(database, ticket_id).respond_due == FRIDAY + 30 * MINUTE
    [fact] = facts_of(database, "ticket.clocks")
    assert (fact.after or {})["why"] == "edit"


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_priority_that_is_put_back_brings_back_what_its_rule_promised(
    database: Database, site: SmallSite, administrator: Administrator
) -> None:
    ticket_id = trip(database, site, FRIDAY).ticket_id
    promised = FRIDAY + 30 * MINUTE, FRIDAY + 4 * HOUR
    caller = caller_of(database, administrator.person_id)
    with database.write() as session:
        ticket = session.get_one(Ticket, ticket_id)
        batch = edit_priority_undoably(session, caller, ticket, "low", now=FRIDAY)
    changed = ticket_of(database, ticket_id)
    assert (changed.respond_due, changed.resolve_due) != promised
    with database.write() as session:
        [result] = results_of(undo_many(session, caller, batch.id, now=FRIDAY + MINUTE))
    assert result.done
    ticket = ticket_of(database, ticket_id)
    assert (ticket.respond_due, ticket.resolve_due, ticket.calendar) == (*promised, "always")


def test_a_hold_needs_a_date_and_ends_by_itself(
    database: Database, site: SmallSite, administrator: Administrator
) -> None:
    person = administrator.person_id
    ticket_id = write_ticket(database, site, FRIDAY)
    do(database, ticket_id, person, FRIDAY + 10 * MINUTE, "start")
    for until in (None, FRIDAY):
        with pytest.raises(Invalid):
            do(database, ticket_id, person, FRIDAY + 10 * MINUTE, "hold", until=until)
    until = FRIDAY + 70 * MINUTE
    do(database, ticket_id, person, FRIDAY + 10 * MINUTE, "hold", until=until)
    assert ticket_of(database, ticket_id).next_due == until
    assert sweep(database, until - MINUTE) == 0
    # The sweep comes late; the hold ended when it was to end.
    assert sweep(database, until + 30 * MINUTE) == 1
    ticket = ticket_of(database, ticket_id)
    assert (ticket.state, ticket.hold_until, ticket.held_seconds) == ("in_progress", None, 3600)
    assert ticket.resolve_due == FRIDAY + 300 * MINUTE
    [fact] = facts_of(database, "ticket.resume")
    assert fact.happened_at == until


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_who_hands_out_a_ticket_on_hold_ends_its_hold(
    database: Database, site: SmallSite, administrator: Administrator
) -> None:
    person = administrator.person_id
    ticket_id = write_ticket(database, site, FRIDAY)
    do(database, ticket_id, person, FRIDAY, "start")
    do(database, ticket_id, person, FRIDAY + HOUR, "hold", until=FRIDAY + 3 * DAY)
    do(database, ticket_id, person, FRIDAY + DAY, "assign", team="maintenance")
    ticket = ticket_of(database, ticket_id)
    assert (ticket.state, ticket.held_at, ticket.hold_until) == ("assigned", None, None)
    assert ticket.held_seconds == 23 * 3600
    # Four hours were promised, and one was spent before the hold.
    assert ticket.resolve_due == FRIDAY + DAY + 3 * HOUR
    assert sweep(database, FRIDAY + DAY + HOUR) == 0


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_hold_that_nobody_ended_counts_only_until_it_was_to_end(
    database: Database, site: SmallSite, administrator: Administrator
) -> None:
    person = administrator.person_id
    ticket_id = write_ticket(database, site, FRIDAY)
    do(database, ticket_id, person, FRIDAY, "start")
    do(database, ticket_id, person, FRIDAY, "hold", until=FRIDAY + HOUR)
    # The sweeps were down meanwhile.
    do(database, ticket_id, person, FRIDAY + 6 * HOUR, "resume")
    assert ticket_of(database, ticket_id).resolve_due == FRIDAY + 5 * HOUR


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize("action", ["cancel", "merge"])
def test_what_has_ended_is_on_hold_no_more(
    database: Database, site: SmallSite, administrator: Administrator, action: str
) -> None:
    person = administrator.person_id
    ticket_id, other = (write_ticket(database, site, FRIDAY) for _ in range(2))
    do(database, ticket_id, person, FRIDAY, "start")
    do(database, ticket_id, person, FRIDAY, "hold")
    do(database, ticket_id, person, FRIDAY + HOUR, action, into_id=other)
    ticket = ticket_of(database, ticket_id)
    assert (ticket.held_at, ticket.hold_until, ticket.next_due) == (None, None, None)


def test_a_long_hold_takes_somebody_who_answers_for_tickets(
    database: Database, site: SmallSite, administrator: Administrator
) -> None:
    person = administrator.person_id
    ticket_id = write_ticket(database, site, FRIDAY)
    do(database, ticket_id, person, FRIDAY, "start")
    with pytest.raises(NotAllowed, match="more than 7 days"):
        do(database, ticket_id, person, FRIDAY, "hold", until=FRIDAY + 8 * DAY)
    # Many short ones add up to a long one.
    do(database, ticket_id, person, FRIDAY, "hold", until=FRIDAY + 5 * DAY)
    do(database, ticket_id, person, FRIDAY + 4 * DAY, "resume")
    with pytest.raises(NotAllowed):
        do(database, ticket_id, person, FRIDAY + 4 * DAY, "hold", until=FRIDAY + 8 * DAY)
    later = FRIDAY + 20 * DAY
    do(database, ticket_id, person, FRIDAY + 4 * DAY, "hold", until=later, long=True)
    assert ticket_of(database, ticket_id).hold_until == later


def test_gross_and_net_time_are_told_apart(
    database: Database, site: SmallSite, administrator: Administrator
) -> None:
    person = administrator.person_id
    ticket_id = reported(database, site, FRIDAY)
    do(database, ticket_id, person, FRIDAY + 30 * MINUTE, "start")
    do(database, ticket_id, person, local("2026-11-30 09:30"), "hold")
    do(database, ticket_id, person, local("2026-11-30 14:30"), "resume")
    do(database, ticket_id, person, local("2026-11-30 15:30"), "resolve")
    ticket = ticket_of(database, ticket_id)
    # An hour on Friday, one on Monday morning, one after the hold.
    assert ticket.net_seconds == 3 * 3600
    assert ticket.resolved_at is not None
    assert ticket.resolved_at - ticket.learned_at == timedelta(days=2, hours=23)


def test_what_lay_between_a_repair_and_its_rejection_does_not_count(
    database: Database, site: SmallSite, administrator: Administrator
) -> None:
    person = administrator.person_id
    ticket_id = write_ticket(database, site, FRIDAY)
    do(database, ticket_id, person, FRIDAY + 10 * MINUTE, "start")
    do(database, ticket_id, person, FRIDAY + 60 * MINUTE, "resolve")
    do(database, ticket_id, person, FRIDAY + 100 * MINUTE, "reopen")
    assert ticket_of(database, ticket_id).resolve_due == FRIDAY + 280 * MINUTE


def test_the_chain_is_told_rung_by_rung(
    database: Database, site: SmallSite, administrator: Administrator
) -> None:
    del administrator
    supervisor = employ(database, site.id, "supervisor")
    managers = sorted(employ(database, site.company_id, "manager") for _ in range(2))
    ticket_id = write_ticket(database, site, FRIDAY)
    sweep(database, FRIDAY + 30 * MINUTE)
    assert ticket_of(database, ticket_id).escalation == 1
    sweep(database, FRIDAY + 45 * MINUTE)
    told = [fact.after or {} for fact in facts_of(database, "ticket.escalate")]
    assert [(one["role"], one["people"]) for one in told] == [
        ("supervisor", [str(supervisor)]),
        ("manager", [str(one) for one in managers]),
    ]
    [warning] = facts_of(database, "ticket.warn")
    assert warning.happened_at == FRIDAY + 22.5 * MINUTE
    assert ticket_of(database, ticket_id).escalation == 2


def test_what_was_over_before_we_learned_of_it_wakes_nobody(
    database: Database, site: SmallSite
) -> None:
    learned = local("2026-11-28 03:10")
    opened = trip(database, site, learned - 5 * HOUR, learned_at=learned)
    assert not ticket_of(database, opened.ticket_id).over
    clear(database, site, learned - 4 * HOUR)
    ticket = ticket_of(database, opened.ticket_id)
    assert (ticket.over, ticket.calendar, ticket.clock_from) == (True, OFFICE, learned)
    assert ticket.respond_due == local("2026-11-30 09:00")
    # It comes again, and this time it is not over.
    again = trip(database, site, learned + HOUR)
    assert again.ticket_id == opened.ticket_id
    assert not ticket_of(database, opened.ticket_id).over


def test_what_clears_while_we_look_is_not_over(database: Database, site: SmallSite) -> None:
    opened = trip(database, site, FRIDAY)
    clear(database, site, FRIDAY + 5 * MINUTE)
    assert not ticket_of(database, opened.ticket_id).over


def test_a_life_safety_ticket_keeps_its_clock_even_when_it_is_over(
    database: Database, site: SmallSite
) -> None:
    learned = local("2026-11-28 03:10")
    smoke = replace(OVERHEATING, life_safety=True)
    opened = trip(database, site, learned - HOUR, learned_at=learned, rule=smoke)
    clear(database, site, learned - 30 * MINUTE, rule=smoke)
    ticket = ticket_of(database, opened.ticket_id)
    assert (ticket.over, ticket.respond_due) == (False, learned + 30 * MINUTE)
