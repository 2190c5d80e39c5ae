"""Home Assistant's discovery: configurations in long and in short, templates, and states."""

import json
import time
from typing import Any

import pytest

from core.dialects import option_faults
from ingest.decoding import Problem
from ingest.dialects import FOLLOWED, Decoded, DescribedPoint
from ingest.dialects.homeassistant import births
from ingest.dialects.homeassistant.templates import Fault, render
from tests.ingest.dialects.following import Following, check, shared

STATE = "zigbee2mqtt/leak"
ABOUT = {
    "ids": ["zigbee2mqtt_0x01"], "name": "Leak below the pump", "mf": "Aqara", "mdl": "SJCGQ11LM",
    "via_device": "zigbee2mqtt_bridge_0x00",
}  # fmt: skip
AVAILABLE = [{"topic": "zigbee2mqtt/bridge/state"}, {"t": "zigbee2mqtt/leak/availability"}]
LEAK = {
    "dev": ABOUT, "dev_cla": "moisture", "stat_t": STATE, "uniq_id": "0x01_leak", "pl_on": True,
    "pl_off": False, "val_tpl": "{{ value_json.water_leak }}", "avty": AVAILABLE,
    "avty_mode": "all",
}  # fmt: skip
BATTERY = {
    "device": {"identifiers": "zigbee2mqtt_0x01", "name": "Leak below the pump"},
    "device_class": "battery", "unit_of_measurement": "%", "state_class": "measurement",
    "state_topic": STATE, "value_template": "{{ value_json['battery'] | int }}",
    "entity_category": "diagnostic",
}  # fmt: skip
WHOLE = {
    "~": "plant", "dev": {"ids": "ph-1", "name": "Pump house", "mf": "Acme"}, "o": {"name": "acme"},
    "stat_t": "~/state", "avty_t": "~/lwt",
    "cmps": {
        "temp": {"p": "sensor", "dev_cla": "temperature", "unit_of_meas": "°F",
                 "val_tpl": "{{ value_json.t | float | round(1) }}", "uniq_id": "ph-1-t"},
        "run": {"p": "switch", "stat_t": "~/run", "stat_on": "running", "stat_off": "idle"},
        "gone": {"p": "sensor"},
        "bell": {"p": "event", "stat_t": "~/bell", "evt_typ": ["press", "hold"]},
        "mode": {"p": "select", "stat_t": "~/mode", "ops": ["auto", "hand"]},
    },
}  # fmt: skip
SAMPLES = [
    ("homeassistant/binary_sensor/0x01/leak/config", LEAK),
    ("homeassistant/sensor/0x01/battery/config", BATTERY),
    ("homeassistant/device/ph-1/config", WHOLE),
    (STATE, {"water_leak": True, "battery": 97}),
    ("plant/state", {"t": 70.55}),
    ("plant/run", b"running"),
    ("plant/bell", {"event_type": "press"}),
    ("plant/lwt", b"online"),
    ("zigbee2mqtt/leak/availability", b"offline"),
]


@pytest.fixture
def house() -> Following:
    return Following("homeassistant", "homeassistant/#")


@pytest.fixture
def leak(house: Following) -> Following:
    house.told("homeassistant/binary_sensor/0x01/leak/config", LEAK)
    house.told("homeassistant/sensor/0x01/battery/config", BATTERY)
    return house


def followed(house: Following) -> set[str]:
    return {key.removeprefix(FOLLOWED) for key in house.memory if key.startswith(FOLLOWED)}


def test_configurations_of_a_device_describe_it_together(house: Following) -> None:
    (told,) = house.told("homeassistant/binary_sensor/0x01/leak/config", LEAK)
    assert (told.device, told.through) == ("zigbee2mqtt_0x01", "zigbee2mqtt_bridge_0x00")
    (told,) = house.told("homeassistant/sensor/0x01/battery/config", BATTERY)
    assert told.device == "zigbee2mqtt_0x01"
    assert told.described is not None
    assert told.described.name == "Leak below the pump"
    assert list(told.described.points) == [
        DescribedPoint("binary_sensor.leak", "boolean", means="moisture"),
        DescribedPoint("sensor.battery", "number", "%", means="battery"),
    ]
    assert followed(house) == {STATE, *(f"zigbee2mqtt/{each}" for each in
                                        ("bridge/state", "leak/availability"))}  # fmt: skip


def test_a_state_is_told_by_all_that_its_topic_stands_for(leak: Following) -> None:
    (told,) = leak.told(STATE, {"water_leak": True, "battery": 97})
    assert told.device == "zigbee2mqtt_0x01"
    assert [each.fields for each in told.messages] == [
        {"binary_sensor.leak": True, "sensor.battery": 97}
    ]
    assert told.health == {"battery": 97}
    # A partial state tells what it holds.
    assert leak.reading(STATE, {"water_leak": False}) == {"binary_sensor.leak": False}
    assert leak.spoken(STATE, {"linkquality": 7}) == []


def test_a_device_is_there_by_all_that_say_so(leak: Following) -> None:
    def online(topic: str, word: bytes) -> list[bool]:
        return [fields["online"] for _, _, fields in leak.spoken(f"zigbee2mqtt/{topic}", word)]

    assert online("leak/availability", b"online") == [True]
    assert online("bridge/state", b"offline") == [False]
    assert online("leak/availability", b"online") == [False]
    assert online("bridge/state", b"online") == [True]
    assert online("bridge/state", b"starting") == []


@pytest.mark.parametrize(("mode", "last"), [("any", True), ("latest", False), (None, False)])
def test_other_modes_of_availability(house: Following, mode: str | None, last: bool) -> None:
    said = (
        {**LEAK, "avty_mode": mode} if mode else {k: v for k, v in LEAK.items() if k != "avty_mode"}
    )
    house.told("homeassistant/binary_sensor/0x01/leak/config", said)
    house.spoken("zigbee2mqtt/bridge/state", b"online")
    ((_, _, fields),) = house.spoken("zigbee2mqtt/leak/availability", b"offline")
    assert fields == {"online": last}


def test_a_device_is_gone_only_when_all_that_it_has_is(house: Following) -> None:
    for name, place in (("pump", "a/pump"), ("tank", "a/tank"), ("level", "a/tank")):
        said = {"dev": {"ids": "a"}, "stat_t": "a/s", "avty_t": place}
        house.told(f"homeassistant/sensor/{name}/config", said)
    # An entity that names no such topic is always there, and says nothing of the others.
    house.told("homeassistant/sensor/ip/config", {"dev": {"ids": "a"}, "stat_t": "a/ip"})

    def online(topic: str, word: bytes) -> list[bool]:
        return [fields["online"] for _, _, fields in house.spoken(f"a/{topic}", word)]

    assert online("pump", b"offline") == []
    assert online("tank", b"online") == [True]
    assert online("pump", b"offline") == [True]
    assert online("tank", b"offline") == [False]
    assert online("pump", b"online") == [True]
    house.told("homeassistant/sensor/pump/config")
    assert online("tank", b"offline") == [False]
    assert "a/pump" not in followed(house)


def test_one_topic_may_say_different_things_of_different_entities(house: Following) -> None:
    for name in ("pump", "tank"):
        place = {"t": "a/lwt", "val_tpl": f"{{{{ value_json.{name} }}}}"}
        said = {"dev": {"ids": "a"}, "stat_t": "a/s", "avty": [place]}
        house.told(f"homeassistant/sensor/{name}/config", said)
    said = {"pump": "offline", "tank": "online"}
    assert house.spoken("a/lwt", said) == [("a", "status", {"online": True})]
    said["tank"] = "offline"
    assert house.spoken("a/lwt", said) == [("a", "status", {"online": False})]


def test_any_of_several_topics_is_enough_and_one_alone_proves_no_absence(house: Following) -> None:
    said = {**LEAK, "avty_mode": "any"}
    house.told("homeassistant/binary_sensor/0x01/leak/config", said)
    assert house.spoken("zigbee2mqtt/leak/availability", b"offline") == []
    ((_, _, fields),) = house.spoken("zigbee2mqtt/bridge/state", b"offline")
    assert fields == {"online": False}


def test_a_bridge_says_of_all_behind_it_whether_they_are_there(house: Following) -> None:
    for number in range(700):
        said = {**LEAK, "dev": {"ids": f"d{number}"}, "stat_t": f"z/{number}", "avty": AVAILABLE[0]}
        house.told(f"homeassistant/binary_sensor/{number}/leak/config", said)
        house.told(f"homeassistant/sensor/{number}/battery/config", said)
    gone = house.spoken("zigbee2mqtt/bridge/state", b"offline")
    assert len(gone) == 700


def test_an_action_is_taken_apart_by_a_template_with_loops(house: Following) -> None:
    # As bridges write it that make events of the actions of all kinds of buttons.
    patterns = (
        "{'pattern': '^(?P<knob>(?:knob_)?[a-z0-9]+)_(?P<deed>(?:push|keep)(?:_end)?)$',"
        " 'groups': ['knob', 'deed']},"
        "{'pattern': '^(?P<deed>turn)_(?P<way>left|right)$', 'groups': ['deed', 'way']}"
    )
    text = (
        "{% set patterns = [" + patterns + "] %}{% set said = value_json.action | default('') %}"
        "{% set ns = namespace(r=[('deed', said)]) %}{% for p in patterns %}"
        "{% set m = said | regex_findall(p.pattern) %}"
        "{% if m[0] is undefined %}{% continue %}{% endif %}"
        "{% for key, value in zip(p.groups, m[0]) %}"
        "{% set ns.r = ns.r | rejectattr(0, 'eq', key) | list + [(key, value)] %}{% endfor %}"
        "{% endfor %}{% set ns.r = ns.r + [('event_type', ns.r | selectattr(0, 'eq', 'deed')"
        " | map(attribute=1) | first)] %}"
        "{{ dict.from_keys(ns.r | rejectattr(0, 'in', ('deed', 'x'))"
        " | reject('eq', ('event_type', ''))) | to_json }}"
    )
    said = {"dev": {"ids": "k"}, "stat_t": "k", "evt_typ": ["push", "turn"], "val_tpl": text}
    house.told("homeassistant/event/k/config", said)
    for action, event in (("knob_1_push", "push"), ("turn_left", "turn"), ("odd", "odd")):
        assert house.spoken("k", {"action": action}) == [
            ("k", "event", {"event": f"event.k.{event}"})
        ]
    assert house.spoken("k", {"battery": 7}) == []


def test_what_goes_off_by_itself_says_when(house: Following) -> None:
    said = {"uniq_id": "m", "stat_t": "m", "off_delay": 30, "expire_after": 90}
    (told,) = house.told("homeassistant/binary_sensor/m/config", said)
    assert told.described is not None
    assert told.described.points == (DescribedPoint("binary_sensor.m", "boolean", interval=30),)
    (told,) = house.told("m", b"ON")
    assert told.messages[0].lasts == {"binary_sensor.m": 30}
    (told,) = house.told("m", b"OFF")
    assert told.messages[0].lasts == {}


def test_availability_may_have_words_and_a_template_of_its_own(house: Following) -> None:
    place = {"topic": "a/lwt", "pl_avail": "up", "pl_not_avail": "down",
             "val_tpl": "{{ value_json.s }}"}  # fmt: skip
    said = {"uniq_id": "a1", "stat_t": "a/s", "avty": place}
    house.told("homeassistant/sensor/a/config", said)
    assert house.spoken("a/lwt", {"s": "down"}) == [("a1", "status", {"online": False})]
    assert house.spoken("a/lwt", {"s": "perhaps"}) == []


def test_a_whole_device_is_one_configuration(house: Following) -> None:
    (told,) = house.told("homeassistant/device/ph-1/config", WHOLE)
    assert told.described is not None
    assert list(told.described.points) == [
        DescribedPoint("sensor.temp", "number", "°F", means="temperature"),
        DescribedPoint("switch.run", "boolean"),
        DescribedPoint("event.bell.press", "event"),
        DescribedPoint("event.bell.hold", "event"),
        DescribedPoint("select.mode", "state", states=("auto", "hand")),
    ]
    assert house.reading("plant/state", {"t": "70.55"}) == {"sensor.temp": 70.5}
    assert house.reading("plant/run", b"idle") == {"switch.run": False}
    assert house.reading("plant/mode", b"hand") == {"select.mode": "hand"}
    assert house.spoken("plant/bell", {"event_type": "hold"}) == [
        ("ph-1", "event", {"event": "event.bell.hold"})
    ]
    assert house.spoken("plant/lwt", b"offline") == [("ph-1", "status", {"online": False})]


def test_a_configuration_that_changes_or_goes_is_followed_no_longer(leak: Following) -> None:
    topic = "homeassistant/sensor/0x01/battery/config"
    leak.told(topic, {**BATTERY, "state_topic": "elsewhere"})
    assert "elsewhere" in followed(leak)
    assert leak.reading(STATE, {"water_leak": True, "battery": 5}) == {"binary_sensor.leak": True}
    leak.told(topic)
    assert followed(leak) == {STATE, "zigbee2mqtt/bridge/state", "zigbee2mqtt/leak/availability"}
    leak.told("homeassistant/binary_sensor/0x01/leak/config")
    assert leak.memory == {}
    assert leak.hear(topic) is None


def test_nothing_is_written_for_a_configuration_that_is_known(leak: Following) -> None:
    result = leak.hear("homeassistant/binary_sensor/0x01/leak/config", LEAK)
    assert isinstance(result, Decoded)
    assert result.remember == {}


@pytest.mark.parametrize(
    ("topic", "said", "device"),
    [
        ("homeassistant/sensor/x/config", {"dev": {"cns": [["mac", "A1:B2"]]}}, "A1:B2"),
        ("homeassistant/sensor/x/config", {"dev": {}, "uniq_id": "u1"}, "u1"),
        ("homeassistant/sensor/n/x/config", {}, "n.x"),
        ("homeassistant/sensor/x/config", {}, "x"),
        ("b1/ha/sensor/n/x/config", {}, "n.x"),
        ("homeassistant/sensor/x/config", {"dev": {"ids": ["Pump room/1"]}}, "Pump-room.1"),
        ("homeassistant/sensor/x/config", {"dev": {"ids": [4711]}}, "4711"),
    ],
)
def test_a_device_is_its_identifier_or_the_entity(
    topic: str, said: dict[str, Any], device: str
) -> None:
    house = Following("homeassistant", "#")
    house.told(topic, {**said, "stat_t": "s"})
    assert house.spoken("s", b"1") == [(device, "readings", {"sensor.x": 1})]


@pytest.mark.parametrize(
    ("config", "payload", "told"),
    [
        ({}, b"21.5", 21.5),
        ({"unit_of_meas": "°C"}, b"21.50", 21.5),
        ({}, b"idle", "idle"),
        ({"dev_cla": "enum", "ops": ["1", "2"]}, b"1", "1"),
        ({"dev_cla": "enum", "ops": ["none", "near"]}, b"none", "none"),
        ({"dev_cla": "enum", "ops": ["near", "unknown"]}, b"unknown", "unknown"),
        ({"dev_cla": "enum", "ops": ["near", "far"]}, b"unknown", None),
        ({"dev_cla": "enum", "ops": ["near", "far"]}, b"None", None),
        ({"val_tpl": "{{ value_json.alarm }}"}, b'{"alarm":"none"}', "none"),
        ({"val_tpl": "{{ value_json.alarm }}"}, b'{"alarm":null}', None),
        ({"unit_of_meas": "°C"}, b"unavailable", None),
        ({"unit_of_meas": "°C"}, b"nan", None),
        ({"unit_of_meas": "°C"}, b"Infinity", None),
        ({"unit_of_meas": "°C"}, b"undefined", None),
        ({"unit_of_meas": "°C", "val_tpl": "{{ value_json.x }}"}, b'{"x":null}', None),
        ({"dev_cla": "timestamp"}, b"2026-11-24T00:00:00Z", None),
        ({"val_tpl": "{{ value.split(',')[1] }}"}, b"1,2", 2),
    ],
)
def test_sensors_tell_numbers_and_texts(
    house: Following, config: dict[str, Any], payload: bytes, told: Any
) -> None:
    house.told("homeassistant/sensor/x/config", {"stat_t": "s", **config})
    said = [fields for _, _, fields in house.spoken("s", payload)]
    assert said == ([] if told is None else [{"sensor.x": told}])


@pytest.mark.parametrize(
    ("component", "config", "payload", "reason"),
    [
        ("sensor", {"unit_of_meas": "°C"}, b"warm", "wrong_type"),
        ("binary_sensor", {}, b"perhaps", "wrong_type"),
        ("event", {}, b"press", "bad_json"),
        ("light", {"schema": "json"}, b"[1]", "wrong_shape"),
    ],
)
def test_what_cannot_be_used_says_why(
    house: Following, component: str, config: dict[str, Any], payload: bytes, reason: str
) -> None:
    house.told(f"homeassistant/{component}/x/config", {"stat_t": "s", **config})
    result = house.hear("s", payload)
    assert isinstance(result, Decoded)
    assert [problem.reason for problem in result.problems] == [reason]


def test_signals_and_cells_are_health(house: Following) -> None:
    for name, config in (
        ("rssi", {"dev_cla": "signal_strength", "unit_of_meas": "dBm"}),
        ("linkquality", {"unit_of_meas": "lqi"}),
        ("battery_voltage", {"dev_cla": "voltage", "unit_of_meas": "mV", "ent_cat": "diagnostic"}),
    ):
        said = {"dev": {"ids": "d"}, "stat_t": "s", "val_tpl": f"{{{{ value_json.{name} }}}}"}
        house.told(f"homeassistant/sensor/{name}/config", {**said, **config})
    (told,) = house.told("s", {"rssi": -70, "linkquality": 51, "battery_voltage": 2985})
    assert told.health == {"rssi": -70, "link_quality": 20.0, "battery_voltage": 2.985}


def test_triggers_are_events_and_tags_are_scans(house: Following) -> None:
    press = {"atype": "trigger", "t": "b/action", "pl": "single", "type": "press", "stype": "left",
             "dev": {"ids": "b"}}  # fmt: skip
    house.told("homeassistant/device_automation/b/config", press)
    assert house.spoken("b/action", b"single") == [("b", "event", {"event": "left.press"})]
    assert house.spoken("b/action", b"double") == []
    tag = {"topic": "r/tag", "value_template": "{{ value_json.PN532.UID }}", "device": {"ids": "r"}}
    house.told("homeassistant/tag/r/config", tag)
    assert house.spoken("r/tag", {"PN532": {"UID": "94D8FC5F"}}) == [
        ("r", "scan", {"guard": "94D8FC5F"})
    ]


def test_a_thermostat_tells_more_than_one_value(house: Following) -> None:
    said = {"curr_temp_t": "t/now", "temp_stat_t": "t/set", "mode_stat_t": "t/mode", "uniq_id": "t"}
    house.told("homeassistant/climate/t/config", said)
    assert house.reading("t/now", b"21.5") == {"climate.t.current_temperature": 21.5}
    assert house.reading("t/mode", b"heat") == {"climate.t.mode": "heat"}


def test_everything_that_a_component_tells_is_told(house: Following) -> None:
    said = {
        "~": "hvac", "dev": {"ids": ["hvac"]}, "curr_temp_t": "~", "temp_stat_t": "~",
        "temp_hi_stat_t": "~/high", "curr_hum_t": "~", "hum_stat_t": "~", "mode_stat_t": "~",
        "modes": ["off", "cool"], "fan_mode_stat_t": "~", "pr_mode_stat_t": "~/preset",
        "act_t": "~", "temp_unit": "F",
        "curr_temp_tpl": "{{ value_json.now }}", "temp_stat_tpl": "{{ value_json.set }}",
        "curr_hum_tpl": "{{ value_json.rh }}", "hum_state_tpl": "{{ value_json.rh_set }}",
        "mode_stat_tpl": "{{ value_json.mode }}", "fan_mode_stat_tpl": "{{ value_json.fan }}",
        "act_tpl": "{{ value_json.action }}", "val_tpl": "{{ value | upper }}",
    }  # fmt: skip
    (told,) = house.told("homeassistant/climate/hvac/config", said)
    assert told.described is not None
    point = DescribedPoint
    assert set(told.described.points) == {
        point("climate.hvac.current_humidity", "number", "%", means="humidity"),
        point("climate.hvac.current_temperature", "number", "°F", means="temperature"),
        point("climate.hvac.mode", "state", None, ("off", "cool")),
        point("climate.hvac.target_humidity", "number", "%"),
        point("climate.hvac.temperature", "number", "°F"),
        point("climate.hvac.temperature_high", "number", "°F"),
    }
    state = {"now": 70, "set": 68, "rh": 55, "rh_set": 50, "mode": "cool", "fan": "auto",
             "action": "cooling"}  # fmt: skip
    assert house.reading("hvac", state) == {
        "climate.hvac.current_humidity": 55,
        "climate.hvac.current_temperature": 70,
        "climate.hvac.action": "cooling",
        "climate.hvac.fan_mode": "auto",
        "climate.hvac.mode": "cool",
        "climate.hvac.target_humidity": 50,
        "climate.hvac.temperature": 68,
    }
    assert house.reading("hvac/preset", b"eco") == {"climate.hvac.preset_mode": "ECO"}


@pytest.mark.parametrize(
    ("component", "config", "payload", "told"),
    [
        ("lock", {"stat_locked": "shut"}, b"shut", "shut"),
        ("cover", {"tilt_status_t": "s"}, b"40", {"cover.x": "40", "cover.x.tilt": 40}),
        ("lawn_mower", {"stat_t": None, "act_stat_t": "s"}, b"docked", {"lawn_mower.x.activity":
                                                                        "docked"}),
        ("vacuum", {}, b'{"state":"docked","battery_level":61}',
         {"vacuum.x.state": "docked", "vacuum.x.battery_level": 61}),
        ("light", {"schema": "template", "stat_tpl": "{{ value_json.s }}", "pl_on": "on"},
         b'{"s":"on"}', True),
        ("light", {"schema": "json"}, b'{"state":"OFF","brightness":7}',
         {"light.x.state": False, "light.x.brightness": 7}),
        ("device_tracker", {}, b"not_home", "not_home"),
        ("sensor", {"val_tpl": "{{ value_json.on }}"}, b'{"on":true}', True),
        ("sensor", {"avty_t": "", "json_attr_t": "a"}, b"3", 3),
    ],
)  # fmt: skip
def test_components_speak_in_their_own_way(
    house: Following, component: str, config: dict[str, Any], payload: bytes, told: Any
) -> None:
    house.told(f"homeassistant/{component}/x/config", {"stat_t": "s", **config})
    said = told if isinstance(told, dict) else {f"{component}.x": told}
    assert house.reading("s", payload) == said


@pytest.mark.parametrize("component", ["button", "date", "datetime", "image", "time", "update"])
def test_what_is_not_read_is_not_followed(house: Following, component: str) -> None:
    house.told(f"homeassistant/{component}/x/config", {"stat_t": "s", "cmd_t": "c"})
    assert followed(house) == set()


def test_states_of_locks_and_covers_are_known(house: Following) -> None:
    (told,) = house.told("homeassistant/lock/x/config", {"stat_t": "s", "stat_locked": "shut"})
    assert told.described is not None
    (point,) = told.described.points
    assert (point.kind, point.states[:2]) == ("state", ("shut", "UNLOCKED"))


def test_an_entity_without_a_device_has_its_own_name(house: Following) -> None:
    said = {"name": "机房温度", "stat_t": "s", "uniq_id": "t1"}
    (told,) = house.told("homeassistant/sensor/t/config", said)
    assert told.described is not None
    assert (told.device, told.described.name) == ("t1", "机房温度")


def test_a_code_on_a_topic_of_several_switches_is_one_of_them_or_nothing(house: Following) -> None:
    for name, code in (("front", "7821834"), ("back", 1213858)):
        said = {"dev": {"ids": "rf"}, "stat_t": "rf/in", "pl_on": code, "off_dly": 5}
        house.told(f"homeassistant/binary_sensor/{name}/config", said)
    assert house.reading("rf/in", b"1213858") == {"binary_sensor.back": True}
    assert house.spoken("rf/in", b"999") == []


def test_a_lasting_state_is_on_by_one_word_and_the_others_are_nothing(house: Following) -> None:
    said = {"stat_t": "cam", "pl_on": "motion", "off_delay": 5}
    house.told("homeassistant/binary_sensor/x/config", said)
    assert house.reading("cam", b"motion") == {"binary_sensor.x": True}
    assert house.spoken("cam", b"stop") == []


def test_a_value_that_is_not_there_is_not_made_up(house: Following) -> None:
    for name in ("flow", "gas"):
        known = f"value_json.{name} is defined"
        said = {
            "~": "b", "dev": {"ids": "boiler"}, "stat_t": "~/data", "unit_of_meas": "°C",
            "val_tpl": f"{{{{value_json.{name} if {known} else 0}}}}", "avty_mode": "all",
            "avty": [{"t": "~/status"},
                     {"t": "~/data", "val_tpl": f"{{{{'online' if {known} else 'offline'}}}}"}],
        }  # fmt: skip
        house.told(f"homeassistant/sensor/{name}/config", said)
    assert house.spoken("b/data", {"flow": 58.6}) == [
        ("boiler", "readings", {"sensor.flow": 58.6}), ("boiler", "status", {"online": True}),
    ]  # fmt: skip
    assert house.spoken("b/data", {}) == [("boiler", "status", {"online": False})]


@pytest.mark.parametrize(
    ("config", "left"),
    [
        ({"val_tpl": "{{ value_json.t | timestamp_custom('%H:%M') }}"}, True),
        ({"val_tpl": "{{ as_datetime(value_json.t) }}"}, True),
        ({"val_tpl": "{{ as_datetime(value) }}", "unit_of_meas": "s"}, False),
        ({"val_tpl": "{{ now() - value }}"}, False),
    ],
)
def test_times_that_a_template_writes_are_left(
    house: Following, config: dict[str, Any], left: bool
) -> None:
    result = house.hear("homeassistant/sensor/x/config", {"stat_t": "s", **config})
    assert isinstance(result, Decoded)
    assert bool(result.problems) is not left


@pytest.mark.parametrize("said", [{}, {"migrate_discovery": True}, {"migr_discvry": True}])
def test_a_configuration_that_moves_or_is_empty_is_taken_back(
    leak: Following, said: dict[str, Any]
) -> None:
    assert leak.told("homeassistant/sensor/0x01/battery/config", said) == []
    assert leak.told("homeassistant/sensor/new/config", said) == []
    assert leak.reading(STATE, {"water_leak": True, "battery": 5}) == {"binary_sensor.leak": True}


@pytest.mark.parametrize("payload", [b"None", b"{}", b"null", b'{"event_type":null}'])
def test_no_event_is_none(house: Following, payload: bytes) -> None:
    house.told("homeassistant/event/x/config", {"stat_t": "s", "evt_typ": ["press"]})
    assert house.spoken("s", payload) == []


@pytest.mark.parametrize(
    "said",
    [
        {"stat_t": "a/+/b"},
        {"stat_t": 7},
        {"stat_t": "$SYS/x"},
        {"stat_t": "wk/v1/riverside/pump-1/readings"},
        {"stat_t": "s", "val_tpl": "{% macro x() %}{{ value }}{% endmacro %}{{ x() }}"},
        {"stat_t": "s", "val_tpl": "{{ states('sensor.other') }}"},
        {"stat_t": "s", "val_tpl": "{{ value"},
    ],
)
def test_what_cannot_be_followed_is_quarantined(house: Following, said: dict[str, Any]) -> None:
    result = house.hear("homeassistant/sensor/x/config", said)
    assert isinstance(result, Decoded)
    assert [problem.reason for problem in result.problems] == ["unsupported"]
    assert followed(house) == set()


def test_what_no_configuration_names_is_nobodys_business(house: Following) -> None:
    for topic in ("homeassistant/status", "homeassistant/sensor/x/state", "homeassistant/x/config"):
        assert house.hear(topic, b"online") is None
    assert isinstance(house.hear("homeassistant/sensor/x/config", b"{"), Problem)


def test_a_source_with_a_birth_topic_says_there_what_home_assistant_says() -> None:
    house = Following("homeassistant", "homeassistant/#", birth_topic="homeassistant/status")
    (birth,) = births(house.source)
    assert (birth.topic, birth.retained) == ("homeassistant/status", False)
    assert birth.said(online=True, at=1) == b"online"
    assert birth.said(online=False, at=1) == b"offline"
    assert birth.offline_since(b"offline") == 0
    assert [birth.offline_since(each) for each in (b"online", b"", b"\xff")] == [None] * 3
    assert not list(births(Following("homeassistant", "homeassistant/#").source))


def test_a_birth_topic_is_none_on_which_devices_are_told_something() -> None:
    for right in ("homeassistant/status", "hass/status", "wk"):
        assert not list(option_faults("homeassistant", {"birth_topic": right}))
    for wrong in ("homeassistant/#", "+/status", "a b", "", 5, "wk/v1/s/announce", "$SYS/x"):
        faults = [name for name, _ in option_faults("homeassistant", {"birth_topic": wrong})]
        assert faults == ["birth_topic"], wrong


@pytest.mark.parametrize(
    ("text", "value", "made"),
    [
        ("{{ value }}", "21.5", "21.5"),
        ("{{ value_json.a.b }}", '{"a":{"b":1}}', "1"),
        ("{{ value_json['a b'][0].c }}", '{"a b":[{"c":true}]}', "True"),
        ("{{ value_json.x | default(5) }}", "{}", "5"),
        ("{{ value_json.x | default(5, true) }}", '{"x":0}', "5"),
        ("{{ value_json.x }}", "{}", ""),
        ("{{ value_json.x|float(0) + 1 }}", '{"x":"2.5"}', "3.5"),
        ("{{ (value_json.x | int / 10) | round(2) }}", '{"x":"123"}', "12.3"),
        ("{{ value | int(base=16) }}", "ff", "255"),
        ("{{ value_json.x | round(1, 'floor') }}", '{"x":1.99}', "1.9"),
        ("{{ 'ON' if value_json.x > 3 else 'OFF' }}", '{"x":4}', "ON"),
        ("{% if value == 'a' %}1{% elif value == 'b' %}2{% else %}3{% endif %}", "b", "2"),
        ("{% set v = value_json.t * 2 %}{{ v - 1 }}", '{"t":2}', "3"),
        ("{{ value_json.x is defined and value_json.x in ['a', 'b'] }}", '{"x":"b"}', "True"),
        ("{{ {'0': 'shut', '1': 'open'}[value] }}", "1", "open"),
        ("{{ value_json.get('x', 7) }}", "{}", "7"),
        ("{{ value | replace('W', '') | trim }}", "12 W", "12"),
        ("{{ value[2:4] }}", "abcdef", "cd"),
        ("{{ value_json.l | length }} {{ value_json.l | join('-') }}", '{"l":[1,2]}', "2 1-2"),
        ("{{ iif(value_json.a, 'y', 'n') }}", '{"a":0}', "n"),
        ("{{ 1 - value_json.x | abs }}", '{"x":3}', "-2"),
        ("{{ value_json.flags | bitwise_and(4) }}", '{"flags":6}', "4"),
        ("{{ '%0.2f' | format(float(value) * 0.1) }}", "1234", "123.40"),
        ("{{ '%.1f' % (value_json.t) }} {{ '%s-%02d' % (value_json.n, 7) }}", '{"t":2,"n":"a"}',
         "2.0 a-07"),
        ("{{ '{:.1f}/{}'.format(value_json.t, 'x') }}", '{"t":2}', "2.0/x"),
        ("{{ value | default('', True) | string | truncate(5, True, '', 0) }}", "abcdefgh",
         "abcde"),
        ("{{ value_json.keys() | list | join(',') }}", '{"a":1,"b":2}', "a,b"),
        ("{{ value | regex_replace('[^0-9.]', '') }}", "12.5 °C", "12.5"),
        ("{{ value | regex_findall_index('([0-9]+)V', 0) }}", "a 230V b", "230"),
        ("{{ 'ON' if value is search('open|ajar') else 'OFF' }}", "is ajar", "ON"),
        ("{{ value | regex_match('^(?:button_)?[a-z0-9]+_press$') }}", "button_1_press", "True"),
        ("{{ (value_json.l | selectattr('id', 'eq', 2) | first).v }}",
         '{"l":[{"id":1,"v":3},{"id":2,"v":4}]}', "4"),
        ("{{ value_json.l | map(attribute='v') | sum }}", '{"l":[{"v":3},{"v":4}]}', "7"),
        ("{% for x in value_json.l if x.id > 1 %}{{ loop.index }}:{{ x.v }};{% endfor %}",
         '{"l":[{"id":1,"v":3},{"id":2,"v":4},{"id":3,"v":5}]}', "1:4;2:5;"),
        ("{% set n = namespace(sum=0) %}{% for k, v in value_json.items() %}"
         "{% if k == 'c' %}{% break %}{% elif k == 'a' %}{% continue %}{% endif %}"
         "{% set n.sum = n.sum + v %}{% endfor %}{{ n.sum }}", '{"a":1,"b":2,"c":4}', "2"),
        ("{{ dict.from_keys(zip(['a','b'], value.split(','))) | to_json }}", "x,y",
         '{"a": "x", "b": "y"}'),
        ("{{ value_json.l | reject('eq', 2) | list | join(',') }}", '{"l":[1,2,3]}', "1,3"),
        ("{% if value == '1' %}ON{% else %}{{ states('binary_sensor.x') | upper }}{% endif %}",
         "1", "ON"),
    ],
)  # fmt: skip
def test_templates_are_worked_out(text: str, value: str, made: str) -> None:
    assert render(text, value) == made


@pytest.mark.parametrize(
    "text",
    [
        "{{ value.__class__ }}",
        "{{ ''.join(value) }}",
        "{{ value * 1000000000 }}",
        "{{ 'a' * 10 }}",
        "{{ 10 ** 400 }}",
        "{{ cycler('a') }}",
        "{% macro x() %}{% endmacro %}",
        "{% include 'x' %}",
        "{{ value_json.a.b.c }}",
        "{{ value | xmlattr }}",
        "{{ '%s%9999999d' | format(value, 1) }}",
        "{{ '{:>9999999}'.format(value) }}",
        "{{ '{0.__class__}'.format(value) }}",
        "{{ value | regex_replace('(a*)*b', 'c') }}",
        "{{ value | regex_search('(x|x?)+y') }}",
        "{{ value | regex_replace('(') }}",
        "{{ states('sensor.other') if value == 'x' else 1 }}",
        "{{ '%9999999d' % 1 }}",
        "{{ value | center(99999999) }}",
        "{{ 'x' > 3 }}",
        "{{ 1 // 0 }}",
        "{{" + "(" * 500 + "1" + ")" * 500 + "}}",
        "{{ value_json" + ".a" * 3000 + " }}",
        "{% continue %}",
        "{% for a in range(99) %}{% for b in range(99) %}{% endfor %}{% endfor %}",
        "{% for a, b in [1] %}{{ a }}{% endfor %}",
        "{% set value.x = 1 %}{{ value }}",
    ],
)
def test_templates_that_do_harm_or_no_good_are_refused(text: str) -> None:
    try:
        made = render(text, "x")
    except Fault:
        return
    assert made == ""


@pytest.mark.parametrize(
    "text",
    [
        "{% set a = 'xxxxxxxx' %}" + "{% set a = a ~ a %}" * 150 + "{{ a }}",
        "{% set a = 9 %}" + "{% set a = a * a %}" * 150 + "{{ a }}",
        "{% set a = [1, 2] %}" + "{% set a = [a, a] %}" * 150 + "{{ a }}",
        "{% set a = [1, 2] %}" + "{% set a = a + a %}" * 150 + "{{ a }}",
        "{% for i in range(500) %}" + "{{ value | regex_search('x*x*y') }}" * 90 + "{% endfor %}",
        "{% set n = namespace(a='x') %}{% for i in range(99) %}{% set n.a = n.a ~ n.a %}"
        "{% endfor %}{{ n.a }}",
        "{{ value" + "|replace('x', 'xxxxxxxxxxxxxxxx')" * 100 + " }}",
        "{% set a = 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx' %}" + "{{ a | regex_match('"
        "x?x?x?x?x?x?x?x?x?x?x?x?x?x?x?x?x?x?x?x?x?x?xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxy') }}",
        "{% set a = '" + "x" * 500 + "' %}" + "{{ a | regex_search('x*x*x*x*y') }}",
    ],
)
def test_templates_that_grow_are_stopped(text: str) -> None:
    begin = time.process_time()
    with pytest.raises(Fault):
        render(text, "x")
    assert time.process_time() - begin < 10


EXPECTED: dict[str, Any] = {
    "binary_sensor_state": [("garden", "readings", {"binary_sensor.garden": True})],
    "sensor_state": [("sensorBedroomT", "readings", {"sensor.sensorBedroomT": 23.2})],
}


def test_every_sample_is_decoded(house: Following) -> None:
    samples = {one["name"]: one for one in shared("homeassistant_discovery")}
    for sample in samples.values():
        if "config" in sample["name"]:
            house.told(sample["topic"], sample["payload_raw"].encode())
    for name, said in EXPECTED.items():
        if name in samples:
            sample = samples[name]
            assert house.spoken(sample["topic"], sample["payload_raw"].encode()) == said
    if samples:
        assert house.reading("homeassistant/switch/irrigation/state", b"OFF") == {
            "switch.irrigation": False
        }


def test_what_is_told_can_be_used(house: Following) -> None:
    for topic, said in SAMPLES:
        payload = said if isinstance(said, bytes) else json.dumps(said).encode()
        check(house.hear(topic, payload))
