"""Silence by point and by path, on the receipt clock; our own absence is nobody's silence."""

from typing import Any

import pytest
from sqlalchemy import select

from core import shards
from tests.ingest.stage import Incident, Stage
from workflows.tickets.model import TicketEvidence

SOUND: dict[str, dict[str, Any]] = {
    "pump-1": {"temp": 50.0, "run": True},
    "pump-2": {"temp": 50.0},
    "pump-3": {"temp": 50.0, "vib": 1.0},
}


def speak(stage: Stage, device: str) -> None:
    """A device reports all its points, and all is well."""
    stage.say(device, stage.at(stage.second, **SOUND[device]))


def talk(stage: Stage, seconds: int, *devices: str, each: int = 5) -> None:
    """Devices report soundly every `each` seconds."""
    for _ in range(0, seconds, each):
        for device in devices:
            speak(stage, device)
        stage.wait(each)
    stage.finish()


def evidence(stage: Stage, kind: str = "trip") -> list[dict[str, Any]]:
    with stage.database.read() as session:
        rows = session.scalars(select(TicketEvidence).where(TicketEvidence.kind == kind))
        return [dict(row.data) for row in rows]


def silences(stage: Stage) -> list[Incident]:
    return [one for one in stage.incidents() if one.rule in ("silent", "gateway-silent")]


def test_a_device_that_falls_silent_is_found_after_three_intervals(stage: Stage) -> None:
    talk(stage, 60, "pump-1", "pump-2", "pump-3")
    talk(stage, 60, "pump-1", "pump-2")
    (found,) = silences(stage)
    assert (found.rule, found.asset, found.cleared) == ("silent", "pump-3", None)
    assert found.tripped == pytest.approx(55 + 30, abs=1)
    (proof,) = evidence(stage)
    assert proof["silent"] == ["motor_temperature", "vibration"]


def test_a_sensor_that_never_speaks_is_found_out(stage: Stage) -> None:
    talk(stage, 40, "pump-1", "pump-2")
    assert [one.asset for one in silences(stage)] == ["pump-3"]


def test_a_device_that_speaks_again_clears_its_alarm(stage: Stage) -> None:
    talk(stage, 60, "pump-1", "pump-2")
    speak(stage, "pump-3")
    stage.finish()
    (found,) = silences(stage)
    assert found.asset == "pump-3"
    assert found.cleared == pytest.approx(60, abs=1)


def test_a_lost_gateway_is_one_alarm_that_lists_its_devices(stage: Stage) -> None:
    talk(stage, 60, "pump-1", "pump-2", "pump-3")
    talk(stage, 600, "pump-3")
    (found,) = silences(stage)
    assert (found.rule, found.asset) == ("gateway-silent", "gateway-1")
    assert found.tripped == pytest.approx(55 + 300, abs=1)
    (proof,) = evidence(stage)
    assert proof["devices"] == ["pump-1", "pump-2"]


@pytest.mark.parametrize("outage", [100, 600])
def test_after_its_gateway_returns_a_device_gets_a_fresh_start(stage: Stage, outage: int) -> None:
    talk(stage, 60, "pump-1", "pump-2", "pump-3")
    talk(stage, outage, "pump-3")
    speak(stage, "pump-2")
    talk(stage, 20, "pump-3")
    # pump-1 was not heard yet, and its thirty seconds begin with the gateway's return.
    assert [one.rule for one in silences(stage)] == ["gateway-silent"] * (outage > 300)
    assert all(one.cleared is not None for one in silences(stage))
    talk(stage, 60, "pump-1", "pump-2", "pump-3")
    assert [one.rule for one in silences(stage)] == ["gateway-silent"] * (outage > 300)


def test_a_device_that_stays_silent_after_the_gateway_returned_alarms_itself(stage: Stage) -> None:
    talk(stage, 60, "pump-1", "pump-2", "pump-3")
    talk(stage, 600, "pump-3")
    talk(stage, 60, "pump-2", "pump-3")
    assert [(one.rule, one.asset) for one in silences(stage)] == [
        ("gateway-silent", "gateway-1"),
        ("silent", "pump-1"),
    ]


@pytest.mark.parametrize("neighbour_each", [5, 20, 29, 45, 60])
def test_a_single_silent_device_behind_a_live_gateway_alarms_itself(
    stage: Stage, neighbour_each: int
) -> None:
    talk(stage, 60, "pump-1", "pump-2", "pump-3")
    for second in range(300):
        if second % neighbour_each == 0:
            speak(stage, "pump-2")
        if second % 5 == 0:
            speak(stage, "pump-3")
        stage.wait(1)
    stage.finish()
    assert [(one.rule, one.asset) for one in silences(stage)] == [("silent", "pump-1")]


def test_a_status_of_the_gateway_keeps_its_path_alive(stage: Stage) -> None:
    talk(stage, 60, "pump-1", "pump-2", "pump-3")
    for _ in range(60):
        stage.say("gw-1", b"online", kind="status")
        talk(stage, 10, "pump-3")
    assert {one.rule for one in silences(stage)} == {"silent"}
    assert {one.asset for one in silences(stage)} == {"pump-1", "pump-2"}


def test_a_standing_alarm_of_a_device_outlives_the_loss_of_its_gateway(stage: Stage) -> None:
    talk(stage, 60, "pump-1", "pump-2", "pump-3")
    talk(stage, 120, "pump-2", "pump-3")
    talk(stage, 600, "pump-3")
    talk(stage, 120, "pump-2", "pump-3")
    found = {(one.rule, one.asset): one.cleared is None for one in silences(stage)}
    assert found == {("silent", "pump-1"): True, ("gateway-silent", "gateway-1"): False}


@pytest.mark.parametrize("how", ["reload", "restart"])
def test_the_loss_of_a_gateway_is_remembered(stage: Stage, how: str) -> None:
    talk(stage, 60, "pump-1", "pump-2", "pump-3")
    talk(stage, 100, "pump-3")
    getattr(stage, how)()
    talk(stage, 300, "pump-3")
    getattr(stage, how)()
    talk(stage, 100, "pump-3")
    (found,) = silences(stage)
    assert (found.rule, found.cleared) == ("gateway-silent", None)
    assert found.tripped == pytest.approx(355, abs=1.5)
    getattr(stage, how)()
    speak(stage, "pump-1")
    stage.finish()
    assert [one.cleared is not None for one in silences(stage)] == [True]
    talk(stage, 60, "pump-2", "pump-3")
    assert [(one.rule, one.asset) for one in silences(stage)][1:] == [("silent", "pump-1")]


def test_a_gateway_that_only_sends_its_status_is_not_silent_after_a_reload(stage: Stage) -> None:
    talk(stage, 60, "pump-1", "pump-2", "pump-3")
    for _ in range(40):
        stage.say("gw-1", b"online", kind="status")
        talk(stage, 10, "pump-3")
        stage.reload()
    assert "gateway-silent" not in {one.rule for one in silences(stage)}


def test_our_own_absence_is_not_silence(stage: Stage) -> None:
    talk(stage, 60, "pump-1", "pump-2", "pump-3")
    stage.clock.freeze()
    stage.sleep(3_600)
    stage.wait(1)
    talk(stage, 60, "pump-1", "pump-2", "pump-3")
    assert silences(stage) == []
    with stage.database.read() as session:
        memory = shards.recall(session, "main")
    assert [round((end - start) / 1e6) for start, end in memory.gaps] == [3_601]


def test_a_restart_goes_on_with_the_receipt_clock_of_before(stage: Stage) -> None:
    talk(stage, 60, "pump-1", "pump-2", "pump-3")
    talk(stage, 20, "pump-1", "pump-2")
    stage.sleep(3_600)
    stage.restart()
    talk(stage, 2, "pump-1", "pump-2", each=1)
    stage.restart()
    # pump-3 was silent for 25 seconds, an hour that nobody knows of, and a few seconds, of which
    # each restart lost the one up to its first heartbeat.
    assert silences(stage) == []
    talk(stage, 10, "pump-1", "pump-2", each=1)
    (found,) = silences(stage)
    assert found.asset == "pump-3"
    assert found.tripped == pytest.approx(3_600 + 85 + 2, abs=1)


def test_an_on_delay_of_a_quiet_device_ends_by_the_receipt_clock(stage: Stage) -> None:
    stage.say("pump-2", stage.at(0, temp=65))
    stage.wait(119)
    stage.finish()
    assert [one for one in stage.incidents() if one.rule == "warm-long"] == []
    stage.wait(3)
    stage.finish()
    found = [one for one in stage.incidents() if one.rule == "warm-long"]
    assert found == [Incident("warm-long", "pump-2", 120.0, None)]


@pytest.mark.parametrize("how", ["reload", "restart"])
def test_a_running_delay_survives(stage: Stage, how: str) -> None:
    stage.say("pump-2", stage.at(0, temp=65))
    stage.wait(60)
    stage.finish()
    getattr(stage, how)()
    stage.wait(63)
    stage.finish()
    found = [one for one in stage.incidents() if one.rule == "warm-long"]
    assert found == [Incident("warm-long", "pump-2", 120.0, None)]


def test_a_timer_ends_before_a_reading_of_a_later_time_is_judged(stage: Stage) -> None:
    stage.say("pump-2", stage.at(0, temp=65))
    stage.say("pump-2", stage.at(121, temp=20))
    stage.finish()
    found = [one for one in stage.incidents() if one.rule == "warm-long"]
    assert found == [Incident("warm-long", "pump-2", 120.0, 121.0)]


def test_the_reading_of_the_very_instant_comes_before_the_timer(stage: Stage) -> None:
    stage.say("pump-2", stage.at(0, temp=65))
    stage.say("pump-2", stage.at(120, temp=20))
    stage.finish()
    assert [one for one in stage.incidents() if one.rule == "warm-long"] == []


@pytest.mark.parametrize("how", ["reload", "restart"])
def test_a_count_of_readings_survives(stage: Stage, how: str) -> None:
    stage.say("pump-3", stage.at(1, vib=9))
    stage.say("pump-3", stage.at(2, vib=9))
    stage.finish()
    getattr(stage, how)()
    stage.say("pump-3", stage.at(2, vib=9))
    stage.say("pump-3", stage.at(3, vib=9))
    stage.finish()
    assert stage.incidents() == [Incident("shaking", "pump-3", 3.0, None)]
