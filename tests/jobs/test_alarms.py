"""The sweep over alarms: what was withheld is judged again, what stands is told again."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

import jobs.alarms
from core.clock import SimulatedClock
from core.db import Database
from jobs.alarms import look_after_alarms
from tests.fixtures import NOON, SmallSite
from tests.jobs.conftest import make_work
from tests.workflows.conftest import MINUTE, OVERHEATING, employ, facts_of, trip
from workflows.alarms import Alarm, Withheld, acknowledge
from workflows.alarms.releasing import release_due
from workflows.alarms.withholding import withhold
from workflows.tickets import Ticket

PERSISTENT = replace(OVERHEATING, rule_id="pump-persistent", realarm_standing=timedelta(hours=1))


def test_one_look_judges_again_and_tells_again_and_one_that_fails_holds_none_back(
    database: Database,
    site: SmallSite,
    clock: SimulatedClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    work = make_work(database, clock)
    guard = employ(database, site.id, "guard")
    for asset in ("pump-1", "pump-2"):
        trip(database, site, NOON, asset=asset)
    trip(database, site, NOON, rule=PERSISTENT)
    with database.write() as session:
        for alarm in session.scalars(select(Alarm).where(Alarm.rule_id == OVERHEATING.rule_id)):
            held = Withheld("suppressed", "outage", NOON + 60 * MINUTE)
            withhold(session, alarm, held, actor=jobs.alarms.ACTOR, now=NOON)
        alarm = session.scalars(select(Alarm).where(Alarm.rule_id != OVERHEATING.rule_id)).one()
        acknowledge(session, alarm, person=guard, now=NOON)
    due = NOON + 60 * MINUTE
    assert look_after_alarms(work, due - MINUTE) == 0
    tries: list[Any] = []

    def stumble_once(session: Any, one: Any, **more: Any) -> int:
        tries.append(one)
        done = release_due(session, one, **more)
        if len(tries) == 1:
            raise ValueError("cut off before its commit")
        return done

    monkeypatch.setattr(jobs.alarms, "release_due", stumble_once)
    with pytest.raises(ValueError, match="cut off"):
        look_after_alarms(work, due)
    assert len(facts_of(database, "ticket.still")) == 1
    assert len(facts_of(database, "alarm.unsuppress")) == 1
    assert look_after_alarms(work, due + MINUTE) == 1
    assert look_after_alarms(work, due + MINUTE) == 0
    assert len(facts_of(database, "ticket.announce")) == 2
    with database.read() as session:
        assert {alarm.state for alarm in session.scalars(select(Alarm))} == {"unacknowledged"}
        assert len(session.scalars(select(Ticket)).all()) == 3
