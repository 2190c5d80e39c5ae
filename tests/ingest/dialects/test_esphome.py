"""ESPHome: one bare value a topic, values that are none, and what a device is."""

from typing import Any

import pytest

from ingest.decoding import Problem
from tests.ingest.dialects.following import Following, check, shared

SAMPLES = [
    ("livingroom/binary_sensor/water_leak/state", b"ON"),
    ("livingroom/sensor/temperature/state", b"20.6"),
    ("livingroom/sensor/wifi_signal/state", b"-61"),
    ("livingroom/text_sensor/version/state", b"2024.4.1"),
    ("livingroom/sensor/version/state", b"2024.4.1 (config hash 0x12)"),
    ("livingroom/light/lamp/state", {"state": "ON", "brightness": 128}),
    ("livingroom/event/bell/state", {"event_type": "press"}),
    ("livingroom/climate/room/current_temperature/state", b"21.5"),
    ("livingroom/status", b"online"),
    ("esphome/discover/livingroom", {"name": "livingroom", "board": "esp32dev"}),
]


@pytest.fixture
def house() -> Following:
    return Following("esphome", "#")


@pytest.mark.parametrize(
    ("rest", "payload", "key", "value"),
    [
        ("binary_sensor/water_leak", b"ON", "water_leak", True),
        ("binary_sensor/water_leak", b"OFF", "water_leak", False),
        ("sensor/temperature", b"-0.50", "temperature", -0.5),
        ("sensor/energy", b"1e3", "energy", 1000.0),
        ("switch/relay", b"ON", "switch.relay", True),
        ("cover/gate", b"open", "cover.gate", "open"),
        ("cover/gate/position", b"50", "cover.gate.position", 50),
        ("climate/room/current_temperature", b"21.5", "climate.room.current_temperature", 21.5),
        ("lock/door", b"LOCKED", "lock.door", "LOCKED"),
        ("select/mode", b"1", "select.mode", "1"),
        # A state: no alarm, no preset.
        ("select/mode", b"none", "select.mode", "none"),
        ("sensor/alarm", b"none", "alarm", "none"),
        ("text_sensor/version", b"2024", "text_sensor.version", "2024"),
        ("number/limit", b"12", "number.limit", 12),
        # Text sensors publish as sensors do.
        ("sensor/ip_address", b"192.168.1.31", "ip_address", "192.168.1.31"),
        ("sensor/pump_state", b"Running", "pump_state", "Running"),
    ],
)
def test_a_value_is_told_under_type_and_name(
    house: Following, rest: str, payload: bytes, key: str, value: Any
) -> None:
    topic = f"livingroom/{rest}/state"
    assert house.spoken(topic, payload) == [("livingroom", "readings", {key: value})]


@pytest.mark.parametrize("nothing", [b"nan", b"NAN", b"unavailable", b"unknown", b"", b" "])
@pytest.mark.parametrize("kind", ["sensor", "binary_sensor", "text_sensor", "cover"])
def test_no_value_is_no_reading_and_no_error(house: Following, kind: str, nothing: bytes) -> None:
    assert house.spoken(f"livingroom/{kind}/x/state", nothing) == []


@pytest.mark.parametrize(
    ("rest", "payload", "reason"),
    [
        ("number/t/state", b"warm", "wrong_type"),
        ("sensor/t/state", b"ON", None),
        ("sensor/t/state", b"\xff", "not_utf8"),
        ("binary_sensor/t/state", b"7", "wrong_type"),
        ("light/t/state", b'{"state"', "bad_json"),
        ("status", b"perhaps", "wrong_shape"),
    ],
)
def test_what_cannot_be_used_says_why(
    house: Following, rest: str, payload: bytes, reason: str | None
) -> None:
    problem = house.hear(f"livingroom/{rest}", payload)
    assert (problem.reason if isinstance(problem, Problem) else None) == reason


@pytest.mark.parametrize(
    ("wanted", "prefix", "device"),
    [
        ("livingroom/#", "livingroom", "livingroom"),
        ("esp/#", "esp/b1/pump", "b1.pump"),
        ("#", "b1/pump", "b1.pump"),
        ("+/+/+/state", "pump", "pump"),
    ],
)
def test_a_device_is_its_prefix(wanted: str, prefix: str, device: str) -> None:
    house = Following("esphome", wanted)
    assert house.spoken(f"{prefix}/sensor/t/state", b"1")[0][0] == device
    assert house.spoken(f"{prefix}/status", b"offline") == [(device, "status", {"online": False})]


def test_two_components_of_one_name_are_told_apart(house: Following) -> None:
    assert house.reading("pump/binary_sensor/leak/state", b"ON") == {"leak": True}
    assert house.reading("pump/sensor/leak/state", b"0.5") == {"sensor.leak": 0.5}
    assert house.reading("pump/binary_sensor/leak/state", b"OFF") == {"leak": False}
    assert house.reading("other/sensor/leak/state", b"0.5") == {"leak": 0.5}


def test_lights_and_events_say_more_than_one_value(house: Following) -> None:
    said = {"state": "ON", "brightness": 128, "color": {"r": 255}, "color_mode": "rgb"}
    assert house.reading("livingroom/light/lamp/state", said) == {
        "light.lamp.state": True,
        "light.lamp.brightness": 128,
        "light.lamp.color.r": 255,
        "light.lamp.color_mode": "rgb",
    }
    assert house.spoken("livingroom/event/bell/state", {"event_type": "press"}) == [
        ("livingroom", "event", {"event": "event.bell.press"})
    ]


def test_the_device_tells_of_itself(house: Following) -> None:
    for name, payload, known in (
        ("wifi_signal", b"-61", {"rssi": -61}),
        ("sensor_battery_level", b"80", {"battery": 80}),
        ("battery_voltage", b"3.01", {"battery_voltage": 3.01}),
        ("cell_battery_voltage", b"2980", {"battery_voltage": 2.98}),
        ("ups_battery_voltage", b"54.2", {"battery_voltage": 54.2}),
        ("wifi_signal_db", b"-70", {"rssi": -70}),
        ("wifi_signal_percent", b"78", {"link_quality": 78}),
        ("wifi_signal", b"0", {}),
        ("tank_battery", b"3.98", {"battery_voltage": 3.98}),
        ("tank_battery", b"4", {"battery": 4}),
        ("tank_battery_percentage", b"3.5", {"battery": 3.5}),
        ("temperature", b"20", {}),
    ):
        (told,) = house.told(f"livingroom/sensor/{name}/state", payload)
        assert told.health == known
    about = {"name": "livingroom", "friendly_name": "Living room", "board": "esp32-c3"}
    (told,) = house.told("esphome/discover/livingroom", about)
    assert told.described is not None
    assert (told.described.name, told.described.model) == ("Living room", "esp32-c3")


def test_commands_and_logs_are_nobodys_business(house: Following) -> None:
    for topic in ("livingroom/switch/relay/command", "livingroom/debug", "esphome/discover",
                  "esphome/ping/x", "state", "livingroom/nothing/x/state"):  # fmt: skip
        assert house.hear(topic, b"ON") is None


EXPECTED: dict[str, Any] = {
    "binary_sensor_state": [("livingroom", "readings", {"water_leak": True})],
    "discover": [],
    "status_offline_lwt": [("livingroom", "status", {"online": False})],
    "status_online": [("livingroom", "status", {"online": True})],
}


@pytest.mark.parametrize("sample", shared("esphome"), ids=lambda one: str(one["name"]))
def test_every_sample_is_decoded(house: Following, sample: dict[str, Any]) -> None:
    said = house.spoken(sample["topic"], sample["payload_raw"].encode())
    assert said == EXPECTED[sample["name"]]


def test_what_is_told_can_be_used(house: Following) -> None:
    for topic, said in SAMPLES:
        check(house.hear(topic, said))
