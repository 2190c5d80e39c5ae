"""Chatter: a sensor around its limit is one ticket and few rows, however often it moves."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from core.clock import from_micros, to_micros
from core.db import Database
from core.events import Event
from core.people import Person, caller_for
from rules.catalog import shipped_catalog
from rules.document import load_rules
from rules.engine import ReceiptNow, Slot, TransitionKind, bind, restore, step
from tests.fixtures import NOON, Administrator, SmallSite
from tests.workflows.conftest import (
    MINUTE,
    OVERHEATING,
    clear,
    do,
    facts_of,
    finding,
    ticket_of,
    trip,
)
from workflows.alarms import Alarm, Episode, Finding, record, standing_states
from workflows.alarms.chatter import settle_chatter
from workflows.alarms.shelving import reset, shelve, unshelve
from workflows.tickets import Ticket, TicketEvidence

SECOND = timedelta(seconds=1)
RULE = """\
id: pump-motor-overheating
title: {en: Pump motor overheating, zh: 水泵电机过热}
applies_to: {asset_type: pump}
when: motor_temperature > 75 °C
severity: high
ticket: {kind: repair, category: electrical, team: maintenance}
"""


def counted(database: Database, model: type) -> int:
    with database.read() as session:
        return session.scalar(select(func.count()).select_from(model)) or 0


def alarm_of(database: Database) -> Alarm:
    with database.read() as session:
        return session.scalars(select(Alarm)).one()


def episodes_of(database: Database) -> list[Episode]:
    with database.read() as session:
        return list(session.scalars(select(Episode).order_by(Episode.tripped_micros)))


def crossings(site: SmallSite, number: int, every: timedelta) -> list[list[Finding]]:
    """What the engine finds of a value that crosses its limit so often, in batches.

    It is bound anew and restored for every batch, as after a kill.
    """
    [rule] = load_rules(RULE, "rule.yaml", shipped_catalog()).rules
    state, batches = None, []
    slots, now = {"motor_temperature": Slot()}, ReceiptNow()
    for start in range(0, 2 * number, 500):
        instance = bind(rule, "pump-1", slots, now)
        if state is not None:
            restore(instance, state)
        found = []
        for index in range(start, min(start + 500, 2 * number)):
            at = to_micros(NOON + index * every)
            slots["motor_temperature"].value = 74.9 if index % 2 else 75.1
            slots["motor_temperature"].at = at
            now.now = at
            template = finding(site, TransitionKind.TRIPPED, NOON)
            found += [
                replace(template, transition=each, at=each.at) for each in step(instance, at, at)
            ]
        state = instance.state
        batches.append(found)
    return batches


def test_ten_thousand_crossings_are_one_ticket_and_a_handful_of_rows(
    database: Database, site: SmallSite
) -> None:
    for batch in crossings(site, 10_000, SECOND):
        with database.write() as session:
            record(session, batch, learned_at=from_micros(batch[-1].at))
    alarm = alarm_of(database)
    assert alarm.chatter_since == NOON + 4 * SECOND
    assert (alarm.chatter_count, alarm.state, alarm.phase) == (9_998, "unacknowledged", "normal")
    last = NOON + 19_999 * SECOND
    with database.write() as session:
        assert settle_chatter(session, [site.id], last, learned_at=last) == 1
        assert settle_chatter(session, [site.id], last + SECOND, learned_at=last) == 0
    assert counted(database, Ticket) == 1
    *short, long = episodes_of(database)
    assert [each.trips for each in short] == [1, 1]
    assert (long.trips, long.cleared_micros) == (9_998, to_micros(last))
    assert counted(database, TicketEvidence) == 6
    assert len(facts_of(database, "alarm.") + facts_of(database, "ticket.")) < 25
    alarm = alarm_of(database)
    assert (alarm.state, alarm.chatter_since, alarm.returned_at) == (
        "returned_unacknowledged",
        None,
        last,
    )
    with database.read() as session:
        ticket = session.scalars(select(Ticket)).one()
    assert (ticket.repeats, ticket.recovered_at) == (9_999, last)
    [ended] = facts_of(database, "ticket.chatter_end")
    assert ended.after is not None
    assert (ended.after["trips"], ended.happened_at) == (9_998, last)


def begin(database: Database, site: SmallSite) -> None:
    """Three trips within a minute; it stands at NOON + 40 s."""
    for n in range(3):
        trip(database, site, NOON + 20 * n * SECOND)
        if n < 2:
            clear(database, site, NOON + (20 * n + 10) * SECOND)


def tamed(database: Database, site: SmallSite, kind: TransitionKind, seconds: int) -> list[object]:
    at = NOON + seconds * SECOND
    with database.write() as session:
        return list(record(session, [finding(site, kind, at)], learned_at=at))


def test_what_moves_seldom_does_not_chatter(database: Database, site: SmallSite) -> None:
    for n in range(6):
        trip(database, site, NOON + 4 * n * MINUTE)
        clear(database, site, NOON + (4 * n + 1) * MINUTE)
    assert alarm_of(database).chatter_since is None
    assert len(episodes_of(database)) == 6


def test_six_moves_within_five_minutes_are_chatter(database: Database, site: SmallSite) -> None:
    for n in range(3):
        trip(database, site, NOON + n * 100 * SECOND)
        clear(database, site, NOON + (n * 100 + 50) * SECOND)
    assert alarm_of(database).chatter_since is None
    trip(database, site, NOON + 300 * SECOND)
    assert alarm_of(database).chatter_since == NOON + 300 * SECOND


def test_what_is_recorded_again_changes_nothing(database: Database, site: SmallSite) -> None:
    begin(database, site)
    tamed(database, site, TransitionKind.CLEARED, 50)
    tamed(database, site, TransitionKind.TRIPPED, 60)
    before, events = alarm_of(database), counted(database, Event)
    tamed(database, site, TransitionKind.CLEARED, 50)
    tamed(database, site, TransitionKind.TRIPPED, 60)
    after = alarm_of(database)
    assert (after.chatter_count, after.recent, counted(database, Event)) == (
        before.chatter_count,
        before.recent,
        events,
    )


def test_the_engines_state_is_kept_while_it_chatters(database: Database, site: SmallSite) -> None:
    begin(database, site)
    tamed(database, site, TransitionKind.CLEARED, 50)
    with database.read() as session:
        [(_, state)] = standing_states(session).values()
    assert state.changed_at == to_micros(NOON + 50 * SECOND)
    assert alarm_of(database).state == "unacknowledged"


def test_chatter_that_was_quiet_ends_before_what_comes_next(
    database: Database, site: SmallSite
) -> None:
    begin(database, site)
    tamed(database, site, TransitionKind.CLEARED, 50)
    trip(database, site, NOON + 10 * MINUTE)
    assert [each.cleared_micros for each in episodes_of(database)][2:] == [
        to_micros(NOON + 50 * SECOND),
        None,
    ]
    alarm = alarm_of(database)
    assert (alarm.chatter_since, alarm.state) == (None, "unacknowledged")


def test_chatter_that_ended_while_it_stands_leaves_the_alarm_standing(
    database: Database, site: SmallSite
) -> None:
    begin(database, site)
    tamed(database, site, TransitionKind.CLEARED, 50)
    tamed(database, site, TransitionKind.TRIPPED, 60)
    with database.write() as session:
        settle_chatter(session, [site.id], NOON + 9 * MINUTE, learned_at=NOON + 10 * MINUTE)
    alarm = alarm_of(database)
    assert (alarm.chatter_since, alarm.state) == (None, "unacknowledged")
    clear(database, site, NOON + 20 * MINUTE)
    *_, last = episodes_of(database)
    assert (last.trips, last.cleared_micros) == (2, to_micros(NOON + 20 * MINUTE))


def test_who_ends_the_ticket_of_a_chattering_alarm_hears_that_it_goes_on(
    database: Database, site: SmallSite, administrator: Administrator
) -> None:
    begin(database, site)
    tamed(database, site, TransitionKind.CLEARED, 50)
    ticket_id = alarm_of(database).ticket_id
    assert ticket_id is not None
    for action in ("start", "resolve"):
        do(database, ticket_id, administrator.person_id, NOON + MINUTE, action)
    tamed(database, site, TransitionKind.TRIPPED, 70)
    assert ticket_of(database, ticket_id).state == "open"
    # It chatters still, and what it did until then stands with the episode before.
    assert alarm_of(database).chatter_since == NOON + 70 * SECOND
    assert counted(database, Ticket) == 1


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_rule_that_becomes_one_about_lives_while_it_chatters_is_told_at_its_next_trip(
    database: Database, site: SmallSite
) -> None:
    begin(database, site)
    assert tamed(database, site, TransitionKind.CLEARED, 50) == []
    burning = replace(OVERHEATING, life_safety=True, severity="critical")
    trip(database, site, NOON + MINUTE, rule=burning)
    alarm = alarm_of(database)
    assert (alarm.state, alarm.life_safety, alarm.phase) == ("unacknowledged", True, "active")
    assert [each.cleared_micros is None for each in episodes_of(database)] == [
        *[False] * 3,
        True,
    ]


def test_nothing_of_an_alarm_about_lives_is_left_out(database: Database, site: SmallSite) -> None:
    smoke = replace(OVERHEATING, rule_id="smoke", life_safety=True, severity="critical")
    for n in range(20):
        trip(database, site, NOON + 20 * n * SECOND, rule=smoke)
        clear(database, site, NOON + (20 * n + 10) * SECOND, rule=smoke)
    assert alarm_of(database).chatter_count == 18
    assert len(episodes_of(database)) == 20
    assert len(facts_of(database, "ticket.repeat")) == 19


def test_chatter_goes_on_after_its_alarm_was_shelved_and_released_in_a_quiet_moment(
    database: Database, site: SmallSite, administrator: Administrator
) -> None:
    begin(database, site)
    with database.write() as session:
        caller = caller_for(session, session.get_one(Person, administrator.person_id))
        alarm = session.scalars(select(Alarm)).one()
        until = NOON + 60 * MINUTE
        shelve(session, caller, alarm, until=until, reason="known", now=NOON + 45 * SECOND)
    tamed(database, site, TransitionKind.CLEARED, 50)
    tamed(database, site, TransitionKind.TRIPPED, 60)
    tamed(database, site, TransitionKind.CLEARED, 70)
    assert alarm_of(database).state == "shelved"
    with database.write() as session:
        caller = caller_for(session, session.get_one(Person, administrator.person_id))
        unshelve(session, caller, session.scalars(select(Alarm)).one(), now=NOON + 75 * SECOND)
    assert alarm_of(database).state == "normal"
    tamed(database, site, TransitionKind.TRIPPED, 80)
    alarm = alarm_of(database)
    assert (alarm.state, alarm.chatter_count) == ("unacknowledged", 1)
    assert counted(database, Ticket) == 1


def test_the_end_of_chatter_does_not_latch_again_what_was_reset(
    database: Database, site: SmallSite, administrator: Administrator
) -> None:
    latching = replace(OVERHEATING, latch=True)
    kinds = [TransitionKind.TRIPPED, TransitionKind.CLEARED]
    moves = [(kinds[number % 2], NOON + 10 * number * SECOND) for number in range(6)]
    for kind, at in moves:
        with database.write() as session:
            record(session, [finding(site, kind, at, rule=latching)], learned_at=at)
    assert alarm_of(database).chatter_since is not None
    with database.write() as session:
        caller = caller_for(session, session.get_one(Person, administrator.person_id))
        alarm, now = session.scalars(select(Alarm)).one(), NOON + 2 * MINUTE
        shelve(session, caller, alarm, until=NOON + 9 * MINUTE, reason="noise", now=now)
        # In a quiet moment: it was told, so it waits for its reset.
        unshelve(session, caller, alarm, now=now)
        assert alarm.state == "latched"
        reset(session, caller, alarm, now=now)
    over = NOON + 10 * MINUTE
    with database.write() as session:
        assert settle_chatter(session, [site.id], over, learned_at=over) == 0
    alarm = alarm_of(database)
    assert (alarm.state, alarm.chatter_since) == ("normal", None)
