"""Rules that fall silent for planned work, from the reading to the ticket at its end."""

from datetime import timedelta

from sqlalchemy import select

from core.clock import from_micros
from core.people import Person, caller_for
from core.places import Asset
from tests.ingest.building import publish_rules
from tests.ingest.stage import Stage
from tests.workflows.conftest import employ
from tests.workflows.test_withholding import sweep
from workflows.alarms import Alarm
from workflows.alarms.planning import Plan, plan_work

QUIET = """\
id: hot
title: {en: Hot, zh: 过热}
applies_to: {asset_type: pump}
when: motor_temperature > 75 °C
severity: high
suppress_while: maintenance
ticket: {kind: repair, category: electrical, team: maintenance}
"""


def plan_an_hour(stage: Stage) -> None:
    """Maintenance of pump 1 for the coming hour."""
    now = from_micros(stage.now)
    with stage.database.read() as session:
        asset = session.scalars(select(Asset).where(Asset.code == "pump-1")).one()
    lead = employ(stage.database, asset.site_id, "supervisor")
    until = now + timedelta(hours=1)
    plan = Plan(asset.site_id, "maintenance", now, until, "Bearings", [asset.id])
    with stage.database.write() as session:
        caller = caller_for(session, session.get_one(Person, lead))
        plan_work(session, caller, plan, now=now)


def state_of_hot(stage: Stage) -> str:
    with stage.database.read() as session:
        return session.scalars(select(Alarm.state).where(Alarm.rule_id == "hot")).one()


def test_what_trips_during_planned_work_has_its_ticket_at_the_end_also_after_a_kill(
    stage: Stage,
) -> None:
    with stage.database.write() as session:
        publish_rules(session, QUIET)
    stage.reload()
    plan_an_hour(stage)
    stage.wait(10)
    stage.say("pump-1", stage.at(stage.second, temp=90.0))
    stage.finish()
    assert [one.rule for one in stage.incidents()] == ["hot"]
    assert stage.tickets() == []
    stage.restart()
    stage.wait(10)
    stage.say("pump-1", stage.at(stage.second, temp=91.0))
    stage.finish()
    end = from_micros(stage.now) + timedelta(hours=1)
    assert [sweep(stage.database, end) for _ in range(2)] == [1, 0]
    [ticket] = stage.tickets()
    assert (ticket.rule_id, ticket.learned_at) == ("hot", end)
    assert state_of_hot(stage) == "unacknowledged"
    # What ingest remembers of the alarm is still the truth: it clears as any other.
    stage.say("pump-1", stage.at(stage.second + 1, temp=50.0))
    stage.finish()
    assert state_of_hot(stage) == "returned_unacknowledged"
