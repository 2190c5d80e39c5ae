"""Tasmota beside its cards and sensors: results, bridges, announcements, hours that come twice."""

from typing import Any

import pytest

from ingest.decoding import Problem
from ingest.dialects import FOLLOWED, DescribedPoint, Told
from ingest.dialects.naming import NAMED
from tests.ingest.dialects.following import Following, check, shared

CONFIG = {
    "ip": "192.168.1.5", "dn": "Pump room", "fn": ["Pump"], "hn": "tasmota-D8A1C4-0001",
    "mac": "D8A1C4000001", "md": "Sonoff Pow R2", "t": "pump_1", "ft": "%prefix%/%topic%/",
    "tp": ["cmnd", "stat", "tele"], "ofln": "Offline", "onln": "Online", "ver": 1,
}  # fmt: skip
ZIGBEE = {
    "ZbReceived": {
        "0x8F20": {
            "Device": "0x8F20", "Name": "Kitchen", "Voltage": 2.995, "Battery": 98,
            "Temperature": 21.01, "Pressure": 1004.04, "PressureUnit": "hPa", "Endpoint": 1,
            "LinkQuality": 127,
        }
    }
}  # fmt: skip
TIME = "2026-11-24T12:00:01"
TS = "2026-11-24T04:00:01+00:00"
SAMPLES = [
    ("tele/pump/SENSOR", {"Time": TIME, "DS18B20": {"Id": "03", "Temperature": 20.6}}),
    ("tele/pump/SENSOR", {"Time": TIME, "SI7021": {"Temperature": 69.1}, "TempUnit": "F"}),
    ("tele/pump/SENSOR", {"Time": TIME, "Epoch": 1795492801, "ENERGY": {"Current": [1.5, 2.5]}}),
    ("tele/pump/STATE", {"Time": TIME, "POWER": "ON", "Wifi": {"RSSI": 80, "Signal": -60}}),
    ("tele/pump/LWT", b"Online"),
    ("tele/zb/SENSOR", ZIGBEE),
    ("tele/lora/SENSOR", {"LwReceived": {"0x4AD6": {"RSSI": -50, "SNR": 12, "DoorOpen": 1}}}),
    ("tele/zb/SENSOR", {"ZbInfo": {"0x8959": {"Name": "Plug", "Reachable": False, "Power": 0}}}),
    ("tele/gate/SENSOR", {"Time": TIME, "PN532": {"UID": "94D8FC5F"}}),
    ("tele/gate/SENSOR", {"Time": TIME, "IBEACON": {"MAC": "A4C1", "RSSI": -56, "STATE": "ON"}}),
    ("stat/pump/POWER1", b"OFF"),
    ("stat/pump/RESULT", {"Button1": {"Action": "SINGLE"}, "POWER": "ON"}),
    ("stat/pump/STATUS8", {"StatusSNS": {"Time": TIME, "ENERGY": {"Power": 2629}}}),
    ("tasmota/discovery/D8A1C4000001/config", CONFIG),
    ("tasmota/discovery/D8A1C4000001/sensors", {"sn": {"Time": TIME, "SI7021": {"Humidity": 4}}}),
]  # fmt: skip


@pytest.fixture
def wall() -> Following:
    return Following("tasmota", "#")


@pytest.mark.parametrize(
    ("topic", "said", "told"),
    [
        ("stat/pump/POWER", b"ON", {"POWER": True}),
        ("stat/pump/POWER2", b"OFF", {"POWER2": False}),
        ("tele/pump/POWER_LOW", b"ON", {"POWER_LOW": True}),
        ("stat/pump/RESULT", {"POWER": "OFF", "TelePeriod": 300}, {"POWER": False}),
        ("stat/pump/RESULT", {"Switch1": {"Action": "ON"}}, {"Switch1": True}),
        ("stat/pump/RESULT", {"Shutter1": {"Position": 40}}, {"Shutter1.Position": 40}),
        ("tele/pump/MARGINS", {"MARGINS": {"PowerLow": "ON"}}, {"PowerLow": True}),
        (
            "stat/pump/STATUS10",
            {"StatusSNS": {"Time": TIME, "Switch1": "OFF"}},
            {"Switch1": False, "ts": TS},
        ),
        (
            "stat/pump/STATUS11",
            {"StatusSTS": {"Time": TIME, "POWER1": "ON", "Uptime": "0T1"}},
            {"POWER1": True, "ts": TS},
        ),
        (
            "tele/pump/SENSOR",
            {"Time": TIME, "ENERGY": {"Current": [1.5, None], "Voltage": [230, 231]}},
            {"ENERGY.Current.1": 1.5, "ENERGY.Voltage.1": 230, "ENERGY.Voltage.2": 231, "ts": TS},
        ),
    ],
)
def test_states_are_told_in_many_ways(
    wall: Following, topic: str, said: Any, told: dict[str, Any]
) -> None:
    ((device, kind, fields),) = wall.spoken(topic, said)
    assert (device, kind, fields) == ("pump", "readings", told)


def test_results_of_commands_that_are_no_state_are_left(wall: Following) -> None:
    for said in ({"TelePeriod": 300}, {"Command": "Unknown"}, {"Status": {"Module": 1}}):
        assert wall.hear("stat/pump/RESULT", said) is None
        assert wall.hear("stat/pump/STATUS", said) is None
    assert wall.hear("tele/pump/RESULT", {"ZbState": {"Status": 20}}) is None
    (told,) = wall.told("stat/pump/STATUS", {"Status": {"DeviceName": "Pump"}})
    assert told.described is not None
    assert told.described.name == "Pump"


@pytest.mark.parametrize(
    ("rest", "said", "told"),
    [
        ("RESULT", {"PCF8574-2_INP": {"D3": 0}}, {"PCF8574-2.D3": 0}),
        ("PCF8574_INP", {"PCF8574-1_INP": {"D6": 1}}, {"PCF8574-1.D6": 1}),
        ("RESULT", {"MCP230XX_INT": {"D11": 1, "MS": 218}}, {"MCP230XX.D11": 1}),
        ("MCP230XX_INT", {"MCP230XX_INT": {"D2": 0}}, {"MCP230XX.D2": 0}),
    ],
)
def test_an_input_of_an_expander_changes_at_once(
    wall: Following, rest: str, said: dict[str, Any], told: dict[str, Any]
) -> None:
    said = {"Time": "2026-11-24T12:00:00", **said}
    assert wall.spoken(f"stat/pump/{rest}", said) == [("pump", "readings", told)]


def test_a_press_is_an_event_of_its_button(wall: Following) -> None:
    assert wall.spoken("stat/pump/RESULT", {"Button": {"Action": "TRIPLE"}}) == [
        ("pump", "event", {"event": "Button.TRIPLE"})
    ]
    assert wall.spoken("stat/pump/RESULT", {"Button1": {"Action": "DOUBLE"}}) == [
        ("pump", "event", {"event": "Button1.DOUBLE"})
    ]
    assert wall.spoken("stat/pump/RESULT", {"Switch2": {"Action": "HOLD"}}) == [
        ("pump", "event", {"event": "Switch2.HOLD"})
    ]


def test_a_zigbee_device_is_itself_behind_its_bridge(wall: Following) -> None:
    (told,) = wall.told("tele/zb/SENSOR", ZIGBEE)
    assert (told.device, told.through) == ("zb.Kitchen", "zb")
    assert told.messages[0].fields == {
        "Voltage": 2.995,
        "Battery": 98,
        "Temperature": 21.01,
        "Pressure": 1004.04,
        "LinkQuality": 127,
    }
    assert told.health == {"battery": 98, "battery_voltage": 2.995, "link_quality": 50.0}


@pytest.mark.parametrize(
    ("topic", "key", "one", "device"),
    [
        ("tele/zb/SENSOR", "Kitchen", {"Device": "0x8F20"}, "zb.Kitchen"),
        ("tele/zb/SENSOR", "0x8F20", {"Device": "0x8F20"}, "zb.0x8F20"),
        ("tele/zb/8F20/SENSOR", "Kitchen", {"Device": "0x8F20"}, "zb.Kitchen"),
        ("tele/zb/8F20/SENSOR", "0x8F20", {"Name": "Kitchen"}, "zb.Kitchen"),
        ("tele/zb/Kitchen/SENSOR", "Kitchen", {"Device": "0x8F20"}, "zb.Kitchen"),
        ("tele/zb/RESULT", "0x8F20", {}, "zb.0x8F20"),
        ("tele/b2/SENSOR", "0x8F20", {}, "b2.0x8F20"),
    ],
)
def test_it_is_the_same_however_the_bridge_is_set(
    wall: Following, topic: str, key: str, one: dict[str, Any], device: str
) -> None:
    said = {"ZbReceived": {key: {**one, "Occupancy": 1}}}
    assert wall.spoken(topic, said) == [(device, "readings", {"Occupancy": 1})]


KITCHEN = {"Device": "0x8F20", "Name": "Living room", "Humidity": 41.5, "LinkQuality": 127}


@pytest.mark.parametrize(
    ("topic", "said"),
    [
        # As by default, and by name; then without the envelope, without the key, without both.
        ("tele/zb/SENSOR", {"ZbReceived": {"0x8F20": KITCHEN}}),
        ("tele/zb/8F20/SENSOR", {"ZbReceived": {"Living room": KITCHEN}}),
        ("tele/zb/8F20_1/SENSOR", {"ZbReceived": {"0x8F20": KITCHEN}}),
        ("tele/zb/SENSOR", {"0x8F20": KITCHEN}),
        ("tele/zb/SENSOR", {"Living room": KITCHEN}),
        ("tele/zb/8F20/SENSOR", {"ZbReceived": KITCHEN}),
        ("tele/zb/8F20/SENSOR", KITCHEN),
        ("tele/zb/8F20/ZbReceived", {"0x8F20": KITCHEN}),
        ("tele/zb/Living_room/ZbReceived", KITCHEN),
        ("zb/Living_room/tele/ZbReceived", {"Living room": KITCHEN}),
    ],
)
def test_a_bridge_tells_the_same_whatever_it_leaves_out(
    wall: Following, topic: str, said: dict[str, Any]
) -> None:
    (told,) = wall.told(topic, said)
    assert (told.device, told.through) == ("zb.Living-room", "zb")
    assert told.messages[0].fields == {"Humidity": 41.5, "LinkQuality": 127}
    assert told.health == {"link_quality": 50.0}


def test_a_device_whose_bridge_hides_itself_goes_by_its_own_name(wall: Following) -> None:
    for topic in ("tele/Living_room/SENSOR", "tele/8F20/ZbReceived"):
        (told,) = wall.told(topic, {"0x8F20": KITCHEN})
        assert (told.device, told.through) == ("Living-room", None)


def test_a_state_of_a_device_without_an_envelope_is_told(wall: Following) -> None:
    one = {**KITCHEN, "Reachable": False, "LastSeenEpoch": 1641742232, "ModelId": "SNZB-02"}
    (told,) = wall.told("tele/zb/SENSOR", {"0x8F20": one})
    assert [each.kind for each in told.messages] == ["status", "readings"]
    lora = {"Device": "0x4AD6", "RSSI": -50.0, "SNR": 9.5, "DoorOpen": 1, "Battery": 3.006}
    (told,) = wall.told("tele/zb/SENSOR", {"LDS01": lora})
    assert told.health == {"battery_voltage": 3.006, "rssi": -50.0, "snr": 9.5}


def test_a_contact_behind_a_bridge_is_1_while_the_door_is_open(wall: Following) -> None:
    for contact, is_open in ((1, True), (0, False)):
        one = {"Device": "0x8F20", "Contact": contact, "LinkQuality": 66}
        fields = wall.reading("tele/zb/SENSOR", {"ZbReceived": {"0x8F20": one}})
        assert fields == {"Contact": contact, "LinkQuality": 66, "open": is_open}


def test_an_alarm_of_carbon_monoxide_is_no_concentration(wall: Following) -> None:
    one = {"Device": "0x8F20", "CO": 1, "LinkQuality": 66}
    fields = wall.reading("tele/zb/SENSOR", {"ZbReceived": {"0x8F20": one}})
    assert fields["CO"] is True


@pytest.mark.parametrize("prefix", ["tele", "stat"])
def test_a_device_that_sleeps_is_not_gone_while_it_sleeps(wall: Following, prefix: str) -> None:
    gone = [("tank", "status", {"online": False})]
    assert wall.spoken("tele/tank/LWT", b"Offline") == gone
    asleep = {"DeepSleep": {"Time": TIME, "Epoch": 1624799040}}
    for _ in range(2):
        assert wall.told(f"{prefix}/tank/DEEPSLEEP", asleep) == []
    assert wall.hear("tele/tank/LWT", b"Offline") is None
    assert wall.spoken("tele/tank/LWT", b"Online") == [("tank", "status", {"online": True})]
    for said in (b"", b"{", b"{}"):
        assert wall.hear("tele/other/DEEPSLEEP", said) is None
    assert wall.spoken("tele/other/LWT", b"Offline")


def test_a_device_announces_whether_it_sleeps() -> None:
    wall = Following("tasmota", "tasmota/discovery/#")
    topic = "tasmota/discovery/D8A1C4000001/config"
    wall.told(topic, {**CONFIG, "dslp": 1})
    assert wall.hear("tele/pump_1/LWT", b"Offline") is None
    wall.told(topic, CONFIG)
    assert wall.hear("tele/pump_1/LWT", b"Offline") is None
    wall.told(topic, {**CONFIG, "dslp": 0})
    assert wall.spoken("tele/pump_1/LWT", b"Offline")


def test_a_device_behind_a_bridge_says_what_it_measures_bit_by_bit(wall: Following) -> None:
    def described(**one: Any) -> Any:
        said = {"ZbReceived": {"0x5": {"Device": "0x5", "LinkQuality": 9, **one}}}
        return wall.told("tele/zb/SENSOR", said)[0].described

    first = described(Water=1, ModelId="lumi.sensor_wleak.aq1", Manufacturer="LUMI")
    assert (first.name, first.maker, first.model) == (None, "LUMI", "lumi.sensor_wleak.aq1")
    assert [(one.key, one.kind, one.means) for one in first.points] == [
        ("LinkQuality", "number", None),
        ("Water", "boolean", "moisture"),
    ]
    second = described(Temperature=21.5, BatteryPercentage=90)
    assert [(one.key, one.unit) for one in second.points] == [
        ("LinkQuality", None),
        ("Water", None),
        ("Temperature", "°C"),
        ("BatteryPercentage", "%"),
    ]
    assert described(Water=0) is None


@pytest.mark.parametrize(
    ("topic", "said", "told"),
    [
        ("stat/pump/POWER", {"POWER": "ON"}, {"POWER": True}),
        ("stat/pump/DIMMER", {"POWER": "ON", "Dimmer": 20}, {"POWER": True, "Dimmer": 20}),
        ("stat/pump/SWITCH1", {"Switch1": {"Action": "ON"}}, {"Switch1": True}),
        ("stat/pump/SWITCH1", {"STATE": "OFF"}, {"Switch1": False}),
        ("stat/pump/RESULT", {"POWER1": "1"}, {"POWER1": True}),
        ("stat/pump/POWER2", b"0", {"POWER2": False}),
        ("tele/pump/SENSOR", {"Switch1": "off"}, {"Switch1": False}),
        ("tele/pump/STATE", {"POWER": "1", "Dimmer": 7}, {"POWER": True, "Dimmer": 7}),
    ],
)
def test_states_are_told_by_command_and_in_other_words(
    wall: Following, topic: str, said: Any, told: dict[str, Any]
) -> None:
    assert wall.spoken(topic, said) == [("pump", "readings", told)]


def test_a_trigger_of_a_topic_of_its_own_is_an_event(wall: Following) -> None:
    for topic, said in (
        ("BUTTON2T", {"TRIG": "SINGLE"}),
        ("BUTTON2", {"Button2": {"Action": "SINGLE"}}),
    ):
        assert wall.spoken(f"stat/pump/{topic}", said) == [
            ("pump", "event", {"event": "Button2.SINGLE"})
        ]
    assert wall.hear("stat/pump/SHUTTER1", b"50") is None


@pytest.mark.parametrize("around", [True, False])
def test_a_device_that_starts_says_what_it_is(wall: Following, around: bool) -> None:
    module = {"Module": "Sonoff TH", "Version": "14.2.0(tasmota)"}
    (told,) = wall.told("tele/pump/INFO1", {"Info1": module} if around else module)
    assert told.described is not None
    assert (told.described.maker, told.described.model) == ("Tasmota", "Sonoff TH")
    for said in (b"", b"{", b"[]", b'{"Module":7}', b'{"Info1":[]}'):
        assert wall.hear("tele/pump/INFO1", said) is None


def test_units_stand_beside_the_values_or_are_usual(wall: Following) -> None:
    said = {
        "SR04": {"Distance": 16.8},
        "BMP280": {"Pressure": 742.1},
        "TX23": {"Speed": {"Act": 14.8}, "Dir": {"Deg": 247.5}},
        "ENERGY": {"Total": 3.1, "ExportActive": 0.2, "Factor": 0.98},
        "INA219": {"Voltage": 4.49, "Current": 0.02},
        "PressureUnit": "mmHg",
        "SpeedUnit": "km/h",
    }
    (told,) = wall.told("tele/x/SENSOR", said)
    assert told.described is not None
    assert {one.key: one.unit for one in told.described.points} == {
        "SR04.Distance": "cm",
        "BMP280.Pressure": "mmHg",
        "TX23.Speed.Act": "km/h",
        "TX23.Dir.Deg": None,
        "ENERGY.Total": "kWh",
        "ENERGY.ExportActive": "kWh",
        "ENERGY.Factor": None,
        "INA219.Voltage": "V",
        "INA219.Current": "A",
    }


def test_a_switch_that_changes_takes_no_unit_away_from_what_is_beside_it(wall: Following) -> None:
    (told,) = wall.told("tele/x/SENSOR", {"DS18B20": {"Temperature": 70.5}, "TempUnit": "F"})
    (told,) = wall.told("tele/x/SENSOR", {"Time": TIME, "Switch1": "ON"})
    assert told.described is not None
    assert [(one.key, one.unit) for one in told.described.points] == [
        ("DS18B20.Temperature", "°F"),
        ("Switch1", None),
    ]
    (told,) = wall.told("tele/x/SENSOR", {"DS18B20": {"Temperature": 70.6}, "TempUnit": "F"})
    assert told.described is None


def test_a_host_name_in_a_topic_is_filled_in() -> None:
    wall = Following("tasmota", "tasmota/discovery/#")
    config = {**CONFIG, "ft": "%prefix%/%hostname%/%topic%/"}
    (told,) = wall.told("tasmota/discovery/D8A1C4000001/config", config)
    assert told.device == "tasmota-D8A1C4-0001.pump_1"
    assert f"{FOLLOWED}tele/tasmota-D8A1C4-0001/pump_1/SENSOR" in wall.memory


def test_a_click_is_an_event(wall: Following) -> None:
    said = {"ZbReceived": {"0x1": {"Click": "single", "LinkQuality": 50}}}
    assert wall.spoken("tele/zb/SENSOR", said) == [
        ("zb.0x1", "readings", {"LinkQuality": 50}),
        ("zb.0x1", "event", {"event": "single"}),
    ]


def test_a_lora_sensor_has_a_cell_and_a_radio(wall: Following) -> None:
    one = {"Node": 1, "RSSI": -50.0, "SNR": 12.0, "DoorOpen": 1, "Battery": 3.0}
    (told,) = wall.told("tele/core2/SENSOR", {"LwReceived": {"0x4AD6": one}})
    assert (told.device, told.through) == ("core2.0x4AD6", "core2")
    assert told.health == {"battery_voltage": 3.0, "rssi": -50.0, "snr": 12.0}
    assert told.messages[0].fields["DoorOpen"] == 1


def test_a_radio_is_health(wall: Following) -> None:
    (told,) = wall.told("tele/x/STATE", {"Wifi": {"RSSI": 80, "Signal": -60}, "POWER": "ON"})
    assert told.health == {"link_quality": 80, "rssi": -60}
    (told,) = wall.told("tele/x/STATE", {"Wifi": {"RSSI": 80}, "BatteryPercentage": 60})
    assert told.health == {"battery": 60, "link_quality": 80}


@pytest.mark.parametrize(("unit", "known"), [("C", "°C"), ("F", "°F")])
def test_a_temperature_is_as_measured_and_its_unit_is_told(
    wall: Following, unit: str, known: str
) -> None:
    said = {"BME280": {"Temperature": 70.5, "Pressure": 1000, "Humidity": 40}, "TempUnit": unit}
    (told,) = wall.told("tele/x/SENSOR", {**said, "PressureUnit": "hPa"})
    assert told.messages[0].fields["BME280.Temperature"] == 70.5
    assert told.described is not None
    assert list(told.described.points) == [
        DescribedPoint("BME280.Temperature", "number", known, means="temperature"),
        DescribedPoint("BME280.Pressure", "number", "mbar", means="pressure"),
        DescribedPoint("BME280.Humidity", "number", "%", means="humidity"),
    ]
    # Told once, and again when it measures something else.
    assert wall.told("tele/x/SENSOR", said)[0].described is None
    assert wall.told("tele/x/SENSOR", {**said, "Switch1": "ON"})[0].described is not None


def test_the_hour_that_comes_twice_is_told_apart() -> None:
    wall = Following("tasmota", "tele/#", zone="Europe/Berlin")

    def ts(local: str) -> str:
        return str(wall.reading("tele/x/SENSOR", {"Time": local, "Switch1": "ON"})["ts"])

    day = "2026-10-25T"
    assert ts(f"{day}01:55:00") == "2026-10-24T23:55:00+00:00"
    assert ts(f"{day}02:00:00") == f"{day}00:00:00+00:00"
    assert ts(f"{day}02:55:00") == f"{day}00:55:00+00:00"
    # A message that came late is no clock that went back.
    assert ts(f"{day}02:52:00") == f"{day}00:52:00+00:00"
    assert ts(f"{day}02:00:00") == f"{day}01:00:00+00:00"
    assert ts(f"{day}02:05:00") == f"{day}01:05:00+00:00"
    assert ts(f"{day}02:55:00") == f"{day}01:55:00+00:00"
    assert ts(f"{day}03:00:00") == f"{day}02:00:00+00:00"
    assert ts("2027-10-31T02:30:00") == "2027-10-31T00:30:00+00:00"
    # One that does not exist is moved forward by the width of the jump.
    assert ts("2026-03-29T02:30:00") == "2026-03-29T01:30:00+00:00"


def test_an_announced_device_is_followed_wherever_it_speaks() -> None:
    wall = Following("tasmota", "tasmota/discovery/#")
    (told,) = wall.told("tasmota/discovery/D8A1C4000001/config", CONFIG)
    assert told.device == "pump_1"
    assert told.described is not None
    assert (told.described.name, told.described.model) == ("Pump room", "Sonoff Pow R2")
    followed = {key.removeprefix(FOLLOWED) for key in wall.memory if key.startswith(FOLLOWED)}
    assert {"tele/pump_1/SENSOR", "tele/pump_1/LWT", "stat/pump_1/RESULT"} <= followed
    assert wall.spoken("tele/pump_1/SENSOR", {"Switch1": "ON"})[0][0] == "pump_1"
    sensors = {"sn": {"Time": TIME, "SI7021": {"Temperature": 70}, "TempUnit": "F"}}
    (told,) = wall.told("tasmota/discovery/D8A1C4000001/sensors", sensors)
    assert told.described is not None
    assert told.described.points[0].unit == "°F"
    moved = {**CONFIG, "t": "pump.2", "ft": "wk/%topic%/%prefix%/"}
    wall.told("tasmota/discovery/D8A1C4000001/config", moved)
    assert f"{FOLLOWED}wk/pump.2/tele/SENSOR" in wall.memory
    assert f"{FOLLOWED}tele/pump_1/SENSOR" not in wall.memory
    assert wall.memory[f"{NAMED}wk.pump.2"] == "wk/pump.2"
    wall.told("tasmota/discovery/D8A1C4000001/config")
    assert [key for key in wall.memory if not key.startswith("points/")] == []


def test_an_announcement_that_names_no_topic_is_quarantined(wall: Following) -> None:
    half = {**CONFIG, "t": "\ud800"}
    plus = {**CONFIG, "t": "a+b"}
    for said in ({**CONFIG, "t": 7}, {**CONFIG, "ft": "%topic%/"}, {}, plus, half):
        assert isinstance(wall.hear("tasmota/discovery/D8/config", said), Problem)
    assert wall.hear("tasmota/discovery/D8/sensors", {"sn": {}}) is None
    problem = wall.hear("tasmota/discovery/D8/config", {**CONFIG, "tp": ["c", "s", "t"]})
    assert isinstance(problem, Problem)
    assert (problem.reason, "'t'" in problem.detail) == ("unsupported", True)


def test_two_topics_never_become_one_device(wall: Following) -> None:
    assert wall.spoken("tele/a/b/SENSOR", {"Switch1": "ON"})[0][0] == "a.b"
    problem = wall.hear("tele/a.b/SENSOR", {"Switch1": "ON"})
    assert isinstance(problem, Problem)
    assert problem.reason == "unsupported"


EXPECTED: dict[str, Any] = {
    "info1": [],
    "lwt_offline": [("tasmota_XXXXXX", "status", {"online": False})],
    "power_low_on": [("tasmota", "readings", {"POWER_LOW": True})],
    "power_plain": [("tasmota", "readings", {"POWER": True})],
    "sensor_analog": [
        ("tasmota", "readings", {"ANALOG.A0": 1024, "ts": "2019-01-14T11:36:51+00:00"})
    ],
    "sensor_deepsleep_epoch": [("tasmota", "readings", {"ANALOG.A0": 8, "ts": 1567595328})],
    "sensor_ds18b20": [
        ("tasmota", "readings", {"DS18B20.Temperature": 20.6, "ts": "2017-02-16T02:13:52+00:00"})
    ],
    "sensor_ibeacon_off": [],
    "sensor_switch_on": [
        ("tasmota", "readings", {"Switch1": True, "ts": "2020-12-31T16:00:00+00:00"})
    ],
    "sensor_zbinfo": [
        ("xxxx.Plug", "status", {"online": False}),
        (
            "xxxx.Plug",
            "readings",
            {"Dimmer": 254, "Power": 0, "LinkQuality": 147, "ts": 1641742232},
        ),
    ],
}


@pytest.mark.parametrize("sample", shared("tasmota"), ids=lambda one: str(one["name"]))
def test_every_sample_is_decoded(wall: Following, sample: dict[str, Any]) -> None:
    result = wall.hear(sample["topic"], sample["payload_raw"].encode())
    check(result)
    assert not isinstance(result, Problem)
    told = [] if result is None else [result] if isinstance(result, Told) else list(result.told)
    said = [(one.device, each.kind, dict(each.fields)) for one in told for each in one.messages]
    assert said == EXPECTED.get(sample["name"], said)
    assert said or sample["name"] in ("info1", "sensor_ibeacon_off")


def test_what_is_told_can_be_used(wall: Following) -> None:
    for topic, said in SAMPLES:
        check(wall.hear(topic, said))
