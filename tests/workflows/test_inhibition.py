"""Inhibition: what another alarm explains tells nobody, and is judged again when that is over."""

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import select, update

from core.clock import to_micros
from core.db import Database
from core.devices import Point
from core.ids import new_id
from core.people import Person, caller_for
from core.places import Asset, Space
from rules.engine import TransitionKind
from rules.states import Input
from tests.fixtures import NOON, Administrator, SmallSite
from tests.workflows.conftest import MINUTE, OVERHEATING, do, facts_of, finding, ticket_of
from tests.workflows.test_withholding import sweep
from workflows.alarms import Alarm, RuleFacts, Withholding, record
from workflows.alarms.incident_model import Incident
from workflows.alarms.inhibition import GRACE
from workflows.alarms.shelving import shelve
from workflows.tickets import Ticket

SECOND = timedelta(seconds=1)
LOST = replace(OVERHEATING, rule_id="mains-lost", severity="high", family="power")
DRY = replace(OVERHEATING, rule_id="no-flow", severity="medium", inhibited_by=("mains-lost",))


def move(
    database: Database,
    site: SmallSite,
    asset: str,
    rule: RuleFacts,
    at: datetime,
    kind: TransitionKind = TransitionKind.TRIPPED,
) -> UUID | None:
    """Record a transition; the ticket that it opened or went on with."""
    with database.write() as session:
        opened = record(session, [finding(site, kind, at, asset=asset, rule=rule)], learned_at=at)
    return opened[0].ticket_id if opened else None


def alarm_of(database: Database, rule: RuleFacts) -> Alarm:
    with database.read() as session:
        return session.scalars(select(Alarm).where(Alarm.rule_id == rule.rule_id)).one()


def test_power_loss_hides_what_it_feeds_and_nothing_else(
    database: Database, site: SmallSite
) -> None:
    assert move(database, site, "board-1", LOST, NOON)
    assert move(database, site, "pump-1", DRY, NOON + SECOND) is None
    assert alarm_of(database, DRY).state == "suppressed"
    with database.read() as session:
        row = session.scalars(select(Withholding)).one()
    assert (row.why, row.cause_id) == ("inhibited", alarm_of(database, LOST).id)
    # It does not hide what it does not feed, nor what no rule says it explains.
    assert move(database, site, "gateway-1", DRY, NOON + 2 * SECOND)
    assert move(database, site, "pump-2", OVERHEATING, NOON + 3 * SECOND)


def test_a_lost_supply_explains_that_of_what_it_feeds_but_never_itself(
    database: Database, site: SmallSite
) -> None:
    lost = replace(LOST, inhibited_by=("mains-lost",))
    assert move(database, site, "board-1", lost, NOON)
    assert move(database, site, "pump-1", lost, NOON + SECOND) is None
    move(database, site, "board-1", lost, NOON + MINUTE, TransitionKind.CLEARED)
    assert move(database, site, "board-1", lost, NOON + 2 * MINUTE)


def test_what_still_stands_after_the_power_is_back_is_told_after_a_while(
    database: Database, site: SmallSite
) -> None:
    move(database, site, "board-1", LOST, NOON)
    for pump in ("pump-1", "pump-2"):
        move(database, site, pump, DRY, NOON + SECOND)
    back = NOON + 30 * MINUTE
    move(database, site, "board-1", LOST, back, TransitionKind.CLEARED)
    move(database, site, "pump-2", DRY, back + MINUTE, TransitionKind.CLEARED)
    assert sweep(database, back + GRACE - SECOND) == 0
    assert sweep(database, back + GRACE) == 2
    with database.read() as session:
        tickets = session.scalars(select(Ticket.asset_id).where(Ticket.rule_id == DRY.rule_id))
        assert tickets.all() == [site.assets["pump-1"]]
        statement = select(Alarm.asset_id, Alarm.state).where(Alarm.rule_id == "no-flow")
        states = {asset: state for asset, state in session.execute(statement)}
    assert states[site.assets["pump-1"]] == "unacknowledged"
    assert states[site.assets["pump-2"]] == "normal"


def test_what_trips_while_things_start_up_again_is_told(
    database: Database, site: SmallSite
) -> None:
    move(database, site, "board-1", LOST, NOON)
    move(database, site, "board-1", LOST, NOON + MINUTE, TransitionKind.CLEARED)
    assert move(database, site, "pump-1", DRY, NOON + 2 * MINUTE)


def test_an_alarm_about_lives_is_never_inhibited(database: Database, site: SmallSite) -> None:
    move(database, site, "board-1", LOST, NOON)
    smoke = replace(DRY, rule_id="smoke", life_safety=True)
    assert move(database, site, "pump-1", smoke, NOON + SECOND)


def test_an_inhibitor_that_nobody_was_told_of_hides_nothing(
    database: Database, site: SmallSite
) -> None:
    """Or a shelved power monitor would silence a building."""
    move(database, site, "board-1", LOST, NOON)
    with database.write() as session:
        session.scalars(select(Alarm)).one().state = "shelved"
    assert move(database, site, "pump-1", DRY, NOON + SECOND)


def test_a_chain_of_causes_is_followed(database: Database, site: SmallSite) -> None:
    stopped = replace(DRY, rule_id="pump-stopped")
    dry = replace(DRY, inhibited_by=("pump-stopped",))
    move(database, site, "board-1", LOST, NOON)
    assert move(database, site, "pump-1", stopped, NOON + SECOND) is None
    assert move(database, site, "pump-1", dry, NOON + 2 * SECOND) is None


@pytest.mark.parametrize(("space", "hidden"), [("b1", True), ("b2", False)])
def test_a_meter_that_feeds_nothing_speaks_for_its_space(
    database: Database, site: SmallSite, space: str, hidden: bool
) -> None:
    with database.write() as session:
        other = Space(id=new_id(), site_id=site.id, kind="building", code="b2", name={})
        session.add(other)
        session.flush()
        place = session.scalars(select(Space.id).where(Space.code == space)).one()
        meter = Asset(
            id=new_id(), site_id=site.id, space_id=place, type="meter", code="meter", name={}
        )
        session.add(meter)
        site.assets["meter"] = meter.id
    move(database, site, "meter", LOST, NOON)
    assert (move(database, site, "pump-1", DRY, NOON + SECOND) is None) is hidden


def test_consequences_that_tripped_first_go_into_the_ticket_of_their_cause(
    database: Database, site: SmallSite
) -> None:
    dry = [move(database, site, pump, DRY, NOON) for pump in ("pump-1", "pump-2")]
    cause = move(database, site, "board-1", LOST, NOON + 5 * SECOND)
    assert cause is not None
    for one in dry:
        assert one is not None
        assert ticket_of(database, one).merged_into_id == cause
    with database.read() as session:
        incident = session.scalars(select(Incident)).one()
    assert (incident.root_kind, incident.ticket_id, incident.alarms) == ("cause", cause, 3)


def test_a_consequence_that_somebody_accepted_stays_theirs_and_hears_of_the_cause(
    database: Database, site: SmallSite, administrator: Administrator
) -> None:
    dry = move(database, site, "pump-1", DRY, NOON)
    assert dry is not None
    do(database, dry, administrator.person_id, NOON + SECOND, "accept")
    cause = move(database, site, "board-1", LOST, NOON + 5 * SECOND)
    assert cause is not None
    assert ticket_of(database, dry).merged_into_id is None
    [told] = facts_of(database, "ticket.cause")
    assert told.after is not None
    assert (told.subject_id, told.after["ticket"]) == (str(dry), str(cause))


def test_what_tripped_long_before_is_no_consequence(database: Database, site: SmallSite) -> None:
    dry = move(database, site, "pump-1", DRY, NOON)
    move(database, site, "board-1", LOST, NOON + 6 * MINUTE)
    assert dry is not None
    assert ticket_of(database, dry).merged_into_id is None


def test_who_shelves_a_cause_hears_of_its_consequences(
    database: Database, site: SmallSite, administrator: Administrator
) -> None:
    move(database, site, "board-1", LOST, NOON)
    move(database, site, "pump-1", DRY, NOON + SECOND)
    with database.write() as session:
        caller = caller_for(session, session.get_one(Person, administrator.person_id))
        alarm = session.scalars(select(Alarm).where(Alarm.rule_id == LOST.rule_id)).one()
        shelve(session, caller, alarm, until=NOON + 60 * MINUTE, reason="known", now=NOON + MINUTE)
    assert sweep(database, NOON + MINUTE + GRACE) == 1
    assert alarm_of(database, DRY).state == "unacknowledged"


SILENT = replace(OVERHEATING, rule_id="sensor-silent", severity="medium", family="network")
OPEN = replace(DRY, rule_id="door-left-open", inhibited_by=("sensor-silent", "gateway-silent"))


def test_silence_explains_what_its_own_sensor_said_last_and_nothing_that_it_feeds(
    database: Database, site: SmallSite
) -> None:
    assert move(database, site, "board-1", SILENT, NOON)
    assert move(database, site, "board-1", OPEN, NOON + SECOND) is None
    assert move(database, site, "pump-1", OPEN, NOON + SECOND)


def test_a_silent_gateway_explains_what_speaks_through_it(
    database: Database, site: SmallSite
) -> None:
    gone = replace(SILENT, rule_id="gateway-silent")
    assert move(database, site, "gateway-1", gone, NOON)
    assert move(database, site, "pump-1", OPEN, NOON + SECOND) is None


def test_after_a_silence_there_is_time_to_report(database: Database, site: SmallSite) -> None:
    gone = replace(SILENT, rule_id="gateway-silent")
    with database.write() as session:
        pump = site.assets["pump-1"]
        session.execute(update(Point).where(Point.asset_id == pump).values(expected_interval=600.0))
    move(database, site, "gateway-1", gone, NOON)
    move(database, site, "pump-1", OPEN, NOON + SECOND)
    move(database, site, "gateway-1", gone, NOON + 60 * MINUTE, TransitionKind.CLEARED)
    told = NOON + 70 * MINUTE + GRACE
    assert sweep(database, told - SECOND) == 0
    assert sweep(database, told) == 1
    assert alarm_of(database, OPEN).state == "unacknowledged"


def test_what_the_mains_silenced_has_time_to_report_when_they_are_back(
    database: Database, site: SmallSite
) -> None:
    silent = replace(SILENT, inhibited_by=("mains-lost",))
    move(database, site, "board-1", LOST, NOON)
    assert move(database, site, "pump-1", silent, NOON + MINUTE) is None
    back = NOON + 30 * MINUTE
    move(database, site, "board-1", LOST, back, TransitionKind.CLEARED)
    # It reports every ten seconds.
    assert sweep(database, back + GRACE + 9 * SECOND) == 0
    assert sweep(database, back + GRACE + 10 * SECOND) == 1


def test_what_an_old_value_tripped_belongs_to_the_silence_since_it_was_heard(
    database: Database, site: SmallSite
) -> None:
    """A door stood open when its sensor was lost: ten minutes later it seems left open."""
    opened = move(database, site, "pump-1", OPEN, NOON + 10 * MINUTE)
    assert opened is not None
    late = finding(site, TransitionKind.TRIPPED, NOON + 30 * MINUTE, asset="pump-1", rule=SILENT)
    heard = (Input("open", 1.0, to_micros(NOON)),)
    late = replace(late, transition=replace(late.transition, inputs=heard))
    with database.write() as session:
        [silent] = record(session, [late], learned_at=NOON + 30 * MINUTE)
    assert ticket_of(database, opened).merged_into_id == silent.ticket_id


def test_a_window_that_still_sees_what_is_over_tells_nothing_new(
    database: Database, site: SmallSite
) -> None:
    """Earth leakage is repaired; the average of the last hour says for a while that it creeps."""
    high = replace(OVERHEATING, rule_id="residual-current-high")
    creeping = replace(
        DRY,
        rule_id="residual-current-creeping",
        inhibited_by=("residual-current-high",),
        looks_back=60 * MINUTE,
    )
    move(database, site, "board-1", high, NOON)
    over = NOON + 240 * MINUTE
    move(database, site, "board-1", high, over, TransitionKind.CLEARED)
    assert move(database, site, "board-1", creeping, over + 16 * MINUTE) is None
    later = over + 60 * MINUTE + GRACE
    assert sweep(database, later - SECOND) == 0
    # It is still so an hour after the repair: that is news.
    assert sweep(database, later) == 1
    assert alarm_of(database, creeping).state == "unacknowledged"
    move(database, site, "board-1", creeping, later, TransitionKind.CLEARED)
    assert move(database, site, "board-1", creeping, later + 60 * MINUTE)


@pytest.mark.parametrize("begun", [True, False])
def test_a_consequence_of_the_same_batch_goes_into_the_ticket_of_its_cause(
    database: Database, site: SmallSite, begun: bool
) -> None:
    """Also where its delay had begun in an earlier one, so that nothing of its trip is sent yet."""
    if begun:
        move(database, site, "pump-1", DRY, NOON - MINUTE, TransitionKind.PENDING)
    tripped = TransitionKind.TRIPPED
    batch = [
        finding(site, tripped, NOON, asset="pump-1", rule=DRY),
        finding(site, tripped, NOON + SECOND, asset="board-1", rule=LOST),
    ]
    with database.write() as session:
        dry, cause = record(session, batch, learned_at=NOON + MINUTE)
    assert ticket_of(database, dry.ticket_id).merged_into_id == cause.ticket_id


def test_a_delay_that_began_while_the_cause_stood_is_explained_by_it(
    database: Database, site: SmallSite
) -> None:
    """A pump that a flood switched on has run for an hour a minute after the flood."""
    runs_long = replace(DRY, rule_id="runs-long", looks_back=60 * MINUTE)
    move(database, site, "board-1", LOST, NOON)
    over = NOON + 59 * MINUTE
    move(database, site, "board-1", LOST, over, TransitionKind.CLEARED)
    assert move(database, site, "pump-1", runs_long, NOON + 60 * MINUTE) is None
    assert sweep(database, over + 60 * MINUTE) == 0
    # One that tripped while it stood gets its whole delay after it, too.
    move(database, site, "board-1", LOST, over + 100 * MINUTE)
    assert move(database, site, "pump-2", runs_long, over + 101 * MINUTE) is None
    gone = over + 102 * MINUTE
    move(database, site, "board-1", LOST, gone, TransitionKind.CLEARED)
    assert sweep(database, gone + 59 * MINUTE) >= 1
    assert sweep(database, gone + 60 * MINUTE + GRACE) >= 1
    with database.read() as session:
        told = session.scalars(select(Ticket.asset_id).where(Ticket.rule_id == "runs-long")).all()
    assert set(told) == {site.assets["pump-1"], site.assets["pump-2"]}


def test_an_earlier_silence_does_not_explain_what_was_heard_since(
    database: Database, site: SmallSite
) -> None:
    runs_long = replace(OPEN, looks_back=600 * MINUTE)
    move(database, site, "pump-1", SILENT, NOON)
    move(database, site, "pump-1", SILENT, NOON + MINUTE, TransitionKind.CLEARED)
    assert move(database, site, "pump-1", runs_long, NOON + 300 * MINUTE)


@pytest.mark.parametrize(("cleared", "merged"), [(False, True), (True, False)])
def test_what_begins_slowly_goes_into_the_ticket_of_what_it_comes_to(
    database: Database, site: SmallSite, cleared: bool, merged: bool
) -> None:
    """A pit rises fast; seven minutes later it overflows."""
    rising = replace(DRY, rule_id="rising", inhibited_by=("full",), looks_back=13 * MINUTE)
    full = replace(OVERHEATING, rule_id="full")
    first = move(database, site, "pump-1", rising, NOON)
    elsewhere = move(database, site, "pump-2", rising, NOON)
    assert first is not None
    assert elsewhere is not None
    if cleared:
        move(database, site, "pump-1", rising, NOON + 2 * MINUTE, TransitionKind.CLEARED)
    cause = move(database, site, "pump-1", full, NOON + 7 * MINUTE)
    assert ticket_of(database, first).merged_into_id == (cause if merged else None)
    assert ticket_of(database, elsewhere).merged_into_id is None


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_two_boards_of_one_room_that_explain_each_other_are_never_both_silent(
    database: Database, site: SmallSite
) -> None:
    lost = replace(LOST, inhibited_by=("mains-lost",))
    with database.write() as session:
        place = session.scalars(select(Space.id).where(Space.code == "b1")).one()
        for code in ("leaf-1", "leaf-2"):
            board = Asset(
                id=new_id(), site_id=site.id, space_id=place, type="board", code=code, name={}
            )
            session.add(board)
            site.assets[code] = board.id
    ticket = move(database, site, "leaf-1", lost, NOON)
    assert move(database, site, "leaf-2", lost, NOON + SECOND) is None
    move(database, site, "leaf-1", lost, NOON + 10 * MINUTE, TransitionKind.CLEARED)
    # The first is lost again while the other one still waits to be judged.
    assert move(database, site, "leaf-1", lost, NOON + 11 * MINUTE) == ticket
    sweep(database, NOON + 10 * MINUTE + GRACE)
    with database.read() as session:
        states = {row.asset_id: row.state for row in session.scalars(select(Alarm))}
    assert states[site.assets["leaf-1"]] == "unacknowledged"
    assert states[site.assets["leaf-2"]] == "suppressed"
