"""Alarms whose rule changes under them: it becomes one about lives, or is retired."""

from dataclasses import replace
from datetime import datetime

import pytest
from sqlalchemy import select

from core import events
from core.clock import SimulatedClock
from core.db import Database, Session
from core.devices import Device, Point
from core.errors import Conflict, Invalid
from core.ids import new_id
from core.people import Caller, Person, caller_for
from core.rulebook import RuleVersion, publish, retire
from core.rulebook_checks import check_document
from jobs.alarms import look_after_alarms
from rules.engine import TransitionKind
from tests.core.test_rulebook_review import HOT
from tests.fixtures import NOON, Administrator, SmallSite
from tests.jobs.conftest import make_work
from tests.workflows.conftest import DAY, MINUTE, OVERHEATING, clear, facts_of, finding, trip
from tests.workflows.test_withholding import episodes, the_alarm, trip_silently
from workflows.alarms import Alarm, Withheld, acknowledge, record
from workflows.alarms.knowing import known_alarm
from workflows.alarms.shelving import OutOfService, shelve, take_out_of_service
from workflows.alarms.withholding import withhold
from workflows.tickets import Ticket

RULE = OVERHEATING.rule_id
HOUR = 60 * MINUTE
MAINS = replace(OVERHEATING, rule_id="mains-lost")
DRIVEN = replace(OVERHEATING, rule_id="pump-stopped", inhibited_by=("mains-lost",))


@pytest.fixture
def caller(database: Database, administrator: Administrator) -> Caller:
    with database.read() as session:
        return caller_for(session, session.get_one(Person, administrator.person_id))


def put(
    session: Session, site: SmallSite, *, lives: bool, rule: str = RULE, at_site: bool = False
) -> RuleVersion | None:
    return publish(
        session,
        rule_id=rule,
        node_id=site.id if at_site else site.company_id,
        title={"en": "Pump burns"},
        severity="critical" if lives else "high",
        life_safety=lives,
        document="applies_to: {asset_type: pump}",
        fingerprint=f"{rule} {lives} {at_site}",
        pack="",
        actor=events.SYSTEM,
        now=NOON,
    )


def look(database: Database, now: datetime) -> int:
    return look_after_alarms(make_work(database, SimulatedClock(0)), now)


def held(database: Database, until: datetime) -> None:
    """Planned work suppresses the only alarm there is."""
    with database.write() as session:
        cause = Withheld("suppressed", "maintenance", until)
        withhold(
            session, session.scalars(select(Alarm)).one(), cause, actor=events.SYSTEM, now=NOON
        )


def test_what_was_silenced_speaks_once_its_rule_is_about_lives(
    database: Database, site: SmallSite, caller: Caller
) -> None:
    trip(database, site, NOON - HOUR)
    clear(database, site, NOON - 50 * MINUTE)
    with database.write() as session:
        put(session, site, lives=False)
        until = NOON + 24 * HOUR
        alarm = session.scalars(select(Alarm)).one()
        shelve(session, caller, alarm, until=until, reason="noise", now=NOON)
    trip_silently(database, site, NOON + MINUTE)
    assert look(database, NOON + 2 * MINUTE) == 0
    with database.write() as session:
        put(session, site, lives=True)
    assert [look(database, NOON + 3 * MINUTE) for _ in range(2)] == [1, 0]
    alarm = the_alarm(database)
    assert (alarm.state, alarm.life_safety, alarm.severity) == ("unacknowledged", True, "critical")
    assert episodes(database)[-1].announced_at == NOON + 3 * MINUTE
    assert len(facts_of(database, "alarm.unshelve")) == 1


def test_a_trip_that_was_withheld_by_what_stood_before_is_told_at_the_next_look(
    database: Database, site: SmallSite
) -> None:
    trip(database, site, NOON - HOUR)
    clear(database, site, NOON - 50 * MINUTE)
    held(database, NOON + 4 * HOUR)
    burning = replace(OVERHEATING, life_safety=True, severity="critical")
    one = finding(site, TransitionKind.TRIPPED, NOON + MINUTE, rule=burning)
    with database.write() as session:
        assert record(session, [one], learned_at=NOON + MINUTE) == []
    assert [look(database, NOON + MINUTE) for _ in range(2)] == [1, 0]
    assert the_alarm(database).state == "unacknowledged"


def test_whether_lives_depend_on_it_is_what_the_nearest_version_in_force_says(
    database: Database, site: SmallSite, caller: Caller
) -> None:
    trip(database, site, NOON)
    with database.write() as session:
        put(session, site, lives=False)
        put(session, site, lives=True, at_site=True)
        alarm = session.scalars(select(Alarm)).one()
        with pytest.raises(Conflict, match="about lives"):
            shelve(session, caller, alarm, until=NOON + HOUR, reason="noise", now=NOON)
        wanted = OutOfService(NOON + 30 * DAY, "detector is away")
        with pytest.raises(Invalid) as refused:
            take_out_of_service(session, caller, alarm, wanted, now=NOON)
        assert [text.split(":")[0] for text in refused.value.problems] == ["until", "patrol"]
        # One that never tripped is known by the same version.
        other = known_alarm(session, caller, site.assets["pump-2"], RULE)
        assert (other.life_safety, other.severity) == (True, "critical")


def test_an_alarm_of_a_retired_rule_ends_and_neither_tells_nor_inhibits(
    database: Database, site: SmallSite
) -> None:
    with database.write() as session:
        put(session, site, lives=False, rule="mains-lost")
        put(session, site, lives=False, rule="pump-stopped")
    trip(database, site, NOON, asset="board-1", rule=MAINS)
    withheld = finding(site, TransitionKind.TRIPPED, NOON + MINUTE, rule=DRIVEN)
    with database.write() as session:
        assert record(session, [withheld], learned_at=NOON + MINUTE) == []
    assert look(database, NOON + 2 * MINUTE) == 0
    with database.write() as session:
        retire(session, ["mains-lost"], actor=events.SYSTEM, now=NOON + HOUR)
    assert look(database, NOON + HOUR) == 1
    # What it explained is judged again after the usual grace.
    assert look(database, NOON + HOUR + 2 * MINUTE) == 1
    with database.read() as session:
        states = {row.rule_id: (row.state, row.phase) for row in session.scalars(select(Alarm))}
        # Nobody measured that the mains are back: their ticket stays, and people end it.
        assert [one.recovered_at for one in session.scalars(select(Ticket))] == [None, None]
    assert states == {
        "mains-lost": ("returned_unacknowledged", "normal"),
        "pump-stopped": ("unacknowledged", "active"),
    }


def test_what_is_withheld_of_a_retired_rule_is_never_announced(
    database: Database, site: SmallSite
) -> None:
    with database.write() as session:
        put(session, site, lives=False)
    trip(database, site, NOON - HOUR)
    clear(database, site, NOON - 50 * MINUTE)
    held(database, NOON + HOUR)
    trip_silently(database, site, NOON + MINUTE)
    with database.write() as session:
        retire(session, [RULE], actor=events.SYSTEM, now=NOON + 2 * MINUTE)
    assert [look(database, NOON + HOUR) for _ in range(2)] == [1, 0]
    assert the_alarm(database).state == "normal"
    assert episodes(database)[-1].ticket_id is None
    assert facts_of(database, "ticket.announce") == []


def test_an_alarm_of_a_retired_device_ends_unless_lives_depend_on_it(
    database: Database, site: SmallSite, caller: Caller
) -> None:
    burning = replace(OVERHEATING, rule_id="pump-burns", life_safety=True)
    for rule in (OVERHEATING, burning):
        trip(database, site, NOON, rule=rule)
    with database.write() as session:
        for alarm in session.scalars(select(Alarm)):
            acknowledge(session, alarm, person=caller.person_id, now=NOON)
    assert look(database, NOON + HOUR) == 0
    with database.write() as session:
        session.get_one(Device, site.devices["pump-1"]).state = "retired"
    assert [look(database, NOON + HOUR) for _ in range(2)] == [1, 0]
    with database.read() as session:
        states = {row.rule_id: row.state for row in session.scalars(select(Alarm))}
    assert states == {RULE: "normal", "pump-burns": "acknowledged"}


@pytest.mark.parametrize(
    ("condition", "over"),
    [
        ("motor_temperature > 75 °C", True),
        ("any(pump.running in space)", False),
    ],
)
def test_what_is_judged_by_others_goes_on_without_a_device_of_its_own(
    database: Database, site: SmallSite, condition: str, over: bool
) -> None:
    trip(database, site, NOON)
    with database.write() as session:
        document = HOT.replace("pump-hot", RULE).replace("motor_temperature > 75 °C", condition)
        assert check_document(session, document).texts == []
        row = put(session, site, lives=False)
        assert row is not None
        row.document = document
        session.get_one(Device, site.devices["pump-1"]).state = "retired"
    assert look(database, NOON + HOUR) == int(over)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("condition", "over"), [("motor_temperature > 75 °C", True), ("running", False)]
)
def test_an_alarm_ends_with_the_sensor_that_it_rests_on_though_others_stay(
    database: Database, site: SmallSite, condition: str, over: bool
) -> None:
    trip(database, site, NOON)
    with database.write() as session:
        document = HOT.replace("pump-hot", RULE).replace("motor_temperature > 75 °C", condition)
        assert check_document(session, document).texts == []
        row = put(session, site, lives=False)
        assert row is not None
        row.document = document
        other = Device(id=new_id(), site_id=site.id, code="relay-1", state="active")
        session.add(other)
        session.flush()
        session.get_one(Point, site.points["pump-1/running"]).device_id = other.id
        session.get_one(Device, site.devices["pump-1"]).state = "retired"
    assert [look(database, NOON + HOUR) for _ in range(2)] == [int(over), 0]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_an_alarm_ends_once_its_rule_judges_other_equipment(
    database: Database, site: SmallSite
) -> None:
    trip(database, site, NOON)
    with database.write() as session:
        put(session, site, lives=False)
    assert look(database, NOON + HOUR) == 0
    with database.write() as session:
        row = put(session, site, lives=False, at_site=True)
        assert row is not None
        row.document = "applies_to: {asset_type: fan}"
    assert [look(database, NOON + HOUR) for _ in range(2)] == [1, 0]
    assert the_alarm(database).state == "returned_unacknowledged"


def test_what_nothing_explains_any_more_is_judged_again_after_the_grace(
    database: Database, site: SmallSite
) -> None:
    trip(database, site, NOON, asset="board-1", rule=MAINS)
    one = finding(site, TransitionKind.TRIPPED, NOON + MINUTE, rule=DRIVEN)
    with database.write() as session:
        assert record(session, [one], learned_at=NOON + MINUTE) == []
    assert look(database, NOON + MINUTE) == 0
    with database.write() as session:
        # Shelved in the very moment of the trip: whoever did so saw nothing to let go of.
        mains = session.scalars(select(Alarm).where(Alarm.rule_id == "mains-lost")).one()
        mains.state = "shelved"
    assert [look(database, NOON + HOUR) for _ in range(2)] == [1, 0]
    assert look(database, NOON + HOUR + 2 * MINUTE) == 1
    with database.read() as session:
        driven = session.scalars(select(Alarm).where(Alarm.rule_id == "pump-stopped")).one()
    assert driven.state == "unacknowledged"
