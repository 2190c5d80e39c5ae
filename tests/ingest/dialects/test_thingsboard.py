"""ThingsBoard: gateways that name devices, and devices that only their user names."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.decoding import Problem
from ingest.dialects import Decoded, Described, Spoken
from tests.ingest.dialects.following import Following, check, shared

OLD, NEW = 1_795_492_800_000, 1_795_492_801_000

SAMPLES = [
    ("v1/gateway/telemetry", {"Device A": [{"ts": OLD, "values": {"t": 1}}, {"x": True}]}),
    ("v1/gateway/attributes", {"Device A": {"power": 12.5}}),
    ("v1/gateway/connect", {"device": "Meter 1", "type": "meter"}),
    ("v1/gateway/disconnect", {"device": "Meter 1"}),
    ("a/v1/devices/me/telemetry", [{"ts": NEW, "values": {"t": 1}}]),
    ("v1/devices/me/rpc/request/1", {"method": "getSessionLimits"}),
]


@pytest.fixture
def gateway() -> Following:
    return Following("thingsboard", "v1/gateway/#")


def test_a_gateway_tells_of_several_devices_each_by_its_name(gateway: Following) -> None:
    said = {
        "Device A": [
            {"ts": NEW, "values": {"temperature": 43, "ok": True}},
            {"ts": OLD, "values": {"temperature": 42}},
        ],
        "Pump/2": [{"ts": OLD, "values": {"mode": "auto", "deep": {"x": [1, {"y": 2}]}}}],
    }
    assert gateway.spoken("v1/gateway/telemetry", said) == [
        ("Device-A", "readings", {"ts": OLD, "temperature": 42}),
        ("Device-A", "readings", {"ts": NEW, "temperature": 43, "ok": True}),
        ("Pump.2", "readings", {"ts": OLD, "mode": "auto", "deep.x.1": 1, "deep.x.2.y": 2}),
    ]
    # Another name that would get the same code is not taken for the same device.
    found = gateway.hear("v1/gateway/telemetry", {"Device-A": [{"t": 1}], "Device B": [{"t": 2}]})
    assert isinstance(found, Decoded)
    assert [each.reason for each in found.problems] == ["unsupported"]
    assert [each.device for each in found.told] == ["Device-B"]


@pytest.mark.parametrize(
    "said",
    [
        [{"t": 1}],
        {"t": 1},
        [[{"t": 1}]],
        [[[{"t": 1}]]],
        [{"values": {"t": 1}, "ts": None}],
    ],
)
def test_telemetry_in_every_shape_that_gateways_send(gateway: Following, said: Any) -> None:
    assert gateway.reading("v1/gateway/telemetry", {"a": said}) == {"t": 1}


def test_what_is_good_of_a_message_is_kept(gateway: Following) -> None:
    found = gateway.hear("v1/gateway/telemetry", {"a": [{"t": 1}, 5, "x"], "b": None})
    assert isinstance(found, Decoded)
    assert [each.reason for each in found.problems] == ["wrong_shape", "wrong_shape"]
    assert found.told[0].messages == [Spoken("readings", {"t": 1})]


def test_a_device_comes_and_goes_with_its_gateway() -> None:
    source = Following("thingsboard", "tb/+/v1/gateway/#")
    (one,) = source.told("tb/gw-1/v1/gateway/connect", {"device": "Meter 1", "type": "meter"})
    assert (one.device, one.through) == ("Meter-1", "gw-1")
    assert one.messages == [Spoken("status", {"online": True})]
    assert one.described == Described("Meter 1", model="meter")
    (one,) = source.told("tb/gw-1/v1/gateway/connect", {"device": "Meter 1", "type": "default"})
    assert one.described == Described("Meter 1")
    (one,) = source.told("tb/gw-1/v1/gateway/disconnect", {"device": "Meter 1"})
    assert one.messages == [Spoken("status", {"online": False})]
    assert isinstance(source.hear("tb/gw-1/v1/gateway/connect", {"device": ""}), Problem)


def test_attributes_are_readings_of_now_and_those_of_the_server_are_left(
    gateway: Following,
) -> None:
    said = {"a": {"power": 12.5, "firmware": "1.0"}}
    assert gateway.reading("v1/gateway/attributes", said) == {"power": 12.5, "firmware": "1.0"}
    assert gateway.hear("v1/gateway/attributes", {"device": "a", "data": {"x": 1}}) is None


@pytest.mark.parametrize(
    ("wanted", "topic", "device"),
    [
        ("+/v1/devices/me/+", "pump-7/v1/devices/me/telemetry", "pump-7"),
        ("tb/site-1/+/v1/devices/me/#", "tb/site-1/pump 7/v1/devices/me/telemetry", "pump-7"),
        ("pump-7/v1/devices/me/telemetry", "pump-7/v1/devices/me/telemetry", "pump-7"),
    ],
)
def test_a_device_is_the_user_that_the_broker_put_before_the_topic(
    wanted: str, topic: str, device: str
) -> None:
    source = Following("thingsboard", wanted)
    assert source.spoken(topic, {"ts": NEW, "values": {"t": 1}}) == [
        (device, "readings", {"ts": NEW, "t": 1})
    ]


def test_a_device_whose_user_nobody_tells_is_quarantined_with_that_reason() -> None:
    source = Following("thingsboard", "v1/devices/me/#")
    for topic in (
        "v1/devices/me/telemetry",
        "v1/devices/me/attributes",
        "/v1/devices/me/telemetry",
    ):
        found = source.hear(topic, {"t": 1})
        assert isinstance(found, Problem)
        assert found.reason == "no_identity"


def test_a_value_called_ts_is_a_time_only_beside_values(gateway: Following) -> None:
    assert gateway.reading("v1/gateway/telemetry", {"a": [{"ts": OLD, "t": 1}]}) == {"t": 1}


def test_numbers_in_quotes_are_numbers_as_thingsboard_takes_them(gateway: Following) -> None:
    values = {"t": "25.5", "far": "-1e3", "on": "true", "id": "007", "sim": "89860400000000000001"}
    said = {"a": [{"ts": str(OLD), "values": values}]}
    assert gateway.reading("v1/gateway/telemetry", said) == {
        "ts": OLD,
        "t": 25.5,
        "far": -1000,
        "on": True,
        "id": "007",
        "sim": "89860400000000000001",
    }


def test_texts_that_say_that_there_is_no_value_are_no_readings(gateway: Following) -> None:
    values = {"a": "unavailable", "b": "NaN", "c": " ", "d": "null", "e": None, "alarm": "none"}
    said = {"dev": values}
    assert gateway.reading("v1/gateway/attributes", said) == {"alarm": "none"}
    assert gateway.reading("v1/gateway/telemetry", said) == {"alarm": "none"}


def test_values_without_a_time_are_of_now(gateway: Following) -> None:
    said = {"dev": [{"values": {"t": 45.1}}]}
    assert gateway.reading("v1/gateway/telemetry", said) == {"t": 45.1}


def test_a_device_is_offered_by_its_name_where_its_code_is_another(gateway: Following) -> None:
    found = gateway.hear("v1/gateway/telemetry", {"1号 泵": {"t": 1}, "pump-2": {"t": 2}})
    assert isinstance(found, Decoded)
    assert [(one.device, one.described) for one in found.told] == [
        ("1号-泵", Described(name="1号 泵")),
        ("pump-2", None),
    ]


@pytest.mark.parametrize("topic", ["b/v2/t", "b/v2/t/j", "b/v2/a", "b/v2/a/j"])
def test_short_topics_are_those_of_a_device(topic: str) -> None:
    boards = Following("thingsboard", "+/v2/#")
    assert boards.spoken(topic, {"t": 1}) == [("b", "readings", {"t": 1})]
    assert boards.hear("b/v2/fw", {"t": 1}) is None


def test_calls_claims_and_answers_are_nobodys_business(gateway: Following) -> None:
    for topic in (
        "v1/gateway/rpc",
        "v1/gateway/claim",
        "v1/gateway/attributes/request",
        "v1/gateway/attributes/response",
        "v1/devices/me/rpc/request/1",
        "v1/devices/me/attributes/response/1",
        "telemetry",
    ):
        assert gateway.hear(topic, b"\xff") is None


def test_a_gateway_that_asks_how_much_it_may_send_is_told(gateway: Following) -> None:
    asked = {"method": "getSessionLimits", "params": {"timeout": 5000}}
    found = gateway.hear("gw-1/v1/devices/me/rpc/request/7", asked)
    assert isinstance(found, Decoded)
    (answer,) = found.answers
    assert answer.topic == "gw-1/v1/devices/me/rpc/response/7"
    assert "rateLimits" in json.loads(answer.payload)
    assert gateway.hear("v1/devices/me/rpc/request/7", {"method": "getTime"}) is None
    assert gateway.hear("v1/devices/me/rpc/request/7", b"\xff") is None


@pytest.mark.parametrize(
    ("payload", "reason"), [(b"{", "bad_json"), (b"[]", "wrong_shape"), (b"\xff", "not_utf8")]
)
def test_what_is_no_message_is_a_problem(gateway: Following, payload: bytes, reason: str) -> None:
    found = gateway.hear("v1/gateway/telemetry", payload)
    assert isinstance(found, Problem)
    assert found.reason == reason


@pytest.mark.parametrize("topic", ["b/v2/t/p", "b/v2/a/p"])
def test_protobuf_of_a_device_profile_is_not_lost_silently(topic: str) -> None:
    found = Following("thingsboard", "#").hear(topic, b"\x08\x2a")
    assert isinstance(found, Problem)
    assert found.reason == "unsupported"


def test_samples_of_the_field() -> None:
    seen: dict[str, Any] = {}
    for each in shared("thingsboard"):
        prefix = "user-1/" if "devices/me" in each["topic"] else ""
        source = Following("thingsboard", "#")
        topic = prefix + each["topic"]
        seen[each["name"]] = source.spoken(topic, each["payload_raw"].encode())
        assert prefix == "" or isinstance(source.hear(each["topic"], {"t": 1}), Problem)
    if not seen:
        pytest.skip("no samples beside the checkout")
    assert [row[0] for row in seen["gateway_telemetry"]] == ["Device-A", "Device-A", "Device-B"]
    assert seen["gateway_telemetry"][0][2] == {
        "ts": 1483228800000,
        "temperature": 42,
        "humidity": 80,
    }
    assert seen["telemetry_array"] == [
        ("user-1", "readings", {"key1": "value1"}),
        ("user-1", "readings", {"key2": True}),
    ]
    assert seen["telemetry_types"][0][2]["jsonKey.someNestedObject.key"] == "value"
    assert seen["attributes"][0][2] == {"attribute1": "value1", "attribute2": True}
    assert seen["gateway_connect"] == [("Device-A", "status", {"online": True})]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["ts", "values", "device", "type", "x y", ""]), inner)
    ),
    max_leaves=12,
)


@given(said=JSON, kind=st.sampled_from(["telemetry", "attributes", "connect", "disconnect"]))
def test_no_json_makes_it_fail(said: Any, kind: str) -> None:
    check(Following("thingsboard").hear(f"v1/gateway/{kind}", said))
    check(Following("thingsboard").hear(f"a/v1/devices/me/{kind}", said))
