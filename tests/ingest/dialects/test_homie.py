"""Homie 5: values by their datatypes, moments, states of roots, and what devices describe."""

from typing import Any

import pytest

from ingest.decoding import Problem
from ingest.dialects import DescribedPoint
from tests.ingest.dialects.following import Following, check, shared

DESCRIPTION: dict[str, Any] = {
    "homie": "5.0", "version": 7, "name": "Boiler room", "children": ["probe"],
    "nodes": {
        "boiler": {
            "name": "Boiler",
            "properties": {
                "temperature": {"name": "Water", "datatype": "float", "unit": "°C"},
                "cycles": {"datatype": "integer", "unit": "#", "format": "0:100"},
                "burning": {"datatype": "boolean"},
                "mode": {"datatype": "enum", "format": "auto,manual,off", "settable": True},
                "note": {"datatype": "string"},
                "light": {"datatype": "color", "format": "rgb"},
                "bell": {"datatype": "enum", "format": "press,long", "retained": False},
                "door": {"datatype": "boolean", "retained": False},
            },
        }
    },
}  # fmt: skip
CHILD = {"homie": "5.0", "version": 1, "name": "Probe", "root": "hub", "parent": "hub", "nodes": {}}
SAMPLES = [
    ("homie/5/hub/$state", b"ready"),
    ("homie/5/hub/$description", DESCRIPTION),
    ("homie/5/probe/$description", CHILD),
    ("homie/5/hub/boiler/temperature", b"21.5"),
    ("homie/5/hub/boiler/mode", b"auto"),
    ("homie/5/hub/boiler/bell", b"press"),
    ("homie/5/hub/$alert/pressure", b"too high"),
    ("homie/5/hub/$state", b"lost"),
    ("homie/old/$homie", b"3.0.1"),
    ("homie/old/boiler/mode/$datatype", b"enum"),
    ("homie/old/boiler/mode/$format", b"auto,hand"),
    ("homie/old/boiler/mode", b"hand"),
    ("homie/old/$stats/signal", b"58"),
    ("homie/old/$state", b"alert"),
]


@pytest.fixture
def house() -> Following:
    return Following("homie", "homie/5/#")


@pytest.fixture
def described(house: Following) -> Following:
    house.told("homie/5/hub/$description", DESCRIPTION)
    return house


def test_a_device_describes_what_it_has(house: Following) -> None:
    (told,) = house.told("homie/5/hub/$description", DESCRIPTION)
    assert told.device == "hub"
    assert told.described is not None
    assert told.described.name == "Boiler room"
    assert list(told.described.points) == [
        DescribedPoint("boiler.temperature", "number", "°C", name="Boiler Water"),
        DescribedPoint("boiler.cycles", "number", name="Boiler cycles"),
        DescribedPoint("boiler.burning", "boolean", name="Boiler burning"),
        DescribedPoint("boiler.mode", "state", None, ("auto", "manual", "off"), "Boiler mode"),
        DescribedPoint("boiler.bell.press", "event", name="Boiler bell"),
        DescribedPoint("boiler.bell.long", "event", name="Boiler bell"),
        DescribedPoint("boiler.door", "event", name="Boiler door"),
    ]


@pytest.mark.parametrize(
    ("rest", "payload", "value"),
    [
        ("temperature", b"21.5", 21.5),
        ("temperature", b"21", 21),
        ("temperature", b"-1.5e2", -150.0),
        ("cycles", b"7", 7),
        ("cycles", b"9223372036854775807", 2.0**63),
        ("burning", b"true", True),
        ("burning", b"false", False),
        ("mode", b"off", "off"),
        ("note", b"42", "42"),
        ("unheard", b"21.5", 21.5),
        ("unheard", b"true", True),
        ("unheard", b"idle", "idle"),
    ],
)
def test_a_property_is_told_by_its_datatype(
    described: Following, rest: str, payload: bytes, value: Any
) -> None:
    fields = described.reading(f"homie/5/hub/boiler/{rest}", payload)
    assert fields == {f"boiler.{rest}": value}
    assert type(fields[f"boiler.{rest}"]) is type(value)


@pytest.mark.parametrize(
    ("rest", "payload"),
    [
        ("temperature", b"NaN"),
        ("temperature", b"Infinity"),
        ("temperature", b"warm"),
        ("cycles", b"1.5"),
        ("burning", b"TRUE"),
        ("burning", b"1"),
        ("mode", b"OFF"),
    ],
)
def test_a_value_that_the_datatype_has_not_is_quarantined(
    described: Following, rest: str, payload: bytes
) -> None:
    problem = described.hear(f"homie/5/hub/boiler/{rest}", payload)
    assert isinstance(problem, Problem)
    assert problem.reason == "wrong_type"


@pytest.mark.parametrize(
    ("rest", "payload"), [("note", b"\0"), ("note", b""), ("light", b"255,0,0"), ("door", b"false")]
)
def test_what_is_no_value_is_no_reading(described: Following, rest: str, payload: bytes) -> None:
    assert described.hear(f"homie/5/hub/boiler/{rest}", payload) is None


def test_a_property_that_is_not_retained_is_a_moment(described: Following) -> None:
    assert described.spoken("homie/5/hub/boiler/bell", b"long") == [
        ("hub", "event", {"event": "boiler.bell.long"})
    ]
    assert described.spoken("homie/5/hub/boiler/door", b"true") == [
        ("hub", "event", {"event": "boiler.door"})
    ]


@pytest.mark.parametrize(
    ("state", "online"),
    [("ready", [True]), ("sleeping", [True]), ("disconnected", [False]), ("lost", [False]),
     ("init", [])],
)  # fmt: skip
def test_a_state_is_a_status(house: Following, state: str, online: list[bool]) -> None:
    said = house.spoken("homie/5/hub/$state", state.encode())
    assert said == [("hub", "status", {"online": each}) for each in online]
    assert isinstance(house.hear("homie/5/hub/$state", b"alert"), Problem)


def test_children_are_lost_with_their_root_and_come_back_with_it(house: Following) -> None:
    house.told("homie/5/hub/$description", DESCRIPTION)
    house.told("homie/5/probe/$description", CHILD)
    house.told("homie/5/hub/$state", b"ready")
    probe = house.spoken("homie/5/probe/$state", b"ready")
    assert probe == [("probe", "status", {"online": True})]
    both = [(name, "status", {"online": False}) for name in ("hub", "probe")]
    assert house.spoken("homie/5/hub/$state", b"lost") == both
    # What a child says of itself does not count while its root is lost.
    assert house.spoken("homie/5/probe/$state", b"ready") == both[1:]
    back = [(name, "status", {"online": True}) for name in ("hub", "probe")]
    assert house.spoken("homie/5/hub/$state", b"ready") == back
    house.told("homie/5/probe/$state", b"disconnected")
    assert house.spoken("homie/5/hub/$state", b"ready") == [back[0], both[1]]


def test_a_root_that_is_away_as_it_should_be_says_nothing_of_its_children(
    house: Following,
) -> None:
    grandchild = {**CHILD, "parent": "probe"}
    house.told("homie/5/hub/$description", DESCRIPTION)
    house.told("homie/5/probe/$description", {**CHILD, "children": ["tip"]})
    house.told("homie/5/tip/$description", grandchild)
    for name in ("hub", "probe", "tip"):
        house.told(f"homie/5/{name}/$state", b"ready")
    for state, online in ((b"disconnected", False), (b"sleeping", True), (b"lost", False)):
        said = {name: fields["online"] for name, _, fields in house.spoken("homie/5/hub/$state",
                                                                          state)}  # fmt: skip
        children = state != b"lost"
        assert said == {"hub": online, "probe": children, "tip": children}
    # The root is named, and its own parent need not be known.
    house.memory.pop("parent/probe")
    assert house.spoken("homie/5/tip/$state", b"ready")[0][2] == {"online": False}


def test_blanks_around_states_mean_nothing(house: Following) -> None:
    one = {"datatype": "enum", "format": "auto, hand"}
    house.told("homie/5/p/$description", {"nodes": {"a": {"properties": {"b": one}}}})
    assert house.reading("homie/5/p/a/b", b"hand") == {"a.b": "hand"}


def test_families_in_a_circle_end(house: Following) -> None:
    for name, other in (("a", "b"), ("b", "a")):
        about = {"parent": other, "children": [other], "nodes": {}}
        house.told(f"homie/5/{name}/$description", about)
    house.told("homie/5/a/$state", b"ready")
    assert len(house.spoken("homie/5/b/$state", b"ready")) == 2


def test_a_removed_device_is_forgotten(described: Following) -> None:
    described.told("homie/5/hub/$state", b"ready")
    assert described.told("homie/5/hub/$state", b"") == []
    assert described.memory == {}
    assert described.hear("homie/5/hub/$state", b"") is None
    assert described.hear("homie/5/hub/$description", b"") is None


def test_an_alert_stands_until_it_is_taken_back(house: Following) -> None:
    topic = "homie/5/hub/$alert/pressure"
    assert house.reading(topic, b"too high") == {"alert.pressure": True}
    assert house.reading(topic, b"") == {"alert.pressure": False}


@pytest.mark.parametrize(
    ("wanted", "topic", "device"),
    [
        ("homie/5/#", "homie/5/hub/a/b", "hub"),
        ("+/5/#", "homie/5/hub/a/b", "hub"),
        ("+/5/#", "east/5/hub/a/b", "east.hub"),
        ("east/5/#", "east/5/hub/a/b", "hub"),
        ("#", "b1/east/5/hub/a/b", "b1.east.hub"),
    ],
)
def test_a_device_is_its_id_in_its_domain(wanted: str, topic: str, device: str) -> None:
    assert Following("homie", wanted).spoken(topic, b"1")[0][0] == device


def test_what_is_to_be_set_and_logged_is_nobodys_business(house: Following) -> None:
    for rest in ("hub/boiler/mode/set", "hub/boiler/mode/$target", "hub/$log/warn", "$broadcast/x",
                 "hub/$description/x", "hub"):  # fmt: skip
        assert house.hear(f"homie/5/{rest}", b"auto") is None
    for rest in (
        "hub/boiler/mode",
        "hub/$stats/signal",
        "hub/boiler/mode/set",
        "$broadcast/x",
        "x",
    ):
        assert house.hear(f"homie/{rest}", b"42") is None


EXPECTED: dict[str, Any] = {
    "device_removed": [],
    "property_value": [("super-car", "readings", {"engine.temperature": 21.5})],
    "state_lost_lwt": [("super-car", "status", {"online": False})],
    "state_ready": [("super-car", "status", {"online": True})],
}


@pytest.mark.parametrize("sample", shared("homie_v5"), ids=lambda one: str(one["name"]))
def test_every_sample_is_decoded(house: Following, sample: dict[str, Any]) -> None:
    said = house.spoken(sample["topic"], sample["payload_raw"].encode())
    assert said == EXPECTED[sample["name"]]


def test_what_is_told_can_be_used(house: Following) -> None:
    for topic, said in SAMPLES:
        check(house.hear(topic, said))
