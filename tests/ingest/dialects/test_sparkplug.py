"""Sparkplug B: sessions of edge nodes, and what the values of their metrics mean."""

import gzip
import json
import zlib
from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.dialects import option_faults
from ingest.decoding import Problem
from ingest.dialects import DECODERS, Decoded, DescribedPoint, ForeignSource, Spoken
from ingest.dialects.sparkplug import host_states
from ingest.dialects.sparkplug.wire import read_payload
from tests.ingest.dialects import sparks
from tests.ingest.dialects.sparks import BOOLEAN, FLOAT, born, died, metric, payload
from tests.ingest.dialects.speaking import readings, sample, spoken_to

NODE, DEVICE = "Plant.Boiler-Room", "Plant.Boiler-Room.Pump-1"
AT = 1_795_492_801_000
ONLINE, OFFLINE = Spoken("status", {"online": True}), Spoken("status", {"online": False})

_TOPIC = "spBv1.0/Plant/"
SAMPLES = [
    (_TOPIC + "NBIRTH/Boiler Room", born(3, metric("Load", ("float", 0.5), FLOAT, alias=1), at=AT)),
    (_TOPIC + "DBIRTH/Boiler Room/Pump 1", payload(metric("x", ("int", 5), 1, alias=7), seq=1)),
    (_TOPIC + "NDATA/Boiler Room", payload(metric(said=("float", 0.7), alias=1), seq=2, at=AT)),
    (_TOPIC + "DDATA/Boiler Room/Pump 1", payload(metric(said=("int", 6), alias=7), seq=3, at=AT)),
    (_TOPIC + "DDEATH/Boiler Room/Pump 1", payload(seq=4, at=AT)),
    (_TOPIC + "NDEATH/Boiler Room", died(3)),
]


class Line:
    """A source that hears one edge node, and remembers as the pipeline would."""

    def __init__(self) -> None:
        self.kept: dict[str, Any] = {}
        self.noted: dict[str, Any] = {}

    def hear(self, kind: str, body: bytes, device: str = "Pump 1") -> Decoded:
        behind = f"/{device}" if kind[0] == "D" else ""
        topic = f"spBv1.0/Plant/{kind}/Boiler Room{behind}"
        found = spoken_to("sparkplug", topic, body, {**self.kept, **self.noted})
        assert isinstance(found, Decoded)
        # It survives what JSON does to keys and tuples.
        self.kept.update(json.loads(json.dumps(dict(found.remember))))
        self.noted.update(found.note)
        self.kept = {key: each for key, each in self.kept.items() if each is not None}
        self.noted = {key: each for key, each in self.noted.items() if each is not None}
        return found

    def restart(self) -> None:
        self.noted = {}


def values(found: Decoded) -> dict[str, Any]:
    (one,) = found.told
    (fields,) = readings(one)
    return fields


@pytest.fixture
def line() -> Line:
    """A node with a pump, both born."""
    line = Line()
    line.hear("NBIRTH", born(3, metric("Load", ("float", 0.5), FLOAT, alias=1), at=AT))
    pump = [
        metric("Running", ("bool", True), BOOLEAN, alias=7),
        metric("Temp", ("int", 20), sparks.INT16, alias=8),
    ]
    line.hear("DBIRTH", payload(*pump, seq=1, at=AT))
    return line


def test_a_birth_tells_that_it_is_there_its_values_and_what_they_are() -> None:
    unit = {"engUnit": ("text", "degC")}
    made = [
        metric("Properties/Hardware Make", ("text", "Pi"), sparks.STRING),
        metric("Properties/Hardware Model", ("text", "4B"), sparks.STRING),
        metric("Node Control/Rebirth", ("bool", False), BOOLEAN),
        metric("Motor/Temp", ("float", 12.1), FLOAT, properties=unit),
        metric("Mode", ("text", "auto"), sparks.STRING),
    ]
    (one,) = Line().hear("NBIRTH", born(0, *made, at=AT)).told
    assert one.device == NODE
    values = {"Motor/Temp": 12.1, "Mode": "auto"}
    assert one.messages == [ONLINE, Spoken("readings", {"ts": AT, **values})]
    assert one.described is not None
    assert (one.described.name, one.described.maker) == ("Boiler Room", "Pi")
    assert one.described.model == "4B"
    assert DescribedPoint("Motor/Temp", "number", "°C") in one.described.points


def test_data_by_alias_mean_what_the_birth_said_also_after_a_restart(line: Line) -> None:
    data = metric(said=("int", 0xFFFF_FFFE), alias=8)
    found = line.hear("DDATA", payload(data, metric(said=("bool", False), alias=7), seq=2, at=AT))
    assert found.told[0].device == DEVICE
    assert found.told[0].through == NODE
    assert values(found) == {"ts": AT, "Temp": -2, "Running": False}
    assert not found.answers
    line.restart()
    found = line.hear("DDATA", payload(data, seq=3, at=AT))
    assert values(found) == {"ts": AT, "Temp": -2}
    # What was said meanwhile is asked for, once.
    assert [each.topic for each in found.answers] == ["spBv1.0/Plant/NCMD/Boiler Room"]
    assert not line.hear("DDATA", payload(data, seq=4, at=AT)).answers


def test_a_rebirth_is_a_command_that_another_implementation_understands(line: Line) -> None:
    found = line.hear("NDATA", payload(metric(said=("float", 0.7), alias=1), seq=9, at=AT))
    (answer,) = found.answers
    (asked,) = read_payload(answer.payload).metrics
    assert (asked.name, asked.datatype, asked.value) == ("Node Control/Rebirth", BOOLEAN, True)
    expected = payload(metric("Node Control/Rebirth", ("bool", True), BOOLEAN, at=AT), at=AT)
    assert answer.payload == expected
    assert values(found) == {"ts": AT, "Load": 0.7}


def test_a_gap_asks_for_a_birth_until_it_comes_and_the_values_count_meanwhile(line: Line) -> None:
    data = metric(said=("int", 21), alias=8)
    assert not line.hear("DDATA", payload(data, seq=2, at=AT)).answers
    # The same again is no gap.
    assert not line.hear("DDATA", payload(data, seq=2, at=AT)).answers
    found = line.hear("DDATA", payload(data, seq=4, at=AT))
    assert len(found.answers) == 1
    assert values(found)["Temp"] == 21
    assert not line.hear("DDATA", payload(data, seq=6, at=AT + 59_000)).answers
    assert len(line.hear("DDATA", payload(data, seq=8, at=AT + 61_000)).answers) == 1
    line.hear("NBIRTH", born(3, at=AT))
    assert not line.hear("DBIRTH", payload(seq=1, at=AT)).answers


def test_the_sequence_goes_on_with_0_after_255_and_over_node_and_devices(line: Line) -> None:
    for seq in range(2, 300):
        kind = "NDATA" if seq % 2 else "DDATA"
        assert not line.hear(kind, payload(seq=seq % 256, at=AT)).answers


def test_an_alias_that_no_birth_announced_is_kept_and_asked_for() -> None:
    line = Line()
    known = metric("Level", ("double", 1.5), sparks.DOUBLE)
    found = line.hear("NDATA", payload(metric(said=("int", 1), alias=5), known, seq=7, at=AT))
    assert values(found) == {"ts": AT, "Level": 1.5}
    assert [each.reason for each in found.problems] == ["unknown_point"]
    assert len(found.answers) == 1
    line.hear("NBIRTH", born(0, metric("Load", ("int", 0), sparks.INT32, alias=5), at=AT))
    found = line.hear("NDATA", payload(metric(said=("int", 1), alias=5), seq=1, at=AT))
    assert (values(found), found.answers) == ({"ts": AT, "Load": 1}, [])


def test_aliases_of_a_device_that_was_not_born_again_with_its_node_are_not_trusted(
    line: Line,
) -> None:
    line.hear("NBIRTH", born(3, at=AT))
    found = line.hear("DDATA", payload(metric(said=("int", 21), alias=8), seq=1, at=AT))
    assert [each.reason for each in found.problems] == ["unknown_point"]
    assert found.told[0].messages == []
    assert len(found.answers) == 1


def test_a_node_whose_births_leave_something_out_is_asked_once_a_minute(line: Line) -> None:
    data = metric(said=("int", 21), alias=99)
    asked = 0
    for second in range(130):
        at = AT + 1_000 * second
        found = line.hear("DDATA", payload(data, seq=1, at=at))
        if found.answers:
            asked += 1
            line.hear("NBIRTH", born(3, at=at + 100))
    assert asked == 3
    # Born of itself after a restart it is asked at once.
    line.hear("NDEATH", died(3))
    line.hear("NBIRTH", born(4, at=AT + 130_000))
    assert line.hear("DDATA", payload(data, seq=1, at=AT + 130_100)).answers


def test_a_death_of_a_node_takes_its_devices_along(line: Line) -> None:
    line.hear("DBIRTH", payload(seq=2, at=AT), device="Pump 2")
    line.hear("DDEATH", payload(seq=3, at=AT), device="Pump 2")
    line.restart()
    found = line.hear("NDEATH", died(3))
    assert [(one.device, one.messages) for one in found.told] == [
        (NODE, [OFFLINE]),
        (DEVICE, [OFFLINE]),
    ]


@pytest.mark.parametrize(
    ("bd", "counts"),
    [
        (3, True),
        # The will of the session before, which the broker delivered after the new birth.
        (2, False),
        (254, False),
        # Its birth was never heard, so this session is over as well.
        (4, True),
    ],
)
def test_a_death_of_an_older_session_is_ignored(line: Line, bd: int, counts: bool) -> None:
    assert bool(line.hear("NDEATH", died(bd)).told) is counts


def test_a_death_that_came_before_any_birth_counts() -> None:
    (one,) = Line().hear("NDEATH", died(9)).told
    assert one.messages == [OFFLINE]


def test_after_a_death_data_want_a_birth(line: Line) -> None:
    line.hear("NDEATH", died(3))
    found = line.hear("NDATA", payload(metric(said=("float", 0.7), alias=1), seq=5, at=AT))
    assert len(found.answers) == 1


def test_a_device_dies_and_is_born_alone(line: Line) -> None:
    (one,) = line.hear("DDEATH", payload(seq=2, at=AT)).told
    assert (one.device, one.messages, one.through) == (DEVICE, [OFFLINE], NODE)
    (one,) = line.hear("DBIRTH", payload(seq=3, at=AT)).told
    assert one.messages == [ONLINE]


@pytest.mark.parametrize(
    ("datatype", "said", "value"),
    [
        (sparks.INT8, ("int", 0xFF), -1),
        (sparks.INT8, ("int", 0xFFFF_FFFF), -1),
        (sparks.INT32, ("int", 0xFFFF_FF85), -123),
        (sparks.INT64, ("long", 2**64 - 5), -5),
        (sparks.UINT8, ("int", 200), 200),
        (sparks.UINT64, ("long", 2**63), 2**63),
        (FLOAT, ("float", 12.1), 12.1),
        (FLOAT, ("float", 3.4028234e38), 3.4028234663852886e38),
        (sparks.DOUBLE, ("double", 0.1), 0.1),
        (BOOLEAN, ("bool", False), False),
        (BOOLEAN, ("int", 1), True),
        (sparks.STRING, ("text", "moving"), "moving"),
        (sparks.DATE_TIME, ("long", AT), AT),
    ],
)
def test_values_by_their_data_types(datatype: int, said: tuple[str, Any], value: Any) -> None:
    found = Line().hear("NBIRTH", born(0, metric("x", said, datatype), at=AT))
    assert found.told[0].messages[-1].fields == {"ts": AT, "x": value}


def test_tables_structures_and_arrays_are_readings_under_their_parts() -> None:
    row = [("double", 1.5), ("int", 0xFFFFFFFF), ("bool", True)]
    columns, types = ["a", "b", "c"], [sparks.DOUBLE, sparks.INT32, BOOLEAN]
    inner = metric("in", datatype=sparks.TEMPLATE, extra=sparks.template(metric("y", ("int", 2))))
    metrics = [
        metric("one", datatype=sparks.DATA_SET, extra=sparks.data_set(columns, types, [row])),
        metric("two", datatype=sparks.DATA_SET, extra=sparks.data_set(["a"], [10], [row, row])),
        metric(
            "t", datatype=sparks.TEMPLATE, extra=sparks.template(metric("x", ("int", 1)), inner)
        ),
        metric("d", datatype=sparks.TEMPLATE, extra=sparks.template(inner, defines=True)),
        metric("i", ("bytes", b"\xff\xff\x02\x00"), sparks.INT16_ARRAY),
        metric("b", ("bytes", b"\x03\x00\x00\x00\xa0"), sparks.BOOLEAN_ARRAY),
        metric("s", ("bytes", b"ABC\0\xe6\xb0\xb4\0"), 33),
        metric("f", ("bytes", b"abc"), 18),
    ]
    found = Line().hear("NDATA", payload(*metrics, seq=0, at=AT))
    assert values(found) == {
        "ts": AT,
        "one.a": 1.5,
        "one.b": -1,
        "one.c": True,
        "two.1.a": 1.5,
        "two.2.a": 1.5,
        "t.x": 1,
        "t.in.y": 2,
        "i.1": -1,
        "i.2": 2,
        "b.1": True,
        "b.2": False,
        "b.3": True,
        "s.1": "ABC",
        "s.2": "水",
    }


def test_stored_values_are_told_in_their_own_time_and_in_order(line: Line) -> None:
    stored = [
        metric(said=("int", each), alias=8, at=AT - 1000 * each, historical=True) for each in (1, 2)
    ]
    (one,) = line.hear(
        "DDATA", payload(*stored, metric(said=("int", 3), alias=8), seq=2, at=AT)
    ).told
    assert readings(one) == [
        {"ts": AT - 2000, "Temp": 2},
        {"ts": AT - 1000, "Temp": 1},
        {"ts": AT, "Temp": 3},
    ]


@pytest.mark.parametrize("quality", [0, 500, 64])
def test_a_value_that_its_source_calls_bad_or_stale_is_no_reading(line: Line, quality: int) -> None:
    bad = metric("Temp", ("int", 99), properties={"Quality": ("int", quality)})
    good = metric("Flow", ("int", 5), properties={"Quality": ("int", 192)})
    found = line.hear("DDATA", payload(bad, good, metric("Null", null=True), seq=2, at=AT))
    assert values(found) == {"ts": AT, "Flow": 5}


def test_commands_and_hosts_are_nobodys_business() -> None:
    for topic in (
        "spBv1.0/Plant/NCMD/Boiler Room",
        "spBv1.0/Plant/DCMD/Boiler Room/Pump 1",
        "spBv1.0/STATE/scada-host-1",
        "STATE/scada-host-1",
        "spBv1.0/Plant/NDATA/Boiler Room/Pump 1",
        "spBv1.0/Plant/DDATA/Boiler Room",
        "spBv1.0",
    ):
        assert spoken_to("sparkplug", topic, b"\xff") is None


@pytest.mark.parametrize(
    "body",
    [b"\xff", b"\x12\x05ab", b"\x08", b"\x0b", b"\x12\x02\x0a\xff", b"\x1a\x01a", b"{", b"[1]"],
)
def test_what_is_no_payload_is_a_problem(body: bytes) -> None:
    found = spoken_to("sparkplug", "spBv1.0/Plant/NDATA/Boiler Room", body)
    assert isinstance(found, Problem)
    assert found.reason in ("wrong_shape", "bad_json")


def test_a_broken_part_keeps_what_was_read_before_it() -> None:
    broken = metric("t", datatype=sparks.TEMPLATE, extra=sparks.block(18, b"\xff"))
    found = Line().hear("NBIRTH", born(0, broken, at=AT))
    assert [each.reason for each in found.problems] == ["wrong_shape"]


def test_the_json_of_the_specification_is_read_as_well() -> None:
    told = {"timestamp": AT, "seq": 0, "metrics": [{"name": "x", "dataType": "Int8", "value": -1}]}
    found = Line().hear("NBIRTH", json.dumps(told).encode())
    assert found.told[0].messages[-1] == Spoken("readings", {"ts": AT, "x": -1})


def test_json_says_units_and_quality_and_what_is_null_and_whole_numbers_in_quotes() -> None:
    stale = {"Quality": {"type": "Int32", "value": 500}}
    apart = {"keys": ["engUnit", 5], "values": [{"type": 12, "string_value": "kPa"}, 7]}
    metrics: list[Any] = [
        {"name": "t", "dataType": "Float", "value": 3.5, "properties": stale},
        {"name": "u", "dataType": "Float", "value": 2.5,
         "properties": {"engUnit": {"type": "String", "value": "V"}}},
        {"name": "p", "datatype": 3, "int_value": 310, "properties": apart},
        {"name": "gone", "dataType": "Int32", "value": 0, "isNull": True},
        {"name": "lost", "datatype": 11, "boolean_value": False, "is_null": True},
        {"name": "low", "datatype": 4, "longValue": "18446744073709551611"},
        {"name": "high", "datatype": 8, "long_value": "7000000"},
        {"name": "word", "dataType": "String", "value": "12"},
    ]  # fmt: skip
    body = json.dumps({"timestamp": AT, "seq": 0, "metrics": metrics}).encode()
    found = Line().hear("NBIRTH", body)
    said = {"u": 2.5, "p": 310, "low": -5, "high": 7_000_000, "word": "12"}
    assert values(found) == {"ts": AT, **said}
    (one,) = found.told
    assert one.described is not None
    units = {point.key: point.unit for point in one.described.points if point.unit}
    assert units == {"u": "V", "p": "kPa"}


def test_json_by_the_names_of_protobuf_is_read_as_well() -> None:
    metrics = [
        {"name": "a", "timestamp": str(AT), "datatype": 3, "intValue": 4_294_967_295},
        {"name": "b", "alias": "7", "datatype": 11, "boolean_value": True},
    ]
    told = {"timestamp": str(AT), "seq": "0", "metrics": metrics}
    found = Line().hear("NBIRTH", json.dumps(told).encode())
    assert found.told[0].messages[-1] == Spoken("readings", {"ts": AT, "a": -1, "b": True})


@pytest.mark.parametrize("pack", [zlib.compress, gzip.compress])
def test_a_packed_payload_is_what_is_in_it(line: Line, pack: Callable[[bytes], bytes]) -> None:
    inner = payload(metric(said=("int", 21), alias=8), seq=2, at=AT)
    algorithm = metric("algorithm", ("text", "GZIP"), sparks.STRING)
    body = payload(algorithm, seq=2, at=AT + 5)
    body += sparks.block(4, "SPBV1.0_COMPRESSED") + sparks.block(5, pack(inner))
    found = line.hear("DDATA", body)
    assert (values(found), found.answers) == ({"ts": AT, "Temp": 21}, [])


@pytest.mark.parametrize("packed", [b"", b"abc", zlib.compress(b"a" * 1000)[:-3]])
def test_what_can_not_be_unpacked_is_a_problem(packed: bytes) -> None:
    body = sparks.block(4, "SPBV1.0_COMPRESSED") + sparks.block(5, packed)
    found = spoken_to("sparkplug", "spBv1.0/Plant/NDATA/Boiler Room", body)
    assert isinstance(found, Problem)
    assert found.reason == "wrong_shape"


def test_a_small_message_that_unpacks_to_a_huge_one_is_refused() -> None:
    packed = zlib.compress(bytes(64 * 1024 * 1024), 9)
    body = sparks.block(4, "SPBV1.0_COMPRESSED") + sparks.block(5, packed)
    found = spoken_to("sparkplug", "spBv1.0/Plant/NDATA/Boiler Room", body)
    assert found == Problem(
        "wrong_shape", "not a Sparkplug B payload: what is packed is cut, or too large"
    )


def test_members_of_a_structure_are_described_with_their_units() -> None:
    units = {"Units": ("text", "kPa")}
    members = [
        metric("Pressure", ("float", 210.5), FLOAT, properties=units),
        metric("Running", ("bool", True), BOOLEAN),
    ]
    pump = metric("Pump", datatype=sparks.TEMPLATE, extra=sparks.template(*members))
    kind = metric(
        "_types_/Pump", datatype=sparks.TEMPLATE, extra=sparks.template(*members, defines=True)
    )
    (one,) = Line().hear("NBIRTH", born(0, kind, pump, at=AT)).told
    assert one.described is not None
    assert one.described.points == (
        DescribedPoint("Pump.Pressure", "number", "kPa"),
        DescribedPoint("Pump.Running", "boolean"),
    )
    assert one.messages[-1].fields == {"ts": AT, "Pump.Pressure": 210.5, "Pump.Running": True}


def source_of(wanted: str, **options: Any) -> ForeignSource:
    return ForeignSource("here", wanted, ZoneInfo("UTC"), DECODERS["sparkplug"], options)


@pytest.mark.parametrize(
    ("wanted", "before"),
    [("spBv1.0/#", ""), ("spBv1.0/Plant/#", ""), ("a/b/spBv1.0/#", "a/b/"), ("+/spBv1.0/#", "")],
)
def test_a_source_with_a_host_says_so_where_nodes_look_for_it(wanted: str, before: str) -> None:
    states = list(host_states(source_of(wanted, host="host-1")))
    assert [state.topic for state in states] == [
        f"{before}spBv1.0/STATE/host-1",
        f"{before}STATE/host-1",
    ]
    assert [state.said(online=True, at=AT) for state in states] == [
        f'{{"online":true,"timestamp":{AT}}}'.encode(),
        b"ONLINE",
    ]
    for state in states:
        assert state.offline_since(state.said(online=True, at=AT)) is None
    assert [state.offline_since(state.said(online=False, at=AT)) for state in states] == [AT, 0]
    assert not list(host_states(source_of(wanted)))


@pytest.mark.parametrize("payload", [b"", b"{", b"[]", b'{"online": "no"}', b"\xff"])
def test_what_says_nothing_of_a_host_is_no_death_of_it(payload: bytes) -> None:
    for state in host_states(source_of("spBv1.0/#", host="host-1")):
        assert state.offline_since(payload) is None


def test_a_host_is_one_level_of_a_topic() -> None:
    assert not list(option_faults("sparkplug", {"host": "楼宇-1"}))
    for wrong in ("a/b", "a b", "+", "a#", "", 5):
        assert [name for name, _ in option_faults("sparkplug", {"host": wrong})] == ["host"]


def test_samples_of_the_field() -> None:
    found = spoken_to("sparkplug", *sample("sparkplug_b", "NBIRTH"))
    assert isinstance(found, Decoded)
    (one,) = found.told
    assert one.device == "Sparkplug-B-Devices.Raspberry-Pi"
    assert readings(one) == [{"ts": 1486144502122, "Supply Voltage": 12.1}]
    found = spoken_to("sparkplug", *sample("sparkplug_b", "DBIRTH"))
    assert isinstance(found, Decoded)
    (fields,) = readings(found.told[0])
    assert (fields["Inputs/A"], fields["Outputs/LEDs/Green"]) == (False, False)
    for name in ("NDEATH", "DDEATH"):
        found = spoken_to("sparkplug", *sample("sparkplug_b", name))
        assert isinstance(found, Decoded)
        assert found.told[0].messages == [OFFLINE]
    for name in ("NCMD", "DCMD", "STATE_online"):
        assert spoken_to("sparkplug", *sample("sparkplug_b", name)) is None


@given(body=st.binary(max_size=200), kind=st.sampled_from(["NBIRTH", "NDATA", "DDATA", "NDEATH"]))
def test_no_bytes_make_it_fail(body: bytes, kind: str) -> None:
    device = "/b" if kind[0] == "D" else ""
    assert spoken_to("sparkplug", f"spBv1.0/a/{kind}/b{device}", body) is not None
