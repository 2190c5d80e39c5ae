"""Homie 3 and 4, whose attributes stand on topics of their own."""

from typing import Any

import pytest

from ingest.decoding import Problem
from ingest.dialects import Decoded, DescribedPoint
from tests.ingest.dialects.following import Following, check

ATTRIBUTES = [
    ("$homie", b"4.0.0"),
    ("$name", "锅炉房".encode()),
    ("$nodes", b"boiler"),
    ("$extensions", b""),
    ("$implementation", b"esp8266"),
    ("$fw/name", b"boiler-firmware"),
    ("$fw/version", b"1.2.0"),
    ("boiler/$name", b"Boiler"),
    ("boiler/$type", b"V8"),
    ("boiler/$properties", b"water,burning,mode,bell,note"),
    ("boiler/water/$name", b"Water"),
    ("boiler/water/$datatype", b"float"),
    ("boiler/water/$unit", "°C".encode()),
    ("boiler/water/$format", b"-20:120"),
    ("boiler/burning/$name", b"Burning"),
    ("boiler/burning/$datatype", b"boolean"),
    ("boiler/burning/$settable", b"true"),
    ("boiler/mode/$datatype", b"enum"),
    ("boiler/mode/$format", b"auto,hand"),
    ("boiler/bell/$datatype", b"boolean"),
    ("boiler/bell/$retained", b"false"),
    ("boiler/note/$datatype", b"string"),
]
POINTS = {
    DescribedPoint("boiler.water", "number", "°C", name="Boiler Water"),
    DescribedPoint("boiler.burning", "boolean", name="Boiler Burning"),
    DescribedPoint("boiler.mode", "state", None, ("auto", "hand"), "Boiler mode"),
    DescribedPoint("boiler.bell", "event", name="Boiler bell"),
}


@pytest.fixture
def house() -> Following:
    return Following("homie", "homie/#")


@pytest.fixture
def hub(house: Following) -> Following:
    for topic, payload in ATTRIBUTES:
        house.told(f"homie/hub/{topic}", payload)
    return house


@pytest.mark.parametrize("order", [1, -1])
def test_attributes_describe_a_device_in_any_order(house: Following, order: int) -> None:
    told = []
    for topic, payload in ATTRIBUTES[::order]:
        told += house.told(f"homie/hub/{topic}", payload)
    described = told[-1].described
    assert told[-1].device == "hub"
    assert described is not None
    assert (described.name, described.model) == ("锅炉房", "boiler-firmware")
    assert set(described.points) == POINTS
    again = house.hear("homie/hub/boiler/$name", b"Boiler")
    assert isinstance(again, Decoded)
    assert again.remember == {}


@pytest.mark.parametrize(
    ("rest", "payload", "fields"),
    [
        ("water", b"21.5", {"boiler.water": 21.5}),
        ("burning", b"false", {"boiler.burning": False}),
        ("mode", b"hand", {"boiler.mode": "hand"}),
        ("note", b"42", {"boiler.note": "42"}),
        ("unheard", b"7", {"boiler.unheard": 7}),
        ("bell", b"true", {"event": "boiler.bell"}),
    ],
)
def test_a_property_is_told_by_its_datatype(
    hub: Following, rest: str, payload: bytes, fields: dict[str, Any]
) -> None:
    ((device, _, said),) = hub.spoken(f"homie/hub/boiler/{rest}", payload)
    assert (device, said) == ("hub", fields)


@pytest.mark.parametrize(("rest", "payload"), [("water", b"warm"), ("mode", b"off")])
def test_a_value_that_the_datatype_has_not_is_quarantined(
    hub: Following, rest: str, payload: bytes
) -> None:
    problem = hub.hear(f"homie/hub/boiler/{rest}", payload)
    assert isinstance(problem, Problem)
    assert problem.reason == "wrong_type"


@pytest.mark.parametrize(
    ("attribute", "word", "online", "alert"),
    [
        ("$state", "ready", True, False),
        ("$state", "alert", True, True),
        ("$state", "sleeping", True, None),
        ("$state", "disconnected", False, None),
        ("$state", "lost", False, None),
        ("$state", "init", None, None),
        ("$online", "true", True, None),
        ("$online", "false", False, None),
    ],
)
def test_a_state_is_a_status(
    house: Following, attribute: str, word: str, online: bool | None, alert: bool | None
) -> None:
    said = house.spoken(f"homie/hub/{attribute}", word.encode())
    status = [] if online is None else [("hub", "status", {"online": online})]
    readings = [] if alert is None else [("hub", "readings", {"alert": alert})]
    assert said == [*status, *readings]
    # Now it is one of Homie's, whose values count.
    assert house.reading("homie/hub/a/b", b"1") == {"a.b": 1}
    problem = house.hear(f"homie/hub/{attribute}", b"perhaps")
    assert isinstance(problem, Problem)
    assert problem.reason == "wrong_shape"


def test_members_of_an_array_are_told_by_the_attributes_of_the_array(hub: Following) -> None:
    hub.told("homie/hub/lights/level/$datatype", b"integer")
    assert hub.reading("homie/hub/lights_0/level", b"7") == {"lights_0.level": 7}
    assert isinstance(hub.hear("homie/hub/lights_0/level", b"bright"), Problem)


def test_statistics_tell_of_the_device_itself(hub: Following) -> None:
    assert hub.told("homie/hub/$stats/signal", b"58")[0].health == {"link_quality": 58}
    assert hub.told("homie/hub/$stats/battery", b"80")[0].health == {"battery": 80}
    for rest in ("uptime", "signal/x"):
        assert hub.hear(f"homie/hub/$stats/{rest}", b"99") is None


def test_a_removed_device_is_forgotten(hub: Following) -> None:
    assert hub.told("homie/hub/$homie") == []
    assert hub.memory == {}
    for rest, _ in ATTRIBUTES:
        hub.told(f"homie/hub/{rest}")
    assert hub.hear("homie/hub/boiler/water", b"21") is None


def test_what_is_none_of_homies_is_nobodys_business() -> None:
    house = Following("homie", "#")
    for topic in ("a/b/c/d", "homie/hub/boiler/water", "homie/hub/$stats/signal", "a", "a/$SYS/b",
                  "homie/$broadcast/alert", "homie/hub/$state", "homie/hub/$online"):  # fmt: skip
        assert house.hear(topic, b"21") is None


@pytest.mark.parametrize(
    ("wanted", "topic", "device"),
    [
        ("homie/#", "homie/hub/$state", "hub"),
        ("homie/hub/#", "homie/hub/$state", "hub"),
        ("+/+/#", "homie/hub/$state", "hub"),
        ("+/+/#", "devices/hub/$state", "devices.hub"),
        ("b1/devices/#", "b1/devices/hub/$state", "hub"),
    ],
)
def test_a_device_is_its_id_below_its_base(wanted: str, topic: str, device: str) -> None:
    assert Following("homie", wanted).spoken(topic, b"ready")[0][0] == device


def test_a_node_may_be_called_5(hub: Following) -> None:
    hub.told("homie/hub/5/level/$datatype", b"integer")
    assert hub.reading("homie/hub/5/level", b"7") == {"5.level": 7}
    assert hub.spoken("homie/5/other/$state", b"ready") == [("other", "status", {"online": True})]


def test_what_is_told_can_be_used(house: Following) -> None:
    for topic, said in [*ATTRIBUTES, ("$state", b"alert"), ("boiler/water", b"1e3")]:
        check(house.hear(f"homie/hub/{topic}", said))
