"""GB/T 26875.3: frames of transmitters, with examples that other implementations were tested on."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.decoding import Problem
from ingest.dialects import Answer, Decoded, Spoken
from tests.ingest.dialects.following import Following, check

HEAD = "40 40 01 00 01 01 20 3A 09 1A 09 0C 79 03 00 00 00 00 38 5B 01 00 00 00"
# A smoke detector, zone 10, number 2, on fire at 09:58:02 on 26 September 2012.
SMOKE = bytes.fromhex(
    f"{HEAD} 30 00 02 02 01 01 01 28 0A 00 02 00 02 00 {'20' * 30} 00 02 3A 09 1A 09 0C 46 23 23"
)
MAINS = bytes.fromhex(f"{HEAD} 09 00 02 15 01 08 02 3A 09 1A 09 0C 42 23 23")
PRESENCE = bytes.fromhex(f"{HEAD} 0A 00 02 18 01 20 01 02 3A 09 1A 09 0C 5F 23 23")
VERSION = bytes.fromhex(f"{HEAD} 04 00 02 19 01 01 01 C7 23 23")
CONFIRMED = bytes.fromhex(
    "40 40 01 00 01 01 20 3A 09 1A 09 0C 38 5B 01 00 00 00 79 03 00 00 00 00 00 00 03 A8 23 23"
)
SAMPLES = [
    ("fire/dtu-7/up", SMOKE),
    ("fire/dtu-7/up", MAINS),
    ("fire/dtu-7/up", PRESENCE),
    ("fire/dtu-7/up", VERSION),
    ("fire/dtu-7/up", SMOKE.hex().encode()),
    ("fire/dtu-8/up", SMOKE + MAINS),
]
WHEN = "2012-09-26T09:58:02"
NAME = "000000000379"
ONLINE = Spoken("status", {"online": True})


def frame(*objects: bytes, kind: int, command: int = 2, source: str = "790300000000") -> bytes:
    data = bytes([kind, len(objects)]) + b"".join(objects) if kind else b""
    unit = bytes.fromhex("0700 0101 000000010112") + bytes.fromhex(source) + b"\x38\x5b\1\0\0\0"
    unit += len(data).to_bytes(2, "little") + bytes([command]) + data
    return b"@@" + unit + bytes([sum(unit) & 0xFF]) + b"##"


TAG = bytes.fromhex("023A091A090C")


def component(kind: int, state: int, text: bytes = b"", tag: bytes = TAG) -> bytes:
    place = bytes([1, 2, kind]) + b"\x03\0\x2c\x01"
    return place + state.to_bytes(2, "little") + text.ljust(31, b"\0") + tag


@pytest.fixture
def line() -> Following:
    return Following("gb26875", "fire/+/up", answer_topic="fire/{device}/down")


def hear(line: Following, payload: bytes) -> Decoded:
    found = line.hear("fire/dtu-7/up", payload)
    assert isinstance(found, Decoded)
    return found


def test_a_detector_on_fire_is_a_device_of_its_own_behind_panel_and_transmitter(
    line: Following,
) -> None:
    (one,) = hear(line, SMOKE).told
    assert (one.device, one.through) == (f"{NAME}.1-1.10-2", NAME)
    ((fields),) = [each.fields for each in one.messages]
    assert fields == {
        "ts": WHEN,
        "normal": False,
        "fire": True,
        "fault": False,
        "shielded": False,
        "supervised": False,
        "started": False,
        "feedback": False,
        "delayed": False,
        "power_fault": False,
        "linked": False,
    }
    assert one.described is not None
    assert one.described.model == "感烟火灾探测器"
    assert {each.key: each.means for each in one.described.points}["fire"] == "smoke"


def test_each_report_is_confirmed_as_the_standard_wants_it_and_nothing_else_is_sent(
    line: Following,
) -> None:
    assert hear(line, SMOKE).answers == [Answer("fire/dtu-7/down", CONFIRMED)]
    # What was asked for by somebody, and what centres say, is not confirmed.
    assert not hear(line, frame(TAG, kind=28, command=5)).answers
    for command in (1, 3, 4, 6):
        assert line.hear("fire/dtu-7/up", frame(kind=0, command=command)) is None
    silent = Following("gb26875", "fire/+/up")
    found = silent.hear("fire/dtu-7/up", SMOKE)
    assert isinstance(found, Decoded)
    assert not found.answers


def test_a_frame_whose_checksum_does_not_fit_is_asked_for_again(line: Following) -> None:
    found = hear(line, SMOKE[:-3] + b"\x47##")
    assert [each.reason for each in found.problems] == ["wrong_shape"]
    assert not found.told
    (answer,) = found.answers
    assert answer.payload[26] == 6


def test_a_sign_of_life_says_that_the_transmitter_is_there(line: Following) -> None:
    found = hear(line, frame(kind=0))
    assert [(one.device, one.messages) for one in found.told] == [(NAME, [ONLINE])]
    assert len(found.answers) == 1
    assert hear(line, VERSION).told[0].messages == [ONLINE]


def test_a_transmitter_tells_of_its_mains_and_of_who_answers_and_not_his_number(
    line: Following,
) -> None:
    (one,) = hear(line, MAINS).told
    assert one.device == NAME
    assert one.messages[0] == ONLINE
    assert one.messages[1].fields == {
        "ts": WHEN,
        "normal": False,
        "fire": False,
        "fault": False,
        "mains_fault": True,
        "battery_fault": False,
        "channel_fault": False,
        "line_fault": False,
    }
    (one,) = hear(line, PRESENCE).told
    assert one.messages == [Spoken("readings", {"ts": WHEN, "operation_presence": True})]


def test_a_component_by_its_bits_its_name_and_its_zone(line: Following) -> None:
    named = component(87, 0b1_0110_1001, "1号楼屋顶风机".encode("gb18030"))
    fault = component(31, 0b101)
    found = hear(line, frame(named, fault, kind=2))
    first, second = found.told
    assert first.device == f"{NAME}.1-2.3-300"
    said = first.messages[0].fields
    assert [key for key, value in said.items() if value is True] == [
        "normal",
        "shielded",
        "started",
        "feedback",
        "power_fault",
        "linked",
    ]
    assert first.described is not None
    assert (first.described.name, first.described.model) == ("1号楼屋顶风机", "输入/输出模块")
    assert second.messages[0].fields["fault"] is True


def test_a_panel_tells_of_its_mains_battery_and_bus(line: Following) -> None:
    found = hear(
        line, frame(b"\x01\x02" + (0b10_1111_0000_0001).to_bytes(2, "little") + TAG, kind=1)
    )
    (one,) = found.told
    assert one.device == f"{NAME}.1-2"
    said = one.messages[0].fields
    assert [key for key, value in said.items() if value is True] == [
        "normal",
        "mains_fault",
        "battery_fault",
        "bus_fault",
        "manual",
        "reset",
    ]


@pytest.mark.parametrize(
    ("kind", "raw", "values"),
    [
        (2, 320, {"height": 3.2}),
        (3, -155, {"temperature": -15.5}),
        (4, 12, {"pressure": 1.2}),
        (5, 3200, {"pressure": 0.32}),
        (6, 251, {"gas_concentration": 25.1}),
        (10, 15, {"flow": 1.5}),
        (12, 7, {"wind_speed": 7}),
        (130, 9, {"analogue_130": 9}),
    ],
)
def test_analogue_values_in_the_units_of_the_standard(
    line: Following, kind: int, raw: int, values: dict[str, float]
) -> None:
    one = b"\x0b\x01\x5b\x01\0\x02\0" + bytes([kind]) + raw.to_bytes(2, "little", signed=True) + TAG
    (told,) = hear(line, frame(one, kind=3)).told
    assert told.device == f"{NAME}.11-1.1-2"
    assert told.messages == [Spoken("readings", {"ts": WHEN, **values})]


def test_operations_at_a_panel_happen_and_names_are_offered(line: Following) -> None:
    (one,) = hear(line, frame(b"\x01\x01\x03\x07" + TAG, kind=4)).told
    assert one.messages[0].fields == {
        "ts": WHEN,
        "operation_reset": True,
        "operation_silence": True,
    }
    text = "门厅".encode("gb18030")
    found = hear(line, frame(b"\1\1" + bytes([len(text)]) + text, kind=6))
    assert found.told[0].described is not None
    assert found.told[0].described.name == "门厅"
    (one,) = hear(line, frame(b"\1\1\x2a\1\0\2\0" + text.ljust(31, b"\0"), kind=7)).told
    assert one.described is not None
    assert (one.described.name, one.described.model) == ("门厅", "点型光电感烟火灾探测器")


def test_several_frames_in_one_payload_and_what_stands_between_them(line: Following) -> None:
    found = hear(line, b"noise" + SMOKE + MAINS)
    assert len(found.told) == 2
    assert len(found.answers) == 2
    assert [each.reason for each in found.problems] == ["wrong_shape"]


@pytest.mark.parametrize("cut", [1, 2, 10, 26, 40, len(SMOKE) - 1])
@pytest.mark.parametrize("digits", [False, True])
def test_a_frame_that_comes_in_two_messages_is_one(line: Following, cut: int, digits: bool) -> None:
    parts = (SMOKE.hex()[: 2 * cut + 1].encode(), SMOKE.hex()[2 * cut + 1 :].encode())
    first, second = parts if digits else (SMOKE[:cut], SMOKE[cut:])
    if digits and cut == 1:
        first, second = SMOKE.hex()[:4].encode(), SMOKE.hex()[4:].encode()
    found = hear(line, first)
    assert (found.told, found.problems, found.answers) == ([], [], [])
    found = hear(line, second)
    assert [one.device for one in found.told] == [f"{NAME}.1-1.10-2"]
    assert (len(found.answers), found.problems) == (1, [])
    # Nothing of it is left behind.
    assert [one.device for one in hear(line, MAINS).told] == [NAME]


def test_frames_that_a_box_cuts_anywhere_are_all_read(line: Following) -> None:
    stream = (SMOKE + MAINS + PRESENCE) * 4
    told = []
    for begin in range(0, len(stream), 50):
        found = hear(line, stream[begin : begin + 50])
        assert not found.problems
        told += [one.device for one in found.told]
    assert told == [f"{NAME}.1-1.10-2", NAME, NAME] * 4
    # A box that has room for few bytes passes a frame on in many messages.
    for byte in SMOKE[:-1]:
        assert not hear(line, bytes([byte])).told
    assert len(hear(line, SMOKE[-1:]).told) == 1


def test_halves_of_two_boxes_are_not_put_together(line: Following) -> None:
    hear(line, SMOKE[:40])
    found = line.hear("fire/dtu-8/up", SMOKE[40:])
    assert isinstance(found, Decoded)
    assert (found.told, {each.reason for each in found.problems}) == ([], {"wrong_shape"})
    assert len(hear(line, SMOKE[40:]).told) == 1


@pytest.mark.parametrize("cut", [1, 2, 10, 26, 40, len(SMOKE) - 1])
def test_a_frame_whose_end_is_lost_is_said_to_be_with_the_next_one(
    line: Following, cut: int
) -> None:
    hear(line, SMOKE[:cut])
    found = hear(line, MAINS)
    assert [one.device for one in found.told] == [NAME]
    assert {each.reason for each in found.problems} == {"wrong_shape"}
    assert not hear(line, MAINS).problems
    # In one payload, too.
    found = hear(line, SMOKE[:cut] + MAINS)
    assert [one.device for one in found.told] == [NAME]
    assert {each.reason for each in found.problems} == {"wrong_shape"}


def test_a_half_that_is_delivered_twice_is_one_half(line: Following) -> None:
    hear(line, SMOKE[:40])
    hear(line, SMOKE[:40])
    found = hear(line, SMOKE[40:])
    assert (len(found.told), found.problems) == (1, [])


def test_a_half_on_an_endless_topic_is_a_problem(line: Following) -> None:
    found = line.hear("fire/" + "a" * 300 + "/up", SMOKE[:40])
    assert isinstance(found, Decoded)
    assert {each.reason for each in found.problems} == {"wrong_shape"}


def test_frames_written_in_digits_are_read_and_confirmed_alike(line: Following) -> None:
    found = hear(line, SMOKE.hex(" ").encode())
    assert found.told[0].device == f"{NAME}.1-1.10-2"
    assert found.answers == [Answer("fire/dtu-7/down", CONFIRMED.hex().upper().encode())]


def test_a_clock_that_was_never_set_leaves_the_time_of_receipt(line: Following) -> None:
    (one,) = hear(line, frame(component(40, 2, tag=bytes(6)), kind=2)).told
    assert "ts" not in one.messages[0].fields


def test_objects_that_tell_no_time_are_read_and_count_when_they_came(line: Following) -> None:
    (one,) = hear(line, frame(b"\x09", kind=21)).told
    assert [each.fields.get("ts") for each in one.messages] == [None, None]
    assert one.messages[1].fields["mains_fault"] is True
    first, second = hear(line, frame(*[component(40, 2, tag=b"")] * 2, kind=2)).told
    assert first.messages == second.messages
    assert first.messages[0].fields["fire"] is True
    assert "ts" not in first.messages[0].fields


def test_a_time_where_the_standard_has_none_is_passed_over(line: Following) -> None:
    names = [f"阀门{number}".encode("gb18030").ljust(31, b"\0") for number in (1, 2)]
    parts = [b"\1\1\x61\1\0\2\0" + name + TAG for name in names]
    found = hear(line, frame(*parts, kind=7))
    assert [one.described and one.described.name for one in found.told] == ["阀门1", "阀门2"]
    texts = [bytes([panel, 1, 3]) + b"ABC" + TAG for panel in (1, 11)]
    found = hear(line, frame(*texts, kind=6))
    assert [one.device for one in found.told] == [f"{NAME}.1-1", f"{NAME}.11-1"]
    assert not found.problems


def test_what_is_no_text_is_left_out_of_a_name(line: Following) -> None:
    # A name that was cut within a character, and a number where a name should be.
    for text, name in (("泵房".encode("gb18030")[:3], "泵"), (b"\xfb\0\0\0\1P", None)):
        (one,) = hear(line, frame(component(40, 0, text), kind=2)).told
        assert one.described is not None
        assert one.described.name == name


def test_a_report_of_no_objects_is_a_sign_of_life(line: Following) -> None:
    empty = frame(kind=0)
    unit = empty[2:24] + b"\2\0\2\x15\0"
    found = hear(line, b"@@" + unit + bytes([sum(unit) & 0xFF]) + b"##")
    assert [one.messages for one in found.told] == [[ONLINE]]


def test_a_transmitter_without_an_address_goes_by_its_topic(line: Following) -> None:
    nameless = frame(kind=0, source="000000000000")
    assert hear(line, nameless).told[0].device == "dtu-7"


@pytest.mark.parametrize(
    ("objects", "kind", "reason"),
    [
        ((b"\1\1\1",), 1, "wrong_shape"),
        ((b"\1",), 130, "unsupported"),
        ((b"\1",), 61, "unsupported"),
    ],
)
def test_data_that_are_not_as_announced_are_kept(
    line: Following, objects: tuple[bytes, ...], kind: int, reason: str
) -> None:
    found = hear(line, frame(*objects, kind=kind))
    assert [each.reason for each in found.problems] == [reason]
    # It was received all the same, and repeating it would not mend it.
    assert len(found.answers) == 1


def test_more_data_than_the_standard_allows_are_no_frame(line: Following) -> None:
    body = b"@@" + bytes(22) + (1025).to_bytes(2, "little") + bytes(1100)
    assert {each.reason for each in hear(line, body).problems} == {"wrong_shape"}


def test_an_empty_payload_is_a_problem(line: Following) -> None:
    assert isinstance(line.hear("fire/dtu-7/up", b""), Problem)


@given(body=st.binary(max_size=90), kind=st.integers(0, 255), junk=st.binary(max_size=30))
def test_no_bytes_make_it_fail(body: bytes, kind: int, junk: bytes) -> None:
    line: Any = Following("gb26875", "fire/+/up", answer_topic="down")
    check(line.hear("fire/a/up", body))
    check(line.hear("fire/a/up", frame(body, kind=kind) + junk))
