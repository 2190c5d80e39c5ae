"""Home Assistant's discovery: valves, and how far covers and fans are, by ends of their own."""

from typing import Any

import pytest

from ingest.dialects import Decoded
from tests.ingest.dialects.following import Following


@pytest.fixture
def house() -> Following:
    return Following("homeassistant", "homeassistant/#")


def announced(house: Following, component: str, **said: Any) -> list[tuple[str, str | None]]:
    """Key and unit of each point of a component that is announced so."""
    (told,) = house.told(f"homeassistant/{component}/x/config", {"stat_t": "s", **said})
    assert told.described is not None
    return [(point.key, point.unit) for point in told.described.points]


@pytest.mark.parametrize(
    ("said", "payload", "told"),
    [
        ({}, b"closing", {"valve.x": "closing"}),
        ({}, b'{"state":"open"}', {"valve.x": "open"}),
        ({"stat_clsd": "shut"}, b"shut", {"valve.x": "shut"}),
        ({"reports_position": True}, b"35", {"valve.x": "open", "valve.x.position": 35}),
        ({"reports_position": True}, b"0", {"valve.x": "closed", "valve.x.position": 0}),
        ({"reports_position": True}, b"opening", {"valve.x": "opening"}),
        ({"reports_position": True}, b'{"state":"closing","position":12}',
         {"valve.x": "closing", "valve.x.position": 12}),
        ({"reports_position": True}, b'{"state":null,"position":60}',
         {"valve.x": "open", "valve.x.position": 60}),
        ({"reports_position": True, "pos_clsd": 200, "pos_open": 0}, b"150",
         {"valve.x": "open", "valve.x.position": 25}),
        ({"reports_position": True, "val_tpl": "{{ value_json.p }}"}, b'{"p":110}',
         {"valve.x": "open", "valve.x.position": 100}),
    ],
)  # fmt: skip
def test_a_valve_tells_its_state_and_how_far_it_is_open(
    house: Following, said: dict[str, Any], payload: bytes, told: dict[str, Any]
) -> None:
    points = announced(house, "valve", **said)
    assert points[0] == ("valve.x", None)
    assert points[1:] == ([("valve.x.position", "%")] if "reports_position" in said else [])
    assert house.reading("s", payload) == told


@pytest.mark.parametrize("payload", [b"7", b"ajar", b'{"state":"ajar"}', b'{"state":'])
def test_what_is_no_state_of_a_valve_is_quarantined(house: Following, payload: bytes) -> None:
    announced(house, "valve")
    result = house.hear("s", payload)
    assert isinstance(result, Decoded)
    (problem,) = result.problems
    assert problem.reason == ("bad_json" if payload.endswith(b":") else "wrong_type")
    assert house.spoken("s", b"None") == []


def test_a_cover_whose_ends_are_exchanged_is_open_at_its_open_end(house: Following) -> None:
    said = {"pos_t": "p", "pos_open": 0, "pos_clsd": 100, "tilt_status_t": "t", "tilt_max": 90}
    points = announced(house, "cover", **said)
    assert points[1:] == [("cover.x.position", "%"), ("cover.x.tilt", "%")]
    assert house.reading("p", b"0") == {"cover.x.position": 100}
    assert house.reading("p", b"70") == {"cover.x.position": 30}
    assert house.reading("t", b"45") == {"cover.x.tilt": 50}
    assert house.spoken("p", b"None") == []


def test_a_speed_of_a_fan_is_part_of_all_that_it_has(house: Following) -> None:
    announced(house, "fan", pct_stat_t="p", spd_rng_min=1, spd_rng_max=4)
    assert house.reading("p", b"3") == {"fan.x.percentage": 75}
    assert house.reading("p", b"0") == {"fan.x.percentage": 0}


def test_a_siren_may_tell_how_it_sounds(house: Following) -> None:
    announced(house, "siren", cmd_t="c")
    assert house.reading("s", b'{"state":"ON","tone":"bell"}') == {"siren.x": True}
    assert house.reading("s", b"OFF") == {"siren.x": False}
    assert house.spoken("s", b'{"tone":"bell"}') == []


def test_a_light_by_templates_is_on_and_off_in_small_letters(house: Following) -> None:
    announced(house, "light", schema="template", stat_tpl="{{ value.split(',')[0] }}")
    assert house.reading("s", b"on,40") == {"light.x": True}
    assert house.reading("s", b"off") == {"light.x": False}
