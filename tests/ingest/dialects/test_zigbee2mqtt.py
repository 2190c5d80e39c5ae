"""Zigbee2MQTT: partial states, friendly names, polarity, bridges and what they describe."""

import json
from typing import Any

import pytest

from ingest.decoding import Problem
from ingest.dialects import DescribedPoint
from ingest.dialects.naming import NAMED
from tests.ingest.dialects.following import Following, check, shared

LEAK = {
    "battery": 97,
    "battery_low": False,
    "voltage": 2985,
    "water_leak": True,
    "linkquality": 102,
}
DEVICES: list[dict[str, Any]] = [
    {"type": "Coordinator", "friendly_name": "Coordinator", "ieee_address": "0x00124b0000000000"},
    {
        "type": "EndDevice",
        "friendly_name": "b1/pump room/door",
        "definition": {
            "vendor": "Aqara",
            "model": "MCCGQ11LM",
            "exposes": [
                {"type": "binary", "property": "contact", "name": "contact", "access": 1,
                 "value_on": False, "value_off": True},
                {"type": "numeric", "property": "voltage", "unit": "mV", "access": 1},
                {"type": "text", "property": "note", "access": 1},
            ],
        },
    },
    {
        "type": "Router",
        "friendly_name": "valve",
        "definition": {
            "vendor": "Tuya",
            "model": "TS0001",
            "exposes": [
                {"type": "switch", "features": [
                    {"type": "binary", "property": "state", "access": 7, "value_on": "OPEN",
                     "value_off": "CLOSE", "label": "State"}]},
                {"type": "enum", "property": "action", "access": 1, "values": ["single", "hold"]},
                {"type": "enum", "property": "mode", "access": 1, "values": ["auto", "off"]},
                {"type": "numeric", "property": "voltage", "unit": "V", "access": 1},
                {"type": "numeric", "property": "countdown", "unit": "s", "access": 2},
                {"type": "composite", "property": "color", "features": [
                    {"type": "numeric", "property": "x", "access": 1}]},
            ],
        },
    },
    {"type": "Router", "friendly_name": "spare", "disabled": True},
]  # fmt: skip
GROUPS = [{"id": 1, "friendly_name": "hall", "members": []}]
SAMPLES = [
    ("zigbee2mqtt/kitchen", LEAK),
    ("zigbee2mqtt/b1/door", {"contact": True, "last_seen": "2026-11-24T04:00:01.123Z"}),
    ("zigbee2mqtt/b1/door/availability", {"state": "offline"}),
    ("zigbee2mqtt/button", {"action": "single", "battery": None, "color": {"x": 0.1, "y": [1]}}),
    ("zigbee2mqtt/plug/power", 12.5),
    ("zigbee2mqtt/bridge/state", b"online"),
    ("zigbee2mqtt/bridge/devices", DEVICES),
    ("zigbee2mqtt/bridge/groups", GROUPS),
    ("zigbee2mqtt/bridge/info", {"version": "2.1.0", "coordinator": {"type": "EmberZNet"}}),
    ("zigbee2mqtt/bridge/event", {"type": "device_leave", "data": {"friendly_name": "kitchen"}}),
]


@pytest.fixture
def house() -> Following:
    return Following("zigbee2mqtt", "zigbee2mqtt/#")


def test_a_leak_is_told_with_the_health_of_its_sensor(house: Following) -> None:
    (told,) = house.told("zigbee2mqtt/0x00158d0001", LEAK)
    assert (told.device, told.through) == ("0x00158d0001", "zigbee2mqtt")
    assert [(each.kind, each.fields) for each in told.messages] == [("readings", LEAK)]
    assert told.health == {"battery": 97, "battery_voltage": 2.985, "link_quality": 40.0}


def test_a_voltage_that_no_cell_has_in_millivolts_is_in_volts(house: Following) -> None:
    (told,) = house.told("zigbee2mqtt/siren", {"battery": 80, "voltage": 2.9})
    assert told.health == {"battery": 80, "battery_voltage": 2.9}


def test_a_door_that_is_in_contact_is_not_open(house: Following) -> None:
    topic = "zigbee2mqtt/door"
    assert house.reading(topic, {"contact": True}) == {"contact": True, "open": False}
    assert house.reading(topic, {"contact": False}) == {"contact": False, "open": True}
    said = {"contact": True, "open": True}
    assert house.reading(topic, said) == said


def test_a_partial_state_tells_only_what_it_holds(house: Following) -> None:
    assert house.reading("zigbee2mqtt/weather", {"temperature": -0.85}) == {"temperature": -0.85}
    said = {"temperature": None, "humidity": "", "state": "ON", "mode": "auto", "color": {"x": 1}}
    assert house.reading("zigbee2mqtt/weather", said) == {
        "state": True,
        "mode": "auto",
        "color.x": 1,
    }
    assert house.spoken("zigbee2mqtt/weather", {"temperature": None}) == []


@pytest.mark.parametrize(
    "seen", ["2026-11-24T04:00:01.123Z", "2026-11-24T12:00:01+08:00", 1795492801123]
)
def test_it_was_when_it_was_last_seen(house: Following, seen: Any) -> None:
    fields = house.reading("zigbee2mqtt/kitchen", {"smoke": True, "last_seen": seen})
    assert fields == {"smoke": True, "ts": seen}
    assert "ts" not in house.reading("zigbee2mqtt/kitchen", {"smoke": True, "last_seen": None})


def test_unknown_is_a_state_where_the_bridge_lists_it_and_no_value_elsewhere(
    house: Following,
) -> None:
    listed = {
        "type": "enum",
        "property": "smoke_state",
        "access": 1,
        "values": ["alarm", "unknown"],
    }
    other = {"type": "enum", "property": "switch_type", "access": 1, "values": ["toggle"]}
    one = {"friendly_name": "kitchen", "type": "EndDevice"}
    topic = "zigbee2mqtt/kitchen"
    said = {"smoke_state": "unknown", "switch_type": "unknown", "sub": {"mode": "unavailable"}}
    # Who has not heard what the device can say takes nothing away.
    assert house.reading(topic, said)["switch_type"] == "unknown"
    house.hear("zigbee2mqtt/bridge/devices", [{**one, "definition": {"exposes": [listed, other]}}])
    assert house.reading(topic, said) == {"smoke_state": "unknown"}
    assert house.reading(topic, {"switch_type": "none"}) == {"switch_type": "none"}
    assert house.reading(f"{topic}/switch_type", b"none") == {"switch_type": "none"}
    assert house.spoken(topic, {"switch_type": "Unknown"}) == []
    assert house.reading(f"{topic}/smoke_state", b"unknown") == {"smoke_state": "unknown"}
    assert house.spoken(f"{topic}/switch_type", b"unknown") == []


def test_a_press_is_an_event_and_its_end_is_none(house: Following) -> None:
    topic = "zigbee2mqtt/button"
    assert house.spoken(topic, {"action": "1_single"}) == [
        ("button", "event", {"event": "1_single"})
    ]
    said = house.spoken(topic, {"action": "", "battery": 80, "last_seen": 1795492801123})
    assert said == [("button", "readings", {"battery": 80, "ts": 1795492801123})]


def test_a_click_of_an_older_bridge_is_a_press(house: Following) -> None:
    topic = "zigbee2mqtt/bell"
    press = ("bell", "event", {"event": "double"})
    assert house.spoken(topic, {"click": "double", "linkquality": 61}) == [
        ("bell", "readings", {"linkquality": 61}),
        press,
    ]
    assert house.spoken(topic, {"action": "double", "click": "double"}) == [press]
    assert house.spoken(topic, {"action": "", "click": ""}) == []
    assert house.spoken(f"{topic}/click", b"double") == []


def test_a_press_that_is_said_again_for_home_assistant_is_one(house: Following) -> None:
    press = [("button", "event", {"event": "single"})]
    assert house.spoken("zigbee2mqtt/button", {"action": "single", "linkquality": 80})[1:] == press
    assert house.spoken("zigbee2mqtt/button/action", b"single") == []
    assert house.spoken("zigbee2mqtt/button", {"action": "single"}) == press
    # A bridge that publishes attributes only says it this way alone.
    assert house.spoken("zigbee2mqtt/other/action", b"hold") == [
        ("other", "event", {"event": "hold"})
    ]


def test_an_endpoint_that_is_told_apart_for_home_assistant_is_no_device(house: Following) -> None:
    house.told(
        "zigbee2mqtt/bridge/devices",
        [{"friendly_name": "lamp"}, {"friendly_name": "lamp/desk"}, {"friendly_name": "b1/door"}],
    )
    house.told("zigbee2mqtt/bridge/groups", GROUPS)
    assert house.reading("zigbee2mqtt/lamp", {"state_l1": "ON"}) == {"state_l1": True}
    assert house.told("zigbee2mqtt/lamp/l1", {"state": "ON"}) == []
    assert house.spoken("zigbee2mqtt/lamp/desk", {"state": "ON"})[0][0] == "lamp.desk"
    assert house.spoken("zigbee2mqtt/b1/door", {"contact": True})[0][0] == "b1.door"
    assert house.spoken("zigbee2mqtt/hall/new", {"state": "ON"})[0][0] == "hall.new"
    # One attribute of it is no endpoint.
    assert house.reading("zigbee2mqtt/lamp/state_l1", b"OFF") == {"state_l1": False}


def test_a_battery_that_is_written_as_text_is_a_number(house: Following) -> None:
    (told,) = house.told("zigbee2mqtt/smoke", {"battery": "97.00", "voltage": 3055})
    assert told.messages[0].fields == {"battery": 97.0, "voltage": 3055}
    assert told.health == {"battery": 97, "battery_voltage": 3.055}
    assert house.reading("zigbee2mqtt/smoke", {"battery": "", "smoke": False}) == {"smoke": False}


@pytest.mark.parametrize("said", [b"online", b'{"state":"online"}', b'"online"', b" online\n"])
def test_availability_is_told_in_every_way(house: Following, said: bytes) -> None:
    status = [("b1.door", "status", {"online": True})]
    assert house.spoken("zigbee2mqtt/b1/door/availability", said) == status
    assert house.spoken("zigbee2mqtt/bridge/state", said) == [
        ("zigbee2mqtt", "status", {"online": True})
    ]
    offline = said.replace(b"online", b"offline")
    assert house.spoken("zigbee2mqtt/b1/door/availability", offline)[0][2] == {"online": False}


def test_what_is_removed_says_nothing_and_frees_its_code(house: Following) -> None:
    house.spoken("zigbee2mqtt/b1/door", {"contact": True})
    assert house.memory == {f"{NAMED}b1.door": "b1/door"}
    assert house.told("zigbee2mqtt/b1/door/availability") == []
    assert house.told("zigbee2mqtt/b1/door") == []
    assert house.memory == {}
    assert isinstance(house.hear("zigbee2mqtt/b1/door/availability", b"gone"), Problem)


def test_two_names_never_become_one_device(house: Following) -> None:
    assert house.spoken("zigbee2mqtt/b1/door", {"smoke": True})[0][0] == "b1.door"
    for other in ("b1.door", "b1//door"):
        problem = house.hear(f"zigbee2mqtt/{other}", {"smoke": False})
        assert isinstance(problem, Problem)
        assert problem.reason == "unsupported"
        assert "b1/door" in problem.detail
    assert house.spoken("zigbee2mqtt/pump room", {"smoke": True})[0][0] == "pump-room"
    assert isinstance(house.hear("zigbee2mqtt/pump-room", {"smoke": True}), Problem)
    longest = "x" * 200
    code = house.spoken(f"zigbee2mqtt/{longest}", {"smoke": True})[0][0]
    assert len(code) == 120
    assert house.spoken(f"zigbee2mqtt/{longest}y", {"smoke": True})[0][0] != code


@pytest.mark.parametrize(
    ("wanted", "options", "topic", "device", "through"),
    [
        ("#", {}, "zigbee2mqtt/a", "a", "zigbee2mqtt"),
        ("z2m-b2/#", {}, "z2m-b2/a/b", "a.b", "z2m-b2"),
        ("b2/z2m/#", {}, "b2/z2m/a", "a", "b2.z2m"),
        ("+/#", {}, "z2m/a", "z2m.a", "z2m"),
        ("+/#", {"base": "z2m"}, "z2m/a", "a", "z2m"),
        ("zigbee2mqtt/east/#", {}, "zigbee2mqtt/east/a", "east.a", "zigbee2mqtt"),
    ],
)
def test_the_base_topic_is_the_bridge(
    wanted: str, options: dict[str, Any], topic: str, device: str, through: str
) -> None:
    (told,) = Following("zigbee2mqtt", wanted, **options).told(topic, {"smoke": True})
    assert (told.device, told.through) == (device, through)


def test_a_bridge_describes_its_devices_and_their_words(house: Following) -> None:
    door, valve = house.told("zigbee2mqtt/bridge/devices", DEVICES)
    assert (door.device, valve.device) == ("b1.pump-room.door", "valve")
    assert door.described is not None
    assert valve.described is not None
    about = door.described
    assert (about.name, about.maker, about.model) == ("b1/pump room/door", "Aqara", "MCCGQ11LM")
    assert [(point.key, point.kind, point.unit) for point in about.points] == [
        ("contact", "boolean", None),
        ("open", "boolean", None),
        ("voltage", "number", "mV"),
    ]
    assert set(valve.described.points) == {
        DescribedPoint("mode", "state", states=("auto", "off")),
        DescribedPoint("single", "event", name="single"),
        DescribedPoint("hold", "event", name="hold"),
        DescribedPoint("voltage", "number", "V"),
        DescribedPoint("state", "boolean", name="State"),
        DescribedPoint("color.x", "number"),
    }
    assert house.reading("zigbee2mqtt/valve", {"state": "CLOSE"}) == {"state": False}
    assert house.reading("zigbee2mqtt/valve", {"state": "OPEN"}) == {"state": True}
    assert house.told("zigbee2mqtt/valve", {"voltage": 3, "battery": 50})[0].health == {
        "battery": 50,
        "battery_voltage": 3,
    }
    # Nothing is written anew for what is known.
    again = house.hear("zigbee2mqtt/bridge/devices", DEVICES)
    assert again is not None
    assert not isinstance(again, Problem)
    assert getattr(again, "remember", None) == {}


def test_a_renamed_device_gives_its_code_to_another(house: Following) -> None:
    house.told("zigbee2mqtt/bridge/devices", [{"friendly_name": "b1/door"}])
    (told,) = house.told("zigbee2mqtt/bridge/devices", [{"friendly_name": "b1.door"}])
    assert told.device == "b1.door"
    assert house.spoken("zigbee2mqtt/b1.door", {"smoke": True})[0][0] == "b1.door"
    house.told("zigbee2mqtt/bridge/devices", [])
    assert house.memory == {}


def test_groups_are_no_devices(house: Following) -> None:
    house.told("zigbee2mqtt/bridge/groups", GROUPS)
    assert house.told("zigbee2mqtt/hall", {"state": "ON"}) == []
    assert house.told("zigbee2mqtt/hall/availability", b"online") == []
    house.told("zigbee2mqtt/bridge/groups", [])
    assert house.reading("zigbee2mqtt/hall", {"state": "ON"}) == {"state": True}


def test_one_attribute_a_topic_is_understood(house: Following) -> None:
    assert house.reading("zigbee2mqtt/b1/plug/power", b"12.5") == {"power": 12.5}
    assert house.reading("zigbee2mqtt/b1/plug/state", b"ON") == {"state": True}
    assert house.spoken("zigbee2mqtt/b1/plug/power", b"null") == []
    house.told("zigbee2mqtt/bridge/devices", [{"friendly_name": "b1/plug"}])
    assert isinstance(house.hear("zigbee2mqtt/b1/plug", b"12"), Problem)


@pytest.mark.parametrize(
    ("topic", "payload", "reason"),
    [
        ("zigbee2mqtt/a", b"{", "bad_json"),
        ("zigbee2mqtt/a/b", b'{"smoke":', "bad_json"),
        ("zigbee2mqtt/a", b"[1]", "wrong_shape"),
        ("zigbee2mqtt/a", b"7", "wrong_shape"),
        ("zigbee2mqtt/a/b", b"\xff", "not_utf8"),
        ("zigbee2mqtt/bridge/devices", b"{}", "wrong_shape"),
        ("zigbee2mqtt/bridge/state", b"maybe", "wrong_shape"),
        ("zigbee2mqtt/bridge/info", b"[", "bad_json"),
    ],
)
def test_what_cannot_be_used_says_why(
    house: Following, topic: str, payload: bytes, reason: str
) -> None:
    problem = house.hear(topic, payload)
    assert isinstance(problem, Problem)
    assert problem.reason == reason


def test_requests_and_the_work_of_the_bridge_are_nobodys_business(house: Following) -> None:
    asked = ("a/set", "a/get", "a/set/state", "a/b/get/state")
    work = ("logging", "request/restart", "response/device/rename", "extensions", "definitions")
    for rest in (*asked, *(f"bridge/{each}" for each in work)):
        assert house.hear(f"zigbee2mqtt/{rest}", {"state": "ON"}) is None
    assert house.hear("homeassistant/status", b"online") is None


def test_events_tell_what_a_new_device_is_and_that_one_left(house: Following) -> None:
    about = {**DEVICES[1], "status": "successful", "friendly_name": "0x01"}
    (told,) = house.told("zigbee2mqtt/bridge/event", {"type": "device_interview", "data": about})
    assert told.described is not None
    assert told.described.model == "MCCGQ11LM"
    left = {"type": "device_leave", "data": {"friendly_name": "0x01"}}
    assert house.spoken("zigbee2mqtt/bridge/event", left) == [("0x01", "status", {"online": False})]
    for kind in ("device_joined", "device_announce"):
        data = {"friendly_name": "0x01"}
        assert house.told("zigbee2mqtt/bridge/event", {"type": kind, "data": data}) == []


def test_the_bridge_tells_of_itself(house: Following) -> None:
    health = {
        "response_time": 1795492801123,
        "os": {"memory_percent": 31.5},
        "devices": {"0x1": {}},
    }
    assert house.spoken("zigbee2mqtt/bridge/health", health) == [
        ("zigbee2mqtt", "readings", {"os.memory_percent": 31.5, "ts": 1795492801123})
    ]
    (told,) = house.told("zigbee2mqtt/bridge/info", {"coordinator": {"type": "zStack3x0"}})
    assert told.described is not None
    assert told.described.model == "zStack3x0"


EXPECTED: dict[str, list[tuple[str, str, dict[str, Any]]]] = {
    "availability_offline": [("bulb_color", "status", {"online": False})],
    "availability_online": [("remote", "status", {"online": True})],
    "bridge_state_legacy_online": [("zigbee2mqtt", "status", {"online": True})],
    "button": [("FRIENDLY_NAME", "event", {"event": "single"})],
    "occupancy": [("FRIENDLY_NAME", "readings", {"occupancy": True})],
    "temperature_partial": [("weather_sensor", "readings", {"temperature": -0.85})],
    "event_device_joined": [],
    "event_interview_failed": [],
    "logging": [],
}


@pytest.mark.parametrize("sample", shared("zigbee2mqtt"), ids=lambda one: str(one["name"]))
def test_every_sample_is_decoded(house: Following, sample: dict[str, Any]) -> None:
    said = house.spoken(sample["topic"], sample["payload_raw"].encode())
    assert said == EXPECTED[sample["name"]]


def test_what_is_told_can_be_used(house: Following) -> None:
    for topic, said in SAMPLES:
        check(house.hear(topic, said if isinstance(said, bytes) else json.dumps(said).encode()))
