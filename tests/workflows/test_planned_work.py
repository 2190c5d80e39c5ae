"""Planned work: what it is on, which rules fall silent for it, and what its end brings back."""

from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from core.db import Database, Session
from core.errors import Conflict, Invalid, NotAllowed
from core.people import Caller, Grant, Person, caller_for
from core.places import Space
from rules.engine import TransitionKind
from tests.fixtures import NOON, Administrator, SmallSite
from tests.workflows.conftest import (
    DAY,
    MINUTE,
    OVERHEATING,
    clear,
    employ,
    finding,
    ticket_of,
    trip,
)
from tests.workflows.test_shelving import tell_again
from tests.workflows.test_withholding import sweep, the_alarm
from workflows.alarms import Alarm, RuleFacts, Withholding, acknowledge, doings_of, record
from workflows.alarms.planned_work import PLANNED, PlannedWork
from workflows.alarms.planning import (
    Plan,
    cancel_work,
    change_work,
    describe_work,
    find_work,
    finish_work,
    plan_work,
)
from workflows.alarms.shelving import shelve
from workflows.tickets import Ticket

HOUR = 60 * MINUTE
QUIET = replace(OVERHEATING, suppress_while=("maintenance",))


@pytest.fixture
def caller(database: Database, administrator: Administrator) -> Caller:
    with database.read() as session:
        return caller_for(session, session.get_one(Person, administrator.person_id))


def space(database: Database, code: str) -> UUID:
    with database.read() as session:
        return session.scalars(select(Space.id).where(Space.code == code)).one()


def plan(
    database: Database, caller: Caller, site: SmallSite, *, now: datetime = NOON, **more: Any
) -> UUID:
    """Maintenance of pump 1 from noon to four hours later, if nothing else is said."""
    given: dict[str, Any] = {
        "site_id": site.id,
        "kind": "maintenance",
        "starts_at": NOON,
        "ends_at": NOON + 4 * HOUR,
        "reason": "bearings",
    }
    if not {"asset_ids", "space_ids"} & set(more):
        given["asset_ids"] = [site.assets["pump-1"]]
    with database.write() as session:
        return plan_work(session, caller, Plan(**given | more), now=now).id


def trips(
    database: Database,
    site: SmallSite,
    at: datetime,
    *,
    rule: RuleFacts = QUIET,
    learned_at: datetime | None = None,
) -> bool:
    """Record that the rule tripped on pump 1; whether anybody was told."""
    one = finding(site, TransitionKind.TRIPPED, at, rule=rule)
    one = replace(one, space_id=space(database, "b1-pumproom"))
    with database.write() as session:
        return bool(record(session, [one], learned_at=learned_at or at))


def tickets(database: Database) -> list[Ticket]:
    with database.read() as session:
        return list(session.scalars(select(Ticket)))


def change(database: Database, caller: Caller, work: UUID, how: Any, now: datetime) -> None:
    with database.write() as session:
        how(session, caller, find_work(session, caller, work, to_change=True), now=now)


def test_the_first_trip_of_all_is_withheld_until_the_work_ends(
    database: Database, site: SmallSite, caller: Caller
) -> None:
    work = plan(database, caller, site)
    assert not trips(database, site, NOON + HOUR)
    assert the_alarm(database).state == "suppressed"
    with database.read() as session:
        [row] = session.scalars(select(Withholding))
    assert (row.why, row.until, row.cause_id) == ("maintenance", NOON + 4 * HOUR, work)
    assert tickets(database) == []
    assert [sweep(database, NOON + 4 * HOUR) for _ in range(2)] == [1, 0]
    [ticket] = tickets(database)
    # It happened then, and we learned of it, as far as people go, now.
    assert (ticket.happened_at, ticket.learned_at) == (NOON + HOUR, NOON + 4 * HOUR)
    assert ticket.respond_due == NOON + 4 * HOUR + 30 * MINUTE
    assert the_alarm(database).state == "unacknowledged"


def test_what_is_over_when_the_work_ends_opens_nothing(
    database: Database, site: SmallSite, caller: Caller
) -> None:
    plan(database, caller, site)
    trips(database, site, NOON + HOUR)
    clear(database, site, NOON + 2 * HOUR, rule=QUIET)
    assert sweep(database, NOON + 4 * HOUR) == 1
    assert tickets(database) == []
    assert trips(database, site, NOON + 5 * HOUR)


@pytest.mark.parametrize(
    ("rule", "at"),
    [
        (OVERHEATING, HOUR),
        (replace(OVERHEATING, suppress_while=("outage",)), HOUR),
        (replace(QUIET, life_safety=True), HOUR),
        (QUIET, -MINUTE),
        (QUIET, 4 * HOUR),
    ],
    ids=["not asked for", "another kind", "lives", "before", "after"],
)
def test_only_rules_that_ask_for_it_fall_silent_and_only_meanwhile(
    database: Database, site: SmallSite, caller: Caller, rule: RuleFacts, at: timedelta
) -> None:
    plan(database, caller, site)
    assert trips(database, site, NOON + at, rule=rule)


@pytest.mark.parametrize(
    ("on", "with_supplied", "silent"),
    [
        ("b1", False, True),
        ("b1-pumproom", False, True),
        ("board-1", False, False),
        ("board-1", True, True),
        ("pump-2", True, False),
    ],
)
def test_work_on_a_space_or_on_what_feeds_an_asset_concerns_it_too(
    database: Database,
    site: SmallSite,
    caller: Caller,
    on: str,
    with_supplied: bool,
    silent: bool,
) -> None:
    of_asset = on in site.assets
    named: dict[str, Any] = {"asset_ids": [site.assets[on]]} if of_asset else {}
    if not of_asset:
        named["space_ids"] = [space(database, on)]
    plan(database, caller, site, with_supplied=with_supplied, **named)
    assert trips(database, site, NOON + HOUR) is not silent


def test_what_happened_during_the_work_and_is_learned_after_it_is_judged_at_once(
    database: Database, site: SmallSite, caller: Caller
) -> None:
    plan(database, caller, site)
    late = NOON + 6 * HOUR
    assert not trips(database, site, NOON + HOUR, learned_at=late)
    assert sweep(database, late) == 1
    assert len(tickets(database)) == 1


@pytest.mark.parametrize("how", [finish_work, cancel_work])
def test_work_that_ends_early_gives_back_what_it_suppressed(
    database: Database, site: SmallSite, caller: Caller, how: Any
) -> None:
    work = plan(database, caller, site)
    trips(database, site, NOON + HOUR)
    end = NOON + 2 * HOUR
    change(database, caller, work, how, end)
    assert sweep(database, end) == 1
    assert len(tickets(database)) == 1
    with pytest.raises(Conflict):
        change(database, caller, work, how, end)


def test_work_that_takes_longer_keeps_what_it_suppressed(
    database: Database, site: SmallSite, caller: Caller
) -> None:
    work = plan(database, caller, site)
    trips(database, site, NOON + HOUR)
    with database.write() as session:
        row = find_work(session, caller, work, to_change=True)
        change_work(session, caller, row, now=NOON + 2 * HOUR, ends_at=NOON + 6 * HOUR)
    assert sweep(database, NOON + 4 * HOUR) == 0
    assert sweep(database, NOON + 6 * HOUR) == 1
    assert len(tickets(database)) == 1


def test_where_one_work_ends_another_goes_on(
    database: Database, site: SmallSite, caller: Caller
) -> None:
    plan(database, caller, site)
    trips(database, site, NOON + HOUR)
    plan(database, caller, site, starts_at=NOON + 3 * HOUR, ends_at=NOON + 9 * HOUR)
    assert sweep(database, NOON + 4 * HOUR) == 1
    assert the_alarm(database).state == "suppressed"
    assert tickets(database) == []
    assert [sweep(database, NOON + 9 * HOUR) for _ in range(2)] == [1, 0]
    assert len(tickets(database)) == 1


def test_an_alarm_that_was_told_before_the_work_began_stays_told(
    database: Database, site: SmallSite, caller: Caller
) -> None:
    opened = trip(database, site, NOON - HOUR, rule=QUIET)
    plan(database, caller, site)
    assert the_alarm(database).state == "unacknowledged"
    clear(database, site, NOON + HOUR, rule=QUIET)
    assert not trips(database, site, NOON + 2 * HOUR)
    assert sweep(database, NOON + 4 * HOUR) == 1
    assert ticket_of(database, opened.ticket_id).repeats == 1


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        ({"kind": "party"}, "kind"),
        ({"reason": " "}, "reason"),
        ({"starts_at": NOON - 2 * DAY}, "from"),
        ({"ends_at": NOON}, "until"),
        ({"ends_at": NOON + 32 * DAY}, "until"),
        ({"starts_at": NOON - 2 * HOUR, "ends_at": NOON - HOUR}, "until"),
        ({"asset_ids": []}, "assets, spaces"),
        ({"space_ids": [UUID(int=1)]}, "spaces"),
    ],
)
def test_a_plan_that_makes_no_sense_is_refused_with_all_that_is_wrong(
    database: Database, site: SmallSite, caller: Caller, wrong: dict[str, Any], problem: str
) -> None:
    with pytest.raises(Invalid) as refused:
        plan(database, caller, site, **wrong)
    assert [each.split(":")[0] for each in refused.value.problems] == [problem]


def test_a_technician_may_not_plan(database: Database, site: SmallSite) -> None:
    person = employ(database, site.id, "technician")
    with database.read() as session:
        technician = caller_for(session, session.get_one(Person, person))
    with pytest.raises(NotAllowed):
        plan(database, technician, site)


def test_its_times_say_where_planned_work_stands(
    database: Database, site: SmallSite, caller: Caller
) -> None:
    work = plan(database, caller, site, starts_at=NOON + HOUR)

    def phase(after: timedelta) -> str:
        with database.read() as session:
            return str(describe_work(session, caller, work, now=NOON + after)["phase"])

    assert [phase(n * HOUR) for n in (0, 1, 4)] == ["upcoming", "current", "over"]
    with pytest.raises(Conflict, match="has not begun"):
        change(database, caller, work, finish_work, NOON)
    change(database, caller, work, cancel_work, NOON)
    assert phase(HOUR) == "cancelled"


def prolong(session: Session, caller: Caller, row: PlannedWork, *, now: datetime) -> PlannedWork:
    return change_work(session, caller, row, now=now, ends_at=NOON + 5 * HOUR)


@pytest.mark.parametrize("action", PLANNED.moves)
@pytest.mark.parametrize("state", PLANNED.statuses)
def test_every_action_on_planned_work_does_what_the_table_says(
    database: Database, site: SmallSite, caller: Caller, state: str, action: str
) -> None:
    work = plan(database, caller, site)
    with database.write() as session:
        session.get_one(PlannedWork, work).state = state
    does = {"finish": finish_work, "cancel": cancel_work, "change": prolong}
    if state in PLANNED.moves[action]:
        change(database, caller, work, does[action], NOON + HOUR)
    else:
        with pytest.raises(Conflict):
            change(database, caller, work, does[action], NOON + HOUR)
    with database.read() as session:
        after = session.get_one(PlannedWork, work).state
    assert after == PLANNED.moves[action].get(state, state)


def test_work_that_ends_while_an_alarm_trips_withholds_it_no_longer(
    postgres_database: Database, postgres_site: SmallSite
) -> None:
    database, site = postgres_database, postgres_site
    planner = employ(database, site.id, "supervisor")
    with database.read() as session:
        caller = caller_for(session, session.get_one(Person, planner))
    work = plan(database, caller, site)
    done = NOON + HOUR
    one = finding(site, TransitionKind.TRIPPED, done - MINUTE, rule=QUIET)
    with ThreadPoolExecutor(1) as pool:
        with database.write() as session:
            assert record(session, [one], learned_at=done) == []
            # Somebody presses the button before what was withheld is there to be seen.
            pressed = pool.submit(change, database, caller, work, finish_work, done)
            wait([pressed], 0.5)
        pressed.result(10)
    with database.read() as session:
        assert session.scalars(select(Withholding)).one().until == done


def test_a_rule_tells_the_number_of_a_ticket_only_to_who_sees_that(
    database: Database, site: SmallSite, caller: Caller
) -> None:
    trip(database, site, NOON)
    of_lifts = employ(database, site.id, "auditor")
    with database.write() as session:
        grant = session.scalars(select(Grant).where(Grant.person_id == of_lifts)).one()
        grant.role, grant.team = "technician", "lift"
        session.flush()
        stranger = caller_for(session, session.get_one(Person, of_lifts))
        told = {
            one.person_id: doings_of(session, one, OVERHEATING.rule_id, now=NOON).alarms[0]
            for one in (caller, stranger)
        }
    assert told[caller.person_id]["number"] is not None
    assert told[stranger.person_id]["number"] is None


def test_what_was_told_before_one_silence_after_another_still_waits_for_its_reset(
    database: Database, site: SmallSite, caller: Caller
) -> None:
    latching = replace(QUIET, latch=True)
    trips(database, site, NOON - HOUR, rule=latching)
    with database.write() as session:
        alarm = session.scalars(select(Alarm)).one()
        until = NOON + HOUR
        shelve(session, caller, alarm, until=until, reason="noise", now=NOON - HOUR)
    plan(database, caller, site)
    # Its shelving ends while work goes on, and its condition does during the work.
    assert sweep(database, NOON + HOUR) == 1
    assert the_alarm(database).state == "suppressed"
    clear(database, site, NOON + 2 * HOUR, rule=latching)
    assert sweep(database, NOON + 4 * HOUR) == 1
    assert the_alarm(database).state == "latched"


@pytest.mark.parametrize("how", [finish_work, cancel_work])
def test_a_standing_alarm_that_waits_for_work_is_told_again_soon_after_its_early_end(
    database: Database, site: SmallSite, caller: Caller, how: Any
) -> None:
    persistent = replace(QUIET, realarm_standing=HOUR)
    trips(database, site, NOON - HOUR, rule=persistent)
    with database.write() as session:
        alarm = session.scalars(select(Alarm)).one()
        acknowledge(session, alarm, person=caller.person_id, now=NOON - HOUR)
    work = plan(database, caller, site)
    assert tell_again(database, NOON) == 0
    change(database, caller, work, how, NOON + MINUTE)
    assert tell_again(database, NOON + 2 * MINUTE) == 1
    assert the_alarm(database).state == "unacknowledged"
