"""ChirpStack v4: what its events tell, and the traps of protobuf written as JSON."""

import base64
import json
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from core.clock import to_micros
from core.dialects import option_faults
from ingest.decoding import Problem, stamp
from ingest.dialects import (
    DECODERS,
    Decoded,
    Described,
    DescribedPoint,
    ForeignSource,
    Spoken,
    Told,
)
from ingest.dialects.chirpstack import plan
from tests.ingest.building import NOON
from tests.ingest.dialects.speaking import readings, sample, spoken_to, told

EUI = "24e124136c123456"
TOPIC = f"application/5f1/device/{EUI}/event/"
INFO = {"deviceName": "Bin room door", "deviceProfileName": "EM300-MCS", "devEui": EUI}
WHEN = {"ts": "2026-11-24T04:00:01.123456789+00:00"}
TEMPERATURE = DescribedPoint("temperature", "number", "°C", means="temperature")
GATEWAYS = [
    {"gatewayId": "0016c001f153a14c", "rssi": -36, "snr": -2.5},
    {"gatewayId": "0016c001f1500001", "rssi": -80, "snr": 9.0},
]

SAMPLES = [
    (
        TOPIC + "up",
        {
            "time": WHEN["ts"],
            "deviceInfo": INFO,
            "object": {"t": 1, "history": [{"timestamp": 1, "t": 2}]},
            "rxInfo": GATEWAYS,
        },
    ),
    (TOPIC + "up", {"time": WHEN["ts"], "deviceInfo": INFO, "data": "AXVc"}),
    (TOPIC + "status", {"deviceInfo": INFO, "margin": 10, "batteryLevel": 88.3}),
    (TOPIC + "join", {"deviceInfo": INFO}),
    (TOPIC + "log", {"deviceInfo": INFO, "level": "ERROR", "code": "OTAA"}),
]


def event(kind: str, **fields: Any) -> Any:
    said = {"time": WHEN["ts"], "deviceInfo": INFO, **fields}
    options = said.pop("options", {})
    return spoken_to("chirpstack", TOPIC + kind, said, **options)


def test_an_uplink_tells_what_the_codec_made_under_the_path_to_it() -> None:
    said = {"temperature": 21.5, "door": {"open": False}, "lines": [1, 2], "mode": "auto"}
    found = told(event("up", object={**said, "none": None}, rxInfo=GATEWAYS, data="AA=="))
    assert found == Told(
        EUI,
        (
            Spoken(
                "readings",
                {
                    **WHEN,
                    "temperature": 21.5,
                    "door.open": False,
                    "lines.1": 1,
                    "lines.2": 2,
                    "mode": "auto",
                },
            ),
        ),
        through="0016c001f1500001",
        health={"rssi": -80.0, "snr": 9.0},
        described=Described("Bin room door", None, "EM300-MCS", (TEMPERATURE,)),
    )


def test_nanoseconds_are_read_to_the_microsecond_so_that_a_redelivery_is_one_reading() -> None:
    found = stamp(WHEN["ts"], to_micros(NOON), ZoneInfo("UTC"))
    assert found.at == to_micros(NOON) + 1_123_456
    assert event("up", object={"t": 1}) == event("up", object={"t": 1})


def test_stored_history_is_told_first_and_in_its_own_time() -> None:
    history = [{"timestamp": 1665561800, "leak": True}, {"timestamp": 1665561758, "leak": False}]
    found = told(event("up", object={"battery": 92, "history": history}))
    assert readings(found) == [
        {"ts": 1665561758, "leak": False},
        {"ts": 1665561800, "leak": True},
        {**WHEN, "battery": 92},
    ]
    assert found.health == {"battery": 92.0}


@pytest.mark.parametrize(
    ("said", "health"),
    [
        ({"margin": 10, "batteryLevel": 88.3}, {"snr": 10.0, "battery": 88.3}),
        # 0 is left out by the encoding, and means 0 dB.
        ({"batteryLevel": 88.3}, {"snr": 0.0, "battery": 88.3}),
        ({"margin": 3, "externalPowerSource": True, "batteryLevel": 0.0}, {"snr": 3.0}),
        ({"margin": 3, "batteryLevelUnavailable": True, "batteryLevel": 0}, {"snr": 3.0}),
        ({"margin": -5}, {"snr": -5.0}),
        ({"margin": "loud", "batteryLevel": 250}, {}),
    ],
)
def test_a_status_is_health_and_a_mains_device_has_no_empty_battery(
    said: dict[str, Any], health: dict[str, float]
) -> None:
    found = told(event("status", **said))
    assert (found.health, list(found.messages)) == (health, [])


def test_a_signal_to_noise_of_zero_that_was_left_out_is_zero_on_lora_and_unknown_else() -> None:
    rx = [{"gatewayId": "a", "rssi": -100}]
    lora = {"modulation": {"lora": {"spreadingFactor": 12}}}
    assert told(event("up", rxInfo=rx, txInfo=lora)).health == {"rssi": -100.0, "snr": 0.0}
    assert told(event("up", rxInfo=rx)).health == {"rssi": -100.0}


def test_bytes_that_nobody_decoded_wait_whole_for_a_codec() -> None:
    found = event("up", data="qg==", rxInfo=GATEWAYS)
    assert isinstance(found, Decoded)
    assert [each.reason for each in found.problems] == ["unsupported"]
    assert found.told[0].through == "0016c001f1500001"
    assert told(event("up", data="")).messages == ()
    broken = event("up", data="q", options={"codec": "milesight"})
    assert [each.reason for each in broken.problems] == ["wrong_shape"]


def test_an_uplink_of_which_the_codec_made_nothing_is_none_that_waits() -> None:
    assert told(event("up", object={}, data="AXVc", rxInfo=GATEWAYS)).messages == ()
    found = event("up", object={}, data="AXVc", options={"codec": "milesight"})
    assert readings(told(found)) == [{**WHEN, "battery": 92}]


def test_texts_of_codecs_that_are_numbers_or_flags_are_read_as_what_they_are() -> None:
    said = {"TempC_SHT": "-4.50", "count": "12", "EXTI_Trigger": "FALSE", "alarm": "True"}
    more = {"Door_status": "OPEN", "firmware": "1.2.3", "serial": "24e124136c123456", "none": ""}
    assert readings(told(event("up", object={**said, **more, "nested": {"t": "1e3"}}))) == [
        {
            **WHEN,
            "TempC_SHT": -4.5,
            "count": 12,
            "EXTI_Trigger": False,
            "alarm": True,
            **more,
            "nested.t": 1000.0,
        }
    ]


@pytest.mark.parametrize(
    ("profile", "more"), [("GS524N", {}), ("Smoke, stairs", {"type": "smoke sensor"})]
)
def test_a_smoke_detector_that_the_network_decoded_says_whether_it_alarms(
    profile: str, more: dict[str, Any]
) -> None:
    """Milesight's own codec says it in the words of an event only."""
    info = {**INFO, "deviceProfileName": profile}
    said = {"battery": 80, "concentration": 9, "temperature": 31, **more}
    for word, alarm in [
        ("alarm", True),
        ("normal", False),
        ("testing alarm with normal battery", False),
    ]:
        found = told(event("up", deviceInfo=info, object={**said, "event": word}))
        assert readings(found)[0]["alarm"] is alarm
        assert found.described is not None
        points = {point.key: point for point in found.described.points}
        assert (points["alarm"].kind, points["alarm"].means) == ("boolean", "smoke")
    # A button is none, whatever it reports, and nor is who says `alarm` itself.
    pressed = told(event("up", object={"event": "alarm"}))
    assert "alarm" not in readings(pressed)[0]
    own = told(event("up", deviceInfo=info, object={"event": "alarm", "alarm": False}))
    assert readings(own)[0]["alarm"] is False


def test_an_event_of_a_codec_is_no_ordinary_message() -> None:
    """Its decoder makes out of it that there is smoke."""
    source = ForeignSource("here", "#", ZoneInfo("UTC"), DECODERS["chirpstack"])
    found = plan(source, TOPIC + "up", {})
    assert found is not None

    def read(said: dict[str, Any]) -> Any:
        message = {"time": WHEN["ts"], "deviceInfo": INFO, "object": said}
        return found.read(json.dumps(message).encode())

    assert read({"battery": 80}) is not None
    assert read({"battery": 80, "event": "alarm"}) is None


@pytest.mark.parametrize("several", [True, False])
def test_messages_of_a_codec_that_come_and_go_are_told_by_what_they_measure(several: bool) -> None:
    messages: list[Any] = [
        {"type": "upload_battery", "battery": 87},
        {"type": "report_telemetry", "measurementId": 4097, "measurementValue": 25.2},
        {"type": "report_telemetry", "measurementId": "4098", "measurementValue": "66.6"},
    ]
    said = {"err": 0, "valid": True, "messages": [messages[:1], messages[1:]]}
    found = told(event("up", object={**said, "messages": messages} if several else said))
    values = {"battery": 87, "measurement_4097": 25.2, "measurement_4098": 66.6}
    assert readings(found) == [{**WHEN, "err": 0, "valid": True, **values}]
    assert found.health["battery"] == 87
    # Other lists stay what they are.
    assert readings(told(event("up", object={"messages": [{"a": 1}, 2]}))) == [
        {**WHEN, "messages.1.a": 1, "messages.2": 2}
    ]


def test_version_3_on_the_same_topics_is_read_as_well() -> None:
    gateway = {"gatewayID": "ABbAAfFToUw=", "rssi": -48, "loRaSNR": 9}
    said = {
        "applicationID": "7",
        "deviceName": "Bin room door",
        "deviceProfileName": "EM300-MCS",
        "devEUI": "JOEkE2wSNFY=",
        "rxInfo": [gateway],
        "txInfo": {"modulation": "LORA"},
        "fPort": 85,
        "data": "AXVc",
    }
    decoded = {**said, "objectJSON": json.dumps({"battery": 92})}
    found = told(spoken_to("chirpstack", TOPIC + "up", decoded))
    assert (found.device, found.through) == (EUI, "0016c001f153a14c")
    assert found.health == {"rssi": -48.0, "snr": 9.0, "battery": 92.0}
    assert found.described is not None
    assert (found.described.name, found.described.model) == ("Bin room door", "EM300-MCS")
    assert readings(found) == [{"battery": 92}]
    bare = {**said, "objectJSON": "", "rxInfo": [{**gateway, "gatewayID": "gw"}]}
    found = told(spoken_to("chirpstack", TOPIC + "up", bare, codec="milesight"))
    assert (found.through, readings(found)) == ("gw", [{"battery": 92}])


def test_a_codec_of_the_source_reads_bytes_and_is_not_asked_where_the_network_did() -> None:
    data = base64.b64encode(bytes.fromhex("01755C 03673401 046865 060001")).decode()
    found = told(event("up", data=data, options={"codec": "milesight"}))
    (values,) = readings(found)
    assert values == {
        **WHEN,
        "battery": 92,
        "temperature": 30.8,
        "humidity": 50.5,
        "magnet_status": True,
    }
    assert found.health == {"battery": 92.0}
    assert found.described is not None
    assert {each.key: each.means for each in found.described.points}["magnet_status"] == "door"
    asked = told(event("up", data=data, object={"t": 1}, options={"codec": "milesight"}))
    assert readings(asked) == [{**WHEN, "t": 1}]


def test_a_value_called_ts_never_becomes_the_time_of_the_message() -> None:
    assert readings(told(event("up", object={"ts": 1, "t": 2}))) == [{**WHEN, "t": 2}]


def test_what_no_database_takes_is_made_sound() -> None:
    body = (
        b'{"deviceInfo":{"deviceName":"\\ud800"},"object":'
        b'{"ok":1,"big":1' + b"0" * 400 + b',"x\\ud800":"\\ud800"}}'
    )
    found = told(spoken_to("chirpstack", TOPIC + "up", body))
    assert readings(found) == [{"ok": 1}]


def test_a_device_whose_name_can_not_be_written_is_a_problem() -> None:
    found = spoken_to("chirpstack", TOPIC + "join", b'{"deviceInfo":{"devEui":"\\ud800"}}')
    assert isinstance(found, Problem)


def test_other_events_tell_that_a_device_is_there() -> None:
    assert list(told(event("join")).messages) == [Spoken("status", {"online": True})]
    assert not told(event("ack", acknowledged=True)).messages
    place = {"latitude": 37.3, "longitude": -8.8, "altitude": 2, "source": "GPS"}
    assert readings(told(event("location", location=place))) == [
        {
            **WHEN,
            "location.latitude": 37.3,
            "location.longitude": -8.8,
            "location.altitude": 2,
        }
    ]


def test_errors_of_the_network_server_are_kept_with_the_device_and_notes_are_not() -> None:
    found = event("log", level="ERROR", code="UPLINK_CODEC", description="TypeError at line 3")
    assert isinstance(found, Problem)
    assert EUI in found.detail
    assert "UPLINK_CODEC: TypeError at line 3" in found.detail
    assert event("log", level="WARNING", code="OTAA") is None
    assert event("log") is None


@pytest.mark.parametrize(
    "topic",
    [
        "eu868/gateway/0016c001f153a14c/event/up",
        "application/1/device/24e1/command/down",
        TOPIC + "txack",
        "event/up",
        "",
    ],
)
def test_what_gateways_and_commands_say_is_nobodys_business(topic: str) -> None:
    assert spoken_to("chirpstack", topic, b"\xff") is None


@pytest.mark.parametrize(
    ("payload", "reason"),
    [(b"{", "bad_json"), (b"\xff\x00", "not_utf8"), (b"[1]", "wrong_shape"), (b"", "bad_json")],
)
def test_what_is_no_event_is_a_problem(payload: bytes, reason: str) -> None:
    found = spoken_to("chirpstack", TOPIC + "up", payload)
    assert isinstance(found, Problem)
    assert found.reason == reason


def test_a_prefix_before_the_topic_and_an_event_without_device_info_are_read() -> None:
    found = spoken_to("chirpstack", "east/" + TOPIC + "up", {"object": {"t": 1}})
    assert told(found).device == EUI


def test_the_options_of_a_source() -> None:
    assert list(option_faults("chirpstack", {"codec": "milesight"})) == []
    assert [name for name, _ in option_faults("tts", {"codec": "milesigth"})] == ["codec"]


@pytest.mark.parametrize(
    ("name", "keys"),
    [
        ("ack", []),
        ("location", ["location.latitude", "location.longitude", "location.altitude"]),
        ("status", []),
    ],
)
def test_samples_of_the_field(name: str, keys: list[str]) -> None:
    topic, payload = sample("chirpstack_v4", name)
    found = told(spoken_to("chirpstack", topic, payload))
    assert found.device == "0101010101010101"
    assert [key for each in readings(found) for key in each if key != "ts"] == keys
    if name == "status":
        assert found.health == {"snr": 10.0, "battery": 88.3}


def test_samples_of_the_field_that_are_kept_for_somebody_to_look_at() -> None:
    topic, payload = sample("chirpstack_v4", "up")
    found = spoken_to("chirpstack", topic, payload)
    assert isinstance(found, Decoded)
    assert [each.reason for each in found.problems] == ["unsupported"]
    assert found.told[0].health == {"rssi": -36.0, "snr": 10.5}
    topic, payload = sample("chirpstack_v4", "log")
    assert isinstance(spoken_to("chirpstack", topic, payload), Problem)
    topic, payload = sample("chirpstack_v4", "integration")
    (values,) = readings(told(spoken_to("chirpstack", topic, payload)))
    assert values["loracloud.info_fields.temp.value"] == 25.0
