"""What withheld an alarm at a moment, told afterwards to whoever may see alarms."""

from datetime import timedelta

from core.db import Database
from core.people import Caller, Person, caller_for
from tests.fixtures import NOON, Administrator, SmallSite
from tests.workflows.conftest import DAY, MINUTE, OVERHEATING, trip
from tests.workflows.test_inhibition import DRY, LOST, SECOND, move
from tests.workflows.test_shelving import (
    HOUR,
    SMOKE,
    confirm,
    out_of_service,
    shelve_it,
    somebody,
    unshelve_it,
)
from workflows.alarms import RuleFacts
from workflows.alarms.withheld_then import WithheldThen, withheld_at


def caller_of(database: Database, administrator: Administrator) -> Caller:
    with database.read() as session:
        return caller_for(session, session.get_one(Person, administrator.person_id))


def then(
    database: Database, site: SmallSite, caller: Caller, rule: RuleFacts, after: timedelta
) -> WithheldThen | None:
    with database.read() as session:
        return withheld_at(session, caller, site.assets["pump-1"], rule.rule_id, NOON + after)


def test_a_shelving_is_told_for_as_long_as_it_lasted(
    database: Database, site: SmallSite, administrator: Administrator
) -> None:
    caller = caller_of(database, administrator)
    trip(database, site, NOON)
    shelve_it(database, caller, NOON + MINUTE, NOON + 4 * HOUR)
    unshelve_it(database, caller, NOON + HOUR)
    found = then(database, site, caller, OVERHEATING, 30 * MINUTE)
    assert found is not None
    assert (found.kind, found.why, found.reason) == ("shelved", "shelved", "valve is being changed")
    assert (found.until, found.ended_at) == (NOON + 4 * HOUR, NOON + HOUR)
    assert found.asked_by_name
    for outside in (timedelta(), HOUR, 2 * HOUR):
        assert then(database, site, caller, OVERHEATING, outside) is None
    resident = somebody(database, site, "resident")
    assert then(database, site, resident, OVERHEATING, 30 * MINUTE) is None


def test_what_two_people_decide_holds_from_the_second_on(
    database: Database, site: SmallSite, administrator: Administrator
) -> None:
    caller = caller_of(database, administrator)
    trip(database, site, NOON, rule=SMOKE)
    asked = out_of_service(database, caller, NOON, NOON + DAY, "Post 3")
    confirm(database, somebody(database, site, "safety_officer"), asked, NOON + HOUR)
    assert then(database, site, caller, SMOKE, 30 * MINUTE) is None
    found = then(database, site, caller, SMOKE, 2 * HOUR)
    assert found is not None
    assert (found.since, found.patrol, found.ended_at) == (NOON + HOUR, "Post 3", None)
    assert found.confirmed_by_name


def test_an_inhibited_alarm_names_what_explained_it(
    database: Database, site: SmallSite, administrator: Administrator
) -> None:
    caller = caller_of(database, administrator)
    move(database, site, "board-1", LOST, NOON)
    move(database, site, "pump-1", DRY, NOON + SECOND)
    found = then(database, site, caller, DRY, MINUTE)
    assert found is not None
    assert (found.why, found.cause_kind) == ("inhibited", "alarm")
    assert found.cause_title
    assert found.cause_asset
