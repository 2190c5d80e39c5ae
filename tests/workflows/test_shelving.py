"""What people do to silence alarms: shelving, out of service, reset; and telling again."""

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import select

from core.clock import to_micros
from core.db import Database
from core.errors import Conflict, Invalid, NotAllowed
from core.people import Caller, Person, caller_for
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
)
from tests.workflows.test_withholding import (
    JOB,
    episodes,
    known,
    sweep,
    the_alarm,
    trip_silently,
)
from workflows.alarms import Alarm, Withholding, acknowledge
from workflows.alarms.load.reading import trips_of
from workflows.alarms.realarming import due_realarms, realarm
from workflows.alarms.shelving import (
    OutOfService,
    confirm_out_of_service,
    find_request,
    refuse_out_of_service,
    reset,
    return_to_service,
    shelve,
    take_out_of_service,
    unshelve,
)
from workflows.tickets import Ticket

HOUR = 60 * MINUTE
SMOKE = replace(OVERHEATING, life_safety=True, severity="critical")
LATCHING = replace(OVERHEATING, latch=True)
PERSISTENT = replace(OVERHEATING, realarm_standing=4 * HOUR)


@pytest.fixture
def caller(database: Database, administrator: Administrator) -> Caller:
    with database.read() as session:
        return caller_for(session, session.get_one(Person, administrator.person_id))


def somebody(database: Database, site: SmallSite, role: str) -> Caller:
    person = employ(database, site.id, role)
    with database.read() as session:
        return caller_for(session, session.get_one(Person, person))


def shelve_it(
    database: Database,
    caller: Caller,
    now: datetime,
    until: datetime | None,
    reason: str = "valve is being changed",
) -> None:
    with database.write() as session:
        alarm = session.scalars(select(Alarm)).one()
        shelve(session, caller, alarm, until=until, reason=reason, now=now)


def unshelve_it(database: Database, caller: Caller, now: datetime) -> bool:
    with database.write() as session:
        alarm = session.scalars(select(Alarm)).one()
        return unshelve(session, caller, alarm, now=now) is not None


def tickets(database: Database) -> list[Ticket]:
    with database.read() as session:
        return list(session.scalars(select(Ticket)))


def rows(database: Database) -> list[Withholding]:
    with database.read() as session:
        return list(session.scalars(select(Withholding).order_by(Withholding.since)))


def out_of_service(
    database: Database, caller: Caller, now: datetime, until: datetime, patrol: str = ""
) -> UUID:
    wanted = OutOfService(until, "hot work in the kitchen", patrol)
    with database.write() as session:
        alarm = session.scalars(select(Alarm)).one()
        return take_out_of_service(session, caller, alarm, wanted, now=now).id


def confirm(database: Database, caller: Caller, asked: UUID, now: datetime) -> None:
    with database.write() as session:
        row, alarm = find_request(session, caller, asked)
        confirm_out_of_service(session, caller, row, alarm, now=now)


# Shelving.


def test_what_trips_while_shelved_and_still_stands_at_the_end_is_told_once(
    database: Database, site: SmallSite, caller: Caller
) -> None:
    known(database, site)
    shelve_it(database, caller, NOON, NOON + HOUR)
    trip_silently(database, site, NOON + 10 * MINUTE)
    clear(database, site, NOON + 20 * MINUTE)
    trip_silently(database, site, NOON + 30 * MINUTE)
    assert the_alarm(database).state == "shelved"
    assert [sweep(database, NOON + HOUR + n * MINUTE) for n in range(3)] == [1, 0, 0]
    assert the_alarm(database).state == "unacknowledged"
    [ticket] = tickets(database)
    assert (ticket.repeats, ticket.announced_at) == (1, NOON + HOUR)
    assert [one.ticket_id is not None for one in episodes(database)] == [True, False, True]
    [trip_fact] = [fact for fact in facts_of(database, "alarm.trip") if "why" in (fact.after or {})]
    assert trip_fact.after is not None
    assert (trip_fact.after["why"], trip_fact.after["withheld_since"]) == (
        "shelved",
        NOON.isoformat(),
    )


def test_the_load_counts_what_people_were_told_when_they_were(
    database: Database, site: SmallSite, caller: Caller
) -> None:
    known(database, site)
    shelve_it(database, caller, NOON, NOON + HOUR)
    trip_silently(database, site, NOON + 10 * MINUTE)
    clear(database, site, NOON + 20 * MINUTE)
    trip_silently(database, site, NOON + 30 * MINUTE)
    sweep(database, NOON + HOUR)
    span = (to_micros(NOON), to_micros(NOON + DAY))
    with database.read() as session:
        [trips] = trips_of(session, site.id, *span).of.values()
    assert [trip.told for trip in trips] == [to_micros(NOON + HOUR)]


def test_what_cleared_while_shelved_is_told_nobody_and_ends_normal(
    database: Database, site: SmallSite, caller: Caller
) -> None:
    known(database, site)
    shelve_it(database, caller, NOON, NOON + HOUR)
    trip_silently(database, site, NOON + 10 * MINUTE)
    clear(database, site, NOON + 20 * MINUTE)
    assert sweep(database, NOON + HOUR) == 1
    assert the_alarm(database).state == "normal"
    assert tickets(database)[0].repeats == 0


def test_an_alarm_shelved_until_it_clears_sounds_again_the_next_time(
    database: Database, site: SmallSite, caller: Caller
) -> None:
    opened = trip(database, site, NOON)
    shelve_it(database, caller, NOON + MINUTE, None)
    assert sweep(database, NOON + 30 * DAY) == 0
    clear(database, site, NOON + HOUR)
    assert the_alarm(database).state == "normal"
    assert ticket_of(database, opened.ticket_id).recovered_at == NOON + HOUR
    trip(database, site, NOON + 2 * HOUR)
    assert the_alarm(database).state == "unacknowledged"


def test_only_what_stands_is_shelved_until_it_clears(
    database: Database, site: SmallSite, caller: Caller
) -> None:
    known(database, site)
    with pytest.raises(Conflict, match="does not stand"):
        shelve_it(database, caller, NOON, None)


def test_shelving_ends_early_where_somebody_says_so(
    database: Database, site: SmallSite, caller: Caller
) -> None:
    trip(database, site, NOON)
    shelve_it(database, caller, NOON, NOON + HOUR)
    assert unshelve_it(database, caller, NOON + MINUTE)
    assert the_alarm(database).state == "unacknowledged"
    with pytest.raises(Conflict):
        unshelve_it(database, caller, NOON + 2 * MINUTE)
    assert sweep(database, NOON + HOUR) == 0
    assert len(facts_of(database, "ticket.announce")) == 1


def test_shelving_anew_counts_from_the_new_time(
    database: Database, site: SmallSite, caller: Caller
) -> None:
    trip(database, site, NOON)
    shelve_it(database, caller, NOON, NOON + HOUR)
    shelve_it(database, caller, NOON + MINUTE, NOON + 4 * HOUR)
    assert [row.state for row in rows(database)] == ["ended", "standing"]
    assert sweep(database, NOON + HOUR) == 0
    assert sweep(database, NOON + 4 * HOUR) == 1


@pytest.mark.parametrize(
    ("until", "reason", "problem"),
    [
        (NOON, "why not", "until"),
        (NOON + 25 * HOUR, "why not", "until"),
        (NOON + HOUR, "  ", "reason"),
        (NOON + HOUR, "x" * 501, "reason"),
    ],
)
def test_shelving_needs_a_reason_and_an_end(
    database: Database,
    site: SmallSite,
    caller: Caller,
    until: datetime,
    reason: str,
    problem: str,
) -> None:
    trip(database, site, NOON)
    with pytest.raises(Invalid) as refused:
        shelve_it(database, caller, NOON, until, reason)
    assert [each.split(":")[0] for each in refused.value.problems] == [problem]
    assert the_alarm(database).state == "unacknowledged"


def test_an_alarm_about_lives_is_never_shelved(
    database: Database, site: SmallSite, caller: Caller
) -> None:
    trip(database, site, NOON, rule=SMOKE)
    with pytest.raises(Conflict) as refused:
        shelve_it(database, caller, NOON, NOON + HOUR)
    assert "out of service" in refused.value.advice


def test_a_guard_may_not_shelve(database: Database, site: SmallSite) -> None:
    trip(database, site, NOON)
    with pytest.raises(NotAllowed):
        shelve_it(database, somebody(database, site, "guard"), NOON, NOON + HOUR)


# Out of service.


def test_an_alarm_out_of_service_is_judged_again_on_its_day(
    database: Database, site: SmallSite, caller: Caller
) -> None:
    known(database, site)
    out_of_service(database, caller, NOON, NOON + 3 * DAY)
    trip_silently(database, site, NOON + DAY)
    assert sweep(database, NOON + 3 * DAY - MINUTE) == 0
    assert sweep(database, NOON + 3 * DAY) == 1
    assert the_alarm(database).state == "unacknowledged"
    assert len(facts_of(database, "alarm.return_to_service")) == 1


def test_what_was_shelved_goes_out_of_service_for_good(
    database: Database, site: SmallSite, caller: Caller
) -> None:
    trip(database, site, NOON)
    shelve_it(database, caller, NOON, NOON + HOUR)
    out_of_service(database, caller, NOON + MINUTE, NOON + DAY)
    assert [row.state for row in rows(database)] == ["ended", "standing"]
    assert sweep(database, NOON + HOUR) == 0
    with pytest.raises(Conflict, match="out_of_service cannot shelve"):
        shelve_it(database, caller, NOON + HOUR, NOON + 2 * HOUR)
    assert the_alarm(database).state == "out_of_service"


def test_an_alarm_about_lives_goes_out_of_service_by_two_people_and_a_patrol(
    database: Database, site: SmallSite, caller: Caller
) -> None:
    trip(database, site, NOON, rule=SMOKE)
    with pytest.raises(Invalid) as refused:
        out_of_service(database, caller, NOON, NOON + DAY)
    assert [each.split(":")[0] for each in refused.value.problems] == ["patrol"]
    asked = out_of_service(database, caller, NOON, NOON + DAY, "Post 3, hourly: Wang")
    assert the_alarm(database).state == "unacknowledged"
    with pytest.raises(Conflict, match="does not confirm"):
        confirm(database, caller, asked, NOON)
    with pytest.raises(NotAllowed):
        confirm(database, somebody(database, site, "technician"), asked, NOON)
    with pytest.raises(Conflict, match="has asked for this alarm already"):
        out_of_service(database, caller, NOON, NOON + DAY, "Post 4")
    confirm(database, somebody(database, site, "safety_officer"), asked, NOON + MINUTE)
    assert the_alarm(database).state == "out_of_service"
    [row] = rows(database)
    assert row.asked_by != row.confirmed_by
    assert (row.since, row.from_state) == (NOON + MINUTE, "unacknowledged")
    assert sweep(database, NOON + DAY) == 1
    assert the_alarm(database).state == "unacknowledged"


def test_nobody_confirms_what_is_over_or_refused(
    database: Database, site: SmallSite, caller: Caller
) -> None:
    trip(database, site, NOON, rule=SMOKE)
    asked = out_of_service(database, caller, NOON, NOON + DAY, "Post 3")
    officer = somebody(database, site, "safety_officer")
    with pytest.raises(Conflict, match="is over"):
        confirm(database, officer, asked, NOON + DAY)
    assert sweep(database, NOON + DAY) == 1
    with pytest.raises(Conflict):
        confirm(database, officer, asked, NOON + DAY)
    again = out_of_service(database, caller, NOON + DAY, NOON + 2 * DAY, "Post 3")
    with database.write() as session:
        row, _ = find_request(session, officer, again)
        refuse_out_of_service(session, officer, row, now=NOON + DAY)
    with pytest.raises(Conflict):
        confirm(database, officer, again, NOON + DAY)
    assert [row.state for row in rows(database)] == ["lapsed", "refused"]
    assert the_alarm(database).state == "unacknowledged"


def test_service_resumes_early(database: Database, site: SmallSite, caller: Caller) -> None:
    known(database, site)
    out_of_service(database, caller, NOON, NOON + DAY)
    with database.write() as session:
        alarm = session.scalars(select(Alarm)).one()
        assert return_to_service(session, caller, alarm, now=NOON + HOUR) is None
    assert the_alarm(database).state == "normal"
    assert rows(database)[0].ended_by == caller.person_id


# Latching.


def acknowledge_it(database: Database, caller: Caller, now: datetime) -> None:
    with database.write() as session:
        alarm = session.scalars(select(Alarm)).one()
        acknowledge(session, alarm, person=caller.person_id, now=now)


def reset_it(database: Database, caller: Caller, now: datetime) -> None:
    with database.write() as session:
        reset(session, caller, session.scalars(select(Alarm)).one(), now=now)


def test_a_latching_alarm_stays_until_somebody_resets_it(
    database: Database, site: SmallSite, caller: Caller
) -> None:
    trip(database, site, NOON, rule=LATCHING)
    acknowledge_it(database, caller, NOON)
    with pytest.raises(Conflict, match="still holds"):
        reset_it(database, caller, NOON)
    clear(database, site, NOON + HOUR, rule=LATCHING)
    assert the_alarm(database).state == "latched"
    reset_it(database, caller, NOON + 2 * HOUR)
    assert the_alarm(database).state == "normal"
    with pytest.raises(Conflict):
        reset_it(database, caller, NOON + 2 * HOUR)


def test_a_latching_alarm_that_trips_again_before_its_reset_is_told_again(
    database: Database, site: SmallSite, caller: Caller
) -> None:
    first = trip(database, site, NOON, rule=LATCHING)
    clear(database, site, NOON + MINUTE, rule=LATCHING)
    acknowledge_it(database, caller, NOON + 2 * MINUTE)
    assert the_alarm(database).state == "latched"
    again = trip(database, site, NOON + HOUR, rule=LATCHING)
    assert again.ticket_id == first.ticket_id
    assert the_alarm(database).state == "unacknowledged"


def test_one_button_acknowledges_and_resets_what_is_over(
    database: Database, site: SmallSite, caller: Caller
) -> None:
    trip(database, site, NOON, rule=LATCHING)
    clear(database, site, NOON + MINUTE, rule=LATCHING)
    assert the_alarm(database).state == "returned_unacknowledged"
    reset_it(database, caller, NOON + 2 * MINUTE)
    assert the_alarm(database).state == "normal"


def test_a_latching_alarm_shelved_and_over_still_waits_for_its_reset(
    database: Database, site: SmallSite, caller: Caller
) -> None:
    trip(database, site, NOON, rule=LATCHING)
    shelve_it(database, caller, NOON, NOON + HOUR)
    clear(database, site, NOON + MINUTE, rule=LATCHING)
    sweep(database, NOON + HOUR)
    assert the_alarm(database).state == "latched"


# Telling again.


def tell_again(database: Database, now: datetime) -> int:
    with database.write() as session:
        due = due_realarms(session, now=now)
        return sum(realarm(session, one, now=now, actor=JOB) for one in due)


def test_a_standing_alarm_that_was_seen_is_told_again_each_time_its_rule_asks(
    database: Database, site: SmallSite, caller: Caller
) -> None:
    opened = trip(database, site, NOON, rule=PERSISTENT)
    assert tell_again(database, NOON + DAY) == 0
    acknowledge_it(database, caller, NOON + MINUTE)
    assert tell_again(database, NOON + 4 * HOUR) == 0
    due = NOON + MINUTE + 4 * HOUR
    assert [tell_again(database, due) for _ in range(2)] == [1, 0]
    assert the_alarm(database).state == "unacknowledged"
    ticket = ticket_of(database, opened.ticket_id)
    assert (ticket.announced_at, ticket.repeats) == (due, 0)
    acknowledge_it(database, caller, due)
    assert tell_again(database, due + 4 * HOUR) == 1
    assert len(facts_of(database, "ticket.still")) == 2


def test_what_cleared_is_not_told_again(
    database: Database, site: SmallSite, caller: Caller
) -> None:
    trip(database, site, NOON, rule=PERSISTENT)
    acknowledge_it(database, caller, NOON)
    clear(database, site, NOON + HOUR, rule=PERSISTENT)
    assert tell_again(database, NOON + DAY) == 0


def test_a_standing_alarm_whose_ticket_is_done_with_opens_it_again(
    database: Database, site: SmallSite, caller: Caller
) -> None:
    opened = trip(database, site, NOON, rule=PERSISTENT)
    acknowledge_it(database, caller, NOON)
    for action in ("start", "resolve"):
        do(database, opened.ticket_id, caller.person_id, NOON + MINUTE, action)
    assert tell_again(database, NOON + 4 * HOUR) == 1
    assert ticket_of(database, opened.ticket_id).state == "open"


def test_an_alarm_shelved_meanwhile_is_not_told_again(
    database: Database, site: SmallSite, caller: Caller
) -> None:
    trip(database, site, NOON, rule=PERSISTENT)
    acknowledge_it(database, caller, NOON)
    shelve_it(database, caller, NOON + HOUR, NOON + timedelta(hours=8))
    assert tell_again(database, NOON + 5 * HOUR) == 0
