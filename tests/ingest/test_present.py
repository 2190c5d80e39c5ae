"""What is not a plain reading: retained states, statuses, distrusted clocks, broken rules."""

from typing import Any

import pytest
from sqlalchemy import select

from core import events, rulebook
from core.clock import MICROS
from core.devices import Device
from core.places import Node
from core.telemetry.readings import Quality
from ingest.session import DUPLICATE, RETAINED
from tests.ingest.building import NOON, RULES, publish_rules
from tests.ingest.stage import Incident, Stage
from workflows.alarms.model import Alarm
from workflows.tickets.model import TicketEvidence

# ---------------------------------------------------------------- retained


def retained(stage: Stage, device: str, payload: Any, kind: str = "readings") -> None:
    stage.say(device, payload, kind=kind, flags=RETAINED)
    stage.wait(1)
    stage.finish()


def test_a_leak_that_began_while_nobody_listened_opens_its_one_ticket(stage: Stage) -> None:
    retained(stage, "leak-1", {"leak": True})
    assert [(one.rule, one.asset) for one in stage.incidents()] == [("leaking", "leak-1")]
    assert len(stage.tickets()) == 1
    assert stage.readings("leak-1/leak") == []


@pytest.mark.parametrize("restart", [False, True])
def test_a_retained_message_is_judged_once(stage: Stage, restart: bool) -> None:
    for _ in range(3):
        retained(stage, "leak-1", {"leak": True})
        if restart:
            stage.restart()
    assert len(stage.incidents()) == len(stage.tickets()) == 1
    assert stage.readings("leak-1/leak") == []


def test_a_retained_state_that_is_known_changes_nothing(stage: Stage) -> None:
    stage.say("leak-1", stage.at(0, leak=False))
    stage.finish()
    retained(stage, "leak-1", {"leak": False})
    assert stage.judge.batch.presents == []
    assert stage.incidents() == []


def test_a_retained_state_older_than_what_is_known_changes_nothing(stage: Stage) -> None:
    stage.say("leak-1", stage.at(10, leak=False))
    stage.finish()
    retained(stage, "leak-1", stage.at(9, leak=True))
    assert stage.incidents() == []
    retained(stage, "leak-1", stage.at(11, leak=True))
    assert len(stage.incidents()) == 1


def test_a_retained_state_is_judged_after_what_was_queued_before_it(stage: Stage) -> None:
    stage.say("leak-1", {"leak": True}, flags=RETAINED)
    stage.say("leak-1", stage.at(0, leak=True))
    stage.say("leak-1", stage.at(0.5, leak=False))
    stage.wait(1)
    stage.finish()
    # The retained value is judged as the present state: it differs from the last reading.
    found = [(one.tripped, one.cleared) for one in stage.incidents()]
    assert found == [(0.0, 0.5), (1.0, None)]
    assert len(stage.tickets()) == 1


def test_half_of_a_retained_message_may_be_bad(stage: Stage) -> None:
    retained(stage, "leak-1", {"leak": True, "battery": "full", "colour": 3})
    assert len(stage.incidents()) == 1
    retained(stage, "leak-1", b"\xff{")
    assert stage.reasons() == {}


def test_a_reading_after_a_retained_state_goes_on_from_it(stage: Stage) -> None:
    retained(stage, "leak-1", {"leak": True})
    stage.say("leak-1", stage.at(20, leak=False))
    stage.finish()
    (found,) = stage.incidents()
    assert found.cleared == 20.0


def test_a_retained_message_of_a_stranger_is_shown_and_not_kept_as_history(stage: Stage) -> None:
    stage.say("new-1", {"temp": 20}, flags=RETAINED)
    stage.finish()
    with stage.database.read() as session:
        device = session.scalars(select(Device).where(Device.code == "new-1")).one()
    assert (device.state, device.last_sample) == ("waiting", {"temp": 20})
    assert stage.reasons() == {}


# ---------------------------------------------------------------- status


@pytest.mark.parametrize(
    ("payload", "value"),
    [
        (b"online", 1.0),
        (b"Offline\n", 0.0),
        (b'"online"', 1.0),
        (b'{"online": true}', 1.0),
        (b'{"online": false, "why": "mains lost"}', 0.0),
    ],
)
def test_a_status_feeds_the_online_point(stage: Stage, payload: bytes, value: float) -> None:
    stage.say("gw-1", payload, kind="status")
    stage.finish()
    assert [row[1] for row in stage.readings("gateway-1/online")] == [value]


@pytest.mark.parametrize("payload", [b"", b"on", b"\xff", b'{"online": 1}', b"[]", b"null"])
def test_a_status_that_says_nothing_is_quarantined(stage: Stage, payload: bytes) -> None:
    stage.say("gw-1", payload, kind="status")
    stage.finish()
    assert sum(stage.reasons().values()) == 1
    assert stage.rows() == []


# ---------------------------------------------------------------- clocks


def speak(stage: Stage, device: str, lag: float, seconds: int, each: int = 10) -> None:
    """Live readings whose stamps are `lag` seconds behind, for so long."""
    for _ in range(0, seconds, each):
        stage.say(device, stage.at(stage.second - lag, temp=50))
        stage.wait(each, step=each)
    stage.finish()


def clock_alarms(stage: Stage) -> list[Incident]:
    return [one for one in stage.incidents() if one.rule == "device-clock"]


def trusted(stage: Stage, code: str) -> bool:
    with stage.database.read() as session:
        return session.scalars(select(Device).where(Device.code == code)).one().clock_trusted


def test_a_clock_that_fell_back_is_distrusted_after_ten_minutes(stage: Stage) -> None:
    speak(stage, "pump-2", 0, 60)
    speak(stage, "pump-2", 5_000_000, 590)
    assert clock_alarms(stage) == []
    assert {row[2] for row in stage.readings("pump-2/motor_temperature") if row[0] < 0} == {
        Quality.LATE
    }
    speak(stage, "pump-2", 5_000_000, 100)
    (found,) = clock_alarms(stage)
    assert (found.asset, found.cleared) == ("pump-2", None)
    assert found.tripped == pytest.approx(660, abs=1)
    assert not trusted(stage, "pump-2")
    newest = stage.readings("pump-2/motor_temperature")[-1]
    assert newest[0] == pytest.approx(740, abs=1)
    assert newest[1:] == (50.0, Quality.CLOCK_UNSET)


@pytest.mark.parametrize("restart", [False, True])
def test_a_distrusted_clock_is_believed_again_when_it_agrees(stage: Stage, restart: bool) -> None:
    speak(stage, "pump-2", 0, 60)
    speak(stage, "pump-2", 5_000, 700)
    if restart:
        stage.restart()
    assert not trusted(stage, "pump-2")
    speak(stage, "pump-2", 1, 90)
    assert not trusted(stage, "pump-2")
    speak(stage, "pump-2", 1, 20)
    assert trusted(stage, "pump-2")
    (found,) = clock_alarms(stage)
    assert found.cleared is not None
    stage.say("pump-2", stage.at(stage.second, temp=50))
    stage.finish()
    assert stage.readings("pump-2/motor_temperature")[-1][2] is Quality.GOOD


def test_alarms_go_on_while_a_clock_is_distrusted(stage: Stage) -> None:
    speak(stage, "pump-2", 0, 60)
    speak(stage, "pump-2", 5_000, 700)
    stage.say("pump-2", stage.at(stage.second - 5_000, temp=90))
    stage.finish()
    rules = [one.rule for one in stage.incidents() if one.asset == "pump-2"]
    assert rules == ["device-clock", "hot"]


def test_single_late_messages_hours_apart_are_no_wrong_clock(stage: Stage) -> None:
    for _ in range(4):
        speak(stage, "pump-2", 0, 1_200, each=60)
        stage.say("pump-2", stage.at(stage.second - 90, temp=50))
    stage.finish()
    assert clock_alarms(stage) == []


def test_what_is_sent_again_says_nothing_about_the_clock(stage: Stage) -> None:
    speak(stage, "pump-2", 0, 60)
    for _ in range(100):
        stage.say("pump-2", stage.at(5, temp=50), flags=DUPLICATE)
        stage.say("pump-2", [stage.at(5, temp=50), stage.at(15, temp=50)])
        stage.wait(10, step=10)
    stage.finish()
    assert clock_alarms(stage) == []


def test_two_wrong_clocks_on_one_asset_are_one_alarm(stage: Stage) -> None:
    with stage.database.write() as session:
        rows = {row.code: row for row in session.scalars(select(Device))}
        rows["pump-3"].asset_id = rows["pump-2"].asset_id
    stage.reload()
    for lag, seconds in ((0, 60), (5_000, 700), (1, 200)):
        for _ in range(0, seconds, 10):
            for device in ("pump-2", "pump-3"):
                stage.say(device, stage.at(stage.second - lag, temp=50))
            stage.wait(10, step=10)
        stage.finish()
    (found,) = clock_alarms(stage)
    assert found.cleared is not None


# ---------------------------------------------------------------- rules


def test_a_division_by_zero_is_an_alarm_on_the_rule_and_ends_with_it(stage: Stage) -> None:
    stage.say("board-1", stage.at(1, kw=5, amp=0))
    stage.finish()
    assert stage.incidents() == [Incident("rule-failed:poor-ratio", "board-1", 1.0, None)]
    stage.restart()
    stage.say("board-1", stage.at(2, kw=5, amp=0))
    stage.say("board-1", stage.at(3, kw=5, amp=2))
    stage.finish()
    assert stage.incidents() == [
        Incident("rule-failed:poor-ratio", "board-1", 1.0, 3.0),
        Incident("poor-ratio", "board-1", 3.0, None),
    ]
    stage.say("board-1", stage.at(4, kw=5, amp=0))
    stage.finish()
    assert [one.rule for one in stage.incidents()].count("rule-failed:poor-ratio") == 2


def test_a_message_without_the_point_is_no_reading_to_count(stage: Stage) -> None:
    stage.say("pump-3", stage.at(1, vib=9))
    for second in range(2, 6):
        stage.say("pump-3", stage.at(second, temp=50))
    stage.say("pump-3", stage.at(6, vib=9))
    stage.finish()
    assert stage.incidents() == []
    stage.say("pump-3", stage.at(7, vib=9, temp=50))
    stage.finish()
    assert stage.incidents() == [Incident("shaking", "pump-3", 7.0, None)]


def test_a_new_version_of_a_rule_inherits_the_standing_alarm(stage: Stage) -> None:
    stage.say("pump-1", stage.at(1, temp=80))
    stage.finish()
    with stage.database.write() as session:
        publish_rules(session, RULES.split("---")[0].replace("75 °C", "77 °C"))
    stage.reload()
    stage.say("pump-1", stage.at(2, temp=81))
    stage.finish()
    assert stage.incidents() == [Incident("hot", "pump-1", 1.0, None)]
    stage.say("pump-1", stage.at(3, temp=60))
    stage.finish()
    assert stage.incidents() == [Incident("hot", "pump-1", 1.0, 3.0)]
    with stage.database.read() as session:
        assert session.scalars(select(Alarm).where(Alarm.rule_id == "hot")).one().rule_version == 2


def test_the_timer_of_a_new_version_starts_again(stage: Stage) -> None:
    stage.say("pump-2", stage.at(0, temp=65))
    stage.wait(100)
    stage.finish()
    with stage.database.write() as session:
        publish_rules(session, RULES.split("---")[1].replace("60 °C", "61 °C"))
    stage.reload()
    stage.wait(60)
    stage.finish()
    found = [one for one in stage.incidents() if one.asset == "pump-2"]
    assert [one.rule for one in found] == []
    stage.wait(70)
    stage.finish()
    # The value still stands: from the change of the rule on its time is counted again.
    found = [one for one in stage.incidents() if one.asset == "pump-2"]
    assert [one.rule for one in found] == ["warm-long"]


def test_evidence_holds_the_readings_that_tripped_it(stage: Stage) -> None:
    stage.say("pump-1", stage.at(1, temp=80))
    stage.finish()
    with stage.database.read() as session:
        (proof,) = session.scalars(select(TicketEvidence))
    assert proof.chart_wanted
    (item,) = proof.data["inputs"]
    assert (item["point"], item["value"], item["unit"]) == ("motor_temperature", 80, "°C")
    assert item["at"] % MICROS == 0


def test_the_version_that_is_kept_nearest_holds_on_a_site(stage: Stage) -> None:
    stage.say("pump-1", stage.at(1, temp=73))
    stage.finish()
    assert stage.incidents() == []
    with stage.database.write() as session:
        site = session.scalars(select(Node).where(Node.kind == "site")).one()
        text = RULES.split("---")[0].replace("75 °C", "72 °C")
        publish_rules(session, text, node_id=site.id)
    stage.reload()
    stage.say("pump-1", stage.at(2, temp=73))
    stage.finish()
    assert stage.incidents() == [Incident("hot", "pump-1", 2.0, None)]
    with stage.database.write() as session:
        rulebook.retire(session, ["hot"], actor=events.SYSTEM, now=NOON, node_id=site.id)
    stage.reload()
    # The company's version holds again, and inherits the standing alarm.
    stage.say("pump-1", stage.at(3, temp=69))
    stage.finish()
    assert stage.incidents() == [Incident("hot", "pump-1", 2.0, 3.0)]
    with stage.database.read() as session:
        assert session.scalars(select(Alarm).where(Alarm.rule_id == "hot")).one().rule_version == 1
