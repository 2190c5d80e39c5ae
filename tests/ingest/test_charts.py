"""The chart of a ticket: copied once its readings are stored, and then kept."""

from typing import Any

import pytest
from sqlalchemy import select

from core.clock import MICROS
from core.telemetry.readings import ReadingBatch
from core.telemetry.store import TelemetryError
from ingest.charts import DRAWN, PATIENCE, Charts
from tests.ingest.building import START
from tests.ingest.stage import Stage
from workflows.tickets.model import TicketEvidence


def charts_of(stage: Stage) -> list[Any]:
    with stage.database.read() as session:
        return [row.data.get("chart") for row in session.scalars(select(TicketEvidence))]


def curve_of(stage: Stage) -> dict[str, Any]:
    (chart,) = charts_of(stage)
    (curve,) = chart.values()
    found: dict[str, Any] = curve
    return found


def test_a_chart_waits_for_the_reading_that_it_proves(stage: Stage) -> None:
    charts = Charts(stage.database, stage.store)
    stage.say("pump-1", stage.at(0, temp=50))
    stage.finish()
    stage.say("pump-1", stage.at(1, temp=80))
    batch = stage.commit()
    assert charts.finish(0)
    assert charts_of(stage) == [None]
    stage.write(batch)
    charts.finish(1)
    curve = curve_of(stage)
    assert (curve["point"], curve["unit"]) == ("motor_temperature", "°C")
    assert (curve["at"], curve["value"]) == ([START, START + MICROS], [50.0, 80.0])
    assert not charts.finish(2)


def test_a_chart_does_not_wait_for_ever(stage: Stage) -> None:
    charts = Charts(stage.database, stage.store)
    stage.say("pump-1", stage.at(1, temp=80))
    stage.commit()
    charts.finish(100)
    charts.finish(100 + PATIENCE - 1)
    assert charts_of(stage) == [None]
    charts.finish(100 + PATIENCE)
    assert curve_of(stage)["value"] == []


def test_a_chart_waits_while_telemetry_is_away(stage: Stage) -> None:
    charts = Charts(stage.database, stage.store)
    stage.say("pump-1", stage.at(1, temp=80))
    stage.finish()
    stage.store.away = True
    with pytest.raises(TelemetryError):
        charts.finish(PATIENCE)
    stage.store.away = False
    charts.finish(PATIENCE)
    assert curve_of(stage)["value"] == [80.0]


def test_a_chart_of_a_quick_point_shows_its_last_hour_at_most(stage: Stage) -> None:
    history = ReadingBatch()
    for second in range(-7_200, 0, 5):
        at = START + second * MICROS
        history.append(stage.names.series["pump-1/motor_temperature"], at, 50, at, 0)
    stage.store.write(history)
    stage.restart()
    stage.say("pump-1", stage.at(0, temp=80))
    stage.finish()
    Charts(stage.database, stage.store).finish(0)
    curve = curve_of(stage)
    assert len(curve["at"]) == DRAWN
    assert curve["value"][-1] == 80.0


def test_a_chart_of_a_slow_point_shows_the_day(stage: Stage) -> None:
    for hour in range(1, 30):
        stage.say("leak-1", [stage.at(hour * 3_600 - 108_000, leak=False)])
    stage.say("leak-1", stage.at(0, leak=True))
    stage.finish()
    Charts(stage.database, stage.store).finish(0)
    curve = curve_of(stage)
    assert curve["value"] == [0.0] * 24 + [1.0]


def test_a_retained_state_has_no_reading_to_wait_for(stage: Stage) -> None:
    stage.hear(b"wk/v1/riverside/leak-1/readings", {"leak": True}, 1)
    stage.wait(1)
    stage.finish()
    Charts(stage.database, stage.store).finish(0)
    assert curve_of(stage)["value"] == []
