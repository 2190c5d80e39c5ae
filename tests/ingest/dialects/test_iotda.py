"""Huawei IoTDA: services, compact times, gateways and what they wait for."""

import json
from typing import Any

import pytest

from core.codes import topic_filter_fault
from ingest.decoding import Problem
from ingest.dialects import Decoded, Described
from tests.ingest.dialects.following import Following, check, shared

BASE = "$oc/devices/5e06bfee_gw/sys"
REPORT = f"{BASE}/properties/report"
SERVICES = [
    {"service_id": "Air", "properties": {"t": 21.5, "ok": True}, "event_time": "20151212T121212Z"},
    {"service_id": "Cell", "properties": {"battery": 90}},
]
STATUSES = {
    "object_device_id": "5e06bfee_gw",
    "services": [
        {
            "service_id": "$sub_device_manager",
            "event_type": "sub_device_update_status",
            "event_time": "20151212T121212Z",
            "paras": {
                "device_statuses": [
                    {"device_id": "leak-1", "status": "OFFLINE"},
                    {"device_id": "leak-2", "status": "ONLINE"},
                    {"device_id": 7, "status": "ONLINE"},
                ]
            },
        }
    ],
}
FIRE = {
    "object_device_id": "smoke-1",
    "services": [
        {
            "service_id": "Smoke",
            "event_type": "fire",
            "event_time": "2015-12-12T12:12:12.219Z",
            "paras": {"level": 2, "text": "hot"},
        },
        {"service_id": "$time_sync", "event_type": "time_sync_request", "paras": {}},
    ],
}
PUSHED: dict[str, Any] = {
    "resource": "device.property",
    "event": "report",
    "event_time": "20151212T121213Z",
    "request_id": "3f",
    "notify_data": {
        "header": {
            "app_id": "a",
            "device_id": "p1_leak-1",
            "node_id": "leak-1",
            "product_id": "p1",
            "gateway_id": "p1_gw",
        },
        "body": {"services": SERVICES},
    },
}
OLD = "/huawei/v1/devices/gw-1/data/json"
SAMPLES = [
    ("http/b1/huawei", PUSHED),
    (OLD, {"msgType": "deviceReq", "data": [{"serviceId": "A", "serviceData": {"t": 1}}]}),
    (OLD, {"msgType": "deviceReq", "devices": [{"deviceId": "d", "services": []}]}),
    (REPORT, {"services": SERVICES}),
    (
        f"{BASE}/gateway/sub_devices/properties/report",
        {"devices": [{"device_id": "leak-1", "services": SERVICES}]},
    ),
    (f"{BASE}/events/up", STATUSES),
    (f"{BASE}/events/up", FIRE),
    (f"{BASE}/messages/up", {"id": "1", "name": "n", "content": {"t": 1}}),
]


@pytest.fixture
def cloud() -> Following:
    return Following("iotda", "$oc/devices/#")


def test_services_are_told_each_at_its_time(cloud: Following) -> None:
    when = {"ts": "2015-12-12T12:12:12+00:00"}
    assert cloud.spoken(REPORT, {"services": SERVICES}) == [
        ("5e06bfee_gw", "readings", {"Air.t": 21.5, "Air.ok": True, **when}),
        ("5e06bfee_gw", "readings", {"Cell.battery": 90}),
    ]


@pytest.mark.parametrize(
    ("said", "ts"),
    [
        ("20151212T121212Z", "2015-12-12T12:12:12+00:00"),
        ("2015-12-12T12:12:12.219Z", "2015-12-12T12:12:12.219Z"),
        ("soon", "soon"),
        ("", None),
        (None, None),
    ],
)
def test_times_are_made_iso(cloud: Following, said: Any, ts: Any) -> None:
    services = [{"service_id": "Air", "properties": {"t": 1}, "event_time": said}]
    assert cloud.reading(REPORT, {"services": services}).get("ts") == ts


def test_a_gateway_speaks_for_its_devices(cloud: Following) -> None:
    topic = f"{BASE}/gateway/sub_devices/properties/report"
    devices = [
        {"device_id": "leak-1", "services": SERVICES[1:]},
        {"device_id": "5e06bfee_gw", "services": SERVICES[1:]},
        {"device_id": "leak-2"},
    ]
    result = cloud.hear(topic, {"devices": devices})
    assert isinstance(result, Decoded)
    assert [(told.device, told.through) for told in result.told] == [
        ("leak-1", "5e06bfee_gw"),
        ("5e06bfee_gw", None),
    ]
    assert [problem.reason for problem in result.problems] == ["wrong_shape"]
    assert result.answers == []


def test_an_event_is_told_of_its_device_with_its_numbers(cloud: Following) -> None:
    when = {"ts": "2015-12-12T12:12:12.219Z"}
    assert cloud.spoken(f"{BASE}/events/up", FIRE) == [
        ("smoke-1", "event", {"event": "Smoke.fire", **when}),
        ("smoke-1", "readings", {"Smoke.fire.level": 2, **when}),
    ]


def test_who_is_there_is_told_and_answered(cloud: Following) -> None:
    result = cloud.hear(f"{BASE}/events/up", STATUSES)
    assert isinstance(result, Decoded)
    assert [(told.device, told.messages[0].fields) for told in result.told] == [
        ("leak-1", {"online": False}),
        ("leak-2", {"online": True}),
    ]
    (answer,) = result.answers
    assert answer.topic == f"{BASE}/events/down"
    (service,) = json.loads(answer.payload)["services"]
    assert service["event_type"] == "sub_device_update_status_response"
    assert [one["device_id"] for one in service["paras"]["successful_devices"]] == [
        "leak-1",
        "leak-2",
    ]


def test_the_content_of_a_message_is_read_where_it_can_be(cloud: Following) -> None:
    topic = f"{BASE}/messages/up"
    said = {"object_device_id": None, "name": "n", "id": "1", "content": {"t": 1, "deep": {"x": 2}}}
    assert cloud.reading(topic, said) == {"t": 1, "deep.x": 2}
    assert cloud.reading(topic, {"t": 1, "id": "1"}) == {"t": 1}
    result = cloud.hear(topic, {"content": "01 03 02"})
    assert isinstance(result, Decoded)
    assert [problem.reason for problem in result.problems] == ["unsupported"]


@pytest.mark.parametrize("said", [{}, {"services": 5}, {"services": {}}])
def test_a_report_without_services_is_quarantined(cloud: Following, said: Any) -> None:
    for rest in ("properties/report", "events/up", "gateway/sub_devices/properties/report"):
        result = cloud.hear(f"{BASE}/{rest}", said)
        assert isinstance(result, Decoded)
        assert [problem.reason for problem in result.problems] == ["wrong_shape"]
    assert isinstance(cloud.hear(REPORT, b"{"), Problem)


def test_commands_and_shadows_are_nobodys_business(cloud: Following) -> None:
    for rest in ("commands/response/request_id=1", "properties/get/response/request_id=1",
                 "shadow/get/request_id=1", "messages/down"):  # fmt: skip
        assert cloud.hear(f"{BASE}/{rest}", {"services": []}) is None
    assert cloud.hear("$oc/devices/x/user/data", {"t": 1}) is None


def test_a_source_may_take_these_topics() -> None:
    assert topic_filter_fault("$oc/devices/#") is None
    assert topic_filter_fault("$SYS/#") is not None


@pytest.mark.parametrize(
    "sample",
    [one for one in shared("cloud_platforms") if one["topic"].startswith("$oc/")],
    ids=lambda one: str(one["name"]),
)
def test_every_sample_is_decoded(cloud: Following, sample: dict[str, Any]) -> None:
    assert cloud.spoken(sample["topic"], sample["payload_raw"].encode()) == [
        ("{device_id}", "readings", {"Temperature.value": 57, "Temperature.value2": 60})
    ]


def test_what_is_told_can_be_used(cloud: Following) -> None:
    for topic, said in SAMPLES:
        check(cloud.hear(topic, said))


def test_what_the_platform_pushes_is_read_out_of_its_envelope() -> None:
    pushing = Following("iotda", "http/b1/huawei/#")
    found = pushing.hear("http/b1/huawei", PUSHED)
    assert isinstance(found, Decoded)
    (one,) = found.told
    assert (one.device, one.through) == ("p1_leak-1", "p1_gw")
    assert one.described == Described(name="leak-1", model="p1")
    when = {"ts": "2015-12-12T12:12:12+00:00"}
    assert [each.fields for each in one.messages] == [
        {"Air.t": 21.5, "Air.ok": True, **when},
        # What tells no time of its own is of when the platform heard it, and not of when it passed
        # it on, which it tries again where nobody took it.
        {"Cell.battery": 90, "ts": "2015-12-12T12:12:13+00:00"},
    ]
    header = PUSHED["notify_data"]["header"]
    message = {
        **PUSHED,
        "resource": "device.message",
        "event_time_ms": "2015-12-12T12:12:13.480Z",
        "notify_data": {"header": header, "body": {"topic": "up", "content": {"level": 3}}},
    }
    (_, _, fields), *_ = pushing.spoken("http/b1/huawei", message)
    assert (fields["level"], fields["ts"]) == (3, "2015-12-12T12:12:13.480Z")


@pytest.mark.parametrize(
    ("status", "told"), [("ONLINE", [True]), ("OFFLINE", [False]), ("ABNORMAL", [])]
)
def test_the_platform_pushes_who_is_there(status: str, told: list[bool]) -> None:
    data = {"header": {"device_id": "d1", "gateway_id": "d1"}}
    body = {"status": status, "status_update_time": "2015-12-12T12:12:12.815Z"}
    # The body stands within the data, but beside it in the platform's own example.
    for said in ({"notify_data": {**data, "body": body}}, {"notify_data": data, "body": body}):
        pushed = {"resource": "device.status", "event": "update", **said}
        spoken = Following("iotda", "http/#").spoken("http/b1/huawei", pushed)
        assert spoken == [("d1", "status", {"online": each}) for each in told]


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({**PUSHED, "resource": "device.command.status"}, None),
        ({"hello": 1}, "wrong_shape"),
        ({**PUSHED, "notify_data": {"header": {}, "body": {}}}, "wrong_shape"),
        (b"{", "bad_json"),
    ],
)
def test_other_pushes_are_left_or_say_what_is_wrong(said: Any, reason: str | None) -> None:
    found = Following("iotda", "http/#").hear("http/b1/huawei", said)
    assert (found.reason if isinstance(found, Problem) else found) == reason


def test_devices_of_the_older_interface_are_read() -> None:
    old = Following("iotda", "/huawei/v1/devices/#")
    own = {"serviceId": "Tank", "serviceData": {"level": "1.5"}, "eventTime": "20151212T121212Z"}
    level = {"Tank.level": 1.5, "ts": "2015-12-12T12:12:12+00:00"}
    assert old.spoken(OLD, {"msgType": "deviceReq", "data": [own]}) == [("gw-1", "readings", level)]
    behind = {"deviceId": "leak-1", "services": [{"serviceId": "Leak", "data": {"wet": 1}}]}
    found = old.hear(OLD, {"msgType": "deviceReq", "devices": [behind]})
    assert isinstance(found, Decoded)
    assert [(one.device, one.through) for one in found.told] == [("leak-1", "gw-1")]
    assert old.hear(OLD, {"msgType": "deviceRsp"}) is None


def test_an_event_brings_numbers_in_quotes_as_well(cloud: Following) -> None:
    fire = {"service_id": "S", "event_type": "fire", "paras": {"level": "2", "text": "hot"}}
    said = {"services": [{**fire, "eventTime": "20151212T121212Z"}]}
    when = {"ts": "2015-12-12T12:12:12+00:00"}
    assert cloud.spoken(f"{BASE}/events/up", said) == [
        ("5e06bfee_gw", "event", {"event": "S.fire", **when}),
        ("5e06bfee_gw", "readings", {"S.fire.level": 2, **when}),
    ]


def test_a_message_whose_content_is_json_as_a_text_is_read(cloud: Following) -> None:
    said = {"content": '{"t": "21.5", "mode": "auto"}'}
    assert cloud.reading(f"{BASE}/messages/up", said) == {"t": 21.5, "mode": "auto"}
