"""Shelly Gen2 and newer: deltas and whole states, clocks that are not set, presses, BLU devices."""

from typing import Any

import pytest

from ingest.decoding import Problem, stamp
from tests.ingest.dialects.following import SHANGHAI, Following, check, shared

ID = "shellypro3em-a0a1b2c3d4e5"
SMOKE = "shellyplussmoke-a0a1b2c3d4e5"


def notify(params: Any, method: str = "NotifyStatus", src: str = ID) -> dict[str, Any]:
    return {"src": src, "dst": f"{src}/events", "method": method, "params": params}


FULL = {
    "ts": 1736603810.49,
    "switch:0": {
        "id": 0, "source": "timer", "output": True, "apower": 8.9, "voltage": 237.5, "pf": None,
        "aenergy": {"total": 6.532, "by_minute": [45.1, 47.1], "minute_ts": 1626935779},
        "temperature": {"tC": 47.1, "tF": 116.7},
    },
    "cover:0": {"id": 0, "state": "closing", "current_pos": 50},
    "input:1": {"id": 1, "state": False},
    "devicepower:0": {"battery": {"V": 5.46, "percent": 73}, "external": {"present": False}},
    "sys": {"mac": "A0A1B2C3D4E5", "unixtime": 1736603810, "uptime": 11081},
    "wifi": {"sta_ip": "192.168.1.9", "status": "got ip", "rssi": -60},
    "cloud": {"connected": True},
}  # fmt: skip
BLU = {
    "encryption": False, "BTHome_version": 2, "pid": 118, "battery": 100, "window": 1,
    "button": [0, 2], "rssi": -76, "address": "B0:C7:DE:11:58:D5",
}  # fmt: skip
SAMPLES = [
    (f"{ID}/events/rpc", notify(FULL, "NotifyFullStatus")),
    (f"{ID}/events/rpc", notify({"ts": 1.33, "smoke:0": {"id": 0, "alarm": True, "mute": False}})),
    (
        f"{ID}/events/rpc",
        notify(
            {"ts": 1.0, "events": [{"component": "input:0", "id": 0, "event": "single_push"}]},
            "NotifyEvent",
        ),
    ),
    (
        f"{ID}/events/rpc",
        notify(
            {"ts": 1.0, "events": [{"component": "script:1", "event": "shelly-blu", "data": BLU}]},
            "NotifyEvent",
        ),
    ),
    (f"{ID}/status/temperature:0", {"id": 0, "tC": 20.1, "tF": 68.3}),
    (f"{ID}/online", b"true"),
    ("user/rpc", {"id": 1, "src": ID, "dst": "user", "result": FULL}),
]


@pytest.fixture
def house() -> Following:
    return Following("shelly", "#")


def test_a_whole_state_is_told_under_its_components(house: Following) -> None:
    (told,) = house.told(f"{ID}/events/rpc", notify(FULL, "NotifyFullStatus"))
    assert told.device == ID
    assert told.health == {"battery": 73, "battery_voltage": 5.46, "rssi": -60}
    assert [(each.kind, each.fields) for each in told.messages] == [
        (
            "readings",
            {
                "switch:0.output": True,
                "switch:0.apower": 8.9,
                "switch:0.voltage": 237.5,
                "switch:0.aenergy.total": 6.532,
                "switch:0.temperature.tC": 47.1,
                "switch:0.temperature.tF": 116.7,
                "cover:0.state": "closing",
                "cover:0.current_pos": 50,
                "input:1.state": False,
                "devicepower:0.battery.V": 5.46,
                "devicepower:0.battery.percent": 73,
                "devicepower:0.external.present": False,
                "ts": 1736603810.49,
            },
        )
    ]


def test_a_delta_tells_only_what_changed(house: Following) -> None:
    said = notify({"ts": 1736603810.49, "switch:0": {"id": 0, "apower": 0}})
    assert house.reading(f"{ID}/events/rpc", said) == {"switch:0.apower": 0, "ts": 1736603810.49}


@pytest.mark.parametrize("ts", [1.33, None])
def test_smoke_counts_though_the_clock_was_never_set(house: Following, ts: Any) -> None:
    said = notify({"ts": ts, "smoke:0": {"id": 0, "alarm": True, "mute": False}}, src=SMOKE)
    fields = house.reading(f"{SMOKE}/events/rpc", said)
    assert fields["smoke:0.alarm"] is True
    received = 1_795_492_801_000_000
    assert stamp(fields.get("ts"), received, SHANGHAI).at == received


def test_housekeeping_is_no_reading(house: Following) -> None:
    for part in ({"cloud": {"connected": True}}, {"sys": {"uptime": 1}}, {"script:1": {"mem": 1}}):
        (told,) = house.told(f"{ID}/events/rpc", notify({"ts": 1.0, **part}))
        assert told.messages == []
    assert house.spoken(f"{ID}/status/mqtt", {"connected": True}) == []


def test_a_device_that_sleeps_is_not_gone_while_it_sleeps(house: Following) -> None:
    gone = [(SMOKE, "status", {"online": False})]
    assert house.spoken(f"{SMOKE}/online", b"false") == gone
    awake = {
        "ts": 1736603810.49,
        "smoke:0": {"id": 0, "alarm": False, "mute": False},
        "sys": {"mac": "A0A1B2C3D4E5", "wakeup_reason": {"boot": "deepsleep_wake"},
                "wakeup_period": 86400},
    }  # fmt: skip
    house.told(f"{SMOKE}/events/rpc", notify(awake, "NotifyFullStatus", src=SMOKE))
    assert house.spoken(f"{SMOKE}/online", b"true") == [(SMOKE, "status", {"online": True})]
    assert house.hear(f"{SMOKE}/online", b"false") is None
    # A delta says nothing of it, and one without a period does not sleep.
    house.told(f"{SMOKE}/events/rpc", notify({"ts": 1.0, "sys": {"cfg_rev": 3}}, src=SMOKE))
    assert house.hear(f"{SMOKE}/online", b"false") is None
    house.told(f"{SMOKE}/status/sys", {"wakeup_period": 0})
    assert house.spoken(f"{SMOKE}/online", b"false") == gone


def test_a_device_says_what_it_measures_as_its_deltas_come(house: Following) -> None:
    topic = f"{ID}/events/rpc"
    first = {"ts": 1736603810.49, "em:0": {"id": 0, "a_voltage": 229.1, "total_act_power": 558.9}}
    (told,) = house.told(topic, notify(first))
    assert told.described is not None
    assert (told.described.maker, told.described.model) == ("Shelly", "shellypro3em")
    (told,) = house.told(topic, notify({"ts": 1736603811.0, "em:0": {"a_voltage": 229.3}}))
    assert told.described is None
    second = {
        "emdata:0": {"id": 0, "total_act": 2589773.39},
        "temperature:0": {"id": 0, "tC": 46.6, "tF": 115.9},
        "switch:0": {"output": False, "aenergy": {"total": 110.0}},
        "cover:0": {"state": "open"},
    }
    (told,) = house.told(topic, notify({"ts": 1736603812.0, **second}))
    assert told.described is not None
    assert [(one.key, one.kind, one.unit, one.means) for one in told.described.points] == [
        ("em:0.a_voltage", "number", "V", None),
        ("em:0.total_act_power", "number", "W", None),
        ("emdata:0.total_act", "number", "Wh", None),
        ("temperature:0.tC", "number", "°C", "temperature"),
        ("temperature:0.tF", "number", "°F", None),
        ("switch:0.output", "boolean", None, None),
        ("switch:0.aenergy.total", "number", "Wh", None),
    ]


def test_a_device_on_a_cable_has_no_signal(house: Following) -> None:
    said = {"wifi": {"sta_ip": None, "status": "disconnected", "ssid": None, "rssi": 0}}
    assert house.told(f"{ID}/events/rpc", notify({"ts": 1.0, **said}))[0].health == {}


def test_when_a_value_changed_is_no_value(house: Following) -> None:
    said = {"value": True, "source": "sys", "last_update_ts": 1790328224}
    assert house.reading(f"{ID}/status/boolean:200", said) == {"boolean:200.value": True}
    counts = {"id": 0, "tag": "", "counts": {"on_time": 44340, "on_time_rst_ts": 0}}
    assert house.reading(f"{ID}/status/switch:0", counts) == {"switch:0.counts.on_time": 44340}


def test_minutes_of_a_meter_are_no_events(house: Following) -> None:
    one = {"component": "emdata:0", "id": 0, "event": "data", "ts": 1736603760.0,
           "data": {"ts": 1736603700, "period": 60, "values": [[1.5]]}}  # fmt: skip
    said = notify({"ts": 1736603760.5, "events": [one]}, "NotifyEvent")
    assert house.spoken(f"{ID}/events/rpc", said) == []


def test_a_press_is_an_event_with_its_time(house: Following) -> None:
    events = [
        {"component": "input:0", "id": 0, "event": "double_push", "ts": 1646945882.47},
        {"component": "input:1", "id": 1, "event": "long_push"},
        {"component": "bthomedevice:200", "id": 200, "event": "single_push", "idx": 2},
        {"component": "input:0", "id": 0, "event": "config_changed", "cfg_rev": 35},
        {"component": "sys", "event": "ota_progress"},
        "nonsense",
    ]
    said = notify({"ts": 1646945883.0, "events": events}, "NotifyEvent")
    assert [fields for _, _, fields in house.spoken(f"{ID}/events/rpc", said)] == [
        {"event": "input:0.double_push", "ts": 1646945882.47},
        {"event": "input:1.long_push", "ts": 1646945883.0},
        {"event": "bthomedevice:200.2.single_push", "ts": 1646945883.0},
    ]


def test_a_blu_device_is_itself_behind_its_gateway(house: Following) -> None:
    event = {
        "component": "script:1",
        "id": 1,
        "event": "shelly-blu",
        "data": BLU,
        "ts": 1700000000.5,
    }
    _, told = house.told(
        f"{ID}/events/rpc", notify({"ts": 1700000000.5, "events": [event]}, "NotifyEvent")
    )
    assert (told.device, told.through) == ("b0c7de1158d5", ID)
    assert told.health == {"battery": 100, "rssi": -76}
    assert [(each.kind, each.fields) for each in told.messages] == [
        ("readings", {"battery": 100, "window": 1, "rssi": -76, "ts": 1700000000.5}),
        ("event", {"event": "button.2.double_push", "ts": 1700000000.5}),
    ]


@pytest.mark.parametrize(
    ("data", "events"),
    [
        ({"button": 5}, ["button.1.long_double_push"]),
        ({"button": [0, 6]}, ["button.2.long_triple_push"]),
        # As BTHome numbers it, and as older firmware does.
        ({"button": 128}, ["button.1.hold"]),
        ({"button": 254}, ["button.1.hold"]),
        # A script may give each button a key of its own.
        ({"button_1": 0, "button_2": 1, "button_4": 4}, ["button.2.push", "button.4.long_push"]),
        ({"button": 7}, []),
    ],
)
def test_every_press_of_a_blu_button_is_an_event(
    house: Following, data: dict[str, Any], events: list[str]
) -> None:
    event = {"component": "script:2", "event": "shelly-blu",
             "data": {"address": "b0:c7:de:11:58:d6", "pid": 9, **data}}  # fmt: skip
    said = notify({"ts": 1700000000.5, "events": [event]}, "NotifyEvent")
    told = house.told(f"{ID}/events/rpc", said)[1]
    assert [(each.kind, each.fields["event"]) for each in told.messages] == [
        ("event", name) for name in events
    ]


def test_a_presence_sensor_tells_its_zones(house: Following) -> None:
    said = {
        "presence": {"sensor_ver": "1.2", "live_track": {"interval": 1.0}},
        "presencezone:201": {"id": 201, "value": True, "num_objects": 1},
    }
    (told,) = house.told(f"{ID}/events/rpc", notify({"ts": 1700000000.5, **said}))
    assert [each.fields for each in told.messages] == [
        {"presencezone:201.value": True, "presencezone:201.num_objects": 1, "ts": 1700000000.5}
    ]
    assert told.described is not None
    assert [(one.key, one.means) for one in told.described.points] == [
        ("presencezone:201.value", "occupancy"),
        ("presencezone:201.num_objects", None),
    ]


def test_a_blu_device_says_what_it_measures(house: Following) -> None:
    def described(**data: Any) -> Any:
        event = {"component": "script:1", "event": "shelly-blu",
                 "data": {"address": "b0:c7:de:11:58:d5", **data}}  # fmt: skip
        said = notify({"ts": 1700000000.5, "events": [event]}, "NotifyEvent")
        return house.told(f"{ID}/events/rpc", said)[1].described

    first = described(window=1, rotation=12.5)
    assert first.maker == "Shelly"
    assert [(one.key, one.kind, one.unit, one.means) for one in first.points] == [
        ("window", "boolean", None, "window"),
        ("rotation", "number", None, None),
    ]
    assert [one.key for one in described(battery=100).points] == ["window", "rotation", "battery"]
    assert described(window=0) is None


def test_components_of_a_blu_gateway_are_readings(house: Following) -> None:
    said = notify(
        {
            "ts": 1700000000.5,
            "bthomesensor:200": {"id": 200, "value": 23.5, "last_updated_ts": 1700000000},
            "bthomedevice:200": {"id": 200, "rssi": -60, "battery": 90, "packet_id": 7},
        }
    )
    assert house.reading(f"{ID}/events/rpc", said) == {
        "bthomesensor:200.value": 23.5,
        "bthomedevice:200.rssi": -60,
        "bthomedevice:200.battery": 90,
        "ts": 1700000000.5,
    }


def test_a_state_on_a_topic_of_its_own_has_no_time(house: Following) -> None:
    topic = f"{ID}/status/temperature:0"
    assert house.reading(topic, {"id": 0, "tC": 20.1, "tF": None}) == {"temperature:0.tC": 20.1}
    assert house.spoken(topic, {"id": 0, "tC": None, "errors": ["read"]}) == []


@pytest.mark.parametrize(
    ("wanted", "prefix", "device"),
    [
        ("+/events/rpc", ID, ID),
        ("#", "b1/pump room", "b1.pump-room"),
        ("shellies/#", f"shellies/{ID}", ID),
        (f"{ID}/#", ID, ID),
    ],
)
def test_a_device_is_its_prefix_on_all_of_its_topics(wanted: str, prefix: str, device: str) -> None:
    house = Following("shelly", wanted)
    said = notify({"ts": 1736603810.49, "input:0": {"state": True}})
    assert house.spoken(f"{prefix}/events/rpc", said)[0][0] == device
    assert house.spoken(f"{prefix}/online", b"false") == [(device, "status", {"online": False})]
    assert house.spoken(f"{prefix}/status/input:0", {"state": True})[0][0] == device


def test_two_devices_on_one_prefix_are_not_one(house: Following) -> None:
    first, second = (notify({"ts": 1.0, "input:0": {"state": True}}, src=src) for src in "ab")
    assert house.spoken("pump/events/rpc", first)
    # Another took its place.
    assert house.spoken("pump/events/rpc", second)
    assert house.spoken("pump/events/rpc", second)
    problem = house.hear("pump/events/rpc", first)
    assert isinstance(problem, Problem)
    assert problem.reason == "unsupported"


def test_an_answer_names_its_device_itself(house: Following) -> None:
    said = {"id": 1, "src": ID, "dst": "user", "result": {"switch:0": {"output": True}}}
    assert house.spoken("user/rpc", said) == [(ID, "readings", {"switch:0.output": True})]
    for other in ({"id": 1, "src": ID, "result": {"was_on": True}}, {"method": "Switch.Set"}):
        assert house.hear("user/rpc", other) is None


@pytest.mark.parametrize(
    ("topic", "payload", "reason"),
    [
        (f"{ID}/events/rpc", b"{", "bad_json"),
        (f"{ID}/events/rpc", b'{"method":"NotifyStatus"}', "wrong_shape"),
        (f"{ID}/status/switch:0", b"[]", "wrong_shape"),
        (f"{ID}/online", b"perhaps", "wrong_shape"),
    ],
)
def test_what_cannot_be_used_says_why(
    house: Following, topic: str, payload: bytes, reason: str
) -> None:
    problem = house.hear(topic, payload)
    assert isinstance(problem, Problem)
    assert problem.reason == reason


def test_commands_and_logs_are_nobodys_business(house: Following) -> None:
    for topic in (f"{ID}/command/switch:0", f"{ID}/debug/log", "shellies/announce", "rpc"):
        assert house.hear(topic, b"on") is None
    assert house.hear(f"{ID}/online") is None


EXPECTED: dict[str, Any] = {
    "notify_event_button": [
        ("shellyplus1-a8032abc7158", "event", {"event": "input:0.double_push", "ts": 1646945882.47})
    ],
    "notify_event_config": [],
    "notify_status_cloud": [],
    "notify_status_switch": [
        (
            "shelly1minig3-54320464a1d0",
            "readings",
            {"switch:0.output": False, "ts": 1736603810.49},
        )
    ],
    "online_true": [("shellyplus1pm-a8032abe54dc", "status", {"online": True})],
    "status_devicepower": [
        (
            "shellyht-livingroom",
            "readings",
            {
                "devicepower:0.battery.V": 5.46,
                "devicepower:0.battery.percent": 73,
                "devicepower:0.external.present": False,
            },
        )
    ],
    "status_humidity": [("shellyht-livingroom", "readings", {"humidity:0.rh": 57.0})],
    "status_temperature": [
        ("shellyht-livingroom", "readings", {"temperature:0.tC": 20.1, "temperature:0.tF": 68.3})
    ],
}


@pytest.mark.parametrize("sample", shared("shelly_gen2"), ids=lambda one: str(one["name"]))
def test_every_sample_is_decoded(house: Following, sample: dict[str, Any]) -> None:
    said = house.spoken(sample["topic"], sample["payload_raw"].encode())
    assert said == EXPECTED[sample["name"]]


def test_what_is_told_can_be_used(house: Following) -> None:
    for topic, said in SAMPLES:
        check(house.hear(topic, said))
