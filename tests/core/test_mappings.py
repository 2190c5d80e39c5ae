"""What mappings make of messages: JSON, lines, text, and bytes of Modbus devices."""

import base64
import json
import struct
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pytest

from core.mappings import MessageMapping, Outcome, Said, Spoke, Trace, evaluate, read_mapping
from core.mappings.registers import crc16

SHANGHAI = ZoneInfo("Asia/Shanghai")
# Answers as simplymodbus.ca prints them, checksums included.
HOLDING = bytes.fromhex("1103 06 AE41 5652 4340 49AD")
INPUT = bytes.fromhex("1104 02 000A F8F4")
COILS = bytes.fromhex("1101 05 CD6BB20E1B 45E6")
INPUTS = bytes.fromhex("1102 03 ACDB35 2018")
EXCEPTION = bytes.fromhex("0A81 02 B053")


def mapping(**document: Any) -> MessageMapping:
    read = read_mapping({"device": "box-1", **document})
    assert isinstance(read, MessageMapping), [fault.text for fault in read]
    return read


def made(document: dict[str, Any], message: Any, topic: str = "site/box-1/up") -> Outcome:
    payload = message if isinstance(message, bytes) else json.dumps(message).encode()
    return evaluate(mapping(**document), topic, payload, SHANGHAI)


def values(document: dict[str, Any], message: Any) -> dict[str, Any]:
    """The readings of the only device of a message without any trouble."""
    outcome = made(document, message)
    assert not outcome.troubles
    [said] = outcome.said
    [spoke] = said.messages
    return spoke.fields


def value(reading: dict[str, Any], raw: Any) -> Any:
    found = values({"readings": [{"key": "it", "path": "$.v", **reading}]}, {"v": raw})
    return found["it"]


# Where it stands.


def test_levels_of_the_topic_and_fields_of_the_message_name_the_device() -> None:
    document = {
        "topic": "site/{building}/{box}/up",
        "device": "{building}.{box}.{$.addr}",
        "readings": [{"key": "{$.what}", "path": "$.v"}],
    }
    outcome = made(document, {"addr": 7, "what": "level", "v": 1.5}, "site/b1/pump/up")
    assert outcome.said == [Said("b1.pump.7", [Spoke("readings", {"level": 1.5})])]
    assert not made(document, {"addr": 7}, "site/b1/pump/down").meant


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("$.a.b", 1),
        ("$['a b'].c-d", 2),
        ('$["x.y"]', 3),
        ("$.list[1].v", 5),
        ("$.list[-1].v", 5),
        ("$.温度", 6),
    ],
)
def test_paths_lead_where_they_say(path: str, found: int) -> None:
    message = {"a": {"b": 1}, "a b": {"c-d": 2}, "x.y": 3, "list": [{"v": 4}, {"v": 5}], "温度": 6}
    assert values({"readings": [{"key": "it", "path": path}]}, message) == {"it": found}


def test_a_message_of_many_devices_is_told_device_by_device() -> None:
    document = {
        "each": "$.devices[*]",
        "device": "{@.sn}",
        "through": "{$.gw}",
        "time": {"path": "@.t", "format": "s"},
        "readings": [{"key": "level", "path": "@.level"}, {"key": "run", "path": "@.run"}],
    }
    message = {
        "gw": "gw-1",
        "devices": [
            {"sn": "p1", "t": 1732400000, "level": 1, "run": True},
            {"sn": "p2", "t": 1732400000, "level": 2},
            {"sn": "p1", "t": 1732400060, "level": 3},
        ],
    }
    first = {"ts": 1732400000000000, "level": 1, "run": True}
    later = {"ts": 1732400060000000, "level": 3}
    assert made(document, message).said == [
        Said("p1", [Spoke("readings", first), Spoke("readings", later)], "gw-1"),
        Said("p2", [Spoke("readings", {"ts": 1732400000000000, "level": 2})], "gw-1"),
    ]


def test_members_of_an_object_may_be_the_records_and_their_names_the_keys() -> None:
    document = {
        "device": "{$.deviceName}",
        "each": "$.data.params.*",
        "time": {"path": "@.time", "format": "ms"},
        "readings": [{"key": "{#}", "path": "@.value", "words": {"on": True, "23.6": 23.6}}],
    }
    params = {"Power": {"value": "on", "time": 1524448722123}, "WF": {"value": 23.6}}
    [said] = made(document, {"deviceName": "iot-1", "data": {"params": params}}).said
    assert said.messages == [
        Spoke("readings", {"ts": 1524448722123000, "Power": True}),
        Spoke("readings", {"WF": 23.6}),
    ]


def test_what_the_conditions_leave_out_is_somebody_elses_business() -> None:
    document = {"only": {"{$.type}": ["data", 1]}, "readings": [{"key": "v", "path": "$.v"}]}
    assert made(document, {"type": "data", "v": 1}).said
    assert made(document, {"type": 1, "v": 1}).said
    assert made(document, {"type": "reply", "v": 1}) == Outcome(meant=False)


def test_a_payload_that_stands_in_a_field_is_opened() -> None:
    frame = base64.b64encode(INPUT).decode()
    document = {
        "payload": "modbus",
        "inside": {"path": "$.payload.APPdata", "encoding": "base64"},
        "device": "{$.IMEI}-{slave}",
        "time": {"path": "$.timestamp", "format": "ms"},
        "frames": [{"function": 4, "readings": [{"key": "level", "register": 0}]}],
    }
    message = {"IMEI": "860", "timestamp": 1732400000123, "payload": {"APPdata": frame}}
    fields = {"ts": 1732400000123000, "level": 10}
    assert made(document, message).said == [Said("860-17", [Spoke("readings", fields)])]
    text = {"inside": {"path": "$.d"}, "readings": [{"key": "v", "path": "@.v"}]}
    assert values(text, {"d": '{"v": 4}'}) == {"v": 4}


def test_lines_with_columns_are_records() -> None:
    document = {
        "payload": "csv",
        "separator": ";",
        "skip": 1,
        "device": "{@[0]}",
        "readings": [{"key": "level", "path": "@[1]"}, {"key": "far", "path": "@[9]"}],
    }
    said = made(document, "号;液位\np1; 1.25\np2;2\n".encode("utf-8-sig")).said
    assert [(one.device, one.messages[0].fields) for one in said] == [
        ("p1", {"level": 1.25}),
        ("p2", {"level": 2}),
    ]


def test_a_bare_text_is_a_value() -> None:
    document = {
        "payload": "text",
        "topic": "house/{device}/{what}",
        "device": "{device}",
        "readings": [{"key": "{what}", "path": "$", "words": {"开": True, "关": False}}],
    }
    said = made(document, " 开\n".encode(), "house/valve-1/open").said
    assert said == [Said("valve-1", [Spoke("readings", {"open": True})])]


# What becomes of it.


@pytest.mark.parametrize(
    ("reading", "raw", "expected"),
    [
        ({"scale": 0.1}, 231, 23.1),
        ({"scale": 0.1, "offset": -40}, "231", -16.9),
        ({"unit": "°F", "to": "°C"}, 212, 100),
        ({"unit": "mm", "to": "m", "scale": 10}, 12.5, 0.125),
        ({"bit": 3}, 8, True),
        ({"bit": 3}, "7", False),
        ({"words": {"0": False, "1": True}}, 1, True),
        ({"words": {"0": "idle", "2": "fault"}}, "2", "fault"),
        ({"words": {"true": 5}}, True, 5),
        ({}, "moving", "moving"),
        ({}, " 1e3 ", 1000.0),
        ({}, True, True),
        ({}, 2**60, 2.0**60),
    ],
)
def test_raw_values_become_what_the_mapping_says(
    reading: dict[str, Any], raw: Any, expected: Any
) -> None:
    found = value(reading, raw)
    assert found == expected
    assert isinstance(found, bool) is isinstance(expected, bool)


@pytest.mark.parametrize(
    ("reading", "raw"),
    [({"nan": ["--", 32767]}, "--"), ({"nan": [32767]}, 32767), ({"nan": "N/A"}, " N/A ")],
)
def test_words_for_nothing_measured_are_no_readings(reading: dict[str, Any], raw: Any) -> None:
    document = {"readings": [{"key": "v", "path": "$.v", **reading}, {"key": "w", "value": 1}]}
    assert values(document, {"v": raw}) == {"w": 1}


@pytest.mark.parametrize(
    ("reading", "raw", "said"),
    [
        ({"words": {"on": True}}, "off", "none of the words: on"),
        ({"bit": 1}, 1.5, "only a whole number has bits"),
        ({"bit": 1}, -4, "a negative number"),
        ({}, {"a": 1}, "an object is no value"),
        ({"as": "event"}, 5, "neither true nor false"),
        ({"key": "battery", "as": "health"}, "low", "no number"),
        ({"scale": 2}, float("inf"), "finite"),
        ({"required": True}, None, "nothing stands here"),
    ],
)
def test_what_cannot_be_the_readings_is_told_and_the_rest_is_kept(
    reading: dict[str, Any], raw: Any, said: str
) -> None:
    document = {"readings": [{"key": "v", "path": "$.v", **reading}, {"key": "w", "value": 1}]}
    outcome = made(document, json.dumps({"v": raw}).encode())
    assert [one.messages[0].fields for one in outcome.said] == [{"w": 1}]
    [trouble] = outcome.troubles
    assert trouble.reason == "wrong_type"
    assert said in trouble.detail


def test_events_status_and_health_are_told_as_such() -> None:
    document = {
        "readings": [
            {"key": "door_forced", "path": "$.alarm", "bit": 0, "as": "event"},
            {"key": "door_held", "path": "$.alarm", "bit": 1, "as": "event"},
            {"key": "online", "path": "$.state", "words": {"up": True}, "as": "online"},
            {"key": "battery", "path": "$.batt", "as": "health"},
        ]
    }
    [said] = made(document, {"alarm": 1, "state": "up", "batt": 88}).said
    assert said.messages == [
        Spoke("readings", {"door_forced": True}),
        Spoke("status", {"online": True}),
    ]
    assert said.health == {"battery": 88.0}


@pytest.mark.parametrize(
    ("time", "raw", "ts"),
    [
        ({"format": "s"}, 1732400000.5, 1732400000500000),
        ({"format": "ms"}, "1732400000123", 1732400000123000),
        ({"format": "us"}, 1732400000123456, 1732400000123456),
        ({}, 1732400000, 1732400000),
        ({}, "2024-11-24T06:13:20+08:00", 1732400000000000),
        ({"format": "iso"}, "2024-11-24T06:13:20", 1732400000000000),
        ({"format": "iso", "zone": "UTC"}, "2024-11-23T22:13:20", 1732400000000000),
        ({"format": "%Y/%m/%d %H时%M分%S"}, "2024/11/24 06时13分20", 1732400000000000),
        ({"format": "%Y%m%d%H%M%S%z"}, "20241124061320+0800", 1732400000000000),
        # It is told as wrong where all times are judged.
        ({"format": "iso"}, "tomorrow", "tomorrow"),
        ({"format": "ms"}, "soon", "soon"),
        ({"format": "s"}, {"a": 1}, "a time, not an object"),
        ({"format": "s"}, 5, 5.0),
    ],
)
def test_times_are_read_as_they_are_written(time: dict[str, Any], raw: Any, ts: Any) -> None:
    document = {"time": {"path": "$.t", **time}, "readings": [{"key": "v", "value": 1}]}
    assert values(document, {"t": raw}) == {"ts": ts, "v": 1}


def test_a_reading_may_have_a_time_of_its_own() -> None:
    document = {
        "time": {"path": "$.t", "format": "s"},
        "readings": [
            {"key": "a", "value": 1},
            {"key": "b", "value": 2, "time": {"path": "$.u", "format": "s"}},
        ],
    }
    [said] = made(document, {"t": 1732400000, "u": 1732400009}).said
    assert [one.fields for one in said.messages] == [
        {"ts": 1732400000000000, "a": 1},
        {"ts": 1732400009000000, "b": 2},
    ]


# Modbus.


@pytest.mark.parametrize("frame", [HOLDING, INPUT, COILS, INPUTS, EXCEPTION])
def test_the_checksum_is_the_one_of_the_serial_line(frame: bytes) -> None:
    assert crc16(frame[:-2]) == int.from_bytes(frame[-2:], "little")
    assert crc16(b"123456789") == 0x4B37


def frames(function: int, readings: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    frame = {"function": function, "readings": readings, **more}
    return {"payload": "modbus", "frames": [frame]}


def test_registers_of_an_answer_are_read_at_their_addresses() -> None:
    readings = [
        {"key": "a", "register": 107},
        {"key": "b", "register": "0x6C", "type": "s16", "scale": 0.1},
        {"key": "c", "register": 109, "bit": 6},
        {"key": "beyond", "register": 110},
    ]
    found = values(frames(3, readings, slave=17, start=107), HOLDING)
    assert found == {"a": 0xAE41, "b": 2209.8, "c": True}


def test_coils_and_inputs_are_bits_from_the_lowest_on() -> None:
    readings = [{"key": str(number), "coil": 20 + number} for number in range(8)]
    lit = [key for key, on in values(frames(1, readings, start=20), COILS).items() if on]
    assert lit == ["0", "2", "3", "6", "7"]
    found = values(frames(2, [{"key": "it", "coil": 218}], start=197), INPUTS)
    assert found == {"it": True}


def answer(data: bytes, function: int = 3, slave: int = 1) -> bytes:
    frame = bytes([slave, function, len(data)]) + data
    crc = 0xFFFF
    for byte in frame:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0xA001 if crc & 1 else 0)
    return frame + crc.to_bytes(2, "little")


@pytest.mark.parametrize(
    ("kind", "order", "data", "expected"),
    [
        ("u16", "ABCD", "FFFE", 65534),
        ("u16", "BADC", "FEFF", 65534),
        ("s16", "ABCD", "FFFE", -2),
        ("sm16", "ABCD", "800A", -10),
        ("u32", "ABCD", "0001 0002", 65538),
        ("u32", "CDAB", "0002 0001", 65538),
        ("u32", "BADC", "0100 0200", 65538),
        ("u32", "DCBA", "0200 0100", 65538),
        ("s32", "CDAB", "FFFE FFFF", -2),
        ("f32", "ABCD", "42F6 E979", 123.456),
        ("f32", "CDAB", "E979 42F6", 123.456),
        ("f32", "BADC", "F642 79E9", 123.456),
        ("f32", "DCBA", "79E9 F642", 123.456),
        ("u64", "ABCD", "0000 0000 0001 0000", 65536),
        ("u64", "CDAB", "0000 0001 0000 0000", 65536),
        ("s64", "DCBA", "FEFF FFFF FFFF FFFF", -2),
        ("f64", "ABCD", "405E DD2F 1A9F BE77", 123.456),
        ("bcd16", "ABCD", "1234", 1234),
        ("bcd32", "CDAB", "5678 1234", 12345678),
    ],
)
def test_numbers_are_read_in_every_order(kind: str, order: str, data: str, expected: float) -> None:
    readings = [{"key": "it", "register": 0, "type": kind, "order": order}]
    found = values(frames(3, readings), answer(bytes.fromhex(data)))
    assert found["it"] == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(
    ("kind", "data"), [("f32", struct.pack(">f", float("nan"))), ("bcd16", b"\xff\xff")]
)
def test_registers_that_hold_no_number_measured_nothing(kind: str, data: bytes) -> None:
    readings = [{"key": "it", "register": 0, "type": kind}, {"key": "on", "value": True}]
    assert values(frames(3, readings), answer(data)) == {"on": True}


def test_several_answers_in_one_message_find_their_frames() -> None:
    document = {
        "payload": "modbus",
        "device": "box-{slave}",
        "frames": [
            {"slave": 1, "count": 1, "readings": [{"key": "level", "register": 0}]},
            {"slave": 1, "count": 2, "start": 8, "readings": [{"key": "flow", "register": 9}]},
            {"function": 4, "readings": [{"key": "temp", "register": 0, "scale": 0.1}]},
        ],
    }
    message = answer(b"\0\x05") + answer(b"\0\0\0\x07") + answer(b"\0\xeb", 4, 2)
    assert [(one.device, one.messages[0].fields) for one in made(document, message).said] == [
        ("box-1", {"level": 5, "flow": 7}),
        ("box-2", {"temp": 23.5}),
    ]


@pytest.mark.parametrize(
    ("encoding", "sent"),
    [
        ("hex", b"11 04 02 00 0A F8 F4\r\n"),
        ("hex", b"0x110402000af8f4"),
        ("base64", base64.b64encode(INPUT)),
    ],
)
def test_bytes_may_be_sent_as_text(encoding: str, sent: bytes) -> None:
    document = {**frames(4, [{"key": "it", "register": 0}]), "encoding": encoding}
    assert values(document, sent) == {"it": 10}


@pytest.mark.parametrize(
    ("message", "said"),
    [
        (INPUT[:-1] + b"\0", "the checksum is 00F8, it should be F4F8"),
        (INPUT[:4], "too short for a frame"),
        (b"\x11\x04\x20\x00\x0a\xf8\xf4", "with 32 bytes of data a frame has 37 bytes; 7 came"),
        (EXCEPTION, "device 10 answered with exception 2 (illegal data address)"),
        (COILS, "no frame of the mapping is for device 17, function 1"),
        (b"", "there is no frame"),
    ],
)
def test_frames_that_are_of_no_use_say_why(message: bytes, said: str) -> None:
    outcome = made(frames(4, [{"key": "it", "register": 0}]), message)
    assert not outcome.said
    [trouble] = outcome.troubles
    assert (trouble.reason, said in trouble.detail) == ("wrong_shape", True), trouble.detail


def test_a_broken_answer_takes_nothing_away_from_the_one_before_it() -> None:
    outcome = made(frames(4, [{"key": "it", "register": 0}]), INPUT + INPUT[:4])
    assert [one.messages[0].fields for one in outcome.said] == [{"it": 10}]
    assert "from byte 7 on" in outcome.troubles[0].detail


def test_a_message_of_endless_frames_or_values_is_read_to_a_bound() -> None:
    many = [{"key": f"k{n}", "register": n} for n in range(200)]
    document = {**frames(4, many), "crc": False}
    # Empty answers, three bytes each, which hold none of the values.
    outcome = made(document, b"\x11\x04\x00" * 20_000)
    assert [(one.reason, "left out" in one.detail) for one in outcome.troubles] == [
        ("too_large", True)
    ]
    unknown = made({**frames(3, many), "crc": False}, b"\x11\x04\x00" * 20_000)
    assert (len(unknown.troubles), unknown.troubles[-1].reason) == (5_001, "too_large")
    lines = [{"key": f"k{n}", "path": f"@[{n}]"} for n in range(200)]
    rows = made({"payload": "csv", "readings": lines}, b"1\n" * 5_000)
    assert [one.reason for one in rows.troubles] == ["too_large"]


def test_frames_without_checksum_are_read_where_the_mapping_says_so() -> None:
    document = {**frames(4, [{"key": "it", "register": 0}]), "crc": False}
    assert values(document, INPUT[:-2]) == {"it": 10}


def test_plain_bytes_have_fields_at_their_places() -> None:
    document = {
        "payload": "bytes",
        "readings": [
            {"key": "kind", "byte": 0, "type": "u8"},
            {"key": "temp", "byte": 1, "type": "s16", "order": "DCBA", "scale": 0.01},
        ],
    }
    assert values(document, b"\x07\x34\xff") == {"kind": 7, "temp": -2.04}


# What cannot be read.


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"{", "bad_json"),
        (b"\xff\xfe", "not_utf8"),
        (b"[" * 100_000 + b"]" * 100_000, "too_deep"),
        (b"1" * 2_000_000, "too_large"),
        (b"{}", "wrong_shape"),
    ],
)
def test_messages_that_cannot_be_read_say_why(payload: bytes, reason: str) -> None:
    outcome = made({"readings": [{"key": "v", "path": "$.v"}]}, payload)
    assert [trouble.reason for trouble in outcome.troubles] == [reason]


@pytest.mark.parametrize("name", ["a b", "a/b", "", "$x", "x" * 200, "\ud800"])
def test_what_can_be_no_device_is_none(name: str) -> None:
    document = {"device": "{$.d}", "readings": [{"key": "v", "value": 1}]}
    outcome = made(document, {"d": name})
    if name == "\ud800":
        assert outcome.said[0].device == "?"
    else:
        assert not outcome.said
        assert "can't be a device" in outcome.troubles[0].detail


def test_a_trace_tells_value_by_value_what_was_seen_and_where() -> None:
    trace = Trace()
    readings = [
        {"key": "a", "register": 107, "unit": "mm"},
        {"key": "far", "register": 200},
        {"key": "c", "register": 109, "words": {"1": True}},
    ]
    evaluate(mapping(**frames(3, readings, start=107)), "t", HOLDING, SHANGHAI, trace)
    assert [(line.key, line.raw, line.value, line.span) for line in trace.lines] == [
        ("a", 0xAE41, 0xAE41, (3, 5)),
        ("far", None, None, None),
        ("c", 0x4340, None, (7, 9)),
    ]
    assert [line.found for line in trace.lines] == [True, False, True]
    assert trace.lines[0].place == ("frames", 0, "readings", 0)
    assert "none of the words" in trace.lines[2].problem
    assert trace.data == HOLDING


@pytest.mark.parametrize("format_", ["auto", "iso", "s", "%Y-%m-%d"])
def test_half_a_character_as_a_time_leaves_the_values_beside_it(format_: str) -> None:
    document = {
        "time": {"path": "$.at", "format": format_},
        "readings": [{"key": "level", "path": "$.v"}],
    }
    fields = values(document, b'{"at": "\\ud800", "v": 1}')
    assert json.loads(orjson.dumps(fields)) == {"ts": "?", "level": 1}
