"""The Things Stack v3: uplinks with fields left out, and messages that no device sent."""

import base64
from typing import Any

import pytest

from ingest.decoding import Problem
from ingest.dialects import Decoded, Described, DescribedPoint, Spoken, Told
from tests.ingest.dialects.speaking import readings, sample, spoken_to, told

EUI = "0004A30B001C0530"
IDS = {"device_id": "dev1", "application_ids": {"application_id": "app1"}, "dev_eui": EUI}
TOPIC = "v3/app1@tenant1/devices/dev1/"
RECEIVED = "2026-11-24T04:00:01.789585559Z"
FORWARDED = "2026-11-24T04:00:02.014773143Z"
TEMPERATURE = DescribedPoint("temperature", "number", "°C", means="temperature")
HEARD = [
    {"gateway_ids": {"gateway_id": "gtw1"}, "time": "2020-01-01T00:00:00Z", "rssi": -35, "snr": 5},
    {"gateway_ids": {"eui": "9C5C8E00001A05C4"}, "rssi": -110, "snr": -7.2},
]
LORA = {"data_rate": {"lora": {"spreading_factor": 7}}, "frequency": "868300000"}

SAMPLES = [
    (
        TOPIC + "up",
        {
            "end_device_ids": IDS,
            "received_at": FORWARDED,
            "uplink_message": {
                "decoded_payload": {"t": 1, "deep": {"x": [1]}},
                "rx_metadata": HEARD,
                "settings": LORA,
            },
        },
    ),
    (
        TOPIC + "up",
        {
            "end_device_ids": IDS,
            "uplink_message": {"frm_payload": "gkHe", "last_battery_percentage": {"value": 5}},
        },
    ),
    (
        TOPIC + "up",
        {
            "end_device_ids": IDS,
            "uplink_message": {"normalized_payload": [{"air": {"temperature": 1}}]},
        },
    ),
    (TOPIC + "join", {"end_device_ids": IDS}),
    (
        TOPIC + "service/data",
        {"end_device_ids": IDS, "service_data": {"service": "x", "data": {"y": 1}}},
    ),
]


def up(
    *, topic: str = TOPIC + "up", options: Any = None, simulated: Any = None, **fields: Any
) -> Any:
    message = {
        "end_device_ids": IDS,
        "received_at": FORWARDED,
        "uplink_message": {"received_at": RECEIVED, "settings": LORA, **fields},
    }
    if simulated is not None:
        message["simulated"] = simulated
    return spoken_to("tts", topic, message, **(options or {}))


def test_an_uplink_counts_when_the_network_received_it_and_not_by_a_gateways_clock() -> None:
    versions = {"brand_id": "milesight-iot", "model_id": "em300-mcs"}
    found = told(up(decoded_payload={"temperature": 1.0}, rx_metadata=HEARD, version_ids=versions))
    assert found == Told(
        EUI,
        (Spoken("readings", {"ts": RECEIVED, "temperature": 1.0}),),
        through="gtw1",
        health={"rssi": -35.0, "snr": 5.0},
        described=Described("dev1", "milesight-iot", "em300-mcs", (TEMPERATURE,)),
    )
    message = {"end_device_ids": IDS, "received_at": FORWARDED}
    older = {**message, "uplink_message": {"decoded_payload": {"t": 1}}}
    assert readings(told(spoken_to("tts", TOPIC + "up", older))) == [{"ts": FORWARDED, "t": 1}]


def test_false_and_zero_of_a_payload_are_values_and_a_missing_key_is_none() -> None:
    found = told(up(decoded_payload={"leak": False, "temperature": 0}))
    assert readings(found) == [{"ts": RECEIVED, "leak": False, "temperature": 0}]
    # f_port 0, f_cnt 0 and an snr of 0 are left out by the encoding, and nothing depends on them.
    found = told(up(decoded_payload={"t": 1}, rx_metadata=[{"rssi": -90}]))
    assert (found.health, readings(found)) == (
        {"rssi": -90.0, "snr": 0.0},
        [{"ts": RECEIVED, "t": 1}],
    )


def test_numbers_with_their_unit_behind_them_are_numbers_of_that_unit() -> None:
    payload = {
        "Bat": "3.291 V",
        "TempC_DS18B20": "-1.50 °C",
        "water_SOIL": "41.2 %",
        "conduct_SOIL": "118 uS/cm",
        "Distance": "1204 mm",
        "rh": "55%",
        "supply": "3.30V",
        # Codes and words, and units that nobody knows.
        "panel": "1F",
        "zone": "2 floors",
        "firmware": "1.2c",
    }
    one = told(up(decoded_payload=payload))
    assert readings(one)[0] == {
        "ts": readings(one)[0]["ts"],
        "Bat": 3.291,
        "TempC_DS18B20": -1.5,
        "water_SOIL": 41.2,
        "conduct_SOIL": 118,
        "Distance": 1204,
        "rh": 55,
        "supply": 3.3,
        "panel": "1F",
        "zone": "2 floors",
        "firmware": "1.2c",
    }
    assert one.described is not None
    units = {point.key: point.unit for point in one.described.points}
    assert units == {
        "Bat": "V",
        "TempC_DS18B20": "°C",
        "water_SOIL": "%",
        "conduct_SOIL": "µS/cm",
        "Distance": "mm",
        "rh": "%",
        "supply": "V",
    }
    assert one.health["battery_voltage"] == 3.291


@pytest.mark.parametrize(
    ("said", "health", "unit"),
    [
        ({"Bat": 3.37}, {"battery_voltage": 3.37}, "V"),
        ({"battery": 2.9}, {"battery_voltage": 2.9}, "V"),
        ({"BAT_V": 3.05}, {"battery_voltage": 3.05}, None),
        ({"battery_level": 4.2}, {"battery": 4.2}, None),
        ({"vdd": 3637}, {"battery_voltage": 3.637}, None),
        ({"battery": 0.5}, {"battery": 0.5}, None),
        ({"bat": 87}, {"battery": 87.0}, None),
        ({"battery": 4}, {"battery": 4.0}, None),
        # Four volts, or four percent.
        ({"Bat": 4}, {}, None),
    ],
)
def test_the_voltage_of_a_cell_is_no_level_in_percent(
    said: dict[str, float], health: dict[str, float], unit: str | None
) -> None:
    one = told(up(decoded_payload=said))
    cell = {key: value for key, value in one.health.items() if key.startswith("battery")}
    described = one.described.points if one.described else ()
    assert (cell, [point.unit for point in described]) == (health, [unit] if unit else [])


def test_a_gateway_of_another_network_is_the_one_that_it_names() -> None:
    behind = {"forwarder_gateway_id": "eui-7076ff0056050c89", "forwarder_tenant_id": "ttnv2"}
    heard = {"gateway_ids": {"gateway_id": "packetbroker"}, "rssi": -80, "snr": 7}
    found = told(up(decoded_payload={"t": 1}, rx_metadata=[{**heard, "packet_broker": behind}]))
    assert found.through == "eui-7076ff0056050c89"
    found = told(up(decoded_payload={"t": 1}, rx_metadata=[heard]))
    assert found.through == "packetbroker"


def test_a_formatter_that_made_nothing_of_a_payload_leaves_nothing_to_wait_for() -> None:
    assert told(up(decoded_payload={}, frm_payload="AXVc")).messages == ()


def test_the_battery_that_the_network_remembers_is_health_and_a_newer_one_goes_before() -> None:
    last = {"f_cnt": 12, "value": 87.4, "received_at": RECEIVED}
    assert told(up(last_battery_percentage=last)).health == {"battery": 87.4}
    found = told(up(last_battery_percentage=last, decoded_payload={"battery": 50}))
    assert found.health == {"battery": 50.0}


def test_a_normalized_payload_is_read_where_there_is_no_other() -> None:
    normalized = [{"air": {"temperature": 20.5, "relativeHumidity": 45}}, {"battery": 3.1}]
    found = told(up(normalized_payload=normalized))
    assert readings(found) == [
        {"ts": RECEIVED, "air.temperature": 20.5, "air.relativeHumidity": 45, "battery": 3.1}
    ]
    both = told(up(normalized_payload=normalized, decoded_payload={"t": 1}))
    assert readings(both) == [{"ts": RECEIVED, "t": 1}]


def test_bytes_are_read_by_the_codec_of_the_source_or_wait_for_one() -> None:
    raw = base64.b64encode(bytes.fromhex("03670110056700FF")).decode()
    found = told(up(frm_payload=raw, options={"codec": "cayenne"}))
    assert readings(found) == [{"ts": RECEIVED, "temperature_3": 27.2, "temperature_5": 25.5}]
    waits = up(frm_payload=raw)
    assert isinstance(waits, Decoded)
    assert [each.reason for each in waits.problems] == ["unsupported"]


def test_history_of_milesight_older_than_any_window_is_told_in_its_own_time() -> None:
    raw = base64.b64encode(bytes.fromhex("20CE9E74466310015D01 03673401 060000")).decode()
    found = told(
        up(
            frm_payload=raw,
            version_ids={"model_id": "em300-mcs"},
            options={"codec": "milesight"},
        )
    )
    assert readings(found) == [
        {"ts": 1665561758, "temperature": 27.2, "humidity": 46.5, "magnet_status": True},
        {"ts": RECEIVED, "temperature": 30.8, "magnet_status": False},
    ]


def test_a_message_that_was_simulated_in_the_console_is_no_reading() -> None:
    found = up(decoded_payload={"smoke": True}, simulated=True)
    assert isinstance(found, Problem)
    assert (found.reason, "simulated" in found.detail) == ("unsupported", True)
    assert readings(told(up(decoded_payload={"smoke": True}, simulated=False)))


def test_other_messages_of_a_device() -> None:
    message = {"end_device_ids": IDS, "received_at": FORWARDED}
    joined = told(spoken_to("tts", TOPIC + "join", message))
    assert (joined.device, list(joined.messages)) == (EUI, [Spoken("status", {"online": True})])
    data = {"service": "lora-cloud", "data": {"temp": 25, "deep": {"x": False}}}
    found = told(spoken_to("tts", TOPIC + "service/data", {**message, "service_data": data}))
    assert readings(found) == [{"ts": FORWARDED, "lora-cloud.temp": 25, "lora-cloud.deep.x": False}]
    solved = {"service": "gls", "location": {"latitude": 1.5, "longitude": 2.5, "accuracy": 30}}
    found = told(
        spoken_to("tts", TOPIC + "location/solved", {**message, "location_solved": solved})
    )
    assert readings(found)[0]["location.accuracy"] == 30
    assert not told(spoken_to("tts", TOPIC + "down/ack", message)).messages


def test_a_device_without_an_eui_goes_by_its_id_and_an_open_source_stack_has_no_tenant() -> None:
    body = {"uplink_message": {"decoded_payload": {"t": 1}}}
    assert told(spoken_to("tts", "v3/app1/devices/dev 1/up", body)).device == "dev-1"
    ids = {"end_device_ids": {"device_id": "abp-7"}, **body}
    assert told(spoken_to("tts", "v3/devices/devices/x/up", ids)).device == "abp-7"


@pytest.mark.parametrize(
    "topic",
    [
        TOPIC + "down/push",
        TOPIC + "down/failed",
        TOPIC + "up/normalized",
        "v3/app1@tenant1/devices",
        "v3/devices/up",
        "up",
    ],
)
def test_downlinks_and_what_is_told_twice_is_left(topic: str) -> None:
    assert spoken_to("tts", topic, b"\xff") is None


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"{", "bad_json"),
        (b"3", "wrong_shape"),
        (b'{"uplink_message": 1}', "wrong_shape"),
        (b'{"end_device_ids": {"dev_eui": 5}, "uplink_message": {}}', "wrong_shape"),
    ],
)
def test_what_is_no_message_is_a_problem(payload: bytes, reason: str) -> None:
    found = spoken_to("tts", TOPIC + "up", payload)
    assert isinstance(found, Problem)
    assert found.reason == reason


def test_samples_of_the_field() -> None:
    # The documentation's own example lacks a comma.
    found = spoken_to("tts", *sample("the_things_stack_v3", "01_uplink_message"))
    assert isinstance(found, Problem)
    assert found.reason == "bad_json"
    joined = told(spoken_to("tts", *sample("the_things_stack_v3", "00_join_accept")))
    assert joined.device == EUI
    for name in ("03_downlink_failed", "04_downlinks"):
        assert spoken_to("tts", *sample("the_things_stack_v3", name)) is None
