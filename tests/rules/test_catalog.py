"""The catalogue of asset types, and what a site adds to it."""

import pytest

from rules.catalog import Text, load_catalog, merge, shipped_catalog, state_number, state_text
from rules.located_yaml import LocatedYamlError


def test_the_shipped_catalogue_is_sound_and_in_both_languages() -> None:
    catalog = shipped_catalog()
    assert {"pump", "lift", "gateway", "smoke_detector"} <= set(catalog)
    for asset_type in catalog.values():
        names = [asset_type.name, *(point.name for point in asset_type.points.values())]
        assert all(name.en and name.zh for name in names)
    outlet = catalog["pump"].points["outlet_pressure"]
    assert (outlet.kind, outlet.unit, outlet.low, outlet.high) == ("number", "MPa", 0.0, 4.0)


def test_a_text_falls_back_to_the_other_language() -> None:
    assert Text("Pump", "水泵").get("zh-CN") == "水泵"
    assert Text("Pump", "水泵").get("en") == "Pump"
    assert Text("", "水泵").get("en") == "水泵"
    assert Text("Pump").get("zh") == "Pump"


def test_states_are_numbered_from_zero_in_order() -> None:
    mode = shipped_catalog()["lift"].points["mode"]
    assert state_number(mode, "idle") == 0
    assert state_number(mode, "fault") == 4
    assert state_text(mode, 4.0) == "fault"
    assert state_text(mode, 9.0) == "9"
    with pytest.raises(ValueError, match="did you mean 'fault'"):
        state_number(mode, "fualt")


def test_a_site_adds_types_and_points() -> None:
    extra = load_catalog(
        "pump:\n  points:\n    noise: {unit: dB}\nboiler: {name: {en: Boiler}}\n", "site.yaml"
    )
    merged = merge(shipped_catalog(), extra)
    assert merged["pump"].name.zh == "水泵"
    assert merged["pump"].points["noise"].unit == "dB"
    assert "flow" in merged["pump"].points
    assert merged["boiler"].name.en == "Boiler"
    assert "noise" not in shipped_catalog()["pump"].points


def test_every_problem_of_a_catalogue_is_told_at_once() -> None:
    with pytest.raises(LocatedYamlError) as caught:
        load_catalog(
            "pump:\n"
            "  points:\n"
            "    a: {kind: statee, unit: kpa}\n"
            "    and: {range: [2, 1], staes: [a]}\n"
            "    b: {kind: state}\n"
            "    c: {kind: boolean, unit: A}\n"
            "    d: {states: [x]}\n"
            "    e: {kind: state, states: [x, x]}\n"
            "    f: {range: 5}\n"
            "    g: {unit: kpa}\n"
            "any: {}\n"
            "lift: 5\n",
            "c.yaml",
        )
    assert [str(problem) for problem in caught.value.problems] == [
        "c.yaml:3:15: kind must be one of number, boolean, state, event",
        "c.yaml:3:29: only a number can have a unit",
        "c.yaml:4:5: 'and' can't be a name: use letters, digits and _, no reserved word",
        "c.yaml:4:18: the lowest value must be below the highest",
        "c.yaml:4:26: unknown key 'staes'; did you mean 'states'?",
        "c.yaml:5:8: a point of kind state needs its list of states",
        "c.yaml:6:30: only a number can have a unit",
        "c.yaml:7:9: only a point of kind state has states",
        "c.yaml:8:30: a state stands twice",
        "c.yaml:9:16: range must be two numbers: [lowest, highest]",
        "c.yaml:10:15: 'kpa' is not a unit; did you mean 'kPa'?",
        "c.yaml:11:1: 'any' can't be a name: use letters, digits and _, no reserved word",
        "c.yaml:12:7: a mapping is expected here",
    ]
