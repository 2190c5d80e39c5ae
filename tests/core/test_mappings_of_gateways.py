"""What boxes and gateways of the field send, described by mappings: the shapes that are common."""

import json
import struct
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from core.mappings import MessageMapping, Outcome, evaluate, read_mapping
from core.mappings.registers import crc16

SHANGHAI = ZoneInfo("Asia/Shanghai")
# 2026-11-24T12:00:05+08:00
NOON = 1_795_492_805
NOON_MICROS = NOON * 1_000_000


def mapping(**document: Any) -> MessageMapping:
    read = read_mapping({"device": "box-1", **document})
    assert isinstance(read, MessageMapping), [fault.text for fault in read]
    return read


def made(document: dict[str, Any], message: Any, topic: str = "site/box-1/up") -> Outcome:
    payload = message if isinstance(message, bytes) else json.dumps(message).encode()
    return evaluate(mapping(**document), topic, payload, SHANGHAI)


def told(document: dict[str, Any], message: Any) -> dict[str, dict[str, Any]]:
    """The readings of each device of a message without any trouble."""
    outcome = made(document, message)
    assert not outcome.troubles
    return {
        one.device: {key: value for spoke in one.messages for key, value in spoke.fields.items()}
        for one in outcome.said
    }


def faults(document: dict[str, Any]) -> list[str]:
    read = read_mapping({"device": "box-1", **document})
    assert isinstance(read, list)
    return [str(fault.text) for fault in read]


# Lists of names and values.

SENSORS = {
    "sensorDatas": [
        {"flag": "TEMP1", "value": 288},
        {"flag": "REG002", "switcher": "1"},
        {"flag": 7, "value": 4.5},
        {"flag": True, "value": 1},
    ],
    "time": "04:00:05 11/24/2026 UTC",
}


def test_what_a_list_of_named_values_holds_is_found_by_its_name() -> None:
    document = {
        "time": {"path": "$.time", "format": "%H:%M:%S %m/%d/%Y UTC", "zone": "UTC"},
        "readings": [
            {"key": "t", "path": "$.sensorDatas[?@.flag=='TEMP1'].value", "scale": 0.1},
            {
                "key": "door",
                "path": '$.sensorDatas[?@.flag == "REG002"].switcher',
                "words": {"1": True, "0": False},
            },
            {"key": "level", "path": "$.sensorDatas[?@['flag']==7].value"},
            {"key": "yes", "path": "$.sensorDatas[?@.flag==true].value"},
            {"key": "none", "path": "$.sensorDatas[?@.flag=='X'].value"},
        ],
    }
    assert told(document, SENSORS) == {
        "box-1": {"ts": NOON_MICROS, "t": 28.8, "door": True, "level": 4.5, "yes": 1}
    }


def test_records_are_those_of_a_list_that_hold_a_value() -> None:
    document = {
        "each": "$.tags[?@.quality=='good']",
        "readings": [{"key": "{@.name}", "path": "@.value"}],
    }
    tags = [
        {"name": "level", "value": 1, "quality": "good"},
        {"name": "flow", "value": 0, "quality": "bad"},
        {"name": "run", "value": True, "quality": "good"},
    ]
    assert told(document, {"tags": tags}) == {"box-1": {"level": 1, "run": True}}


def test_names_from_outside_in_make_device_and_key() -> None:
    document = {
        "each": "$.devices.*.*",
        "device": "{#1}",
        "readings": [{"key": "{#2}", "path": "@"}],
    }
    message = {"devices": {"p1": {"level": 1, "flow": 2}, "p2": {"level": 3}}}
    assert told(document, message) == {"p1": {"level": 1, "flow": 2}, "p2": {"level": 3}}
    assert "there is no '#3' here" in faults({**document, "device": "{#3}"})[0]


def test_values_by_name_in_records_of_several_devices() -> None:
    document = {
        "each": "$[*]",
        "device": "{@.deviceId}",
        "readings": [
            {
                "key": "power",
                "path": "@.properties[?@.key=='Power'].value",
                "time": {"path": "@.properties[?@.key=='Power'].time"},
            }
        ],
    }
    power = {"key": "Power", "value": 3, "time": NOON * 1000}
    message = [{"deviceId": "d1", "properties": [{"key": "WF", "value": 1}, power]}]
    assert told(document, message) == {"d1": {"ts": NOON * 1000, "power": 3}}


def test_only_so_many_members_are_looked_at_for_the_one_that_is_meant() -> None:
    document = {"readings": [{"key": "v", "path": "$[?@.n=='last'].v"}]}
    far = [{"n": number} for number in range(2_000)]
    assert not made(document, [*far, {"n": "last", "v": 1}]).said
    assert made(document, [*far[1:], {"n": "last", "v": 1}]).said


# Times.


@pytest.mark.parametrize(
    ("time", "message"),
    [
        ({"text": "{$.date} {$.clock}"}, {"date": "2026-11-24", "clock": "12:00:05"}),
        (
            {"text": "{$.date}{$.clock}", "format": "%Y%m%d%H%M%S"},
            {"date": 20261124, "clock": "120005"},
        ),
        ({"path": "$.t", "format": "%Y%m%d%H%M%S"}, {"t": 20261124120005}),
        ({"path": "$.t", "format": "%Y-%m-%d %H:%M:%S"}, {"t": " 2026-11-24 12:00:05 "}),
        ({"path": "$.t", "format": "iso"}, {"t": "2026-11-24T04:00:05Z"}),
        ({"path": "$.t", "format": "s"}, {"t": str(NOON)}),
    ],
)
def test_times_are_read_as_they_are_written(time: dict[str, Any], message: dict[str, Any]) -> None:
    document = {"time": time, "readings": [{"key": "v", "path": "$.v"}]}
    assert told(document, {**message, "v": 1}) == {"box-1": {"ts": NOON_MICROS, "v": 1}}


@pytest.mark.parametrize(
    ("raw", "reading", "value"),
    [
        # A gateway that knows nothing of signs.
        (65436, {"type": "s16", "scale": 0.1}, -10.0),
        (-100, {"type": "s16"}, -100),
        (1103626240, {"type": "f32"}, 25.0),
        ([16840, 0], {"type": "f32"}, 25.0),
        ([0, 16840], {"type": "f32", "order": "CDAB"}, 25.0),
        ([7, 0, 16840, 9], {"type": "f32", "order": "CDAB", "at": 1}, 25.0),
        ([7, 65535], {"type": "s16", "at": 1}, -1),
        ("41C80000", {"type": "f32"}, 25.0),
        ("0x07 0000 41C8", {"type": "f32", "order": "CDAB", "at": 1}, 25.0),
        ([16706, 17152], {"type": "text", "length": 4}, "ABC"),
        (0x0123, {"type": "bcd16"}, 123),
    ],
)
def test_registers_in_json_are_read_as_what_they_are(
    raw: Any, reading: dict[str, Any], value: Any
) -> None:
    document = {"readings": [{"key": "it", "path": "$.v", **reading}]}
    assert told(document, {"v": raw}) == {"box-1": {"it": value}}


@pytest.mark.parametrize(
    ("raw", "reading", "why"),
    [
        ("zz", {"type": "u16"}, "hexadecimal"),
        ([1], {"type": "f32"}, "f32 has 4 bytes"),
        ([1, 70000], {"type": "f32"}, "no register"),
        (70000, {"type": "u16"}, "no 2 bytes"),
        (1.5, {"type": "u16"}, "neither"),
        ({}, {"type": "u16"}, "neither"),
        (True, {"type": "u16"}, "neither"),
    ],
)
def test_what_are_no_registers_in_json_is_told(raw: Any, reading: dict[str, Any], why: str) -> None:
    document = {"readings": [{"key": "it", "path": "$.v", **reading}, {"key": "o", "path": "$.o"}]}
    [trouble] = made(document, {"v": raw, "o": 1}).troubles
    assert trouble.reason == "wrong_type"
    assert why in trouble.detail


def test_registers_in_json_that_hold_nothing_tell_nothing() -> None:
    document = {
        "readings": [
            {"key": "none", "path": "$.a", "type": "f32"},
            {"key": "it", "path": "$.b", "type": "u16", "nan": [65535]},
            {"key": "o", "path": "$.o"},
        ]
    }
    assert told(document, {"a": 0x7FC00000, "b": 65535, "o": 1}) == {"box-1": {"o": 1}}
    assert faults({"readings": [{"key": "v", "path": "$.v", "order": "CDAB"}]}) == [
        "readings[0]: type is missing"
    ]


def test_a_time_stands_in_one_place() -> None:
    document = {"readings": [{"key": "v", "path": "$.v"}]}
    assert faults({**document, "time": {"format": "s"}}) == ["time: path is missing"]
    both = {"path": "$.t", "text": "{$.d}"}
    assert faults({**document, "time": both}) == ["time: a reading has exactly one of path, text"]
    assert faults({**document, "time": {"byte": 1}})[0].startswith("time.byte: unknown")


# Bytes.


def read_bytes(data: bytes, **reading: Any) -> Any:
    found = told({"payload": "bytes", "readings": [{"key": "it", "byte": 0, **reading}]}, data)
    return found["box-1"]["it"]


@pytest.mark.parametrize(
    ("data", "reading", "value"),
    [
        ("000123456789", {"type": "bcd48"}, 123456789),
        ("0000000123456789", {"type": "bcd64", "scale": 0.01}, 1234567.89),
        ("4142432D31000000", {"type": "text", "length": 8}, "ABC-1"),
        ("B1C3BAC5", {"type": "text", "length": 4}, "泵号"),
        ("0A1B", {"type": "hex", "length": 2}, "0A1B"),
        ("1A0B180C0005", {"type": "time6"}, "2026-11-24T12:00:05"),
        ("050012241126", {"type": "bcdtime", "order": "DCBA"}, "2026-11-24T12:00:05"),
        ("07EA000B0018000C00000005", {"type": "time12"}, "2026-11-24T12:00:05"),
        ("00B5", {"bits": [4, 7]}, 11),
        ("00B5", {"bits": [0, 3], "words": {"5": "running"}}, "running"),
    ],
)
def test_fields_of_bytes(data: str, reading: dict[str, Any], value: Any) -> None:
    assert read_bytes(bytes.fromhex(data), **reading) == value


def test_digits_that_are_none_say_no_time() -> None:
    document = {
        "payload": "bytes",
        "time": {"byte": 0, "type": "bcdtime"},
        "readings": [{"key": "v", "byte": 6}],
    }
    assert told(document, bytes.fromhex("FFFFFFFFFFFF 0001")) == {"box-1": {"v": 1}}


def test_a_binary_message_says_its_time_in_seconds_or_in_digits() -> None:
    document = {
        "payload": "bytes",
        "time": {"byte": 0, "type": "u32", "format": "s"},
        "readings": [
            {"key": "now", "byte": 4},
            {"key": "then", "byte": 4, "time": {"byte": 6, "type": "bcdtime"}},
        ],
    }
    data = struct.pack(">IH", NOON, 7) + bytes.fromhex("261124120005")
    outcome = made(document, data)
    assert [each.fields for each in outcome.said[0].messages] == [
        {"ts": NOON_MICROS, "now": 7, "then": 7}
    ]


def test_registers_say_the_time_of_their_frame() -> None:
    document = {
        "payload": "modbus",
        "frames": [
            {
                "start": 10,
                "time": {"register": 10, "type": "time12"},
                "readings": [{"key": "level", "register": 16}],
            }
        ],
    }
    data = bytes([1, 3, 14]) + struct.pack(">7H", 2026, 11, 24, 12, 0, 5, 42)
    frame = data + crc16(data).to_bytes(2, "little")
    assert told(document, frame) == {"box-1": {"ts": NOON_MICROS, "level": 42}}


def test_answers_of_modbus_tcp_have_a_header_and_no_checksum() -> None:
    document = {
        "payload": "modbus",
        "framing": "tcp",
        "device": "{slave}",
        "frames": [{"readings": [{"key": "level", "register": 0}]}],
    }
    one = bytes.fromhex("0001 0000 0005 01 03 02 002A")
    assert told(document, one) == {"1": {"level": 42}}
    assert told(document, one + bytes.fromhex("0002 0000 0005 02 03 02 002B")) == {
        "1": {"level": 42},
        "2": {"level": 43},
    }
    for broken in ("0103020 02A5D", "0001000000050103", "00010000"):
        [trouble] = made(document, bytes.fromhex(broken.replace(" ", ""))).troubles
        assert trouble.reason == "wrong_shape"


QUESTION = bytes.fromhex("01 03 0000 0001 840A")
WRITTEN = bytes.fromhex("01 06 0001 0003 980B")
ANSWER = bytes.fromhex("01 03 02 002A 399B")


@pytest.mark.parametrize(
    ("data", "level"),
    [
        (QUESTION + ANSWER, 42),
        (ANSWER + QUESTION, 42),
        (WRITTEN + QUESTION + ANSWER, 42),
        (QUESTION, None),
        (WRITTEN, None),
    ],
)
def test_questions_and_confirmations_that_a_box_passes_on_are_left(
    data: bytes, level: int | None
) -> None:
    document = {
        "payload": "modbus",
        "frames": [{"readings": [{"key": "level", "register": 0}]}],
    }
    if level is None:
        assert made(document, data) == Outcome(meant=False)
    else:
        assert told(document, data) == {"box-1": {"level": level}}


def test_an_answer_of_eight_bytes_is_one() -> None:
    document = {
        "payload": "modbus",
        "frames": [{"function": 1, "readings": [{"key": "valve", "coil": 0}]}],
    }
    data = bytes.fromhex("01 01 03 CD6BB2")
    assert told(document, data + crc16(data).to_bytes(2, "little")) == {"box-1": {"valve": True}}


@pytest.mark.parametrize(
    ("reading", "fault"),
    [
        ({"type": "u16", "length": 4}, "length means nothing"),
        ({"type": "text", "length": 0}, "a whole number from 1 to 200"),
        ({"bits": [7, 4]}, "the first and the last bit"),
        ({"bits": 4}, "the first and the last bit"),
    ],
)
def test_what_cannot_be_read_of_bytes(reading: dict[str, Any], fault: str) -> None:
    document = {"payload": "bytes", "readings": [{"key": "it", "byte": 0, **reading}]}
    assert fault in faults(document)[0]


# Texts.


@pytest.mark.parametrize(
    ("topic", "device"),
    [
        ("up/dev_86-x/data", "86"),
        ("up/dev_-x/data", None),
        ("up/86-x/data", None),
        ("up/dev_86/data", None),
        ("up/dev_x/data", None),
    ],
)
def test_a_name_may_be_a_part_of_a_level(topic: str, device: str | None) -> None:
    document = {
        "topic": "up/dev_{id}-x/data",
        "device": "{id}",
        "readings": [{"key": "v", "path": "$.v"}],
    }
    outcome = made(document, {"v": 1}, topic)
    assert outcome.meant == (device is not None)
    assert [one.device for one in outcome.said] == ([] if device is None else [device])


@pytest.mark.parametrize(
    ("message", "reasons"),
    [({"values": {}}, []), ({"values": []}, []), ({"other": {}}, ["wrong_shape"])],
)
def test_a_list_without_members_says_nothing(message: dict[str, Any], reasons: list[str]) -> None:
    document = {"each": "$.values.*", "readings": [{"key": "{#}", "path": "@"}]}
    assert [trouble.reason for trouble in made(document, message).troubles] == reasons


def test_lines_of_json_are_their_list() -> None:
    document = {
        "payload": "lines",
        "each": "$[*]",
        "device": "{@.d}",
        "readings": [{"key": "v", "path": "@.v"}],
    }
    assert told(document, b'{"d": "a", "v": 1}\r\n\n{"d": "b", "v": 2}\n') == {
        "a": {"v": 1},
        "b": {"v": 2},
    }
    assert made(document, b'{"d": 1}\n{').troubles[0].reason == "bad_json"


def test_a_mapping_says_what_a_device_is() -> None:
    document = {
        "name": "{$.name}",
        "maker": "Acme",
        "model": "{$.none}",
        "readings": [{"key": "v", "path": "$.v"}],
    }
    [said] = made(document, {"name": " 1号泵 ", "v": 1}).said
    assert said.about == {"name": "1号泵", "maker": "Acme"}


def test_pairs_on_one_line_or_on_several() -> None:
    document = {
        "payload": "pairs",
        "separator": ";",
        "equals": ":",
        "readings": [
            {"key": "t", "path": "$.temp"},
            {"key": "h", "path": "$.湿度", "unit": "%"},
            {"key": "mode", "path": "$.mode"},
        ],
    }
    message = "temp: 23.5; 湿度:60%;ok\r\nmode:auto;;".encode()
    assert told(document, message) == {"box-1": {"t": 23.5, "h": 60, "mode": "auto"}}


def test_forms_as_browsers_and_weather_stations_post_them() -> None:
    document = {
        "payload": "form",
        "device": "{$.PASSKEY}",
        "time": {"path": "$.dateutc", "format": "%Y-%m-%d %H:%M:%S", "zone": "UTC"},
        "readings": [{"key": "t", "path": "$.tempf", "unit": "°F", "to": "°C"}],
    }
    message = b"PASSKEY=A1&dateutc=2026-11-24+04%3A00%3A05&tempf=212&empty="
    assert told(document, message) == {"A1": {"ts": NOON_MICROS, "t": 100}}


def test_a_form_of_too_many_fields_is_trouble_and_no_exception() -> None:
    document = {"payload": "form", "device": "box", "readings": [{"key": "t", "path": "$.t"}]}
    mapping = read_mapping(document)
    assert isinstance(mapping, MessageMapping)
    outcome = evaluate(mapping, "t", b"t=1&" * 6_000, ZoneInfo("UTC"))
    assert [(trouble.reason, outcome.said) for trouble in outcome.troubles] == [("too_large", ())]


@pytest.mark.parametrize("charset", ["gb18030", "gbk", "gb2312"])
def test_messages_in_chinese_charsets_are_read_where_the_mapping_says_so(charset: str) -> None:
    document = {
        "charset": charset,
        "readings": [{"key": "run", "path": "$['状态']", "words": {"运行": True, "停止": False}}],
    }
    text = json.dumps({"状态": "运行"}, ensure_ascii=False)
    assert told(document, text.encode(charset)) == {"box-1": {"run": True}}
    plain = made({"readings": document["readings"]}, text.encode("gbk"))
    assert [trouble.reason for trouble in plain.troubles] == ["not_utf8"]


@pytest.mark.parametrize("payload", [b"", b"ping", b"ping\r\n\x00", b" www.box.example "])
def test_heartbeats_and_empty_payloads_say_nothing(payload: bytes) -> None:
    document = {"ignore": ["ping", "www.box.example"], "readings": [{"key": "v", "path": "$.v"}]}
    assert made(document, payload) == Outcome(meant=False)
    assert made(document, b"pong").troubles[0].reason == "bad_json"


@pytest.mark.parametrize(
    ("raw", "unit", "value"),
    [
        ("23.5℃", "°C", 23.5),
        (" -3.2 °C", "°C", -3.2),
        ("60 ％", "%", 60),
        ("0.35Mpa", "MPa", 0.35),
        # Another unit is none that could be left out.
        ("350kPa", "MPa", "350kPa"),
        ("23.5℃", None, "23.5℃"),
        ("1.5e-3", "m", 0.0015),
    ],
)
def test_a_unit_behind_its_number_does_no_harm(raw: str, unit: str | None, value: Any) -> None:
    stated = {} if unit is None else {"unit": unit}
    document = {"readings": [{"key": "it", "path": "$.v", **stated}]}
    assert told(document, {"v": raw}) == {"box-1": {"it": value}}


def test_words_are_known_in_other_letters_unless_both_are_written() -> None:
    document = {
        "readings": [{"key": "it", "path": "$.v", "words": {"OPEN": True, "Closed": False}}]
    }
    assert told(document, {"v": "open"}) == {"box-1": {"it": True}}
    assert told(document, {"v": " CLOSED"}) == {"box-1": {"it": False}}
    both = {"readings": [{"key": "it", "path": "$.v", "words": {"a": 1, "A": 2}}]}
    assert told(both, {"v": "A"}) == {"box-1": {"it": 2}}


def test_words_that_yaml_takes_for_numbers_are_words() -> None:
    document = {"readings": [{"key": "it", "path": "$.v", "words": {0: "idle", 1: "moving"}}]}
    assert told(document, {"v": 1}) == {"box-1": {"it": "moving"}}
    assert told(document, {"v": "0"}) == {"box-1": {"it": "idle"}}


def test_json_that_firmware_ended_by_a_nul_is_json() -> None:
    document = {"readings": [{"key": "v", "path": "$.v"}]}
    assert told(document, b'\xef\xbb\xbf{"v": 1}\x00\x00') == {"box-1": {"v": 1}}


@pytest.mark.parametrize(
    ("document", "fault"),
    [
        ({"charset": "big5"}, "charset: one of utf-8, gb18030"),
        ({"ignore": [{}]}, "ignore: a value, or a list of values"),
        ({"equals": ":"}, "equals: equals means nothing with this payload"),
        ({"framing": "tcp"}, "framing: framing means nothing with this payload"),
        ({"payload": "pairs", "equals": "=="}, "equals: one character"),
    ],
)
def test_faults_of_the_parts(document: dict[str, Any], fault: str) -> None:
    found = faults({"readings": [{"key": "v", "path": "$.v"}], **document})
    assert any(one.startswith(fault) for one in found), found
