"""Rounds without a phone: cards at readers are scans that find their rounds, once through kills."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from core import events
from core.db import Database
from core.devices import Device
from core.places import Asset
from tests.ingest.building import NOON, publish_rules
from tests.ingest.living import Make, until
from tests.ingest.stage import SECRET, VAULT, Stage
from tests.ingest.test_scans import furnish
from tests.workflows.conftest import facts_of
from workflows.patrol import Checkpoint, NewToken, put_token
from workflows.patrol.rounds import (
    PlanDraft,
    Round,
    RoundPoint,
    RouteDraft,
    Stop,
    create_plan,
    create_route,
    look_at,
)

MISSED = """\
id: missed-twice
title: {en: Missed twice, zh: 两次漏巡}
applies_to: {asset_type: checkpoint}
when: count(checkpoint_missed, 24h) >= 2
severity: low
ticket: {kind: hazard, category: security, team: security}
"""


def plan_rounds(database: Database, *times: str) -> None:
    """Rounds of half an hour through the gate and the roof, with a reader at each."""
    with database.write() as session:
        devices = {row.code: row for row in session.scalars(select(Device))}
        roof = session.get_one(Checkpoint, devices["ble-1"].asset_id)
        door = session.scalars(select(Device).where(Device.code == "pump-1")).one()
        new = NewToken("fixed_reader", device_id=door.id)
        put_token(session, roof, new, vault=VAULT, actor=events.SYSTEM, now=NOON)
        places = {row.code: row.id for row in session.scalars(select(Asset))}
        stops = [Stop(places[code]) for code in ("gate", "roof")]
        draft = RouteDraft("day", {"en": "Day round", "zh": "日巡"}, stops)
        before = NOON - timedelta(hours=1)
        route = create_route(session, roof.site_id, draft, actor=events.SYSTEM, now=before)
        plan = PlanDraft(times, "security", 30, tolerance_min=5)
        create_plan(session, route, plan, actor=events.SYSTEM, now=before)


@pytest.mark.parametrize("death", [None, "before commit", "before write"])
def test_a_round_is_gone_with_cards_at_readers_alone_once_through_kills(
    building: Database, death: str | None
) -> None:
    furnish(building)
    plan_rounds(building, "12:00")
    stage = Stage(building)
    said = [("reader-1", stage.at(60, guard="g-17")), ("pump-1", stage.at(120, guard="g-17"))]
    stage.wait(130)
    for device, fields in said:
        stage.say(device, fields, kind="scan")
    if death is not None:
        if death == "before write":
            stage.commit()
        stage.restart()
        for device, fields in said:
            stage.say(device, fields, kind="scan")
    stage.finish()
    with building.read() as session:
        [row] = session.scalars(select(Round).order_by(Round.planned_at).limit(1)).all()
        assert (row.state, row.person_id is not None) == ("complete", True)
        assert row.ended_at == NOON + timedelta(seconds=120)
    assert len(facts_of(building, "round.visit")) == 2


def test_rules_are_told_of_checkpoints_that_were_missed(make: Make, building: Database) -> None:
    furnish(building)
    with building.write() as session:
        publish_rules(session, MISSED)
    plan_rounds(building, "12:00", "13:00")
    living = make(secret_key=SECRET).start()
    with building.read() as session:
        due = list(session.scalars(select(Round.id).order_by(Round.planned_at)))[:2]
    for round_id in due:
        with building.write() as session:
            later = NOON + timedelta(days=2)
            look_at(session, round_id, now=later, actor=events.SYSTEM)
    wanted = {("missed-twice", "gate"), ("missed-twice", "roof")}
    until(lambda: wanted <= set(living.rules()))
    with building.read() as session:
        closed = session.scalars(select(RoundPoint.closes_at).order_by(RoundPoint.closes_at)).all()
    facts = facts_of(building, "round.point_missed")
    # Each as of the end of its window, however late it is known.
    assert [fact.happened_at for fact in facts] == list(closed)[:4]
