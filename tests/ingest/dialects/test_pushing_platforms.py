"""What OneNET and CTWing push: properties, events, online, and what is nobody's business."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.codes import topic_filter_fault
from ingest.decoding import Problem
from ingest.dialects import DECODERS, Decoded, Described, Spoken, Told
from tests.ingest.dialects.speaking import spoken_to, told

NOTIFIED: dict[str, Any] = {
    "projectId": "990909090",
    "productId": "00001",
    "deviceName": "iot-0001",
    "messageType": "notify",
    "notifyType": "property",
    "data": {
        "id": "12345",
        "params": {
            "Power": {"value": "on", "time": 1524448722123},
            "WF": {"value": 23.6, "time": 1524448722123},
            "Later": {"value": {"x": 1}, "time": 1524448799000},
        },
    },
}
REPORTED: dict[str, Any] = {
    "upPacketSN": -1,
    "topic": "v1/up/ad19prof",
    "timestamp": 1606982320277,
    "tenantId": "10461180",
    "protocol": "lwm2m",
    "productId": "15014772",
    "payload": {
        "serviceId": "notification",
        "serviceData": {"TData": 30, "SNR": 1, "Battery_Level": 100, "Alarm_Status": 2},
    },
    "messageType": "dataReport",
    "deviceId": "acf7baaee65e431eadfb8f5fe50e8b81",
    "IMSI": "undefined",
    "IMEI": "860374051096202",
}


def onenet(document: Any) -> Any:
    return spoken_to("onenet", "http/site/onenet", document)


def ctwing(document: Any, **options: Any) -> Any:
    return spoken_to("ctwing", "http/site/ctwing", document, **options)


def test_properties_of_onenet_have_their_own_times() -> None:
    one = told(onenet(NOTIFIED))
    assert (one.device, one.messages) == (
        "iot-0001",
        [
            Spoken("readings", {"ts": 1524448722123, "Power": "on", "WF": 23.6}),
            Spoken("readings", {"ts": 1524448799000, "Later.x": 1}),
        ],
    )


def test_events_of_onenet_are_told_with_what_stands_beside() -> None:
    params = {"overheat": {"value": {"temp": 99}, "time": 1524448722123}}
    event = {**NOTIFIED, "notifyType": "event", "data": {"params": params}}
    fields = {"ts": 1524448722123, "overheat": True, "overheat.temp": 99}
    assert told(onenet(event)).messages == [Spoken("readings", fields)]


@pytest.mark.parametrize(("status", "online"), [("online", True), ("offline", False)])
def test_onenet_tells_who_is_there(status: str, online: bool) -> None:
    lived = {**NOTIFIED, "messageType": "lifeCycle", "data": {"status": status}}
    assert told(onenet(lived)).messages == [Spoken("status", {"online": online})]


def test_data_streams_of_onenet_may_come_as_a_list() -> None:
    listed = [
        {"at": "1466133706841", "type": 1, "ds_id": "temp", "value": 42, "dev_id": 2016617},
        {"at": 1466133706841, "type": 2, "status": 1, "login_type": 7, "dev_id": 2016618},
        {"type": 7, "dev_id": 2016617},
    ]
    found = onenet(listed)
    assert isinstance(found, Decoded)
    assert found.told == [
        Told("2016617", [Spoken("readings", {"ts": 1466133706841, "temp": 42})]),
        Told("2016618", [Spoken("status", {"online": True})]),
    ]


def test_numbers_and_times_in_quotes_are_taken() -> None:
    stream = {
        "at": "1466133706841",
        "type": 1,
        "ds_id": "3303_0_5700",
        "value": "25.6",
        "imei": "86",
    }
    fields = {"ts": 1466133706841, "3303_0_5700": 25.6}
    assert told(onenet(stream)).messages == [Spoken("readings", fields)]
    params = {"WF": {"value": "2", "time": "1524448722123"}, "Sn": {"value": "007"}}
    notified = {**NOTIFIED, "data": {"params": params}}
    assert [each.fields for each in told(onenet(notified)).messages] == [
        {"ts": 1524448722123, "WF": 2},
        {"Sn": "007"},
    ]
    said = {**REPORTED, "timestamp": "1606982320277", "payload": {"level": "1.5", "ok": "true"}}
    fields = {"ts": 1606982320277, "level": 1.5, "ok": True}
    assert told(ctwing(said)).messages == [Spoken("readings", fields)]


def test_what_was_written_as_a_text_or_as_a_list_is_read() -> None:
    for payload in (
        '{"level": 1.5, "run": "1"}',
        [{"serviceData": {"level": 1.5}}, {"serviceId": "x", "serviceData": '{"run": 1}'}],
    ):
        said = told(ctwing({**REPORTED, "payload": payload}))
        assert said.messages[0].fields == {"ts": 1606982320277, "level": 1.5, "run": 1}
    event = {**REPORTED, "messageType": "eventReport", "serviceId": 7, "eventContent": '{"a": 1}'}
    assert told(ctwing(event)).messages[0].fields == {"ts": 1606982320277, "event.7": True, "a": 1}


@pytest.mark.parametrize("inner", [NOTIFIED, json.dumps(NOTIFIED), [NOTIFIED]])
def test_an_envelope_of_onenet_that_was_not_opened_is(inner: Any) -> None:
    enveloped = {"msg": inner, "nonce": "abc", "signature": "x", "time": 1, "id": "1"}
    assert told(onenet(enveloped)) == told(onenet(NOTIFIED))
    sealed = onenet({**enveloped, "msg": "bm90IGpzb24="})
    assert isinstance(sealed, Problem)
    assert sealed.reason == "unsupported"


def test_a_device_is_offered_by_what_is_printed_on_it() -> None:
    assert told(onenet(NOTIFIED)).described == Described(name="iot-0001", model="00001")
    assert told(ctwing(REPORTED)).described == Described(name="860374051096202", model="15014772")
    by_serial = {**REPORTED, "deviceSn": "SN-1", "IMEI": "undefined"}
    assert told(ctwing(by_serial)).described == Described(name="SN-1", model="15014772")


@pytest.mark.parametrize(
    ("dialect", "document", "key"),
    [("onenet", NOTIFIED, "deviceName"), ("ctwing", REPORTED, "deviceId")],
)
def test_two_names_never_become_one_device(dialect: str, document: Any, key: str) -> None:
    first = spoken_to(dialect, "http/x", {**document, key: "1 a"})
    assert isinstance(first, Decoded)
    assert told(first).device == "1-a"
    again = spoken_to(dialect, "http/x", {**document, key: "1-a"}, dict(first.remember))
    [problem] = again.problems if isinstance(again, Decoded) else [again]
    assert isinstance(problem, Problem)
    assert problem.reason == "unsupported"


POSTED = "$sys/p1/pump-1"
PARAMS = {"Power": {"value": "on", "time": 1524448722123}, "WF": {"value": "3"}}
HAPPENED = {"fire": {"value": {"level": "2"}, "time": 1524448722000}}
CHILD = {"productID": "p2", "deviceName": "leak-1"}


@pytest.mark.parametrize(
    ("rest", "said", "devices"),
    [
        (
            "thing/property/post",
            {"params": PARAMS},
            {"pump-1": [{"ts": 1524448722123, "Power": "on"}, {"WF": 3}]},
        ),
        (
            "thing/event/post",
            {"params": HAPPENED},
            {"pump-1": [{"ts": 1524448722000, "fire": True, "fire.level": 2}]},
        ),
        (
            "thing/pack/post",
            {
                "params": [
                    {"properties": {"a": {"value": 1}}},
                    {"identity": CHILD, "events": HAPPENED},
                ]
            },
            {
                "pump-1": [{"a": 1}],
                "leak-1": [{"ts": 1524448722000, "fire": True, "fire.level": 2}],
            },
        ),
        (
            "thing/history/post",
            {
                "params": [
                    {
                        "identity": CHILD,
                        "properties": {"WF": [{"value": 2, "time": 20}, {"value": 1, "time": 10}]},
                    }
                ]
            },
            {"leak-1": [{"ts": 10, "WF": 1}, {"ts": 20, "WF": 2}]},
        ),
        (
            "dp/post/json",
            {"dp": {"t": [{"v": 30, "t": 1551183242}], "p": [{"v": 4.5}]}},
            {"pump-1": [{"ts": 1551183242, "t": 30}, {"p": 4.5}]},
        ),
        ("thing/sub/login", {"params": CHILD}, {"leak-1": [{"online": True}]}),
        ("thing/sub/logout", {"params": CHILD}, {"leak-1": [{"online": False}]}),
    ],
)
def test_devices_made_for_onenet_speak_to_a_broker_of_ours(
    rest: str, said: Any, devices: dict[str, list[Any]]
) -> None:
    found = spoken_to("onenet", f"{POSTED}/{rest}", {"id": "123", **said}, wanted="$sys/#")
    assert isinstance(found, Decoded)
    assert not found.problems
    assert {one.device: [each.fields for each in one.messages] for one in found.told} == devices
    assert {one.through for one in found.told if one.device != "pump-1"} <= {"pump-1"}
    (answer,) = found.answers
    ending = "accepted" if rest.startswith("dp") else "reply"
    assert answer.topic == f"{POSTED}/{rest}/{ending}"
    assert json.loads(answer.payload)["id"] == "123"


def test_a_source_may_listen_to_devices_made_for_onenet() -> None:
    assert topic_filter_fault("$sys/#") is None
    assert topic_filter_fault("$SYS/#") is not None


@pytest.mark.parametrize(
    ("rest", "said", "reason"),
    [
        ("thing/property/set_reply", {"id": "1"}, None),
        ("thing/property/post", {"params": []}, "wrong_shape"),
        ("thing/pack/post", {"params": [{"identity": {}, "properties": PARAMS}]}, "wrong_shape"),
        ("thing/event/post", b"{", "bad_json"),
    ],
)
def test_what_else_devices_made_for_onenet_say(rest: str, said: Any, reason: str | None) -> None:
    found = spoken_to("onenet", f"{POSTED}/{rest}", said, wanted="$sys/#")
    if isinstance(found, Decoded):
        [found] = found.problems
    assert (found.reason if isinstance(found, Problem) else found) == reason


def test_ctwing_tells_what_its_model_explains() -> None:
    one = told(ctwing(REPORTED))
    assert one.device == "acf7baaee65e431eadfb8f5fe50e8b81"
    assert one.messages[0].fields == {
        "ts": 1606982320277,
        "TData": 30,
        "SNR": 1,
        "Battery_Level": 100,
        "Alarm_Status": 2,
    }
    assert told(ctwing(REPORTED, device="IMEI")).device == "860374051096202"
    plain = {**REPORTED, "payload": {"valve_state": 2, "gas_value": 0}}
    assert told(ctwing(plain)).messages[0].fields["valve_state"] == 2


def test_ctwing_tells_events_and_who_is_there() -> None:
    event = {**REPORTED, "messageType": "eventReport", "serviceId": 1002, "eventType": 2}
    event["eventContent"] = {"battery_voltage": 1, "battery_state": 1}
    assert told(ctwing(event)).messages[0].fields == {
        "ts": 1606982320277,
        "event.1002": True,
        "battery_voltage": 1,
        "battery_state": 1,
    }
    online = {**REPORTED, "messageType": "deviceOnlineOfflineReport", "eventType": 1}
    assert told(ctwing(online)).messages == [Spoken("status", {"online": True})]


def test_who_is_there_at_ctwing_goes_by_the_imei_that_its_data_brought() -> None:
    """Of who is there CTWing says the IMEI in small letters, or not at all."""
    data = ctwing(REPORTED, device="IMEI")
    imei = told(data).device
    gone = {
        "timestamp": 1606982399000,
        "productId": "15014772",
        "messageType": "deviceOnlineOfflineReport",
        "iccid": "undefined",
        "eventType": 0,
        "deviceId": REPORTED["deviceId"],
    }
    memory = dict(data.remember)
    silent = spoken_to("ctwing", "http/site/ctwing", gone, memory, device="IMEI")
    assert told(silent).device == imei
    assert told(silent).messages == [Spoken("status", {"online": False})]
    small = {**gone, "imei": imei}
    assert told(ctwing(small, device="IMEI")).device == imei
    # Nothing is remembered again, and nothing where devices go by their id.
    again = spoken_to("ctwing", "http/site/ctwing", REPORTED, memory, device="IMEI")
    assert isinstance(again, Decoded)
    assert not again.remember
    assert not ctwing(REPORTED).remember
    assert told(ctwing(small)).device == REPORTED["deviceId"]


@pytest.mark.parametrize(
    ("dialect", "document", "reason"),
    [
        ("onenet", {"messageType": "reply"}, None),
        ("onenet", {"messageType": "sceneLog"}, None),
        ("onenet", {"type": 7}, None),
        ("onenet", {"hello": 1}, "wrong_shape"),
        ("onenet", {**NOTIFIED, "deviceName": ""}, "wrong_shape"),
        ("onenet", {**NOTIFIED, "data": {}}, "wrong_shape"),
        ("onenet", b"{", "bad_json"),
        ("onenet", 5, "wrong_shape"),
        ("ctwing", {"messageType": "commandResponse"}, None),
        ("ctwing", {**REPORTED, "messageType": "other"}, "unsupported"),
        ("ctwing", {**REPORTED, "payload": {"APPdata": "UFUAPA=="}}, "unsupported"),
        ("ctwing", {"messageType": "dataReport", "IMEI": "undefined"}, "wrong_shape"),
        ("ctwing", [], "wrong_shape"),
    ],
)
def test_what_is_of_no_use_says_why_or_is_left(
    dialect: str, document: Any, reason: str | None
) -> None:
    found = spoken_to(dialect, "http/x", document)
    if isinstance(found, Decoded):
        [found] = found.problems
    assert (found.reason if isinstance(found, Problem) else found) == reason


def test_the_bytes_of_a_ctwing_device_are_read_by_a_mapping() -> None:
    raw = base64.b64encode(b"\x07\x00\xeb").decode()
    document = {
        "only": {"{$.messageType}": "dataReport"},
        "payload": "bytes",
        "inside": {"path": "$.payload.APPdata", "encoding": "base64"},
        "device": "{$.IMEI}",
        "time": {"path": "$.timestamp", "format": "ms"},
        "readings": [{"key": "temp", "byte": 1, "type": "s16", "scale": 0.1}],
    }
    message = {**REPORTED, "payload": {"APPdata": raw}}
    one = told(spoken_to("mapping", "http/x", message, mapping=document))
    assert one.device == "860374051096202"
    assert one.messages == [Spoken("readings", {"ts": 1606982320277000, "temp": 23.5})]
    other = {**message, "messageType": "commandResponse"}
    assert spoken_to("mapping", "http/x", other, mapping=document) is None


def test_a_mapping_describes_its_devices_alike_whatever_a_message_holds() -> None:
    document = {
        "device": "{$.d}",
        "readings": [
            {"key": "t", "path": "$.t", "unit": "°F", "to": "°C"},
            {"key": "on", "path": "$.on", "words": {"1": True}},
            {"key": "mode", "path": "$.mode", "words": {"0": "idle", "1": "run"}},
            {"key": "forced", "path": "$.f", "as": "event"},
            {"key": "{$.k}", "path": "$.x", "unit": "m"},
            {"key": "plain", "path": "$.p"},
        ],
    }
    messages = [{"d": "a", "t": 1}, {"d": "a", "p": 1, "mode": 1}]
    seen = [told(spoken_to("mapping", "x", each, mapping=document)).described for each in messages]
    assert seen[0] == seen[1]
    assert seen[0] is not None
    assert [(point.key, point.kind, point.unit, point.states) for point in seen[0].points] == [
        ("t", "number", "°C", ()),
        ("on", "boolean", None, ()),
        ("mode", "state", None, ("idle", "run")),
        ("forced", "event", None, ()),
    ]


def test_a_mapping_offers_what_a_message_says_of_its_device() -> None:
    document = {
        "device": "{$.imei}",
        "name": "{$.title}",
        "maker": "Acme",
        "readings": [{"key": "plain", "path": "$.p"}],
    }
    one = told(
        spoken_to("mapping", "x", {"imei": "86", "title": "1号泵", "p": 1}, mapping=document)
    )
    assert one.described == Described(name="1号泵", maker="Acme")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["value", "time", "params", "a", "status"]), inner)
    ),
    max_leaves=8,
)
KEYS = sorted({*NOTIFIED, *REPORTED, "type", "at", "ds_id", "dev_id", "status", "eventContent"})


@given(st.dictionaries(st.sampled_from(KEYS), JSON), st.sampled_from([NOTIFIED, REPORTED, {}]))
def test_no_message_breaks_a_platforms_decoder(more: dict[str, Any], base: dict[str, Any]) -> None:
    for dialect in ("onenet", "ctwing"):
        assert dialect in DECODERS
        spoken_to(dialect, "http/x", {**base, **more})
