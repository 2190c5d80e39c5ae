"""Alibaba Alink: values with times of their own, gateways' batches, and the platform's answers."""

import json
from typing import Any

import pytest

from ingest.decoding import Problem
from ingest.dialects import Decoded, Spoken
from tests.ingest.dialects.following import Following, check, shared

BASE = "/sys/a1Pk/pump-1/thing/event"
POST = f"{BASE}/property/post"
SIMPLE: dict[str, Any] = {
    "id": "123", "version": "1.0", "method": "thing.event.property.post",
    "params": {
        "Power": {"value": "on", "time": 1524448722000},
        "WF": {"value": 23.6, "time": 1524448722000},
        "Old": {"value": 1, "time": 1524448700000},
        "Bare": 7,
    },
}  # fmt: skip
PACK: dict[str, Any] = {
    "id": "9", "version": "1.0", "method": "thing.event.property.pack.post",
    "params": {
        "properties": {"Uptime": {"value": 5, "time": 1524448722000}},
        "events": {"restarted": {"value": {"Reason": 2}, "time": 1524448722000}},
        "subDevices": [
            {
                "identity": {"productKey": "a1Sub", "deviceName": "leak-1"},
                "properties": {"Leak": {"value": 1, "time": 1524448722500}},
            },
            {"identity": {"productKey": "a1Sub"}, "properties": {"Leak": 1}},
        ],
    },
}  # fmt: skip
HISTORY: dict[str, Any] = {
    "id": 5, "version": "1.0", "method": "thing.event.property.history.post",
    "params": [
        {
            "identity": {"productKey": "a1Pk", "deviceName": "pump-1"},
            "properties": [{"WF": {"value": 1, "time": 1000}}, {"WF": {"value": 2, "time": 2000}}],
            "events": [{"stalled": {"value": {}, "time": 1500}}],
        }
    ],
}  # fmt: skip
SESSION = "/ext/session/a1Pk/gw-1/combine"
CHILD = {"productKey": "a1Sub", "deviceName": "leak-1", "clientId": "1"}
SAMPLES = [
    (f"{SESSION}/login", {"id": "1", "params": CHILD}),
    (f"{SESSION}/batch_login", {"id": "1", "params": {"deviceList": [CHILD, {}]}}),
    (f"{SESSION}/batch_logout", {"id": "1", "params": [CHILD]}),
    (POST, SIMPLE),
    (f"{BASE}/fire/post", {"id": "1", "params": {"value": {"Level": 2}, "time": 1524448722000}}),
    (f"{BASE}/property/pack/post", PACK),
    (f"{BASE}/property/history/post", HISTORY),
    (
        f"{BASE}/property/batch/post",
        {"id": "1", "params": {"properties": {"WF": [{"value": 1, "time": 1000}]}}},
    ),
]


@pytest.fixture
def cloud() -> Following:
    return Following("alink", "/sys/+/+/thing/#")


def answer(result: Any) -> tuple[str, dict[str, Any]]:
    assert isinstance(result, Decoded)
    (one,) = result.answers
    return one.topic, json.loads(one.payload)


def test_values_are_told_by_the_time_of_each(cloud: Following) -> None:
    assert cloud.spoken(POST, SIMPLE) == [
        ("a1Pk.pump-1", "readings", {"Bare": 7}),
        ("a1Pk.pump-1", "readings", {"Old": 1, "ts": 1524448700000}),
        ("a1Pk.pump-1", "readings", {"Power": "on", "WF": 23.6, "ts": 1524448722000}),
    ]


def test_the_platforms_answer_is_given_in_its_place(cloud: Following) -> None:
    topic, said = answer(cloud.hear(POST, SIMPLE))
    assert topic == f"{POST}_reply"
    assert said == {
        "code": 200, "data": {}, "id": "123", "message": "success",
        "method": "thing.event.property.post", "version": "1.0",
    }  # fmt: skip
    assert answer(cloud.hear(POST, {**SIMPLE, "id": 7, "sys": {"ack": 1}}))[1]["id"] == 7
    for quiet in ({**SIMPLE, "sys": {"ack": 0}}, {"params": {"WF": 1}}):
        result = cloud.hear(POST, quiet)
        assert isinstance(result, Decoded)
        assert result.answers == []


def test_what_is_refused_is_answered_too(cloud: Following) -> None:
    result = cloud.hear(POST, {"id": "1", "params": 5})
    assert isinstance(result, Decoded)
    assert [problem.reason for problem in result.problems] == ["wrong_shape"]
    assert answer(result)[1]["code"] == 460
    assert isinstance(cloud.hear(POST, b"{"), Problem)


@pytest.mark.parametrize("params", [{"value": {"Level": 2}, "time": 1524448722000}, {"Level": 2}])
def test_an_event_brings_numbers(cloud: Following, params: dict[str, Any]) -> None:
    said = cloud.spoken(f"{BASE}/fire/post", {"id": "1", "params": params})
    when = {"ts": 1524448722000} if "time" in params else {}
    assert said == [
        ("a1Pk.pump-1", "event", {"event": "fire", **when}),
        ("a1Pk.pump-1", "readings", {"fire.Level": 2, **when}),
    ]


def test_a_gateway_speaks_for_its_devices(cloud: Following) -> None:
    result = cloud.hear(f"{BASE}/property/pack/post", PACK)
    assert isinstance(result, Decoded)
    assert [(told.device, told.through) for told in result.told] == [
        ("a1Pk.pump-1", None),
        ("a1Sub.leak-1", "a1Pk.pump-1"),
    ]
    assert [each.fields for each in result.told[0].messages] == [
        {"Uptime": 5, "ts": 1524448722000},
        {"event": "restarted", "ts": 1524448722000},
        {"restarted.Reason": 2, "ts": 1524448722000},
    ]
    assert result.told[1].messages[0].fields == {"Leak": 1, "ts": 1524448722500}
    assert [problem.reason for problem in result.problems] == ["wrong_shape"]


def test_history_is_told_moment_by_moment(cloud: Following) -> None:
    assert [fields for _, _, fields in cloud.spoken(f"{BASE}/property/history/post", HISTORY)] == [
        {"WF": 1, "ts": 1000},
        {"WF": 2, "ts": 2000},
        {"event": "stalled", "ts": 1500},
    ]
    batch = {"properties": {"WF": [{"value": 1, "time": 2000}, {"value": 2, "time": 1000}]}}
    said = cloud.spoken(f"{BASE}/property/batch/post", {"id": "1", "params": batch})
    assert [fields for _, _, fields in said] == [{"WF": 2, "ts": 1000}, {"WF": 1, "ts": 2000}]


def test_structures_and_lists_are_told_under_their_paths(cloud: Following) -> None:
    params = {
        "Geo": {"value": {"lat": 30.1, "lon": 120.2}},
        "List": {"value": [1, 2]},
        "X": {"a": 1},
    }
    assert cloud.reading(POST, {"params": params}) == {
        "Geo.lat": 30.1,
        "Geo.lon": 120.2,
        "List.1": 1,
        "List.2": 2,
        "X.a": 1,
    }


@pytest.mark.parametrize(
    ("wanted", "topic", "device"),
    [
        ("/sys/+/+/thing/#", "/sys/a1/dn/thing/event/property/post", "a1.dn"),
        ("/sys/a1/+/thing/#", "/sys/a1/dn/thing/event/property/post", "dn"),
        ("/sys/a1/dn/#", "/sys/a1/dn/thing/event/property/post", "dn"),
        ("sys/+/+/thing/#", "sys/a1/dn/thing/event/property/post", "a1.dn"),
        ("#", "/sys/a1/dn/thing/event/property/post", "a1.dn"),
    ],
)
def test_a_device_is_its_product_and_name(wanted: str, topic: str, device: str) -> None:
    assert Following("alink", wanted).spoken(topic, {"params": {"a": 1}})[0][0] == device


def test_two_devices_never_become_one(cloud: Following) -> None:
    assert cloud.spoken("/sys/a/b.c/thing/event/property/post", {"params": {"x": 1}})
    result = cloud.hear("/sys/a.b/c/thing/event/property/post", {"params": {"x": 1}})
    assert isinstance(result, Decoded)
    assert [problem.reason for problem in result.problems] == ["unsupported"]


def test_other_requests_are_nobodys_business(cloud: Following) -> None:
    for rest in ("thing/service/property/set", "thing/event/property/post_reply", "thing/topo/add",
                 "thing/deviceinfo/update", "rrpc/request/1"):  # fmt: skip
        assert cloud.hear(f"/sys/a/b/{rest}", {"id": "1", "params": {}}) is None


def test_bytes_of_a_device_wait_for_somebody_who_can_read_them(cloud: Following) -> None:
    found = cloud.hear("/sys/a/b/thing/model/up_raw", b"\x00\xff")
    assert isinstance(found, Problem)
    assert found.reason == "unsupported"


def test_an_event_brings_numbers_in_quotes_as_well(cloud: Following) -> None:
    params = {"value": {"level": "2", "text": "hot"}, "time": 1000}
    assert cloud.spoken(f"{BASE}/fire/post", {"params": params}) == [
        ("a1Pk.pump-1", "event", {"event": "fire", "ts": 1000}),
        ("a1Pk.pump-1", "readings", {"fire.level": 2, "ts": 1000}),
    ]


def test_what_stands_beside_value_and_time_is_left(cloud: Following) -> None:
    params = {"T": {"value": 21.5, "time": 1000, "quality": "good"}}
    assert cloud.reading(POST, {"params": params}) == {"T": 21.5, "ts": 1000}


def test_numbers_and_times_in_quotes_are_taken(cloud: Following) -> None:
    said = {"T": {"value": "21.5", "time": "1524448722000"}, "Sn": {"value": "0012", "time": 1}}
    assert [fields for _, _, fields in cloud.spoken(POST, {"params": said})] == [
        {"Sn": "0012", "ts": 1},
        {"T": 21.5, "ts": 1524448722000},
    ]


@pytest.mark.parametrize(
    ("rest", "params", "online"),
    [
        ("login", CHILD, True),
        ("batch_login", {"deviceList": [CHILD]}, True),
        ("logout", CHILD, False),
        ("batch_logout", [CHILD], False),
    ],
)
def test_a_gateway_says_which_of_its_devices_are_there(
    rest: str, params: Any, online: bool
) -> None:
    gateways = Following("alink", "/ext/session/a1Pk/+/#")
    found = gateways.hear(f"{SESSION}/{rest}", {"id": "7", "params": params})
    assert isinstance(found, Decoded)
    (one,), (answer,) = found.told, found.answers
    assert (one.device, one.through) == ("a1Sub.leak-1", "gw-1")
    assert one.messages == [Spoken("status", {"online": online})]
    assert answer.topic == f"{SESSION}/{rest}_reply"
    assert json.loads(answer.payload)["code"] == 200
    wrong = gateways.hear(f"{SESSION}/{rest}", {"id": "7", "params": {}})
    assert isinstance(wrong, Decoded)
    assert [each.reason for each in wrong.problems] == ["wrong_shape"]
    assert json.loads(wrong.answers[0].payload)["code"] == 460


@pytest.mark.parametrize(
    "sample",
    [
        one
        for one in shared("cloud_platforms")
        if "/sys/$" in one["topic"] or "{prod" in one["topic"]
    ],
    ids=lambda one: str(one["name"]),
)
def test_every_sample_is_decoded(cloud: Following, sample: dict[str, Any]) -> None:
    topic = sample["topic"].replace("${", "").replace("{", "").replace("}", "")
    said = cloud.spoken(topic, sample["payload_raw"].encode())
    assert said == {
        "aliyun_alink_property_post": [
            ("productKey.deviceName", "readings", {"Power": "on", "WF": 23.6, "ts": 1524448722000})
        ],
        "aliyun_alink_simple": [
            (
                "productKey.deviceName",
                "readings",
                {"属性key1": "属性value1", "属性key2": "属性value2"},
            )
        ],
    }.get(sample["name"])


def test_what_is_told_can_be_used(cloud: Following) -> None:
    for topic, said in SAMPLES:
        check(cloud.hear(topic, said))
