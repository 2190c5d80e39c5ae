"""Ordinary messages of other dialects leave what they would leave if their decoders told them."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bench.dialects import SPEECHES
from core.clock import MICROS
from core.dialects import ROAMING
from ingest.dialects import DECODERS, PLANNERS, ForeignSource, Result
from ingest.dialects.tasmota.describing import DESCRIBED
from ingest.pipeline import Judge, Taker
from ingest.pipeline.ordinary import HOLDS
from ingest.receipt_clock import ReceiptClock
from ingest.registry import DeviceState, Listener, PointState, Registry, SiteState, Way
from ingest.session import DUPLICATE, RETAINED
from rules.slots import ReceiptNow
from tests.ingest.building import NOON, START

EUI = "24e124136c123456"
SHANGHAI = ZoneInfo("Asia/Shanghai")
DOOR = {"words": {"lock": ["LOCK", "UNLOCK"], "contact": [False, True]}}
SPOKEN: Mapping[str, tuple[str, str, str, tuple[str, ...], Mapping[str, Any]]] = {
    "zigbee2mqtt": (
        "zigbee2mqtt/#",
        "zigbee2mqtt/hall door",
        "hall-door",
        ("temperature", "state?", "open?", "lock?", "color.x", "device.id", "mode="),
        {"device/zigbee2mqtt/hall door": DOOR, "name/hall-door": "hall door"},
    ),
    "tasmota": (
        "tele/#",
        "tele/meter/SENSOR",
        "meter",
        ("BME280.Temperature", "ENERGY.Current.1", "ENERGY.Total", "POWER?", "Wifi.Id", "Switch1?"),
        {},
    ),
    "chirpstack": (
        "application/#",
        f"application/1/device/{EUI}/event/up",
        EUI,
        ("temperature", "temperatureSensor.3", "leak?", "battery", "mode="),
        {},
    ),
}


class World:
    """One device of a dialect, with nothing but the pipeline around it."""

    def __init__(self, dialect: str, *, quick: bool = True, converted: bool = False) -> None:
        wanted, topic, code, points, memory = SPOKEN[dialect]
        self.topic = topic.encode()
        self.decoded = 0
        self._decode = DECODERS[dialect]
        plan = PLANNERS[dialect] if quick else None
        source = ForeignSource("wall", wanted, SHANGHAI, self.decode, {}, plan)
        self.site = SiteState(UUID(int=1), "here", SHANGHAI)
        self.listener = Listener(
            UUID(int=2), self.site, source, dict(memory), set(), dialect in ROAMING
        )
        self.device = DeviceState(
            device_id=UUID(int=3), code=code, site=self.site, asset_id=None, zone=SHANGHAI,
            trusted=True,
        )  # fmt: skip
        self.device.converted = converted
        for series, key in enumerate(points):
            self.device.points[key.strip("?=")] = _point(series, key)
        self.site.devices[code] = self.device
        now = ReceiptNow(START)
        self.registry = Registry(sites={"here": self.site}, listeners=[self.listener])
        self.judge = Judge(self.registry, ReceiptClock([], 0), now)
        self.taker = Taker(self.judge, lambda payload: None, lambda payload: None)

    def decode(
        self, source: ForeignSource, topic: str, payload: bytes, memory: Mapping[str, Any]
    ) -> Result:
        self.decoded += 1
        return self._decode(source, topic, payload, memory)

    def hear(self, said: Any, second: float, flags: int = 0, topic: bytes | None = None) -> None:
        payload = said if isinstance(said, bytes) else json.dumps(said).encode()
        self.taker.take([(topic or self.topic, payload, 7, flags)], START + int(second * MICROS))

    def left(self) -> dict[str, Any]:
        """Everything that it knows and has written, but what a device says it is: of that messages
        that are read in the quicker way are not asked."""
        batch = self.judge.batch
        return {
            "rows": [list(batch.rows), list(batch.odd)],
            "points": [(p.value, p.at, p.heard) for p in self.device.points.values()],
            "device": (self.device.at, self.device.trusted, self.device.good_stamps),
            "heard": {
                key: (vital.first, vital.last, vital.messages)
                for key, vital in self.taker.vitals.collect().items()
            },
            "rest": [batch.mids, batch.rejected, batch.findings, batch.scans, batch.remembered,
                     batch.ways, batch.waiting, batch.trust, batch.replaced],
            "conduct": self.registry.conduct,
            "memory": {
                key: value
                for key, value in self.listener.memory.items()
                if not key.startswith(DESCRIBED)
            },
        }  # fmt: skip


def _point(series: int, key: str) -> PointState:
    """key: with ? behind it for a boolean, and = for one with states."""
    return PointState(
        series=series, code=key, unit=None, low=-50, high=5_000, boolean=key.endswith("?"),
        states={"low": 0, "high": 1} if key.endswith("=") else None, interval=0,
    )  # fmt: skip


def _iso(second: float, kind: str = "milliseconds") -> str:
    return (NOON + timedelta(seconds=second)).isoformat(timespec=kind)


def door(second: float, **more: Any) -> dict[str, Any]:
    return {"battery": 97, "contact": True, "last_seen": _iso(second), "linkquality": 102,
            "lock": "LOCK", "state": "ON", "temperature": 21.5, "voltage": 2985,
            "update": {"state": "idle"}, "color": {"x": 0.3, "y": 0.4}, **more}  # fmt: skip


def meter(second: float, **more: Any) -> dict[str, Any]:
    local = (NOON + timedelta(seconds=int(second))).astimezone(SHANGHAI)
    return {"Time": local.strftime("%Y-%m-%dT%H:%M:%S"), "Switch1": "OFF",
            "BME280": {"Temperature": 21.5, "Humidity": 52.1}, "TempUnit": "C",
            "ENERGY": {"Total": 3.2, "Current": [1.5, 2.5]}, **more}  # fmt: skip


def uplink(second: float, **more: Any) -> dict[str, Any]:
    values = {"temperature": 21.5, "temperatureSensor": {"3": 20.5}, "leak": False, "battery": 97}
    rx = [{"gatewayId": f"0016c001f153a14{n}", "rssi": -36 - n, "snr": 10.5} for n in (1, 2)]
    return {"time": _iso(second, "microseconds").replace("+", "789+"), "object": values | more,
            "deviceInfo": {"deviceProfileName": "EM300", "devEui": EUI}, "data": "qg==",
            "rxInfo": rx, "txInfo": {"modulation": {"lora": {"bandwidth": 125000}}}}  # fmt: skip


SAY: Mapping[str, Callable[..., dict[str, Any]]] = {
    "zigbee2mqtt": door, "tasmota": meter, "chirpstack": uplink,
}  # fmt: skip
# What is told in words, or in a list.
_WORDED = {
    "zigbee2mqtt": {"contact", "lock", "state"},
    "tasmota": {"Switch1", "ENERGY"},
    "chirpstack": set(),
}


def plain(dialect: str, second: float, **more: Any) -> dict[str, Any]:
    said = SAY[dialect](second)
    kept = {key: value for key, value in said.items() if key not in _WORDED[dialect]}
    if dialect == "chirpstack":
        return kept | {"object": kept["object"] | more}
    return kept | more


HEALTH = {
    "zigbee2mqtt": {"battery", "battery_voltage", "link_quality"},
    "tasmota": set(),
    "chirpstack": {"battery", "rssi", "snr"},
}
NUMBER_OF_VALUES = {"zigbee2mqtt": 5, "tasmota": 4, "chirpstack": 4}
dialects = pytest.mark.parametrize("dialect", sorted(SAY))


@dialects
def test_ordinary_messages_are_not_decoded_one_by_one(dialect: str) -> None:
    world = World(dialect)
    for second in range(1, 21):
        world.hear(SAY[dialect](second), second)
    assert world.decoded == 1
    assert len(world.judge.batch.rows) == 20 * NUMBER_OF_VALUES[dialect]
    assert sum(vital.messages for vital in world.taker.vitals.collect().values()) == 20


@dialects
def test_so_it_is_with_those_of_the_bench(dialect: str) -> None:
    world = World(dialect)
    speech = SPEECHES[dialect]
    world.topic = speech.topic(world.device.code).encode()
    world.listener.memory.clear()
    world.device.points = {key: _point(n, key) for n, key in enumerate(speech.keys)}
    if dialect == "tasmota":
        world.listener.source = replace(world.listener.source, zone=ZoneInfo("UTC"))
    for second in range(1, 21):
        at = START / MICROS + second
        world.hear(speech.said(world.device.code, at, (21.5, 2.5, 3.5)).encode(), second)
    assert world.decoded == 1
    assert len(world.judge.batch.rows) == 60
    # None of them was anything but like the one before.
    assert world.registry.plans[world.topic].alike is not None


@dialects
def test_a_message_that_is_not_like_the_one_before_is_ordinary_all_the_same(dialect: str) -> None:
    world = World(dialect)
    world.hear(plain(dialect, 1), 1)
    world.hear(plain(dialect, 2), 2)
    assert world.registry.plans[world.topic].alike is not None
    world.hear(SAY[dialect](3), 3)
    world.hear(plain(dialect, 4), 4)
    assert world.decoded == 1
    assert [row.at for row in world.judge.batch.rows if row.series == 0] == [
        START + second * MICROS for second in (1, 2, 3, 4)
    ]


def test_bytes_that_are_no_text_are_not_skipped() -> None:
    for dialect in SAY:
        world = World(dialect)
        world.hear(plain(dialect, 1), 1)
        broken = b'{"beside":"\xff",' + json.dumps(plain(dialect, 2)).encode()[1:]
        world.hear(broken, 2)
        assert [one.reason for one in world.judge.batch.rejected] == ["not_utf8"]


@dialects
def test_now_and_then_one_is_decoded_to_see_how_the_device_is(dialect: str) -> None:
    world = World(dialect)
    for second in range(1, 10 * HOLDS // MICROS, 10):
        world.hear(SAY[dialect](second), second)
    assert world.decoded == 10
    (vital,) = world.taker.vitals.collect().values()
    assert vital.messages == 30
    assert set(vital.health) == HEALTH[dialect]


def test_a_plan_ends_with_what_it_was_made_by() -> None:
    world = World("zigbee2mqtt")
    for second, word in ((1, "LOCK"), (2, "UNLOCK")):
        world.hear(door(second, lock=word), second)
    exposed = [{"type": "binary", "property": "lock", "value_on": "UNLOCK", "value_off": "LOCK"}]
    about = {"friendly_name": "hall door", "definition": {"exposes": exposed}}
    world.hear([about], 3, topic=b"zigbee2mqtt/bridge/devices")
    for second, word in ((4, "LOCK"), (5, "UNLOCK")):
        world.hear(door(second, lock=word), second)
    locked = world.device.points["lock"].series
    values = [row.value for row in world.judge.batch.rows if row.series == locked]
    assert values == [1, 0, 0, 1]
    # The two before, the list, and the first after it.
    assert world.decoded == 3


@dialects
@pytest.mark.parametrize("flags", [RETAINED, DUPLICATE])
def test_what_is_retained_or_sent_again_is_decoded(dialect: str, flags: int) -> None:
    world = World(dialect)
    world.hear(SAY[dialect](1), 1)
    world.hear(SAY[dialect](2), 2, flags)
    assert world.decoded == 2


@dialects
def test_what_is_converted_is_decoded(dialect: str) -> None:
    world = World(dialect, converted=True)
    for second in (1, 2):
        world.hear(SAY[dialect](second), second)
    assert world.decoded == 2


def test_who_else_listens_to_a_topic_is_asked_for_each_message() -> None:
    world = World("zigbee2mqtt")
    world.registry.listeners.append(replace(world.listener, source_id=UUID(int=9)))
    for second in (1, 2):
        world.hear(door(second), second)
    assert world.decoded == 2


def test_a_device_that_strays_is_found_out_in_ordinary_messages_too() -> None:
    world = World("chirpstack")
    say = {gateway: uplink(1)["rxInfo"][:1] for gateway in ("a", "b")}
    say["b"] = [{**say["b"][0], "gatewayId": "0016c001f153a149"}]
    world.hear(uplink(1) | {"rxInfo": say["a"]}, 1)
    conduct = world.registry.conduct[world.device.device_id]
    # From here on it belongs to a gateway, as after somebody has said so.
    conduct.path = "0016c001f153a141"
    world.hear(uplink(2) | {"rxInfo": say["a"]}, 2)
    assert conduct.stray is None
    world.hear(uplink(3) | {"rxInfo": say["b"]}, 3)
    assert conduct.stray == Way("wall", "0016c001f153a149")


def test_clocks_that_are_put_back_leave_the_time_to_the_decoder() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    for quick in (True, False):
        world = World("tasmota", quick=quick)
        world.listener.source = replace(world.listener.source, zone=berlin)
        # 2026-10-25 01:50 UTC is 02:50 again; an hour before it was 02:50 as well.
        said = ["01:59:50", "02:20:00", "02:50:00", "02:10:00", "02:50:30", "03:10:00", "08:00:00",
                "08:00:10"]  # fmt: skip
        for time in said:
            world.hear(meter(0) | {"Time": f"2026-10-25T{time}"}, 0)
        moments = [row.at for row in world.judge.batch.rows if row.series == 0]
        hours = [(at - moments[0]) // MICROS for at in moments]
        assert hours == [0, 1210, 3010, 4210, 6640, 7810, 25210, 25220]


_SCALARS = (
    st.floats(-60, 6_000)
    | st.integers(-60, 6_000)
    | st.booleans()
    | st.none()
    | st.sampled_from(["ON", "OFF", "LOCK", "UNLOCK", "low", "", "x", 2**64, 1e308, float("nan")])
)
_VALUES = _SCALARS | st.lists(_SCALARS, max_size=2) | st.dictionaries(
    st.sampled_from(["x", "Temperature", "Current", "Current.1", "1", "3", "Id", "", "timestamp"]),
    _SCALARS | st.lists(_SCALARS, max_size=2) | st.dictionaries(st.just("1"), _SCALARS),
    max_size=3,
)  # fmt: skip
_TIMES = st.sampled_from(
    [None, "", "nonsense", True, 0, -1, 1e300, 5, "2026-11-24T12:00:50", "2026-11-24T04:00:50Z",
     "2026-11-24T04:00:50.123456789+00:00", "2026-11-24T12:00:5", "2026-11-24T10+08:00",
     "20261124T120050.123", "2026-W48-2T12:00:55", "1970-01-01T00:00:09", "2030-01-01T00:00:00",
     "2026-11-24T04:00:50." + "0" * 40 + "+00:00", START / MICROS + 51, START // 1000 + 52_000]
)  # fmt: skip
_NAMES = {
    "zigbee2mqtt": ["temperature", "state", "open", "contact", "lock", "color", "color.x", "",
                    "device", "mode", "action", "ts", "battery"],
    "tasmota": ["BME280", "BME280.Temperature", "ENERGY", "ENERGY.Current", "POWER", "Switch1",
                "Wifi", "", "ts", "PN532", "IBEACON", "ZbReceived", "LwReceived"],
    "chirpstack": ["temperature", "temperatureSensor", "temperatureSensor.3", "leak", "battery",
                   "mode", "", "ts", "history"],
}  # fmt: skip
_TIME = {"zigbee2mqtt": "last_seen", "tasmota": "Time", "chirpstack": "time"}
_BESIDE: Mapping[str, Mapping[str, list[Any]]] = {
    "zigbee2mqtt": {"action": ["", "single", None, 5], "click": ["", "double", 7]},
    "tasmota": {"Epoch": [START / MICROS + 50, None, "x"], "PN532": [{"UID": "04A2"}],
                "ZbReceived": [{"0x4773": {"Device": "0x4773", "Temperature": 20}}]},
    "chirpstack": {
        "deviceInfo": [None, {}, {"devEui": ""}, {"devEui": "0" * 16}, {"devEui": 7}],
        "rxInfo": [None, [], {}, [7], [{}], [{"gatewayId": ""}], [{"gatewayId": "a", "snr": True}],
                   [{"gatewayId": "a", "rssi": -9, "snr": 1}, {"gatewayId": "b", "rssi": -8}],
                   [{"gatewayId": "b", "rssi": -9, "snr": 1}, {"gatewayId": "a", "snr": 1}]],
        "object": [None, {}, [], {"history": [{"timestamp": 1795492800, "temperature": 9}]}],
    },
}  # fmt: skip


@st.composite
def messages(
    draw: st.DrawFn, dialect: str, second: int, say: Callable[..., dict[str, Any]] | None = None
) -> Any:
    """An ordinary message to which something happened."""
    names = st.sampled_from(_NAMES[dialect])
    more = draw(st.dictionaries(names, _VALUES, max_size=3))
    said = (say or SAY[dialect])(second, **more)
    if draw(st.integers(0, 3)) == 0:
        said[_TIME[dialect]] = draw(_TIMES)
    if draw(st.integers(0, 3)) == 0:
        name = draw(st.sampled_from(sorted(_BESIDE[dialect])))
        said[name] = draw(st.sampled_from(_BESIDE[dialect][name]))
    for name in draw(st.lists(st.sampled_from(sorted(said)), max_size=2)):
        said.pop(name, None)
    whole = json.dumps(said).encode()
    if draw(st.integers(0, 9)) == 0:
        return draw(st.sampled_from([whole[:-1], b"", b"[]", b"7", b"[" + whole + b"]", b"\xff"]))
    if draw(st.integers(0, 9)) == 0:
        # One name twice, a text that is none, a number beyond all, and a name in disguise.
        first = [b'"temperature":1,', b'"beside":"\xff",', b'"a":1e999,', b'"\\u0074emperature":2,',
                 b'"BME280":{"Temperature":7,"Temperature":8},',
                 b'"object":{"temperature":9},']  # fmt: skip
        return b"{" + draw(st.sampled_from(first)) + whole[1:]
    return whole


@dialects
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_whatever_is_said_leaves_the_same(dialect: str, data: st.DataObject) -> None:
    one, other = World(dialect), World(dialect, quick=False)
    heard: list[tuple[bytes, float]] = [(json.dumps(SAY[dialect](0.5)).encode(), 0.5)]
    heard += [(data.draw(messages(dialect, second)), second) for second in (1, 2, 3, 50)]
    for said, second in heard:
        one.hear(said, second)
        other.hear(said, second)
    assert one.left() == other.left()


@dialects
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_so_does_whatever_is_said_after_what_is_alike(dialect: str, data: st.DataObject) -> None:
    one, other = World(dialect), World(dialect, quick=False)
    more = data.draw(st.dictionaries(st.sampled_from(_NAMES[dialect]), _SCALARS, max_size=2))
    say = partial(plain, dialect)
    heard: list[tuple[bytes, float]] = [
        (json.dumps(say(0.3, **more)).encode(), 0.3),
        (json.dumps(say(0.6, **more)).encode(), 0.6),
    ]
    # The first that isn't alike is seldom far from being so.
    heard += [(data.draw(messages(dialect, second, say)), second) for second in (1, 2, 50)]
    for said, second in heard:
        one.hear(said, second)
        other.hear(said, second)
    assert one.left() == other.left()
