"""Messages: what is kept, what is judged, and what goes to quarantine."""

import json
from typing import Any

import pytest

from core.clock import MICROS
from core.telemetry.readings import Quality
from ingest.session import DUPLICATE
from tests.ingest.building import START
from tests.ingest.stage import Incident, Stage

GOOD, LATE = Quality.GOOD, Quality.LATE


def test_a_good_message_is_stored_and_judged(stage: Stage) -> None:
    stage.say("pump-1", stage.at(1, temp=80.5, run=True))
    stage.finish()
    assert stage.readings("pump-1/motor_temperature") == [(1.0, 80.5, GOOD)]
    assert stage.readings("pump-1/running") == [(1.0, 1.0, GOOD)]
    assert stage.incidents() == [Incident("hot", "pump-1", 1.0, None)]
    assert stage.reasons() == {}


def test_the_good_half_of_a_message_is_kept_and_each_reason_is_told_once(stage: Stage) -> None:
    stage.say("pump-3", stage.at(1, temp=80, vib="fast", humidity=3, pressure=4, colour="red"))
    stage.finish()
    assert stage.readings("pump-3/motor_temperature") == [(1.0, 80.0, GOOD)]
    assert stage.incidents() == [Incident("hot", "pump-3", 1.0, None)]
    assert stage.reasons() == {"wrong_type": 1, "unknown_point": 1}


@pytest.mark.parametrize("order", [("vib", "temp"), ("temp", "vib")])
def test_the_order_of_keys_does_not_matter_to_what_is_kept(
    stage: Stage, order: tuple[str, str]
) -> None:
    values: dict[str, Any] = {"temp": 80, "vib": 9_999}
    stage.say("pump-3", stage.at(1, **{key: values[key] for key in order}))
    stage.finish()
    assert stage.readings("pump-3/motor_temperature") == [(1.0, 80.0, GOOD)]
    assert stage.readings("pump-3/vibration") == []
    assert stage.incidents() == [Incident("hot", "pump-3", 1.0, None)]
    assert stage.reasons() == {"out_of_range": 1}


SECOND = START // MICROS + 1
BODY = f'{{"ts": {SECOND}, "temp": 80, "vib": %s}}'


@pytest.mark.parametrize(
    ("payload", "reason", "kept"),
    [
        (BODY % "NaN", "wrong_type", 1),
        (BODY % "Infinity", "wrong_type", 1),
        (BODY % "-Infinity", "wrong_type", 1),
        (BODY % "1e999", "wrong_type", 1),
        (BODY % "null", "wrong_type", 1),
        (BODY % '"5.5"', "wrong_type", 1),
        (BODY % "[5.5]", "wrong_type", 1),
        (BODY % '{"x": 1}', "wrong_type", 1),
        (BODY % "-1", "out_of_range", 1),
        (BODY % ("9" * 300), "out_of_range", 1),
        (BODY % ("9" * 400), "out_of_range", 1),
        (BODY % ("[" * 900 + "]" * 900), "wrong_type", 1),
        (BODY[:20], "bad_json", 0),
        ("", "bad_json", 0),
        (BODY % "1" + "x", "bad_json", 0),
        ("{'temp': 80}", "bad_json", 0),
        ("9" * 6_000, "bad_json", 0),
        (b'{"temp": 80, "\xff": 1}', "not_utf8", 0),
        (b'{"temp": 80, "x": "\xc3("}', "not_utf8", 0),
        (b"\xff\xfe\x00", "not_utf8", 0),
        ("[" * 100_000, "too_deep", 0),
        ('{"a":' * 100_000, "too_deep", 0),
        ("[" * 100_000 + "]" * 100_000, "too_deep", 0),
        ("80", "wrong_shape", 0),
        ("true", "wrong_shape", 0),
        ("null", "wrong_shape", 0),
        ('"temp"', "wrong_shape", 0),
        ("[80, 81]", "wrong_shape", 0),
        ("[[]]", "wrong_shape", 0),
        (f'{{"ts": {SECOND}, "temp": 80, "x": "{"y" * 17_000_000}"}}', "too_large", 0),
        ('{"x": "%s"}' % ("y" * 17_000_000), "too_large", 0),
    ],
    ids=lambda value: str(value)[:40],
)
def test_bad_input_is_quarantined_with_its_reason_and_the_stream_goes_on(
    stage: Stage, payload: str | bytes, reason: str, kept: int
) -> None:
    stage.say("pump-3", payload if isinstance(payload, bytes) else payload.encode())
    stage.say("pump-3", stage.at(2, temp=50, vib=1))
    stage.finish()
    assert stage.reasons() == {reason: 1}
    assert len(stage.readings("pump-3/motor_temperature")) == kept + 1
    assert stage.readings("pump-3/vibration") == [(2.0, 1.0, GOOD)]
    assert len(stage.incidents()) == kept


def test_no_message_body_whatever_stops_the_stream(stage: Stage) -> None:
    good = json.dumps(stage.at(1, temp=80, vib=2)).encode()
    for cut in range(len(good)):
        stage.say("pump-3", good[:cut])
        stage.say("pump-3", good[:cut] + b"\xff" + good[cut:])
        stage.say("pump-3", good[:cut] + b"\x00" + good[cut:])
    stage.finish()
    stage.say("pump-3", stage.at(2, temp=50))
    stage.finish()
    assert (2.0, 50.0, GOOD) in stage.readings("pump-3/motor_temperature")


@pytest.mark.parametrize(
    ("ts", "at", "quality"),
    [
        (START / MICROS + 1.5, 1.5, GOOD),
        (START // MICROS + 1, 1.0, GOOD),
        (START // 1000 + 1_500, 1.5, GOOD),
        ("2026-11-24T04:00:01.5+00:00", 1.5, GOOD),
        ("2026-11-24T04:00:01.5Z", 1.5, GOOD),
        ("2026-11-24T12:00:01.5", 1.5, GOOD),  # The site's zone is eight hours ahead.
        ("2026-11-23T23:00:01.500-05:00", 1.5, GOOD),
        (START / MICROS + 299, 299.0, GOOD),
        (START / MICROS + 311, 10.0, Quality.FUTURE),
        (9e99, 10.0, Quality.FUTURE),
        (10**400, 10.0, Quality.FUTURE),
        ("2999-01-01T00:00:00Z", 10.0, Quality.FUTURE),
        ("2999-01-01T00:00:00", 10.0, Quality.FUTURE),
        (0, 10.0, Quality.CLOCK_UNSET),
        (5, 10.0, Quality.CLOCK_UNSET),
        (-5, 10.0, Quality.CLOCK_UNSET),
        (-(10**400), 10.0, Quality.CLOCK_UNSET),
        (946684799, 10.0, Quality.CLOCK_UNSET),  # One second before 2000.
        ("1970-01-01T00:00:00Z", 10.0, Quality.CLOCK_UNSET),
        ("0001-01-01T00:00:00", 10.0, Quality.CLOCK_UNSET),
        (946684800, 946684800 - START / MICROS, GOOD),
        (None, 10.0, GOOD),
    ],
    ids=lambda value: str(value)[:30],
)
@pytest.mark.parametrize("known", [False, True], ids=["first", "known"])
def test_device_time_is_believed_when_it_is_plausible(
    stage: Stage, ts: Any, at: float, quality: Quality, known: bool
) -> None:
    if known:
        # A topic that was heard before is taken the fast way.
        stage.say("leak-1", [])
    stage.sleep(10)
    stage.say("leak-1", {"ts": ts, "battery": 50})
    stage.finish()
    (reading,) = stage.readings("leak-1/battery")
    assert reading[0] == pytest.approx(at, abs=1e-5)
    assert reading[1:] == (50.0, quality)
    assert stage.reasons() == {}


@pytest.mark.parametrize("ts", ["yesterday", "", True, [], {}, "1732400000", "2026-13-01", "\0"])
def test_a_time_that_cannot_be_read_keeps_the_reading_with_its_receipt_time(
    stage: Stage, ts: Any
) -> None:
    stage.sleep(10)
    stage.say("leak-1", {"ts": ts, "battery": 50})
    stage.finish()
    ((at, value, quality),) = stage.readings("leak-1/battery")
    assert (round(at), value, quality) == (10, 50.0, Quality.CLOCK_UNSET)
    assert stage.reasons() == {"bad_time": 1}


def test_text_states_and_booleans_become_numbers(stage: Stage) -> None:
    stage.say("lift-1", stage.at(1, mode="moving"))
    stage.say("lift-1", stage.at(2, mode="flying"))
    stage.say("lift-1", stage.at(3, mode=4))
    stage.say("lift-1", stage.at(4, mode=5))
    stage.say("lift-1", stage.at(5, mode=-1))
    stage.say("leak-1", stage.at(1, leak=False))
    stage.say("leak-1", stage.at(2, leak=1))
    stage.say("leak-1", stage.at(3, leak=0.5))
    stage.say("leak-1", stage.at(4, leak="true"))
    stage.finish()
    assert stage.readings("lift-1/mode") == [(1.0, 1.0, GOOD), (3.0, 4.0, GOOD)]
    assert stage.readings("leak-1/leak") == [(1.0, 0.0, GOOD), (2.0, 1.0, GOOD)]
    assert stage.reasons() == {"wrong_type": 3, "out_of_range": 2}
    assert stage.incidents() == [
        Incident("leaking", "leak-1", 2.0, None),
        Incident("lift-fault", "lift-1", 3.0, None),
    ]


def test_stored_and_forwarded_history_is_judged_in_its_own_time(stage: Stage) -> None:
    stage.sleep(3600)
    temperatures = {1: 50, 2: 80, 3: 81, 4: 60}
    stage.say("pump-2", [stage.at(second, temp=value) for second, value in temperatures.items()])
    stage.finish()
    assert [row[:2] for row in stage.readings("pump-2/motor_temperature")] == [
        (1.0, 50.0), (2.0, 80.0), (3.0, 81.0), (4.0, 60.0),
    ]  # fmt: skip
    assert stage.incidents() == [Incident("hot", "pump-2", 2.0, 4.0)]
    (ticket,) = stage.tickets()
    assert (ticket.learned_at - ticket.happened_at).total_seconds() == pytest.approx(3598, abs=1)


def test_history_without_times_keeps_every_value(stage: Stage) -> None:
    stage.say("pump-2", [{"temp": 50}, {"temp": 51}, {"temp": 52}])
    stage.finish()
    assert [row[1] for row in stage.readings("pump-2/motor_temperature")] == [50.0, 51.0, 52.0]


def test_bad_items_of_a_history_leave_the_others_alone(stage: Stage) -> None:
    stage.say("pump-2", [stage.at(1, temp=50), 7, stage.at(2, temp="x"), stage.at(3, temp=52)])
    stage.finish()
    assert [row[1] for row in stage.readings("pump-2/motor_temperature")] == [50.0, 52.0]
    assert stage.reasons() == {"wrong_shape": 1, "wrong_type": 1}


@pytest.mark.parametrize(
    ("topic", "reason"),
    [
        (b"wk/v1/atlantis/pump-1/readings", "unknown_site"),
        (b"wk/v1/riverside/pump-9/readings", "unknown_device"),
        (b"zigbee2mqtt/pump-1", "no_source"),
        (b"wk/v1/riverside/pump-1", "no_source"),
        (b"wk/v1/riverside/pump-1/readings/more", "no_source"),
        (b"wk/v1//pump-1/readings", "no_source"),
        (b"wk/v1/riverside/\xff\xfe/readings", "unknown_device"),
        (b"wk/v1/riverside/a\0b/readings", "unknown_device"),
        (b"wk/v1/riverside/" + b"long" * 5_000 + b"/readings", "unknown_device"),
        (b"wk/v1/riverside/pump-1/scan", "wrong_shape"),
        (b"wk/v1/riverside/pump-1/event", "wrong_shape"),
        (b"wk/v1/riverside/pump-1/gossip", "unsupported"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_topic_that_nobody_knows_is_quarantined(stage: Stage, topic: bytes, reason: str) -> None:
    stage.hear(topic, {"temp": 80})
    stage.finish()
    assert stage.reasons() == {reason: 1}
    assert stage.rows() == []


def test_announcements_are_for_the_site_and_none_of_our_business(stage: Stage) -> None:
    stage.hear(b"wk/v1/riverside/announce", {"text": "leave the building"})
    stage.finish()
    assert stage.reasons() == {}


def test_a_disabled_source_takes_nothing(stage: Stage) -> None:
    stage.say("pump-1", stage.at(1, temp=50))
    with stage.database.write() as session:
        session.connection().exec_driver_sql("UPDATE source SET enabled = 0")
    stage.reload()
    stage.say("pump-1", stage.at(2, temp=80))
    stage.finish()
    assert stage.reasons() == {"no_source": 1}
    assert stage.incidents() == []


def test_a_duplicate_changes_nothing(stage: Stage) -> None:
    for _ in range(3):
        stage.say("pump-1", stage.at(1, temp=80))
    stage.finish()
    stage.say("pump-1", stage.at(1, temp=80), flags=DUPLICATE)
    stage.finish()
    assert stage.readings("pump-1/motor_temperature") == [(1.0, 80.0, GOOD)]
    assert len(stage.incidents()) == len(stage.tickets()) == 1


@pytest.mark.parametrize("fraction", [0.1, 0.1234565, 0.0000005, 0.9999995, 0.7654321])
@pytest.mark.parametrize("redelivered", [0, DUPLICATE])
def test_a_duplicate_is_known_by_its_time_on_every_way_through(
    stage: Stage, fraction: float, redelivered: int
) -> None:
    for second in range(200):
        message = {"ts": START / MICROS + second + fraction, "temp": 50.0}
        stage.say("pump-1", message)
        stage.finish()
        stage.say("pump-1", message, flags=redelivered)
        stage.say("pump-1", [message])
        stage.finish()
    assert len(stage.rows()) == 200


def test_another_value_at_the_same_time_replaces_the_first_and_is_judged(stage: Stage) -> None:
    stage.say("pump-1", stage.at(1, temp=50))
    stage.finish()
    stage.say("pump-1", stage.at(1, temp=80))
    stage.finish()
    assert stage.readings("pump-1/motor_temperature") == [(1.0, 80.0, GOOD)]
    assert stage.incidents() == [Incident("hot", "pump-1", 1.0, None)]


def test_a_late_reading_is_stored_and_neither_opens_nor_clears(stage: Stage) -> None:
    stage.say("pump-1", stage.at(10, temp=50))
    stage.say("pump-1", stage.at(5, temp=99))
    stage.say("pump-1", stage.at(11, temp=80))
    stage.say("pump-1", stage.at(8, temp=20))
    stage.finish()
    assert stage.readings("pump-1/motor_temperature") == [
        (5.0, 99.0, LATE), (8.0, 20.0, LATE), (10.0, 50.0, GOOD), (11.0, 80.0, GOOD),
    ]  # fmt: skip
    assert stage.incidents() == [Incident("hot", "pump-1", 11.0, None)]


def test_a_redelivery_without_time_is_marked_and_does_not_double_the_alarm(stage: Stage) -> None:
    stage.say("leak-1", {"leak": True})
    stage.finish()
    stage.restart()
    stage.sleep(1)
    stage.say("leak-1", {"leak": True}, flags=DUPLICATE)
    stage.finish()
    qualities = [row[2] for row in stage.readings("leak-1/leak")]
    assert qualities == [GOOD, Quality.REDELIVERED]
    assert len(stage.incidents()) == len(stage.tickets()) == 1


def _corrected(
    stage: Stage, *sent_again: dict[str, Any], since: dict[str, Any] | None = None
) -> list[float]:
    """When the alarm on the ratio tripped, after a moment of 1 kW and 2 A was told otherwise.

    since: what the device had told a second later, before it died.
    """
    stage.wait(5)
    stage.say("board-1", stage.at(1, kw=1, amp=2))
    if since:
        stage.say("board-1", stage.at(2, **since))
    stage.finish()
    stage.restart()
    stage.say_again([("board-1", stage.at(1, **fields)) for fields in sent_again])
    stage.finish()
    return [one.tripped for one in stage.incidents() if one.rule == "poor-ratio"]


def test_a_correction_that_was_sent_again_but_never_judged_is_judged(stage: Stage) -> None:
    assert _corrected(stage, {"kw": 5}) == [1.0]
    assert stage.readings("board-1/power") == [(1.0, 5.0, Quality.GOOD)]


def test_what_was_said_of_a_moment_before_what_is_known_of_it_is_past(stage: Stage) -> None:
    again = ({"kw": 5, "amp": 3}, {"amp": 2}, {"kw": 1})
    assert _corrected(stage, *again, since={"v": 230}) == []
    assert stage.readings("board-1/power") == [(1.0, 1.0, Quality.GOOD)]


def test_where_nothing_was_told_since_it_is_judged_as_it_was_or_would_have_been(
    stage: Stage,
) -> None:
    # A kill may have kept it from being judged; judged before, it decides nothing again.
    assert _corrected(stage, {"kw": 5, "amp": 3}, {"amp": 2}, {"kw": 1}) == [1.0]
    assert stage.readings("board-1/power") == [(1.0, 1.0, Quality.GOOD)]


@pytest.mark.parametrize("since", [None, {"v": 230}])
def test_what_is_taken_back_in_part_only_is_a_correction(
    stage: Stage, since: dict[str, Any] | None
) -> None:
    assert _corrected(stage, {"kw": 5, "amp": 3}, {"amp": 2}, since=since) == [1.0]


def test_before_anything_new_a_correction_has_its_turn(stage: Stage) -> None:
    stage.wait(5)
    assert _corrected(stage, {"kw": 5}, {"v": 230}, {"kw": 1}) == [1.0]


def test_a_correction_with_a_fault_of_its_own_is_quarantined_once(stage: Stage) -> None:
    assert _corrected(stage, {"kw": 5, "nonsense": 1}) == [1.0]
    assert stage.reasons() == {"unknown_point": 1}
