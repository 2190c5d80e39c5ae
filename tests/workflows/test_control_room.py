"""The control room: what sounds, how long it may be muted, whether it is heard, who accepts."""

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

import pytest

from core import events
from core.db import Database
from core.errors import Conflict, Invalid, NotAllowed
from core.ids import new_id
from core.people import Caller, Person, caller_for
from core.rosters import Absence, Shift
from core.teams import set_certificate
from tests.fixtures import NOON, SmallSite
from tests.workflows.conftest import (
    MINUTE,
    OVERHEATING,
    clear,
    do,
    employ,
    facts_of,
    other_rule,
    ticket_of,
    trip,
)
from workflows import alarms, control_room, tickets
from workflows.alarms import Alarm
from workflows.alarms.reading import find_alarm
from workflows.control_room import Mute, Ring
from workflows.tickets import Draft, Ticket
from workflows.tickets.calls import WaitingCall, waiting_calls

HOUR = timedelta(hours=1)
ACT = "alarms.act"
SMOKE = replace(other_rule("smoke"), severity="medium", life_safety=True)


@pytest.fixture
def operator(database: Database, site: SmallSite) -> Caller:
    """Somebody at the service desk."""
    return caller_of(database, employ(database, site.id, "service_desk"))


def caller_of(database: Database, person_id: UUID) -> Caller:
    with database.read() as session:
        return caller_for(session, session.get_one(Person, person_id))


def ring(severity: str, *, life_safety: bool = False, at: datetime = NOON) -> Ring:
    return Ring(severity, life_safety, at)


def test_the_worst_that_nobody_accepted_is_what_sounds() -> None:
    assert control_room.level([]) == ""
    assert control_room.level([ring("low"), ring("high"), ring("medium")]) == "high"
    assert control_room.level([ring("high"), ring("low", life_safety=True)]) == "critical"


def test_a_mute_holds_everything_but_lives_that_came_after_it() -> None:
    muted = Mute(NOON, NOON + 5 * MINUTE)
    standing = ring("critical", life_safety=True, at=NOON - MINUTE)
    ordinary = ring("critical", at=NOON + MINUTE)
    new_one = ring("low", life_safety=True, at=NOON + MINUTE)
    assert control_room.breaking([standing, ordinary, new_one], muted) == [new_one]


def test_a_mute_ends_by_itself_after_ten_minutes_at_most(
    database: Database, site: SmallSite, operator: Caller
) -> None:
    def mute(minutes: int) -> Mute:
        with database.write() as session:
            return control_room.mute(session, operator, site.id, minutes, now=NOON)

    for minutes in (0, -1, 11):
        with pytest.raises(Invalid):
            mute(minutes)
    assert mute(10).until == NOON + 10 * MINUTE
    with database.read() as session:
        for later, stands in ((0, True), (9, True), (10, False)):
            now = NOON + later * MINUTE
            found = control_room.mute_of(session, operator.person_id, now=now)
            assert (found is not None) is stands
        assert control_room.mute_of(session, new_id(), now=NOON) is None
    [fact] = facts_of(database, "sound.")
    assert (fact.actor_id, fact.site_id, fact.learned_at) == (
        str(operator.person_id),
        site.id,
        NOON,
    )
    assert fact.after == {"until": (NOON + 10 * MINUTE).isoformat()}


def test_whoever_muted_takes_it_back_once(
    database: Database, site: SmallSite, operator: Caller
) -> None:
    with database.write() as session:
        control_room.mute(session, operator, site.id, 5, now=NOON)
        for _again in range(2):
            control_room.unmute(session, operator, site.id, now=NOON + MINUTE)
        assert control_room.mute_of(session, operator.person_id, now=NOON + MINUTE) is None
    assert [fact.kind for fact in facts_of(database, "sound.")] == ["sound.mute", "sound.unmute"]


def test_only_who_acts_on_alarms_here_mutes_and_tests(database: Database, site: SmallSite) -> None:
    auditor = caller_of(database, employ(database, site.id, "auditor"))
    before = events.newest(database)
    with database.write() as session:
        with pytest.raises(NotAllowed):
            control_room.mute(session, auditor, site.id, 1, now=NOON)
        with pytest.raises(NotAllowed):
            control_room.unmute(session, auditor, site.id, now=NOON)
        with pytest.raises(NotAllowed):
            control_room.record_test(session, auditor, site.id, heard=True, now=NOON)
    assert events.newest(database) == before


def is_due(database: Database, person: UUID, now: datetime) -> bool:
    with database.read() as session:
        return control_room.test_of(session, person, now=now).due


def test_each_shift_begins_with_a_test_that_was_heard(
    database: Database, site: SmallSite, operator: Caller
) -> None:
    person = operator.person_id
    assert is_due(database, person, NOON)
    with database.write() as session:
        control_room.record_test(session, operator, site.id, heard=False, now=NOON)
    assert is_due(database, person, NOON + MINUTE)
    with database.write() as session:
        control_room.record_test(session, operator, site.id, heard=True, now=NOON + MINUTE)
    assert not is_due(database, person, NOON + 11 * HOUR)
    assert is_due(database, person, NOON + 13 * HOUR)
    facts = facts_of(database, "sound.test")
    assert [fact.after for fact in facts] == [{"heard": False}, {"heard": True}]
    shift = Shift(
        id=new_id(),
        site_id=site.id,
        team="service",
        person_id=person,
        kind="duty",
        starts_at=NOON + 4 * HOUR,
        ends_at=NOON + 12 * HOUR,
    )
    with database.write() as session:
        session.add(shift)
    assert not is_due(database, person, NOON + 3 * HOUR)
    assert is_due(database, person, NOON + 4 * HOUR)
    with database.write() as session:
        early = NOON + 4 * HOUR - 20 * MINUTE
        control_room.record_test(session, operator, site.id, heard=True, now=early)
    assert not is_due(database, person, NOON + 5 * HOUR)


def test_a_deputy_begins_the_shift_of_whom_they_stand_in_for(
    database: Database, site: SmallSite, operator: Caller
) -> None:
    away = employ(database, site.id, "service_desk", "Away")
    span = {"starts_at": NOON + 2 * HOUR, "ends_at": NOON + 6 * HOUR}
    with database.write() as session:
        session.add(
            Shift(id=new_id(), site_id=site.id, team="service", person_id=away, kind="duty", **span)
        )
        session.add(Absence(id=new_id(), person_id=away, deputy_id=operator.person_id, **span))
        control_room.record_test(session, operator, site.id, heard=True, now=NOON)
    assert not is_due(database, operator.person_id, NOON + HOUR)
    assert is_due(database, operator.person_id, NOON + 3 * HOUR)


def test_what_is_unseen_rings_since_we_learned_of_its_last_trip(
    database: Database, site: SmallSite, operator: Caller
) -> None:
    trip(database, site, NOON, learned_at=NOON + MINUTE)
    trip(database, site, NOON, asset="pump-2", rule=SMOKE)
    clear(database, site, NOON + 2 * MINUTE)
    trip(database, site, NOON + 3 * MINUTE, learned_at=NOON + 4 * MINUTE)
    clear(database, site, NOON + 5 * MINUTE)
    with database.read() as session:
        found = alarms.unseen_alarms(session, operator, ACT)
        told = {row.asset_id: (row.severity, row.life_safety, row.learned_at) for row in found}
        assert told == {
            site.assets["pump-1"]: ("high", False, NOON + 4 * MINUTE),
            site.assets["pump-2"]: ("medium", True, NOON),
        }
        nobody = Caller(new_id(), "Nobody", "en")
        assert alarms.unseen_alarms(session, nobody, ACT) == []


def test_lives_come_before_everything_that_is_unseen(
    database: Database, site: SmallSite, operator: Caller
) -> None:
    trip(database, site, NOON, rule=replace(other_rule("flood"), severity="critical"))
    trip(database, site, NOON, rule=SMOKE)
    trip(database, site, NOON, rule=OVERHEATING)
    trip(database, site, NOON, asset="pump-2", rule=SMOKE)
    accept(database, operator, alarm_on(database, site, "pump-2", "smoke").id)
    with database.read() as session:
        found = alarms.open_alarms(session, operator, permission=ACT)
    assert [alarm.rule_id for alarm in found] == [
        "smoke",
        "flood",
        "pump-motor-overheating",
        "smoke",
    ]
    assert (found[0].space_code, found[0].site_code, found[0].ticket_state) == (
        "b1-pumproom",
        "riverside",
        "open",
    )


def alarm_on(database: Database, site: SmallSite, asset: str, rule: str) -> Alarm:
    with database.read() as session:
        found = session.query(Alarm).filter_by(asset_id=site.assets[asset], rule_id=rule)
        return found.one()


def accept(database: Database, caller: Caller, alarm_id: UUID) -> str:
    with database.write() as session:
        alarm = find_alarm(session, caller, alarm_id)
        return alarms.accept_alarm(session, caller, alarm, now=NOON + 5 * MINUTE)


def overheating(database: Database, site: SmallSite) -> Alarm:
    return alarm_on(database, site, "pump-1", "pump-motor-overheating")


def test_one_button_takes_the_ticket_and_acknowledges_the_alarm(
    database: Database, site: SmallSite, operator: Caller
) -> None:
    opened = trip(database, site, NOON)
    assert accept(database, operator, overheating(database, site).id) == "accepted"
    ticket = ticket_of(database, opened.ticket_id)
    assert (ticket.state, ticket.assignee_id) == ("assigned", operator.person_id)
    assert overheating(database, site).state == "acknowledged"
    # A second press takes what is the reader's own already, and harms nothing.
    assert accept(database, operator, overheating(database, site).id) == "accepted"


def test_a_ticket_that_somebody_else_has_stays_theirs(
    database: Database, site: SmallSite, operator: Caller
) -> None:
    opened = trip(database, site, NOON)
    worker = employ(database, site.id, "technician")
    do(database, opened.ticket_id, operator.person_id, NOON, "assign", assignee_id=worker)
    assert accept(database, operator, overheating(database, site).id) == "seen"
    assert ticket_of(database, opened.ticket_id).assignee_id == worker
    assert overheating(database, site).state == "acknowledged"
    with pytest.raises(Conflict):
        accept(database, operator, overheating(database, site).id)


def test_without_the_certificate_it_is_only_seen(
    database: Database, site: SmallSite, operator: Caller
) -> None:
    opened = trip(database, site, NOON)
    boss = caller_of(database, employ(database, site.id, "manager"))
    worker = employ(database, site.id, "technician")
    with database.write() as session:
        valid = NOON.date() + timedelta(days=365)
        set_certificate(session, boss, site.id, worker, "electrician", valid, now=NOON)
    assert accept(database, operator, overheating(database, site).id) == "seen"
    assert ticket_of(database, opened.ticket_id).state == "open"
    assert overheating(database, site).state == "acknowledged"


def write_call(database: Database, site: SmallSite, **more: object) -> UUID:
    values = {"kind": "incident", "priority": "critical", "title": {"und": "Trapped"}, **more}
    draft = Draft(
        site_id=site.id,
        team="service",
        happened_at=NOON,
        learned_at=NOON,
        **values,  # type: ignore[arg-type]
    )
    with database.write() as session:
        return tickets.open_ticket(session, draft, actor=events.SYSTEM).id


def calls_of(database: Database, caller: Caller) -> list[WaitingCall]:
    with database.read() as session:
        return waiting_calls(session, caller, ACT)


def test_what_people_report_as_critical_rings_until_somebody_takes_it(
    database: Database, site: SmallSite, operator: Caller
) -> None:
    trip(database, site, NOON, rule=replace(OVERHEATING, severity="critical"))
    write_call(database, site, priority="high")
    ticket_id = write_call(database, site, asset_id=site.assets["pump-1"])
    [call] = calls_of(database, operator)
    assert (call.id, call.priority, call.asset, call.site_code) == (
        ticket_id,
        "critical",
        {"en": "Pump 1", "zh": "1号泵"},
        "riverside",
    )
    do(database, ticket_id, operator.person_id, NOON, "accept")
    assert calls_of(database, operator) == []


def test_a_call_about_a_life_rings_whatever_its_priority(
    database: Database, site: SmallSite, operator: Caller
) -> None:
    ticket_id = write_call(database, site, priority="low")
    with database.write() as session:
        session.get_one(Ticket, ticket_id).life_safety = True
    assert [call.id for call in calls_of(database, operator)] == [ticket_id]
    auditor = caller_of(database, employ(database, site.id, "auditor"))
    assert calls_of(database, auditor) == []
